/* SPDX-License-Identifier: MIT */
/*
 * distance - from one point to another: how far, which way, and where to.
 * Threads: any.
 */
#include "fieldline/geo.h"

#include "geo/kernel.h"

#define HALF_ROUND_M (M_PI * FL_GEO_RADIUS_M)

bool fl_geo_point_valid(struct fl_geo_point p)
{
    /* Written so that NaN is outside. */
    return p.lat >= -90.0 && p.lat <= 90.0 && p.lng >= -180.0 && p.lng <= 180.0;
}

double fl_geo_haversine(struct fl_geo_point a, struct fl_geo_point b)
{
    if (!fl_geo_point_valid(a) || !fl_geo_point_valid(b))
        return NAN;
    return fmin(
        kernel_haversine(a, kernel_cos_lat(a.lat), b, kernel_cos_lat(b.lat)),
        1.0);
}

double fl_geo_distance_m(struct fl_geo_point a, struct fl_geo_point b)
{
    if (!fl_geo_point_valid(a) || !fl_geo_point_valid(b))
        return NAN;

    double cos_a = kernel_cos_lat(a.lat), cos_b = kernel_cos_lat(b.lat);

    return kernel_metres(kernel_haversine(a, cos_a, b, cos_b), a, cos_a, b,
                         cos_b);
}

double fl_geo_haversine_to_m(double haversine)
{
    if (!(haversine > 0.5))
        return FL_GEO_RADIUS_M * kernel_angle(fmax(haversine, 0.0));
    return FL_GEO_RADIUS_M * (M_PI - kernel_angle(1 - fmin(haversine, 1.0)));
}

double fl_geo_haversine_of_m(double distance_m)
{
    double m = fmin(fmax(distance_m, 0.0), HALF_ROUND_M);

    return kernel_square(sin(m / FL_GEO_RADIUS_M / 2));
}

double fl_geo_bearing_deg(struct fl_geo_point from, struct fl_geo_point to)
{
    if (!fl_geo_point_valid(from) || !fl_geo_point_valid(to))
        return NAN;

    double lng = (to.lng - from.lng) * RADIANS;
    double cos_to = kernel_cos_lat(to.lat);
    /* cos a sin b - sin a cos b cos lng, without its cancellation. */
    double north =
        sin((to.lat - from.lat) * RADIANS) +
        2 * kernel_sin_deg(from.lat) * cos_to * kernel_square(sin(lng / 2));
    double bearing = atan2(cos_to * sin(lng), north) / RADIANS;

    if (bearing < 0)
        bearing += 360.0;
    return bearing < 360.0 ? bearing : 0.0;
}

int fl_geo_destination(struct fl_geo_point from, double bearing_deg,
                       double distance_m, struct fl_geo_point *ret)
{
    if (!fl_geo_point_valid(from) || !isfinite(bearing_deg) ||
        !isfinite(distance_m) || distance_m < 0)
        return FL_ERR_RANGE;

    double angle = fmod(distance_m / FL_GEO_RADIUS_M, 2 * M_PI);
    double bearing = fmod(bearing_deg, 360.0) * RADIANS;
    double sin_lat = kernel_sin_deg(from.lat);
    double cos_lat = kernel_cos_lat(from.lat);
    double ahead = sin(angle) * cos(bearing);
    /* A vector in the frame whose meridian is from's. */
    double x = cos_lat * cos(angle) - sin_lat * ahead;
    double y = sin(angle) * sin(bearing);
    double z = sin_lat * cos(angle) + cos_lat * ahead;
    double lng = from.lng + atan2(y, x) / RADIANS;

    if (lng < -180.0)
        lng += 360.0;
    if (lng > 180.0)
        lng -= 360.0;
    ret->lat = fmax(-90.0, fmin(atan2(z, hypot(x, y)) / RADIANS, 90.0));
    ret->lng = fmax(-180.0, fmin(lng, 180.0));
    return 0;
}
