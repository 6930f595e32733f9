/* SPDX-License-Identifier: MIT */
/* write - the scrape's text: names, labels, buckets. Threads: loop. */
#include "base/buf.h"
#include "metrics/metrics.h"
#include "../check.h"

#include <stdio.h>
#include <stdlib.h>

static char scraped[1 << 20];

static const char *scrape(struct metrics *m)
{
    struct buf out;

    buf_init(&out, sizeof(scraped) - 1);
    metrics_write(m, &out);
    assert_int_equal(buf_error(&out), 0);
    memcpy(scraped, out.at, out.len);
    scraped[out.len] = '\0';
    buf_fini(&out);
    return scraped;
}

static void has(const char *text, const char *line)
{
    if (strstr(text, line))
        return;
    (void)fputs(text, stderr);
    (void)fputs(line, stderr);
    fail_msg("the line is missing");
}

static void every_metric_has_help_and_type(void **state)
{
    struct metrics *m;

    assert_int_equal(metrics_new(&m), 0);

    const char *text = scrape(m);
    char want[200];

#define X(id, kind, name, labels, help)                                        \
    (void)snprintf(want, sizeof(want), "# HELP %s ", name);                    \
    has(text, want);                                                           \
    (void)snprintf(want, sizeof(want), "# TYPE %s ", name);                    \
    has(text, want);
    METRICS_TABLE(X)
#undef X
    has(text, "\nfieldline_sent_bytes_total 0\n");
    metrics_free(&m);
}

static void labels_are_escaped(void **state)
{
    struct metrics *m;
    struct metrics_shard *shard;
    struct bytes values[] = {BYTES("/a\"b\\c\nd\xff"), BYTES("GET"), BYTES("")};

    assert_int_equal(metrics_new(&m), 0);
    assert_int_equal(metrics_shard_new(m, &shard), 0);
    metrics_add(shard, metrics_series_of(m, METRIC_HTTP_REQUESTS, values), 2);

    const char *text = scrape(m);

    has(text, "fieldline_http_requests_total{route=\"/a\\\"b\\\\c\\nd?\","
              "method=\"GET\",status=\"\"} 2\n");
    metrics_free(&m);
}

static void a_long_value_is_cut_between_characters(void **state)
{
    struct metrics *m;
    struct metrics_shard *shard;
    char value[300], want[200] = "{reason=\"xx";

    for (size_t i = 0; i < sizeof(value); i += 3)
        memcpy(value + i, "\xe2\x82\xac", 3);
    memcpy(value, "xx\xe2", 3); /* the third byte alone is no character */
    for (int i = 0; i < 39; i++)
        strcat(want, i ? "\xe2\x82\xac" : "?\xe2\x82\xac");
    strcat(want, "\"} 1\n");

    struct bytes reason = {value, sizeof(value)};

    assert_int_equal(metrics_new(&m), 0);
    assert_int_equal(metrics_shard_new(m, &shard), 0);
    metrics_add(shard, metrics_series_of(m, METRIC_HTTP_BAD, &reason), 1);
    has(scrape(m), want);
    metrics_free(&m);
}

static void buckets_are_cumulative(void **state)
{
    struct metrics *m;
    struct metrics_shard *shard;
    struct bytes read = BYTES("read");

    assert_int_equal(metrics_new(&m), 0);
    assert_int_equal(metrics_shard_new(m, &shard), 0);

    metrics_series s = metrics_series_of(m, METRIC_DB_DURATION, &read);

    metrics_record_ns(shard, s, 50000);
    metrics_record_ns(shard, s, 3000000);
    metrics_record_ns(shard, s, 90000000000u);

    const char *text = scrape(m);

    has(text, "_query_duration_seconds_bucket{class=\"read\",le=\"0.0001\"} 1");
    has(text, "_query_duration_seconds_bucket{class=\"read\",le=\"0.0025\"} 1");
    has(text, "_query_duration_seconds_bucket{class=\"read\",le=\"0.005\"} 2");
    has(text, "_query_duration_seconds_bucket{class=\"read\",le=\"60\"} 2");
    has(text, "_query_duration_seconds_bucket{class=\"read\",le=\"+Inf\"} 3");
    has(text, "_query_duration_seconds_sum{class=\"read\"} 90.003050000\n");
    has(text, "_query_duration_seconds_count{class=\"read\"} 3\n");
    if (getenv("FIELDLINE_SCRAPE_TO")) {
        FILE *f = fopen(getenv("FIELDLINE_SCRAPE_TO"), "w");

        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
    }
    metrics_free(&m);
}

RUN(cmocka_unit_test(every_metric_has_help_and_type),
    cmocka_unit_test(labels_are_escaped),
    cmocka_unit_test(a_long_value_is_cut_between_characters),
    cmocka_unit_test(buckets_are_cumulative))
