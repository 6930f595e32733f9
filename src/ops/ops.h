/* SPDX-License-Identifier: MIT */
/*
 * ops - what those who run it see: health, metrics, performance, warm-up.
 *
 *   GET /livez            the process answers
 *   GET /readyz           its dependencies are there and it is not draining;
 *                         ?verbose names each check and each warm-up step
 *   GET /metrics          Prometheus text format 0.0.4
 *   GET /api/performance  the last second and the last minute, as JSON
 *
 * None of them shows a tenant's data; none needs a token.
 * Owner: app. Threads: any, the last second's figures are locked by ops.
 */
#ifndef FIELDLINE_OPS_OPS_H
#define FIELDLINE_OPS_OPS_H

#include "base/bytes.h"

struct edge;
struct feed;
struct loop;
struct metrics;
struct ops;

#define OPS_CLASSES_MAX 64
#define OPS_STEPS_MAX   16

struct ops_options {
    struct metrics *metrics;
    struct feed *feed;
    unsigned class_count;
    const struct bytes *classes; /* cache classes, borrowed */
    struct bytes app;            /* the application's name, borrowed */
    unsigned workers;
};

int ops_new(struct ops **ret, const struct ops_options *) MUST_CHECK;
void ops_free(struct ops **);
int ops_routes(struct ops *, struct edge *) MUST_CHECK;

/* Takes the figures of each second, on this loop, until ops_unwatch(). */
void ops_watch(struct ops *, struct loop *);
void ops_unwatch(struct ops *);

/* Warm-up is a number of named steps. /readyz is red until all are done. */
unsigned ops_step_begin(struct ops *, const char *name /* static */);
void ops_step_done(struct ops *, unsigned step, int error);
void ops_draining(struct ops *);

#endif
