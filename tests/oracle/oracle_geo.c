/* SPDX-License-Identifier: MIT */
/*
 * oracle_geo - distances, boxes, geohashes and the index against brute force.
 *
 * Positions are drawn where mistakes live: poles, the antimeridian, cell edges,
 * crowds; radii from nothing to half the globe.
 * Threads: loop.
 */
#include "geo/geo.h"
#include "seed.h"

#include <math.h>
#include <string.h>

#define POINTS_MAX 600
#define GROUPS     3
#define STEPS      60000
#define ROUNDS     200000

static struct random rng;

static uint64_t draw_below(uint64_t n)
{
    return random_below(&rng, n);
}

static double draw_between(double low, double high)
{
    return low + (high - low) * ((double)(random_next(&rng) >> 11) * 0x1p-53);
}

static double clamp(double x, double max)
{
    return fmax(-max, fmin(max, x));
}

/* Around one of a few places, or anywhere; sometimes exactly on a line. */
static struct geo_point draw_point(void)
{
    static const struct geo_point places[] = {
        {90, 0},     {-90, 50},     {0, 180},      {0, -180}, {52.5, 13.4},
        {89.9, 180}, {-65.3, -180}, {40.7, -74.0}, {0, 0},    {52.5, 13.5},
    };
    struct geo_point p = {draw_between(-90, 90), draw_between(-180, 180)};

    if (draw_below(4)) {
        const struct geo_point *at =
            &places[draw_below(sizeof(places) / sizeof(places[0]))];
        double spread = pow(10, draw_between(-7, 1));

        p.lat = clamp(at->lat + draw_between(-spread, spread), 90);
        p.lng = at->lng + draw_between(-spread, spread);
        if (fabs(p.lng) > 180)
            p.lng -= copysign(360, p.lng);
    }
    if (!draw_below(8))
        p.lat = clamp(floor(p.lat * 32) / 32, 90);
    if (!draw_below(8))
        p.lng = clamp(floor(p.lng * 32) / 32, 180);
    if (!draw_below(16))
        p.lng = copysign(180, p.lng);
    return p;
}

static double draw_radius(void)
{
    switch (draw_below(8)) {
    case 0:
        return 0;
    case 1:
        return draw_between(0, M_PI * GEO_RADIUS_M * 1.1);
    case 2: /* about a quarter of a turn: boxes are at their most delicate */
        return GEO_RADIUS_M * M_PI / 2 * (1 + draw_between(-1e-9, 1e-9));
    default:
        return pow(10, draw_between(-3, 7));
    }
}

/* The angle between two vectors, in long double. */
static double reference_distance_m(struct geo_point a, struct geo_point b)
{
    const long double radians = 3.14159265358979323846264338327950288L / 180;
    long double lat_a = a.lat * radians, lat_b = b.lat * radians;
    long double lng = ((long double)b.lng - a.lng) * radians;
    long double across = cosl(lat_b) * sinl(lng);
    long double along =
        cosl(lat_a) * sinl(lat_b) - sinl(lat_a) * cosl(lat_b) * cosl(lng);
    long double dot =
        sinl(lat_a) * sinl(lat_b) + cosl(lat_a) * cosl(lat_b) * cosl(lng);

    return (double)((long double)GEO_RADIUS_M *
                    atan2l(hypotl(across, along), dot));
}

static void check_distances(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct geo_point a = draw_point(), b = draw_point();
        double want = reference_distance_m(a, b);

        if (!draw_below(4)) { /* nearly opposite */
            b.lat = clamp(draw_between(-1e-6, 1e-6) - a.lat, 90);
            b.lng = a.lng > 0 ? a.lng - 180 : a.lng + 180;
            want = reference_distance_m(a, b);
        }
        CHECK(fabs(geo_distance_m(a, b) - want) <= want * 1e-9 + 1e-8);
        CHECK(geo_distance_m(a, b) == geo_distance_m(b, a));
    }
}

static void check_boxes(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct geo_point at = draw_point(), p = draw_point();
        double radius_m = draw_radius();
        struct geo_box box;

        if (draw_below(2)) /* just inside */
            radius_m = geo_distance_m(at, p);
        CHECK(geo_circle_box(at, radius_m, &box) == 0);
        CHECK(geo_box_has(&box, at));
        if (geo_distance_m(at, p) <= radius_m)
            CHECK(geo_box_has(&box, p));
    }
}

/* By halving, as the definition has it. */
static void reference_geohash(struct geo_point p, unsigned precision, char *ret)
{
    double low[2] = {-180, -90}, high[2] = {180, 90};
    double value[2] = {p.lng, p.lat};

    for (unsigned i = 0; i < precision; i++) {
        unsigned letter = 0;

        for (unsigned bit = 0; bit < 5; bit++) {
            unsigned axis = (5 * i + bit) % 2;
            double middle = (low[axis] + high[axis]) / 2;
            bool upper = value[axis] >= middle;

            *(upper ? &low[axis] : &high[axis]) = middle;
            letter = letter << 1 | upper;
        }
        ret[i] = "0123456789bcdefghjkmnpqrstuvwxyz"[letter];
    }
    ret[precision] = '\0';
}

static void check_geohashes(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct geo_point p = draw_point();
        unsigned precision = 1 + (unsigned)draw_below(12);
        char got[13], want[13];
        struct geo_box box;

        CHECK(geohash_encode(p, precision, got) == 0);
        reference_geohash(p, precision, want);
        CHECK(strcmp(got, want) == 0);
        CHECK(geohash_decode(got, precision, &box) == 0);
        CHECK(geo_box_has(&box, p));
        /* The cell's own corner encodes to the cell. */
        p = (struct geo_point){box.south, box.west};
        CHECK(geohash_encode(p, precision, want) == 0);
        CHECK(strcmp(got, want) == 0);
    }
}

struct truth {
    struct geo_point at;
    uint64_t group;
    bool there;
};

static int nearest_first(const void *left, const void *right)
{
    const struct geo_found *a = left, *b = right;

    if (a->distance_m != b->distance_m)
        return a->distance_m < b->distance_m ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

static void check_search(struct geo_index *g, const struct truth *truth)
{
    static struct geo_found want[POINTS_MAX], got[POINTS_MAX];
    struct geo_point from = draw_point();
    double radius_m = draw_radius();
    uint64_t group = draw_below(GROUPS);
    size_t max = draw_below(2) ? POINTS_MAX : draw_below(10);
    size_t count = 0, found;

    for (uint64_t id = 0; id < POINTS_MAX; id++) {
        double distance_m = geo_distance_m(from, truth[id].at);

        if (truth[id].there && truth[id].group == group &&
            distance_m <= radius_m)
            want[count++] = (struct geo_found){id, distance_m, truth[id].at};
    }
    qsort(want, count, sizeof(want[0]), nearest_first);
    if (count > max)
        count = max;
    CHECK(geo_index_radius(g, group, from, radius_m, got, max, &found) == 0);
    CHECK(found == count);
    for (size_t i = 0; i < count; i++) {
        CHECK(got[i].id == want[i].id);
        CHECK(got[i].distance_m == want[i].distance_m);
    }
}

static void check_index(void)
{
    static struct truth truth[POINTS_MAX];
    struct geo_index *g;
    size_t count = 0;

    CHECK(geo_index_new(&g, POINTS_MAX) == 0);
    for (int i = 0; i < STEPS; i++) {
        uint64_t id = draw_below(POINTS_MAX);

        if (draw_below(3) == 0) {
            check_search(g, truth);
        } else if (draw_below(8) == 0) {
            CHECK(geo_index_remove(g, id) == truth[id].there);
            count -= truth[id].there;
            truth[id].there = false;
        } else {
            count += !truth[id].there;
            truth[id] = (struct truth){draw_point(), draw_below(GROUPS), true};
            CHECK(geo_index_put(g, id, truth[id].group, truth[id].at) == 0);
        }
        CHECK(geo_index_count(g) == count);
    }
    geo_index_free(&g);
}

int main(void)
{
    rng = random_start();
    check_distances();
    check_boxes();
    check_geohashes();
    check_index();
    return 0;
}
