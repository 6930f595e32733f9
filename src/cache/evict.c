/* SPDX-License-Identifier: MIT */
/*
 * evict - queues, a hand and a table of ghosts.
 *
 * Time is counted in entries that came, in ticks of 16 bits: 4,096 while a
 * cache fills once, so they reach 16 times its entries.
 *
 * A ghost is a row of 32 bits in a set of eight: 15 bits of the hash, one for
 * the queue it left, 16 of the time. The oldest of a full set is overwritten.
 * As many that left small are remembered as main has entries: not the last to
 * leave, but the last that have not returned. BINS count those, by the time
 * they left, and say where memory begins. All of it is only a hint: without
 * memory for it the policies still work.
 * Threads: any, locked by the shard.
 */
#include "cache/evict.h"

#include "base/allocator.h"
#include "base/attr.h"

#define SMALL_SHARE        10 /* a tenth */
#define HEAVY_TIMES        4
#define SECOND_CHANCES_MAX 256 /* bounds the time one eviction takes */

#define TICKS_FILL      4096u /* while the cache fills once */
#define GHOST_WAYS      8u
#define GHOST_TIMES     3u /* rows for each entry */
#define GHOST_SETS_MAX  (UINT32_C(1) << 20)
#define GHOST_BINS_FILL 64u
#define GHOST_TIME_MASK 0xffffu
#define GHOST_MAIN      (UINT32_C(1) << 16)
#define GHOST_PRINT     17

/* TIDE, measured on traces (docs/library/cache.md). */
#define AWAY_TIMES_MAX 7 /* times since main's oldest was used */
#define SPARED_MIN     3 /* of small, for one that returns to main */

struct ghost {
    size_t away; /* entries that have come since */
    bool from_main;
    bool recent; /* small's: main remembers it */
};

void evict_init(struct evict *v, enum fl_cache_policy policy,
                const struct fl_allocator *allocator)
{
    *v = (struct evict){.policy = policy, .allocator = allocator};
    for (int q = 0; q < ENTRY_QUEUES; q++)
        list_init(&v->queues[q].links);
}

void evict_fini(struct evict *v)
{
    allocator_free(v->allocator, v->ghosts.rows);
    v->ghosts.rows = v->ghosts.bins = NULL;
}

void evict_bounds_set(struct evict *v, size_t entries_max, size_t weight_max)
{
    v->entries_max = entries_max;
    v->weight_max = weight_max;
}

static size_t entries_of(const struct evict *v)
{
    return v->queues[ENTRY_SMALL].count + v->queues[ENTRY_MAIN].count;
}

static size_t weight_of(const struct evict *v)
{
    return v->queues[ENTRY_SMALL].weight + v->queues[ENTRY_MAIN].weight;
}

/* --- the clock --- */

static void clock_advance(struct evict *v)
{
    if (++v->came >> v->shift == 0)
        return;
    v->came = 0;
    atomic_store_explicit(&v->now, (uint16_t)++v->ticks, memory_order_relaxed);
    for (v->shift = 0; entries_of(v) >> v->shift > TICKS_FILL;)
        v->shift++;
}

/* Entries that have come since. */
static size_t clock_since(const struct evict *v, uint32_t tick)
{
    return (size_t)((v->ticks - tick) & GHOST_TIME_MASK) << v->shift;
}

/* --- ghosts --- */

static void ghosts_open(struct evict *v)
{
    struct ghosts *g = &v->ghosts;
    size_t entries = entries_of(v) + 1;
    size_t sets = GHOST_TIMES * entries / GHOST_WAYS + 1;

    if (sets > GHOST_SETS_MAX)
        sets = GHOST_SETS_MAX;
    g->rows = allocator_zalloc(v->allocator, sets * GHOST_WAYS + GHOST_BINS,
                               sizeof(*g->rows));
    if (!g->rows)
        return;
    g->sets = (uint32_t)sets;
    g->bins = g->rows + sets * GHOST_WAYS;
    g->width = (uint32_t)(entries >> v->shift) / GHOST_BINS_FILL + 1;
    g->first = g->last = v->ticks / g->width;
}

static uint32_t ghost_print(uint32_t hash)
{
    return ((hash * UINT32_C(0x9e3779b1)) >> GHOST_PRINT) << GHOST_PRINT;
}

static uint32_t *ghost_set(const struct ghosts *g, uint32_t hash)
{
    return &g->rows[((uint64_t)hash * g->sets >> 32) * GHOST_WAYS];
}

static uint64_t row_ticks(const struct evict *v, uint32_t row)
{
    return v->ticks - ((v->ticks - row) & GHOST_TIME_MASK);
}

/* As many as main has entries. */
static size_t ghosts_max(const struct evict *v)
{
    return entries_of(v) - entries_of(v) / SMALL_SHARE;
}

static void bins_forget_first(struct ghosts *g)
{
    g->count -= g->bins[g->first % GHOST_BINS];
    g->bins[g->first++ % GHOST_BINS] = 0;
}

static void bins_add(struct evict *v)
{
    struct ghosts *g = &v->ghosts;
    size_t max = ghosts_max(v);

    g->last = v->ticks / g->width;
    while (g->last - g->first >= GHOST_BINS && g->count)
        bins_forget_first(g);
    if (g->count == 0)
        g->first = g->last;
    g->bins[g->last % GHOST_BINS]++;
    g->count++;
    while (g->first < g->last &&
           g->count - g->bins[g->first % GHOST_BINS] >= max)
        bins_forget_first(g);
}

/* Whether main remembers one that left then; of the first bin, the share that
 * is too many is forgotten. */
static bool bins_remember(const struct evict *v, uint64_t ticks)
{
    const struct ghosts *g = &v->ghosts;
    uint64_t bin = ticks / g->width;
    size_t max = ghosts_max(v);

    if (bin != g->first || g->count <= max)
        return bin >= g->first;
    return (ticks % g->width) * g->bins[bin % GHOST_BINS] >=
           (g->count - max) * g->width;
}

static void bins_remove(struct evict *v, uint64_t ticks)
{
    struct ghosts *g = &v->ghosts;
    uint64_t bin = ticks / g->width;

    if (bin >= g->first && bin <= g->last && g->bins[bin % GHOST_BINS]) {
        g->bins[bin % GHOST_BINS]--;
        g->count--;
    }
}

static uint32_t *row_oldest(const struct evict *v, uint32_t *row)
{
    uint32_t *oldest = row;

    for (unsigned way = 0; way < GHOST_WAYS; way++) {
        if (!row[way])
            return &row[way];
        if (row_ticks(v, row[way]) < row_ticks(v, *oldest))
            oldest = &row[way];
    }
    return oldest;
}

static void ghost_leave(struct evict *v, const struct entry *e)
{
    bool main = e->queue == ENTRY_MAIN;

    if (!v->ghosts.rows)
        ghosts_open(v);
    if (!v->ghosts.rows)
        return;

    uint32_t *row = row_oldest(v, ghost_set(&v->ghosts, e->hash));

    if (*row && !(*row & GHOST_MAIN))
        bins_remove(v, row_ticks(v, *row));
    if (!main)
        bins_add(v);
    *row = ghost_print(e->hash) | (main ? GHOST_MAIN : 0) |
           (uint32_t)(v->ticks & GHOST_TIME_MASK);
}

/* Whether there is a ghost of it; then there is none any more. */
static bool ghost_take(struct evict *v, uint32_t hash, struct ghost *ret)
{
    if (!v->ghosts.rows)
        return false;

    uint32_t *row = ghost_set(&v->ghosts, hash), print = ghost_print(hash);

    for (unsigned way = 0; way < GHOST_WAYS; way++) {
        if (!row[way] || row[way] >> GHOST_PRINT != print >> GHOST_PRINT)
            continue;

        uint64_t left = row_ticks(v, row[way]);

        *ret = (struct ghost){.away = clock_since(v, row[way]),
                              .from_main = (row[way] & GHOST_MAIN) != 0};
        if (!ret->from_main) {
            ret->recent = bins_remember(v, left);
            bins_remove(v, left);
        }
        row[way] = 0;
        return true;
    }
    return false;
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

static bool small_is_over(const struct evict *v)
{
    const struct evict_queue *small = &v->queues[ENTRY_SMALL];

    return is_over(v, small->count, small->weight, SMALL_SHARE);
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

/* --- tide --- */

/* Small is down to its share. */
static bool main_is_full(const struct evict *v)
{
    const struct evict_queue *main = &v->queues[ENTRY_MAIN];

    return main->count + (v->entries_max + SMALL_SHARE - 1) / SMALL_SHARE >=
               v->entries_max ||
           main->weight >= v->weight_max - v->weight_max / SMALL_SHARE;
}

static enum entry_queue tide_place(const struct evict *v, const struct ghost *g)
{
    const struct entry *oldest = queue_first(v, ENTRY_MAIN);
    size_t unused =
        oldest ? clock_since(v, atomic_load_explicit(&oldest->touched,
                                                     memory_order_relaxed))
               : 0;
    size_t small = v->entries_max / SMALL_SHARE; /* it was there first */

    if (g->from_main)
        return v->spared >= SPARED_MIN && g->away < unused ? ENTRY_MAIN
                                                           : ENTRY_SMALL;
    if (main_is_full(v) && g->away + small > AWAY_TIMES_MAX * unused)
        return ENTRY_SMALL;
    return g->recent ? ENTRY_MAIN : ENTRY_SMALL;
}

static enum entry_queue fifo_place(struct evict *v, const struct entry *e)
{
    struct ghost g;

    if (!ghost_take(v, e->hash, &g))
        return ENTRY_SMALL;
    if (v->policy == FL_CACHE_TIDE)
        return tide_place(v, &g);
    return g.recent ? ENTRY_MAIN : ENTRY_SMALL;
}

/* --- the whole --- */

void evict_add(struct evict *v, struct entry *e, const struct entry *replaced)
{
    enum entry_queue q = ENTRY_MAIN;

    clock_advance(v);
    atomic_store_explicit(&e->touched, (uint16_t)v->ticks,
                          memory_order_relaxed);
    used_set(e, replaced ? used_of(replaced) : 0);
    if (replaced && v->policy != FL_CACHE_LRU)
        q = (enum entry_queue)replaced->queue;
    else if (v->policy == FL_CACHE_TIDE || v->policy == FL_CACHE_S3FIFO)
        q = fifo_place(v, e);
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
    if (small_is_over(v) && v->queues[ENTRY_SMALL].count)
        return ENTRY_SMALL;
    return v->queues[ENTRY_MAIN].count ? ENTRY_MAIN : ENTRY_SMALL;
}

/* Gives it a second chance in main, if it has earned one. */
static bool fifo_stays(struct evict *v, struct entry *e)
{
    bool main = e->queue == ENTRY_MAIN;
    bool heavy = is_heavy(v, e);
    unsigned used = used_of(e);

    if (used == 0 || (!main && heavy && used == 1))
        return false;
    evict_remove(v, e);
    used_set(e, !main || heavy ? 0 : used - 1);
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

        bool main = e->queue == ENTRY_MAIN;

        if (!main || v->policy == FL_CACHE_TIDE)
            ghost_leave(v, e);
        v->spared = main ? 0 : v->spared + 1;
        return e;
    }
}

struct entry *evict_next(struct evict *v)
{
    struct entry *e;

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
