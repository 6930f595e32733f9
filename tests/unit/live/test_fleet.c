/* SPDX-License-Identifier: MIT */
/*
 * test_fleet - where objects are, whose they are, what is yet to be written.
 * Threads: loop.
 */
#include "../check.h"

#include "live/fleet.h"
#include "live/near.h"

#include <math.h>
#include <stdio.h>

#define HOUR_US INT64_C(3600000000)

static int put(struct fleet *f, const char *tenant, const char *key, double lat,
               double lng, int64_t at_us)
{
    return fleet_put(f, bytes_of(tenant), bytes_of(key),
                     (struct fl_geo_point){lat, lng}, at_us, BYTES("{\"a\":1}"),
                     true);
}

static size_t near_keys(struct fleet *f, const char *tenant, double radius_m,
                        char *keys)
{
    struct fleet_found found[16];
    size_t count;

    *keys = '\0';
    assert_int_equal(fleet_near(f, bytes_of(tenant),
                                (struct fl_geo_point){40, -74}, radius_m, found,
                                16, &count),
                     0);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(keys + strlen(keys), 8, BYTES_FMT,
                       BYTES_ARG(found[i].fix->key));
        fix_unref(&found[i].fix);
    }
    return count;
}

static struct fleet *fleet(size_t max)
{
    struct fleet *f;

    assert_int_equal(fleet_new(&f, BYTES("drivers"), max, HOUR_US), 0);
    return f;
}

static void test_nearest_of_ones_own(void **state)
{
    struct fleet *f = fleet(100);
    char keys[64];

    assert_int_equal(put(f, "1", "c", 40.03, -74, 1), 0);
    assert_int_equal(put(f, "1", "a", 40.01, -74, 2), 0);
    assert_int_equal(put(f, "1", "b", 40.02, -74, 3), 0);
    assert_int_equal(put(f, "2", "x", 40, -74, 4), 0);
    assert_int_equal(put(f, "", "n", 40, -74, 5), 0);
    (void)near_keys(f, "1", 5000, keys);
    assert_string_equal(keys, "abc");
    (void)near_keys(f, "1", 1500, keys);
    assert_string_equal(keys, "a");
    assert_int_equal(near_keys(f, "3", 5000, keys), 0);
    assert_int_equal(put(f, "1", "a", 40.5, -74, 6), 0); /* it moves */
    (void)near_keys(f, "1", 5000, keys);
    assert_string_equal(keys, "bc");
    assert_int_equal(put(f, "1", "a", 40, -74, 5), 0); /* late: passed over */
    (void)near_keys(f, "1", 5000, keys);
    assert_string_equal(keys, "bc");
    fleet_free(&f);
}

static void test_tenants_and_keys_do_not_run_together(void **state)
{
    struct fleet *f = fleet(100);
    struct fleet_found found[4];

    assert_int_equal(put(f, "1", "23", 1, 1, 1), 0);
    assert_int_equal(put(f, "12", "3", 2, 2, 1), 0);
    assert_int_equal(fleet_count(f), 2);
    assert_int_equal(fleet_all(f, BYTES("1"), found, 4), 1);
    check_bytes(found[0].fix->json,
                "\"key\":\"23\",\"lat\":1,\"lng\":1,\"at\":"
                "\"1970-01-01T00:00:00.000Z\",\"data\":{\"a\":1}");
    check_bytes(found[0].fix->payload, "{\"a\":1}");
    fix_unref(&found[0].fix);
    fleet_free(&f);
}

static void test_no_place_on_earth(void **state)
{
    struct fleet *f = fleet(100);

    assert_int_equal(put(f, "1", "a", 90.1, 0, 1), ERR_RANGE);
    assert_int_equal(put(f, "1", "a", 0, -180.1, 1), ERR_RANGE);
    assert_int_equal(put(f, "1", "a", (double)NAN, 0, 1), ERR_RANGE);
    assert_int_equal(put(f, "1", "a", 0, (double)INFINITY, 1), ERR_RANGE);
    assert_int_equal(put(f, "1", "", 0, 0, 1), ERR_LIMIT);
    assert_int_equal(fleet_count(f), 0);
    fleet_free(&f);
}

static void test_bounds_and_forgetting(void **state)
{
    struct fleet *f = fleet(2);

    assert_int_equal(put(f, "1", "a", 1, 1, 1), 0);
    assert_int_equal(put(f, "2", "b", 1, 1, HOUR_US / 2), 0);
    assert_int_equal(put(f, "1", "c", 1, 1, HOUR_US / 2), ERR_LIMIT);
    assert_int_equal(put(f, "1", "a", 2, 2, HOUR_US / 2), 0); /* moves on */
    assert_int_equal(fleet_count(f), 2);
    assert_int_equal(put(f, "1", "c", 1, 1, 2 * HOUR_US), 0);
    assert_int_equal(fleet_count(f), 1); /* the silent ones are gone */
    fleet_free(&f);
}

static void test_dirty_until_written(void **state)
{
    struct fleet *f = fleet(100);
    struct fix *fixes[4];

    assert_int_equal(put(f, "1", "a", 1, 1, 1), 0);
    assert_int_equal(put(f, "1", "a", 2, 2, 2), 0);
    assert_int_equal(put(f, "1", "b", 1, 1, 3), 0);
    assert_int_equal(fleet_put(f, BYTES("1"), BYTES("c"),
                               (struct fl_geo_point){1, 1}, 4, BYTES("{}"),
                               false),
                     0);
    assert_int_equal(fleet_dirty_take(f, fixes, 1), 1);
    check_bytes(fixes[0]->key, "a");
    assert_true(fixes[0]->at.lat == 2);
    fleet_dirty_again(f, fixes[0]);
    fix_unref(&fixes[0]);
    assert_int_equal(fleet_dirty_take(f, fixes, 4), 2);
    fix_unref(&fixes[0]);
    fix_unref(&fixes[1]);
    assert_int_equal(fleet_dirty_take(f, fixes, 4), 0);
    fleet_free(&f);
}

static void test_radii(void **state)
{
    double m;

    assert_int_equal(near_radius_read(BYTES("5km"), &m), 0);
    assert_true(m == 5000);
    assert_int_equal(near_radius_read(BYTES("2.5km"), &m), 0);
    assert_true(m == 2500);
    assert_int_equal(near_radius_read(BYTES("500m"), &m), 0);
    assert_true(m == 500);
    assert_int_equal(near_radius_read(BYTES("7"), &m), 0);
    assert_true(m == 7);
    assert_int_equal(near_radius_read(BYTES("-1m"), &m), ERR_RANGE);
    assert_int_equal(near_radius_read(BYTES("30000km"), &m), ERR_RANGE);
    assert_int_not_equal(near_radius_read(BYTES("km"), &m), 0);
    assert_int_not_equal(near_radius_read(BYTES("nan"), &m), 0);
    assert_int_not_equal(near_radius_read(BYTES("1e999"), &m), 0);
}

RUN(cmocka_unit_test(test_nearest_of_ones_own),
    cmocka_unit_test(test_tenants_and_keys_do_not_run_together),
    cmocka_unit_test(test_no_place_on_earth),
    cmocka_unit_test(test_bounds_and_forgetting),
    cmocka_unit_test(test_dirty_until_written), cmocka_unit_test(test_radii))
