/* SPDX-License-Identifier: MIT */
/* metrics - series, their cap, shards in several threads. Threads: any. */
#include "metrics/metrics.h"
#include "../check.h"

#include <pthread.h>
#include <stdio.h>

static metrics_series request(struct metrics *m, const char *route)
{
    struct bytes values[] = {bytes_of(route), BYTES("GET"), BYTES("200")};

    return metrics_series_of(m, METRIC_HTTP_REQUESTS, values);
}

static void the_same_values_are_the_same_series(void **state)
{
    struct metrics *m;
    struct metrics_shard *a, *b;

    assert_int_equal(metrics_new(&m), 0);
    assert_int_equal(metrics_shard_new(m, &a), 0);
    assert_int_equal(metrics_shard_new(m, &b), 0);

    metrics_series one = request(m, "/one"), two = request(m, "/two");

    assert_true(one && two && one != two);
    assert_int_equal(request(m, "/one"), one);
    metrics_add(a, one, 3);
    metrics_add(b, one, 4);
    metrics_add(b, two, 5);
    assert_int_equal(metrics_series_total(m, one), 7);
    assert_int_equal(metrics_total(m, METRIC_HTTP_REQUESTS), 12);
    assert_int_equal(metrics_total(m, METRIC_HTTP_BAD), 0);
    metrics_free(&m);
    assert_null(m);
    metrics_free(&m);
}

/* {"a","bc"} and {"ab","c"} must not be taken for each other. */
static void values_do_not_run_together(void **state)
{
    struct metrics *m;
    struct bytes one[] = {BYTES("a"), BYTES("bc")};
    struct bytes two[] = {BYTES("ab"), BYTES("c")};

    assert_int_equal(metrics_new(&m), 0);
    assert_true(metrics_series_of(m, METRIC_CACHE_LOOKUPS, one) !=
                metrics_series_of(m, METRIC_CACHE_LOOKUPS, two));
    metrics_free(&m);
}

/* P52: whatever peers send, series stay capped, and nothing is uncounted. */
static void a_flood_of_values_ends_in_other(void **state)
{
    struct metrics *m;
    struct metrics_shard *shard;
    metrics_series last = 0;

    assert_int_equal(metrics_new(&m), 0);
    assert_int_equal(metrics_shard_new(m, &shard), 0);
    for (int i = 0; i < 3 * METRICS_SERIES_MAX; i++) {
        char route[32];

        (void)snprintf(route, sizeof(route), "/random/%d", i);
        last = request(m, route);
        assert_true(last);
        assert_true((last & 0xffffff) < METRICS_SERIES_MAX);
        metrics_add(shard, last, 1);
    }
    assert_int_equal(last, request(m, "/never seen"));
    assert_true(metrics_series_total(m, last) >= 2 * METRICS_SERIES_MAX);
    assert_int_equal(metrics_total(m, METRIC_HTTP_REQUESTS),
                     3 * METRICS_SERIES_MAX);

    /* Every other metric still has its place. */
    struct bytes reason = BYTES("late");
    metrics_series bad = metrics_series_of(m, METRIC_HTTP_BAD, &reason);

    assert_true(bad && bad != last);
    metrics_free(&m);
}

static void a_series_of_another_kind_is_left_alone(void **state)
{
    struct metrics *m;
    struct metrics_shard *shard;
    struct bytes route = BYTES("/r");

    assert_int_equal(metrics_new(&m), 0);
    assert_int_equal(metrics_shard_new(m, &shard), 0);

    metrics_series counter = request(m, "/r");
    metrics_series timing = metrics_series_of(m, METRIC_HTTP_DURATION, &route);

    metrics_record_ns(shard, counter, 1000);
    metrics_gauge_add(shard, counter, 1);
    metrics_add(shard, timing, 1);
    metrics_add(shard, 0, 1);
    metrics_record_ns(shard, 0, 1);
    metrics_gauge_call(m, counter, NULL, NULL);
    assert_int_equal(metrics_total(m, METRIC_HTTP_REQUESTS), 0);
    assert_int_equal(metrics_total(m, METRIC_HTTP_DURATION), 0);
    assert_int_equal(metrics_series_total(m, 0), 0);
    assert_int_equal(metrics_series_total(m, 4000), 0);
    metrics_free(&m);
}

static double seven(void *arg)
{
    return 7.5 + *(double *)arg;
}

static void gauges_rise_and_fall(void **state)
{
    struct metrics *m;
    struct metrics_shard *a, *b;
    double more = 1;

    assert_int_equal(metrics_new(&m), 0);
    assert_int_equal(metrics_shard_new(m, &a), 0);
    assert_int_equal(metrics_shard_new(m, &b), 0);

    metrics_series live = metrics_series_of(m, METRIC_LIVE_OBJECTS, NULL);

    metrics_gauge_add(a, live, 5);
    metrics_gauge_add(b, live, -7);
    assert_true(metrics_value(m, METRIC_LIVE_OBJECTS) == -2);
    metrics_gauge_call(m, live, seven, &more);
    assert_true(metrics_value(m, METRIC_LIVE_OBJECTS) == 8.5);
    metrics_free(&m);
}

static void shards_are_bounded(void **state)
{
    struct metrics *m;
    struct metrics_shard *shard = NULL, *extra = NULL;

    assert_int_equal(metrics_new(&m), 0);
    for (int i = 0; i < METRICS_SHARDS_MAX; i++)
        assert_int_equal(metrics_shard_new(m, &shard), 0);
    assert_int_equal(metrics_shard_new(m, &extra), ERR_LIMIT);
    assert_null(extra);
    metrics_free(&m);
}

#define THREADS 4
#define ADDS    20000

static void *add_many(void *arg)
{
    struct metrics *m = arg;
    struct metrics_shard *shard;

    if (metrics_shard_new(m, &shard) < 0)
        return NULL;
    for (int i = 0; i < ADDS; i++) {
        char route[16];

        (void)snprintf(route, sizeof(route), "/%d", i % 100);
        metrics_add(shard, request(m, route), 1);

        struct bytes value = bytes_of(route);

        metrics_record_ns(shard,
                          metrics_series_of(m, METRIC_HTTP_DURATION, &value),
                          (uint64_t)i * 1000);
    }
    return NULL;
}

static void threads_add_while_others_read(void **state)
{
    pthread_t threads[THREADS];
    struct metrics *m;
    struct metrics_summary s;

    assert_int_equal(metrics_new(&m), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_many, m), 0);
    for (int i = 0; i < 50; i++) {
        metrics_summarise(m, METRIC_HTTP_DURATION, &s);
        assert_true(metrics_total(m, METRIC_HTTP_REQUESTS) <= THREADS * ADDS);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    metrics_summarise(m, METRIC_HTTP_DURATION, &s);
    assert_int_equal(s.count, THREADS * ADDS);
    assert_int_equal(metrics_total(m, METRIC_HTTP_REQUESTS), THREADS * ADDS);
    metrics_free(&m);
}

RUN(cmocka_unit_test(the_same_values_are_the_same_series),
    cmocka_unit_test(values_do_not_run_together),
    cmocka_unit_test(a_flood_of_values_ends_in_other),
    cmocka_unit_test(a_series_of_another_kind_is_left_alone),
    cmocka_unit_test(gauges_rise_and_fall),
    cmocka_unit_test(shards_are_bounded),
    cmocka_unit_test(threads_add_while_others_read))
