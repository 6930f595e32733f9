/* SPDX-License-Identifier: MIT */
/*
 * relate - circles, boxes and polygons against cells.
 *
 * A cell's western edge is -180 or more and its eastern beyond it, so cells
 * never cross the antimeridian; the last ones hold 180 themselves.
 * Threads: any.
 */
#include "geo/cover.h"
#include "geo/kernel.h"

#define MARGIN_M   1e-4 /* what computed distances are off by, and far more */
#define MARGIN_DEG 1e-9 /* 0.1 mm */

/* ---- circles ------------------------------------------------------------ */

/*
 * The nearest point of a meridian's part. Along a meridian the cosine of the
 * distance is one wave (the spherical law of cosines, as a function of one
 * latitude), highest at the foot of the perpendicular: the foot or an end.
 */
static double meridian_m(struct fl_geo_point from, double lng, double south,
                         double north)
{
    double apart = kernel_lng_between(from.lng, lng);
    double foot = atan2(kernel_sin_deg(from.lat),
                        kernel_cos_lat(from.lat) * cos(apart * RADIANS)) /
                  RADIANS;
    double nearest =
        fmin(fl_geo_distance_m(from, (struct fl_geo_point){south, lng}),
             fl_geo_distance_m(from, (struct fl_geo_point){north, lng}));

    if (foot <= south || foot >= north)
        return nearest;
    return fmin(nearest,
                fl_geo_distance_m(from, (struct fl_geo_point){foot, lng}));
}

static double cell_m(struct fl_geo_point from, const struct fl_geo_box *cell)
{
    if (from.lng >= cell->west && from.lng <= cell->east)
        return meridian_m(from, from.lng, cell->south, cell->north) *
               !(from.lat >= cell->south && from.lat <= cell->north);
    /* The nearer side is nearer at every latitude. */
    return meridian_m(from,
                      kernel_lng_between(from.lng, cell->west) <
                              kernel_lng_between(from.lng, cell->east)
                          ? cell->west
                          : cell->east,
                      cell->south, cell->north);
}

/* The farthest point of a cell is the one nearest to the antipode. */
enum relation circle_relate(const struct shape *s,
                            const struct fl_geo_box *cell)
{
    double radius_m = s->circle.radius_m;

    if (cell_m(s->circle.center, cell) > radius_m + MARGIN_M)
        return APART;
    if (M_PI * FL_GEO_RADIUS_M - cell_m(s->circle.antipode, cell) <
        radius_m - MARGIN_M)
        return HOLDS;
    return MEETS;
}

/* ---- boxes -------------------------------------------------------------- */

/* A run of meridians without a break, both ends included, against a cell. */
static enum relation run_relate(double west, double east,
                                const struct fl_geo_box *cell)
{
    bool begins = west < cell->east || cell->east == 180.0;

    if (!begins || east < cell->west)
        return APART;
    return west <= cell->west && east >= cell->east ? HOLDS : MEETS;
}

static enum relation lng_relate(const struct fl_geo_box *box,
                                const struct fl_geo_box *cell)
{
    enum relation r, other = APART;

    if (box->west > box->east) {
        r = run_relate(box->west, 180.0, cell);
        other = run_relate(-180.0, box->east, cell);
        return r > other ? r : other;
    }
    r = run_relate(box->west, box->east, cell);
    if (box->west == -180.0)
        other = run_relate(180.0, 180.0, cell);
    else if (box->east == 180.0)
        other = run_relate(-180.0, -180.0, cell);
    return r > other ? r : other;
}

/* Exact: a cell does not hold its northern edge but at the pole. */
enum relation box_relate(const struct shape *s, const struct fl_geo_box *cell)
{
    const struct fl_geo_box *box = &s->box;
    enum relation lng = lng_relate(box, cell);

    if (box->north < cell->south ||
        (box->south >= cell->north && cell->north < 90.0) || lng == APART)
        return APART;
    if (lng == HOLDS && box->south <= cell->south && box->north >= cell->north)
        return HOLDS;
    return MEETS;
}

/* ---- polygons ----------------------------------------------------------- */

/* Where a side is, so far east of its western end; width may be next to 0. */
static double lat_at(const struct side *s, double east, double width)
{
    return s->west.lat + (s->east.lat - s->west.lat) * (east / width);
}

/* Between two meridians, so far east of the side's western end. */
static bool part_meets(const struct side *s, double width, double from,
                       double to, const struct fl_geo_box *cell)
{
    double a = s->west.lat, b = s->east.lat;

    from = fmax(from - MARGIN_DEG, 0);
    to = fmin(to + MARGIN_DEG, width);
    if (from > to)
        return false;
    if (width > 0) {
        a = lat_at(s, from, width);
        b = lat_at(s, to, width);
    }
    return fmax(a, b) >= cell->south - MARGIN_DEG &&
           fmin(a, b) <= cell->north + MARGIN_DEG;
}

static bool side_meets(const struct side *s, const struct fl_geo_box *cell)
{
    double width = east_of(s->west.lng, s->east.lng);
    double west = east_of(s->west.lng, cell->west);
    double cell_width = cell->east - cell->west;

    return part_meets(s, width, west, west + cell_width, cell) ||
           part_meets(s, width, west - 360.0, west - 360.0 + cell_width, cell);
}

enum relation polygon_relate(const struct shape *s,
                             const struct fl_geo_box *cell)
{
    const struct fl_geo_point center = {(cell->south + cell->north) / 2,
                                        (cell->west + cell->east) / 2};

    for (uint32_t i = 0; i < s->ring.count; i++)
        if (side_meets(s->ring.sides[i], cell))
            return MEETS;
    return fl_geo_polygon_has(s->ring.polygon, center) ? HOLDS : APART;
}

void polygon_narrow(struct shape *s, const struct fl_geo_box *cell)
{
    const struct fl_geo_polygon *p = s->ring.polygon;

    s->ring.count = 0;
    for (uint32_t i = 0; i < p->count; i++)
        if (!cell || side_meets(&p->sides[i], cell))
            s->ring.sides[s->ring.count++] = &p->sides[i];
}
