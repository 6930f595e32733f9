/* SPDX-License-Identifier: MIT */
/* histogram - one per cent over the whole range. Threads: loop. */
#include "metrics/histogram.h"
#include "../check.h"

#include <math.h>

static void a_bucket_is_within_one_per_cent(void **state)
{
    for (uint64_t ns = 1000; ns <= 60000000000u; ns += ns / 997) {
        uint64_t middle = histogram_bucket_middle(histogram_bucket(ns));
        double error = fabs((double)middle - (double)ns) / (double)ns;

        assert_true(error <= 0.01);
    }
}

static void buckets_follow_each_other(void **state)
{
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        assert_int_equal(histogram_bucket(histogram_bucket_middle(i)), i);
        if (i)
            assert_true(histogram_bucket_middle(i) >
                        histogram_bucket_middle(i - 1));
    }
    assert_int_equal(histogram_bucket(0), 0);
    assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
}

static void quantiles_are_what_they_say(void **state)
{
    static struct histogram_sum sum;
    struct histogram *h = histogram_new();

    assert_non_null(h);
    histogram_add_to(h, &sum);
    assert_int_equal(histogram_quantile(&sum, 0.99), 0);
    for (uint64_t i = 1; i <= 10000; i++)
        histogram_record(h, i * 1000);
    histogram_add_to(h, &sum);
    assert_int_equal(sum.count, 10000);
    assert_int_equal(sum.max_ns, 10000000);
    assert_int_equal(sum.total_ns, 50005000000u);
    assert_true(fabs((double)histogram_quantile(&sum, 0.5) / 5e6 - 1) < 0.01);
    assert_true(fabs((double)histogram_quantile(&sum, 0.99) / 9.9e6 - 1) <
                0.01);
    assert_true(histogram_quantile(&sum, 1) <= sum.max_ns);
    assert_true(fabs((double)histogram_quantile(&sum, 0) / 1e3 - 1) < 0.01);
    histogram_free(&h);
    assert_null(h);
    histogram_free(&h);
}

RUN(cmocka_unit_test(a_bucket_is_within_one_per_cent),
    cmocka_unit_test(buckets_follow_each_other),
    cmocka_unit_test(quantiles_are_what_they_say))
