/* SPDX-License-Identifier: MIT */
/*
 * plan - covers as ranges of keys in somebody else's index.
 *
 * A cell is one range of the keys that begin with it; cells that follow each
 * other within a partition are one range. So a cover may have more cells than
 * ranges are allowed: a finer one is tried first.
 * Threads: any.
 */
#include "fieldline/geo.h"

#include "base/allocator.h"
#include "base/options.h"
#include "geo/grid.h"

#include <stdlib.h>
#include <string.h>

/* Of the finest cover that is tried; 32 always, they may be one range. */
#define CELLS_PER_RANGE 4u
#define CELLS_LEAST     32u

static int plan_options(const struct fl_geo_plan_options *given,
                        struct fl_geo_plan_options *ret)
{
    int error = options_read(ret, sizeof(*ret), given);

    if (error)
        return error;
    if (!ret->stored)
        ret->stored = FL_GEO_PRECISION_MAX;
    if (!ret->ranges_max)
        ret->ranges_max = FL_GEO_CELLS_DEFAULT;
    if (!grid_precision_valid(ret->stored) || ret->partition > ret->stored ||
        ret->ranges_max > FL_GEO_CELLS_MAX / CELLS_PER_RANGE)
        return FL_ERR_RANGE;
    return 0;
}

/* A cell's text, filled up with its first or last letters. */
static void key_text(fl_geo_cell cell, unsigned stored, char fill,
                     char ret[FL_GEO_TEXT])
{
    unsigned precision = cell & 15;

    if (fl_geo_cell_to_text(cell, ret))
        return; /* it is one of ours */
    memset(ret + precision, fill, stored - precision);
    ret[stored] = '\0';
}

static struct fl_geo_range range_of(fl_geo_cell cell,
                                    const struct fl_geo_plan_options *o)
{
    struct fl_geo_range r = {.partition = ""};
    unsigned rest = LETTER_BITS * (o->stored - (unsigned)(cell & 15));

    key_text(cell, o->stored, '0', r.first);
    key_text(cell, o->stored, 'z', r.last);
    memcpy(r.partition, r.first, o->partition);
    r.first_bits = fl_geo_cell_to_bits(cell) << rest;
    r.last_bits = r.first_bits + (UINT64_C(1) << rest) - 1;
    return r;
}

static bool follows(const struct fl_geo_range *before,
                    const struct fl_geo_range *r)
{
    return before->last_bits + 1 == r->first_bits &&
           strcmp(before->partition, r->partition) == 0;
}

/* Cells in order to ranges; false: they are more than ranges_max. */
static bool join(const fl_geo_cell *cells, size_t count,
                 const struct fl_geo_plan_options *o, struct fl_geo_range *ret,
                 size_t *ret_count)
{
    size_t ranges = 0;

    for (size_t i = 0; i < count; i++) {
        struct fl_geo_range r = range_of(cells[i], o);

        if (ranges && follows(&ret[ranges - 1], &r)) {
            memcpy(ret[ranges - 1].last, r.last, sizeof(r.last));
            ret[ranges - 1].last_bits = r.last_bits;
        } else if (ranges < o->ranges_max) {
            ret[ranges++] = r;
        } else {
            return false;
        }
    }
    *ret_count = ranges;
    return true;
}

static size_t cells_max(const struct fl_geo_plan_options *o)
{
    size_t cells = o->ranges_max * CELLS_PER_RANGE;

    return cells > CELLS_LEAST ? cells : CELLS_LEAST;
}

static int plan_cells(struct fl_geo_point center, double radius_m,
                      const struct fl_geo_plan_options *o, fl_geo_cell *cells,
                      struct fl_geo_range *ret, size_t *count)
{
    struct fl_geo_cover_options cover = {
        .size = sizeof(cover),
        .precision_min = o->partition,
        .precision_max = o->stored,
        .cells_max = cells_max(o),
        .allocator = o->allocator,
    };
    size_t found = 0;
    int error;

    for (;; cover.cells_max /= 2) {
        error = fl_geo_cover_circle(center, radius_m, &cover, cells, &found);
        if (error || join(cells, found, o, ret, count))
            return error;
    }
}

int fl_geo_plan_circle(struct fl_geo_point center, double radius_m,
                       const struct fl_geo_plan_options *options,
                       struct fl_geo_range *ret, size_t *count)
{
    struct fl_geo_plan_options o;
    struct fl_allocator a;
    struct fl_geo_range *ranges;
    fl_geo_cell *cells;
    int error = plan_options(options, &o);

    if (error)
        return error;
    if (!allocator_or_own(&a, o.allocator))
        return FL_ERR_INVALID;
    cells = allocator_alloc(&a, cells_max(&o), sizeof(*cells));
    ranges = allocator_alloc(&a, o.ranges_max, sizeof(*ranges));
    error = cells && ranges
                ? plan_cells(center, radius_m, &o, cells, ranges, count)
                : FL_ERR_NOMEM;
    if (!error)
        memcpy(ret, ranges, *count * sizeof(*ret));
    allocator_free(&a, cells);
    allocator_free(&a, ranges);
    return error;
}

static int in_order(const void *left, const void *right)
{
    const fl_geo_cell *a = left, *b = right;

    return (*a > *b) - (*a < *b);
}

int fl_geo_plan_around(struct fl_geo_point center, unsigned precision,
                       const struct fl_geo_plan_options *options,
                       struct fl_geo_range ret[9], size_t *count)
{
    struct fl_geo_plan_options o;
    fl_geo_cell cells[9];
    int error = plan_options(options, &o);

    if (!error && (precision > o.stored || precision < o.partition))
        error = FL_ERR_RANGE;
    if (!error)
        error = fl_geo_encode(center, precision, &cells[0]);
    if (!error)
        error = fl_geo_neighbors(cells[0], &cells[1]);
    if (error)
        return error;
    o.ranges_max = 9;
    qsort(cells, 9, sizeof(cells[0]), in_order);
    (void)join(cells, 9, &o, ret, count); /* nine always fit */
    return 0;
}
