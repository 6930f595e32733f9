/* SPDX-License-Identifier: MIT */
/*
 * sqlite - the file, the sessions and the reads that run on the spot.
 * Threads: as store.h has it.
 */
#include "store/sqlite.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "net/loop.h"
#include "store/sqlite_admin.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- the store --------------------------------------------------------- */

static int path_make(struct sqlite_store *s, struct store_detail *detail)
{
    struct bytes file = bytes_skip(s->base.options.url, strlen("sqlite:"));
    struct bytes dir = s->base.options.data_dir;
    bool beside = dir.len && file.len && file.at[0] != '/';
    size_t size = dir.len + 1 + file.len + 1;

    if (!file.len || file.at[0] == ':') {
        store_detail_set(detail, "",
                         "sqlite: names a file; one in memory would not be "
                         "there after a restart");
        return ERR_INVALID;
    }
    s->path = mem_zalloc(1, size);
    if (!s->path)
        return ERR_NOMEM;
    (void)snprintf(s->path, size, BYTES_FMT "%s" BYTES_FMT,
                   BYTES_ARG(beside ? dir : bytes_of(NULL)), beside ? "/" : "",
                   BYTES_ARG(file));
    return 0;
}

/* The file is created here, so that only its owner's group may read it. */
static int file_make(struct sqlite_store *s, struct store_detail *detail)
{
    int fd;

    if (access(s->path, F_OK) == 0)
        return 0;
    if (!s->base.options.create) {
        store_detail_set(detail, "", "%s does not exist", s->path);
        return ERR_NOT_FOUND;
    }
    if (s->base.data_dir[0])
        (void)mkdir(s->base.data_dir, 0750);
    fd = open(s->path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0640);
    if (fd < 0) {
        store_detail_set(detail, "", "%s cannot be created", s->path);
        return ERR_STORE;
    }
    close(fd);
    return 0;
}

static void on_meta(const struct store_row *row, void *arg)
{
    struct value epoch = store_row_get(row, 0), head = store_row_get(row, 1);

    store_epoch_set(arg, epoch.bytes);
    if (head.kind == VALUE_INT)
        store_seen(arg, (uint64_t)head.integer);
}

/* Before the first migrate there is no table, and that is no error. */
static void epoch_read(struct sqlite_store *s)
{
    int error =
        conn_once(s->common,
                  BYTES("SELECT value, (SELECT seq FROM sqlite_sequence WHERE"
                        " name = 'fieldline_changes') FROM fieldline_meta"
                        " WHERE name = 'epoch'"),
                  NULL, 0, on_meta, &s->base, NULL);

    (void)error;
}

/* --- the connection in common ------------------------------------------ */

int sqlite_common_take(struct sqlite_store *s, struct conn **ret,
                       struct store_detail *detail)
{
    struct conn *c;

    pthread_mutex_lock(&s->common_lock);
    c = s->common;
    s->common = NULL;
    pthread_mutex_unlock(&s->common_lock);
    if (!c)
        return conn_open(ret, s->path, CONN_COMMON, s->busy_ms, detail);
    *ret = c;
    return 0;
}

void sqlite_common_give(struct sqlite_store *s, struct conn *c)
{
    pthread_mutex_lock(&s->common_lock);
    if (!s->common) {
        s->common = c;
        c = NULL;
    }
    pthread_mutex_unlock(&s->common_lock);
    conn_close(&c);
}

static int sqlite_open(struct store *base, struct store_detail *detail)
{
    struct sqlite_store *s = sqlite_store_of(base);
    int error;

    pthread_mutex_init(&s->common_lock, NULL);
    pthread_mutex_init(&s->check_lock, NULL);
    pthread_mutex_init(&s->orphans_lock, NULL);
    list_init(&s->orphans);
    s->busy_ms = base->options.busy_ms ? base->options.busy_ms : SQLITE_BUSY_MS;
    error = path_make(s, detail);
    if (!error)
        error = file_make(s, detail);
    if (!error)
        error = conn_open(&s->common, s->path, CONN_COMMON, s->busy_ms, detail);
    if (error)
        return error;
    epoch_read(s);
    error = readers_new(&s->readers, s);
    return error ? error : writer_new(&s->writer, s);
}

static void session_destroy(struct sqlite_session *);

static void sqlite_close(struct store *base)
{
    struct sqlite_store *s = sqlite_store_of(base);

    writer_free(&s->writer);
    readers_free(&s->readers);
    if (s->path) { /* else nothing was opened */
        LIST_EACH_SAFE (&s->orphans, link, after)
            session_destroy(CONTAINER_OF(link, struct sqlite_session, orphan));
        conn_close(&s->common);
    }
    pthread_mutex_destroy(&s->common_lock);
    pthread_mutex_destroy(&s->check_lock);
    pthread_mutex_destroy(&s->orphans_lock);
    mem_free(s->path);
}

int sqlite_thread_start(pthread_t *ret, const char *name, void *(*fn)(void *),
                        void *arg)
{
    sigset_t all, before;
    int rc;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(ret, NULL, fn, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc)
        return ERR_NOMEM;
    (void)pthread_setname_np(*ret, name);
    return 0;
}

static int sqlite_statement_check(struct store_statement *st,
                                  struct store_detail *detail)
{
    struct sqlite_statement *mine = (struct sqlite_statement *)(void *)st;
    struct sqlite_store *s = sqlite_store_of(st->store);
    struct conn *c;
    int error;

    pthread_mutex_lock(&s->check_lock);
    error = sqlite_common_take(s, &c, detail);
    if (!error) {
        error = plan_check(c, st, &mine->is_short, detail);
        sqlite_common_give(s, c);
    }
    pthread_mutex_unlock(&s->check_lock);
    return error;
}

/* --- what the threads bring back --------------------------------------- */

static void read_end(struct sqlite_session *s, struct store_read *read,
                     uint64_t started_ns, int error)
{
    store_count(&s->base, read->statement->work, started_ns, error);
    read->done_fn(read, error);
}

static void job_answer(struct read_job *job)
{
    if (!job->error)
        rows_deliver(&job->rows, job->read->row_fn, job->read->arg);
    rows_fini(&job->rows);
    read_end(job->session, job->read, job->started_ns, job->error);
    mem_free(job);
}

static void write_answer(struct store_write *w)
{
    store_count(w->session, STORE_CLASS_WRITE, w->started_ns, w->error);
    w->done_fn(w, w->error);
}

static void list_move(struct list *from, struct list *to)
{
    list_init(to);
    if (list_empty(from))
        return;
    *to = *from;
    to->next->prev = to;
    to->prev->next = to;
    list_init(from);
}

static void session_answer(struct sqlite_session *s)
{
    struct list reads, writes;

    pthread_mutex_lock(&s->lock);
    list_move(&s->reads, &reads);
    list_move(&s->writes, &writes);
    pthread_mutex_unlock(&s->lock);
    LIST_EACH_SAFE (&writes, link, after) {
        list_remove(link);
        write_answer(CONTAINER_OF(link, struct store_write, link));
    }
    LIST_EACH_SAFE (&reads, job, next) {
        list_remove(job);
        job_answer(CONTAINER_OF(job, struct read_job, link));
    }
}

static void on_mail(struct worker *worker, struct letter *mail)
{
    struct sqlite_session *s = CONTAINER_OF(mail, struct sqlite_session, mail);
    bool closed;

    pthread_mutex_lock(&s->lock);
    s->mail_posted = false;
    closed = s->closing;
    pthread_mutex_unlock(&s->lock);
    if (closed)
        session_destroy(s);
    else
        session_answer(s);
}

/* Under the session's lock. */
static void session_returned(struct sqlite_session *s)
{
    if (--s->handed == 0)
        pthread_cond_signal(&s->idle);
    if (s->mail_posted || s->closing)
        return;
    s->mail_posted = true;
    worker_post(s->base.worker, &s->mail);
}

void sqlite_session_read_done(struct read_job *job)
{
    struct sqlite_session *s = job->session;

    pthread_mutex_lock(&s->lock);
    list_append(&s->reads, &job->link);
    session_returned(s);
    pthread_mutex_unlock(&s->lock);
}

void sqlite_session_write_done(struct store_write *w)
{
    struct sqlite_session *s = sqlite_session_of(w->session);

    pthread_mutex_lock(&s->lock);
    list_append(&s->writes, &w->link);
    session_returned(s);
    pthread_mutex_unlock(&s->lock);
}

/* --- the session ------------------------------------------------------- */

static int sqlite_session_open(struct store_session *base)
{
    struct sqlite_session *s = sqlite_session_of(base);

    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->idle, NULL);
    list_init(&s->reads);
    list_init(&s->writes);
    list_init(&s->orphan);
    rows_init(&s->spare, SHORT_BYTES_MAX);
    s->mail.fn = on_mail;
    return conn_open(&s->conn, sqlite_store_of(base->store)->path, CONN_WORKER,
                     0, NULL);
}

/* The last of it: no letter is under way. */
static void session_destroy(struct sqlite_session *s)
{
    struct sqlite_store *store = sqlite_store_of(s->base.store);

    pthread_mutex_lock(&store->orphans_lock);
    list_remove(&s->orphan);
    pthread_mutex_unlock(&store->orphans_lock);
    pthread_cond_destroy(&s->idle);
    pthread_mutex_destroy(&s->lock);
    mem_free(s);
}

static void sqlite_session_close(struct store_session *base)
{
    struct sqlite_session *s = sqlite_session_of(base);
    struct sqlite_store *store = sqlite_store_of(base->store);
    bool mail_posted;

    pthread_mutex_lock(&s->lock);
    s->closing = true;
    pthread_mutex_unlock(&s->lock);
    writer_cancel(store->writer, s);
    readers_cancel(store->readers, s);
    pthread_mutex_lock(&s->lock);
    while (s->handed)
        pthread_cond_wait(&s->idle, &s->lock);
    mail_posted = s->mail_posted;
    pthread_mutex_unlock(&s->lock);
    session_answer(s);
    conn_close(&s->conn);
    rows_fini(&s->spare);
    if (!mail_posted) {
        session_destroy(s);
        return;
    }
    pthread_mutex_lock(&store->orphans_lock);
    list_append(&store->orphans, &s->orphan);
    pthread_mutex_unlock(&store->orphans_lock);
}

/* --- reading ----------------------------------------------------------- */

static void read_hand_over(struct sqlite_session *s, struct store_read *read,
                           uint64_t started_ns)
{
    struct read_job *job = mem_zalloc(1, sizeof(*job));
    int error = job ? 0 : ERR_NOMEM;

    if (job) {
        job->session = s;
        job->read = read;
        job->started_ns = started_ns;
        rows_init(&job->rows, READ_BYTES_MAX);
        pthread_mutex_lock(&s->lock);
        s->handed++;
        pthread_mutex_unlock(&s->lock);
        error = readers_put(sqlite_store_of(s->base.store)->readers, job);
    }
    if (!error)
        return;
    if (job) {
        pthread_mutex_lock(&s->lock);
        s->handed--;
        pthread_mutex_unlock(&s->lock);
        mem_free(job);
    }
    read_end(s, read, started_ns, error);
}

static bool turn_has_time(struct sqlite_session *s)
{
    uint64_t turn = loop_now_ns(s->base.loop);

    if (s->turn_at_ns != turn) {
        s->turn_at_ns = turn;
        s->turn_spent_ns = 0;
    }
    return s->turn_spent_ns < TURN_NS_MAX;
}

static bool may_be_short(struct sqlite_statement *st)
{
    unsigned penalty;

    if (!st->is_short)
        return false;
    penalty = atomic_load_explicit(&st->penalty, memory_order_relaxed);
    if (LIKELY(!penalty))
        return true;
    atomic_compare_exchange_strong(&st->penalty, &penalty, penalty - 1);
    return false;
}

/* Rows of its own when a row callback reads again: ours are being shown. */
static struct rows *rows_take(struct sqlite_session *s, struct rows *own)
{
    if (!s->spare_taken) {
        s->spare_taken = true;
        return &s->spare;
    }
    rows_init(own, SHORT_BYTES_MAX);
    return own;
}

static void rows_give(struct sqlite_session *s, struct rows *rows)
{
    if (rows != &s->spare) {
        rows_fini(rows);
        return;
    }
    rows_clear(rows);
    s->spare_taken = false;
}

/* Too many steps, too many bytes, or a lock that is held: a thread's work. */
static bool is_not_short(const struct guard *guard, int error)
{
    return guard->hit == GUARD_STEPS || error == ERR_LIMIT || error == ERR_BUSY;
}

static void short_broken(struct sqlite_statement *st)
{
    unsigned times = atomic_fetch_add(&st->overruns, 1);

    atomic_store(&st->penalty,
                 SHORT_PENALTY
                     << (times < SHORT_DOUBLED ? times : SHORT_DOUBLED));
}

static void short_kept(struct sqlite_statement *st)
{
    if (UNLIKELY(atomic_load_explicit(&st->overruns, memory_order_relaxed)))
        atomic_store(&st->overruns, 0);
}

static void read_now(struct sqlite_session *s, struct store_read *read,
                     uint64_t started_ns)
{
    struct sqlite_statement *st =
        (struct sqlite_statement *)(void *)read->statement;
    struct guard guard = {.steps = SHORT_STEPS_MAX};
    struct rows own, *rows = rows_take(s, &own);
    int error;

    conn_guard(s->conn, &guard);
    error = conn_read(s->conn, read->statement, read->params, read->param_count,
                      rows, read->detail);
    conn_guard(s->conn, NULL);
    s->turn_spent_ns += clock_mono_ns() - started_ns;
    if (UNLIKELY(error && is_not_short(&guard, error))) {
        if (error != ERR_BUSY)
            short_broken(st);
        rows_give(s, rows);
        read_hand_over(s, read, started_ns);
        return;
    }
    short_kept(st);
    if (!error)
        rows_deliver(rows, read->row_fn, read->arg);
    rows_give(s, rows);
    read_end(s, read, started_ns, error);
}

static void sqlite_read(struct store_session *base, struct store_read *read)
{
    struct sqlite_session *s = sqlite_session_of(base);
    uint64_t started_ns = clock_mono_ns();

    if (s->closing)
        read->done_fn(read, ERR_CLOSED);
    else if (may_be_short((struct sqlite_statement *)(void *)read->statement) &&
             turn_has_time(s))
        read_now(s, read, started_ns);
    else
        read_hand_over(s, read, started_ns);
}

static void sqlite_write(struct store_session *base, struct store_write *w)
{
    struct sqlite_session *s = sqlite_session_of(base);
    int error;

    if (s->closing) {
        w->done_fn(w, ERR_CLOSED);
        return;
    }
    pthread_mutex_lock(&s->lock);
    s->handed++;
    pthread_mutex_unlock(&s->lock);
    error = writer_put(sqlite_store_of(base->store)->writer, w);
    if (!error)
        return;
    pthread_mutex_lock(&s->lock);
    s->handed--;
    pthread_mutex_unlock(&s->lock);
    w->error = error;
    write_answer(w);
}

/* --- the feed's state -------------------------------------------------- */

static void on_version(const struct store_row *row, void *arg)
{
    *(int64_t *)arg = store_row_get(row, 0).integer;
}

struct state_of {
    struct store *store;
    struct feed_state state;
};

static void on_state(const struct store_row *row, void *arg)
{
    struct state_of *of = arg;
    struct value head = store_row_get(row, 0), low = store_row_get(row, 1);
    uint64_t low_water = 0;

    of->state.head = head.kind == VALUE_INT ? (uint64_t)head.integer : 0;
    if (low.kind == VALUE_TEXT && bytes_to_u64(low.bytes, &low_water) == 0)
        of->state.low_water = low_water;
    of->state.horizon = of->state.head;
    store_epoch_set(of->store, store_row_get(row, 2).bytes);
    store_seen(of->store, of->state.head);
}

/* A file that was renamed or unlinked under us is no longer the database that
 * everybody else sees. */
static bool has_moved(struct sqlite_session *s)
{
    int moved = 0;

    sqlite3_file_control(conn_db(s->conn), "main", SQLITE_FCNTL_HAS_MOVED,
                         &moved);
    return moved != 0;
}

/* The version is read first: what is committed after it shows next time. */
static int state_read(struct sqlite_session *s, struct feed_state_read *r)
{
    static const char text[] =
        "SELECT (SELECT seq FROM sqlite_sequence WHERE"
        " name = 'fieldline_changes'), (SELECT value FROM fieldline_meta"
        " WHERE name = 'low_water'), (SELECT value FROM fieldline_meta"
        " WHERE name = 'epoch')";
    struct state_of of = {.store = s->base.store};
    int64_t version = 0;
    int error = conn_once(s->conn, BYTES("PRAGMA data_version"), NULL, 0,
                          on_version, &version, NULL);

    if (!error && has_moved(s))
        error = ERR_STORE;
    if (error)
        return error;
    r->unchanged = s->state_known && version == s->data_version;
    if (r->unchanged)
        return 0;
    error = conn_once(s->conn, bytes_of(text), NULL, 0, on_state, &of, NULL);
    s->state_known = !error;
    s->data_version = version;
    r->state = of.state;
    return error;
}

static void sqlite_feed_state(struct store_session *base,
                              struct feed_state_read *r)
{
    struct sqlite_session *s = sqlite_session_of(base);

    r->unchanged = false;
    r->done_fn(r, s->closing ? ERR_CLOSED : state_read(s, r));
}

const struct driver sqlite_driver = {
    .dialect = STORE_SQLITE,
    .store_size = sizeof(struct sqlite_store),
    .session_size = sizeof(struct sqlite_session),
    .statement_size = sizeof(struct sqlite_statement),
    .admin_size = sizeof(struct sqlite_admin),
    .open = sqlite_open,
    .close = sqlite_close,
    .session_open = sqlite_session_open,
    .session_close = sqlite_session_close,
    .statement_check = sqlite_statement_check,
    .read = sqlite_read,
    .write = sqlite_write,
    .feed_state = sqlite_feed_state,
    .admin_open = sqlite_admin_open,
    .admin_close = sqlite_admin_close,
    .admin_begin = sqlite_admin_begin,
    .admin_commit = sqlite_admin_commit,
    .admin_rollback = sqlite_admin_rollback,
    .admin_script = sqlite_admin_script,
    .admin_run = sqlite_admin_run,
    .admin_columns = sqlite_admin_columns,
    .admin_has_table = sqlite_admin_has_table,
    .install = sqlite_install,
    .publish = sqlite_publish,
    .unpublish = sqlite_unpublish,
    .verify = sqlite_verify,
};
