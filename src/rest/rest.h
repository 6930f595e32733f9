/* SPDX-License-Identifier: MIT */
/*
 * rest - resources over HTTP: /api/v1/<resource> and /api/v1/<resource>/:id.
 *
 * An item's ETag is "version.representation": the row's version, which is all
 * that If-Match compares, and a hash of what was sent.
 * Each worker's data_worker stands in its edge_worker's EDGE_SLOT_DATA.
 * Owner: app. Threads: routes immutable; handlers loop.
 */
#ifndef FIELDLINE_REST_REST_H
#define FIELDLINE_REST_REST_H

#include "base/attr.h"

struct data;
struct edge;

/* Before edge_start(). The data has to outlive the edge. */
int rest_routes(struct data *, struct edge *) MUST_CHECK;

#endif
