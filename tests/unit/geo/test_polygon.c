/* SPDX-License-Identifier: MIT */
/* polygon - what is inside, across 180, poles, what is none. Threads: loop. */
#include "fieldline/geo.h"
#include "../check.h"

#include <math.h>
#include <stdlib.h>

#define AT(lat, lng)   ((struct fl_geo_point){lat, lng})
#define RING(...)      ((const struct fl_geo_point[]){__VA_ARGS__})
#define COUNT(ring)    (sizeof(ring) / sizeof(struct fl_geo_point))
#define MAKE(ret, ...) make(ret, RING(__VA_ARGS__), COUNT(RING(__VA_ARGS__)))

static int make(struct fl_geo_polygon **ret, const struct fl_geo_point *ring,
                size_t count)
{
    *ret = NULL;
    return fl_geo_polygon_new(ret, ring, count, NULL);
}

static void a_square(void **state)
{
    struct fl_geo_polygon *p;
    struct fl_geo_box box;

    assert_int_equal(MAKE(&p, {0, 0}, {0, 2}, {2, 2}, {2, 0}), 0);
    assert_true(fl_geo_polygon_has(p, AT(1, 1)));
    assert_false(fl_geo_polygon_has(p, AT(1, 3)));
    assert_false(fl_geo_polygon_has(p, AT(3, 1)));
    assert_false(fl_geo_polygon_has(p, AT(-1, 1)));
    assert_false(fl_geo_polygon_has(p, AT(1, -179)));
    assert_false(fl_geo_polygon_has(p, AT(NAN, 1)));
    assert_false(fl_geo_polygon_has(p, AT(1, 181)));
    fl_geo_polygon_box(p, &box);
    assert_true(box.south == 0 && box.west == 0);
    assert_true(box.north == 2 && box.east == 2);
    fl_geo_polygon_free(&p);
    assert_null(p);
    fl_geo_polygon_free(&p);
}

/* A side's points belong to one of the two that share it. */
static void neighbours_share_out_their_side(void **state)
{
    struct fl_geo_polygon *a, *b;

    assert_int_equal(MAKE(&a, {0, 179}, {0, -179}, {3, -178}, {1, 178}), 0);
    assert_int_equal(MAKE(&b, {1, 178}, {3, -178}, {5, 180}), 0);
    for (int i = 0; i <= 1000; i++) {
        struct fl_geo_point p = {1 + 2 * i / 1000.0, 178 + 4 * i / 1000.0};

        if (p.lng > 180)
            p.lng -= 360;
        assert_true(fl_geo_polygon_has(a, p) + fl_geo_polygon_has(b, p) <= 1);
        assert_true(i % 1000 == 0 ||
                    fl_geo_polygon_has(a, p) + fl_geo_polygon_has(b, p) == 1);
    }
    fl_geo_polygon_free(&a);
    fl_geo_polygon_free(&b);
}

static void across_the_antimeridian(void **state)
{
    struct fl_geo_polygon *p;
    struct fl_geo_box box;

    assert_int_equal(MAKE(&p, {-1, 179}, {-1, -179}, {1, -179}, {1, 179}), 0);
    assert_true(fl_geo_polygon_has(p, AT(0, 180)));
    assert_true(fl_geo_polygon_has(p, AT(0, -180)));
    assert_true(fl_geo_polygon_has(p, AT(0, 179.5)));
    assert_false(fl_geo_polygon_has(p, AT(0, 0)));
    fl_geo_polygon_box(p, &box);
    assert_true(box.west == 179 && box.east == -179);
    fl_geo_polygon_free(&p);
}

static void around_a_pole(void **state)
{
    struct fl_geo_polygon *p;
    struct fl_geo_box box;

    assert_int_equal(MAKE(&p, {60, 0}, {60, 90}, {60, 180}, {60, -90}), 0);
    assert_true(fl_geo_polygon_has(p, AT(90, 12)));
    assert_true(fl_geo_polygon_has(p, AT(61, -180)));
    assert_false(fl_geo_polygon_has(p, AT(59, 0)));
    assert_false(fl_geo_polygon_has(p, AT(-90, 0)));
    fl_geo_polygon_box(p, &box);
    assert_true(box.north == 90 && box.west == -180 && box.east == 180);
    fl_geo_polygon_free(&p);
    /* Wound the other way it is the same; in the south the other pole. */
    assert_int_equal(MAKE(&p, {60, -90}, {60, 180}, {60, 90}, {60, 0}), 0);
    assert_true(fl_geo_polygon_has(p, AT(90, 12)));
    fl_geo_polygon_free(&p);
    assert_int_equal(MAKE(&p, {-60, 0}, {-60, 90}, {-60, 180}, {-60, -90}), 0);
    assert_true(fl_geo_polygon_has(p, AT(-90, 12)));
    assert_false(fl_geo_polygon_has(p, AT(90, 12)));
    fl_geo_polygon_free(&p);
}

/* Sums of turns are rounded: these end a hair before a whole one. */
static void once_around_and_back(void **state)
{
    static const struct fl_geo_point ring[] = {
        {-88.8, -180},
        {30.705882352941174, 61.411764705882348},
        {30.705882352941174, 60.818493934538793},
        {30.705882352941174, 61.367818722819862},
        {30.705882352941174, -95.294117647058826},
        {-47.647058823529413, -95.294117647058826},
        {-90, -180},
        {-90, -95.623712520027468},
        {-47.647058823529413, -95.294117647058826},
        {30.370794232089722, 61.411764705882348},
    };
    struct fl_geo_polygon *p;
    struct fl_geo_box box;

    assert_int_equal(make(&p, ring, COUNT(ring)), 0);
    fl_geo_polygon_box(p, &box);
    for (size_t i = 0; i < COUNT(ring); i++)
        assert_true(fl_geo_box_has(&box, ring[i]));
    assert_true(fl_geo_box_has(&box, AT(0, 0)));
    fl_geo_polygon_free(&p);
}

static void what_is_no_polygon(void **state)
{
    struct fl_geo_polygon *p;
    struct fl_geo_point *many = calloc(FL_GEO_VERTICES_MAX + 2, sizeof(*many));

    assert_int_equal(make(&p, NULL, 0), FL_ERR_INVALID);
    assert_int_equal(MAKE(&p, {0, 0}, {1, 1}), FL_ERR_INVALID);
    assert_int_equal(MAKE(&p, {0, 0}, {1, 1}, {1, 1}, {0, 0}), FL_ERR_INVALID);
    assert_int_equal(MAKE(&p, {0, 0}, {1, 1}, {2, 2}), FL_ERR_INVALID);
    assert_int_equal(MAKE(&p, {0, 0}, {1, 1}, {0, 1}, {1, 0}), FL_ERR_INVALID);
    assert_int_equal(MAKE(&p, {0, 0}, {1, 180}, {2, 0}), FL_ERR_INVALID);
    assert_int_equal(MAKE(&p, {0, 0}, {NAN, 1}, {2, 0}), FL_ERR_RANGE);
    assert_int_equal(MAKE(&p, {0, 0}, {1, INFINITY}, {2, 0}), FL_ERR_RANGE);
    assert_int_equal(MAKE(&p, {13, 100}, {100, 13}, {2, 0}), FL_ERR_RANGE);
    /* Twice round. */
    assert_int_equal(
        MAKE(&p, {0, 0}, {0, 120}, {0, -120}, {1, 0}, {1, 120}, {1, -120}),
        FL_ERR_INVALID);
    assert_non_null(many);
    assert_int_equal(make(&p, many, FL_GEO_VERTICES_MAX + 2), FL_ERR_LIMIT);
    assert_int_equal(make(&p, many, SIZE_MAX), FL_ERR_LIMIT);
    assert_int_equal(make(&p, many, 100), FL_ERR_INVALID);
    assert_null(p);
    free(many);
}

/* The largest ring there is, with long sides: comb teeth round a circle. */
static void the_largest_ring(void **state)
{
    static struct fl_geo_point ring[FL_GEO_VERTICES_MAX];
    struct fl_geo_polygon *p;

    for (size_t i = 0; i < FL_GEO_VERTICES_MAX; i++) {
        double angle = 2 * M_PI * (double)i / FL_GEO_VERTICES_MAX;
        double reach = i & 1 ? 1 : 40;

        ring[i] = AT(reach * sin(angle), reach * cos(angle));
    }
    assert_int_equal(make(&p, ring, FL_GEO_VERTICES_MAX), 0);
    assert_true(fl_geo_polygon_has(p, AT(0.5, 0.5)));
    assert_true(fl_geo_polygon_has(p, AT(0, 39)));
    assert_false(fl_geo_polygon_has(p, AT(0, 41)));
    fl_geo_polygon_free(&p);
}

RUN(cmocka_unit_test(a_square),
    cmocka_unit_test(neighbours_share_out_their_side),
    cmocka_unit_test(across_the_antimeridian), cmocka_unit_test(around_a_pole),
    cmocka_unit_test(once_around_and_back),
    cmocka_unit_test(what_is_no_polygon), cmocka_unit_test(the_largest_ring))
