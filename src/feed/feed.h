/* SPDX-License-Identifier: MIT */
/*
 * feed - tails the change table and calls its readers in order.
 *
 * The tail runs on a thread of its own. For each round it reads what is
 * visible beyond the horizon, calls every reader's visible_fn for each row it
 * has not shown before (once, as soon as it is visible), learns the horizon,
 * and then calls ordered_fn for the rows up to the horizon, once each, in
 * offset order. After a round the tag clock's horizon is advanced.
 *
 * It is woken by feed_wake() and otherwise polls. If it cannot read for
 * stale_after_ms the clock is set stale until it can. At start it begins at
 * the present horizon (the clock's floors start there) after refilling
 * FEED_RING recent rows for readers that ask for them.
 * Owner: app. Threads: readers are called on the feed's thread; the rest any.
 */
#ifndef FIELDLINE_FEED_FEED_H
#define FIELDLINE_FEED_FEED_H

#include "store/change.h"

struct feed;
struct metrics;
struct store;
struct store_session;
struct tagclock;

struct feed_options {
    uint64_t poll_ms;        /* default 100 */
    uint64_t stale_after_ms; /* default 5,000 */
    uint64_t keep_ms;        /* default 7 days */
    uint64_t keep_bytes;     /* default 1 GB */
    uint64_t trim_ms;        /* how often that is seen to: 60,000 */
    uint64_t replay;         /* rows given to replay_fn at start: 10,000 */
};

struct feed_reader {
    change_fn *visible_fn; /* or NULL */
    change_fn *ordered_fn; /* or NULL */
    change_fn *replay_fn;  /* old rows at start, in order, or NULL */
    /* All old rows were replayed; nothing else is told before. Or NULL: then
     * feed_start() returns only when they were. */
    void (*replayed_fn)(void *arg);
    /* The horizon moved to this offset (ordered_fn was called for all up to
     * it), or a new epoch began (restarted). */
    void (*horizon_fn)(uint64_t horizon, bool restarted, void *arg);
    void *arg;
};

int feed_new(struct feed **ret, struct store *, struct tagclock *,
             struct metrics *, const struct feed_options *) MUST_CHECK;
void feed_free(struct feed **);
int feed_add_reader(struct feed *, const struct feed_reader *) MUST_CHECK;
/* Returns when the horizon is known (and, for a reader that replays without a
 * replayed_fn, when it has had the old rows). */
int feed_start(struct feed *) MUST_CHECK;
/* The two halves of it, for who has other things to start meanwhile. After a
 * begin that returned 0 any thread may wait, and feed_stop() must follow. */
int feed_begin(struct feed *) MUST_CHECK;
int feed_wait(struct feed *) MUST_CHECK;
void feed_stop(struct feed *);
void feed_wake(struct feed *);

struct bytes feed_epoch(const struct feed *);
uint64_t feed_horizon(const struct feed *);
uint64_t feed_low_water(const struct feed *);
/* Milliseconds the horizon has stood still while newer changes wait. */
uint64_t feed_horizon_age_ms(const struct feed *);
bool feed_is_stale(const struct feed *);

/* Can a reader that has everything up to p be brought up to date from the
 * table? 0; ERR_STALE: another epoch, beyond the head or below the low-water
 * mark: he must reload. */
int feed_check(const struct feed *, const struct position *p) MUST_CHECK;

#endif
