/* SPDX-License-Identifier: MIT */
/* box - around circles, across the antimeridian, none. Threads: loop. */
#include "fieldline/geo.h"
#include "../check.h"

#include <math.h>

static void near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("got %.12g, want %.12g", got, want);
}

static void a_box_holds_its_circle_closely(void **state)
{
    struct fl_geo_box box;

    assert_int_equal(fl_geo_circle_box((struct fl_geo_point){0, 0}, 1000, &box),
                     0);
    near(box.north, 1000 / FL_GEO_RADIUS_M * 180 / M_PI, 1e-5);
    near(box.south, -box.north, 1e-12);
    near(box.east, box.north, 1e-5);
    assert_int_equal(
        fl_geo_circle_box((struct fl_geo_point){60, 0}, 1000, &box), 0);
    near(box.east, 2 * (box.north - 60), 1e-4);
}

static void a_box_may_cross_the_antimeridian(void **state)
{
    struct fl_geo_box box;

    assert_int_equal(
        fl_geo_circle_box((struct fl_geo_point){0, 179.999}, 1000, &box), 0);
    assert_true(box.west > box.east);
    assert_true(fl_geo_box_has(&box, (struct fl_geo_point){0, -179.999}));
    assert_true(fl_geo_box_has(&box, (struct fl_geo_point){0, 180}));
    assert_true(fl_geo_box_has(&box, (struct fl_geo_point){0, -180}));
    assert_false(fl_geo_box_has(&box, (struct fl_geo_point){0, 179.9}));
    assert_false(fl_geo_box_has(&box, (struct fl_geo_point){0, 0}));
    assert_false(fl_geo_box_has(&box, (struct fl_geo_point){NAN, 180}));
}

static void near_a_pole_a_box_is_a_whole_turn(void **state)
{
    struct fl_geo_box box;

    assert_int_equal(
        fl_geo_circle_box((struct fl_geo_point){89.999, 0}, 1000, &box), 0);
    assert_true(box.west == -180 && box.east == 180 && box.north == 90);
    assert_true(box.south > 89.9);
    assert_int_equal(fl_geo_circle_box((struct fl_geo_point){0, 0}, 1e12, &box),
                     0);
    assert_true(box.south == -90 && box.north == 90 && box.west == -180);
}

static void an_edge_on_the_antimeridian_is_both(void **state)
{
    const struct fl_geo_box box = {-1, -180, 1, -170};

    assert_true(fl_geo_box_has(&box, (struct fl_geo_point){0, 180}));
    assert_true(fl_geo_box_has(&box, (struct fl_geo_point){0, -180}));
}

static void odd_circles_are_refused(void **state)
{
    struct fl_geo_box box = {1, 2, 3, 4};
    const struct fl_geo_point at = {0, 0};

    assert_int_equal(fl_geo_circle_box(at, NAN, &box), FL_ERR_RANGE);
    assert_int_equal(fl_geo_circle_box(at, -1, &box), FL_ERR_RANGE);
    assert_int_equal(fl_geo_circle_box(at, INFINITY, &box), FL_ERR_RANGE);
    assert_int_equal(fl_geo_circle_box((struct fl_geo_point){91, 0}, 1, &box),
                     FL_ERR_RANGE);
    assert_true(box.south == 1 && box.east == 4);
}

static void a_box_that_is_none(void **state)
{
    static const struct fl_geo_box odd[] = {
        {1, 0, 0, 1},  {NAN, 0, 1, 1},      {0, -181, 1, 1},
        {0, 0, 91, 1}, {0, 0, 1, INFINITY},
    };

    for (size_t i = 0; i < ARRAY_LEN(odd); i++)
        assert_false(fl_geo_box_valid(&odd[i]));
    assert_true(fl_geo_box_valid(&(struct fl_geo_box){0, 170, 0, -170}));
}

RUN(cmocka_unit_test(a_box_holds_its_circle_closely),
    cmocka_unit_test(a_box_may_cross_the_antimeridian),
    cmocka_unit_test(near_a_pole_a_box_is_a_whole_turn),
    cmocka_unit_test(an_edge_on_the_antimeridian_is_both),
    cmocka_unit_test(odd_circles_are_refused),
    cmocka_unit_test(a_box_that_is_none))
