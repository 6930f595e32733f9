/* SPDX-License-Identifier: MIT */
/*
 * metrics - counters, gauges and histograms that cost one add.
 *
 * A registry holds series; a series is a metric of the table (table.h) with
 * its label values, registered at start-up and named by a small number. Each
 * thread adds to its own shard (no atomics read-modify-write shared between
 * threads); a scrape sums the shards. Past METRICS_SERIES_MAX a new series
 * becomes the metric's series with every label "other", so that what peers
 * send can never grow memory.
 *
 * Histograms are log-linear: 1 % relative error from 1 us to 60 s, recorded in
 * nanoseconds, exposed in seconds.
 * Owner: app. Threads: any (each shard is written by its own thread only).
 */
#ifndef FIELDLINE_METRICS_METRICS_H
#define FIELDLINE_METRICS_METRICS_H

#include "base/bytes.h"
#include "metrics/table.h"

#include <stdint.h>

struct buf;
struct metrics;
struct metrics_shard;

#define METRICS_SERIES_MAX 4096
#define METRICS_LABELS_MAX 4
#define METRICS_SHARDS_MAX 80

typedef uint32_t metrics_series; /* 0 is never a series: adds to it are lost */

int metrics_new(struct metrics **ret) MUST_CHECK;
void metrics_free(struct metrics **);

/* One shard a thread; lives as long as the registry. ERR_LIMIT, ERR_NOMEM. */
int metrics_shard_new(struct metrics *, struct metrics_shard **ret) MUST_CHECK;

/* values: one for each label the metric's table row names, in that order.
 * The same values give the same series. Never fails: see above. Locks. */
metrics_series metrics_series_of(struct metrics *, enum metric,
                                 const struct bytes *values);

void metrics_add(struct metrics_shard *, metrics_series, uint64_t n);
void metrics_gauge_add(struct metrics_shard *, metrics_series, int64_t n);
void metrics_record_ns(struct metrics_shard *, metrics_series, uint64_t ns);
/* A gauge computed at scrape. Replaces an earlier function of the series. */
typedef double metrics_gauge_fn(void *arg);
void metrics_gauge_call(struct metrics *, metrics_series, metrics_gauge_fn *,
                        void *arg);

/* Sums, over all series of the metric (labels NULL) or of one series. */
uint64_t metrics_total(struct metrics *, enum metric);
uint64_t metrics_series_total(struct metrics *, metrics_series);
double metrics_value(struct metrics *, enum metric); /* gauges, summed */
struct metrics_summary {
    uint64_t count;
    double mean_s, p50_s, p95_s, p99_s, p999_s, max_s;
};
void metrics_summarise(struct metrics *, enum metric,
                       struct metrics_summary *ret);
/* The same over what was recorded since the last call for this window. */
struct metrics_window;
int metrics_window_new(struct metrics *, enum metric,
                       struct metrics_window **ret) MUST_CHECK;
void metrics_window_free(struct metrics_window **);
void metrics_window_turn(struct metrics_window *, struct metrics_summary *ret);

/* The Prometheus text format 0.0.4, every metric with HELP and TYPE. */
void metrics_write(struct metrics *, struct buf *out);

#endif
