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
 * TIDE    S3-FIFO with a third queue and two states. What comes first, until
 *         the shard is full, is HELD. At EBB, while what leaves small rarely
 *         returns, the held stay and newcomers pass through small: a scan or a
 *         loop that is larger than the cache then finds a part of itself here
 *         instead of nothing. At FLOW, when they do return, the held leave
 *         first, oldest first, and all is S3-FIFO. Ghosts live longer at ebb,
 *         and a returner must have been away shorter than main's oldest.
 *
 * All are aware of sizes: shares are of entries and of bytes, and what weighs
 * several times the mean needs one use more.
 * Owner: a shard. Threads: any, locked by the shard.
 */
#ifndef FIELDLINE_CACHE_EVICT_H
#define FIELDLINE_CACHE_EVICT_H

#include "cache/entry.h"

struct ghosts {
    uint32_t *rows; /* in sets; NULL until the first has left */
    uint32_t sets;
    unsigned shift; /* of the clock: a row's time has 16 bits */
};

struct evict {
    enum fl_cache_policy policy;
    struct evict_queue {
        struct list links; /* the first leaves first */
        size_t count, weight;
    } queues[ENTRY_QUEUES];
    struct list *hand; /* SIEVE: the next it looks at; NULL: the oldest */
    size_t entries_max, weight_max;
    uint32_t clock;       /* entries that came */
    _Atomic uint16_t now; /* the same, coarse: what a hit notes */
    bool full;            /* somebody has had to leave */
    bool flows;           /* TIDE: at flow */
    double left;          /* from small, and of those */
    double returned;      /* soon: both fade */
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
