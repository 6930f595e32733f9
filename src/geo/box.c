/* SPDX-License-Identifier: MIT */
/*
 * box - what a box holds, and the box around a circle.
 * Threads: any.
 */
#include "fieldline/geo.h"

#include "geo/kernel.h"

/*
 * What rounding can move a box's side by. The meridians that touch a circle
 * stand at asin(q); where q nears 1 an error of one bit in q is one of 3e-8
 * radians, 1.7e-6 degrees, in the angle. This is 0.4 m.
 */
#define BOX_MARGIN_DEG 4e-6

int fl_geo_circle_box(struct fl_geo_point center, double radius_m,
                      struct fl_geo_box *ret)
{
    if (!fl_geo_point_valid(center) || !(radius_m >= 0) || isinf(radius_m))
        return FL_ERR_RANGE;

    double angle = radius_m / FL_GEO_RADIUS_M;
    double reach = fmin(angle / RADIANS + BOX_MARGIN_DEG, 180.0);
    struct fl_geo_box box = {
        .south = fmax(center.lat - reach, -90.0),
        .west = -180.0,
        .north = fmin(center.lat + reach, 90.0),
        .east = 180.0,
    };

    if (box.south > -90.0 && box.north < 90.0) {
        /* No pole inside: the meridians that touch the circle. */
        double side = asin(sin(angle) / cos(center.lat * RADIANS)) / RADIANS +
                      BOX_MARGIN_DEG;

        box.west = center.lng - side;
        box.east = center.lng + side;
        if (box.west < -180.0)
            box.west += 360.0;
        if (box.east > 180.0)
            box.east -= 360.0;
    }
    *ret = box;
    return 0;
}

bool fl_geo_box_valid(const struct fl_geo_box *box)
{
    return fl_geo_point_valid((struct fl_geo_point){box->south, box->west}) &&
           fl_geo_point_valid((struct fl_geo_point){box->north, box->east}) &&
           box->south <= box->north;
}

static bool between(const struct fl_geo_box *box, double lng)
{
    if (box->west <= box->east)
        return lng >= box->west && lng <= box->east;
    return lng >= box->west || lng <= box->east;
}

bool fl_geo_box_has(const struct fl_geo_box *box, struct fl_geo_point p)
{
    if (!(p.lat >= box->south && p.lat <= box->north))
        return false;
    /* -180 and 180 are one meridian. */
    return between(box, p.lng) ||
           (fabs(p.lng) == 180.0 && between(box, -p.lng));
}
