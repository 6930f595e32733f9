/* SPDX-License-Identifier: MIT */
/*
 * postgres_feed - where the feed stands: sequence, horizon, low water, epoch.
 *
 * The sequence and the locks are read by two statements of one pipeline, in
 * this order (H3). Nothing waits in the database: what a candidate waits for
 * is looked at again when the feed asks again. Only the first answer of a
 * session, before any candidate has passed, is asked for again here for up to
 * FIRST_MS, since the feed begins at it; if a transaction stays open for
 * longer, it begins before whatever that may have told (H7), or, if that is
 * not known, at the low-water mark.
 *
 * The epoch is the system's identifier, the timeline and a random value of
 * the database's own, hashed: a failover, a restored backup or a copied
 * cluster each make another.
 * Threads: loop.
 */
#include "store/postgres.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"

#define FIRST_MS 300
#define AGAIN_MS 10

enum tag { TAG_STATE, TAG_LOCKS, TAG_BOUND };

struct state_job {
    struct pg_job job;
    struct pg_session *session;
    struct feed_state_read *ask;
    struct holders holders;
    uint64_t asked_ns;
    char epoch[PG_EPOCH_LEN + 1];
    uint64_t bound; /* 0: not known */
    bool bounding;  /* it was asked for */
    int error;
};

static struct state_job *state_of(struct pg_job *job)
{
    return CONTAINER_OF(job, struct state_job, job);
}

static void state_end(struct pg_job *job, int error)
{
    struct state_job *s = state_of(job);
    struct feed_state_read *ask = s->ask;

    holders_fini(&s->holders);
    mem_free(s);
    ask->done_fn(ask, error);
}

static int state_start(struct pg_job *job)
{
    const struct pg_store *store = pg_store_of(job->lane->session->base.store);
    struct state_job *s = state_of(job);
    int error;

    s->error = 0;
    s->bounding = false;
    s->bound = 0;
    s->holders.count = 0;
    error = pg_conn_send(job, TAG_STATE, &store->own[PG_STATE], NULL, 0);
    if (!error)
        error = pg_conn_send(job, TAG_LOCKS, &store->own[PG_LOCKS], NULL, 0);
    return error ? error : pg_conn_sync(job);
}

/* --- answers ----------------------------------------------------------- */

/* last value, low water, then what the epoch is made of */
static void on_state(const struct store_row *row, void *arg)
{
    struct state_job *s = arg;
    struct value head = store_row_get(row, 0), low = store_row_get(row, 1);
    struct feed_state *state = &s->ask->state;

    *state = (struct feed_state){0};
    if (head.kind == VALUE_INT && head.integer > 0)
        state->head = (uint64_t)head.integer;
    if (low.kind != VALUE_TEXT || bytes_to_u64(low.bytes, &state->low_water))
        state->low_water = 0;
    pg_epoch(row, 2, s->epoch);
}

static void on_lock(const struct store_row *row, void *arg)
{
    struct state_job *s = arg;

    if (!s->error)
        s->error = holders_add(&s->holders, store_row_get(row, 0).bytes);
}

static void on_bound(const struct store_row *row, void *arg)
{
    struct value bound = store_row_get(row, 0);

    if (bound.kind == VALUE_INT)
        ((struct state_job *)arg)->bound = (uint64_t)bound.integer;
}

static void state_result(struct pg_job *job, unsigned tag, PGresult **result)
{
    static store_row_fn *const takers[] = {
        [TAG_STATE] = on_state, [TAG_LOCKS] = on_lock, [TAG_BOUND] = on_bound};
    struct state_job *s = state_of(job);

    if (s->error)
        return;
    s->error = pg_error(*result, NULL);
    if (!s->error)
        s->error = pg_rows_show(*result, takers[tag], s);
}

static bool is_same(const struct feed_state *a, const struct feed_state *b)
{
    return a->head == b->head && a->horizon == b->horizon &&
           a->low_water == b->low_water;
}

static void state_take(struct state_job *s)
{
    struct pg_session *session = s->session;
    struct store *store = session->base.store;
    struct feed_state *state = &s->ask->state;

    if (!bytes_equal(bytes_of(s->epoch), store_epoch(store))) {
        horizon_forget(&session->horizon);
        session->told_known = false;
        store_epoch_set(store, bytes_of(s->epoch));
    }
    s->error = horizon_see(&session->horizon, state->head, &s->holders);
    store_seen(store, state->head);
}

static void state_tell(struct state_job *s)
{
    struct pg_session *session = s->session;
    struct feed_state *state = &s->ask->state;

    state->horizon = session->horizon.at;
    s->ask->unchanged = session->told_known && state->head == state->horizon &&
                        is_same(state, &session->told);
    session->told = *state;
    session->told_known = true;
}

static int bound_send(struct state_job *s)
{
    const struct pg_store *store = pg_store_of(s->session->base.store);
    struct value head = value_int((int64_t)s->ask->state.head);
    int error =
        pg_conn_send(&s->job, TAG_BOUND, &store->own[PG_BOUND], &head, 1);

    s->bounding = true;
    return error ? error : pg_conn_sync(&s->job);
}

static void bound_take(struct state_job *s)
{
    uint64_t low_water = s->ask->state.low_water;

    horizon_begin(&s->session->horizon,
                  s->bound > low_water ? s->bound : low_water);
}

/* True: not yet, and it is seen to. */
static bool asks_again(struct state_job *s)
{
    struct pg_session *session = s->session;

    if (s->job.stale && s->job.tries < PG_TRIES_MAX) {
        pg_lane_left(&s->job);
        pg_lane_again(&s->job);
        return true;
    }
    if (s->error || session->horizon.known || session->again_job ||
        clock_mono_ns() - s->asked_ns > FIRST_MS * PG_NS_PER_MS)
        return false;
    pg_lane_left(&s->job);
    session->again_job = &s->job;
    timer_start(session->base.loop, &session->again, AGAIN_MS);
    return true;
}

static int state_synced(struct pg_job *job)
{
    struct state_job *s = state_of(job);
    struct pg_lane *lane = job->lane;

    if (!s->error && !s->bounding)
        state_take(s);
    if (!s->error && s->bounding)
        bound_take(s);
    if (!asks_again(s)) {
        if (!s->error && !s->session->horizon.known)
            return bound_send(s);
        if (!s->error)
            state_tell(s);
        pg_lane_left(job);
        state_end(job, s->error);
    }
    pg_lane_run(lane);
    return 0;
}

static bool state_lost(struct pg_job *job)
{
    return false;
}

static const struct pg_job_kind kind = {
    .start_fn = state_start,
    .result_fn = state_result,
    .synced_fn = state_synced,
    .lost_fn = state_lost,
    .end_fn = state_end,
};

/* --- asking ------------------------------------------------------------ */

static void on_again(struct timer *timer, void *arg)
{
    struct pg_session *session = arg;
    struct pg_job *job = session->again_job;

    session->again_job = NULL;
    job->tries = 0;
    pg_lane_put(&session->lanes[STORE_CLASS_READ], job);
}

void pg_feed_open(struct pg_session *s)
{
    timer_init(&s->again, on_again, s);
}

void pg_feed_close(struct pg_session *s)
{
    struct pg_job *job = s->again_job;

    timer_stop(&s->again);
    s->again_job = NULL;
    if (job)
        state_end(job, ERR_CLOSED);
    horizon_fini(&s->horizon);
}

void pg_feed_state(struct store_session *base, struct feed_state_read *ask)
{
    struct state_job *s = mem_zalloc(1, sizeof(*s));

    ask->unchanged = false;
    if (!s) {
        ask->done_fn(ask, ERR_NOMEM);
        return;
    }
    s->job.kind = &kind;
    s->session = pg_session_of(base);
    s->ask = ask;
    s->asked_ns = clock_mono_ns();
    pg_lane_put(&s->session->lanes[STORE_CLASS_READ], &s->job);
}
