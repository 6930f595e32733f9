/* SPDX-License-Identifier: MIT */
/* cover - few cells, limits, key plans, what is refused. Threads: loop. */
#include "fieldline/geo.h"
#include "../check.h"

#include <math.h>

static const struct fl_geo_point here = {52.52, 13.405};
static fl_geo_cell cells[FL_GEO_CELLS_MAX];

static void check_cell(fl_geo_cell cell, const char *want)
{
    char text[FL_GEO_TEXT];

    assert_int_equal(fl_geo_cell_to_text(cell, text), 0);
    assert_string_equal(text, want);
}

static void a_cells_box_is_the_cell(void **state)
{
    struct fl_geo_cover_options o = {.size = sizeof(o)};
    struct fl_geo_area a;
    size_t count;

    assert_int_equal(fl_geo_decode_text("u33d", 4, &a), 0);
    /* Its northern and eastern edge are others'. */
    a.box.north = nextafter(a.box.north, 0);
    a.box.east = nextafter(a.box.east, 0);
    o.precision_max = 6;
    o.cells_max = 2000;
    assert_int_equal(fl_geo_cover_box(&a.box, &o, cells, &count), 0);
    assert_int_equal(count, 1);
    check_cell(cells[0], "u33d");
}

static void the_whole_globe(void **state)
{
    const struct fl_geo_box globe = {-90, -180, 90, 180};
    size_t count;

    assert_int_equal(fl_geo_cover_box(&globe, NULL, cells, &count), 0);
    assert_int_equal(count, 32);
    check_cell(cells[0], "0");
    check_cell(cells[31], "z");
    assert_int_equal(fl_geo_cover_circle(here, 3e7, NULL, cells, &count), 0);
    assert_int_equal(count, 32);
}

static void limits_are_kept(void **state)
{
    struct fl_geo_cover_options o = {.size = sizeof(o),
                                     .precision_min = 6,
                                     .precision_max = 6,
                                     .cells_max = 5};
    size_t count = 42;

    assert_int_equal(fl_geo_cover_circle(here, 5000, &o, cells, &count),
                     FL_ERR_LIMIT);
    assert_int_equal(count, 42);
    o.cells_max = 1000;
    assert_int_equal(fl_geo_cover_circle(here, 5000, &o, cells, &count), 0);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(fl_geo_cell_precision(cells[i]), 6);
    for (size_t max = 4; max < 200; max += 13) {
        o = (struct fl_geo_cover_options){.size = sizeof(o), .cells_max = max};
        assert_int_equal(fl_geo_cover_circle(here, 5000, &o, cells, &count), 0);
        assert_true(count <= max && count >= 1);
    }
    o.cells_max = FL_GEO_CELLS_MAX;
    assert_int_equal(fl_geo_cover_circle(here, 5000, &o, cells, &count), 0);
    assert_true(count > FL_GEO_CELLS_MAX / 2);
}

static void odd_covers_are_refused(void **state)
{
    struct fl_geo_cover_options o = {.size = sizeof(o),
                                     .cells_max = FL_GEO_CELLS_MAX + 1};
    const struct fl_geo_box box = {2, 0, 1, 0};
    size_t count = 42;

    assert_int_equal(fl_geo_cover_circle(here, 1, &o, cells, &count),
                     FL_ERR_RANGE);
    o = (struct fl_geo_cover_options){.size = sizeof(o), .precision_max = 13};
    assert_int_equal(fl_geo_cover_circle(here, 1, &o, cells, &count),
                     FL_ERR_RANGE);
    o = (struct fl_geo_cover_options){
        .size = sizeof(o), .precision_max = 3, .precision_min = 4};
    assert_int_equal(fl_geo_cover_circle(here, 1, &o, cells, &count),
                     FL_ERR_RANGE);
    o.size = 1;
    assert_int_equal(fl_geo_cover_circle(here, 1, &o, cells, &count),
                     FL_ERR_INVALID);
    assert_int_equal(fl_geo_cover_circle(here, NAN, NULL, cells, &count),
                     FL_ERR_RANGE);
    assert_int_equal(fl_geo_cover_circle(here, INFINITY, NULL, cells, &count),
                     FL_ERR_RANGE);
    assert_int_equal(fl_geo_cover_circle(here, -1, NULL, cells, &count),
                     FL_ERR_RANGE);
    assert_int_equal(fl_geo_cover_box(&box, NULL, cells, &count), FL_ERR_RANGE);
    assert_int_equal(count, 42);
}

static void a_plan_for_each_kind_of_index(void **state)
{
    struct fl_geo_plan_options o = {
        .size = sizeof(o), .stored = 9, .partition = 4, .ranges_max = 16};
    struct fl_geo_range r[32];
    size_t count;

    assert_int_equal(fl_geo_plan_circle(here, 2000, &o, r, &count), 0);
    assert_true(count >= 1 && count <= 16);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(strlen(r[i].partition), 4);
        assert_int_equal(strlen(r[i].first), 9);
        assert_memory_equal(r[i].first, r[i].partition, 4);
        assert_memory_equal(r[i].last, r[i].partition, 4);
        assert_true(r[i].first_bits < r[i].last_bits);
        assert_true(r[i].last_bits < UINT64_C(1) << 45);
    }
    /* Without partitions all of the globe is one range. */
    o = (struct fl_geo_plan_options){
        .size = sizeof(o), .stored = 6, .ranges_max = 1};
    assert_int_equal(fl_geo_plan_circle(here, 3e7, &o, r, &count), 0);
    assert_int_equal(count, 1);
    assert_string_equal(r[0].first, "000000");
    assert_string_equal(r[0].last, "zzzzzz");
    assert_string_equal(r[0].partition, "");
}

static void the_nine_around(void **state)
{
    struct fl_geo_plan_options o = {.size = sizeof(o), .stored = 8};
    struct fl_geo_range r[9];
    size_t count = 42;

    assert_int_equal(fl_geo_plan_around(here, 5, &o, r, &count), 0);
    assert_true(count >= 1 && count <= 9);
    assert_int_equal(strlen(r[0].first), 8);
    o.partition = 6;
    assert_int_equal(fl_geo_plan_around(here, 5, &o, r, &count), FL_ERR_RANGE);
    o.partition = 5;
    assert_int_equal(fl_geo_plan_around(here, 5, &o, r, &count), 0);
    assert_int_equal(count, 9);
    assert_int_equal(fl_geo_plan_around(here, 9, &o, r, &count), FL_ERR_RANGE);
    o.partition = 9;
    assert_int_equal(fl_geo_plan_around(here, 9, &o, r, &count), FL_ERR_RANGE);
}

RUN(cmocka_unit_test(a_cells_box_is_the_cell),
    cmocka_unit_test(the_whole_globe), cmocka_unit_test(limits_are_kept),
    cmocka_unit_test(odd_covers_are_refused),
    cmocka_unit_test(a_plan_for_each_kind_of_index),
    cmocka_unit_test(the_nine_around))
