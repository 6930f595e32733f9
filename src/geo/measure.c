/* SPDX-License-Identifier: MIT */
/*
 * measure - the loops over columns.
 * Threads: any.
 */
#include "geo/measure.h"

#include <string.h>

/* Written so that NaN is none. */
static INLINED bool is_point(double lat, double lng)
{
    return (fabs(lat) <= 90.0) & (fabs(lng) <= 180.0);
}

static INLINED void haversines(const struct measure *m, const double *lat,
                               const double *lng, size_t count, double *ret)
{
    const struct fl_geo_point from = m->from;
    const double cos_from = m->cos_from;

    for (size_t i = 0; i < count; i++) {
        struct fl_geo_point to = {lat[i], lng[i]};
        double h = kernel_haversine(from, cos_from, to, kernel_cos_lat(to.lat));

        ret[i] = is_point(to.lat, to.lng) ? h : (double)NAN;
    }
}

/* Metres of points at a haversine of one half or more. */
static INLINED void far_metres(const struct measure *m, const double *lat,
                               const double *lng, size_t count, double *ret)
{
    const struct fl_geo_point from = m->from;
    const double cos_from = m->cos_from;

    for (size_t i = 0; i < count; i++) {
        struct fl_geo_point to = {lat[i], lng[i]};
        double h =
            kernel_haversine_anti(from, cos_from, to, kernel_cos_lat(to.lat));
        double angle = kernel_angle(h < 0.5 ? h : 0.5);

        ret[i] = FL_GEO_RADIUS_M * (M_PI - angle);
    }
}

/* ---- within ------------------------------------------------------------- */

static INLINED uint32_t within(const struct measure *m, const double *lat,
                               const double *lng, uint32_t count, uint8_t *rows,
                               double *metres)
{
    double h[MEASURE_ROWS];
    uint32_t found = 0;

    haversines(m, lat, lng, count, h);
    for (uint32_t i = 0; i < count; i++) {
        rows[found] = (uint8_t)i;
        metres[found] = h[i];
        found += h[i] <= m->reach;
    }
    for (uint32_t i = 0; i < found; i++)
        h[i] = FL_GEO_RADIUS_M * kernel_angle(metres[i] <= 0.5 ? metres[i] : 1);
    for (uint32_t i = 0; i < found; i++) {
        if (metres[i] > 0.5)
            far_metres(m, lat + rows[i], lng + rows[i], 1, &h[i]);
        metres[i] = h[i];
    }
    return found;
}

TARGET_256 static uint32_t within_256(const struct measure *m,
                                      const double *lat, const double *lng,
                                      uint32_t count, uint8_t *rows,
                                      double *metres)
{
    return within(m, lat, lng, count, rows, metres);
}

TARGET_512 static uint32_t within_512(const struct measure *m,
                                      const double *lat, const double *lng,
                                      uint32_t count, uint8_t *rows,
                                      double *metres)
{
    return within(m, lat, lng, count, rows, metres);
}

uint32_t measure_within(const struct measure *m, const double *lat,
                        const double *lng, uint32_t count,
                        uint8_t rows[MEASURE_ROWS], double metres[MEASURE_ROWS])
{
    if (HAS_512)
        return within_512(m, lat, lng, count, rows, metres);
    if (HAS_256)
        return within_256(m, lat, lng, count, rows, metres);
    return within(m, lat, lng, count, rows, metres);
}

/* ---- all ---------------------------------------------------------------- */

/* The far ones are few or many: a run that has any is computed both ways. */
static INLINED void all(const struct measure *m, const double *lat,
                        const double *lng, size_t count, double *ret)
{
    double h[MEASURE_ROWS], far[MEASURE_ROWS];
    size_t far_count = 0;

    haversines(m, lat, lng, count, h);
    for (size_t i = 0; i < count; i++)
        far_count += h[i] > 0.5;
    for (size_t i = 0; i < count; i++)
        ret[i] = FL_GEO_RADIUS_M * kernel_angle(h[i] <= 0.5 ? h[i] : 0.5);
    if (far_count)
        far_metres(m, lat, lng, count, far);
    for (size_t i = 0; i < count && far_count; i++)
        ret[i] = h[i] > 0.5 ? far[i] : ret[i];
    for (size_t i = 0; i < count; i++)
        ret[i] = h[i] >= 0 ? ret[i] : (double)NAN;
}

TARGET_256 static void all_256(const struct measure *m, const double *lat,
                               const double *lng, size_t count, double *ret)
{
    all(m, lat, lng, count, ret);
}

TARGET_512 static void all_512(const struct measure *m, const double *lat,
                               const double *lng, size_t count, double *ret)
{
    all(m, lat, lng, count, ret);
}

void measure_all(const struct measure *m, const double *lat, const double *lng,
                 size_t count, double *metres)
{
    for (size_t at = 0; at < count; at += MEASURE_ROWS) {
        size_t rows = count - at < MEASURE_ROWS ? count - at : MEASURE_ROWS;

        if (HAS_512)
            all_512(m, lat + at, lng + at, rows, metres + at);
        else if (HAS_256)
            all_256(m, lat + at, lng + at, rows, metres + at);
        else
            all(m, lat + at, lng + at, rows, metres + at);
    }
}

/* ---- rows that were picked ------------------------------------------------
 */

/* Whole vectors: the compiler sees that nothing is left over. */
static INLINED void picked(const struct measure *m, const double *lat,
                           const double *lng, uint32_t count, double *metres)
{
    all(m, lat, lng, MEASURE_WHOLE(count), metres);
}

TARGET_256 static void picked_256(const struct measure *m, const double *lat,
                                  const double *lng, uint32_t count,
                                  double *metres)
{
    picked(m, lat, lng, count, metres);
}

TARGET_512 static void picked_512(const struct measure *m, const double *lat,
                                  const double *lng, uint32_t count,
                                  double *metres)
{
    picked(m, lat, lng, count, metres);
}

void measure_picked(const struct measure *m, double *lat, double *lng,
                    uint32_t count, double *metres)
{
    for (uint32_t i = count; i < MEASURE_WHOLE(count); i++) {
        lat[i] = m->from.lat;
        lng[i] = m->from.lng;
    }
    if (HAS_512)
        picked_512(m, lat, lng, count, metres);
    else if (HAS_256)
        picked_256(m, lat, lng, count, metres);
    else
        picked(m, lat, lng, count, metres);
}

/* ---- order -------------------------------------------------------------- */

static void nearer_any(const double *metres, uint32_t count, uint64_t *nearer)
{
    for (uint32_t i = 0; i < count; i++) {
        const double own = metres[i];
        uint64_t sum = 0;

        for (uint32_t j = 0; j < count; j++)
            sum += metres[j] < own;
        nearer[i] = sum;
    }
}

#if defined(__x86_64__)
/* Rows stand beside each other, so that no sum crosses a vector. */
#define LANES 4u

typedef double reals __attribute__((vector_size(LANES * sizeof(double))));
typedef int64_t wholes __attribute__((vector_size(LANES * sizeof(int64_t))));

static INLINED void nearer_lanes(const double *metres, uint32_t count,
                                 uint64_t *nearer)
{
    for (uint32_t i = 0; i < count; i += 2 * LANES) {
        reals own, other;
        wholes sum = {0}, other_sum = {0};

        memcpy(&own, metres + i, sizeof(own));
        memcpy(&other, metres + i + LANES, sizeof(other));
        for (uint32_t j = 0; j < count; j++) {
            sum -= own > metres[j]; /* -1 where it is */
            other_sum -= other > metres[j];
        }
        memcpy(nearer + i, &sum, sizeof(sum));
        memcpy(nearer + i + LANES, &other_sum, sizeof(other_sum));
    }
}

TARGET_256 static void nearer_256(const double *metres, uint32_t count,
                                  uint64_t *nearer)
{
    nearer_lanes(metres, count, nearer);
}

TARGET_512 static void nearer_512(const double *metres, uint32_t count,
                                  uint64_t *nearer)
{
    nearer_lanes(metres, count, nearer);
}
#endif

static void nearer(const double *metres, uint32_t count, uint64_t *ret)
{
#if defined(__x86_64__)
    if (HAS_512) {
        nearer_512(metres, count, ret);
        return;
    }
    if (HAS_256) {
        nearer_256(metres, count, ret);
        return;
    }
#endif
    nearer_any(metres, count, ret);
}

bool measure_nearer(double *metres, uint32_t count, uint64_t *ret)
{
    uint64_t sum = 0;

    for (uint32_t i = count; i < MEASURE_WHOLE(count); i++)
        metres[i] = INFINITY;
    nearer(metres, count, ret);
    for (uint32_t i = 0; i < count; i++)
        sum += ret[i];
    return sum == (uint64_t)count * (count - (count > 0)) / 2;
}

static INLINED void ranks_of(const double *metres, const uint64_t *ids,
                             uint32_t count, uint64_t *ranks)
{
    for (uint32_t i = 0; i < count; i++) {
        const double own = metres[i];
        const uint64_t id = ids[i];
        uint64_t before = 0;

        for (uint32_t j = 0; j < count; j++)
            before += (metres[j] < own) | ((metres[j] == own) & (ids[j] < id));
        ranks[i] = before;
    }
}

TARGET_256 static void ranks_256(const double *metres, const uint64_t *ids,
                                 uint32_t count, uint64_t *ranks)
{
    ranks_of(metres, ids, count, ranks);
}

TARGET_512 static void ranks_512(const double *metres, const uint64_t *ids,
                                 uint32_t count, uint64_t *ranks)
{
    ranks_of(metres, ids, count, ranks);
}

void measure_ranks(const double *metres, const uint64_t *ids, uint32_t count,
                   uint64_t *ranks)
{
    if (HAS_512)
        ranks_512(metres, ids, count, ranks);
    else if (HAS_256)
        ranks_256(metres, ids, count, ranks);
    else
        ranks_of(metres, ids, count, ranks);
}
