/* SPDX-License-Identifier: MIT */
/*
 * summary - sums over the shards: totals, gauges, percentiles, windows.
 * Threads: any; a window belongs to one caller.
 */
#include "metrics/metrics.h"

#include "base/error.h"
#include "base/mem.h"
#include "metrics/registry.h"

#define NS_PER_S 1e9

struct metrics_window {
    struct metrics *metrics;
    enum metric metric;
    struct histogram_sum before;
};

struct metrics_view metrics_look(struct metrics *m)
{
    struct metrics_view v;

    pthread_mutex_lock(&m->lock);
    v = (struct metrics_view){m->shard_count, m->series_count};
    pthread_mutex_unlock(&m->lock);
    return v;
}

static union cell *cell_peek(struct metrics_shard *shard,
                             const struct series *s)
{
    unsigned index = SERIES_INDEX(s->number);
    struct cells *c = atomic_load_explicit(
        &shard->chunks[index / CELLS_PER_CHUNK], memory_order_acquire);

    return c ? &c->cells[index % CELLS_PER_CHUNK] : NULL;
}

uint64_t series_sum(const struct metrics *m, struct metrics_view v,
                    const struct series *s)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < v.shard_count; i++) {
        union cell *c = cell_peek(m->shards[i], s);

        if (c)
            sum += atomic_load_explicit(&c->value, memory_order_relaxed);
    }
    return sum;
}

void series_histogram(const struct metrics *m, struct metrics_view v,
                      const struct series *s, struct histogram_sum *add_to)
{
    for (unsigned i = 0; i < v.shard_count; i++) {
        union cell *c = cell_peek(m->shards[i], s);
        struct histogram *h =
            c ? atomic_load_explicit(&c->histogram, memory_order_acquire)
              : NULL;

        if (h)
            histogram_add_to(h, add_to);
    }
}

/* The function is called outside the lock: it may use the registry itself. */
double series_gauge(struct metrics *m, struct metrics_view v,
                    const struct series *s)
{
    pthread_mutex_lock(&m->lock);

    metrics_gauge_fn *gauge_fn = s->gauge_fn;
    void *arg = s->gauge_arg;

    pthread_mutex_unlock(&m->lock);
    return gauge_fn ? gauge_fn(arg) : (double)(int64_t)series_sum(m, v, s);
}

static void metric_histogram(struct metrics *m, enum metric metric,
                             struct histogram_sum *ret)
{
    struct metrics_view v = metrics_look(m);

    *ret = (struct histogram_sum){0};
    for (unsigned i = 1; i < v.series_count; i++)
        if (m->series[i]->metric == metric)
            series_histogram(m, v, m->series[i], ret);
}

static uint64_t series_count_of(const struct metrics *m, struct metrics_view v,
                                const struct series *s)
{
    struct histogram_sum sum;

    if (SERIES_KIND(s->number) != KIND_HISTOGRAM)
        return series_sum(m, v, s);
    sum = (struct histogram_sum){0};
    series_histogram(m, v, s, &sum);
    return sum.count;
}

uint64_t metrics_series_total(struct metrics *m, metrics_series number)
{
    unsigned index = SERIES_INDEX(number);
    struct metrics_view v = metrics_look(m);

    if (index == 0 || index >= v.series_count)
        return 0;
    return series_count_of(m, v, m->series[index]);
}

uint64_t metrics_total(struct metrics *m, enum metric metric)
{
    struct metrics_view v = metrics_look(m);
    uint64_t sum = 0;

    for (unsigned i = 1; i < v.series_count; i++)
        if (m->series[i]->metric == metric)
            sum += series_count_of(m, v, m->series[i]);
    return sum;
}

double metrics_value(struct metrics *m, enum metric metric)
{
    struct metrics_view v = metrics_look(m);
    double sum = 0;

    for (unsigned i = 1; i < v.series_count; i++)
        if (m->series[i]->metric == metric &&
            SERIES_KIND(m->series[i]->number) == KIND_GAUGE)
            sum += series_gauge(m, v, m->series[i]);
    return sum;
}

static double quantile_s(const struct histogram_sum *sum, double q)
{
    return (double)histogram_quantile(sum, q) / NS_PER_S;
}

static struct metrics_summary summary_of(const struct histogram_sum *sum)
{
    if (sum->count == 0)
        return (struct metrics_summary){0};
    return (struct metrics_summary){
        .count = sum->count,
        .mean_s = (double)sum->total_ns / NS_PER_S / (double)sum->count,
        .p50_s = quantile_s(sum, 0.5),
        .p95_s = quantile_s(sum, 0.95),
        .p99_s = quantile_s(sum, 0.99),
        .p999_s = quantile_s(sum, 0.999),
        .max_s = (double)sum->max_ns / NS_PER_S,
    };
}

void metrics_summarise(struct metrics *m, enum metric metric,
                       struct metrics_summary *ret)
{
    struct histogram_sum sum;

    metric_histogram(m, metric, &sum);
    *ret = summary_of(&sum);
}

int metrics_window_new(struct metrics *m, enum metric metric,
                       struct metrics_window **ret)
{
    struct metrics_window *w = mem_alloc(sizeof(*w));

    if (!w)
        return ERR_NOMEM;
    w->metrics = m;
    w->metric = metric;
    metric_histogram(m, metric, &w->before);
    *ret = w;
    return 0;
}

void metrics_window_free(struct metrics_window **window)
{
    mem_free(*window);
    *window = NULL;
}

/* The largest value is known exactly only if it is a new record; else its
 * bucket's middle stands for it. */
static struct histogram_sum since(const struct histogram_sum *before,
                                  const struct histogram_sum *now)
{
    struct histogram_sum d = {.total_ns = now->total_ns - before->total_ns};

    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        d.buckets[i] = now->buckets[i] - before->buckets[i];
        d.count += d.buckets[i];
        if (d.buckets[i])
            d.max_ns = histogram_bucket_middle(i);
    }
    if (now->max_ns > before->max_ns || d.max_ns > now->max_ns)
        d.max_ns = now->max_ns;
    return d;
}

void metrics_window_turn(struct metrics_window *w, struct metrics_summary *ret)
{
    struct histogram_sum now, passed;

    metric_histogram(w->metrics, w->metric, &now);
    passed = since(&w->before, &now);
    w->before = now;
    *ret = summary_of(&passed);
}
