/* SPDX-License-Identifier: MIT */
/*
 * sqlite_writer - the one thread that writes: group commit.
 *
 * Invariants: a GROUP is all writes that waited when it began, in order, in
 * one transaction; each stands in a savepoint of its own. An error undoes that
 * write alone. After each write the transaction must still stand (RAISE and
 * ON CONFLICT ROLLBACK, a full disk and an interrupted statement end it) and
 * no deferred foreign key may be violated, or the commit would fail for all.
 * A group whose transaction was lost is run again one by one, so that only the
 * guilty fails. A write is answered only after its commit is on the disk, and
 * after on_commit has seen each of its change rows.
 *
 * The triggers cannot know who writes: the writer stamps the rows that its
 * write left, inside the savepoint.
 *
 * The write-ahead log is written back here, after the answers. When it has
 * grown past WAL_PAGES_LONG because somebody always reads it, the readers are
 * held until it could start over.
 * Threads: the writer's own; the queue any, locked by lock.
 */
#include "store/sqlite.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>

#define WAITING_MAX    4096
#define GROUP_MAX      256
#define WAL_PAGES      1000 /* 4 MB: written back in passing */
#define WAL_PAGES_LONG 8192 /* 32 MB: the readers are held */
#define WAL_WAIT_MS    250  /* for other processes that read the log */
#define NS_PER_MS      ((uint64_t)1000000)

enum own_sql {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_SAVE,
    SQL_UNDO,
    SQL_RELEASE,
    SQL_HEAD,
    SQL_STAMP,
    SQL_CHANGES,
    SQL_COUNT
};

static const char *const own_texts[SQL_COUNT] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_SAVE] = "SAVEPOINT one",
    [SQL_UNDO] = "ROLLBACK TO one",
    [SQL_RELEASE] = "RELEASE one",
    [SQL_HEAD] = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE"
                 " name = 'fieldline_changes'), 0)",
    [SQL_STAMP] = "UPDATE fieldline_changes SET writer = $1"
                  " WHERE \"offset\" > $2",
    [SQL_CHANGES] = "SELECT " CHANGE_COLUMNS " FROM fieldline_changes"
                    " WHERE \"offset\" > $1 AND \"offset\" <= $2"
                    " ORDER BY \"offset\"",
};

struct writer {
    struct sqlite_store *store;
    struct conn *conn; /* from the first write on */
    pthread_t thread;
    bool started;
    struct store_statement own[SQL_COUNT];
    struct metrics_shard *shard;
    int wal_pages;    /* as of the last commit */
    int wal_write_at; /* write it back from here */
    int wal_hold_at;  /* hold the readers from here */
    bool holding;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t work;
    struct list waiting; /* store_write.link */
    unsigned waiting_count;
    bool readers_idle;
    bool stopping;
};

/* --- small steps ------------------------------------------------------- */

static int own_run(struct writer *w, enum own_sql which,
                   struct store_detail *detail)
{
    return conn_run(w->conn, &w->own[which], NULL, 0, NULL, NULL, NULL, detail);
}

static bool in_transaction(const struct writer *w)
{
    return !sqlite3_get_autocommit(conn_db(w->conn));
}

static bool has_deferred_violation(const struct writer *w)
{
    int now = 0, high = 0;

    sqlite3_db_status(conn_db(w->conn), SQLITE_DBSTATUS_DEFERRED_FKS, &now,
                      &high, 0);
    return now != 0;
}

static void on_head(const struct store_row *row, void *arg)
{
    *(uint64_t *)arg = (uint64_t)store_row_get(row, 0).integer;
}

static int head_read(struct writer *w, uint64_t *ret,
                     struct store_detail *detail)
{
    return conn_run(w->conn, &w->own[SQL_HEAD], NULL, 0, on_head, ret, NULL,
                    detail);
}

/* SQLite waits for a lock by itself, but not in every case. */
static int begin(struct writer *w, struct store_detail *detail)
{
    uint64_t until_ns =
        clock_mono_ns() + (uint64_t)w->store->busy_ms * NS_PER_MS;
    int error;

    do
        error = own_run(w, SQL_BEGIN, detail);
    while (error == ERR_BUSY && clock_mono_ns() < until_ns);
    return error;
}

static void rollback(struct writer *w)
{
    if (in_transaction(w) && conn_exec(w->conn, "ROLLBACK", NULL) &&
        in_transaction(w))
        log_error("store.sqlite.rollback", "error=\"%s\"",
                  sqlite3_errmsg(conn_db(w->conn)));
}

/* --- one write --------------------------------------------------------- */

static int run_steps(struct writer *w, struct store_write *write)
{
    for (unsigned i = 0; i < write->step_count; i++) {
        const struct store_step *step = &write->steps[i];
        uint64_t rows = 0;
        int error;

        write->failed_step = i;
        error =
            conn_run(w->conn, step->statement, step->params, step->param_count,
                     step->row_fn, write->arg, &rows, &write->detail);
        if (!error && step->check_fn)
            error = step->check_fn(write->arg, rows);
        if (error)
            return error;
    }
    write->failed_step = 0;
    if (!has_deferred_violation(w))
        return 0;
    store_detail_set(&write->detail, "23503",
                     "a deferred foreign key would be violated");
    return ERR_CONSTRAINT;
}

/* Gives its change rows their writer. *head: before it, then after it. */
static int stamp(struct writer *w, struct store_write *write, uint64_t *head)
{
    struct value params[] = {value_text(write->writer),
                             value_int((int64_t)*head)};
    uint64_t before = *head;
    int error = head_read(w, head, &write->detail);

    if (error || *head == before)
        return error;
    write->offset = *head;
    if (!write->writer.len)
        return 0;
    return conn_run(w->conn, &w->own[SQL_STAMP], params, ARRAY_LEN(params),
                    NULL, NULL, NULL, &write->detail);
}

/* Leaves it applied, or undone with its error. The transaction may be gone. */
static void run_write(struct writer *w, struct store_write *write,
                      uint64_t *head)
{
    struct guard guard = {.deadline_ns =
                              clock_mono_ns() + WRITE_MS_MAX * NS_PER_MS};
    uint64_t before = *head;
    int error;

    write->offset = 0;
    error = own_run(w, SQL_SAVE, &write->detail);
    if (!error) {
        conn_guard(w->conn, &guard);
        error = run_steps(w, write);
        conn_guard(w->conn, NULL);
    }
    if (!error)
        error = stamp(w, write, head);
    if (error) {
        write->offset = 0;
        *head = before;
        if (in_transaction(w) && own_run(w, SQL_UNDO, NULL))
            rollback(w);
    }
    if (in_transaction(w) && own_run(w, SQL_RELEASE, NULL))
        rollback(w);
    write->error = error;
}

/* --- a group ----------------------------------------------------------- */

static void on_change(const struct store_row *row, void *arg)
{
    const struct store_options *o =
        &((struct writer *)arg)->store->base.options;
    struct change c;

    change_of_row(row, &c);
    o->on_commit(&c, o->arg);
}

/* Everything in (after, upto] is ours: nobody else wrote meanwhile. What was
 * committed is answered even if its rows cannot be read. */
static void tell(struct writer *w, uint64_t after, uint64_t upto)
{
    const struct store_options *o = &w->store->base.options;
    struct value params[] = {value_int((int64_t)after),
                             value_int((int64_t)upto)};
    struct store_detail detail;

    store_seen(&w->store->base, upto);
    if (o->on_commit && upto > after &&
        conn_run(w->conn, &w->own[SQL_CHANGES], params, ARRAY_LEN(params),
                 on_change, w, NULL, &detail))
        change_unread(&w->store->base, upto, detail.text);
    if (w->shard)
        metrics_add(w->shard, w->store->base.commits, 1);
}

static void fail_all(struct list *group, int error,
                     const struct store_detail *detail)
{
    for (struct list *l = group->next; l != group; l = l->next) {
        struct store_write *write = CONTAINER_OF(l, struct store_write, link);

        write->error = error;
        write->offset = 0;
        write->detail = *detail;
    }
}

/* True: the transaction was lost, nothing of the group stands; *guilty is the
 * write that lost it, or NULL when the commit did. */
static bool group_lost(struct writer *w, struct list *group,
                       struct store_write **guilty)
{
    struct store_detail detail = {0};
    uint64_t before = 0, head;
    int error = begin(w, &detail);

    *guilty = NULL;
    if (!error)
        error = head_read(w, &before, &detail);
    head = before;
    if (error) {
        rollback(w);
        fail_all(group, error, &detail);
        return false;
    }
    for (struct list *l = group->next; l != group; l = l->next) {
        *guilty = CONTAINER_OF(l, struct store_write, link);
        run_write(w, *guilty, &head);
        if (!in_transaction(w))
            return true;
    }
    *guilty = NULL;
    error = own_run(w, SQL_COMMIT, &detail);
    if (error) {
        rollback(w);
        fail_all(group, error, &detail);
        return true;
    }
    tell(w, before, head);
    return false;
}

static void run_alone(struct writer *w, struct store_write *write)
{
    struct store_write *guilty;
    struct list alone;

    list_init(&alone);
    list_append(&alone, &write->link);
    write->error = 0;
    if (write->restart_fn)
        write->restart_fn(write->arg);
    if (group_lost(w, &alone, &guilty) && !write->error)
        write->error = ERR_STORE;
    list_remove(&write->link);
}

static void run_group(struct writer *w, struct list *group)
{
    bool single = group->next->next == group;
    struct store_write *guilty;
    struct list done;

    if (!group_lost(w, group, &guilty))
        return;
    if (guilty && !guilty->error)
        guilty->error = ERR_STORE;
    if (single)
        return;
    list_init(&done);
    while (!list_empty(group)) {
        struct store_write *write = LIST_FIRST(group, struct store_write, link);

        list_remove(&write->link);
        if (write != guilty)
            run_alone(w, write);
        list_append(&done, &write->link);
    }
    LIST_EACH_SAFE (&done, link, after) {
        list_remove(link);
        list_append(group, link);
    }
}

static void answer(struct writer *w, struct list *group)
{
    const struct store_options *o = &w->store->base.options;
    bool changed = false;

    for (struct list *l = group->next; l != group; l = l->next)
        changed |= CONTAINER_OF(l, struct store_write, link)->offset > 0;
    if (changed && o->on_wake)
        o->on_wake(o->arg);
    LIST_EACH_SAFE (group, link, after) {
        list_remove(link);
        sqlite_session_write_done(CONTAINER_OF(link, struct store_write, link));
    }
}

/* --- the write-ahead log ----------------------------------------------- */

static int on_wal(void *arg, sqlite3 *db, const char *name, int pages)
{
    ((struct writer *)arg)->wal_pages = pages;
    return SQLITE_OK;
}

static void wal_release(struct writer *w)
{
    w->holding = false;
    readers_release(w->store->readers);
}

/* The readers are held and idle: nobody of ours is in the log for longer than
 * a short read. If another process is, the next try waits for it to grow. */
static void wal_restart(struct writer *w)
{
    sqlite3 *db = conn_db(w->conn);
    int rc;

    sqlite3_busy_timeout(db, WAL_WAIT_MS);
    rc = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
                                   NULL);
    sqlite3_busy_timeout(db, (int)w->store->busy_ms);
    w->wal_hold_at = WAL_PAGES_LONG;
    if (rc != SQLITE_OK) {
        w->wal_hold_at += w->wal_pages;
        log_warn("store.sqlite.wal", "pages=%d error=\"%s\"", w->wal_pages,
                 sqlite3_errmsg(db));
    } else {
        w->wal_pages = 0;
    }
    wal_release(w);
}

static void wal_care(struct writer *w, bool readers_idle)
{
    int pages = 0, written = 0;

    if (w->holding) {
        if (readers_idle)
            wal_restart(w);
        return;
    }
    if (w->wal_pages < WAL_PAGES)
        w->wal_write_at = WAL_PAGES;
    if (w->wal_pages < w->wal_write_at)
        return;
    (void)sqlite3_wal_checkpoint_v2(
        conn_db(w->conn), NULL, SQLITE_CHECKPOINT_PASSIVE, &pages, &written);
    if (written < pages)
        w->wal_write_at = w->wal_pages + WAL_PAGES;
    if (w->wal_pages < w->wal_hold_at)
        return;
    w->holding = true;
    if (readers_hold(w->store->readers))
        wal_restart(w);
}

/* --- the thread -------------------------------------------------------- */

/* Under the lock: moves what waits, up to a group. */
static void group_take(struct writer *w, struct list *group)
{
    list_init(group);
    for (unsigned i = 0; i < GROUP_MAX && !list_empty(&w->waiting); i++) {
        struct list *link = w->waiting.next;

        list_remove(link);
        list_append(group, link);
        w->waiting_count--;
    }
}

static int connect_once(struct writer *w, struct store_detail *detail)
{
    struct sqlite_store *s = w->store;
    int error;

    if (w->conn)
        return 0;
    error = conn_open(&w->conn, s->path, CONN_WRITER, s->busy_ms, detail);
    if (!error)
        sqlite3_wal_hook(conn_db(w->conn), on_wal, w);
    return error;
}

static void serve_group(struct writer *w, struct list *group)
{
    struct store_detail detail = {0};
    int error = connect_once(w, &detail);

    if (error)
        fail_all(group, error, &detail);
    else
        run_group(w, group);
    answer(w, group);
}

static void *writer_main(void *arg)
{
    struct writer *w = arg;
    struct list group;
    bool idle;

    pthread_mutex_lock(&w->lock);
    for (;;) {
        while (list_empty(&w->waiting) && !w->readers_idle && !w->stopping)
            pthread_cond_wait(&w->work, &w->lock);
        if (w->stopping && list_empty(&w->waiting))
            break;
        idle = w->readers_idle;
        w->readers_idle = false;
        group_take(w, &group);
        pthread_mutex_unlock(&w->lock);
        if (!list_empty(&group))
            serve_group(w, &group);
        wal_care(w, idle);
        pthread_mutex_lock(&w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static void own_init(struct writer *w)
{
    for (unsigned i = 0; i < SQL_COUNT; i++)
        w->own[i] = (struct store_statement){
            .store = &w->store->base,
            .id = atomic_fetch_add(&w->store->base.statements, 1) + 1,
            .work = STORE_CLASS_WRITE,
            .sql = bytes_of(own_texts[i])};
}

int writer_new(struct writer **ret, struct sqlite_store *store)
{
    struct metrics *metrics = store->base.options.metrics;
    struct writer *w = mem_zalloc(1, sizeof(*w));
    int error;

    if (!w)
        return ERR_NOMEM;
    w->store = store;
    w->wal_write_at = WAL_PAGES;
    w->wal_hold_at = WAL_PAGES_LONG;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->work, NULL);
    list_init(&w->waiting);
    own_init(w);
    error = metrics ? metrics_shard_new(metrics, &w->shard) : 0;
    if (!error) {
        error = sqlite_thread_start(&w->thread, "store-write", writer_main, w);
        w->started = !error;
    }
    if (error) {
        writer_free(&w);
        return error;
    }
    *ret = w;
    return 0;
}

void writer_free(struct writer **writer)
{
    struct writer *w = *writer;

    *writer = NULL;
    if (!w)
        return;
    if (w->started) {
        pthread_mutex_lock(&w->lock);
        w->stopping = true;
        pthread_cond_signal(&w->work);
        pthread_mutex_unlock(&w->lock);
        pthread_join(w->thread, NULL);
    }
    conn_close(&w->conn);
    pthread_cond_destroy(&w->work);
    pthread_mutex_destroy(&w->lock);
    mem_free(w);
}

/* --- from the sessions ------------------------------------------------- */

int writer_put(struct writer *w, struct store_write *write)
{
    int error = 0;

    pthread_mutex_lock(&w->lock);
    if (w->waiting_count == WAITING_MAX) {
        error = ERR_BUSY;
    } else {
        list_append(&w->waiting, &write->link);
        w->waiting_count++;
        pthread_cond_signal(&w->work);
    }
    pthread_mutex_unlock(&w->lock);
    return error;
}

void writer_cancel(struct writer *w, struct sqlite_session *session)
{
    pthread_mutex_lock(&w->lock);
    LIST_EACH_SAFE (&w->waiting, link, after) {
        struct store_write *write =
            CONTAINER_OF(link, struct store_write, link);

        if (write->session != &session->base)
            continue;
        list_remove(link);
        w->waiting_count--;
        write->error = ERR_CLOSED;
        sqlite_session_write_done(write);
    }
    pthread_mutex_unlock(&w->lock);
}

void writer_readers_idle(struct writer *w)
{
    pthread_mutex_lock(&w->lock);
    w->readers_idle = true;
    pthread_cond_signal(&w->work);
    pthread_mutex_unlock(&w->lock);
}
