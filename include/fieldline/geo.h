/* SPDX-License-Identifier: MIT */
/*
 * geo - positions on the sphere: distances, cells, covers, moving points.
 *
 * Units and shapes. Degrees, latitude -90..90 and longitude -180..180 (WGS 84
 * axes, latitude first); metres on a sphere of radius FL_GEO_RADIUS_M, the
 * mean radius of the IUGG. -180 and 180 are one meridian. A point outside,
 * NaN included, is FL_ERR_RANGE wherever an error can be returned, and so is a
 * latitude where a longitude should be as far as it can be told. An edge of a
 * polygon is straight in latitude and longitude (RFC 7946, 3.1.1) and takes
 * the shorter way round.
 *
 * Cells are geohashes (G. Niemeyer, 2008): the globe cut in half by turns,
 * longitude first, five cuts a letter. A cell holds its southern and western
 * edge, and the northern only at the pole; a point of longitude 180 lies in
 * the easternmost cell.
 *
 * Errors are those of fieldline/error.h; on failure outputs are untouched.
 * Option structs begin with their size, set by the caller; zeros and a NULL
 * pointer stand for the defaults. Nothing is allocated unless it is said.
 * Threads: pure functions any; a polygon is immutable; an index any.
 */
#ifndef FIELDLINE_GEO_H
#define FIELDLINE_GEO_H

#include "fieldline/allocator.h"
#include "fieldline/api.h"
#include "fieldline/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

FL_BEGIN_DECLS

#define FL_GEO_RADIUS_M      6371008.8 /* Moritz 2000, GRS 80: (2a + b) / 3 */
#define FL_GEO_PRECISION_MAX 12
#define FL_GEO_TEXT          13 /* room for a cell as text, with its NUL */

struct fl_geo_point {
    double lat, lng;
};

/* Closed on all sides; west > east crosses the antimeridian. */
struct fl_geo_box {
    double south, west, north, east;
};

/* ---- points and distances ---------------------------------------------- */

FL_API bool fl_geo_point_valid(struct fl_geo_point p);
/* Both corners are points and south is not beyond north. */
FL_API bool fl_geo_box_valid(const struct fl_geo_box *box);
FL_API bool fl_geo_box_has(const struct fl_geo_box *box, struct fl_geo_point p);

/*
 * Metres along the great circle, by the haversine (R. W. Sinnott, Virtues of
 * the Haversine, 1984), past a quarter turn by that to the antipode. Symmetric;
 * within 1e-14 of the distance. NaN for what is no point.
 */
FL_API double fl_geo_distance_m(struct fl_geo_point a, struct fl_geo_point b);

/*
 * The haversine itself, sin^2(angle / 2), 0..1: it orders as the distance does
 * and costs less; and the way to metres and back (0 to half way round; what
 * lies outside is clamped).
 */
FL_API double fl_geo_haversine(struct fl_geo_point a, struct fl_geo_point b);
FL_API double fl_geo_haversine_to_m(double haversine);
FL_API double fl_geo_haversine_of_m(double distance_m);

/*
 * Which way to set out, in degrees clockwise from north, 0 <= it < 360 (E.
 * Williams, Aviation Formulary). 0 where every way or none is right; NaN for
 * what is no point.
 */
FL_API double fl_geo_bearing_deg(struct fl_geo_point from,
                                 struct fl_geo_point to);

/* Where one arrives. Any finite bearing; distance_m finite, not negative. */
FL_API int fl_geo_destination(struct fl_geo_point from, double bearing_deg,
                              double distance_m,
                              struct fl_geo_point *ret) FL_MUST_CHECK;

/*
 * The box that holds the circle, at most 1 m wider than the smallest; whole
 * turns if a pole is inside (J. P. Snyder, Map Projections, 1987, for the
 * meridians that touch). radius_m finite, not negative.
 */
FL_API int fl_geo_circle_box(struct fl_geo_point center, double radius_m,
                             struct fl_geo_box *ret) FL_MUST_CHECK;

/* ---- cells ------------------------------------------------------------- */

/*
 * A cell as a number: its 5 x precision bits from the top, zeros, and its
 * precision in the lowest four bits. Numbers sort as the texts do. 0 is none.
 */
typedef uint64_t fl_geo_cell;

struct fl_geo_area {
    struct fl_geo_point center;
    double lat_error, lng_error; /* half the cell's height and width */
    struct fl_geo_box box;       /* exactly the cell's edges */
};

/* precision 1..12, else FL_ERR_RANGE. */
FL_API int fl_geo_encode(struct fl_geo_point p, unsigned precision,
                         fl_geo_cell *ret) FL_MUST_CHECK;
FL_API int fl_geo_encode_text(struct fl_geo_point p, unsigned precision,
                              char ret[FL_GEO_TEXT]) FL_MUST_CHECK;

/* FL_ERR_INVALID: no cell. */
FL_API int fl_geo_decode(fl_geo_cell cell,
                         struct fl_geo_area *ret) FL_MUST_CHECK;
/* 1 to 12 letters, either case; no NUL needed. FL_ERR_RANGE, FL_ERR_INVALID. */
FL_API int fl_geo_decode_text(const char *text, size_t len,
                              struct fl_geo_area *ret) FL_MUST_CHECK;

FL_API int fl_geo_cell_to_text(fl_geo_cell cell,
                               char ret[FL_GEO_TEXT]) FL_MUST_CHECK;
FL_API int fl_geo_cell_of_text(const char *text, size_t len,
                               fl_geo_cell *ret) FL_MUST_CHECK;
/* 1..12; 0 for what is no cell. */
FL_API unsigned fl_geo_cell_precision(fl_geo_cell cell);
/* The 5 x precision bits as a number, and back: others' integer geohashes. */
FL_API uint64_t fl_geo_cell_to_bits(fl_geo_cell cell);
FL_API int fl_geo_cell_of_bits(uint64_t bits, unsigned precision,
                               fl_geo_cell *ret) FL_MUST_CHECK;

/* The cell of a smaller precision, or the same, that holds this one. */
FL_API int fl_geo_parent(fl_geo_cell cell, unsigned precision,
                         fl_geo_cell *ret) FL_MUST_CHECK;
/* In order. FL_ERR_RANGE at precision 12. */
FL_API int fl_geo_children(fl_geo_cell cell, fl_geo_cell ret[32]) FL_MUST_CHECK;

enum fl_geo_direction {
    FL_GEO_N,
    FL_GEO_NE,
    FL_GEO_E,
    FL_GEO_SE,
    FL_GEO_S,
    FL_GEO_SW,
    FL_GEO_W,
    FL_GEO_NW
};

/*
 * The eight cells around, in the order above. East of 180 comes -180; beyond a
 * pole comes the row's other side, half a turn away. All eight differ.
 */
FL_API int fl_geo_neighbors(fl_geo_cell cell, fl_geo_cell ret[8]) FL_MUST_CHECK;
FL_API int fl_geo_neighbor(fl_geo_cell cell, enum fl_geo_direction direction,
                           fl_geo_cell *ret) FL_MUST_CHECK;

/* ---- many at once ------------------------------------------------------ */

/*
 * Columns of count numbers each; loops that vectorise (AVX2 and AVX-512 where
 * the processor has them), bit for bit what the functions above give. What is
 * no point becomes cell 0 or NaN; so does what is no cell. They return how
 * many of those there were. A bad precision makes all of them so.
 */
FL_API size_t fl_geo_encode_many(const double *lat, const double *lng,
                                 size_t count, unsigned precision,
                                 fl_geo_cell *ret);
FL_API size_t fl_geo_decode_many(const fl_geo_cell *cells, size_t count,
                                 double *ret_lat, double *ret_lng);
FL_API size_t fl_geo_distance_many(struct fl_geo_point from, const double *lat,
                                   const double *lng, size_t count,
                                   double *ret_m);

/* What a search finds. */
struct fl_geo_found {
    uint64_t id;
    double distance_m;
    struct fl_geo_point at;
    uint32_t stamp;
};

/*
 * Which rows of a plain list lie within radius_m (0 to infinity): the nearest
 * max of them, nearest first, equal ones in the list's order; how many in
 * *found. The id is the row, the stamp 0. Rows that are no points are passed
 * over. O(count + found log found).
 */
FL_API int fl_geo_within(struct fl_geo_point from, double radius_m,
                         const double *lat, const double *lng, size_t count,
                         struct fl_geo_found *ret, size_t max,
                         size_t *found) FL_MUST_CHECK;

/* ---- polygons ---------------------------------------------------------- */

#define FL_GEO_VERTICES_MAX 10000

/*
 * One ring, checked and ready to be asked. A ring that goes once round the
 * globe holds the pole that is nearer to it (the north of two equally near);
 * any other holds what it bounds, whichever way it is wound, across the
 * antimeridian too.
 */
struct fl_geo_polygon;

/*
 * The ring may end where it begins. FL_ERR_INVALID: fewer than three different
 * vertices, no area, a side of half a turn or more, sides that cross, more
 * than one turn. FL_ERR_LIMIT: too many vertices. FL_ERR_RANGE, FL_ERR_NOMEM.
 * O(count log count) for outlines that people draw, O(count^2) at worst.
 */
FL_API int fl_geo_polygon_new(
    struct fl_geo_polygon **ret, const struct fl_geo_point *ring, size_t count,
    const struct fl_allocator *allocator) FL_MUST_CHECK;
FL_API void fl_geo_polygon_free(struct fl_geo_polygon **polygon); /* clears */

/*
 * Even-odd (J. O'Rourke, Computational Geometry in C, 7.4). A point on a side
 * belongs to one of two polygons that share the side. O(sides at its latitude).
 */
FL_API bool fl_geo_polygon_has(const struct fl_geo_polygon *polygon,
                               struct fl_geo_point p);
FL_API void fl_geo_polygon_box(const struct fl_geo_polygon *polygon,
                               struct fl_geo_box *ret);

/* ---- covers ------------------------------------------------------------ */

#define FL_GEO_CELLS_DEFAULT 32
#define FL_GEO_CELLS_MAX     65536

struct fl_geo_cover_options {
    size_t size;
    unsigned precision_min;               /* no coarser cells; 1 */
    unsigned precision_max;               /* no finer ones; 12 */
    size_t cells_max;                     /* FL_GEO_CELLS_DEFAULT */
    const struct fl_allocator *allocator; /* for work space while it runs */
};

/*
 * Cells that hold every point of the shape, in order, none inside another;
 * ret has room for cells_max. Minimal: each one meets the shape (to within
 * 1 mm; of a box, exactly), no 32 of them make up a coarser one that is
 * allowed, and cells on the shape's edge are cut finer as long as cells_max
 * allows, the coarsest first. With precision_min = precision_max = p it is the
 * cells of precision p that the shape meets. FL_ERR_LIMIT: the coarsest cover
 * has more than cells_max. FL_ERR_RANGE, FL_ERR_NOMEM. O(cells_max x
 * precisions), for a polygon times the sides that meet a cell.
 */
FL_API int fl_geo_cover_circle(struct fl_geo_point center, double radius_m,
                               const struct fl_geo_cover_options *options,
                               fl_geo_cell *ret, size_t *count) FL_MUST_CHECK;
FL_API int fl_geo_cover_box(const struct fl_geo_box *box,
                            const struct fl_geo_cover_options *options,
                            fl_geo_cell *ret, size_t *count) FL_MUST_CHECK;
FL_API int fl_geo_cover_polygon(const struct fl_geo_polygon *polygon,
                                const struct fl_geo_cover_options *options,
                                fl_geo_cell *ret, size_t *count) FL_MUST_CHECK;

/* ---- key plans --------------------------------------------------------- */

/*
 * What to look up in somebody else's index that stores geohashes: one range of
 * keys. Text for stores that sort text (SQL: BETWEEN; a DynamoDB-style index:
 * partition = and key BETWEEN), numbers for stores that sort numbers (Redis:
 * ZRANGEBYSCORE). Both ends are included.
 */
struct fl_geo_range {
    char partition[FL_GEO_TEXT]; /* "" without partitions */
    char first[FL_GEO_TEXT], last[FL_GEO_TEXT];
    uint64_t first_bits, last_bits; /* as fl_geo_cell_to_bits() */
};

struct fl_geo_plan_options {
    size_t size;
    unsigned stored;    /* letters of the keys in the index; 12 */
    unsigned partition; /* letters of the partition's name; 0: none */
    size_t ranges_max;  /* FL_GEO_CELLS_DEFAULT */
    const struct fl_allocator *allocator;
};

/*
 * Ranges that hold every key of the circle, in order, from a cover with
 * neighbouring cells of a partition joined; ret has room for ranges_max. A
 * number of the stored precision fits a double (as Redis keeps scores) up to
 * 10 letters. FL_ERR_LIMIT: ranges_max is too few.
 */
FL_API int fl_geo_plan_circle(struct fl_geo_point center, double radius_m,
                              const struct fl_geo_plan_options *options,
                              struct fl_geo_range *ret,
                              size_t *count) FL_MUST_CHECK;

/*
 * The cell of the point and its eight neighbours, in at most nine ranges: what
 * many programs look up for "near here". They hold every point within a cell's
 * height and width but for the rows next to a pole, where cells narrow; there
 * and for a given radius fl_geo_plan_circle() is right. Precision not above
 * stored, partition not above precision, else FL_ERR_RANGE.
 */
FL_API int fl_geo_plan_around(struct fl_geo_point center, unsigned precision,
                              const struct fl_geo_plan_options *options,
                              struct fl_geo_range ret[9],
                              size_t *count) FL_MUST_CHECK;

/* ---- in the field ------------------------------------------------------ */

#define FL_GEO_DELIVERY_M     100.0
#define FL_GEO_DELIVERY_CELLS 8 /* letters of the two hashes */

struct fl_geo_delivery {
    bool valid; /* within the limit */
    bool same_cell;
    double metres, km;
    char position[FL_GEO_TEXT], address[FL_GEO_TEXT]; /* 8 letters */
};

/* Was it handed over there? limit_m 0 stands for FL_GEO_DELIVERY_M. */
FL_API int fl_geo_delivery_check(struct fl_geo_point position,
                                 struct fl_geo_point address, double limit_m,
                                 struct fl_geo_delivery *ret) FL_MUST_CHECK;

#define FL_GEO_SPEED_KMH      40.0
#define FL_GEO_TRAFFIC_FACTOR 1.2

struct fl_geo_arrival_options {
    size_t size;
    double speed_kmh;      /* mean; FL_GEO_SPEED_KMH */
    double traffic_factor; /* time is multiplied by it; 1.2 */
};

struct fl_geo_arrival {
    double km;      /* along the great circle */
    double minutes; /* km / speed x factor */
    int64_t at_ms;  /* since 1970, UTC */
    char at[25];    /* "2026-11-20T18:44:25.123Z" */
};

/* FL_ERR_RANGE also if the time does not fit four digits of a year. */
FL_API int fl_geo_arrival_estimate(struct fl_geo_point from,
                                   struct fl_geo_point to, int64_t now_ms,
                                   const struct fl_geo_arrival_options *options,
                                   struct fl_geo_arrival *ret) FL_MUST_CHECK;

/* ---- moving points ----------------------------------------------------- */

/*
 * Points named by a 64-bit number of the caller's. A search is exact: it finds
 * what comparing fl_geo_distance_m() with every point would, on one state of
 * the index. Any number of threads may search at once, and none of them waits
 * for another; a writer waits for the searches that run, and they for it.
 * About 40 bytes a point at a million, at most 48.
 */
struct fl_geo_index;

#define FL_GEO_POINTS_MAX ((size_t)1 << 30)

struct fl_geo_index_options {
    size_t size;
    size_t points_max; /* FL_GEO_POINTS_MAX; more is FL_ERR_RANGE */
    const struct fl_allocator *allocator;
};

/*
 * Asked for each point that would be found; false passes it over. It must not
 * call the index.
 */
typedef bool fl_geo_filter_fn(uint64_t id, struct fl_geo_point at, void *arg);

struct fl_geo_query {
    size_t size;
    fl_geo_filter_fn *filter; /* NULL: all */
    void *arg;
    uint32_t since; /* only points of this stamp or a later one */
};

FL_API int fl_geo_index_new(struct fl_geo_index **ret,
                            const struct fl_geo_index_options *options)
    FL_MUST_CHECK;
FL_API void fl_geo_index_free(struct fl_geo_index **index); /* NULL-safe */

/*
 * Inserts or moves. The stamp is the caller's clock (seconds since 1970 fit)
 * and serves fl_geo_index_expire() and fl_geo_query.since. O(log n), a move
 * within its leaf O(1). FL_ERR_RANGE, FL_ERR_LIMIT, FL_ERR_NOMEM.
 */
FL_API int fl_geo_index_put(struct fl_geo_index *index, uint64_t id,
                            struct fl_geo_point at,
                            uint32_t stamp) FL_MUST_CHECK;
/* False: it was not there. */
FL_API bool fl_geo_index_remove(struct fl_geo_index *index, uint64_t id);
/* FL_ERR_NOT_FOUND; distance_m is 0. */
FL_API int fl_geo_index_get(struct fl_geo_index *index, uint64_t id,
                            struct fl_geo_found *ret) FL_MUST_CHECK;
/* Removes every point with an earlier stamp; how many. O(n / 50 + gone). */
FL_API size_t fl_geo_index_expire(struct fl_geo_index *index, uint32_t before);

FL_API size_t fl_geo_index_count(struct fl_geo_index *index);
/* What it has allocated. */
FL_API size_t fl_geo_index_bytes(struct fl_geo_index *index);

/*
 * The nearest max within radius_m (0 to infinity), nearest first, equal ones
 * by id. O(found log found + leaves met).
 */
FL_API int fl_geo_index_radius(struct fl_geo_index *index,
                               struct fl_geo_point from, double radius_m,
                               const struct fl_geo_query *query,
                               struct fl_geo_found *ret, size_t max,
                               size_t *found) FL_MUST_CHECK;
/* The nearest max, wherever they are, nearest first. */
FL_API int fl_geo_index_nearest(struct fl_geo_index *index,
                                struct fl_geo_point from,
                                const struct fl_geo_query *query,
                                struct fl_geo_found *ret, size_t max,
                                size_t *found) FL_MUST_CHECK;
/* At most max of those in the box, in no order; distance_m is 0. */
FL_API int fl_geo_index_box(struct fl_geo_index *index,
                            const struct fl_geo_box *box,
                            const struct fl_geo_query *query,
                            struct fl_geo_found *ret, size_t max,
                            size_t *found) FL_MUST_CHECK;

FL_END_DECLS

#endif
