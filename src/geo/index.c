/* SPDX-License-Identifier: MIT */
/*
 * index - moving points in a grid of cells, found by hash.
 *
 * The globe is cut into cells of 1/32 degree. A bucket is the chain of the
 * points whose (group, cell) hash to it; there are no cell objects to create
 * or clean up when a point moves, a chain's strangers are skipped by comparing
 * the cell. A search walks the cells of the circle's box, or all points when
 * those are fewer, and measures what lies in the box.
 * Slots are dense but for the free ones; links are their numbers plus 1.
 * Threads: any, locked by its own rwlock.
 */
#include "geo/geo.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"

#include <math.h>
#include <pthread.h>

#define CELLS_PER_DEGREE 32
#define CELLS_ROUND      (360 * CELLS_PER_DEGREE)
#define SLOTS_FIRST      ((size_t)64)
#define SLOTS_MAX        ((size_t)1 << 31)

struct slot {
    struct geo_point at;
    uint64_t id;
    uint64_t group;
    uint32_t x, y;      /* its cell */
    uint32_t cell_prev; /* in its cell's bucket; 0 ends */
    uint32_t cell_next;
    uint32_t id_next; /* in its id's bucket, or the next free slot */
    bool used;
};

struct geo_index {
    pthread_rwlock_t lock;
    struct slot *slots;
    uint32_t *cells; /* buckets by (group, cell), as many as slots */
    uint32_t *ids;   /* buckets by id, as many */
    size_t cap;      /* a power of two, or 0 */
    size_t high;     /* slots ever used */
    size_t count;
    size_t points_max;
    uint32_t free_first;
    uint64_t seed;
};

/* What a search carries along. */
struct search {
    struct geo_point from;
    struct geo_box box;
    double radius_m;
    uint64_t group;
    struct geo_found *found; /* a heap, the farthest first */
    size_t max;
    size_t count;
};

int geo_index_new(struct geo_index **ret, size_t points_max)
{
    struct geo_index *g = mem_zalloc(1, sizeof(*g));

    if (!g)
        return ERR_NOMEM;
    if (pthread_rwlock_init(&g->lock, NULL)) {
        mem_free(g);
        return ERR_NOMEM;
    }
    g->points_max = points_max < SLOTS_MAX ? points_max : SLOTS_MAX;
    random_bytes(&g->seed, sizeof(g->seed));
    *ret = g;
    return 0;
}

void geo_index_free(struct geo_index **index)
{
    struct geo_index *g = *index;

    if (!g)
        return;
    pthread_rwlock_destroy(&g->lock);
    mem_free(g->slots);
    mem_free(g->cells);
    mem_free(g->ids);
    mem_free(g);
    *index = NULL;
}

static uint32_t cell_y(double lat)
{
    return (uint32_t)((lat + 90.0) * CELLS_PER_DEGREE);
}

/* The last column holds 180 alone: it is the first, at -180. */
static uint32_t cell_x(double lng)
{
    uint32_t x = (uint32_t)((lng + 180.0) * CELLS_PER_DEGREE);

    return x < CELLS_ROUND ? x : 0;
}

static uint32_t *cell_bucket(const struct geo_index *g, uint64_t group,
                             uint32_t x, uint32_t y)
{
    uint64_t cell = (uint64_t)y << 32 | x;

    return g->cells +
           (hash_mix(hash_mix(group ^ g->seed) ^ cell) & (g->cap - 1));
}

static uint32_t *id_bucket(const struct geo_index *g, uint64_t id)
{
    return g->ids + (hash_mix(id ^ g->seed) & (g->cap - 1));
}

static void link_cell(struct geo_index *g, struct slot *s)
{
    uint32_t *first = cell_bucket(g, s->group, s->x, s->y);
    uint32_t number = (uint32_t)(s - g->slots) + 1;

    s->cell_prev = 0;
    s->cell_next = *first;
    if (*first)
        g->slots[*first - 1].cell_prev = number;
    *first = number;
}

static void unlink_cell(struct geo_index *g, struct slot *s)
{
    if (s->cell_prev)
        g->slots[s->cell_prev - 1].cell_next = s->cell_next;
    else
        *cell_bucket(g, s->group, s->x, s->y) = s->cell_next;
    if (s->cell_next)
        g->slots[s->cell_next - 1].cell_prev = s->cell_prev;
}

static void link_id(struct geo_index *g, struct slot *s)
{
    uint32_t *first = id_bucket(g, s->id);

    s->id_next = *first;
    *first = (uint32_t)(s - g->slots) + 1;
}

static struct slot *find_id(const struct geo_index *g, uint64_t id)
{
    if (!g->cap)
        return NULL;
    for (uint32_t n = *id_bucket(g, id); n; n = g->slots[n - 1].id_next)
        if (g->slots[n - 1].id == id)
            return &g->slots[n - 1];
    return NULL;
}

/* Doubles the slots and both tables; the links are made anew. */
static int grow(struct geo_index *g)
{
    size_t cap = g->cap ? 2 * g->cap : SLOTS_FIRST;
    uint32_t *cells = mem_zalloc(cap, sizeof(*cells));
    uint32_t *ids = mem_zalloc(cap, sizeof(*ids));
    struct slot *slots =
        cells && ids ? mem_realloc(g->slots, cap, sizeof(*slots)) : NULL;

    if (!slots) {
        mem_free(cells);
        mem_free(ids);
        return ERR_NOMEM;
    }
    mem_free(g->cells);
    mem_free(g->ids);
    g->slots = slots;
    g->cells = cells;
    g->ids = ids;
    g->cap = cap;
    for (size_t i = 0; i < g->high; i++) {
        link_cell(g, &slots[i]); /* no slot is free when it grows */
        link_id(g, &slots[i]);
    }
    return 0;
}

static int take_slot(struct geo_index *g, struct slot **ret)
{
    if (g->count >= g->points_max)
        return ERR_LIMIT;
    if (g->free_first) {
        *ret = &g->slots[g->free_first - 1];
        g->free_first = (*ret)->id_next;
    } else {
        int error = g->high == g->cap ? grow(g) : 0;

        if (error)
            return error;
        *ret = &g->slots[g->high++];
    }
    g->count++;
    return 0;
}

static void move(struct geo_index *g, struct slot *s, uint64_t group,
                 struct geo_point at)
{
    uint32_t x = cell_x(at.lng), y = cell_y(at.lat);

    s->at = at;
    if (s->group == group && s->x == x && s->y == y)
        return;
    unlink_cell(g, s);
    s->group = group;
    s->x = x;
    s->y = y;
    link_cell(g, s);
}

static int insert(struct geo_index *g, uint64_t id, uint64_t group,
                  struct geo_point at)
{
    struct slot *s;
    int error = take_slot(g, &s);

    if (error)
        return error;
    *s = (struct slot){
        .at = at,
        .id = id,
        .group = group,
        .x = cell_x(at.lng),
        .y = cell_y(at.lat),
        .used = true,
    };
    link_cell(g, s);
    link_id(g, s);
    return 0;
}

int geo_index_put(struct geo_index *g, uint64_t id, uint64_t group,
                  struct geo_point at)
{
    int error = 0;

    if (!geo_point_valid(at))
        return ERR_RANGE;
    pthread_rwlock_wrlock(&g->lock);

    struct slot *s = find_id(g, id);

    if (s)
        move(g, s, group, at);
    else
        error = insert(g, id, group, at);
    pthread_rwlock_unlock(&g->lock);
    return error;
}

bool geo_index_remove(struct geo_index *g, uint64_t id)
{
    pthread_rwlock_wrlock(&g->lock);

    struct slot *s = find_id(g, id);

    if (s) {
        uint32_t number = (uint32_t)(s - g->slots) + 1;
        uint32_t *link = id_bucket(g, id);

        while (*link != number)
            link = &g->slots[*link - 1].id_next;
        *link = s->id_next;
        unlink_cell(g, s);
        *s = (struct slot){.id_next = g->free_first};
        g->free_first = number;
        g->count--;
    }
    pthread_rwlock_unlock(&g->lock);
    return s != NULL;
}

size_t geo_index_count(const struct geo_index *index)
{
    struct geo_index *g = (struct geo_index *)index; /* for its lock only */

    pthread_rwlock_rdlock(&g->lock);

    size_t count = g->count;

    pthread_rwlock_unlock(&g->lock);
    return count;
}

/* By distance; equal ones by id, so that an answer never varies. */
static bool farther(const struct geo_found *a, const struct geo_found *b)
{
    if (a->distance_m != b->distance_m)
        return a->distance_m > b->distance_m;
    return a->id > b->id;
}

/* Puts one into the hole at i of a heap of count and restores its order. */
static void sink(struct geo_found *heap, size_t count, size_t i,
                 struct geo_found one)
{
    for (size_t child; (child = 2 * i + 1) < count; i = child) {
        if (child + 1 < count && farther(&heap[child + 1], &heap[child]))
            child++;
        if (!farther(&heap[child], &one))
            break;
        heap[i] = heap[child];
    }
    heap[i] = one;
}

static void rise(struct geo_found *heap, size_t i, struct geo_found one)
{
    for (; i > 0 && farther(&one, &heap[(i - 1) / 2]); i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = one;
}

/* Keeps the nearest max of all that are in reach. */
static void consider(struct search *q, const struct slot *s)
{
    if (s->group != q->group || !geo_box_has(&q->box, s->at))
        return;

    struct geo_found one = {s->id, geo_distance_m(q->from, s->at), s->at};

    if (one.distance_m > q->radius_m)
        return;
    if (q->count < q->max)
        rise(q->found, q->count++, one);
    else if (farther(&q->found[0], &one))
        sink(q->found, q->count, 0, one);
}

static void walk_cell(const struct geo_index *g, struct search *q, uint32_t x,
                      uint32_t y)
{
    const struct slot *s;

    for (uint32_t n = *cell_bucket(g, q->group, x, y); n; n = s->cell_next) {
        s = &g->slots[n - 1];
        if (s->x == x && s->y == y)
            consider(q, s);
    }
}

static void walk(const struct geo_index *g, struct search *q)
{
    uint32_t south = cell_y(q->box.south), north = cell_y(q->box.north);
    uint32_t west = cell_x(q->box.west), east = cell_x(q->box.east);
    bool round = q->box.west == -180.0 && q->box.east == 180.0;
    uint32_t columns =
        round ? CELLS_ROUND : (east + CELLS_ROUND - west) % CELLS_ROUND + 1;

    if ((uint64_t)columns * (north - south + 1) > g->count) {
        for (size_t i = 0; i < g->high; i++)
            if (g->slots[i].used)
                consider(q, &g->slots[i]);
        return;
    }
    for (uint32_t y = south; y <= north; y++)
        for (uint32_t i = 0; i < columns; i++)
            walk_cell(g, q, (west + i) % CELLS_ROUND, y);
}

/* The heap's root is the farthest: taking it off fills the array from the end.
 */
static void sort_nearest_first(struct search *q)
{
    for (size_t n = q->count; n > 1; n--) {
        struct geo_found last = q->found[n - 1];

        q->found[n - 1] = q->found[0];
        sink(q->found, n - 1, 0, last);
    }
}

int geo_index_radius(struct geo_index *g, uint64_t group, struct geo_point from,
                     double radius_m, struct geo_found *ret, size_t max,
                     size_t *found)
{
    struct search q = {
        .from = from,
        .radius_m = radius_m,
        .group = group,
        .found = ret,
        .max = max,
    };
    int error = geo_circle_box(from, radius_m, &q.box);

    if (error)
        return error;
    pthread_rwlock_rdlock(&g->lock);
    if (g->count && max)
        walk(g, &q);
    pthread_rwlock_unlock(&g->lock);
    sort_nearest_first(&q);
    *found = q.count;
    return 0;
}
