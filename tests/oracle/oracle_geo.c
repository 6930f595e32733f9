/* SPDX-License-Identifier: MIT */
/*
 * oracle_geo - distances, ways, boxes and geohashes against slow arithmetic.
 * Threads: loop.
 */
#include "geo_draw.h"

#include <string.h>

static struct random rng;

/* The angle between two vectors, in long double. */
static double reference_distance_m(struct fl_geo_point a, struct fl_geo_point b)
{
    const long double radians = 3.14159265358979323846264338327950288L / 180;
    long double lat_a = a.lat * radians, lat_b = b.lat * radians;
    long double lng = ((long double)b.lng - a.lng) * radians;
    long double across = cosl(lat_b) * sinl(lng);
    long double along =
        cosl(lat_a) * sinl(lat_b) - sinl(lat_a) * cosl(lat_b) * cosl(lng);
    long double dot =
        sinl(lat_a) * sinl(lat_b) + cosl(lat_a) * cosl(lat_b) * cosl(lng);

    return (double)((long double)FL_GEO_RADIUS_M *
                    atan2l(hypotl(across, along), dot));
}

/* Of a draw, and one nearly opposite now and then. */
static struct fl_geo_point draw_other(struct fl_geo_point a)
{
    struct fl_geo_point b = draw_point(&rng);

    if (!random_below(&rng, 4)) {
        b.lat = draw_clamp(draw_between(&rng, -1e-6, 1e-6) - a.lat, 90);
        b.lng = a.lng > 0 ? a.lng - 180 : a.lng + 180;
    }
    return b;
}

static void check_distances(uint64_t cases)
{
    for (uint64_t i = 0; i < cases; i++) {
        struct fl_geo_point a = draw_point(&rng), b = draw_other(a);
        double want = reference_distance_m(a, b);
        double got = fl_geo_distance_m(a, b), h = fl_geo_haversine(a, b), many;

        CHECK(fabs(got - want) <= want * 1e-14 + 1e-8);
        CHECK(got == fl_geo_distance_m(b, a));
        CHECK(fl_geo_distance_many(a, &b.lat, &b.lng, 1, &many) == 0);
        CHECK(many == got);
        /* Near the antipode the haversine itself has no digits left. */
        CHECK(fabs(fl_geo_haversine_to_m(h) - got) <=
              (h < 0.9 ? 1e-7 : 2 * FL_GEO_RADIUS_M * 1e-7));
        CHECK(fabs(fl_geo_haversine_of_m(got) - h) <= 1e-15);
    }
}

/* Who sets out as told arrives. */
static void check_ways(uint64_t cases)
{
    for (uint64_t i = 0; i < cases; i++) {
        struct fl_geo_point a = draw_point(&rng), b = draw_other(a), there;
        double m = fl_geo_distance_m(a, b), way = fl_geo_bearing_deg(a, b);

        CHECK(way >= 0 && way < 360);
        CHECK(fl_geo_destination(a, way, m, &there) == 0);
        CHECK(fl_geo_point_valid(there));
        CHECK(fl_geo_distance_m(there, b) <= 1e-7);
        way = draw_between(&rng, -720, 720);
        m = draw_radius(&rng);
        CHECK(fl_geo_destination(a, way, m, &there) == 0);
        if (m < M_PI * FL_GEO_RADIUS_M)
            CHECK(fabs(fl_geo_distance_m(a, there) - m) <= 1e-7);
    }
}

static void check_boxes(uint64_t cases)
{
    for (uint64_t i = 0; i < cases; i++) {
        struct fl_geo_point at = draw_point(&rng), p = draw_point(&rng);
        double radius_m = draw_radius(&rng);
        struct fl_geo_box box;

        if (random_below(&rng, 2)) /* just inside */
            radius_m = fl_geo_distance_m(at, p);
        CHECK(fl_geo_circle_box(at, radius_m, &box) == 0);
        CHECK(fl_geo_box_valid(&box));
        CHECK(fl_geo_box_has(&box, at));
        if (fl_geo_distance_m(at, p) <= radius_m)
            CHECK(fl_geo_box_has(&box, p));
    }
}

/* By halving, as the definition has it. */
static void reference_geohash(struct fl_geo_point p, unsigned precision,
                              char *ret)
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

static void check_family(fl_geo_cell cell, struct fl_geo_point p)
{
    unsigned precision = fl_geo_cell_precision(cell);
    fl_geo_cell other, ring[8], children[32];

    for (unsigned up = 1; up <= precision; up++) {
        fl_geo_cell direct;

        CHECK(fl_geo_parent(cell, up, &other) == 0);
        CHECK(fl_geo_encode(p, up, &direct) == 0);
        CHECK(other == direct);
    }
    CHECK(fl_geo_neighbors(cell, ring) == 0);
    for (unsigned i = 0; i < 8; i++) {
        /* Who is my neighbour has me as his. */
        fl_geo_cell back[8];
        bool mutual = false;

        CHECK(fl_geo_cell_precision(ring[i]) == precision);
        CHECK(fl_geo_neighbors(ring[i], back) == 0);
        for (unsigned j = 0; j < 8; j++)
            mutual |= back[j] == cell;
        CHECK(mutual && ring[i] != cell);
        for (unsigned j = 0; j < i; j++)
            CHECK(ring[i] != ring[j]);
    }
    if (precision == FL_GEO_PRECISION_MAX)
        return;
    CHECK(fl_geo_children(cell, children) == 0);
    CHECK(fl_geo_encode(p, precision + 1, &other) == 0);
    for (unsigned i = 0, hits = 0; i < 32; i++) {
        hits += children[i] == other;
        CHECK(i < 31 || hits == 1);
        CHECK(i == 0 || children[i - 1] < children[i]);
    }
}

static void check_geohashes(uint64_t cases)
{
    for (uint64_t i = 0; i < cases; i++) {
        struct fl_geo_point p = draw_point(&rng);
        unsigned precision = 1 + (unsigned)random_below(&rng, 12);
        char got[FL_GEO_TEXT], want[FL_GEO_TEXT];
        struct fl_geo_area area;
        fl_geo_cell cell, other;
        double lat, lng;

        CHECK(fl_geo_encode_text(p, precision, got) == 0);
        reference_geohash(p, precision, want);
        CHECK(strcmp(got, want) == 0);
        CHECK(fl_geo_decode_text(got, precision, &area) == 0);
        CHECK(fl_geo_box_has(&area.box, p));
        CHECK(fabs(area.center.lat - p.lat) <= area.lat_error);
        CHECK(fabs(area.center.lng - p.lng) <= area.lng_error);
        CHECK(fl_geo_cell_of_text(got, precision, &cell) == 0);
        CHECK(fl_geo_encode_many(&p.lat, &p.lng, 1, precision, &other) == 0);
        CHECK(cell == other);
        CHECK(fl_geo_decode_many(&cell, 1, &lat, &lng) == 0);
        CHECK(lat == area.center.lat && lng == area.center.lng);
        CHECK(fl_geo_cell_of_bits(fl_geo_cell_to_bits(cell), precision,
                                  &other) == 0);
        CHECK(cell == other);
        /* The cell's own corner encodes to the cell. */
        p = (struct fl_geo_point){area.box.south, area.box.west};
        CHECK(fl_geo_encode_text(p, precision, want) == 0);
        CHECK(strcmp(got, want) == 0);
        check_family(cell, p);
    }
}

/* Numbers sort as texts do. */
static void check_order(uint64_t cases)
{
    for (uint64_t i = 0; i < cases; i++) {
        struct fl_geo_point p = draw_point(&rng);
        char text[2][FL_GEO_TEXT];
        fl_geo_cell cell[2];

        for (unsigned k = 0; k < 2; k++) {
            unsigned precision = 1 + (unsigned)random_below(&rng, 12);

            CHECK(fl_geo_encode(p, precision, &cell[k]) == 0);
            CHECK(fl_geo_cell_to_text(cell[k], text[k]) == 0);
            if (random_below(&rng, 2))
                p = draw_point(&rng);
        }

        int order = strcmp(text[0], text[1]);

        CHECK((cell[0] < cell[1]) == (order < 0));
        CHECK((cell[0] == cell[1]) == (order == 0));
    }
}

int main(void)
{
    uint64_t cases = draw_cases();

    rng = random_start();
    check_distances(cases);
    check_ways(cases);
    check_boxes(cases);
    check_geohashes(cases);
    check_order(cases / 4);
    return 0;
}
