/* SPDX-License-Identifier: MIT */
/*
 * evict - queues, a hand and a table of ghosts.
 *
 * A ghost is a row of 32 bits in a set of eight: 15 bits of the hash, one for
 * the queue it left, 16 of the clock, coarsened so that they reach 16 times
 * the cache's entries. The oldest of a full set is overwritten. The table is
 * only a hint: without memory for it the policies still work.
 * Threads: any, locked by the shard.
 */
#include "cache/evict.h"

#include "base/allocator.h"
#include "base/attr.h"

#define SMALL_SHARE        10 /* a tenth */
#define HEAVY_TIMES        4
#define SECOND_CHANCES_MAX 256 /* bounds the time one eviction takes */

#define GHOST_WAYS      8u
#define GHOST_TIMES     3u /* rows for each entry */
#define GHOST_SETS_MAX  (UINT32_C(1) << 20)
#define GHOST_STEPS     4096u /* of the clock, while the cache fills once */
#define GHOST_TIME_MASK 0xffffu
#define GHOST_MAIN      (UINT32_C(1) << 16)
#define GHOST_PRINT     17

/* TIDE, measured on traces (docs/library/cache.md). */
#define LOOSE_SHARE   6   /* a sixth is not held; 15 to 20 % are alike */
#define SOON_SHARE    4   /* back within a quarter of the entries */
#define FLOW_PERMILLE 4   /* of them come back soon */
#define FADE_SHARE    50  /* memory: a fiftieth of the entries, */
#define FADE_MIN      250 /* at least so many */
#define EBB_GHOSTS    3   /* times the entries; at flow once */

void evict_init(struct evict *v, enum fl_cache_policy policy,
                const struct fl_allocator *allocator)
{
    *v = (struct evict){.policy = policy, .allocator = allocator};
    for (int q = 0; q < ENTRY_QUEUES; q++)
        list_init(&v->queues[q].links);
    v->left = FADE_MIN;
}

void evict_fini(struct evict *v)
{
    allocator_free(v->allocator, v->ghosts.rows);
    v->ghosts.rows = NULL;
}

void evict_bounds_set(struct evict *v, size_t entries_max, size_t weight_max)
{
    v->entries_max = entries_max;
    v->weight_max = weight_max;
}

static size_t entries_of(const struct evict *v)
{
    return v->queues[ENTRY_HELD].count + v->queues[ENTRY_SMALL].count +
           v->queues[ENTRY_MAIN].count;
}

static size_t weight_of(const struct evict *v)
{
    return v->queues[ENTRY_HELD].weight + v->queues[ENTRY_SMALL].weight +
           v->queues[ENTRY_MAIN].weight;
}

/* At ebb the held are a part of main, at flow of small. */
static bool is_main(const struct evict *v, const struct entry *e)
{
    return e->queue == ENTRY_MAIN || (e->queue == ENTRY_HELD && !v->flows);
}

/* --- ghosts --- */

static void ghosts_open(struct evict *v)
{
    struct ghosts *g = &v->ghosts;
    size_t entries = entries_of(v) + 1;
    size_t sets = GHOST_TIMES * entries / GHOST_WAYS + 1;

    if (sets > GHOST_SETS_MAX)
        sets = GHOST_SETS_MAX;
    g->rows =
        allocator_zalloc(v->allocator, sets * GHOST_WAYS, sizeof(*g->rows));
    g->sets = g->rows ? (uint32_t)sets : 0;
    for (g->shift = 0; (entries >> g->shift) > GHOST_STEPS;)
        g->shift++;
}

static uint32_t ghost_print(uint32_t hash)
{
    return ((hash * UINT32_C(0x9e3779b1)) >> GHOST_PRINT) << GHOST_PRINT;
}

static uint32_t *ghost_set(const struct ghosts *g, uint32_t hash)
{
    return &g->rows[((uint64_t)hash * g->sets >> 32) * GHOST_WAYS];
}

static uint32_t ghost_time(const struct evict *v)
{
    return v->clock >> v->ghosts.shift & GHOST_TIME_MASK;
}

static void ghost_leave(struct evict *v, const struct entry *e)
{
    if (!v->ghosts.rows)
        ghosts_open(v);
    if (!v->ghosts.rows)
        return;

    uint32_t *row = ghost_set(&v->ghosts, e->hash), now = ghost_time(v);
    unsigned oldest = 0;
    uint32_t oldest_age = 0;

    for (unsigned way = 0; way < GHOST_WAYS; way++) {
        uint32_t age =
            row[way] ? (now - row[way]) & GHOST_TIME_MASK : GHOST_TIME_MASK + 1;

        if (age < oldest_age)
            continue;
        oldest = way;
        oldest_age = age;
        if (!row[way])
            break;
    }
    row[oldest] = ghost_print(e->hash) | (is_main(v, e) ? GHOST_MAIN : 0) | now;
}

/* Whether it is remembered; then it is forgotten, and *age says how many have
 * come since it left, *from_main which queue it left. */
static bool ghost_take(struct evict *v, uint32_t hash, size_t *age,
                       bool *from_main)
{
    if (!v->ghosts.rows)
        return false;

    uint32_t *row = ghost_set(&v->ghosts, hash), print = ghost_print(hash);

    for (unsigned way = 0; way < GHOST_WAYS; way++) {
        if (!row[way] || row[way] >> GHOST_PRINT != print >> GHOST_PRINT)
            continue;
        *age = (size_t)((ghost_time(v) - row[way]) & GHOST_TIME_MASK)
               << v->ghosts.shift;
        *from_main = (row[way] & GHOST_MAIN) != 0;
        row[way] = 0;
        return true;
    }
    return false;
}

/* How many must have left before one is forgotten: as many as main holds. */
static size_t flow_ghosts(size_t entries)
{
    return entries - entries / SMALL_SHARE;
}

/* --- queues --- */

static void queue_append(struct evict *v, struct entry *e, enum entry_queue q)
{
    e->queue = (uint8_t)q;
    list_append(&v->queues[q].links, &e->order);
    v->queues[q].count++;
    v->queues[q].weight += entry_weight(e);
}

void evict_remove(struct evict *v, struct entry *e)
{
    if (v->hand == &e->order)
        v->hand =
            e->order.next == &v->queues[e->queue].links ? NULL : e->order.next;
    list_remove(&e->order);
    v->queues[e->queue].count--;
    v->queues[e->queue].weight -= entry_weight(e);
}

static struct entry *queue_first(const struct evict *v, enum entry_queue q)
{
    const struct evict_queue *queue = &v->queues[q];

    return list_empty(&queue->links)
               ? NULL
               : LIST_FIRST(&queue->links, struct entry, order);
}

static bool is_over(const struct evict *v, size_t count, size_t weight,
                    size_t share)
{
    return count >= (v->entries_max + share - 1) / share ||
           weight > v->weight_max / share;
}

static bool small_is_over(const struct evict *v, bool with_held)
{
    const struct evict_queue *small = &v->queues[ENTRY_SMALL];
    const struct evict_queue *held = &v->queues[ENTRY_HELD];

    return is_over(v, small->count + (with_held ? held->count : 0),
                   small->weight + (with_held ? held->weight : 0), SMALL_SHARE);
}

static bool is_heavy(const struct evict *v, const struct entry *e)
{
    size_t count = entries_of(v);

    return count && entry_weight(e) / HEAVY_TIMES > weight_of(v) / count;
}

static unsigned used_of(const struct entry *e)
{
    return atomic_load_explicit(&e->used, memory_order_relaxed);
}

static void used_set(struct entry *e, unsigned used)
{
    atomic_store_explicit(&e->used, (uint8_t)used, memory_order_relaxed);
}

static void touch(const struct evict *v, struct entry *e)
{
    atomic_store_explicit(&e->touched, (uint16_t)ghost_time(v),
                          memory_order_relaxed);
}

/* --- tide --- */

static void tide_left(struct evict *v)
{
    double fade = (double)entries_of(v) / FADE_SHARE;

    fade = 1 - 1 / (fade > FADE_MIN ? fade : FADE_MIN);
    v->left = v->left * fade + 1;
    v->returned *= fade;
    if (v->flows && v->returned * 2000 < FLOW_PERMILLE * v->left)
        v->flows = false;
}

static void tide_returned(struct evict *v)
{
    v->returned++;
    if (v->returned * 1000 > FLOW_PERMILLE * v->left)
        v->flows = true;
}

/* At ebb who returns comes into main if main has not its share; else only if
 * he was away shorter than main's oldest has been there, and never in the place
 * of one that is held. */
static bool ebb_takes(const struct evict *v, size_t away)
{
    const struct evict_queue *held = &v->queues[ENTRY_HELD];
    const struct evict_queue *main = &v->queues[ENTRY_MAIN];
    const struct entry *oldest = queue_first(v, ENTRY_MAIN);
    uint32_t age;

    if (held->count + main->count + 1 <
            v->entries_max - v->entries_max / SMALL_SHARE &&
        held->weight + main->weight <
            v->weight_max - v->weight_max / SMALL_SHARE)
        return true;
    if (held->count || !oldest)
        return false;
    age = (ghost_time(v) -
           atomic_load_explicit(&oldest->touched, memory_order_relaxed)) &
          GHOST_TIME_MASK;
    return away + v->entries_max / SMALL_SHARE <= (size_t)age
                                                      << v->ghosts.shift;
}

static enum entry_queue tide_place(struct evict *v, const struct entry *e)
{
    const struct evict_queue *held = &v->queues[ENTRY_HELD];
    size_t entries = entries_of(v), away = 0;
    bool from_main = false,
         remembered = ghost_take(v, e->hash, &away, &from_main);

    if (remembered && !from_main && away < entries / SOON_SHARE)
        tide_returned(v);
    if (!v->full &&
        held->count < v->entries_max - v->entries_max / LOOSE_SHARE &&
        held->weight < v->weight_max - v->weight_max / LOOSE_SHARE)
        return ENTRY_HELD;
    if (!remembered || away >= entries * (v->flows ? 1 : EBB_GHOSTS) ||
        !(v->flows || ebb_takes(v, away)))
        return ENTRY_SMALL;
    return ENTRY_MAIN;
}

/* --- the whole --- */

void evict_add(struct evict *v, struct entry *e, const struct entry *replaced)
{
    enum entry_queue q = ENTRY_MAIN;
    size_t away;
    bool from_main;

    v->clock++;
    atomic_store_explicit(&v->now, (uint16_t)ghost_time(v),
                          memory_order_relaxed);
    touch(v, e);
    used_set(e, replaced ? used_of(replaced) : 0);
    if (replaced && v->policy != FL_CACHE_LRU)
        q = (enum entry_queue)replaced->queue;
    else if (v->policy == FL_CACHE_TIDE)
        q = tide_place(v, e);
    else if (v->policy == FL_CACHE_S3FIFO &&
             !(ghost_take(v, e->hash, &away, &from_main) &&
               away < flow_ghosts(entries_of(v))))
        q = ENTRY_SMALL;
    queue_append(v, e, q);
}

void evict_touch(struct evict *v, struct entry *e)
{
    list_remove(&e->order);
    list_append(&v->queues[e->queue].links, &e->order);
}

static struct entry *sieve_next(struct evict *v)
{
    struct list *links = &v->queues[ENTRY_MAIN].links;

    if (list_empty(links))
        return NULL;
    for (size_t i = 0; i <= v->queues[ENTRY_MAIN].count; i++) {
        if (!v->hand || v->hand == links)
            v->hand = links->next;

        struct entry *e = CONTAINER_OF(v->hand, struct entry, order);

        if (used_of(e) == 0)
            return e;
        used_set(e, 0);
        v->hand = e->order.next;
    }
    return LIST_FIRST(links, struct entry, order);
}

/* The queue whose first is looked at. */
static enum entry_queue fifo_due(const struct evict *v)
{
    bool held = v->queues[ENTRY_HELD].count != 0;

    if (small_is_over(v, v->flows)) {
        if (v->flows && held)
            return ENTRY_HELD;
        if (v->queues[ENTRY_SMALL].count)
            return ENTRY_SMALL;
    }
    if (held)
        return ENTRY_HELD;
    return v->queues[ENTRY_MAIN].count ? ENTRY_MAIN : ENTRY_SMALL;
}

/* Gives it a second chance in main, if it has earned one. */
static bool fifo_stays(struct evict *v, struct entry *e)
{
    bool main = is_main(v, e);
    bool heavy = is_heavy(v, e);
    unsigned used = used_of(e);

    if (used == 0 || (!main && heavy && used == 1))
        return false;
    evict_remove(v, e);
    used_set(e, !main || heavy ? 0 : used - 1);
    touch(v, e);
    queue_append(v, e, ENTRY_MAIN);
    return true;
}

static struct entry *fifo_next(struct evict *v)
{
    for (int chances = SECOND_CHANCES_MAX;; chances--) {
        struct entry *e = queue_first(v, fifo_due(v));

        if (!e)
            return NULL;
        if (chances > 0 && fifo_stays(v, e))
            continue;
        if (v->policy == FL_CACHE_TIDE || !is_main(v, e))
            ghost_leave(v, e);
        if (v->policy == FL_CACHE_TIDE && !is_main(v, e))
            tide_left(v);
        return e;
    }
}

struct entry *evict_next(struct evict *v)
{
    struct entry *e;

    v->full = true;
    if (v->policy == FL_CACHE_LRU)
        e = queue_first(v, ENTRY_MAIN);
    else if (v->policy == FL_CACHE_SIEVE)
        e = sieve_next(v);
    else
        e = fifo_next(v);
    if (e)
        evict_remove(v, e);
    return e;
}
