/* SPDX-License-Identifier: MIT */
/* field - deliveries and arrivals. Threads: loop. */
#include "fieldline/geo.h"
#include "../check.h"

#include <math.h>

#define AT(lat, lng) ((struct fl_geo_point){lat, lng})

static void a_delivery_is_near(void **state)
{
    struct fl_geo_delivery d;

    assert_int_equal(fl_geo_delivery_check(AT(40.7128, -74.0060),
                                           AT(40.7128, -74.0060), 0, &d),
                     0);
    assert_true(d.valid && d.same_cell && d.metres == 0 && d.km == 0);
    assert_string_equal(d.position, "dr5regw3");
    assert_string_equal(d.address, "dr5regw3");
    /* 111 m north: beyond the default, within 150. */
    assert_int_equal(fl_geo_delivery_check(AT(40.7138, -74.0060),
                                           AT(40.7128, -74.0060), 0, &d),
                     0);
    assert_false(d.valid || d.same_cell);
    assert_true(fabs(d.metres - 111.2) < 0.1 && d.km == d.metres / 1000);
    assert_int_equal(fl_geo_delivery_check(AT(40.7138, -74.0060),
                                           AT(40.7128, -74.0060), 150, &d),
                     0);
    assert_true(d.valid);
}

static void odd_deliveries_are_refused(void **state)
{
    struct fl_geo_delivery d = {.metres = 7};

    assert_int_equal(fl_geo_delivery_check(AT(NAN, 0), AT(0, 0), 0, &d),
                     FL_ERR_RANGE);
    assert_int_equal(fl_geo_delivery_check(AT(0, 0), AT(-118, 34), 0, &d),
                     FL_ERR_RANGE);
    assert_int_equal(fl_geo_delivery_check(AT(0, 0), AT(0, 0), -1, &d),
                     FL_ERR_RANGE);
    assert_int_equal(fl_geo_delivery_check(AT(0, 0), AT(0, 0), NAN, &d),
                     FL_ERR_RANGE);
    assert_true(d.metres == 7);
}

static void an_arrival_is_told(void **state)
{
    struct fl_geo_arrival_options o = {
        .size = sizeof(o), .speed_kmh = 60, .traffic_factor = 1};
    struct fl_geo_arrival a;
    /* A degree of latitude, 111.195 km; 2026-11-20T18:44:25.123Z. */
    const int64_t now_ms = 1795200265123;

    assert_int_equal(
        fl_geo_arrival_estimate(AT(0, 0), AT(1, 0), now_ms, NULL, &a), 0);
    assert_true(fabs(a.km - 111.195) < 0.001);
    assert_true(fabs(a.minutes - 111.195 / 40 * 60 * 1.2) < 0.01);
    assert_int_equal(a.at_ms, now_ms + llround(a.minutes * 60000));
    assert_int_equal(
        fl_geo_arrival_estimate(AT(0, 0), AT(1, 0), now_ms, &o, &a), 0);
    assert_true(fabs(a.minutes - 111.195) < 0.001);
    assert_int_equal(
        fl_geo_arrival_estimate(AT(1, 0), AT(1, 0), now_ms, &o, &a), 0);
    assert_string_equal(a.at, "2026-11-20T18:44:25.123Z");
}

static void odd_arrivals_are_refused(void **state)
{
    struct fl_geo_arrival_options o = {.size = sizeof(o), .speed_kmh = -1};
    struct fl_geo_arrival a = {.km = 7};

    assert_int_equal(fl_geo_arrival_estimate(AT(0, 0), AT(1, 0), 0, &o, &a),
                     FL_ERR_RANGE);
    o.speed_kmh = NAN;
    assert_int_equal(fl_geo_arrival_estimate(AT(0, 0), AT(1, 0), 0, &o, &a),
                     FL_ERR_RANGE);
    o.speed_kmh = 1e-300;
    assert_int_equal(fl_geo_arrival_estimate(AT(0, 0), AT(1, 0), 0, &o, &a),
                     FL_ERR_RANGE);
    assert_int_equal(
        fl_geo_arrival_estimate(AT(0, 0), AT(1, 0), INT64_MAX, NULL, &a),
        FL_ERR_RANGE);
    assert_int_equal(fl_geo_arrival_estimate(AT(0, 0), AT(1, 0), -1, NULL, &a),
                     FL_ERR_RANGE);
    assert_int_equal(fl_geo_arrival_estimate(AT(0, 0), AT(91, 0), 0, NULL, &a),
                     FL_ERR_RANGE);
    o.size = sizeof(o) + 1;
    assert_int_equal(fl_geo_arrival_estimate(AT(0, 0), AT(1, 0), 0, &o, &a),
                     FL_ERR_INVALID);
    assert_true(a.km == 7);
}

RUN(cmocka_unit_test(a_delivery_is_near),
    cmocka_unit_test(odd_deliveries_are_refused),
    cmocka_unit_test(an_arrival_is_told),
    cmocka_unit_test(odd_arrivals_are_refused))
