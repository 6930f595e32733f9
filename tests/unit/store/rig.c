/* SPDX-License-Identifier: MIT */
/*
 * rig - see rig.h. Threads: the test's and the worker's.
 */
#include "rig.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/loop.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct errand {
    struct letter letter;
    struct rig *rig;
    rig_fn *fn;
    void *arg;
};

static void on_commit(const struct change *c, void *arg)
{
    struct rig *r = arg;

    pthread_mutex_lock(&r->lock);
    assert_true(c->offset > r->committed_offset); /* in order, each once */
    r->commits++;
    r->committed_offset = c->offset;
    r->committed_op = c->op;
    pthread_mutex_unlock(&r->lock);
}

static void on_wake(void *arg)
{
    struct rig *r = arg;

    pthread_mutex_lock(&r->lock);
    r->wakes++;
    if (r->wake_fn)
        r->wake_fn(r->wake_arg);
    pthread_mutex_unlock(&r->lock);
}

static int on_start(struct worker *w, void *arg)
{
    struct rig *r = arg;

    return store_session_open(&r->session, r->store, worker_loop(w), NULL);
}

static void on_stop(struct worker *w, void *arg)
{
    store_session_close(&((struct rig *)arg)->session);
}

static void rig_start(struct rig *r, unsigned busy_ms)
{
    static const struct worker_events events = {on_start, on_stop};
    struct store_options o = {.url = r->url[0] ? bytes_of(r->url)
                                               : BYTES("sqlite:t.db"),
                              .data_dir = bytes_of(r->dir),
                              .create = true,
                              .on_commit = on_commit,
                              .on_wake = on_wake,
                              .busy_ms = busy_ms,
                              .arg = r};

    log_level_set(LOG_OFF);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->turned, NULL);
    assert_int_equal(store_open(&r->store, &o, &r->detail), 0);
    assert_int_equal(worker_new(&r->worker, "rig", 0, &events, r), 0);
    assert_int_equal(worker_start(r->worker), 0);
}

void rig_shut(struct rig *r)
{
    worker_stop(r->worker);
    worker_join(r->worker);
    worker_free(&r->worker);
    store_close(&r->store);
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->turned);
}

static void rig_fill(struct rig *r, const char *schema,
                     const struct publish_spec *specs, size_t spec_count)
{
    struct admin *a;

    assert_int_equal(admin_open(&a, r->store, &r->detail), 0);
    if (admin_script(a, bytes_of(schema), &r->detail))
        fail_msg("schema: %s", r->detail.text);
    if (admin_migrate(a, NULL, specs, spec_count, NULL, NULL, &r->detail))
        fail_msg("migrate: %s", r->detail.text);
    admin_close(&a);
}

void rig_open(struct rig *r, const char *schema,
              const struct publish_spec *specs, size_t spec_count)
{
    memset(r, 0, sizeof(*r));
    strcpy(r->dir, "/tmp/fieldline-store-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    rig_start(r, 0);
    rig_fill(r, schema, specs, spec_count);
}

void rig_open_url(struct rig *r, const char *url, const char *schema,
                  const struct publish_spec *specs, size_t spec_count)
{
    memset(r, 0, sizeof(*r));
    (void)snprintf(r->url, sizeof(r->url), "%s", url);
    rig_start(r, 0);
    rig_fill(r, schema, specs, spec_count);
}

void rig_open_at(struct rig *r, const char *dir, unsigned busy_ms)
{
    memset(r, 0, sizeof(*r));
    (void)snprintf(r->dir, sizeof(r->dir), "%s", dir);
    rig_start(r, busy_ms);
}

void rig_reopen(struct rig *r, unsigned busy_ms)
{
    rig_shut(r);
    rig_start(r, busy_ms);
}

void rig_close(struct rig *r)
{
    struct dirent *entry;
    char path[400];
    DIR *d;

    rig_shut(r);
    d = opendir(r->dir);
    assert_non_null(d);
    while ((entry = readdir(d))) {
        (void)snprintf(path, sizeof(path), "%s/%s", r->dir, entry->d_name);
        (void)unlink(path);
    }
    closedir(d);
    assert_int_equal(rmdir(r->dir), 0);
}

/* --- errands ----------------------------------------------------------- */

static void on_errand(struct worker *w, struct letter *letter)
{
    struct errand *e = CONTAINER_OF(letter, struct errand, letter);

    e->fn(e->rig, e->arg);
}

void rig_turn(struct rig *r)
{
    pthread_mutex_lock(&r->lock);
    r->turn_done = true;
    pthread_cond_signal(&r->turned);
    pthread_mutex_unlock(&r->lock);
}

void rig_on_worker(struct rig *r, rig_fn *fn, void *arg)
{
    struct errand e = {.letter.fn = on_errand, .rig = r, .fn = fn, .arg = arg};

    pthread_mutex_lock(&r->lock);
    r->turn_done = false;
    worker_post(r->worker, &e.letter);
    while (!r->turn_done)
        pthread_cond_wait(&r->turned, &r->lock);
    pthread_mutex_unlock(&r->lock);
}

/* --- calls ------------------------------------------------------------- */

struct store_statement *rig_statement(struct rig *r, enum store_class work,
                                      const char *sql)
{
    struct store_statement *st = NULL;

    if (store_statement_new(&st, r->store, work, bytes_of(sql), &r->detail))
        fail_msg("%s: %s", sql, r->detail.text);
    return st;
}

void rig_row_text(const struct store_row *row, void *arg)
{
    struct rig *r = arg;
    struct buf b;

    buf_init(&b, RIG_TEXT_MAX);
    for (unsigned i = 0; i < store_row_count(row); i++) {
        struct value v = store_row_get(row, i);

        if (i)
            buf_append_char(&b, '|');
        value_write_text(&b, &v);
    }
    buf_append_char(&b, '\n');
    assert_int_equal(buf_error(&b), 0);
    assert_true(r->text_len + b.len < RIG_TEXT_MAX);
    memcpy(r->text + r->text_len, b.at, b.len);
    r->text_len += b.len;
    r->text[r->text_len] = '\0';
    buf_fini(&b);
}

struct reading {
    struct rig *rig;
    struct store_read read;
    int error;
};

static void on_row(const struct store_row *row, void *arg)
{
    rig_row_text(row, ((struct reading *)arg)->rig);
}

static void on_read(struct store_read *read, int error)
{
    struct reading *g = read->arg;

    g->error = error;
    rig_turn(g->rig);
}

static void start_read(struct rig *r, void *arg)
{
    store_read(r->session, &((struct reading *)arg)->read);
}

static void text_clear(struct rig *r)
{
    r->text_len = 0;
    r->text[0] = '\0';
}

int rig_read(struct rig *r, struct store_statement *st,
             const struct value *params, unsigned param_count)
{
    struct reading g = {.rig = r,
                        .read = {.statement = st,
                                 .params = params,
                                 .param_count = param_count,
                                 .row_fn = on_row,
                                 .done_fn = on_read,
                                 .arg = &g,
                                 .detail = &r->detail}};

    text_clear(r);
    rig_on_worker(r, start_read, &g);
    return g.error;
}

int rig_query(struct rig *r, const char *sql)
{
    struct store_statement *st = rig_statement(r, STORE_CLASS_READ, sql);
    int error = rig_read(r, st, NULL, 0);

    store_statement_unref(&st);
    return error;
}

struct writing {
    struct rig *rig;
    struct store_write write;
    int error;
};

static void on_write(struct store_write *write, int error)
{
    struct writing *g = write->arg;

    g->error = error;
    rig_turn(g->rig);
}

static void start_write(struct rig *r, void *arg)
{
    store_write(r->session, &((struct writing *)arg)->write);
}

int rig_write(struct rig *r, const char *sql, const struct value *params,
              unsigned param_count, uint64_t *offset)
{
    struct store_step step = {.statement =
                                  rig_statement(r, STORE_CLASS_WRITE, sql),
                              .params = params,
                              .param_count = param_count};
    struct writing g = {
        .rig = r,
        .write = {
            .steps = &step, .step_count = 1, .done_fn = on_write, .arg = &g}};

    rig_on_worker(r, start_write, &g);
    store_statement_unref(&step.statement);
    r->detail = g.write.detail;
    if (offset)
        *offset = g.write.offset;
    return g.error;
}

int rig_shell(struct rig *r, const char *sql)
{
    char command[4096];

    (void)snprintf(command, sizeof(command),
                   "sqlite3 -cmd '.timeout 2000' %s/t.db \"%s\" 2>&1", r->dir,
                   sql);

    FILE *out = popen(command, "re");
    size_t got;

    assert_non_null(out);
    text_clear(r);
    got = fread(r->text, 1, RIG_TEXT_MAX - 1, out);
    r->text_len = got;
    r->text[got] = '\0';
    return pclose(out);
}

void rig_shows(struct rig *r, const char *want)
{
    check_bytes((struct bytes){r->text, r->text_len}, want);
}

struct changing {
    struct rig *rig;
    struct changes_read read;
    int error;
};

static void on_change(const struct change *c, void *arg)
{
    static const char letters[] = "IUDRP";
    struct rig *r = ((struct changing *)arg)->rig;
    int len = snprintf(r->text + r->text_len, RIG_TEXT_MAX - r->text_len,
                       "%c " BYTES_FMT " " BYTES_FMT " t=" BYTES_FMT
                       " " BYTES_FMT " " BYTES_FMT " w=" BYTES_FMT "\n",
                       letters[c->op], BYTES_ARG(c->table), BYTES_ARG(c->key),
                       BYTES_ARG(c->tenant), BYTES_ARG(c->row),
                       BYTES_ARG(c->old), BYTES_ARG(c->writer));

    assert_true(len > 0 && r->text_len + (size_t)len < RIG_TEXT_MAX);
    assert_true(c->at_us > 0);
    r->text_len += (size_t)len;
}

static void on_changes(struct changes_read *read, int error)
{
    struct changing *g = read->arg;

    g->error = error;
    rig_turn(g->rig);
}

static void start_changes(struct rig *r, void *arg)
{
    store_changes_read(r->session, &((struct changing *)arg)->read);
}

void rig_changes(struct rig *r, uint64_t after)
{
    struct changing g = {.rig = r,
                         .read = {.after = after,
                                  .upto = UINT64_MAX,
                                  .limit = CHANGES_LIMIT_MAX,
                                  .change_fn = on_change,
                                  .done_fn = on_changes,
                                  .arg = &g}};

    text_clear(r);
    rig_on_worker(r, start_changes, &g);
    assert_int_equal(g.error, 0);
}

struct stating {
    struct rig *rig;
    struct feed_state_read read;
    int error;
};

static void on_state(struct feed_state_read *read, int error)
{
    struct stating *g = read->arg;

    g->error = error;
    rig_turn(g->rig);
}

static void start_state(struct rig *r, void *arg)
{
    store_feed_state(r->session, &((struct stating *)arg)->read);
}

int rig_feed_state(struct rig *r, struct feed_state *ret, bool *unchanged)
{
    struct stating g = {.rig = r, .read = {.done_fn = on_state, .arg = &g}};

    rig_on_worker(r, start_state, &g);
    *ret = g.read.state;
    *unchanged = g.read.unchanged;
    return g.error;
}
