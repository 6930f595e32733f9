/* SPDX-License-Identifier: MIT */
/*
 * measure - distances from one point to a column of others, and their order.
 *
 * The loops have no branch and no call, so that the compiler makes vectors of
 * them; each is compiled for what processors may have and chosen at the call.
 * The results are those of fl_geo_distance_m() to the last bit.
 * Threads: any.
 */
#ifndef FIELDLINE_GEO_MEASURE_H
#define FIELDLINE_GEO_MEASURE_H

#include "geo/kernel.h"

#include <stdint.h>

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

#define MEASURE_ROWS     256u               /* at once */
#define MEASURE_WHOLE(n) (((n) + 7u) & ~7u) /* to the end of a vector */

struct measure {
    struct fl_geo_point from;
    double cos_from;
    double reach; /* of measure_within(): the radius's haversine, widened */
};

/* Rows whose haversine is within reach, in order, and how far each is. NaN is
 * never within. count is at most MEASURE_ROWS; how many rows. */
uint32_t measure_within(const struct measure *, const double *lat,
                        const double *lng, uint32_t count,
                        uint8_t rows[MEASURE_ROWS],
                        double metres[MEASURE_ROWS]);

/* All of them; NaN for what is no point. */
void measure_all(const struct measure *, const double *lat, const double *lng,
                 size_t count, double *metres);

/* Of count rows that lie side by side, at most MEASURE_ROWS; all are points.
 * What stands behind them up to MEASURE_WHOLE(count) is overwritten. */
void measure_picked(const struct measure *, double *lat, double *lng,
                    uint32_t count, double *metres);

/*
 * How many are nearer than each. True: no two are equally far, so these are
 * their places in order. What stands behind them, in both, is overwritten up
 * to MEASURE_WHOLE(count); that is O(count^2), so of few.
 */
bool measure_nearer(double *metres, uint32_t count, uint64_t *ret);

/* How many stand before each: by distance, then by id (no two are the same). */
void measure_ranks(const double *metres, const uint64_t *ids, uint32_t count,
                   uint64_t *ranks);

#endif
