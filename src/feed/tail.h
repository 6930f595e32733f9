/* SPDX-License-Identifier: MIT */
/*
 * tail - one round after another over the change table; inside feed/ only.
 *
 *   IDLE --poll or wake--> ASKING --state--> READING --all pages--> IDLE
 *                             \--- nothing new, or an error -------^
 *
 * A round asks for the state first and reads up to its head, so every row at
 * or below its horizon is in what it reads. Until the rows to replay have been
 * read, rounds read nothing else.
 * Invariants: ordered <= the horizon of the round; every row up to the public
 * horizon has been given to every reader; shown holds, in order, the offsets
 * above it that visible_fn has had.
 * Owner: feed. Threads: the feed's.
 */
#ifndef FIELDLINE_FEED_TAIL_H
#define FIELDLINE_FEED_TAIL_H

#include "feed/feed.h"
#include "metrics/metrics.h"
#include "net/loop.h"
#include "net/worker.h"
#include "store/store.h"

#include <pthread.h>
#include <stdatomic.h>

#define FEED_READERS_MAX 16
#define FEED_PAGE        256
#define FEED_SHOWN_MAX   ((size_t)1 << 20)

enum tail_state { TAIL_IDLE, TAIL_ASKING, TAIL_READING };

struct feed {
    struct store *store;
    struct tagclock *clock;
    struct metrics *metrics; /* or NULL */
    struct feed_options options;
    struct feed_reader readers[FEED_READERS_MAX];
    unsigned reader_count;

    struct worker *worker;
    pthread_mutex_t lock; /* guards what follows, and posting against stop */
    pthread_cond_t begun;
    bool running;
    bool first_done;
    int first_error;

    struct letter wake;
    atomic_bool wake_posted;

    /* Any thread. */
    _Atomic(const char *) epoch; /* the store's own text */
    _Atomic uint64_t horizon, low_water, head;
    _Atomic uint64_t read_at_ns;  /* when the table was last readable */
    _Atomic uint64_t waits_at_ns; /* since when head > horizon stands; or 0 */

    /* The feed's thread. */
    struct loop *loop;
    struct store_session *session;
    struct metrics_shard *shard;
    metrics_series changes, delay;
    struct timer poll, trim;
    enum tail_state state;
    bool proceeding; /* tail_proceed() is on the stack */
    bool answered;   /* what was asked has come, with error */
    int error;
    bool again;      /* woken amid a round */
    bool returned;   /* feed_began() was called */
    bool replays;    /* old rows are still to be read, up to the horizon */
    bool unreadable; /* the last round failed, and it was said */
    bool closing;
    bool trimming;
    unsigned page;    /* rows asked for at a time: fewer while they are large */
    uint64_t cursor;  /* rows after it are still to be read */
    uint64_t ordered; /* the last offset that ordered_fn has had */
    struct feed_state target;
    struct feed_state_read ask;
    struct changes_read read;
    uint64_t *shown;
    size_t shown_count, shown_cap;
};

int tail_open(struct feed *, struct worker *) MUST_CHECK;
void tail_close(struct feed *);
void tail_wake(struct feed *);
/* Of feed.c: the first round is done. */
void feed_began(struct feed *, int error);

#endif
