/* SPDX-License-Identifier: MIT */
/* geo - distances, boxes, what is no position. Threads: loop. */
#include "geo/geo.h"
#include "../check.h"

#include <math.h>

static void near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("got %.12g, want %.12g", got, want);
}

static void only_positions_are_valid(void **state)
{
    static const double odd[] = {NAN, INFINITY, -INFINITY, 180.0000001, -999};

    assert_true(geo_point_valid((struct geo_point){90, 180}));
    assert_true(geo_point_valid((struct geo_point){-90, -180}));
    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        assert_false(geo_point_valid((struct geo_point){odd[i], 0}));
        assert_false(geo_point_valid((struct geo_point){0, odd[i]}));
    }
    /* Axes swapped: a longitude beyond 90 is no latitude. */
    assert_false(geo_point_valid((struct geo_point){-118.24, 34.05}));
}

static void known_distances(void **state)
{
    const struct geo_point origin = {0, 0}, north = {90, 0}, far = {0, 180};
    const double quarter = M_PI / 2 * GEO_RADIUS_M;

    assert_true(geo_distance_m(origin, origin) == 0);
    near(geo_distance_m(origin, north), quarter, 1e-6);
    near(geo_distance_m(origin, far), 2 * quarter, 1e-6);
    near(geo_distance_m(north, (struct geo_point){90, 123}), 0, 1e-6);
    near(geo_distance_m((struct geo_point){0, 179.5},
                        (struct geo_point){0, -179.5}),
         quarter / 90, 1e-6);
    /* Munich to Berlin, as any sphere of this radius has it. */
    near(geo_distance_m((struct geo_point){48.137154, 11.576124},
                        (struct geo_point){52.520008, 13.404954}),
         504219.0, 100);
}

static void a_box_holds_its_circle_closely(void **state)
{
    struct geo_box box;

    assert_int_equal(geo_circle_box((struct geo_point){0, 0}, 1000, &box), 0);
    near(box.north, 1000 / GEO_RADIUS_M * 180 / M_PI, 1e-5);
    near(box.south, -box.north, 1e-12);
    near(box.east, box.north, 1e-5);
    assert_int_equal(geo_circle_box((struct geo_point){60, 0}, 1000, &box), 0);
    near(box.east, 2 * (box.north - 60), 1e-4);
}

static void a_box_may_cross_the_antimeridian(void **state)
{
    struct geo_box box;

    assert_int_equal(geo_circle_box((struct geo_point){0, 179.999}, 1000, &box),
                     0);
    assert_true(box.west > box.east);
    assert_true(geo_box_has(&box, (struct geo_point){0, -179.999}));
    assert_true(geo_box_has(&box, (struct geo_point){0, 180}));
    assert_true(geo_box_has(&box, (struct geo_point){0, -180}));
    assert_false(geo_box_has(&box, (struct geo_point){0, 179.9}));
    assert_false(geo_box_has(&box, (struct geo_point){0, 0}));
    assert_false(geo_box_has(&box, (struct geo_point){NAN, 180}));
}

static void near_a_pole_a_box_is_a_whole_turn(void **state)
{
    struct geo_box box;

    assert_int_equal(geo_circle_box((struct geo_point){89.999, 0}, 1000, &box),
                     0);
    assert_true(box.west == -180 && box.east == 180 && box.north == 90);
    assert_true(box.south > 89.9);
    assert_int_equal(geo_circle_box((struct geo_point){0, 0}, 1e12, &box), 0);
    assert_true(box.south == -90 && box.north == 90 && box.west == -180);
}

static void an_edge_on_the_antimeridian_is_both(void **state)
{
    const struct geo_box box = {-1, -180, 1, -170};

    assert_true(geo_box_has(&box, (struct geo_point){0, 180}));
    assert_true(geo_box_has(&box, (struct geo_point){0, -180}));
}

static void odd_circles_are_refused(void **state)
{
    struct geo_box box = {1, 2, 3, 4};
    const struct geo_point at = {0, 0};

    assert_int_equal(geo_circle_box(at, NAN, &box), ERR_RANGE);
    assert_int_equal(geo_circle_box(at, -1, &box), ERR_RANGE);
    assert_int_equal(geo_circle_box(at, INFINITY, &box), ERR_RANGE);
    assert_int_equal(geo_circle_box((struct geo_point){91, 0}, 1, &box),
                     ERR_RANGE);
    assert_true(box.south == 1 && box.east == 4);
}

RUN(cmocka_unit_test(only_positions_are_valid),
    cmocka_unit_test(known_distances),
    cmocka_unit_test(a_box_holds_its_circle_closely),
    cmocka_unit_test(a_box_may_cross_the_antimeridian),
    cmocka_unit_test(near_a_pole_a_box_is_a_whole_turn),
    cmocka_unit_test(an_edge_on_the_antimeridian_is_both),
    cmocka_unit_test(odd_circles_are_refused))
