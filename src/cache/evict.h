/* SPDX-License-Identifier: MIT */
/*
 * evict - who has to leave when a shard is full: four policies.
 *
 * LRU     one queue; a hit moves to its end.
 * SIEVE   one queue and a hand that goes through it once and again; it passes
 *         over what was used and takes what was not.
 * S3-FIFO what is new enters SMALL, a tenth of the bounds; what is used there
 *         moves to MAIN, the rest leaves quickly. Who returns while his GHOST
 *         is remembered goes to main at once.
 * TIDE    S3-FIFO whose main has a say in whom it takes. Its oldest's last use
 *         is compared with how long a returner was away (the criterion of
 *         LIRS): main that has been used lately refuses who comes from afar,
 *         so a loop does not wash it out. Who left main is remembered too and
 *         may return to it, in the place of one that left small.
 *
 * All are aware of sizes: shares are of entries and of bytes, and what weighs
 * several times the mean needs one use more.
 * Owner: a shard. Threads: any, locked by the shard.
 */
#ifndef FIELDLINE_CACHE_EVICT_H
#define FIELDLINE_CACHE_EVICT_H

#include "cache/entry.h"

#define GHOST_BINS 256u

struct ghosts {
    uint32_t *rows; /* in sets; NULL until the first has left */
    uint32_t *bins; /* behind the rows: those of small, by the time they left */
    uint32_t sets;
    uint32_t width;       /* of a bin, in ticks */
    uint64_t first, last; /* bins in use; from first on they are remembered */
    size_t count;         /* in these */
};

struct evict {
    enum fl_cache_policy policy;
    struct evict_queue {
        struct list links; /* the first leaves first */
        size_t count, weight;
    } queues[ENTRY_QUEUES];
    struct list *hand; /* SIEVE: the next it looks at; NULL: the oldest */
    size_t entries_max, weight_max;
    uint64_t ticks;       /* of a clock of entries that came */
    _Atomic uint16_t now; /* the same: what a hit notes */
    uint32_t came;        /* since the last tick */
    unsigned shift;       /* of a tick: so many bits of entries */
    unsigned spared;      /* TIDE: those that left small since one left main */
    struct ghosts ghosts;
    const struct fl_allocator *allocator;
};

void evict_init(struct evict *, enum fl_cache_policy,
                const struct fl_allocator *);
void evict_fini(struct evict *);
void evict_bounds_set(struct evict *, size_t entries_max, size_t weight_max);

/* With the one it replaces (already removed) it inherits that one's place. */
void evict_add(struct evict *, struct entry *, const struct entry *replaced);
void evict_remove(struct evict *, struct entry *);
/* Takes the next to leave out, or NULL when nothing is left. */
struct entry *evict_next(struct evict *);
void evict_touch(struct evict *, struct entry *); /* LRU's hit */

/* What a hit notes; without the lock. */
static inline unsigned evict_now(const struct evict *v)
{
    return atomic_load_explicit(&v->now, memory_order_relaxed);
}

/* How often a hit counts. */
static inline unsigned evict_used_max(enum fl_cache_policy p)
{
    return p == FL_CACHE_LRU ? 0 : p == FL_CACHE_SIEVE ? 1 : ENTRY_USED_MAX;
}

#endif
