/* SPDX-License-Identifier: MIT */
/*
 * geo - distance on the sphere, and the box around a circle.
 * Threads: any.
 */
#include "geo/geo.h"

#include "base/error.h"

#include <math.h>

#define RADIANS (M_PI / 180.0)

/*
 * What rounding can move a box's side by. The meridians that touch a circle
 * stand at asin(q); where q nears 1 an error of one bit in q is one of 3e-8
 * radians, 1.7e-6 degrees, in the angle. This is 0.4 m.
 */
#define BOX_MARGIN_DEG 4e-6

bool geo_point_valid(struct geo_point p)
{
    /* Written so that NaN is outside. */
    return p.lat >= -90.0 && p.lat <= 90.0 && p.lng >= -180.0 && p.lng <= 180.0;
}

static double square(double x)
{
    return x * x;
}

/*
 * The haversine h of the angle loses its digits near 180 degrees, where its
 * complement to 1, the haversine to the antipode, keeps them.
 */
double geo_distance_m(struct geo_point a, struct geo_point b)
{
    double lat_a = a.lat * RADIANS, lat_b = b.lat * RADIANS;
    double half_lng = (b.lng - a.lng) * RADIANS / 2;
    double across = cos(lat_a) * cos(lat_b);
    double h = square(sin((b.lat - a.lat) * RADIANS / 2)) +
               across * square(sin(half_lng));

    if (h <= 0.5)
        return 2 * GEO_RADIUS_M * asin(sqrt(h));
    h = square(sin((b.lat + a.lat) * RADIANS / 2)) +
        across * square(cos(half_lng));
    return GEO_RADIUS_M * (M_PI - 2 * asin(sqrt(fmin(h, 1.0))));
}

int geo_circle_box(struct geo_point at, double radius_m, struct geo_box *ret)
{
    if (!geo_point_valid(at) || !(radius_m >= 0) || isinf(radius_m))
        return ERR_RANGE;

    double angle = radius_m / GEO_RADIUS_M;
    double reach = fmin(angle / RADIANS + BOX_MARGIN_DEG, 180.0);
    struct geo_box box = {
        .south = fmax(at.lat - reach, -90.0),
        .west = -180.0,
        .north = fmin(at.lat + reach, 90.0),
        .east = 180.0,
    };

    if (box.south > -90.0 && box.north < 90.0) {
        /* No pole inside: the meridians that touch the circle. */
        double side =
            asin(sin(angle) / cos(at.lat * RADIANS)) / RADIANS + BOX_MARGIN_DEG;

        box.west = at.lng - side;
        box.east = at.lng + side;
        if (box.west < -180.0)
            box.west += 360.0;
        if (box.east > 180.0)
            box.east -= 360.0;
    }
    *ret = box;
    return 0;
}

static bool between(const struct geo_box *box, double lng)
{
    if (box->west <= box->east)
        return lng >= box->west && lng <= box->east;
    return lng >= box->west || lng <= box->east;
}

bool geo_box_has(const struct geo_box *box, struct geo_point p)
{
    if (!(p.lat >= box->south && p.lat <= box->north))
        return false;
    /* -180 and 180 are one meridian. */
    return between(box, p.lng) ||
           (fabs(p.lng) == 180.0 && between(box, -p.lng));
}
