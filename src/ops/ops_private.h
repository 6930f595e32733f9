/* SPDX-License-Identifier: MIT */
/*
 * ops_private - what the files of ops/ share.
 * Owner: ops. Threads: any, locked by ops.lock where stated.
 */
#ifndef FIELDLINE_OPS_OPS_PRIVATE_H
#define FIELDLINE_OPS_OPS_PRIVATE_H

#include "metrics/metrics.h"
#include "net/loop.h"
#include "ops/ops.h"

#include <pthread.h>
#include <stdatomic.h>

#define OPS_MAGIC   0x0b5e6a11u
#define OPS_SECONDS 60

struct exchange;

enum lookup { LOOKUP_HIT, LOOKUP_MISS, LOOKUP_STALE, LOOKUP_JOINED, LOOKUPS };

/* The counters at one moment, and the requests of the second before it. */
struct second {
    uint64_t at_ns;
    uint64_t requests;
    uint64_t received; /* messages */
    uint64_t sent;     /* messages */
    uint64_t writes;
    uint64_t changes;
    uint64_t lookups[OPS_CLASSES_MAX][LOOKUPS];
    double cpu_s;
    struct metrics_summary http;
};

struct step {
    const char *name;
    uint64_t began_ns;
    _Atomic uint64_t took_ns; /* 0: still running */
    _Atomic int error;
};

struct ops {
    unsigned magic;
    struct ops_options options;
    struct edge *edge; /* of its routes */
    uint64_t started_ns;
    struct loop *loop; /* of the watch, or NULL */
    struct timer timer;
    struct metrics_window *http_window;
    metrics_series lookups[OPS_CLASSES_MAX][LOOKUPS];

    pthread_mutex_t lock;               /* guards seconds and second_count */
    struct second seconds[OPS_SECONDS]; /* ring; newest at count - 1 */
    uint64_t second_count;

    struct step steps[OPS_STEPS_MAX];
    atomic_uint step_count;
    atomic_bool draining;
};

double ops_cpu_seconds(void);
void ops_livez(struct exchange *);
void ops_readyz(struct exchange *);
void ops_performance(struct exchange *);
void ops_take_second(struct ops *);

#endif
