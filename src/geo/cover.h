/* SPDX-License-Identifier: MIT */
/*
 * cover - how a shape and a cell lie to each other.
 * Threads: a shape belongs to one.
 */
#ifndef FIELDLINE_GEO_COVER_H
#define FIELDLINE_GEO_COVER_H

#include "geo/polygon.h"

enum relation {
    APART,
    MEETS,
    HOLDS, /* the whole cell lies in the shape */
};

struct shape;
/* May say MEETS of a cell that is 1 mm apart or wholly inside; no more. */
typedef enum relation relate_fn(const struct shape *,
                                const struct fl_geo_box *);

struct shape {
    relate_fn *relate;
    union {
        struct {
            struct fl_geo_point center, antipode;
            double radius_m;
        } circle;
        struct fl_geo_box box;
        struct {
            const struct fl_geo_polygon *polygon;
            const struct side **sides; /* those that may meet the cell */
            uint32_t count;
        } ring;
    };
};

relate_fn circle_relate, box_relate, polygon_relate;

/* Of the polygon's sides, those that meet the cell (all: NULL). */
void polygon_narrow(struct shape *, const struct fl_geo_box *cell);

#endif
