/* SPDX-License-Identifier: MIT */
/*
 * tail - see tail.h. Threads: the feed's.
 */
#include "feed/tail.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "cache/tagclock.h"

#define NS_PER_MS ((uint64_t)1000000)
#define NS_PER_US 1000

static void tail_proceed(struct feed *);

/* --- what was shown above the horizon ---------------------------------- */

/* The place of offset in shown, or where it belongs. */
static size_t shown_place(const struct feed *f, uint64_t offset)
{
    size_t low = 0, high = f->shown_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (f->shown[middle] < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* True: it is new. What cannot be remembered is shown again: the clock takes
 * a row twice without harm. */
static bool shown_add(struct feed *f, uint64_t offset)
{
    size_t at = shown_place(f, offset);

    if (at < f->shown_count && f->shown[at] == offset)
        return false;
    if (mem_grow(&f->shown, &f->shown_cap, f->shown_count + 1,
                 sizeof(*f->shown), FEED_SHOWN_MAX))
        return true;
    memmove(f->shown + at + 1, f->shown + at,
            (f->shown_count - at) * sizeof(*f->shown));
    f->shown[at] = offset;
    f->shown_count++;
    return true;
}

/* Takes out what is at or below the horizon. */
static void shown_drop(struct feed *f, uint64_t horizon)
{
    size_t gone = shown_place(f, horizon + 1);

    if (!gone)
        return;
    f->shown_count -= gone;
    memmove(f->shown, f->shown + gone, f->shown_count * sizeof(*f->shown));
}

static bool was_shown(const struct feed *f, uint64_t offset)
{
    size_t at = shown_place(f, offset);

    return at < f->shown_count && f->shown[at] == offset;
}

/* --- telling the readers ----------------------------------------------- */

static void tell_replay(struct feed *f, const struct change *c)
{
    for (unsigned i = 0; i < f->reader_count; i++)
        if (f->readers[i].replay_fn)
            f->readers[i].replay_fn(c, f->readers[i].arg);
}

static void tell_replayed(struct feed *f)
{
    f->replays = false;
    for (unsigned i = 0; i < f->reader_count; i++)
        if (f->readers[i].replayed_fn)
            f->readers[i].replayed_fn(f->readers[i].arg);
}

/* Does anybody want the old rows, and before the start returns? */
static bool start_waits(const struct feed *f)
{
    for (unsigned i = 0; i < f->reader_count; i++)
        if (f->readers[i].replay_fn && !f->readers[i].replayed_fn)
            return true;
    return false;
}

static void tell_visible(struct feed *f, const struct change *c)
{
    int64_t late_us = clock_wall_us() - c->at_us;

    if (f->shard) {
        metrics_add(f->shard, f->changes, 1);
        metrics_record_ns(f->shard, f->delay,
                          late_us > 0 ? (uint64_t)late_us * NS_PER_US : 0);
    }
    for (unsigned i = 0; i < f->reader_count; i++)
        if (f->readers[i].visible_fn)
            f->readers[i].visible_fn(c, f->readers[i].arg);
}

static void tell_ordered(struct feed *f, const struct change *c)
{
    for (unsigned i = 0; i < f->reader_count; i++)
        if (f->readers[i].ordered_fn)
            f->readers[i].ordered_fn(c, f->readers[i].arg);
}

static void tell_horizon(struct feed *f, uint64_t horizon, bool restarted)
{
    for (unsigned i = 0; i < f->reader_count; i++)
        if (f->readers[i].horizon_fn)
            f->readers[i].horizon_fn(horizon, restarted, f->readers[i].arg);
}

static void on_change(const struct change *c, void *arg)
{
    struct feed *f = arg;

    f->cursor = c->offset;
    if (f->replays) {
        tell_replay(f, c);
        return;
    }
    if (c->offset > f->target.horizon) {
        if (shown_add(f, c->offset))
            tell_visible(f, c);
        return;
    }
    if (c->offset <= f->ordered)
        return; /* told in a round that failed later */
    if (!was_shown(f, c->offset))
        tell_visible(f, c);
    tell_ordered(f, c);
    f->ordered = c->offset;
}

/* --- the horizon ------------------------------------------------------- */

static void horizon_advance(struct feed *f, uint64_t horizon)
{
    if (horizon <= atomic_load(&f->horizon))
        return;
    f->ordered = horizon;
    atomic_store(&f->horizon, horizon);
    tagclock_advance(f->clock, horizon);
    shown_drop(f, horizon);
    tell_horizon(f, horizon, false);
}

static bool is_new_history(const struct feed *f)
{
    const char *epoch = atomic_load(&f->epoch);
    uint64_t horizon = atomic_load(&f->horizon);

    return !epoch || !bytes_equal(bytes_of(epoch), store_epoch(f->store)) ||
           f->target.head < horizon || f->target.low_water > horizon;
}

/* The rows to replay end where the feed begins. */
static uint64_t replay_from(const struct feed *f)
{
    uint64_t from = f->target.horizon > f->options.replay
                        ? f->target.horizon - f->options.replay
                        : 0;

    return from > f->target.low_water ? from : f->target.low_water;
}

/* A first start, a restored backup, or so long away that rows are gone: what
 * is known is void, and the table is followed from where it stands. */
static void history_begin(struct feed *f)
{
    bool restarted = atomic_load(&f->epoch) != NULL;
    uint64_t horizon = f->target.horizon;

    if (restarted)
        log_warn("feed.restart", "horizon=%llu", (unsigned long long)horizon);
    f->shown_count = 0;
    f->ordered = horizon;
    f->cursor = replay_from(f);
    tagclock_restart(f->clock, horizon); /* before the epoch is seen */
    atomic_store(&f->epoch, store_epoch(f->store).at);
    atomic_store(&f->horizon, horizon);
    tell_horizon(f, horizon, restarted);
    if (restarted && f->replays)
        tell_replayed(f); /* what was to come is void */
}

/* --- rounds ------------------------------------------------------------ */

static void round_readable(struct feed *f)
{
    atomic_store(&f->read_at_ns, clock_mono_ns());
    f->unreadable = false;
    if (tagclock_is_stale(f->clock)) {
        tagclock_set_stale(f->clock, false);
        log_info("feed.readable", "horizon=%llu",
                 (unsigned long long)atomic_load(&f->horizon));
    }
}

/* Lets feed_start() return, the first time. */
static void start_return(struct feed *f, int error)
{
    if (f->returned)
        return;
    f->returned = true;
    feed_began(f, error);
}

static void round_end(struct feed *f, int error)
{
    f->state = TAIL_IDLE;
    if (!error)
        round_readable(f);
    else if (!f->unreadable && !f->closing)
        log_warn("feed.unreadable", "error=%s", error_name(error));
    f->unreadable = error != 0;
    if (!error && f->replays) {
        tell_replayed(f);
        f->again = true; /* for what came meanwhile */
    }
    start_return(f, error);
}

static void wait_note(struct feed *f)
{
    bool waits = f->target.head > f->target.horizon;
    uint64_t since = atomic_load(&f->waits_at_ns);

    if (!waits || atomic_load(&f->horizon) < f->target.horizon)
        since = 0;
    if (waits && !since)
        since = clock_mono_ns();
    atomic_store(&f->waits_at_ns, since);
}

static void on_state(struct feed_state_read *ask, int error)
{
    struct feed *f = ask->arg;

    f->answered = true;
    f->error = error;
    tail_proceed(f);
}

static void on_page(struct changes_read *read, int error)
{
    struct feed *f = read->arg;

    f->answered = true;
    f->error = error;
    tail_proceed(f);
}

static void state_ask(struct feed *f)
{
    f->again = false;
    f->state = TAIL_ASKING;
    f->answered = false;
    f->ask = (struct feed_state_read){.done_fn = on_state, .arg = f};
    store_feed_state(f->session, &f->ask);
}

/* A page more, if the round's end is not reached. */
static void page_ask(struct feed *f)
{
    uint64_t upto = f->replays ? atomic_load(&f->horizon) : f->target.head;

    if (f->cursor >= upto) {
        round_end(f, 0);
        return;
    }
    f->state = TAIL_READING;
    f->answered = false;
    f->read = (struct changes_read){.after = f->cursor,
                                    .upto = upto,
                                    .limit = f->page,
                                    .change_fn = on_change,
                                    .done_fn = on_page,
                                    .arg = f};
    store_changes_read(f->session, &f->read);
}

static void state_note(struct feed *f)
{
    f->target = f->ask.state;
    atomic_store(&f->low_water, f->target.low_water);
    wait_note(f);
    if (is_new_history(f))
        history_begin(f);
    atomic_store(&f->head, f->target.head);
    if (!f->returned && !start_waits(f)) {
        round_readable(f);
        start_return(f, 0);
    }
}

/* Did a round bring all that the last state spoke of? That one may have been
 * told to a round that failed. */
static bool is_read_out(const struct feed *f)
{
    return !f->replays && atomic_load(&f->horizon) >= f->target.horizon;
}

static void state_take(struct feed *f)
{
    if (f->error || (f->ask.unchanged && is_read_out(f))) {
        round_end(f, f->error);
        return;
    }
    if (!f->ask.unchanged)
        state_note(f);
    if (!f->replays)
        f->cursor = atomic_load(&f->horizon);
    page_ask(f);
}

/* The rows were too large to be held together. One that is so alone cannot be
 * told: what is known is void. */
static void page_shrink(struct feed *f)
{
    if (f->page > 1) {
        f->page /= 2;
        page_ask(f);
        return;
    }
    history_begin(f);
    round_end(f, 0);
}

/* Rows that were still to be read are gone: another node has trimmed them. */
static void page_missing(struct feed *f)
{
    history_begin(f);
    round_end(f, 0);
    f->again = true;
}

static void page_take(struct feed *f)
{
    bool more = !f->error && f->read.count >= f->read.limit;

    if (f->error == ERR_STALE) {
        page_missing(f);
        return;
    }
    if (f->error == ERR_LIMIT) {
        page_shrink(f);
        return;
    }
    if (!f->error && f->page < FEED_PAGE)
        f->page *= 2;

    if (!f->error && !f->replays)
        horizon_advance(f, !more || f->cursor > f->target.horizon
                               ? f->target.horizon
                               : f->cursor);
    if (more)
        page_ask(f);
    else
        round_end(f, f->error);
}

/* False: it waits for an answer, a wake or the poll. */
static bool tail_step(struct feed *f)
{
    switch (f->state) {
    case TAIL_IDLE:
        if (!f->again || f->closing)
            return false;
        state_ask(f);
        return true;
    case TAIL_ASKING:
        if (f->answered)
            state_take(f);
        return f->answered;
    case TAIL_READING:
        if (f->answered)
            page_take(f);
        return f->answered;
    }
    return false;
}

/* On SQLite an answer may come before the call that asked returns: then the
 * step that asked goes on, and no page stands on the stack of another. */
static void tail_proceed(struct feed *f)
{
    if (f->proceeding)
        return;
    f->proceeding = true;
    while (tail_step(f))
        ;
    f->proceeding = false;
}

/* --- timers and wakes -------------------------------------------------- */

static void stale_check(struct feed *f)
{
    if (!feed_is_stale(f) || tagclock_is_stale(f->clock))
        return;
    tagclock_set_stale(f->clock, true);
    log_error("feed.stale", "horizon=%llu",
              (unsigned long long)atomic_load(&f->horizon));
}

void tail_wake(struct feed *f)
{
    f->again = true;
    tail_proceed(f);
}

static void on_poll(struct timer *timer, void *arg)
{
    struct feed *f = arg;

    timer_start(f->loop, &f->poll, f->options.poll_ms);
    stale_check(f);
    tail_wake(f);
}

static void trim_start(struct feed *);

static void on_trimmed(void *arg, int error, bool more)
{
    struct feed *f = arg;

    f->trimming = false;
    if (error && error != ERR_CLOSED)
        log_warn("feed.trim", "error=%s", error_name(error));
    if (more && !error && !f->closing)
        timer_start(f->loop, &f->trim, 0);
}

static void trim_start(struct feed *f)
{
    struct trim_bounds bounds = {
        .older_than_us = clock_wall_us() - (int64_t)(f->options.keep_ms * 1000),
        .bytes_max = f->options.keep_bytes,
        .upto = atomic_load(&f->horizon)};

    if (f->trimming)
        return;
    f->trimming = true;
    store_changes_trim(f->session, &bounds, on_trimmed, f);
}

static void on_trim(struct timer *timer, void *arg)
{
    struct feed *f = arg;

    timer_start(f->loop, &f->trim, f->options.trim_ms);
    trim_start(f);
}

/* --- opening and closing ----------------------------------------------- */

static int shard_open(struct feed *f)
{
    int error;

    if (!f->metrics)
        return 0;
    if (f->shard) /* started before */
        return 0;
    error = metrics_shard_new(f->metrics, &f->shard);
    if (error)
        return error;
    f->changes = metrics_series_of(f->metrics, METRIC_FEED_CHANGES, NULL);
    f->delay = metrics_series_of(f->metrics, METRIC_FEED_DELAY, NULL);
    return 0;
}

int tail_open(struct feed *f, struct worker *worker)
{
    int error = shard_open(f);

    f->loop = worker_loop(worker);
    if (!error)
        error = store_session_open(&f->session, f->store, f->loop, f->shard);
    if (error)
        return error;
    timer_init(&f->poll, on_poll, f);
    timer_init(&f->trim, on_trim, f);
    timer_start(f->loop, &f->poll, f->options.poll_ms);
    timer_start(f->loop, &f->trim, f->options.trim_ms);
    f->state = TAIL_IDLE;
    f->closing = false;
    f->returned = false;
    f->replays = true;
    f->page = FEED_PAGE;
    tail_wake(f);
    return 0;
}

void tail_close(struct feed *f)
{
    f->closing = true;
    timer_stop(&f->poll);
    timer_stop(&f->trim);
    store_session_close(&f->session);
    mem_free(f->shown);
    f->shown = NULL;
    f->shown_count = f->shown_cap = 0;
}
