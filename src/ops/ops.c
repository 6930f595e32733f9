/* SPDX-License-Identifier: MIT */
/*
 * ops - life cycle, routes, the scrape, and the second hand.
 * Threads: any, locked by ops.lock.
 */
#include "ops/ops.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "edge/edge.h"
#include "feed/feed.h"
#include "ops/ops_private.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#define SCRAPE_BYTES_MAX (8u << 20)
#define SECOND_MS        1000

static const char *const lookup_names[LOOKUPS] = {"hit", "miss", "stale",
                                                  "joined"};

double ops_cpu_seconds(void)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 0;
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double gauge_cpu(void *arg)
{
    return ops_cpu_seconds();
}

static double gauge_memory(void *arg)
{
    unsigned long size, resident;
    FILE *f = fopen("/proc/self/statm", "re");

    if (!f)
        return 0;
    if (fscanf(f, "%lu %lu", &size, &resident) != 2)
        resident = 0;
    fclose(f);
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static double gauge_start(void *arg)
{
    const struct ops *ops = arg;
    int64_t age_us = (int64_t)((clock_mono_ns() - ops->started_ns) / 1000);

    return (double)(clock_wall_us() - age_us) / 1e6;
}

static double gauge_horizon_age(void *arg)
{
    return (double)feed_horizon_age_ms(arg) / 1000;
}

static double gauge_feed_stale(void *arg)
{
    return feed_is_stale(arg) ? 1 : 0;
}

static void gauges(struct ops *ops)
{
    struct metrics *m = ops->options.metrics;
    const struct {
        enum metric metric;
        metrics_gauge_fn *fn;
        void *arg;
    } all[] = {
        {METRIC_PROCESS_CPU, gauge_cpu, NULL},
        {METRIC_PROCESS_MEMORY, gauge_memory, NULL},
        {METRIC_PROCESS_START, gauge_start, ops},
        {METRIC_FEED_HORIZON_AGE, gauge_horizon_age, ops->options.feed},
        {METRIC_FEED_STALE, gauge_feed_stale, ops->options.feed},
    };

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        metrics_gauge_call(m, metrics_series_of(m, all[i].metric, NULL),
                           all[i].fn, all[i].arg);
}

int ops_new(struct ops **ret, const struct ops_options *options)
{
    struct ops *ops;
    int error;

    if (options->class_count > OPS_CLASSES_MAX)
        return ERR_LIMIT;
    ops = mem_zalloc(1, sizeof(*ops));
    if (!ops)
        return ERR_NOMEM;
    ops->magic = OPS_MAGIC;
    ops->options = *options;
    ops->started_ns = clock_mono_ns();
    pthread_mutex_init(&ops->lock, NULL);
    error = metrics_window_new(options->metrics, METRIC_HTTP_DURATION,
                               &ops->http_window);
    if (error) {
        ops_free(&ops);
        return error;
    }
    for (unsigned c = 0; c < options->class_count; c++)
        for (unsigned l = 0; l < LOOKUPS; l++)
            ops->lookups[c][l] =
                metrics_series_of(options->metrics, METRIC_CACHE_LOOKUPS,
                                  (struct bytes[]){options->classes[c],
                                                   bytes_of(lookup_names[l])});
    gauges(ops);
    *ret = ops;
    return 0;
}

void ops_free(struct ops **ops)
{
    if (!*ops)
        return;
    ops_unwatch(*ops);
    metrics_window_free(&(*ops)->http_window);
    pthread_mutex_destroy(&(*ops)->lock);
    mem_free(*ops);
    *ops = NULL;
}

/* GET /metrics */
static void scrape(struct exchange *x)
{
    struct ops *ops = x->route->arg;
    struct buf out;

    buf_init(&out, SCRAPE_BYTES_MAX);
    metrics_write(ops->options.metrics, &out);
    exchange_reply_buf(x, 200, "text/plain; version=0.0.4; charset=utf-8",
                       &out);
    buf_fini(&out);
}

int ops_routes(struct ops *ops, struct edge *edge)
{
    const struct {
        const char *template;
        exchange_fn *handler;
    } all[] = {
        {"/livez", ops_livez},
        {"/readyz", ops_readyz},
        {"/metrics", scrape},
        {"/api/performance", ops_performance},
    };

    ops->edge = edge;
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct route route = {.method = HTTP_GET,
                              .template = all[i].template,
                              .handler = all[i].handler,
                              .flags = ROUTE_PUBLIC,
                              .cache_class = -1,
                              .arg = ops};
        int error = edge_route_add(edge, &route);

        if (error)
            return error;
    }
    return 0;
}

/* The figures of one more second. On the watch's loop. */
void ops_take_second(struct ops *ops)
{
    struct metrics *m = ops->options.metrics;
    struct second now = {.at_ns = clock_mono_ns()};

    now.requests = metrics_total(m, METRIC_HTTP_REQUESTS);
    now.received = metrics_total(m, METRIC_HUB_MESSAGES_IN);
    now.sent = metrics_total(m, METRIC_HUB_MESSAGES_OUT);
    now.writes = metrics_total(m, METRIC_DB_WRITES);
    now.changes = metrics_total(m, METRIC_FEED_CHANGES);
    for (unsigned c = 0; c < ops->options.class_count; c++)
        for (unsigned l = 0; l < LOOKUPS; l++)
            now.lookups[c][l] = metrics_series_total(m, ops->lookups[c][l]);
    now.cpu_s = ops_cpu_seconds();
    metrics_window_turn(ops->http_window, &now.http);

    pthread_mutex_lock(&ops->lock);
    ops->seconds[ops->second_count++ % OPS_SECONDS] = now;
    pthread_mutex_unlock(&ops->lock);
}

static void on_second(struct timer *timer, void *arg)
{
    struct ops *ops = arg;

    ops_take_second(ops);
    timer_start(ops->loop, timer, SECOND_MS);
}

void ops_watch(struct ops *ops, struct loop *loop)
{
    ops->loop = loop;
    timer_init(&ops->timer, on_second, ops);
    ops_take_second(ops);
    timer_start(loop, &ops->timer, SECOND_MS);
}

void ops_unwatch(struct ops *ops)
{
    if (ops->loop)
        timer_stop(&ops->timer);
    ops->loop = NULL;
}
