/* SPDX-License-Identifier: MIT */
/* geohash - known cells, edges, what is none. Threads: loop. */
#include "geo/geo.h"
#include "../check.h"

#include <math.h>

static void check_hash(double lat, double lng, const char *want)
{
    char hash[13];

    assert_int_equal(geohash_encode((struct geo_point){lat, lng},
                                    (unsigned)strlen(want), hash),
                     0);
    assert_string_equal(hash, want);
}

static void known_cells(void **state)
{
    check_hash(57.64911, 10.40744, "u4pruydqqvj");
    check_hash(42.6, -5.6, "ezs42");
    check_hash(0, 0, "s00000000000");
    check_hash(-90, -180, "000000000000");
    check_hash(90, 180, "zzzzzzzzzzzz");
    check_hash(-0x1p-60, 0, "kpbpbpbpbpbp");
}

static void a_cell_has_its_edges(void **state)
{
    struct geo_box box;

    assert_int_equal(geohash_decode("ezs42", 5, &box), 0);
    assert_true(box.south == 42.583007812500000);
    assert_true(box.north == 42.626953125000000);
    assert_true(box.west == -5.625);
    assert_true(box.east == -5.5810546875);
    assert_int_equal(geohash_decode("s", 1, &box), 0);
    assert_true(box.south == 0 && box.north == 45);
    assert_true(box.west == 0 && box.east == 45);
}

static void odd_input_is_refused(void **state)
{
    const struct geo_point at = {0, 0};
    struct geo_box box = {1, 2, 3, 4};
    char hash[13] = "same";

    assert_int_equal(geohash_encode(at, 0, hash), ERR_RANGE);
    assert_int_equal(geohash_encode(at, 13, hash), ERR_RANGE);
    assert_int_equal(geohash_encode((struct geo_point){NAN, 0}, 5, hash),
                     ERR_RANGE);
    assert_string_equal(hash, "same");
    assert_int_equal(geohash_decode("", 0, &box), ERR_RANGE);
    assert_int_equal(geohash_decode("0000000000000", 13, &box), ERR_RANGE);
    assert_int_equal(geohash_decode("ezsa2", 5, &box), ERR_INVALID);
    assert_int_equal(geohash_decode("ez\0s", 4, &box), ERR_INVALID);
    assert_true(box.south == 1);
}

RUN(cmocka_unit_test(known_cells), cmocka_unit_test(a_cell_has_its_edges),
    cmocka_unit_test(odd_input_is_refused))
