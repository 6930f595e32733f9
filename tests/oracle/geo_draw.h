/* SPDX-License-Identifier: MIT */
/*
 * geo_draw - positions and radii where mistakes live.
 *
 * Poles, the antimeridian, cell edges, crowds; radii from nothing to half the
 * globe. How many cases a run has is said by FIELDLINE_CASES.
 * Threads: a struct random belongs to one thread.
 */
#ifndef FIELDLINE_TESTS_GEO_DRAW_H
#define FIELDLINE_TESTS_GEO_DRAW_H

#include "fieldline/geo.h"
#include "seed.h"

#include <math.h>

#define CASES_DEFAULT 100000

static inline uint64_t draw_cases(void)
{
    const char *given = getenv("FIELDLINE_CASES");
    uint64_t cases;

    if (!given || bytes_to_u64(bytes_of(given), &cases) < 0)
        cases = CASES_DEFAULT;
    return cases;
}

static inline double draw_between(struct random *r, double low, double high)
{
    return low + (high - low) * ((double)(random_next(r) >> 11) * 0x1p-53);
}

static inline double draw_clamp(double x, double max)
{
    return fmax(-max, fmin(max, x));
}

/* Around one of a few places, or anywhere; sometimes exactly on a line. */
static inline struct fl_geo_point draw_point(struct random *r)
{
    static const struct fl_geo_point places[] = {
        {90, 0},     {-90, 50},     {0, 180},      {0, -180}, {52.5, 13.4},
        {89.9, 180}, {-65.3, -180}, {40.7, -74.0}, {0, 0},    {52.5, 13.5},
    };
    struct fl_geo_point p = {draw_between(r, -90, 90),
                             draw_between(r, -180, 180)};

    if (random_below(r, 4)) {
        const struct fl_geo_point *at =
            &places[random_below(r, sizeof(places) / sizeof(places[0]))];
        double spread = pow(10, draw_between(r, -7, 1));

        p.lat = draw_clamp(at->lat + draw_between(r, -spread, spread), 90);
        p.lng = at->lng + draw_between(r, -spread, spread);
        if (fabs(p.lng) > 180)
            p.lng -= copysign(360, p.lng);
    }
    if (!random_below(r, 8))
        p.lat = draw_clamp(floor(p.lat * 1024 / 45) * 45 / 1024, 90);
    if (!random_below(r, 8))
        p.lng = draw_clamp(floor(p.lng * 1024 / 45) * 45 / 1024, 180);
    if (!random_below(r, 16))
        p.lng = copysign(180, p.lng);
    return p;
}

static inline double draw_radius(struct random *r)
{
    switch (random_below(r, 8)) {
    case 0:
        return 0;
    case 1:
        return draw_between(r, 0, M_PI * FL_GEO_RADIUS_M * 1.1);
    case 2: /* about a quarter of a turn: boxes are at their most delicate */
        return FL_GEO_RADIUS_M * M_PI / 2 * (1 + draw_between(r, -1e-9, 1e-9));
    default:
        return pow(10, draw_between(r, -3, 7));
    }
}

#endif
