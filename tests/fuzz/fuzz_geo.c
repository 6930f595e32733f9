/* SPDX-License-Identifier: MIT */
/*
 * fuzz_geo - text, numbers and rings that others made.
 *
 * Options: bits 0 and 1 choose: a cell's text; a cell's number; a ring, whose
 * vertices are four bytes each (two 16-bit fractions of the axes), or sixteen
 * (two doubles). What is a cell must come back as it was; what is a polygon
 * must be covered.
 * Threads: loop.
 */
#include "fuzz.h"

#include "fieldline/geo.h"

#include <math.h>
#include <string.h>

#define VERTICES_MAX 400

static void try_text(struct bytes in)
{
    char text[FL_GEO_TEXT];
    struct fl_geo_area area;
    fl_geo_cell cell, again;

    if (fl_geo_cell_of_text(in.at, in.len, &cell) != 0)
        return;
    FUZZ_CHECK(fl_geo_decode_text(in.at, in.len, &area) == 0);
    FUZZ_CHECK(fl_geo_cell_to_text(cell, text) == 0);
    FUZZ_CHECK(strlen(text) == in.len);
    FUZZ_CHECK(fl_geo_encode(area.center, (unsigned)in.len, &again) == 0);
    FUZZ_CHECK(again == cell);
}

static void try_number(struct bytes in)
{
    fl_geo_cell cell, ring[32], parent;
    struct fl_geo_area area;
    double lat, lng;

    if (in.len < sizeof(cell))
        return;
    memcpy(&cell, in.at, sizeof(cell));

    int error = fl_geo_decode(cell, &area);

    FUZZ_CHECK((error == 0) == (fl_geo_cell_precision(cell) != 0));
    FUZZ_CHECK(fl_geo_decode_many(&cell, 1, &lat, &lng) == (error != 0));
    FUZZ_CHECK((fl_geo_neighbors(cell, ring) == 0) == (error == 0));
    if (error)
        return;
    FUZZ_CHECK(lat == area.center.lat && lng == area.center.lng);
    if (fl_geo_children(cell, ring) != 0)
        return;
    for (unsigned i = 0; i < 32; i++) {
        FUZZ_CHECK(
            fl_geo_parent(ring[i], fl_geo_cell_precision(cell), &parent) == 0);
        FUZZ_CHECK(parent == cell);
    }
}

static size_t read_ring(struct bytes in, bool doubles,
                        struct fl_geo_point ret[VERTICES_MAX])
{
    size_t step = doubles ? sizeof(ret[0]) : 2 * sizeof(uint16_t), count = 0;

    for (; in.len >= step && count < VERTICES_MAX; count++) {
        uint16_t lat, lng;

        if (doubles) {
            memcpy(&ret[count], in.at, step);
        } else {
            memcpy(&lat, in.at, sizeof(lat));
            memcpy(&lng, in.at + sizeof(lat), sizeof(lng));
            ret[count] = (struct fl_geo_point){lat / 65535.0 * 180 - 90,
                                               lng / 65535.0 * 360 - 180};
        }
        in = bytes_skip(in, step);
    }
    return count;
}

static bool is_covered(const fl_geo_cell *cells, size_t count,
                       struct fl_geo_point p)
{
    fl_geo_cell own, up;

    FUZZ_CHECK(fl_geo_encode(p, FL_GEO_PRECISION_MAX, &own) == 0);
    for (size_t i = 0; i < count; i++) {
        FUZZ_CHECK(fl_geo_parent(own, fl_geo_cell_precision(cells[i]), &up) ==
                   0);
        if (up == cells[i])
            return true;
    }
    return false;
}

static void try_ring(struct bytes in, bool doubles)
{
    struct fl_geo_point ring[VERTICES_MAX];
    fl_geo_cell cells[FL_GEO_CELLS_DEFAULT];
    struct fl_geo_polygon *polygon = NULL;
    size_t count = read_ring(in, doubles, ring), cell_count;
    struct fl_geo_box box;

    if (fl_geo_polygon_new(&polygon, ring, count, NULL) != 0) {
        FUZZ_CHECK(!polygon);
        return;
    }
    fl_geo_polygon_box(polygon, &box);
    FUZZ_CHECK(fl_geo_box_valid(&box));
    FUZZ_CHECK(fl_geo_cover_polygon(polygon, NULL, cells, &cell_count) == 0);
    for (size_t i = 0; i + 1 < count; i++) {
        const struct fl_geo_point middle = {(ring[i].lat + ring[i + 1].lat) / 2,
                                            (ring[i].lng + ring[i + 1].lng) /
                                                2};

        FUZZ_CHECK(fl_geo_box_has(&box, ring[i]));
        FUZZ_CHECK(is_covered(cells, cell_count, ring[i]));
        if (fl_geo_polygon_has(polygon, middle))
            FUZZ_CHECK(is_covered(cells, cell_count, middle));
    }
    fl_geo_polygon_free(&polygon);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = {(const char *)data, size};
    unsigned options = fuzz_options(&in);

    switch (options & 3) {
    case 0:
        try_text(in);
        break;
    case 1:
        try_number(in);
        break;
    default:
        try_ring(in, options & 1);
    }
    return 0;
}
