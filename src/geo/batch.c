/* SPDX-License-Identifier: MIT */
/*
 * batch - columns of points at once.
 * Threads: any.
 */
#include "fieldline/geo.h"

#include "geo/grid.h"
#include "geo/measure.h"
#include "geo/nearest.h"

/* ---- encode ------------------------------------------------------------- */

static INLINED bool is_point(double lat, double lng)
{
    return (fabs(lat) <= 90.0) & (fabs(lng) <= 180.0);
}

static INLINED size_t encode(const double *lat, const double *lng, size_t count,
                             unsigned precision, fl_geo_cell *ret)
{
    size_t points = 0;

    for (size_t i = 0; i < count; i++) {
        uint64_t x = grid_cell(lng[i], GRID_LNG_SPAN);
        uint64_t y = grid_cell(lat[i], GRID_LAT_SPAN);
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

static INLINED size_t decode(const fl_geo_cell *cells, size_t count,
                             double *ret_lat, double *ret_lng)
{
    size_t valid = 0;

    for (size_t i = 0; i < count; i++) {
        fl_geo_cell cell = cells[i];
        bool is_cell = grid_valid(cell);
        struct fl_geo_box box = grid_box(is_cell ? cell : 1);

        ret_lat[i] = is_cell ? (box.south + box.north) / 2 : (double)NAN;
        ret_lng[i] = is_cell ? (box.west + box.east) / 2 : (double)NAN;
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

size_t fl_geo_distance_many(struct fl_geo_point from, const double *lat,
                            const double *lng, size_t count, double *ret_m)
{
    const struct measure m = {.from = from,
                              .cos_from = kernel_cos_lat(from.lat)};
    const bool valid = fl_geo_point_valid(from);
    size_t refused = 0;

    if (valid)
        measure_all(&m, lat, lng, count, ret_m);
    for (size_t i = 0; i < count; i++) {
        if (!valid)
            ret_m[i] = (double)NAN;
        refused += isnan(ret_m[i]) != 0;
    }
    return refused;
}

int fl_geo_within(struct fl_geo_point from, double radius_m, const double *lat,
                  const double *lng, size_t count, struct fl_geo_found *ret,
                  size_t max, size_t *found)
{
    struct nearest n = {.found = ret, .max = max};
    struct measure m = {.from = from};
    uint8_t rows[MEASURE_ROWS];
    double metres[MEASURE_ROWS];

    if (!fl_geo_point_valid(from) || !(radius_m >= 0))
        return FL_ERR_RANGE;
    m.cos_from = kernel_cos_lat(from.lat);
    m.reach = kernel_reach(radius_m);
    for (size_t at = 0; at < count && max; at += MEASURE_ROWS) {
        size_t left = count - at;
        uint32_t near = measure_within(
            &m, lat + at, lng + at,
            left < MEASURE_ROWS ? (uint32_t)left : MEASURE_ROWS, rows, metres);

        for (uint32_t i = 0; i < near; i++) {
            size_t row = at + rows[i];
            struct fl_geo_found one = {
                .id = row, .distance_m = metres[i], .at = {lat[row], lng[row]}};

            if (metres[i] <= radius_m)
                nearest_offer(&n, &one);
        }
    }
    nearest_sort(&n);
    *found = n.count;
    return 0;
}
