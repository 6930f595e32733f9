/* SPDX-License-Identifier: MIT */
/*
 * geo - positions on the sphere: distances, geohash cells, moving points.
 *
 * Degrees, WGS 84 latitude -90..90 and longitude -180..180; metres on a sphere
 * of radius 6,371,008.8 m (the IUGG mean radius). Anything else, NaN included,
 * is ERR_RANGE.
 * Threads: pure functions any; geo_index any, locked by its own lock.
 */
#ifndef FIELDLINE_GEO_GEO_H
#define FIELDLINE_GEO_GEO_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GEO_RADIUS_M 6371008.8

struct geo_point {
    double lat, lng;
};
struct geo_box { /* west > east crosses the antimeridian */
    double south, west, north, east;
};

bool geo_point_valid(struct geo_point);
/* Haversine, metres. */
double geo_distance_m(struct geo_point, struct geo_point);
/* The smallest box that holds the circle; whole turns near a pole. */
int geo_circle_box(struct geo_point, double radius_m,
                   struct geo_box *ret) MUST_CHECK;
bool geo_box_has(const struct geo_box *, struct geo_point);
/* Geohash text of 1..12 characters, NUL-terminated in ret[13]. */
int geohash_encode(struct geo_point, unsigned precision,
                   char ret[13]) MUST_CHECK;
int geohash_decode(const char *hash, size_t len,
                   struct geo_box *ret) MUST_CHECK;

/*
 * An index of moving points. A point is named by its owner's 64-bit id; group
 * is a number that searches are restricted to (a tenant), 0 included.
 */
struct geo_index;
struct geo_found {
    uint64_t id;
    double distance_m;
    struct geo_point at;
};
int geo_index_new(struct geo_index **ret, size_t points_max) MUST_CHECK;
void geo_index_free(struct geo_index **);
/* Inserts or moves. ERR_RANGE, ERR_LIMIT, ERR_NOMEM. */
int geo_index_put(struct geo_index *, uint64_t id, uint64_t group,
                  struct geo_point) MUST_CHECK;
bool geo_index_remove(struct geo_index *, uint64_t id);
size_t geo_index_count(const struct geo_index *);
/* Nearest first; the number found, at most max. Exact: no point is missed. */
int geo_index_radius(struct geo_index *, uint64_t group, struct geo_point,
                     double radius_m, struct geo_found *ret, size_t max,
                     size_t *found) MUST_CHECK;

#endif
