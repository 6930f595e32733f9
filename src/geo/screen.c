/* SPDX-License-Identifier: MIT */
/*
 * screen - the box of a circle without a call of libm, and the look itself.
 * Threads: any.
 */
#include "geo/screen.h"

#include "geo/measure.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define HALF_ROUND_M (M_PI * FL_GEO_RADIUS_M)
/*
 * What rounding can move a side by, and the difference of a point's degrees
 * from the centre's; as in box.c.
 */
#define MARGIN_DEG   4e-6

/* ---- the box ------------------------------------------------------------- */

/*
 * Degrees of longitude from the centre to the meridians that touch: they stand
 * at asin(sin angle / cos lat) (J. P. Snyder, Map Projections, 1987). Up to
 * one half, s (1 + 0.19 s^2) is beyond asin(s): what the series has after s,
 * divided by s^3, grows with s and is 0.1888 there; and the angle is beyond
 * its sine.
 */
static double lng_reach(double angle, double cos_from)
{
    double s = angle / cos_from;

    if (!(s <= 0.5))
        s = asin(fmin(sin(angle) / cos_from, 1.0));
    else
        s *= 1 + 0.19 * s * s;
    return s / RADIANS + MARGIN_DEG;
}

void screen_circle(struct screen *s, struct fl_geo_point from, double cos_from,
                   double radius_m)
{
    double angle = radius_m / FL_GEO_RADIUS_M;

    s->from = from;
    s->lat_apart = s->lng_apart = 180.0;
    if (radius_m >= HALF_ROUND_M)
        return;
    s->lat_apart = angle / RADIANS + MARGIN_DEG;
    if (fabs(from.lat) + s->lat_apart < 90.0) /* no pole inside */
        s->lng_apart = fmin(lng_reach(angle, cos_from), 180.0);
}

struct fl_geo_box screen_box(const struct screen *s)
{
    struct fl_geo_box box = {
        .south = fmax(s->from.lat - s->lat_apart, -90.0),
        .west = -180.0,
        .north = fmin(s->from.lat + s->lat_apart, 90.0),
        .east = 180.0,
    };

    if (s->lng_apart >= 180.0)
        return box;
    box.west = s->from.lng - s->lng_apart;
    box.east = s->from.lng + s->lng_apart;
    if (box.west < -180.0)
        box.west += 360.0;
    if (box.east > 180.0)
        box.east -= 360.0;
    return box;
}

/* ---- rows ---------------------------------------------------------------- */

/*
 * Two longitudes are near if their difference is small, or nearly a turn. A
 * turn less the reach is rounded by less than the margin.
 */
static uint64_t rows_any(const struct screen *s, const double *lat,
                         const double *lng, uint32_t count)
{
    const double beyond = 360.0 - s->lng_apart;
    uint64_t rows = 0;

    for (uint32_t i = 0; i < count; i++) {
        double y = fabs(lat[i] - s->from.lat), x = fabs(lng[i] - s->from.lng);
        uint64_t near =
            (y <= s->lat_apart) & ((x <= s->lng_apart) | (x >= beyond));

        rows |= near << i;
    }
    return rows;
}

#if defined(__x86_64__)
TARGET_256 static uint64_t rows_256(const struct screen *s, const double *lat,
                                    const double *lng, uint32_t count)
{
    const __m256d sign = _mm256_set1_pd(-0.0);
    const __m256d from_y = _mm256_set1_pd(s->from.lat);
    const __m256d from_x = _mm256_set1_pd(s->from.lng);
    const __m256d y_max = _mm256_set1_pd(s->lat_apart);
    const __m256d x_max = _mm256_set1_pd(s->lng_apart);
    const __m256d beyond = _mm256_set1_pd(360.0 - s->lng_apart);
    uint64_t rows = 0;

    for (uint32_t i = 0; i < count; i += 4) {
        __m256d y = _mm256_sub_pd(_mm256_loadu_pd(lat + i), from_y);
        __m256d x = _mm256_sub_pd(_mm256_loadu_pd(lng + i), from_x);

        y = _mm256_andnot_pd(sign, y);
        x = _mm256_andnot_pd(sign, x);
        y = _mm256_cmp_pd(y, y_max, _CMP_LE_OQ);
        x = _mm256_or_pd(_mm256_cmp_pd(x, x_max, _CMP_LE_OQ),
                         _mm256_cmp_pd(x, beyond, _CMP_GE_OQ));
        rows |= (uint64_t)(uint32_t)_mm256_movemask_pd(_mm256_and_pd(x, y))
                << i;
    }
    return rows;
}

TARGET_512 static uint64_t rows_512(const struct screen *s, const double *lat,
                                    const double *lng, uint32_t count)
{
    const __m512d from_y = _mm512_set1_pd(s->from.lat);
    const __m512d from_x = _mm512_set1_pd(s->from.lng);
    const __m512d y_max = _mm512_set1_pd(s->lat_apart);
    const __m512d x_max = _mm512_set1_pd(s->lng_apart);
    const __m512d beyond = _mm512_set1_pd(360.0 - s->lng_apart);
    uint64_t rows = 0;

    for (uint32_t i = 0; i < count; i += 8) {
        __m512d y = _mm512_sub_pd(_mm512_loadu_pd(lat + i), from_y);
        __m512d x = _mm512_sub_pd(_mm512_loadu_pd(lng + i), from_x);

        y = _mm512_abs_pd(y);
        x = _mm512_abs_pd(x);

        __mmask8 near_y = _mm512_cmp_pd_mask(y, y_max, _CMP_LE_OQ);
        __mmask8 near = _mm512_mask_cmp_pd_mask(near_y, x, x_max, _CMP_LE_OQ);
        __mmask8 far = _mm512_mask_cmp_pd_mask(near_y, x, beyond, _CMP_GE_OQ);

        rows |= (uint64_t)(uint8_t)(near | far) << i;
    }
    return rows;
}
#endif

uint64_t screen_rows(const struct screen *s, const double *lat,
                     const double *lng, uint32_t count)
{
    const uint64_t all = ~UINT64_C(0) >> (SCREEN_ROWS - count);

#if defined(__x86_64__)
    if (HAS_512)
        return rows_512(s, lat, lng, count) & all;
    if (HAS_256)
        return rows_256(s, lat, lng, count) & all;
#endif
    return rows_any(s, lat, lng, count) & all;
}
