/* SPDX-License-Identifier: MIT */
/*
 * histogram - how often each duration occurred, one writer, any readers.
 *
 * Log-linear: each power of two of nanoseconds is an octave of 64 equal
 * buckets, so a bucket's middle is at most 0.8 % from what fell into it. The
 * octaves reach from 512 ns to 69 s; what lies outside falls into the first or
 * the last bucket. An octave's memory comes with its first value: a histogram
 * that has seen nothing costs a few pointers.
 * Owner: a metrics shard. Threads: one records; any may fold meanwhile.
 */
#ifndef FIELDLINE_METRICS_HISTOGRAM_H
#define FIELDLINE_METRICS_HISTOGRAM_H

#include "base/attr.h"

#include <stdint.h>

#define HISTOGRAM_OCTAVE_FIRST 9 /* 2^9 ns */
#define HISTOGRAM_OCTAVES      27
#define HISTOGRAM_SUB_BITS     6
#define HISTOGRAM_SUBS         (1 << HISTOGRAM_SUB_BITS)
#define HISTOGRAM_BUCKETS      (HISTOGRAM_OCTAVES * HISTOGRAM_SUBS)

struct histogram;

/* Several histograms summed, for whoever asks. */
struct histogram_sum {
    uint64_t count;
    uint64_t total_ns;
    uint64_t max_ns;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

struct histogram *histogram_new(void) MUST_CHECK; /* or NULL */
void histogram_free(struct histogram **);         /* NULL-safe, clears */
void histogram_record(struct histogram *, uint64_t ns);
void histogram_add_to(const struct histogram *, struct histogram_sum *);

/* The value that a share q (0 to 1) of the recorded ones does not exceed. */
uint64_t histogram_quantile(const struct histogram_sum *, double q);
unsigned histogram_bucket(uint64_t ns);
uint64_t histogram_bucket_middle(unsigned bucket);

#endif
