/* SPDX-License-Identifier: MIT */
/*
 * screen - which of a column's rows a circle's box may hold.
 *
 * A search looks at some fifty points of a leaf and finds a handful, so the
 * first look must be cheap: two differences and three comparisons a row, no
 * sine. The box is said as how far a point may be on each axis, which knows
 * no antimeridian.
 * Threads: any.
 */
#ifndef FIELDLINE_GEO_SCREEN_H
#define FIELDLINE_GEO_SCREEN_H

#include "fieldline/geo.h"

#define SCREEN_ROWS 64u

struct screen {
    struct fl_geo_point from;
    double lat_apart; /* degrees; 180: every latitude */
    double lng_apart; /* degrees; 180: all around */
};

/*
 * The box of a circle of that radius, from 0 to infinity, and whether it is
 * less than the globe: it holds the circle and is at most a twentieth wider.
 * cos_from is the cosine of from's latitude.
 */
void screen_circle(struct screen *, struct fl_geo_point from, double cos_from,
                   double radius_m);
/* The same as a box. */
struct fl_geo_box screen_box(const struct screen *);

/* One bit a row, the first row's the lowest. The columns have SCREEN_ROWS
 * rows, of which count, at least 1, are looked at. */
uint64_t screen_rows(const struct screen *, const double *lat,
                     const double *lng, uint32_t count);

#endif
