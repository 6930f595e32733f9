/* SPDX-License-Identifier: MIT */
/*
 * nearest - the nearest of those that are offered, in the caller's array.
 *
 * As long as there is room they are only appended; then the array becomes a
 * heap with the farthest on top, which the next nearer one replaces. Equal
 * distances go by id, so that an answer never varies.
 * Threads: a struct nearest belongs to one.
 */
#ifndef FIELDLINE_GEO_NEAREST_H
#define FIELDLINE_GEO_NEAREST_H

#include "fieldline/geo.h"

struct nearest {
    struct fl_geo_found *found;
    size_t max; /* at least 1 */
    size_t count;
    bool heaped;
};

/* True: it displaced a farther one, and farthest_m() is now smaller or equal.
 */
bool nearest_offer(struct nearest *, const struct fl_geo_found *);
/* The farthest kept; only once the heap is there. */
static inline double nearest_farthest_m(const struct nearest *n)
{
    return n->found[0].distance_m;
}
/* Makes the heap of a full array. */
void nearest_heap(struct nearest *);
/* Nearest first; nothing can be offered afterwards. */
void nearest_sort(struct nearest *);

#endif
