/* SPDX-License-Identifier: MIT */
/*
 * write - the scrape, in the Prometheus text format 0.0.4.
 *
 * The fine buckets are folded into a fixed set of bounds, the same for every
 * histogram, so that they can be added across nodes.
 * Threads: any.
 */
#include "metrics/metrics.h"

#include "base/buf.h"
#include "metrics/registry.h"

#include <inttypes.h>
#include <math.h>

static const struct {
    uint64_t ns;
    const char *text; /* in seconds */
} bounds[] = {
    {100000u, "0.0001"},  {250000u, "0.00025"}, {500000u, "0.0005"},
    {1000000u, "0.001"},  {2500000u, "0.0025"}, {5000000u, "0.005"},
    {10000000u, "0.01"},  {25000000u, "0.025"}, {50000000u, "0.05"},
    {100000000u, "0.1"},  {250000000u, "0.25"}, {500000000u, "0.5"},
    {1000000000u, "1"},   {2500000000u, "2.5"}, {5000000000u, "5"},
    {10000000000u, "10"}, {25000000000u, "25"}, {60000000000u, "60"},
};

static const char *const kind_names[] = {
    [KIND_COUNTER] = "counter",
    [KIND_GAUGE] = "gauge",
    [KIND_HISTOGRAM] = "histogram",
};

static void write_value_text(struct buf *out, struct bytes value)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.at[i];

        if (c == '\\' || c == '"')
            buf_append_char(out, '\\');
        if (c == '\n')
            buf_append(out, BYTES("\\n"));
        else
            buf_append_char(out, c);
    }
}

/* {route="...",le="..."}; le NULL leaves it out. */
static void write_labels(struct buf *out, const struct series *s,
                         const char *le)
{
    struct bytes names = bytes_of(metric_rows[s->metric].labels), name;

    if (s->count == 0 && !le)
        return;
    buf_append_char(out, '{');
    for (unsigned i = 0; i < s->count; i++) {
        bytes_cut(names, ',', &name, &names);
        if (i)
            buf_append_char(out, ',');
        buf_append(out, name);
        buf_append(out, BYTES("=\""));
        write_value_text(out, s->values[i]);
        buf_append_char(out, '"');
    }
    if (le)
        buf_printf(out, "%sle=\"%s\"", s->count ? "," : "", le);
    buf_append_char(out, '}');
}

static void write_line(struct buf *out, const struct series *s,
                       const char *suffix, const char *le, uint64_t value)
{
    buf_append(out, bytes_of(metric_rows[s->metric].name));
    buf_append(out, bytes_of(suffix));
    write_labels(out, s, le);
    buf_append_char(out, ' ');
    buf_append_u64(out, value);
    buf_append_char(out, '\n');
}

static void write_histogram(struct buf *out, const struct series *s,
                            const struct histogram_sum *sum)
{
    uint64_t below = 0;
    unsigned bucket = 0;

    for (unsigned i = 0; i < ARRAY_LEN(bounds); i++) {
        while (bucket < HISTOGRAM_BUCKETS &&
               histogram_bucket_middle(bucket) <= bounds[i].ns)
            below += sum->buckets[bucket++];
        write_line(out, s, "_bucket", bounds[i].text, below);
    }
    write_line(out, s, "_bucket", "+Inf", sum->count);
    buf_append(out, bytes_of(metric_rows[s->metric].name));
    buf_append(out, BYTES("_sum"));
    write_labels(out, s, NULL);
    buf_printf(out, " %" PRIu64 ".%09" PRIu64 "\n", sum->total_ns / 1000000000u,
               sum->total_ns % 1000000000u);
    write_line(out, s, "_count", NULL, sum->count);
}

static void write_gauge(struct buf *out, const struct series *s, double value)
{
    buf_append(out, bytes_of(metric_rows[s->metric].name));
    write_labels(out, s, NULL);
    if (isfinite(value))
        buf_printf(out, " %.15g\n", value);
    else
        buf_append(out, BYTES(" NaN\n"));
}

static void write_series(struct metrics *m, struct metrics_view v,
                         const struct series *s, struct buf *out)
{
    struct histogram_sum sum;

    switch (SERIES_KIND(s->number)) {
    case KIND_COUNTER:
        write_line(out, s, "", NULL, series_sum(m, v, s));
        break;
    case KIND_GAUGE:
        write_gauge(out, s, series_gauge(m, v, s));
        break;
    case KIND_HISTOGRAM:
        sum = (struct histogram_sum){0};
        series_histogram(m, v, s, &sum);
        write_histogram(out, s, &sum);
        break;
    case KIND_NONE:
        break;
    }
}

void metrics_write(struct metrics *m, struct buf *out)
{
    struct metrics_view v = metrics_look(m);

    for (int i = 0; i < METRIC_COUNT; i++) {
        const struct metric_row *row = &metric_rows[i];

        buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help,
                   row->name, kind_names[row->kind]);
        for (unsigned n = 1; n < v.series_count; n++)
            if ((int)m->series[n]->metric == i)
                write_series(m, v, m->series[n], out);
    }
}
