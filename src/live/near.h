/* SPDX-License-Identifier: MIT */
/*
 * near - GET /api/v1/live/NAME: who is where, in JSON.
 * Threads: loop.
 */
#ifndef FIELDLINE_LIVE_NEAR_H
#define FIELDLINE_LIVE_NEAR_H

#include "base/bytes.h"

struct data_resource;
struct edge;
struct fleet;

/* What the route's handler is given; lives as long as the edge. */
struct near_route {
    struct fleet *fleet;
    const struct data_resource *resource;
    char template[80];
};

int near_route_add(struct near_route *, struct edge *) MUST_CHECK;

/* "500m", "5km", "2.5km"; a bare number is metres. ERR_INVALID, ERR_RANGE. */
int near_radius_read(struct bytes text, double *ret_m) MUST_CHECK;

#endif
