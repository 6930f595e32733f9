/* SPDX-License-Identifier: MIT */
/*
 * postgres_read - a read: one statement, its rows straight from the result.
 *
 * A read may run twice, when its connection went or its statement had grown
 * stale, but its rows are shown once: they come all at once.
 * Threads: loop.
 */
#include "store/postgres.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"

struct read_job {
    struct pg_job job;
    struct store_read *read;
    uint64_t started_ns;
    bool answered;
    int error;
};

static struct read_job *read_of(struct pg_job *job)
{
    return CONTAINER_OF(job, struct read_job, job);
}

static void read_end(struct pg_job *job, int error)
{
    struct read_job *r = read_of(job);
    struct store_session *s = &job->lane->session->base;
    struct store_read *read = r->read;

    store_count(s, read->statement->work, r->started_ns, error);
    mem_free(r);
    read->done_fn(read, error);
}

static void read_leave(struct pg_job *job, int error)
{
    struct pg_lane *lane = job->lane;

    pg_lane_left(job);
    read_end(job, error);
    pg_lane_run(lane);
}

static int read_start(struct pg_job *job)
{
    struct read_job *r = read_of(job);
    int error;

    r->error = 0;
    error = pg_conn_send(job, 0, r->read->statement, r->read->params,
                         r->read->param_count);
    if (error != ERR_STORE)
        return error ? error : pg_conn_sync(job);
    read_leave(job, error); /* a parameter: nothing was sent */
    return 0;
}

static void read_result(struct pg_job *job, unsigned tag, PGresult **result)
{
    struct read_job *r = read_of(job);

    if (r->error || r->answered)
        return; /* skipped, after an error that was taken before */
    r->error = pg_error(*result, job->detail);
    if (r->error)
        return;
    r->answered = true;
    r->error = pg_rows_show(*result, r->read->row_fn, r->read->arg);
}

static int read_synced(struct pg_job *job)
{
    struct read_job *r = read_of(job);
    struct pg_lane *lane = job->lane;

    if (!job->stale || r->answered || job->tries >= PG_TRIES_MAX) {
        read_leave(job, r->error);
        return 0;
    }
    pg_lane_left(job);
    pg_lane_again(job);
    pg_lane_run(lane);
    return 0;
}

static bool read_lost(struct pg_job *job)
{
    struct read_job *r = read_of(job);

    if (!r->answered)
        return false;
    read_end(job, r->error);
    return true;
}

static const struct pg_job_kind kind = {
    .start_fn = read_start,
    .result_fn = read_result,
    .synced_fn = read_synced,
    .lost_fn = read_lost,
    .end_fn = read_end,
};

void pg_read(struct store_session *base, struct store_read *read)
{
    struct read_job *r = mem_zalloc(1, sizeof(*r));

    if (!r) {
        read->done_fn(read, ERR_NOMEM);
        return;
    }
    r->job.kind = &kind;
    r->job.detail = read->detail;
    r->read = read;
    r->started_ns = clock_mono_ns();
    pg_lane_put(&pg_session_of(base)->lanes[read->statement->work], &r->job);
}
