/* SPDX-License-Identifier: MIT */
/*
 * fixture - calls are letters to the worker; the test waits on a semaphore.
 * Threads: as fixture.h has it.
 */
#include "fixture.h"

#include "base/hash.h"
#include "data/read.h"
#include "net/worker.h"
#include "store/admin.h"

#include <inttypes.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARENA_MAX (4u << 20)

struct fixture {
    char dir[64];
    const struct data_spec *spec;
    struct store *store;
    struct admin *admin;
    struct data *data;
    struct tagclock *clock, *also;
    struct worker *worker;
    struct store_session *session;
    struct data_worker *dw;
    uint64_t followed;
    change_fn *change_fn;
    void *change_arg;
};

struct call;
typedef void call_fn(struct call *);
struct call {
    struct letter letter;
    struct fixture *f;
    call_fn *fn;
    sem_t done;
    struct arena arena;
    struct got *got;
    const char *resource, *query, *key, *json, *if_match;
    struct viewer viewer;
    enum write_op op;
    json_t *body;
    struct data_read read;
    struct data_write write;
    struct changes_read changes;
    unsigned count;
};

static void on_letter(struct worker *w, struct letter *l)
{
    struct call *c = CONTAINER_OF(l, struct call, letter);

    c->fn(c);
}

static void call_run(struct fixture *f, struct call *c, call_fn *fn)
{
    c->f = f;
    c->fn = fn;
    c->letter.fn = on_letter;
    arena_init(&c->arena, ARENA_MAX);
    sem_init(&c->done, 0, 0);
    worker_post(f->worker, &c->letter);
    sem_wait(&c->done);
    sem_destroy(&c->done);
    arena_fini(&c->arena);
}

static char *copied(struct bytes b)
{
    char *s = malloc(b.len + 1);

    if (b.len)
        memcpy(s, b.at, b.len);
    s[b.len] = '\0';
    return s;
}

/* Life cycle. */

static int on_start(struct worker *w, void *arg)
{
    struct fixture *f = arg;
    int error = store_session_open(&f->session, f->store, worker_loop(w), NULL);

    return error ? error
                 : data_worker_new(&f->dw, f->data, f->session, f->clock);
}

static void on_stop(struct worker *w, void *arg)
{
    struct fixture *f = arg;

    data_worker_free(&f->dw);
    store_session_close(&f->session);
}

static void worker_begin(struct fixture *f)
{
    static const struct worker_events events = {on_start, on_stop};

    assert_int_equal(worker_new(&f->worker, "test", 0, &events, f), 0);
    assert_int_equal(worker_start(f->worker), 0);
}

static void worker_end(struct fixture *f)
{
    worker_stop(f->worker);
    worker_join(f->worker);
    worker_free(&f->worker);
}

static void on_commit(const struct change *c, void *arg)
{
    struct fixture *f = arg;

    data_change_apply(f->data, f->clock, c);
    if (!f->also)
        return;
    data_change_apply(f->data, f->also, c);
    tagclock_advance(f->also, c->offset);
}

static void on_wake(void *arg)
{
}

static void migrate(struct fixture *f, const char *schema)
{
    struct publish_spec publish[16];
    struct store_detail detail;
    size_t count = data_publish_specs(f->spec, publish, ARRAY_LEN(publish));
    char dir[80], path[128];
    FILE *file;

    (void)snprintf(dir, sizeof(dir), "%s/m", f->dir);
    assert_int_equal(mkdir(dir, 0700), 0);
    (void)snprintf(path, sizeof(path), "%s/0001_first.sql", dir);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(schema, file) >= 0);
    assert_int_equal(fclose(file), 0);
    if (admin_migrate(f->admin, dir, publish, count, NULL, NULL, &detail))
        fail_msg("migrate: %s", detail.text);
    (void)unlink(path);
    (void)rmdir(dir);
}

struct fixture *fixture_new(const struct data_spec *spec, const char *schema)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct store_detail detail;
    struct store_options o = {
        .url = BYTES("sqlite:test.db"),
        .create = true,
        .on_commit = on_commit,
        .on_wake = on_wake,
        .arg = f,
    };

    strcpy(f->dir, "/tmp/fieldline-data-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    o.data_dir = bytes_of(f->dir);
    f->spec = spec;
    assert_int_equal(tagclock_new(&f->clock, 1 << 20), 0);
    if (store_open(&f->store, &o, &detail) ||
        admin_open(&f->admin, f->store, &detail))
        fail_msg("open: %s", detail.text);
    migrate(f, schema);
    if (data_new(&f->data, spec, f->store, f->admin, &detail))
        fail_msg("data_new: %s", detail.text);
    assert_int_equal(data_cursor_key(f->data, BYTES("a secret")), 0);
    worker_begin(f);
    return f;
}

void fixture_restart(struct fixture *f, const char *secret)
{
    struct store_detail detail;

    worker_end(f);
    data_free(&f->data);
    assert_int_equal(data_new(&f->data, f->spec, f->store, f->admin, &detail),
                     0);
    assert_int_equal(data_cursor_key(f->data, bytes_of(secret)), 0);
    worker_begin(f);
}

void fixture_free(struct fixture *f)
{
    static const char *const files[] = {"test.db", "test.db-wal",
                                        "test.db-shm"};
    char path[128];

    worker_end(f);
    data_free(&f->data);
    admin_close(&f->admin);
    store_close(&f->store);
    tagclock_free(&f->clock);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", f->dir, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(f->dir);
    free(f);
}

struct data *fixture_data(struct fixture *f)
{
    return f->data;
}

struct tagclock *fixture_clock(struct fixture *f)
{
    return f->clock;
}

struct store *fixture_store(struct fixture *f)
{
    return f->store;
}

void fixture_clock_also(struct fixture *f, struct tagclock *clock)
{
    f->also = clock;
}

void fixture_sql(struct fixture *f, const char *sql)
{
    struct store_detail detail;

    if (admin_script(f->admin, bytes_of(sql), &detail))
        fail_msg("%s: %s", sql, detail.text);
}

static void on_value(const struct store_row *row, void *arg)
{
    char **ret = arg;
    struct value v = store_row_get(row, 0);
    struct buf b;

    buf_init(&b, ARENA_MAX);
    value_write_text(&b, &v);
    free(*ret);
    *ret = copied(buf_bytes(&b));
    buf_fini(&b);
}

char *fixture_value(struct fixture *f, const char *sql)
{
    struct store_detail detail;
    char *ret = copied(BYTES(""));

    if (admin_run(f->admin, bytes_of(sql), NULL, 0, on_value, &ret, &detail))
        fail_msg("%s: %s", sql, detail.text);
    return ret;
}

/* The feed. */

static void on_change(const struct change *change, void *arg)
{
    struct call *c = arg;
    struct fixture *f = c->f;

    data_change_apply(f->data, f->clock, change);
    f->followed = change->offset;
    if (f->change_fn)
        f->change_fn(change, f->change_arg);
}

static void on_changes(struct changes_read *r, int error)
{
    struct call *c = r->arg;

    c->got->error = error;
    c->count = r->count;
    sem_post(&c->done);
}

static void call_changes(struct call *c)
{
    c->changes = (struct changes_read){
        .after = c->f->followed,
        .upto = UINT64_MAX,
        .limit = CHANGES_LIMIT_MAX,
        .change_fn = on_change,
        .done_fn = on_changes,
        .arg = c,
    };
    store_changes_read(c->f->session, &c->changes);
}

uint64_t fixture_follow(struct fixture *f, change_fn *fn, void *arg)
{
    struct got got = {0};
    struct call *c;

    f->change_fn = fn;
    f->change_arg = arg;
    do {
        c = calloc(1, sizeof(*c));
        c->got = &got;
        call_run(f, c, call_changes);
        assert_int_equal(got.error, 0);
    } while (c->count == CHANGES_LIMIT_MAX && (free(c), true));
    free(c);
    tagclock_advance(f->clock, f->followed);
    return f->followed;
}

/* Reads. */

static int query_given(struct query *q, const char *query,
                       struct data_worker *dw)
{
    struct bytes left = bytes_of(query), pair, name, value;
    bool more = left.len > 0;
    int error = 0;

    while (more && !error) {
        more = bytes_cut(left, '&', &pair, &left);
        bytes_cut(pair, '=', &name, &value);
        if (pair.len)
            error = query_add(q, name, value);
    }
    return error ? error : query_finish(q, dw);
}

static void on_read(struct data_read *r, int error)
{
    struct call *c = r->arg;
    struct got *g = c->got;

    g->error = error;
    g->mistake = r->query.mistake;
    g->body = copied(error ? BYTES("") : buf_bytes(&r->body));
    g->next = copied(error ? BYTES("") : buf_bytes(&r->next));
    g->tags = r->tags;
    g->cacheable = r->cacheable;
    g->version = r->version;
    if (error == ERR_STORE || error == ERR_INTERNAL)
        print_error("store: %s\n", r->detail.text);
    data_read_fini(r);
    sem_post(&c->done);
}

static void call_refused(struct call *c, int error, const struct mistake *m)
{
    c->got->error = error;
    c->got->mistake = *m;
    c->got->body = copied(BYTES(""));
    c->got->next = copied(BYTES(""));
    sem_post(&c->done);
}

static const struct data_resource *call_resource(const struct call *c)
{
    return data_resource_named(c->f->data, bytes_of(c->resource));
}

static void call_read(struct call *c)
{
    struct data_read *r = &c->read;
    int error = query_init(&r->query, call_resource(c), &c->viewer, &c->arena);

    if (!error)
        error = query_given(&r->query, c->query, c->f->dw);
    if (error) {
        call_refused(c, error, &r->query.mistake);
        return;
    }
    r->done_fn = on_read;
    r->arg = c;
    if (c->key)
        data_item(c->f->dw, r, bytes_of(c->key));
    else
        data_list(c->f->dw, r);
}

static struct call *call_new(struct who who, const char *resource,
                             struct got *got)
{
    struct call *c = calloc(1, sizeof(*c));

    memset(got, 0, sizeof(*got));
    c->viewer =
        (struct viewer){bytes_of(who.tenant), bytes_of(who.user), who.roles};
    c->resource = resource;
    c->got = got;
    return c;
}

void fixture_list(struct fixture *f, struct who who, const char *resource,
                  const char *query, struct got *got)
{
    fixture_item(f, who, resource, NULL, query, got);
}

void fixture_item(struct fixture *f, struct who who, const char *resource,
                  const char *key, const char *query, struct got *got)
{
    struct call *c = call_new(who, resource, got);

    c->query = query;
    c->key = key;
    call_run(f, c, call_read);
    got->key = copied(BYTES(""));
    free(c);
}

/* Writes. */

static void on_write(struct data_write *w, int error)
{
    struct call *c = w->arg;
    struct got *g = c->got;

    g->error = error;
    g->mistake = w->mistake;
    g->body = copied(error ? BYTES("") : buf_bytes(&w->body_out));
    g->key = copied(error ? BYTES("") : buf_bytes(&w->key_out));
    g->next = copied(BYTES(""));
    g->version = w->version;
    g->offset = w->offset;
    data_write_fini(w);
    json_decref(c->body);
    sem_post(&c->done);
}

static void call_write(struct call *c)
{
    struct data_write *w = &c->write;
    int error = query_init(&w->query, call_resource(c), &c->viewer, &c->arena);

    if (error) {
        c->got->key = copied(BYTES(""));
        json_decref(c->body);
        call_refused(c, error, &w->query.mistake);
        return;
    }
    w->op = c->op;
    w->key = bytes_of(c->key);
    w->body = c->body;
    w->if_match = bytes_of(c->if_match);
    w->done_fn = on_write;
    w->arg = c;
    data_write(c->f->dw, w);
}

void fixture_write(struct fixture *f, struct who who, enum write_op op,
                   const char *resource, const char *key, const char *json,
                   const char *if_match, struct got *got)
{
    struct call *c = call_new(who, resource, got);

    c->op = op;
    c->key = key;
    c->if_match = if_match;
    if (json) {
        c->body = json_loads(json, 0, NULL);
        assert_non_null(c->body);
    }
    call_run(f, c, call_write);
    free(c);
}

static void on_warm(unsigned statements, int error, void *arg)
{
    struct call *c = arg;

    c->count = statements;
    c->got->error = error;
    sem_post(&c->done);
}

static void call_warm(struct call *c)
{
    data_worker_warm(c->f->dw, on_warm, c);
}

unsigned fixture_warm(struct fixture *f)
{
    struct got got = {0};
    struct call *c = calloc(1, sizeof(*c));
    unsigned count;

    c->got = &got;
    call_run(f, c, call_warm);
    assert_int_equal(got.error, 0);
    count = c->count;
    free(c);
    return count;
}

void got_fini(struct got *g)
{
    free(g->body);
    free(g->next);
    free(g->key);
    memset(g, 0, sizeof(*g));
}

/* Dice. */

void dice_new(struct dice *d, const char *test)
{
    const char *given = getenv("FIELDLINE_SEED");

    if (given)
        d->state = strtoull(given, NULL, 0);
    else
        random_bytes(&d->state, sizeof(d->state));
    print_message("%s: FIELDLINE_SEED=%" PRIu64 "\n", test, d->state);
}

unsigned dice_below(struct dice *d, unsigned n)
{
    d->state += 0x9e3779b97f4a7c15u;
    return (unsigned)(hash_mix(d->state) >> 32) % n;
}
