/* SPDX-License-Identifier: MIT */
/*
 * window - a box of the globe as columns and rows of the Z-curve's square.
 *
 * A column or row is one of 2^32 of its axis. A walk along the curve jumps
 * over the keys that lie outside (H. Tropf and H. Herzog, Multidimensional
 * Range Search in Dynamically Balanced Trees, 1981).
 * Threads: immutable.
 */
#ifndef FIELDLINE_GEO_WINDOW_H
#define FIELDLINE_GEO_WINDOW_H

#include "geo/grid.h"

#include <stdint.h>

/* Both ends are included. */
struct window {
    uint32_t x_min, x_max, y_min, y_max;
};

/* ---- keys --------------------------------------------------------------- */

/* Which column or row: degrees of an axis that is span long. Monotone; the
 * last one holds 180 (or 90). */
static inline uint32_t window_axis(double degrees, double span)
{
    double cell = (degrees + span / 2) * (0x1p32 / span);

    return cell < 0x1p32 ? (uint32_t)cell : UINT32_MAX;
}

static inline uint64_t window_key(uint32_t x, uint32_t y)
{
    return grid_spread(x) << 1 | grid_spread(y);
}

static inline uint64_t window_key_min(const struct window *w)
{
    return window_key(w->x_min, w->y_min);
}

static inline uint64_t window_key_max(const struct window *w)
{
    return window_key(w->x_max, w->y_max);
}

/* The smallest key of the window that is not below the given one; false: none
 * is. */
bool window_next(const struct window *, uint64_t key, uint64_t *ret);

/*
 * The columns of a box are one run, or two across the antimeridian; a side on
 * it takes the column beyond as well, since 180 and -180 are one. How many.
 */
unsigned windows_of(const struct fl_geo_box *box, struct window ret[2]);

#endif
