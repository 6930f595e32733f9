/* SPDX-License-Identifier: MIT */
/*
 * policy - two queues and a table of ghosts.
 *
 * A ghost is a fingerprint at the place its hash names, until another takes
 * that place: it fades when about as many have left after it as the cache can
 * hold. The table is only a hint: without memory for it the policy still works.
 * Threads: any, locked by the shard.
 */
#include "cache/policy.h"

#include "base/mem.h"

#include <stdbool.h>

#define SMALL_SHARE        10
#define HEAVY_TIMES        4
#define SECOND_CHANCES_MAX 64 /* bounds the time one eviction takes */
#define GHOSTS_MIN         ((size_t)64)
#define GHOSTS_MAX         ((size_t)1 << 20)

void policy_init(struct policy *p)
{
    *p = (struct policy){0};
    for (int q = 0; q < POLICY_QUEUES; q++)
        list_init(&p->queues[q].links);
}

void policy_fini(struct policy *p)
{
    mem_free(p->ghosts);
    p->ghosts = NULL;
}

void policy_bounds_set(struct policy *p, size_t entries_max, size_t weight_max)
{
    p->entries_max = entries_max;
    p->weight_max = weight_max;
}

static void ghosts_open(struct policy *p)
{
    size_t count = GHOSTS_MIN;
    size_t entries =
        p->queues[POLICY_SMALL].count + p->queues[POLICY_MAIN].count;

    while (count < entries && count < GHOSTS_MAX)
        count *= 2;
    p->ghosts = mem_zalloc(count, sizeof(*p->ghosts));
    p->ghost_count = p->ghosts ? count : 0;
}

static uint32_t print_of(uint64_t hash)
{
    return (uint32_t)(hash >> 16) | 1; /* 0 is an empty place */
}

static void ghost_leave(struct policy *p, uint64_t hash)
{
    if (!p->ghosts)
        ghosts_open(p);
    if (p->ghosts)
        p->ghosts[hash & (p->ghost_count - 1)] = print_of(hash);
}

static bool ghost_returns(struct policy *p, uint64_t hash)
{
    uint32_t *ghost =
        p->ghosts ? &p->ghosts[hash & (p->ghost_count - 1)] : NULL;

    if (!ghost || *ghost != print_of(hash))
        return false;
    *ghost = 0;
    return true;
}

static void queue_append(struct policy *p, struct policy_link *l,
                         enum policy_queue q)
{
    l->queue = (uint8_t)q;
    list_append(&p->queues[q].links, &l->link);
    p->queues[q].count++;
    p->queues[q].weight += l->weight;
}

void policy_remove(struct policy *p, struct policy_link *l)
{
    list_remove(&l->link);
    p->queues[l->queue].count--;
    p->queues[l->queue].weight -= l->weight;
}

void policy_add(struct policy *p, struct policy_link *l,
                const struct policy_link *replaced)
{
    enum policy_queue q = POLICY_SMALL;

    l->used = 0;
    if (replaced) {
        q = (enum policy_queue)replaced->queue;
        l->used = replaced->used;
    } else if (ghost_returns(p, l->hash)) {
        q = POLICY_MAIN;
    }
    queue_append(p, l, q);
}

static struct policy_link *queue_pop(struct policy *p, enum policy_queue q)
{
    if (list_empty(&p->queues[q].links))
        return NULL;

    struct policy_link *l =
        LIST_FIRST(&p->queues[q].links, struct policy_link, link);

    policy_remove(p, l);
    return l;
}

static bool is_heavy(const struct policy *p, const struct policy_link *l)
{
    size_t count = p->queues[POLICY_SMALL].count + p->queues[POLICY_MAIN].count;
    size_t weight =
        p->queues[POLICY_SMALL].weight + p->queues[POLICY_MAIN].weight;

    return count && l->weight / HEAVY_TIMES > weight / count;
}

static bool small_is_due(const struct policy *p)
{
    return p->queues[POLICY_MAIN].count == 0 ||
           p->queues[POLICY_SMALL].count > p->entries_max / SMALL_SHARE ||
           p->queues[POLICY_SMALL].weight > p->weight_max / SMALL_SHARE;
}

/* Gives the link a second chance in main, if it has earned one. */
static bool stays(struct policy *p, struct policy_link *l)
{
    bool heavy = is_heavy(p, l);

    if (l->used == 0 || (l->queue == POLICY_SMALL && heavy && l->used == 1))
        return false;
    l->used = l->queue == POLICY_SMALL || heavy ? 0 : (uint8_t)(l->used - 1);
    queue_append(p, l, POLICY_MAIN);
    return true;
}

struct policy_link *policy_evict(struct policy *p)
{
    for (int chances = SECOND_CHANCES_MAX;; chances--) {
        struct policy_link *l =
            small_is_due(p) ? queue_pop(p, POLICY_SMALL) : NULL;

        if (!l)
            l = queue_pop(p, POLICY_MAIN);
        if (!l)
            return NULL;
        if (chances > 0 && stays(p, l))
            continue;
        if (l->queue == POLICY_SMALL)
            ghost_leave(p, l->hash);
        return l;
    }
}
