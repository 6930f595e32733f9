/* SPDX-License-Identifier: MIT */
/*
 * cell - geohashes as numbers and as text, and their family.
 * Threads: any.
 */
#include "fieldline/geo.h"

#include "base/attr.h"
#include "geo/grid.h"

#include <string.h>

static const char alphabet[] = "0123456789bcdefghjkmnpqrstuvwxyz";

/* A letter's value plus one, in either case; 0 for what is none. */
static const unsigned char letter_values[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
    ['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['b'] = 11, ['c'] = 12,
    ['d'] = 13, ['e'] = 14, ['f'] = 15, ['g'] = 16, ['h'] = 17, ['j'] = 18,
    ['k'] = 19, ['m'] = 20, ['n'] = 21, ['p'] = 22, ['q'] = 23, ['r'] = 24,
    ['s'] = 25, ['t'] = 26, ['u'] = 27, ['v'] = 28, ['w'] = 29, ['x'] = 30,
    ['y'] = 31, ['z'] = 32, ['B'] = 11, ['C'] = 12, ['D'] = 13, ['E'] = 14,
    ['F'] = 15, ['G'] = 16, ['H'] = 17, ['J'] = 18, ['K'] = 19, ['M'] = 20,
    ['N'] = 21, ['P'] = 22, ['Q'] = 23, ['R'] = 24, ['S'] = 25, ['T'] = 26,
    ['U'] = 27, ['V'] = 28, ['W'] = 29, ['X'] = 30, ['Y'] = 31, ['Z'] = 32,
};

/* ---- a point's cell ---------------------------------------------------- */

/*
 * As grid_cell() of a point, with branches that are hardly ever taken: by
 * itself a third faster than without.
 */
static uint64_t one_cell(double value, double span)
{
    int32_t cell = (int32_t)((value + span / 2) * (0x1p30 / span));

    if (UNLIKELY(value < grid_edge(cell, span)))
        cell--;
    else if (UNLIKELY(value >= grid_edge(cell + 1, span)))
        cell++;
    return (uint64_t)(cell < GRID_CELLS ? cell : GRID_CELLS - 1);
}

int fl_geo_encode(struct fl_geo_point p, unsigned precision, fl_geo_cell *ret)
{
    if (!fl_geo_point_valid(p) || !grid_precision_valid(precision))
        return FL_ERR_RANGE;
    *ret = grid_join(one_cell(p.lng, GRID_LNG_SPAN),
                     one_cell(p.lat, GRID_LAT_SPAN), precision);
    return 0;
}

/* All twelve letters are written, then the text is cut at its precision. */
static void write_text(fl_geo_cell cell, char ret[FL_GEO_TEXT])
{
    unsigned precision = cell & 15;

    for (unsigned i = 0; i < FL_GEO_PRECISION_MAX; i++)
        ret[i] = alphabet[cell << LETTER_BITS * i >> (64 - LETTER_BITS)];
    ret[FL_GEO_PRECISION_MAX] = '\0';
    if (precision < FL_GEO_PRECISION_MAX)
        ret[precision] = '\0';
}

int fl_geo_encode_text(struct fl_geo_point p, unsigned precision,
                       char ret[FL_GEO_TEXT])
{
    fl_geo_cell cell;
    int error = fl_geo_encode(p, precision, &cell);

    if (!error)
        write_text(cell, ret);
    return error;
}

/* ---- a cell's place ---------------------------------------------------- */

static void area_of(fl_geo_cell cell, struct fl_geo_area *ret)
{
    struct fl_geo_box box = grid_box(cell);

    ret->box = box;
    ret->center.lat = (box.south + box.north) / 2;
    ret->center.lng = (box.west + box.east) / 2;
    ret->lat_error = (box.north - box.south) / 2;
    ret->lng_error = (box.east - box.west) / 2;
}

int fl_geo_decode(fl_geo_cell cell, struct fl_geo_area *ret)
{
    if (!grid_valid(cell))
        return FL_ERR_INVALID;
    area_of(cell, ret);
    return 0;
}

int fl_geo_decode_text(const char *text, size_t len, struct fl_geo_area *ret)
{
    fl_geo_cell cell;
    int error = fl_geo_cell_of_text(text, len, &cell);

    if (!error)
        area_of(cell, ret);
    return error;
}

/* ---- the same cell in other words -------------------------------------- */

int fl_geo_cell_to_text(fl_geo_cell cell, char ret[FL_GEO_TEXT])
{
    if (!grid_valid(cell))
        return FL_ERR_INVALID;
    write_text(cell, ret);
    return 0;
}

int fl_geo_cell_of_text(const char *text, size_t len, fl_geo_cell *ret)
{
    uint64_t bits = 0;

    if (len < 1 || len > FL_GEO_PRECISION_MAX)
        return FL_ERR_RANGE;
    for (size_t i = 0; i < len; i++) {
        unsigned value = letter_values[(unsigned char)text[i]];

        if (!value)
            return FL_ERR_INVALID;
        bits = bits << LETTER_BITS | (value - 1);
    }
    *ret = bits << (64 - LETTER_BITS * len) | len;
    return 0;
}

unsigned fl_geo_cell_precision(fl_geo_cell cell)
{
    return grid_valid(cell) ? (unsigned)(cell & 15) : 0;
}

uint64_t fl_geo_cell_to_bits(fl_geo_cell cell)
{
    return grid_valid(cell) ? cell >> (64 - LETTER_BITS * (cell & 15)) : 0;
}

int fl_geo_cell_of_bits(uint64_t bits, unsigned precision, fl_geo_cell *ret)
{
    if (!grid_precision_valid(precision) || bits >> LETTER_BITS * precision)
        return FL_ERR_RANGE;
    *ret = bits << (64 - LETTER_BITS * precision) | precision;
    return 0;
}

/* ---- its family -------------------------------------------------------- */

int fl_geo_parent(fl_geo_cell cell, unsigned precision, fl_geo_cell *ret)
{
    if (!grid_valid(cell))
        return FL_ERR_INVALID;
    if (!grid_precision_valid(precision) || precision > (cell & 15))
        return FL_ERR_RANGE;
    *ret = (cell & ~UINT64_C(0) << (64 - LETTER_BITS * precision)) | precision;
    return 0;
}

int fl_geo_children(fl_geo_cell cell, fl_geo_cell ret[32])
{
    unsigned precision = cell & 15;

    if (!grid_valid(cell))
        return FL_ERR_INVALID;
    if (precision == FL_GEO_PRECISION_MAX)
        return FL_ERR_RANGE;
    cell = cell - precision + (precision + 1);
    for (uint64_t i = 0; i < 32; i++)
        ret[i] = cell | i << (64 - LETTER_BITS * (precision + 1));
    return 0;
}

/* One step east (or -1, 0) and one north, around the globe and over poles. */
static fl_geo_cell stepped(fl_geo_cell cell, int east, int north)
{
    unsigned precision = cell & 15;
    unsigned lng_rest = grid_lng_rest(precision);
    unsigned lat_rest = grid_lat_rest(precision);
    int32_t columns = GRID_CELLS >> lng_rest, rows = GRID_CELLS >> lat_rest;
    int32_t x = (int32_t)(grid_lng(cell) >> lng_rest) + east;
    int32_t y = (int32_t)(grid_lat(cell) >> lat_rest) + north;

    if (y < 0 || y == rows) {
        y -= north;
        x += columns / 2;
    }
    x &= columns - 1;
    return grid_join((uint64_t)x << lng_rest, (uint64_t)y << lat_rest,
                     precision);
}

static const struct {
    int east, north;
} steps[8] = {
    [FL_GEO_N] = {0, 1},   [FL_GEO_NE] = {1, 1},  [FL_GEO_E] = {1, 0},
    [FL_GEO_SE] = {1, -1}, [FL_GEO_S] = {0, -1},  [FL_GEO_SW] = {-1, -1},
    [FL_GEO_W] = {-1, 0},  [FL_GEO_NW] = {-1, 1},
};

int fl_geo_neighbor(fl_geo_cell cell, enum fl_geo_direction direction,
                    fl_geo_cell *ret)
{
    if (!grid_valid(cell))
        return FL_ERR_INVALID;
    if ((unsigned)direction >= 8)
        return FL_ERR_RANGE;
    *ret = stepped(cell, steps[direction].east, steps[direction].north);
    return 0;
}

int fl_geo_neighbors(fl_geo_cell cell, fl_geo_cell ret[8])
{
    if (!grid_valid(cell))
        return FL_ERR_INVALID;
    for (unsigned i = 0; i < 8; i++)
        ret[i] = stepped(cell, steps[i].east, steps[i].north);
    return 0;
}
