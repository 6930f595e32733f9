/* SPDX-License-Identifier: MIT */
/*
 * postgres_lane - the connections of one class of work, and who waits.
 *
 * Reads are pipelined: several run on one connection, answered in order. A
 * write has its connection to itself. A second connection is opened when the
 * first has something to do. What waits too long is ERR_BUSY, and so is what
 * comes while no connection could be made for as long: a database that is
 * away costs its callers nothing but the answer.
 * Threads: loop.
 */
#include "store/postgres.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"

#define WAITING_MAX 4096
#define TICK_MS     50
#define CONNECT_MS  5000
/* A server that does not answer although its own limit has passed is gone. */
#define SILENCE_MS  5000

static const struct {
    unsigned conns;
    unsigned depth;   /* jobs on one connection */
    unsigned wait_ms; /* for a connection */
    unsigned limit_ms;
} shapes[PG_LANES] = {
    [STORE_CLASS_READ] = {2, 16, 2000, PG_READ_MS_MAX},
    [STORE_CLASS_WRITE] = {2, 1, 5000, PG_WRITE_MS_MAX},
    [STORE_CLASS_ANALYTICS] = {1, 1, 10000, PG_ANALYTICS_MS_MAX},
};

static uint64_t ms_since(uint64_t at_ns)
{
    uint64_t now_ns = clock_mono_ns();

    return now_ns > at_ns ? (now_ns - at_ns) / PG_NS_PER_MS : 0;
}

/* --- jobs -------------------------------------------------------------- */

static void job_end(struct pg_job *job, int error)
{
    job->kind->end_fn(job, error);
}

static void job_refuse(struct pg_job *job, const struct pg_lane *lane)
{
    if (lane->why.text[0])
        store_detail_set(job->detail, lane->why.sqlstate, "%s", lane->why.text);
    else
        store_detail_set(job->detail, "53300", "every connection is busy");
    job_end(job, ERR_BUSY);
}

static void tick_ask(struct pg_session *s)
{
    if (!timer_is_active(&s->tick) && !s->closing)
        timer_start(s->base.loop, &s->tick, TICK_MS);
}

static bool is_away(const struct pg_lane *lane)
{
    return lane->failing_ns &&
           ms_since(lane->failing_ns) > shapes[lane->work].wait_ms;
}

void pg_lane_put(struct pg_lane *lane, struct pg_job *job)
{
    job->lane = lane;
    job->queued_ns = clock_mono_ns();
    list_init(&job->link);
    if (lane->session->closing) {
        job_end(job, ERR_CLOSED);
        return;
    }
    if (lane->waiting_count == WAITING_MAX || is_away(lane)) {
        job_refuse(job, lane);
        return;
    }
    list_append(&lane->waiting, &job->link);
    lane->waiting_count++;
    pg_lane_run(lane);
}

void pg_lane_again(struct pg_job *job)
{
    struct pg_lane *lane = job->lane;

    if (lane->session->closing) {
        job_end(job, ERR_CLOSED);
        return;
    }
    if (job->tries >= PG_TRIES_MAX) {
        job_refuse(job, lane);
        return;
    }
    list_prepend(&lane->waiting, &job->link);
    lane->waiting_count++;
}

void pg_lane_left(struct pg_job *job)
{
    if (!job->conn)
        return;
    list_remove(&job->link);
    job->conn->running_count--;
    job->conn = NULL;
}

/* --- connections ------------------------------------------------------- */

static struct pg_conn *least_busy(const struct pg_lane *lane)
{
    struct pg_conn *best = NULL;

    for (unsigned i = 0; i < lane->conn_count; i++) {
        struct pg_conn *c = &lane->conns[i];

        if (c->state == PG_READY && c->running_count < lane->depth &&
            (!best || c->running_count < best->running_count))
            best = c;
    }
    return best;
}

/* One more, unless one is being opened. */
static void open_one(struct pg_lane *lane)
{
    struct pg_conn *closed = NULL;

    for (unsigned i = 0; i < lane->conn_count; i++) {
        if (lane->conns[i].state == PG_CONNECTING)
            return;
        if (lane->conns[i].state == PG_CLOSED && !closed)
            closed = &lane->conns[i];
    }
    if (closed && clock_mono_ns() >= closed->reopen_ns)
        pg_conn_open(closed);
}

void pg_lane_run(struct pg_lane *lane)
{
    if (lane->session->closing)
        return;
    while (!list_empty(&lane->waiting)) {
        struct pg_conn *c = least_busy(lane);
        struct pg_job *job;

        if (!c || c->running_count)
            open_one(lane);
        if (!c || c->state != PG_READY)
            c = least_busy(lane); /* opening may have changed everything */
        if (!c || list_empty(&lane->waiting))
            break;
        job = LIST_FIRST(&lane->waiting, struct pg_job, link);
        list_remove(&job->link);
        lane->waiting_count--;
        pg_conn_start(c, job);
    }
    tick_ask(lane->session);
}

void pg_lane_connected(struct pg_lane *lane)
{
    if (lane->failing_ns)
        log_info("store.postgres.back", "away_ms=%llu",
                 (unsigned long long)ms_since(lane->failing_ns));
    lane->failing_ns = 0;
    lane->why = (struct store_detail){0};
}

void pg_lane_failed(struct pg_lane *lane, const struct store_detail *why)
{
    for (unsigned i = 0; i < lane->conn_count; i++)
        if (lane->conns[i].state == PG_READY)
            return;
    lane->why = *why;
    if (lane->failing_ns || lane->session->closing)
        return;
    lane->failing_ns = clock_mono_ns();
    log_warn("store.postgres.away", "sqlstate=%s error=\"%s\"", why->sqlstate,
             why->text);
}

/* --- what time brings -------------------------------------------------- */

/* The first has waited longest: what runs again goes to the front. */
static void lane_expire(struct pg_lane *lane)
{
    while (!list_empty(&lane->waiting)) {
        struct pg_job *job = LIST_FIRST(&lane->waiting, struct pg_job, link);

        if (ms_since(job->queued_ns) <= shapes[lane->work].wait_ms)
            return;
        list_remove(&job->link);
        lane->waiting_count--;
        job_refuse(job, lane);
    }
}

static void conn_watch(struct pg_conn *c)
{
    const struct pg_lane *lane = c->lane;
    struct store_detail why;

    if (c->state == PG_CONNECTING && ms_since(c->since_ns) > CONNECT_MS)
        store_detail_set(&why, "08001", "connecting took too long");
    else if (c->state == PG_READY && c->running_count &&
             ms_since(c->progress_ns) >
                 shapes[lane->work].limit_ms + SILENCE_MS)
        store_detail_set(&why, "08006", "the server does not answer");
    else
        return;
    pg_conn_lost(c, &why);
}

static bool is_active(const struct pg_lane *lane)
{
    bool active = !list_empty(&lane->waiting) || lane->failing_ns;

    for (unsigned i = 0; i < lane->conn_count; i++)
        active |= lane->conns[i].state == PG_CONNECTING ||
                  lane->conns[i].running_count > 0;
    return active;
}

static void lane_tick(struct pg_lane *lane)
{
    for (unsigned i = 0; i < lane->conn_count; i++)
        conn_watch(&lane->conns[i]);
    lane_expire(lane);
    if (lane->failing_ns)
        open_one(lane);
    pg_lane_run(lane);
}

static void on_tick(struct timer *timer, void *arg)
{
    struct pg_session *s = arg;
    bool active = false;

    for (unsigned i = 0; i < PG_LANES; i++) {
        lane_tick(&s->lanes[i]);
        active |= is_active(&s->lanes[i]);
    }
    if (active)
        tick_ask(s);
    else
        timer_stop(timer);
}

/* --- opening and closing ----------------------------------------------- */

int pg_session_lanes_open(struct pg_session *s)
{
    timer_init(&s->tick, on_tick, s);
    for (unsigned i = 0; i < PG_LANES; i++)
        list_init(&s->lanes[i].waiting);
    for (unsigned i = 0; i < PG_LANES; i++) {
        struct pg_lane *lane = &s->lanes[i];

        lane->session = s;
        lane->work = (enum store_class)i;
        lane->depth = shapes[i].depth;
        lane->conns = mem_zalloc(shapes[i].conns, sizeof(*lane->conns));
        if (!lane->conns)
            return ERR_NOMEM;
        lane->conn_count = shapes[i].conns;
        for (unsigned n = 0; n < lane->conn_count; n++)
            pg_conn_init(&lane->conns[n], lane);
    }
    open_one(&s->lanes[STORE_CLASS_READ]);
    tick_ask(s);
    return 0;
}

static void jobs_end(struct list *jobs)
{
    while (!list_empty(jobs)) {
        struct pg_job *job = LIST_FIRST(jobs, struct pg_job, link);

        list_remove(&job->link);
        job->conn = NULL;
        job_end(job, ERR_CLOSED);
    }
}

static void lane_close(struct pg_lane *lane)
{
    for (unsigned i = 0; i < lane->conn_count; i++)
        jobs_end(&lane->conns[i].running);
    jobs_end(&lane->waiting);
    for (unsigned i = 0; i < lane->conn_count; i++)
        pg_conn_fini(&lane->conns[i]);
    mem_free(lane->conns);
}

void pg_session_lanes_close(struct pg_session *s)
{
    timer_stop(&s->tick);
    for (unsigned i = 0; i < PG_LANES; i++)
        lane_close(&s->lanes[i]);
}
