/* SPDX-License-Identifier: MIT */
/*
 * polygon - a ring as sides from west to east.
 *
 * A longitude of 180 is written -180. A side takes the shorter way round from
 * its western end to its eastern, so a side that two polygons share is the
 * same in both, and they divide the points on it between them.
 * Threads: immutable.
 */
#ifndef FIELDLINE_GEO_POLYGON_H
#define FIELDLINE_GEO_POLYGON_H

#include "base/allocator.h"
#include "fieldline/geo.h"

struct side {
    struct fl_geo_point west, east;
};

struct fl_geo_polygon {
    struct fl_allocator allocator;
    struct fl_geo_box box;
    bool holds_north; /* the north pole is inside */
    uint32_t count;
    struct side *sides; /* in the ring's order */

    /* The sides that stand over each stripe of longitude, by their number. */
    double stripe_width; /* degrees, eastward from the box's west */
    uint32_t stripe_count;
    uint32_t *stripe_first; /* one more than stripes */
    uint32_t *stripe_sides;
};

/* How far east of a the meridian b is: 0 <= it < 360. */
static inline double east_of(double a, double b)
{
    double apart = b - a;

    if (apart < 0)
        apart += 360.0;
    return apart < 360.0 ? apart : 0.0;
}

#endif
