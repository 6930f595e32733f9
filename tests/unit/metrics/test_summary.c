/* SPDX-License-Identifier: MIT */
/* summary - percentiles over all series, and over a window. Threads: loop. */
#include "metrics/metrics.h"
#include "../check.h"

#include <math.h>

static bool near(double got, double want)
{
    return fabs(got - want) <= 0.01 * want;
}

static void sums_over_series_and_shards(void **state)
{
    struct metrics *m;
    struct metrics_shard *a, *b;
    struct metrics_summary s;
    struct bytes one = BYTES("/one"), two = BYTES("/two");

    assert_int_equal(metrics_new(&m), 0);
    assert_int_equal(metrics_shard_new(m, &a), 0);
    assert_int_equal(metrics_shard_new(m, &b), 0);
    metrics_summarise(m, METRIC_HTTP_DURATION, &s);
    assert_int_equal(s.count, 0);
    assert_true(s.p99_s == 0);

    metrics_series first = metrics_series_of(m, METRIC_HTTP_DURATION, &one);
    metrics_series second = metrics_series_of(m, METRIC_HTTP_DURATION, &two);

    for (uint64_t i = 1; i <= 1000; i++)
        metrics_record_ns(i % 2 ? a : b, i % 3 ? first : second, i * 1000000);
    metrics_summarise(m, METRIC_HTTP_DURATION, &s);
    assert_int_equal(s.count, 1000);
    assert_true(near(s.mean_s, 0.5005));
    assert_true(near(s.p50_s, 0.5));
    assert_true(near(s.p95_s, 0.95));
    assert_true(near(s.p99_s, 0.99));
    assert_true(near(s.p999_s, 0.999));
    assert_true(s.max_s == 1.0);
    metrics_free(&m);
}

static void a_window_sees_only_what_is_new(void **state)
{
    struct metrics *m;
    struct metrics_shard *shard;
    struct metrics_window *w;
    struct metrics_summary s;

    assert_int_equal(metrics_new(&m), 0);
    assert_int_equal(metrics_shard_new(m, &shard), 0);

    metrics_series feed = metrics_series_of(m, METRIC_FEED_DELAY, NULL);

    metrics_record_ns(shard, feed, 2000000000);
    assert_int_equal(metrics_window_new(m, METRIC_FEED_DELAY, &w), 0);
    metrics_record_ns(shard, feed, 1000000);
    metrics_record_ns(shard, feed, 3000000);
    metrics_window_turn(w, &s);
    assert_int_equal(s.count, 2);
    assert_true(near(s.mean_s, 0.002));
    assert_true(near(s.max_s, 0.003));
    metrics_window_turn(w, &s);
    assert_int_equal(s.count, 0);
    assert_true(s.max_s == 0);
    metrics_record_ns(shard, feed, 5000000000);
    metrics_window_turn(w, &s);
    assert_true(s.max_s == 5.0);
    metrics_window_free(&w);
    metrics_window_free(&w);
    metrics_free(&m);
}

RUN(cmocka_unit_test(sums_over_series_and_shards),
    cmocka_unit_test(a_window_sees_only_what_is_new))
