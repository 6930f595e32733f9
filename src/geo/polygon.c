/* SPDX-License-Identifier: MIT */
/*
 * polygon - is a point in a ring?
 *
 * A point is asked along its meridian: how many sides stand north of it? Where
 * the north pole is outside, an odd number says inside; where it is inside, an
 * even one. So nothing has to be unwound: the antimeridian is a meridian like
 * others, and a pole needs no sides of its own.
 * Threads: immutable once made.
 */
#include "geo/polygon.h"

#include "base/error.h"

#include <math.h>
#include <stdlib.h>

#define STRIPES_MAX      1024u
#define ENTRIES_PER_SIDE 8u   /* in all stripes, on average */
#define SUMS_OFF         1e-9 /* degrees, and far more than sums can be wrong */
#define AREA_LEAST       1e-12 /* of the area that the sides sweep */

static double meridian(double lng)
{
    return lng == 180.0 ? -180.0 : lng;
}

/* Degrees eastward from a to b by the shorter way; 180 if there is none. */
static double turn(double a, double b)
{
    double east = b - a;

    if (east > 180.0)
        return east - 360.0;
    return east < -180.0 ? east + 360.0 : east;
}

/* ---- the ring ----------------------------------------------------------- */

static bool same(struct fl_geo_point a, struct fl_geo_point b)
{
    return a.lat == b.lat && a.lng == b.lng;
}

/* Copies what differs from the vertex before. ERR_RANGE, ERR_INVALID. */
static int ring_clean(const struct fl_geo_point *ring, size_t count,
                      struct fl_geo_point *ret, uint32_t *ret_count)
{
    uint32_t n = 0;

    for (size_t i = 0; i < count; i++) {
        struct fl_geo_point p = {ring[i].lat, meridian(ring[i].lng)};

        if (!fl_geo_point_valid(ring[i]))
            return ERR_RANGE;
        if (!n || !same(ret[n - 1], p))
            ret[n++] = p;
    }
    while (n > 1 && same(ret[0], ret[n - 1]))
        n--;
    *ret_count = n;
    return n >= 3 ? 0 : ERR_INVALID;
}

/* What a walk around the ring tells. */
struct walk {
    double turned; /* degrees eastward */
    double swept;  /* between ring and equator, signed */
    double swept_all;
    double west, east; /* the ends of what was turned, and their meridians */
    double west_lng, east_lng;
    double south, north;
};

/*
 * Is a vertex so far along, in degrees of the walk, beyond the one at `end`?
 * Sums are rounded: of two at nearly one place their meridians decide.
 */
static bool is_beyond(double along, double end, double from_end)
{
    return fabs(along - end) < SUMS_OFF ? from_end > 0 : along > end;
}

static int ring_walk(const struct fl_geo_point *v, uint32_t n, struct walk *ret)
{
    struct walk w = {.west_lng = v[0].lng,
                     .east_lng = v[0].lng,
                     .south = v[0].lat,
                     .north = v[0].lat};

    for (uint32_t i = 0; i < n; i++) {
        const struct fl_geo_point *a = &v[i], *b = &v[i + 1 < n ? i + 1 : 0];
        double east = turn(a->lng, b->lng);
        double strip = (a->lat + b->lat) / 2 * east;

        if (fabs(east) >= 180.0)
            return ERR_INVALID;
        w.turned += east;
        w.swept += strip;
        w.swept_all += fabs(a->lat * east) + fabs((b->lat - a->lat) * east);
        if (is_beyond(-w.turned, -w.west, -turn(w.west_lng, b->lng))) {
            w.west = w.turned;
            w.west_lng = b->lng;
        }
        if (is_beyond(w.turned, w.east, turn(w.east_lng, b->lng))) {
            w.east = w.turned;
            w.east_lng = b->lng;
        }
        w.south = fmin(w.south, a->lat);
        w.north = fmax(w.north, a->lat);
    }
    *ret = w;
    return 0;
}

/* Some meridian is met twice: the box has them all. Of ends that are nearly a
 * whole turn apart their meridians tell. */
static bool goes_round(const struct walk *w)
{
    double span = w->east - w->west;

    return fabs(span - 360.0) < SUMS_OFF ? turn(w->west_lng, w->east_lng) >= 0
                                         : span > 360.0;
}

/* What the walk says of the poles and the box. */
static int polygon_frame(struct fl_geo_polygon *p, const struct walk *w)
{
    long turns = lround(w->turned / 360.0);

    if (turns < -1 || turns > 1)
        return ERR_INVALID;
    p->box = (struct fl_geo_box){w->south, w->west_lng, w->north, w->east_lng};
    if (turns) {
        p->holds_north = w->swept / w->turned >= 0;
        p->box.west = -180.0;
        p->box.east = 180.0;
        if (p->holds_north)
            p->box.north = 90.0;
        else
            p->box.south = -90.0;
        return 0;
    }
    if (goes_round(w)) {
        p->box.west = -180.0;
        p->box.east = 180.0;
    }
    return fabs(w->swept) > AREA_LEAST * w->swept_all ? 0 : ERR_INVALID;
}

static void sides_make(const struct fl_geo_point *v, uint32_t n,
                       struct side *ret)
{
    for (uint32_t i = 0; i < n; i++) {
        struct fl_geo_point a = v[i], b = v[i + 1 < n ? i + 1 : 0];

        ret[i] =
            turn(a.lng, b.lng) >= 0 ? (struct side){a, b} : (struct side){b, a};
    }
}

/* ---- sides that cross --------------------------------------------------- */

/* Above 0: the side passes north of a point so far east of its western end. */
static long double north_of(const struct side *s, long double east, double lat)
{
    long double width = east_of(s->west.lng, s->east.lng);

    return ((long double)s->east.lat - s->west.lat) * east -
           ((long double)lat - s->west.lat) * width;
}

static bool opposite(long double a, long double b)
{
    return (a > 0 && b < 0) || (a < 0 && b > 0);
}

/* b begins so far east of a's western end, which may be negative. */
static bool cross_at(const struct side *a, const struct side *b,
                     long double east)
{
    long double a_width = east_of(a->west.lng, a->east.lng);
    long double b_width = east_of(b->west.lng, b->east.lng);

    if (east > a_width || east + b_width < 0)
        return false;
    return opposite(north_of(a, east, b->west.lat),
                    north_of(a, east + b_width, b->east.lat)) &&
           opposite(north_of(b, -east, a->west.lat),
                    north_of(b, a_width - east, a->east.lat));
}

static bool cross(const struct side *a, const struct side *b)
{
    long double east = east_of(a->west.lng, b->west.lng);

    return cross_at(a, b, east) || cross_at(a, b, east - 360);
}

static double side_south(const struct side *s)
{
    return fmin(s->west.lat, s->east.lat);
}

static double side_north(const struct side *s)
{
    return fmax(s->west.lat, s->east.lat);
}

static int southern_first(const void *left, const void *right)
{
    const struct side *const *a = left, *const *b = right;
    double x = side_south(*a), y = side_south(*b);

    return (x > y) - (x < y);
}

static bool neighbours(const struct fl_geo_polygon *p, const struct side *a,
                       const struct side *b)
{
    uint32_t i = (uint32_t)(a - p->sides), j = (uint32_t)(b - p->sides);
    uint32_t apart = i > j ? i - j : j - i;

    return apart == 1 || apart == p->count - 1;
}

/*
 * Sides from south to north, each compared with those that reach up to it:
 * order is room for all of them, those in reach are kept at its beginning.
 */
static bool sides_cross(const struct fl_geo_polygon *p, struct side **order)
{
    uint32_t open = 0;

    for (uint32_t i = 0; i < p->count; i++)
        order[i] = &p->sides[i];
    qsort(order, p->count, sizeof(*order), southern_first);
    for (uint32_t i = 0; i < p->count; i++) {
        struct side *next = order[i];
        uint32_t kept = 0;

        for (uint32_t k = 0; k < open; k++) {
            if (side_north(order[k]) < side_south(next))
                continue;
            if (!neighbours(p, order[k], next) && cross(order[k], next))
                return true;
            order[kept++] = order[k];
        }
        order[kept] = next;
        open = kept + 1;
    }
    return false;
}

/* ---- stripes ------------------------------------------------------------ */

/* Beyond the last for a meridian outside the box. */
static uint32_t stripe_of(const struct fl_geo_polygon *p, double lng)
{
    double stripe = east_of(p->box.west, lng) / p->stripe_width;

    return stripe < STRIPES_MAX ? (uint32_t)stripe : STRIPES_MAX;
}

/* A side's stripes: the first, and how many follow it around. */
static uint32_t side_stripes(const struct fl_geo_polygon *p,
                             const struct side *s, uint32_t *ret_first)
{
    uint32_t first = stripe_of(p, s->west.lng);
    uint32_t last = stripe_of(p, s->east.lng);

    *ret_first = first;
    return last >= first ? last - first : last + p->stripe_count - first;
}

static size_t stripe_entries(const struct fl_geo_polygon *p)
{
    size_t entries = 0;

    for (uint32_t i = 0; i < p->count; i++) {
        uint32_t first;

        entries += 1 + (size_t)side_stripes(p, &p->sides[i], &first);
    }
    return entries;
}

/* The widest stripe is the box; one more takes what rounding puts beyond. */
static void stripes_choose(struct fl_geo_polygon *p)
{
    double width = east_of(p->box.west, p->box.east);
    uint32_t stripes = p->count < STRIPES_MAX ? p->count : STRIPES_MAX;

    if (p->box.west == -180.0 && p->box.east == 180.0)
        width = 360.0;
    do {
        stripes = (stripes + 1) / 2;
        p->stripe_width = width / stripes;
        p->stripe_count = stripes + 1;
    } while (stripes > 1 &&
             stripe_entries(p) > (size_t)p->count * ENTRIES_PER_SIDE);
}

static int stripes_make(struct fl_geo_polygon *p)
{
    size_t entries;

    stripes_choose(p);
    entries = stripe_entries(p);
    p->stripe_first = allocator_zalloc(&p->allocator, p->stripe_count + 1,
                                       sizeof(*p->stripe_first));
    p->stripe_sides =
        allocator_alloc(&p->allocator, entries, sizeof(*p->stripe_sides));
    if (!p->stripe_first || !p->stripe_sides)
        return ERR_NOMEM;
    /* Counted, summed to each stripe's end, and filled backwards from it. */
    for (uint32_t i = 0; i < p->count; i++) {
        uint32_t first, more = side_stripes(p, &p->sides[i], &first);

        for (uint32_t k = 0; k <= more; k++)
            p->stripe_first[(first + k) % p->stripe_count]++;
    }
    for (uint32_t s = 1; s <= p->stripe_count; s++)
        p->stripe_first[s] += p->stripe_first[s - 1];
    for (uint32_t i = 0; i < p->count; i++) {
        uint32_t first, more = side_stripes(p, &p->sides[i], &first);

        for (uint32_t k = 0; k <= more; k++)
            p->stripe_sides[--p->stripe_first[(first + k) % p->stripe_count]] =
                i;
    }
    return 0;
}

/* ---- the polygon -------------------------------------------------------- */

static int polygon_fill(struct fl_geo_polygon *p, struct fl_geo_point *vertices)
{
    struct walk walk;
    struct side **order;
    int error = ring_walk(vertices, p->count, &walk);

    if (!error)
        error = polygon_frame(p, &walk);
    if (error)
        return error;
    p->sides = allocator_alloc(&p->allocator, p->count, sizeof(*p->sides));
    order = allocator_alloc(&p->allocator, p->count, sizeof(struct side *));
    if (!p->sides || !order) {
        error = ERR_NOMEM;
    } else {
        sides_make(vertices, p->count, p->sides);
        if (sides_cross(p, order))
            error = ERR_INVALID;
    }
    allocator_free(&p->allocator, order);
    return error ? error : stripes_make(p);
}

int fl_geo_polygon_new(struct fl_geo_polygon **ret,
                       const struct fl_geo_point *ring, size_t count,
                       const struct fl_allocator *allocator)
{
    struct fl_allocator a;
    struct fl_geo_polygon *p;
    struct fl_geo_point *vertices;
    int error;

    if (!allocator_or_own(&a, allocator) || count < 3)
        return FL_ERR_INVALID;
    if (count > FL_GEO_VERTICES_MAX + 1)
        return FL_ERR_LIMIT;
    p = allocator_zalloc(&a, 1, sizeof(*p));
    vertices = allocator_alloc(&a, count, sizeof(*vertices));
    error = p && vertices ? 0 : ERR_NOMEM;
    if (!error) {
        p->allocator = a;
        error = ring_clean(ring, count, vertices, &p->count);
    }
    if (!error && p->count > FL_GEO_VERTICES_MAX)
        error = ERR_LIMIT;
    if (!error)
        error = polygon_fill(p, vertices);
    allocator_free(&a, vertices);
    if (error && p) {
        p->allocator = a;
        fl_geo_polygon_free(&p);
    }
    if (!error)
        *ret = p;
    return error;
}

void fl_geo_polygon_free(struct fl_geo_polygon **polygon)
{
    struct fl_geo_polygon *p = *polygon;

    *polygon = NULL;
    if (!p)
        return;

    struct fl_allocator a = p->allocator;

    allocator_free(&a, p->sides);
    allocator_free(&a, p->stripe_first);
    allocator_free(&a, p->stripe_sides);
    allocator_free(&a, p);
}

void fl_geo_polygon_box(const struct fl_geo_polygon *p, struct fl_geo_box *ret)
{
    *ret = p->box;
}

/* Meridians are compared as they are: what lies over a side is beyond doubt. */
static bool stands_over(const struct side *s, double lng)
{
    if (s->west.lng <= s->east.lng)
        return lng >= s->west.lng && lng < s->east.lng;
    return lng >= s->west.lng || lng < s->east.lng;
}

static bool passes_north(const struct side *s, struct fl_geo_point p)
{
    double east = east_of(s->west.lng, p.lng);
    double width = east_of(s->west.lng, s->east.lng);

    return (s->east.lat - s->west.lat) * east > (p.lat - s->west.lat) * width;
}

bool fl_geo_polygon_has(const struct fl_geo_polygon *p, struct fl_geo_point at)
{
    uint32_t stripe;
    bool inside = p->holds_north;

    if (!fl_geo_point_valid(at))
        return false;
    at.lng = meridian(at.lng);
    stripe = stripe_of(p, at.lng);
    if (stripe >= p->stripe_count)
        return inside;
    for (uint32_t i = p->stripe_first[stripe]; i < p->stripe_first[stripe + 1];
         i++) {
        const struct side *s = &p->sides[p->stripe_sides[i]];

        if (stands_over(s, at.lng) && passes_north(s, at))
            inside = !inside;
    }
    return inside;
}
