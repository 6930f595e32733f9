/* SPDX-License-Identifier: MIT */
/*
 * catch - what a search around a point has found so far.
 *
 * Rows are PICKED from leaves by a cheap look at their columns; some leaves'
 * rows are then measured together, so that vectors are full, and those within
 * the radius are KEPT. What is kept are places in leaves, sixteen bytes; the
 * caller's array is written once, in order, when all is known. Too much to
 * keep is handed to a struct nearest.
 * Threads: a struct catch belongs to one, which holds the gate as a reader.
 */
#ifndef FIELDLINE_GEO_CATCH_H
#define FIELDLINE_GEO_CATCH_H

#include "geo/index.h"
#include "geo/measure.h"
#include "geo/nearest.h"

#define CATCH_PICKED (2 * LEAF_POINTS)
#define CATCH_KEPT   MEASURE_ROWS
/* What is kept may be ranked at once if it is so few. */
#define CATCH_RANKED LEAF_POINTS

struct spot {
    const struct leaf *leaf;
    uint32_t row;
};

/* Not zeroed as a whole: the arrays are written before they are read. */
struct catch
{
    struct measure measure; /* from where */
    double radius_m;
    const struct fl_geo_query *query;
    const struct window *only; /* if a leaf may reach into more than one */
    uint32_t picked, kept;
    struct spot picked_at[CATCH_PICKED], kept_at[CATCH_KEPT];
    double lat[CATCH_PICKED], lng[CATCH_PICKED]; /* of what was picked */
    double metres[CATCH_KEPT];                   /* of what is kept */
};

/* Is the row asked for, its distance aside? */
bool catch_passes(const struct fl_geo_query *, const struct window *only,
                  const struct leaf *, uint32_t row);

/* Picks rows, a bit each. There must be room for a leaf's. */
void catch_pick(struct catch *, const struct leaf *, uint64_t rows);
static inline bool catch_has_room(const struct catch *c)
{
    return c->picked + LEAF_POINTS <= CATCH_PICKED;
}

/* Measures what was picked and keeps what lies within; there must be room. */
void catch_measure(struct catch *);

/* Keeps only the nearest max, 1 to kept; how far the farthest of them is. */
double catch_cut(struct catch *, uint32_t max);

/* Writes the nearest max of what is kept, nearest first; how many. At most
 * CATCH_RANKED are kept. */
size_t catch_write(struct catch *, struct fl_geo_found *ret, size_t max);

/* Hands over what is kept. */
void catch_spill(struct catch *, struct nearest *);

#endif
