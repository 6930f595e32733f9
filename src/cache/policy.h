/* SPDX-License-Identifier: MIT */
/*
 * policy - who has to leave when a shard is full.
 *
 * S3-FIFO (Yang et al., "FIFO queues are all you need for cache eviction",
 * SOSP 2023), aware of sizes. What is new enters the SMALL queue, a tenth of
 * the bounds; what is hit there moves to the MAIN queue, the rest leaves
 * quickly, so a scan cannot wash out what is used. The hashes of those that
 * left the small queue are remembered for a while (GHOSTS): who returns goes
 * straight to main. A hit is one small store and moves nothing.
 *
 * What weighs several times the mean needs one hit more to be promoted, and
 * loses its merits at once when main is full.
 * Owner: a cache shard. Threads: any, locked by the shard.
 */
#ifndef FIELDLINE_CACHE_POLICY_H
#define FIELDLINE_CACHE_POLICY_H

#include "base/list.h"

#include <stddef.h>
#include <stdint.h>

#define POLICY_USED_MAX 3

enum policy_queue { POLICY_SMALL, POLICY_MAIN, POLICY_QUEUES };

struct policy_link {
    struct list link;
    size_t weight;
    uint64_t hash;
    uint8_t queue;
    uint8_t used; /* hits, up to POLICY_USED_MAX */
};

struct policy {
    struct {
        struct list links; /* the first leaves first */
        size_t count, weight;
    } queues[POLICY_QUEUES];
    size_t entries_max, weight_max;
    uint32_t *ghosts;   /* NULL until the first eviction */
    size_t ghost_count; /* a power of two */
};

void policy_init(struct policy *);
void policy_fini(struct policy *);
void policy_bounds_set(struct policy *, size_t entries_max, size_t weight_max);

/* hash and weight are set by the caller. With the link it replaces (already
 * removed) it inherits that one's queue and hits. */
void policy_add(struct policy *, struct policy_link *,
                const struct policy_link *replaced);
void policy_remove(struct policy *, struct policy_link *);
/* Takes the next victim out, or NULL when nothing is left. */
struct policy_link *policy_evict(struct policy *);

static inline void policy_hit(struct policy_link *l)
{
    if (l->used < POLICY_USED_MAX)
        l->used++;
}

#endif
