/* SPDX-License-Identifier: MIT */
/*
 * table - every metric of Fieldline: one row each.
 *
 * X(id, kind, name, labels separated by commas, help). The row generates the
 * enum, the scrape and docs/reference/metrics.md. Base units, Prometheus
 * names: counters end in _total, times in _seconds.
 * Threads: immutable.
 */
#ifndef FIELDLINE_METRICS_TABLE_H
#define FIELDLINE_METRICS_TABLE_H

#define METRICS_TABLE(X)                                                       \
    X(HTTP_REQUESTS, COUNTER, "fieldline_http_requests_total",                 \
      "route,method,status", "HTTP requests answered, by route template")      \
    X(HTTP_DURATION, HISTOGRAM, "fieldline_http_request_duration_seconds",     \
      "route",                                                                 \
      "From the request's last byte to the reply handed to the "               \
      "kernel")                                                                \
    X(HTTP_BAD, COUNTER, "fieldline_http_bad_requests_total", "reason",        \
      "Connections closed because the peer broke HTTP")                        \
    X(CONNECTIONS, GAUGE, "fieldline_connections", "kind",                     \
      "Open connections: http or websocket")                                   \
    X(BYTES_SENT, COUNTER, "fieldline_sent_bytes_total", "",                   \
      "Bytes handed to the kernel")                                            \
    X(CACHE_LOOKUPS, COUNTER, "fieldline_cache_lookups_total", "class,result", \
      "Lookups by class: hit, miss, stale or joined")                          \
    X(CACHE_EVICTIONS, COUNTER, "fieldline_cache_evictions_total", "",         \
      "Entries removed to stay inside the bounds")                             \
    X(CACHE_BYTES, GAUGE, "fieldline_cache_bytes", "", "Bytes cached now")     \
    X(CACHE_ENTRIES, GAUGE, "fieldline_cache_entries", "",                     \
      "Entries cached now")                                                    \
    X(DB_DURATION, HISTOGRAM, "fieldline_db_query_duration_seconds", "class",  \
      "Statements by class of work: read, write or analytics")                 \
    X(DB_ERRORS, COUNTER, "fieldline_db_errors_total", "class",                \
      "Statements that failed, by class of work")                              \
    X(DB_COMMITS, COUNTER, "fieldline_db_commits_total", "",                   \
      "Transactions committed, groups counted once")                           \
    X(DB_WRITES, COUNTER, "fieldline_db_writes_total", "",                     \
      "Writes acknowledged")                                                   \
    X(FEED_CHANGES, COUNTER, "fieldline_feed_changes_total", "",               \
      "Change rows read from the feed")                                        \
    X(FEED_HORIZON_AGE, GAUGE, "fieldline_feed_horizon_age_seconds", "",       \
      "How long the horizon has stood still while newer changes wait")         \
    X(FEED_STALE, GAUGE, "fieldline_feed_stale", "",                           \
      "1 while the feed cannot be read")                                       \
    X(FEED_DELAY, HISTOGRAM, "fieldline_feed_delay_seconds", "",               \
      "From a change's commit time to its publication")                        \
    X(HUB_SESSIONS, GAUGE, "fieldline_hub_sessions", "",                       \
      "Live sessions that completed CONNECT")                                  \
    X(HUB_MESSAGES_IN, COUNTER, "fieldline_hub_messages_received_total",       \
      "type", "Messages received from clients")                                \
    X(HUB_MESSAGES_OUT, COUNTER, "fieldline_hub_messages_sent_total", "lane",  \
      "Messages sent to clients: feed, latest or message")                     \
    X(HUB_CONFLATED, COUNTER, "fieldline_hub_conflated_total", "",             \
      "Values overwritten before they were sent")                              \
    X(HUB_CLOSED, COUNTER, "fieldline_hub_closed_total", "reason",             \
      "Sessions closed by the server")                                         \
    X(HUB_DELIVERY, HISTOGRAM, "fieldline_hub_delivery_seconds", "",           \
      "From receipt of a message or change to the write to its subscribers")   \
    X(LIVE_OBJECTS, GAUGE, "fieldline_live_objects", "",                       \
      "Moving objects with a known position")                                  \
    X(LIVE_UPDATES, COUNTER, "fieldline_live_updates_total", "",               \
      "Positions received")                                                    \
    X(AUTH_VERIFIED, COUNTER, "fieldline_auth_tokens_total", "result",         \
      "Tokens checked: remembered, verified or refused")                       \
    X(PROCESS_START, GAUGE, "fieldline_process_start_time_seconds", "",        \
      "When the process started, seconds since 1970")                          \
    X(PROCESS_MEMORY, GAUGE, "fieldline_process_resident_memory_bytes", "",    \
      "Resident memory")                                                       \
    X(PROCESS_CPU, GAUGE, "fieldline_process_cpu_seconds", "",                 \
      "User and system time spent")

enum metric {
#define X(id, kind, name, labels, help) METRIC_##id,
    METRICS_TABLE(X)
#undef X
        METRIC_COUNT
};

#endif
