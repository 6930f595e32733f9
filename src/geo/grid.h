/* SPDX-License-Identifier: MIT */
/*
 * grid - each axis cut 30 times in half, and the bits of both interleaved.
 *
 * A cell's number on its axis is found by one multiplication and mended by
 * comparing with its edges, which are exact in a double (39 bits at most): so
 * it is the one that halving step by step would give. 60 bits in all, the
 * longitude's first.
 * Threads: immutable.
 */
#ifndef FIELDLINE_GEO_GRID_H
#define FIELDLINE_GEO_GRID_H

#include "geo/kernel.h"

#include <string.h>

#define GRID_BITS     30
#define GRID_CELLS    (INT32_C(1) << GRID_BITS)
#define GRID_LNG_SPAN 360.0
#define GRID_LAT_SPAN 180.0
#define LETTER_BITS   5u

/*
 * Whole numbers below 2^52 as reals and back by their bits: what vectors do
 * without a conversion.
 */
#define WHOLE      0x1p52
#define WHOLE_BITS UINT64_C(0x4330000000000000)

static INLINED double grid_real(uint64_t whole)
{
    uint64_t bits = whole | WHOLE_BITS;
    double real;

    memcpy(&real, &bits, sizeof(real));
    return real - WHOLE;
}

static INLINED uint64_t grid_whole(double real)
{
    uint64_t bits;

    real += WHOLE;
    memcpy(&bits, &real, sizeof(bits));
    return bits ^ WHOLE_BITS;
}

/* The lower edge of a cell; of the number of cells, the upper of the last. */
static INLINED double grid_edge(double cell, double span)
{
    return cell * (span * 0x1p-30) - span / 2;
}

/* Which cell of an axis from -span/2 to span/2? Others count as an end. */
static INLINED uint64_t grid_cell(double value, double span)
{
    double inside = value <= span / 2 ? value : span / 2; /* NaN: the end */
    double cell;

    inside = inside >= -span / 2 ? inside : -span / 2;
    cell = (inside + span / 2) * (0x1p30 / span) + WHOLE - WHOLE; /* rounded */
    cell = inside < grid_edge(cell, span) ? cell - 1 : cell;
    cell = inside >= grid_edge(cell + 1, span) ? cell + 1 : cell;
    return grid_whole(cell < 0x1p30 ? cell : 0x1p30 - 1);
}

/* abcd -> 0a0b0c0d */
static INLINED uint64_t grid_spread(uint64_t x)
{
    x = (x | x << 16) & 0x0000ffff0000ffffu;
    x = (x | x << 8) & 0x00ff00ff00ff00ffu;
    x = (x | x << 4) & 0x0f0f0f0f0f0f0f0fu;
    x = (x | x << 2) & 0x3333333333333333u;
    return (x | x << 1) & 0x5555555555555555u;
}

static INLINED uint64_t grid_gather(uint64_t x)
{
    x &= 0x5555555555555555u;
    x = (x | x >> 1) & 0x3333333333333333u;
    x = (x | x >> 2) & 0x0f0f0f0f0f0f0f0fu;
    x = (x | x >> 4) & 0x00ff00ff00ff00ffu;
    x = (x | x >> 8) & 0x0000ffff0000ffffu;
    return (x | x >> 16) & 0x00000000ffffffffu;
}

/* Both axes' numbers as a cell of a precision, and back (top-aligned). */
static INLINED fl_geo_cell grid_join(uint64_t lng, uint64_t lat,
                                     unsigned precision)
{
    uint64_t bits = (grid_spread(lng) << 1 | grid_spread(lat)) << 4;

    return (bits & ~UINT64_C(0) << (64 - LETTER_BITS * precision)) | precision;
}

static INLINED uint64_t grid_lng(fl_geo_cell cell)
{
    return grid_gather(cell >> 5);
}

static INLINED uint64_t grid_lat(fl_geo_cell cell)
{
    return grid_gather(cell >> 4);
}

/* Of 30 bits, how many does a precision leave to a cell's inside? */
static INLINED unsigned grid_lng_rest(unsigned precision)
{
    return GRID_BITS - (LETTER_BITS * precision + 1) / 2;
}

static INLINED unsigned grid_lat_rest(unsigned precision)
{
    return GRID_BITS - LETTER_BITS * precision / 2;
}

static INLINED bool grid_precision_valid(unsigned precision)
{
    return precision - 1 < FL_GEO_PRECISION_MAX;
}

static INLINED bool grid_valid(fl_geo_cell cell)
{
    unsigned precision = cell & 15;

    return grid_precision_valid(precision) &&
           (cell & ((UINT64_C(1) << (64 - LETTER_BITS * precision)) - 1)) ==
               precision;
}

static INLINED struct fl_geo_box grid_box(fl_geo_cell cell)
{
    unsigned precision = cell & 15;
    uint64_t lng = grid_lng(cell), lat = grid_lat(cell);
    uint64_t lng_after = lng + (UINT64_C(1) << grid_lng_rest(precision));
    uint64_t lat_after = lat + (UINT64_C(1) << grid_lat_rest(precision));

    return (struct fl_geo_box){
        .south = grid_edge(grid_real(lat), GRID_LAT_SPAN),
        .west = grid_edge(grid_real(lng), GRID_LNG_SPAN),
        .north = grid_edge(grid_real(lat_after), GRID_LAT_SPAN),
        .east = grid_edge(grid_real(lng_after), GRID_LNG_SPAN),
    };
}

#endif
