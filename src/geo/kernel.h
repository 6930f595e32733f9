/* SPDX-License-Identifier: MIT */
/*
 * kernel - the haversine without a branch or a call, so that loops vectorise.
 *
 * Every distance of this room is computed by these functions, so that a search
 * and fl_geo_distance_m() agree to the last bit. The room is compiled without
 * contracting a product and a sum into one rounding, for the same reason: a
 * processor that could do so gives what any other gives.
 *
 * The two polynomials interpolate at Chebyshev nodes, computed with 60 digits;
 * each is within 4e-17 of its function on its interval, relatively.
 * Threads: immutable.
 */
#ifndef FIELDLINE_GEO_KERNEL_H
#define FIELDLINE_GEO_KERNEL_H

#include "base/attr.h"
#include "fieldline/geo.h"

#include <math.h>

#define RADIANS (M_PI / 180.0)

/* The sine of degrees, -90..90. */
static INLINED double kernel_sin_deg(double degrees)
{
    double x = degrees * RADIANS, s = x * x;
    double q = 0x1.89a4866f527ebp-49;

    q = q * s - 0x1.ae5138c1216b3p-41;
    q = q * s + 0x1.6124015b5ee3ap-33;
    q = q * s - 0x1.ae6455a1d7087p-26;
    q = q * s + 0x1.71de3a5456716p-19;
    q = q * s - 0x1.a01a01a018aadp-13;
    q = q * s + 0x1.1111111111107p-7;
    q = q * s - 0x1.5555555555555p-3;
    return x + x * s * q;
}

/* The cosine of a latitude keeps its digits near the poles. */
static INLINED double kernel_cos_lat(double lat)
{
    return kernel_sin_deg(90.0 - fabs(lat));
}

/* How far apart two longitudes are, 0..180. */
static INLINED double kernel_lng_between(double a, double b)
{
    double apart = fabs(a - b);

    return apart > 180.0 ? 360.0 - apart : apart;
}

static INLINED double kernel_square(double x)
{
    return x * x;
}

/* sin^2 of half the angle; cos_a, cos_b are of the latitudes. */
static INLINED double kernel_haversine(struct fl_geo_point a, double cos_a,
                                       struct fl_geo_point b, double cos_b)
{
    double apart = kernel_lng_between(a.lng, b.lng);

    return kernel_square(kernel_sin_deg((b.lat - a.lat) / 2)) +
           cos_a * cos_b * kernel_square(kernel_sin_deg(apart / 2));
}

/* The same to the antipode of b: what is left to 1, with all its digits. */
static INLINED double kernel_haversine_anti(struct fl_geo_point a, double cos_a,
                                            struct fl_geo_point b, double cos_b)
{
    double apart = 180.0 - kernel_lng_between(a.lng, b.lng);

    return kernel_square(kernel_sin_deg((b.lat + a.lat) / 2)) +
           cos_a * cos_b * kernel_square(kernel_sin_deg(apart / 2));
}

/*
 * 2 asin(sqrt(h)) for h in 0..1/2. The angle is halved once more first, without
 * cancellation, which leaves the polynomial an interval of 0..0.1465.
 */
static INLINED double kernel_angle(double h)
{
    double t = h / (2 + 2 * sqrt(1 - h));
    double q = 0x1.0dcd9ba4e6a55p-6;

    q = q * t + 0x1.c5db29bec4836p-8;
    q = q * t + 0x1.8b83733887d2cp-7;
    q = q * t + 0x1.c7c507682baecp-7;
    q = q * t + 0x1.1c5e33f5f373dp-6;
    q = q * t + 0x1.6e8b059f986f8p-6;
    q = q * t + 0x1.f1c72005eb59ep-6;
    q = q * t + 0x1.6db6db6870d30p-5;
    q = q * t + 0x1.333333333634ap-4;
    q = q * t + 0x1.5555555555551p-3;
    return 4 * sqrt(t) * (1 + t * q);
}

/*
 * The haversine of a radius, widened by far more than it and another can be
 * wrong: what does not exceed it is measured.
 */
static INLINED double kernel_reach(double radius_m)
{
    if (radius_m >= M_PI * FL_GEO_RADIUS_M)
        return 2;
    return fl_geo_haversine_of_m(radius_m) * (1 + 1e-12) + 1e-24;
}

/* Metres, given h; past a quarter turn the way to the antipode is measured. */
static INLINED double kernel_metres(double h, struct fl_geo_point a,
                                    double cos_a, struct fl_geo_point b,
                                    double cos_b)
{
    if (h <= 0.5)
        return FL_GEO_RADIUS_M * kernel_angle(h);
    h = kernel_haversine_anti(a, cos_a, b, cos_b);
    return FL_GEO_RADIUS_M * (M_PI - kernel_angle(h < 0.5 ? h : 0.5));
}

#endif
