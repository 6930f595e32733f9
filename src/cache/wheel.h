/* SPDX-License-Identifier: MIT */
/*
 * wheel - what is due is found without a search.
 *
 * A hierarchical timing wheel: four levels of 64 slots, a tick of 128 ms, so
 * it reaches 24 days; what lies beyond waits in the last level and is placed
 * again. A link is never due early, and at most two ticks late.
 * Owner: a cache shard. Threads: any, locked by the shard.
 */
#ifndef FIELDLINE_CACHE_WHEEL_H
#define FIELDLINE_CACHE_WHEEL_H

#include "base/list.h"

#include <stddef.h>
#include <stdint.h>

#define WHEEL_LEVELS    4
#define WHEEL_SLOT_BITS 6
#define WHEEL_SLOTS     (1 << WHEEL_SLOT_BITS)
#define WHEEL_TICK_BITS 7 /* 128 ms */

/* When what holds this link is due, by the clock of now_ms. */
typedef uint64_t wheel_due_fn(const struct list *link);

struct wheel {
    wheel_due_fn *due_fn;
    uint64_t tick; /* up to here the slots are empty */
    size_t count;
    struct list slots[WHEEL_LEVELS][WHEEL_SLOTS];
};

void wheel_reset(struct wheel *, wheel_due_fn *);
/* A link is alone (list_init) while it is in no wheel. */
void wheel_add(struct wheel *, struct list *link, uint64_t now_ms);
void wheel_remove(struct wheel *, struct list *link);
/* Takes out one link that is due, or NULL when none is left. */
struct list *wheel_due(struct wheel *, uint64_t now_ms);

#endif
