/* SPDX-License-Identifier: MIT */
/*
 * registry - what the files of metrics/ share: the series and their cells.
 *
 * A series' number carries its kind in the two high bits, so that recording a
 * duration into a counter is noticed without a lock. Series are only ever
 * added: whoever knows the count (taken under the lock) reads those below it
 * without one. A shard's cells come in chunks, made by its own thread at the
 * first add.
 * Owner: metrics. Threads: any, see each field.
 */
#ifndef FIELDLINE_METRICS_REGISTRY_H
#define FIELDLINE_METRICS_REGISTRY_H

#include "base/table.h"
#include "metrics/histogram.h"
#include "metrics/metrics.h"

#include <pthread.h>
#include <stdatomic.h>

#define SERIES_KIND_SHIFT 30
#define SERIES_INDEX(s)   ((s) & ((1u << SERIES_KIND_SHIFT) - 1))
#define SERIES_KIND(s)    ((enum metric_kind)((s) >> SERIES_KIND_SHIFT))
#define CELLS_PER_CHUNK   64

enum metric_kind { KIND_NONE, KIND_COUNTER, KIND_GAUGE, KIND_HISTOGRAM };

struct metric_row {
    enum metric_kind kind;
    const char *name;
    const char *labels; /* "a,b" or "" */
    const char *help;
};

extern const struct metric_row metric_rows[METRIC_COUNT];

struct series {
    enum metric metric;
    metrics_series number;
    unsigned count;
    struct bytes values[METRICS_LABELS_MAX]; /* inside the key */
    struct bytes key;                        /* behind this struct */
    metrics_gauge_fn *gauge_fn;              /* locked */
    void *gauge_arg;                         /* locked */
};

union cell {
    _Atomic uint64_t value;
    struct histogram *_Atomic histogram;
};

struct cells {
    union cell cells[CELLS_PER_CHUNK];
};

struct metrics_shard {
    struct cells *_Atomic chunks[METRICS_SERIES_MAX / CELLS_PER_CHUNK];
};

struct metrics {
    pthread_mutex_t lock;
    unsigned shard_count;  /* locked */
    unsigned series_count; /* locked; number 0 is no series */
    struct table *by_key;  /* locked */
    struct metrics_shard *shards[METRICS_SHARDS_MAX];
    struct series *series[METRICS_SERIES_MAX];
};

/* How much of the registry stands still for a reader. */
struct metrics_view {
    unsigned shard_count;
    unsigned series_count;
};

struct metrics_view metrics_look(struct metrics *);
uint64_t series_sum(const struct metrics *, struct metrics_view,
                    const struct series *);
double series_gauge(struct metrics *, struct metrics_view,
                    const struct series *);
void series_histogram(const struct metrics *, struct metrics_view,
                      const struct series *, struct histogram_sum *add_to);

#endif
