/* SPDX-License-Identifier: MIT */
/* cell - known cells, edges, families, what is none. Threads: loop. */
#include "fieldline/geo.h"
#include "../check.h"

#include <math.h>

static fl_geo_cell cell(const char *text)
{
    fl_geo_cell c = 0;

    assert_int_equal(fl_geo_cell_of_text(text, strlen(text), &c), 0);
    return c;
}

static void check_text(fl_geo_cell c, const char *want)
{
    char text[FL_GEO_TEXT];

    assert_int_equal(fl_geo_cell_to_text(c, text), 0);
    assert_string_equal(text, want);
}

static void check_hash(double lat, double lng, const char *want)
{
    char hash[FL_GEO_TEXT];

    assert_int_equal(fl_geo_encode_text((struct fl_geo_point){lat, lng},
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
    struct fl_geo_area a;

    assert_int_equal(fl_geo_decode_text("ezs42", 5, &a), 0);
    assert_true(a.box.south == 42.583007812500000);
    assert_true(a.box.north == 42.626953125000000);
    assert_true(a.box.west == -5.625);
    assert_true(a.box.east == -5.5810546875);
    assert_true(a.center.lat == 42.60498046875);
    assert_true(a.lat_error == 0.02197265625);
    assert_true(a.lng_error == 0.02197265625);
    assert_int_equal(fl_geo_decode_text("S", 1, &a), 0);
    assert_true(a.box.south == 0 && a.box.north == 45);
    assert_true(a.box.west == 0 && a.box.east == 45);
    assert_int_equal(fl_geo_decode(cell("ezs42"), &a), 0);
    assert_true(a.box.west == -5.625);
}

static void a_number_says_the_same(void **state)
{
    fl_geo_cell c;

    assert_int_equal(fl_geo_cell_precision(cell("ezs42")), 5);
    assert_int_equal(fl_geo_cell_to_bits(cell("ezs42")), 0x0dfe082);
    assert_int_equal(fl_geo_cell_of_bits(0x0dfe082, 5, &c), 0);
    assert_int_equal(c, cell("ezs42"));
    assert_true(cell("ezs4") < cell("ezs40"));
    assert_true(cell("ezs4z") < cell("ezs5"));
    assert_int_equal(fl_geo_cell_of_bits(32, 1, &c), FL_ERR_RANGE);
    assert_int_equal(fl_geo_cell_of_bits(0, 13, &c), FL_ERR_RANGE);
    assert_int_equal(c, cell("ezs42"));
}

static void a_family(void **state)
{
    fl_geo_cell c, children[32];

    assert_int_equal(fl_geo_parent(cell("ezs42"), 3, &c), 0);
    check_text(c, "ezs");
    assert_int_equal(fl_geo_parent(cell("ezs"), 4, &c), FL_ERR_RANGE);
    assert_int_equal(fl_geo_parent(cell("ezs"), 0, &c), FL_ERR_RANGE);
    assert_int_equal(fl_geo_children(cell("ezs"), children), 0);
    check_text(children[0], "ezs0");
    check_text(children[31], "ezsz");
    assert_int_equal(fl_geo_children(cell("ezs42ezs42ez"), children),
                     FL_ERR_RANGE);
}

static void check_ring(const char *text, const char *const want[8])
{
    fl_geo_cell ring[8], one;

    assert_int_equal(fl_geo_neighbors(cell(text), ring), 0);
    for (unsigned i = 0; i < 8; i++) {
        check_text(ring[i], want[i]);
        assert_int_equal(
            fl_geo_neighbor(cell(text), (enum fl_geo_direction)i, &one), 0);
        assert_int_equal(one, ring[i]);
    }
}

static void neighbours(void **state)
{
    check_ring("ezs42",
               (const char *const[8]){"ezs48", "ezs49", "ezs43", "ezs41",
                                      "ezs40", "ezefp", "ezefr", "ezefx"});
    /* East of 180 comes -180. */
    check_ring("xbp", (const char *const[8]){"xbr", "802", "800", "2pb", "rzz",
                                             "rzy", "xbn", "xbq"});
}

static void over_a_pole_comes_the_other_side(void **state)
{
    struct fl_geo_area a, north;
    fl_geo_cell c;

    assert_int_equal(fl_geo_neighbor(cell("upbp"), FL_GEO_N, &c), 0);
    assert_int_equal(fl_geo_decode(cell("upbp"), &a), 0);
    assert_int_equal(fl_geo_decode(c, &north), 0);
    assert_true(north.box.north == 90 && a.box.north == 90);
    assert_true(fabs(north.center.lng - a.center.lng) == 180);
    assert_int_equal(fl_geo_neighbor(cell("0"), FL_GEO_S, &c), 0);
    check_text(c, "h");
}

static void odd_input_is_refused(void **state)
{
    const struct fl_geo_point at = {0, 0};
    struct fl_geo_area a = {.lat_error = 7};
    char hash[FL_GEO_TEXT] = "same";
    fl_geo_cell c = 5, ring[32];

    assert_int_equal(fl_geo_encode_text(at, 0, hash), FL_ERR_RANGE);
    assert_int_equal(fl_geo_encode_text(at, 13, hash), FL_ERR_RANGE);
    assert_int_equal(fl_geo_encode_text((struct fl_geo_point){NAN, 0}, 5, hash),
                     FL_ERR_RANGE);
    assert_string_equal(hash, "same");
    assert_int_equal(fl_geo_decode_text("", 0, &a), FL_ERR_RANGE);
    assert_int_equal(fl_geo_decode_text("0000000000000", 13, &a), FL_ERR_RANGE);
    assert_int_equal(fl_geo_decode_text("ezsa2", 5, &a), FL_ERR_INVALID);
    assert_int_equal(fl_geo_decode_text("ez\0s", 4, &a), FL_ERR_INVALID);
    assert_true(a.lat_error == 7);

    static const fl_geo_cell odd[] = {
        0, 13, 15, UINT64_MAX, 0x10 | 1, UINT64_C(1) << 58 | 1};

    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        assert_int_equal(fl_geo_decode(odd[i], &a), FL_ERR_INVALID);
        assert_int_equal(fl_geo_cell_to_text(odd[i], hash), FL_ERR_INVALID);
        assert_int_equal(fl_geo_parent(odd[i], 1, &c), FL_ERR_INVALID);
        assert_int_equal(fl_geo_children(odd[i], ring), FL_ERR_INVALID);
        assert_int_equal(fl_geo_neighbors(odd[i], ring), FL_ERR_INVALID);
        assert_int_equal(fl_geo_neighbor(odd[i], FL_GEO_N, &c), FL_ERR_INVALID);
        assert_int_equal(fl_geo_cell_precision(odd[i]), 0);
        assert_int_equal(fl_geo_cell_to_bits(odd[i]), 0);
    }
    assert_int_equal(fl_geo_neighbor(cell("e"), (enum fl_geo_direction)8, &c),
                     FL_ERR_RANGE);
    assert_int_equal(c, 5);
}

static void many_are_as_one_by_one(void **state)
{
    double lat[99], lng[99], back_lat[99], back_lng[99];
    fl_geo_cell many[99], one;
    struct fl_geo_area a;

    for (size_t i = 0; i < ARRAY_LEN(lat); i++) {
        lat[i] = (double)i * 1.8 - 88;
        lng[i] = 180 - (double)i * 3.6;
    }
    lat[50] = NAN;
    for (unsigned precision = 1; precision <= 12; precision++) {
        assert_int_equal(fl_geo_encode_many(lat, lng, 99, precision, many), 1);
        assert_int_equal(fl_geo_decode_many(many, 99, back_lat, back_lng), 1);
        for (size_t i = 0; i < ARRAY_LEN(lat); i++) {
            const struct fl_geo_point p = {lat[i], lng[i]};

            if (i == 50) {
                assert_int_equal(many[i], 0);
                assert_true(isnan(back_lat[i]) && isnan(back_lng[i]));
                continue;
            }
            assert_int_equal(fl_geo_encode(p, precision, &one), 0);
            assert_int_equal(many[i], one);
            assert_int_equal(fl_geo_decode(one, &a), 0);
            assert_true(back_lat[i] == a.center.lat);
            assert_true(back_lng[i] == a.center.lng);
        }
    }
    assert_int_equal(fl_geo_encode_many(lat, lng, 99, 13, many), 99);
    assert_int_equal(many[7], 0);
}

RUN(cmocka_unit_test(known_cells), cmocka_unit_test(a_cell_has_its_edges),
    cmocka_unit_test(a_number_says_the_same), cmocka_unit_test(a_family),
    cmocka_unit_test(neighbours),
    cmocka_unit_test(over_a_pole_comes_the_other_side),
    cmocka_unit_test(odd_input_is_refused),
    cmocka_unit_test(many_are_as_one_by_one))
