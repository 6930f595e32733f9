/* SPDX-License-Identifier: MIT */
/* distance - known ways, what is no point, many at once. Threads: loop. */
#include "fieldline/geo.h"
#include "../check.h"

#include <math.h>

#define AT(lat, lng) ((struct fl_geo_point){lat, lng})

static const double quarter = M_PI / 2 * FL_GEO_RADIUS_M;

static void near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("got %.12g, want %.12g", got, want);
}

static void only_positions_are_valid(void **state)
{
    static const double odd[] = {NAN, INFINITY, -INFINITY, 180.0000001, -999};

    assert_true(fl_geo_point_valid(AT(90, 180)));
    assert_true(fl_geo_point_valid(AT(-90, -180)));
    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        assert_false(fl_geo_point_valid(AT(odd[i], 0)));
        assert_false(fl_geo_point_valid(AT(0, odd[i])));
        assert_true(isnan(fl_geo_distance_m(AT(odd[i], 0), AT(0, 0))));
        assert_true(isnan(fl_geo_distance_m(AT(0, 0), AT(0, odd[i]))));
        assert_true(isnan(fl_geo_haversine(AT(0, 0), AT(0, odd[i]))));
        assert_true(isnan(fl_geo_bearing_deg(AT(0, 0), AT(odd[i], 0))));
    }
    /* Axes swapped: a longitude beyond 90 is no latitude. */
    assert_false(fl_geo_point_valid(AT(-118.24, 34.05)));
}

static void known_distances(void **state)
{
    assert_true(fl_geo_distance_m(AT(0, 0), AT(0, 0)) == 0);
    near(fl_geo_distance_m(AT(0, 0), AT(90, 0)), quarter, 1e-6);
    near(fl_geo_distance_m(AT(0, 0), AT(0, 180)), 2 * quarter, 1e-6);
    near(fl_geo_distance_m(AT(90, 0), AT(90, 123)), 0, 1e-6);
    near(fl_geo_distance_m(AT(0, 179.5), AT(0, -179.5)), quarter / 90, 1e-6);
    /* Munich to Berlin, as any sphere of this radius has it. */
    near(fl_geo_distance_m(AT(48.137154, 11.576124), AT(52.520008, 13.404954)),
         504219.0, 100);
}

static void the_haversine_goes_both_ways(void **state)
{
    assert_true(fl_geo_haversine(AT(0, 0), AT(0, 180)) == 1);
    near(fl_geo_haversine_to_m(1), 2 * quarter, 1e-6);
    near(fl_geo_haversine_to_m(0.5), quarter, 1e-6);
    near(fl_geo_haversine_of_m(quarter), 0.5, 1e-15);
    near(fl_geo_haversine_to_m(fl_geo_haversine_of_m(5000)), 5000, 1e-8);
    assert_true(fl_geo_haversine_of_m(-1) == 0);
    assert_true(fl_geo_haversine_of_m(1e12) == 1);
    assert_true(fl_geo_haversine_to_m(-1) == 0);
}

static void ways_are_clockwise_from_north(void **state)
{
    near(fl_geo_bearing_deg(AT(0, 0), AT(1, 0)), 0, 1e-12);
    near(fl_geo_bearing_deg(AT(0, 0), AT(0, 1)), 90, 1e-12);
    near(fl_geo_bearing_deg(AT(0, 0), AT(-1, 0)), 180, 1e-12);
    near(fl_geo_bearing_deg(AT(0, 0), AT(0, -1)), 270, 1e-12);
    near(fl_geo_bearing_deg(AT(0, 179), AT(0, -179)), 90, 1e-12);
    assert_true(fl_geo_bearing_deg(AT(7, 7), AT(7, 7)) == 0);
}

static void one_arrives(void **state)
{
    struct fl_geo_point p;

    assert_int_equal(fl_geo_destination(AT(0, 179), 90, quarter / 45, &p), 0);
    near(p.lat, 0, 1e-12);
    near(p.lng, -179, 1e-12);
    assert_int_equal(fl_geo_destination(AT(89, 0), 0, quarter / 45, &p), 0);
    near(p.lat, 89, 1e-10);
    near(fabs(p.lng), 180, 1e-9);
    assert_int_equal(fl_geo_destination(AT(0, 0), NAN, 1, &p), FL_ERR_RANGE);
    assert_int_equal(fl_geo_destination(AT(0, 0), 1, -1, &p), FL_ERR_RANGE);
    assert_int_equal(fl_geo_destination(AT(0, 0), 1, INFINITY, &p),
                     FL_ERR_RANGE);
    assert_int_equal(fl_geo_destination(AT(91, 0), 1, 1, &p), FL_ERR_RANGE);
    near(p.lat, 89, 1e-10);
}

/* Vectors, their rest, what is no point: to the last bit as one by one. */
static void many_are_as_one_by_one(void **state)
{
    double lat[101], lng[101], m[101];

    for (size_t i = 0; i < ARRAY_LEN(lat); i++) {
        lat[i] = (double)i * 1.7 - 88;
        lng[i] = 179.9 - (double)i * 3.5;
    }
    lat[17] = NAN;
    lng[30] = 181;
    assert_int_equal(fl_geo_distance_many(AT(50, 8), lat, lng, 101, m), 2);
    for (size_t i = 0; i < ARRAY_LEN(lat); i++) {
        if (i == 17 || i == 30)
            assert_true(isnan(m[i]));
        else
            assert_true(m[i] ==
                        fl_geo_distance_m(AT(50, 8), AT(lat[i], lng[i])));
    }
    assert_int_equal(fl_geo_distance_many(AT(50, 8), lat, lng, 0, m), 0);
    assert_int_equal(fl_geo_distance_many(AT(NAN, 8), lat, lng, 3, m), 3);
}

static void a_list_is_searched(void **state)
{
    const double lat[] = {52.5, 52.6, NAN, 52.501, 52.5, -33};
    const double lng[] = {13.4, 13.4, 13.4, 13.4, 13.4, 151};
    struct fl_geo_found got[6];
    size_t found = 42;

    assert_int_equal(
        fl_geo_within(AT(52.5, 13.4), 5000, lat, lng, 6, got, 6, &found), 0);
    assert_int_equal(found, 3);
    assert_int_equal(got[0].id, 0);
    assert_int_equal(got[1].id, 4);
    assert_int_equal(got[2].id, 3);
    assert_int_equal(
        fl_geo_within(AT(52.5, 13.4), INFINITY, lat, lng, 6, got, 1, &found),
        0);
    assert_int_equal(found, 1);
    assert_int_equal(
        fl_geo_within(AT(52.5, 13.4), NAN, lat, lng, 6, got, 6, &found),
        FL_ERR_RANGE);
    assert_int_equal(
        fl_geo_within(AT(52.5, 13.4), -1, lat, lng, 6, got, 6, &found),
        FL_ERR_RANGE);
    assert_int_equal(found, 1);
}

RUN(cmocka_unit_test(only_positions_are_valid),
    cmocka_unit_test(known_distances),
    cmocka_unit_test(the_haversine_goes_both_ways),
    cmocka_unit_test(ways_are_clockwise_from_north),
    cmocka_unit_test(one_arrives), cmocka_unit_test(many_are_as_one_by_one),
    cmocka_unit_test(a_list_is_searched))
