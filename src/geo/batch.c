/* SPDX-License-Identifier: MIT */
/*
 * batch - columns of points at once.
 *
 * The loops have no branch and no call, so that the compiler makes vectors of
 * them; each is compiled for what processors may have and chosen at the call.
 * Threads: any.
 */
#include "fieldline/geo.h"

#include "geo/grid.h"
#include "geo/nearest.h"

#define CHUNK 256 /* rows of a list measured at once */

#if defined(__x86_64__)
#define TARGET_256 __attribute__((target("avx2")))
#define TARGET_512 __attribute__((target("avx512f,avx512dq,avx512vl")))
#define HAS_256    __builtin_cpu_supports("avx2")
#define HAS_512                                                                \
    (__builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
#else
#define TARGET_256
#define TARGET_512
#define HAS_256 false
#define HAS_512 false
#endif

/* ---- encode ------------------------------------------------------------- */

ALWAYS_INLINE bool is_point(double lat, double lng)
{
    return (fabs(lat) <= 90.0) & (fabs(lng) <= 180.0);
}

ALWAYS_INLINE size_t encode(const double *lat, const double *lng, size_t count,
                            unsigned precision, fl_geo_cell *ret)
{
    size_t points = 0;

    for (size_t i = 0; i < count; i++) {
        uint64_t x = (uint64_t)grid_cell(lng[i], GRID_LNG_SPAN);
        uint64_t y = (uint64_t)grid_cell(lat[i], GRID_LAT_SPAN);
        uint64_t point = is_point(lat[i], lng[i]);

        ret[i] = grid_join(x, y, precision) & (0 - point);
        points += point;
    }
    return count - points;
}

TARGET_256 static size_t encode_256(const double *lat, const double *lng,
                                    size_t count, unsigned precision,
                                    fl_geo_cell *ret)
{
    return encode(lat, lng, count, precision, ret);
}

TARGET_512 static size_t encode_512(const double *lat, const double *lng,
                                    size_t count, unsigned precision,
                                    fl_geo_cell *ret)
{
    return encode(lat, lng, count, precision, ret);
}

size_t fl_geo_encode_many(const double *lat, const double *lng, size_t count,
                          unsigned precision, fl_geo_cell *ret)
{
    if (!grid_precision_valid(precision)) {
        for (size_t i = 0; i < count; i++)
            ret[i] = 0;
        return count;
    }
    if (HAS_512)
        return encode_512(lat, lng, count, precision, ret);
    if (HAS_256)
        return encode_256(lat, lng, count, precision, ret);
    return encode(lat, lng, count, precision, ret);
}

/* ---- decode ------------------------------------------------------------- */

ALWAYS_INLINE double middle(int32_t low, uint64_t rest, double span)
{
    int32_t high = low + (int32_t)(1 << rest);

    return (grid_edge(low, span) + grid_edge(high, span)) / 2;
}

ALWAYS_INLINE size_t decode(const fl_geo_cell *cells, size_t count,
                            double *ret_lat, double *ret_lng)
{
    size_t valid = 0;

    for (size_t i = 0; i < count; i++) {
        fl_geo_cell cell = cells[i];
        bool is_cell = grid_valid(cell);
        unsigned precision = is_cell ? (unsigned)(cell & 15) : 1;
        double lat =
            middle(grid_lat(cell), grid_lat_rest(precision), GRID_LAT_SPAN);
        double lng =
            middle(grid_lng(cell), grid_lng_rest(precision), GRID_LNG_SPAN);

        ret_lat[i] = is_cell ? lat : (double)NAN;
        ret_lng[i] = is_cell ? lng : (double)NAN;
        valid += is_cell;
    }
    return count - valid;
}

TARGET_256 static size_t decode_256(const fl_geo_cell *cells, size_t count,
                                    double *ret_lat, double *ret_lng)
{
    return decode(cells, count, ret_lat, ret_lng);
}

TARGET_512 static size_t decode_512(const fl_geo_cell *cells, size_t count,
                                    double *ret_lat, double *ret_lng)
{
    return decode(cells, count, ret_lat, ret_lng);
}

size_t fl_geo_decode_many(const fl_geo_cell *cells, size_t count,
                          double *ret_lat, double *ret_lng)
{
    if (HAS_512)
        return decode_512(cells, count, ret_lat, ret_lng);
    if (HAS_256)
        return decode_256(cells, count, ret_lat, ret_lng);
    return decode(cells, count, ret_lat, ret_lng);
}

/* ---- distances ---------------------------------------------------------- */

ALWAYS_INLINE void haversines(struct fl_geo_point from, const double *lat,
                              const double *lng, size_t count, double *ret)
{
    double cos_from = kernel_cos_lat(from.lat);

    for (size_t i = 0; i < count; i++) {
        struct fl_geo_point to = {lat[i], lng[i]};
        double h = kernel_haversine(from, cos_from, to, kernel_cos_lat(to.lat));

        ret[i] = is_point(to.lat, to.lng) ? h : (double)NAN;
    }
}

TARGET_256 static void haversines_256(struct fl_geo_point from,
                                      const double *lat, const double *lng,
                                      size_t count, double *ret)
{
    haversines(from, lat, lng, count, ret);
}

TARGET_512 static void haversines_512(struct fl_geo_point from,
                                      const double *lat, const double *lng,
                                      size_t count, double *ret)
{
    haversines(from, lat, lng, count, ret);
}

static void haversine_many(struct fl_geo_point from, const double *lat,
                           const double *lng, size_t count, double *ret)
{
    if (HAS_512)
        haversines_512(from, lat, lng, count, ret);
    else if (HAS_256)
        haversines_256(from, lat, lng, count, ret);
    else
        haversines(from, lat, lng, count, ret);
}

ALWAYS_INLINE void metres(double *h, size_t count)
{
    for (size_t i = 0; i < count; i++)
        h[i] = h[i] <= 0.5 ? FL_GEO_RADIUS_M * kernel_angle(h[i]) : -1.0;
}

TARGET_256 static void metres_256(double *h, size_t count)
{
    metres(h, count);
}

TARGET_512 static void metres_512(double *h, size_t count)
{
    metres(h, count);
}

/* Haversines become metres; those past a quarter turn, and NaN, become -1. */
static void metres_many(double *h, size_t count)
{
    if (HAS_512)
        metres_512(h, count);
    else if (HAS_256)
        metres_256(h, count);
    else
        metres(h, count);
}

size_t fl_geo_distance_many(struct fl_geo_point from, const double *lat,
                            const double *lng, size_t count, double *ret_m)
{
    size_t refused = 0;

    haversine_many(from, lat, lng, count, ret_m);
    metres_many(ret_m, count);
    for (size_t i = 0; i < count; i++) {
        if (ret_m[i] < 0)
            ret_m[i] =
                fl_geo_distance_m(from, (struct fl_geo_point){lat[i], lng[i]});
        refused += isnan(ret_m[i]) != 0;
    }
    return refused;
}

/* ---- a plain list ------------------------------------------------------- */

int fl_geo_within(struct fl_geo_point from, double radius_m, const double *lat,
                  const double *lng, size_t count, struct fl_geo_found *ret,
                  size_t max, size_t *found)
{
    struct nearest n = {.found = ret, .max = max};
    double h[CHUNK], reach;

    if (!fl_geo_point_valid(from) || !(radius_m >= 0))
        return FL_ERR_RANGE;
    reach = fl_geo_haversine_of_m(radius_m) * KERNEL_WIDER + KERNEL_LEAST;
    for (size_t at = 0; at < count && max; at += CHUNK) {
        size_t rows = count - at < CHUNK ? count - at : CHUNK;

        haversine_many(from, lat + at, lng + at, rows, h);
        for (size_t i = 0; i < rows; i++) {
            struct fl_geo_found one = {.id = at + i,
                                       .at = {lat[at + i], lng[at + i]}};

            if (!(h[i] <= reach))
                continue;
            one.distance_m = fl_geo_distance_m(from, one.at);
            if (one.distance_m <= radius_m)
                nearest_offer(&n, &one);
        }
    }
    nearest_sort(&n);
    *found = n.count;
    return 0;
}
