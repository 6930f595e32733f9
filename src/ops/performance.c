/* SPDX-License-Identifier: MIT */
/*
 * performance - GET /api/performance: the last second and the last minute.
 *
 * Rates are differences of counters over the seconds that were taken; the
 * percentiles are those of the newest second that saw requests. Times are in
 * milliseconds, uptime in seconds, memory in bytes.
 * Threads: any, locked by ops.lock.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "edge/edge.h"
#include "feed/feed.h"
#include "fieldline/cache.h"
#include "json/json.h"
#include "ops/ops_private.h"
#include "store/change.h"

#define PERFORMANCE_BYTES_MAX (64u << 10)

/* What lies between two seconds of the ring. */
struct span {
    const struct second *from, *to;
    double seconds;
};

static struct span span_of(const struct ops *ops, uint64_t back)
{
    uint64_t newest = ops->second_count - 1;
    uint64_t kept =
        ops->second_count < OPS_SECONDS ? ops->second_count : OPS_SECONDS;
    struct span s;

    if (back > kept - 1)
        back = kept - 1;
    s.to = &ops->seconds[newest % OPS_SECONDS];
    s.from = &ops->seconds[(newest - back) % OPS_SECONDS];
    s.seconds = (double)(s.to->at_ns - s.from->at_ns) / 1e9;
    return s;
}

static double rate(uint64_t from, uint64_t to, double seconds)
{
    return seconds > 0 ? (double)(to - from) / seconds : 0;
}

static void member(struct buf *out, const char *name, double value)
{
    if (out->len && out->at[out->len - 1] != '{')
        buf_append_char(out, ',');
    json_write_key(out, bytes_of(name));
    json_write_double(out, value);
}

static void open_member(struct buf *out, const char *name)
{
    if (out->len && out->at[out->len - 1] != '{')
        buf_append_char(out, ',');
    json_write_key(out, bytes_of(name));
    buf_append_char(out, '{');
}

/* The newest second with requests in it, else the newest. */
static const struct metrics_summary *latest_http(const struct ops *ops)
{
    for (uint64_t back = 0; back < OPS_SECONDS && back < ops->second_count;
         back++) {
        const struct second *s =
            &ops->seconds[(ops->second_count - 1 - back) % OPS_SECONDS];

        if (s->http.count)
            return &s->http;
    }
    return &ops->seconds[(ops->second_count - 1) % OPS_SECONDS].http;
}

static void write_http(struct buf *out, const struct ops *ops)
{
    const struct metrics_summary *http = latest_http(ops);
    struct span second = span_of(ops, 1), minute = span_of(ops, OPS_SECONDS);

    member(out, "averageResponseTime", http->mean_s * 1e3);
    open_member(out, "percentiles");
    member(out, "p50", http->p50_s * 1e3);
    member(out, "p95", http->p95_s * 1e3);
    member(out, "p99", http->p99_s * 1e3);
    member(out, "p99.9", http->p999_s * 1e3);
    member(out, "max", http->max_s * 1e3);
    buf_append_char(out, '}');
    member(out, "requestsTotal", (double)second.to->requests);
    member(out, "requestsPerSecond",
           rate(second.from->requests, second.to->requests, second.seconds));
    member(out, "requestsPerSecondLastMinute",
           rate(minute.from->requests, minute.to->requests, minute.seconds));
}

static void write_messages(struct buf *out, const struct ops *ops)
{
    struct span s = span_of(ops, 1);

    member(out, "messagesProcessed", (double)(s.to->received + s.to->sent));
    member(out, "messagesPerSecond",
           rate(s.from->received + s.from->sent, s.to->received + s.to->sent,
                s.seconds));
    member(out, "messagesReceived", (double)s.to->received);
    member(out, "messagesSent", (double)s.to->sent);
    member(out, "writesPerSecond",
           rate(s.from->writes, s.to->writes, s.seconds));
    member(out, "changesPerSecond",
           rate(s.from->changes, s.to->changes, s.seconds));
    if (s.seconds > 0)
        member(out, "cpuCores", (s.to->cpu_s - s.from->cpu_s) / s.seconds);
}

/* Hits and joined flights cost no load; stale answers cost one later. */
static void write_cache(struct buf *out, const struct ops *ops)
{
    struct span s = span_of(ops, OPS_SECONDS);
    struct fl_cache_stats stats;

    edge_cache_stats(ops->edge, &stats);
    open_member(out, "cache");
    member(out, "entries", (double)stats.entries);
    member(out, "bytes", (double)stats.bytes);
    member(out, "bytesMax", (double)stats.bytes_max);
    member(out, "evictions", (double)stats.evictions);
    open_member(out, "classes");
    for (unsigned c = 0; c < ops->options.class_count; c++) {
        uint64_t n[LOOKUPS], all = 0;

        for (unsigned l = 0; l < LOOKUPS; l++) {
            n[l] = s.to->lookups[c][l] - s.from->lookups[c][l];
            all += n[l];
        }
        if (c)
            buf_append_char(out, ',');
        json_write_key(out, ops->options.classes[c]);
        buf_append_char(out, '{');
        member(out, "hits", (double)n[LOOKUP_HIT]);
        member(out, "misses", (double)n[LOOKUP_MISS]);
        member(out, "joined", (double)n[LOOKUP_JOINED]);
        member(out, "stale", (double)n[LOOKUP_STALE]);
        member(out, "hitRate",
               all ? (double)(all - n[LOOKUP_MISS]) / (double)all : 0);
        buf_append_char(out, '}');
    }
    buf_append(out, BYTES("}}"));
}

static void write_feed(struct buf *out, const struct ops *ops)
{
    char position[POSITION_TEXT_MAX + 1];
    struct feed *feed = ops->options.feed;
    size_t len = position_write(feed_epoch(feed), feed_horizon(feed), position);

    open_member(out, "feed");
    json_write_key(out, BYTES("position"));
    json_write_string(out, (struct bytes){position, len});
    member(out, "horizonAge", (double)feed_horizon_age_ms(feed));
    buf_append(out, BYTES(",\"stale\":"));
    json_write_bool(out, feed_is_stale(feed));
    buf_append_char(out, '}');
}

static void write_process(struct buf *out, const struct ops *ops)
{
    struct metrics *m = ops->options.metrics;

    member(out, "uptime", (double)(clock_mono_ns() - ops->started_ns) / 1e9);
    member(out, "workers", ops->options.workers);
    member(out, "memory", metrics_value(m, METRIC_PROCESS_MEMORY));
    member(out, "connectionsActive", metrics_value(m, METRIC_CONNECTIONS));
    member(out, "sessionsActive", metrics_value(m, METRIC_HUB_SESSIONS));
    member(out, "objectsLive", metrics_value(m, METRIC_LIVE_OBJECTS));
}

void ops_performance(struct exchange *x)
{
    struct ops *ops = x->route->arg;
    struct buf out;

    buf_init(&out, PERFORMANCE_BYTES_MAX);
    buf_append(&out, BYTES("{\"app\":"));
    json_write_string(&out, ops->options.app);
    buf_append(&out, BYTES(",\"version\":\"" FIELDLINE_VERSION "\""));
    write_process(&out, ops);
    pthread_mutex_lock(&ops->lock);
    if (ops->second_count) {
        write_http(&out, ops);
        write_messages(&out, ops);
        write_cache(&out, ops);
    }
    pthread_mutex_unlock(&ops->lock);
    write_feed(&out, ops);
    buf_append_char(&out, '}');
    exchange_reply_buf(x, 200, "application/json", &out);
    buf_fini(&out);
}
