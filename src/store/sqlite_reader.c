/* SPDX-License-Identifier: MIT */
/*
 * sqlite_reader - the threads for reads that are not short.
 *
 * Threads and their connections are made when they are first needed. Analytics
 * may not take all of them. Each read has a time limit by its class; its rows
 * are copied and brought to the session by letter.
 *
 * The writer HOLDS the pool when the write-ahead log has grown too long: no
 * read begins until it has been written back, because a log that somebody
 * always reads can never start over.
 * Threads: any, locked by lock.
 */
#include "store/sqlite.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"

#define READERS_MAX   4
#define ANALYTICS_MAX 2
#define WAITING_MAX   4096

struct reader {
    struct readers *pool;
    pthread_t thread;
    struct conn *conn;    /* its thread's */
    struct read_job *job; /* what it runs; locked */
};

struct readers {
    struct sqlite_store *store;
    pthread_mutex_t lock; /* guards all below and reader.job */
    pthread_cond_t work;
    struct list waiting;   /* read_job.link */
    struct list analytics; /* read_job.link */
    unsigned waiting_count;
    unsigned started, running, running_analytics;
    bool held, stopping;
    struct reader all[READERS_MAX];
};

int readers_new(struct readers **ret, struct sqlite_store *store)
{
    struct readers *r = mem_zalloc(1, sizeof(*r));

    if (!r)
        return ERR_NOMEM;
    r->store = store;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->work, NULL);
    list_init(&r->waiting);
    list_init(&r->analytics);
    for (unsigned i = 0; i < READERS_MAX; i++)
        r->all[i].pool = r;
    *ret = r;
    return 0;
}

void readers_free(struct readers **readers)
{
    struct readers *r = *readers;

    *readers = NULL;
    if (!r)
        return;
    pthread_mutex_lock(&r->lock);
    r->stopping = true;
    pthread_cond_broadcast(&r->work);
    pthread_mutex_unlock(&r->lock);
    for (unsigned i = 0; i < r->started; i++)
        pthread_join(r->all[i].thread, NULL);
    pthread_cond_destroy(&r->work);
    pthread_mutex_destroy(&r->lock);
    mem_free(r);
}

/* --- a reader's thread ------------------------------------------------- */

static bool is_analytics(const struct read_job *job)
{
    return job->read->statement->work == STORE_CLASS_ANALYTICS;
}

/* Under the lock. */
static struct read_job *job_take(struct readers *r)
{
    struct list *from = NULL;
    struct read_job *job;

    if (r->held)
        return NULL;
    if (!list_empty(&r->waiting))
        from = &r->waiting;
    else if (!list_empty(&r->analytics) && r->running_analytics < ANALYTICS_MAX)
        from = &r->analytics;
    if (!from)
        return NULL;
    job = LIST_FIRST(from, struct read_job, link);
    list_remove(&job->link);
    r->waiting_count--;
    r->running++;
    r->running_analytics += is_analytics(job);
    return job;
}

static void job_run(struct reader *me, struct read_job *job)
{
    uint64_t limit_ms = is_analytics(job) ? ANALYTICS_MS_MAX : READ_MS_MAX;
    struct guard guard = {.deadline_ns = clock_mono_ns() + limit_ms * 1000000,
                          .cancelled = &job->cancelled};
    struct store_read *read = job->read;

    if (!me->conn)
        job->error = conn_open(&me->conn, me->pool->store->path, CONN_READER,
                               me->pool->store->busy_ms, read->detail);
    if (job->error)
        return;
    conn_guard(me->conn, &guard);
    job->error = conn_read(me->conn, read->statement, read->params,
                           read->param_count, &job->rows, read->detail);
    conn_guard(me->conn, NULL);
}

/* Under the lock. True: the pool is held and idle now. */
static bool job_ended(struct readers *r, const struct read_job *job)
{
    r->running--;
    r->running_analytics -= is_analytics(job);
    if (!list_empty(&r->analytics))
        pthread_cond_signal(&r->work);
    return r->held && r->running == 0;
}

static void *reader_main(void *arg)
{
    struct reader *me = arg;
    struct readers *r = me->pool;

    pthread_mutex_lock(&r->lock);
    while (!r->stopping) {
        struct read_job *job = job_take(r);
        bool idle;

        if (!job) {
            pthread_cond_wait(&r->work, &r->lock);
            continue;
        }
        me->job = job;
        pthread_mutex_unlock(&r->lock);
        job_run(me, job);
        pthread_mutex_lock(&r->lock);
        me->job = NULL;
        idle = job_ended(r, job);
        pthread_mutex_unlock(&r->lock);
        sqlite_session_read_done(job);
        if (idle)
            writer_readers_idle(r->store->writer);
        pthread_mutex_lock(&r->lock);
    }
    pthread_mutex_unlock(&r->lock);
    conn_close(&me->conn);
    return NULL;
}

/* --- from the sessions ------------------------------------------------- */

/* Under the lock. Without any thread there is nobody to serve the job. */
static int reader_start(struct readers *r)
{
    struct reader *next = &r->all[r->started];
    int error;

    if (r->started == READERS_MAX || r->running < r->started)
        return 0;
    error = sqlite_thread_start(&next->thread, "store-read", reader_main, next);
    if (!error)
        r->started++;
    return r->started ? 0 : error;
}

int readers_put(struct readers *r, struct read_job *job)
{
    int error = 0;

    pthread_mutex_lock(&r->lock);
    if (r->waiting_count == WAITING_MAX)
        error = ERR_BUSY;
    else
        error = reader_start(r);
    if (!error) {
        list_append(is_analytics(job) ? &r->analytics : &r->waiting,
                    &job->link);
        r->waiting_count++;
        pthread_cond_signal(&r->work);
    }
    pthread_mutex_unlock(&r->lock);
    return error;
}

static void cancel_waiting(struct readers *r, struct list *from,
                           struct sqlite_session *session)
{
    LIST_EACH_SAFE (from, link, after) {
        struct read_job *job = CONTAINER_OF(link, struct read_job, link);

        if (job->session != session)
            continue;
        list_remove(link);
        r->waiting_count--;
        job->error = ERR_CLOSED;
        sqlite_session_read_done(job);
    }
}

void readers_cancel(struct readers *r, struct sqlite_session *session)
{
    pthread_mutex_lock(&r->lock);
    cancel_waiting(r, &r->waiting, session);
    cancel_waiting(r, &r->analytics, session);
    for (unsigned i = 0; i < READERS_MAX; i++)
        if (r->all[i].job && r->all[i].job->session == session)
            atomic_store(&r->all[i].job->cancelled, true);
    pthread_mutex_unlock(&r->lock);
}

bool readers_hold(struct readers *r)
{
    bool idle;

    pthread_mutex_lock(&r->lock);
    r->held = true;
    idle = r->running == 0;
    pthread_mutex_unlock(&r->lock);
    return idle;
}

void readers_release(struct readers *r)
{
    pthread_mutex_lock(&r->lock);
    r->held = false;
    pthread_cond_broadcast(&r->work);
    pthread_mutex_unlock(&r->lock);
}
