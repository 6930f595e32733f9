/* SPDX-License-Identifier: MIT */
/*
 * edge_worker - one worker's listeners, connections and spares.
 *
 *   open --edge_worker_drain()--> draining --last connection, or time-->
 * drained
 *
 * Threads: loop.
 */
#include "edge/internal.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"
#include "edge/encode.h"
#include "edge/larder.h"
#include "edge/pipeline.h"
#include "edge/session.h"
#include "fieldline/cache.h"
#include "net/stream.h"
#include "proto/http1.h"

#include <assert.h>

#define LISTEN_BACKLOG 1024
#define SWEEP_MS       1000
#define DATE_FOR_MS    1000
#define US_PER_MS      1000

static const char busy_reply[] =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
    "Content-Length: 0\r\nConnection: close\r\n\r\n";

/* ---- time ------------------------------------------------------------- */

static void clock_look(struct edge_worker *ew)
{
    uint64_t now_ms = loop_now_ms(ew->loop);

    if (LIKELY(now_ms < ew->date_until_ms))
        return;
    ew->wall_us = clock_wall_us();
    clock_http(ew->wall_us, ew->date);
    /* Until the wall clock's second is over, not for a second from here. */
    ew->date_until_ms = now_ms + DATE_FOR_MS -
                        (uint64_t)(ew->wall_us / US_PER_MS) % DATE_FOR_MS;
}

int64_t edge_worker_wall_us(struct edge_worker *ew)
{
    clock_look(ew);
    return ew->wall_us;
}

struct bytes edge_worker_date(struct edge_worker *ew)
{
    clock_look(ew);
    return (struct bytes){ew->date, CLOCK_HTTP_LEN};
}

/* What is due in the cache goes; the first worker sees to it. */
static void on_sweep(struct timer *t, void *arg)
{
    struct edge_worker *ew = arg;
    struct edge *e = ew->edge;
    struct fl_cache_stats stats;

    larder_sweep(e->larder);
    larder_stats(e->larder, &stats);
    metrics_add(ew->shard,
                metrics_series_of(e->metrics, METRIC_CACHE_EVICTIONS, NULL),
                stats.evictions - ew->evictions);
    ew->evictions = stats.evictions;
    timer_start(ew->loop, &ew->sweep, SWEEP_MS);
}

/* ---- series ----------------------------------------------------------- */

static metrics_series series_of(struct edge *e, enum metric metric,
                                const char *a, const char *b)
{
    struct bytes labels[] = {bytes_of(a), bytes_of(b)};

    return metrics_series_of(e->metrics, metric, labels);
}

static int series_make(struct edge_worker *ew)
{
    static const char *const results[REQUEST_CACHE_NAMES] = {"hit", "miss",
                                                             "stale", "joined"};
    struct edge *e = ew->edge;

    ew->connections = series_of(e, METRIC_CONNECTIONS, "http", NULL);
    ew->sent_bytes = series_of(e, METRIC_BYTES_SENT, NULL, NULL);
    ew->tokens_remembered =
        series_of(e, METRIC_AUTH_VERIFIED, "remembered", NULL);
    ew->tokens_verified = series_of(e, METRIC_AUTH_VERIFIED, "verified", NULL);
    ew->tokens_refused = series_of(e, METRIC_AUTH_VERIFIED, "refused", NULL);
    ew->series = mem_zalloc(e->route_count + 1, sizeof(*ew->series));
    ew->lookups = mem_zalloc(e->spec.class_count + 1u, sizeof(*ew->lookups));
    if (!ew->series || !ew->lookups)
        return ERR_NOMEM;
    for (unsigned i = 0; i < e->spec.class_count; i++) {
        for (unsigned k = 0; k < REQUEST_CACHE_NAMES; k++) {
            struct bytes labels[] = {e->spec.classes[i].name,
                                     bytes_of(results[k])};

            ew->lookups[i][k] =
                metrics_series_of(e->metrics, METRIC_CACHE_LOOKUPS, labels);
        }
    }
    return 0;
}

/* ---- life cycle ------------------------------------------------------- */

static void on_turn(void *arg)
{
    sessions_ready(arg);
}

static void on_position_letter(struct worker *worker, struct letter *letter)
{
    struct edge_worker *ew =
        CONTAINER_OF(letter, struct edge_worker, position_letter);

    atomic_store(&ew->position_letter_sent, false);
    pipeline_positions_check(ew);
}

static void on_drain_timer(struct timer *t, void *arg)
{
    struct edge_worker *ew = arg;
    void (*drained_fn)(void *) = ew->drained_fn;

    ew->drained_fn = NULL;
    if (drained_fn)
        drained_fn(ew->drained_arg);
}

static void lists_init(struct edge_worker *ew)
{
    list_init(&ew->sessions);
    list_init(&ew->requests);
    list_init(&ew->ready);
    list_init(&ew->waiting);
    list_init(&ew->spare_requests);
    loop_turn_init(&ew->turn, on_turn, ew);
    timer_init(&ew->sweep, on_sweep, ew);
    timer_init(&ew->drain_timer, on_drain_timer, ew);
    ew->position_letter.fn = on_position_letter;
    random_bytes(&ew->trace_state, sizeof(ew->trace_state));
}

int edge_worker_new(struct edge_worker **ret, struct edge *e,
                    struct worker *worker, struct metrics_shard *shard)
{
    struct edge_worker *ew = mem_zalloc(1, sizeof(*ew));
    int error = 0;

    if (!ew)
        return ERR_NOMEM;
    ew->edge = e;
    ew->worker = worker;
    ew->loop = worker_loop(worker);
    ew->shard = shard;
    lists_init(ew);
    error = series_make(ew);
    if (error == 0 && e->keys)
        error = auth_new(&ew->auth, e->keys);
    if (error == 0)
        error = gzip_new(&ew->gzip);
    if (error < 0) {
        edge_worker_free(&ew);
        return error;
    }
    atomic_store(&e->workers[worker_index(worker)], ew);
    if (worker_index(worker) == 0)
        timer_start(ew->loop, &ew->sweep, SWEEP_MS);
    *ret = ew;
    return 0;
}

void edge_worker_free(struct edge_worker **edge_worker)
{
    struct edge_worker *ew = *edge_worker;

    *edge_worker = NULL;
    if (!ew)
        return;
    atomic_store(&ew->edge->workers[worker_index(ew->worker)], NULL);
    while (ew->listener_count)
        listener_close(&ew->listeners[--ew->listener_count]);
    timer_stop(&ew->sweep);
    timer_stop(&ew->drain_timer);
    loop_turn_drop(&ew->turn);
    sessions_free(ew);
    flights_leave(ew->edge->flights, ew->worker);
    requests_free(ew);
    while (ew->spare_parser_count)
        http1_free(&ew->spare_parsers[--ew->spare_parser_count]);
    gzip_free(&ew->gzip);
    auth_free(&ew->auth);
    mem_free(ew->lookups);
    mem_free(ew->series);
    mem_free(ew);
}

/* ---- connections ------------------------------------------------------ */

static void on_accept(struct stream *stream, void *arg)
{
    struct edge_worker *ew = arg;

    if (ew->session_count + ew->upgraded_count <
        ew->edge->spec.connections_max) {
        session_open(ew, stream);
        return;
    }
    stream_own(stream, NULL, NULL);
    stream_write(stream, bytes_of(busy_reply));
    stream_shutdown(stream);
}

void edge_worker_upgraded_begin(struct edge_worker *ew)
{
    ew->upgraded_count++;
}

void edge_worker_upgraded_end(struct edge_worker *ew)
{
    assert(ew->upgraded_count > 0);
    ew->upgraded_count--;
}

int edge_worker_listen(struct edge_worker *ew, const char *host, unsigned port,
                       unsigned *ret_port)
{
    struct listener **place = &ew->listeners[ew->listener_count];

    if (ew->listener_count == EDGE_LISTENERS_MAX)
        return ERR_LIMIT;

    int error = listener_open(place, ew->loop, host, port, LISTEN_BACKLOG,
                              on_accept, ew);

    if (error < 0)
        return error;
    ew->listener_count++;
    if (ret_port)
        *ret_port = listener_port(*place);
    return 0;
}

void edge_worker_drain(struct edge_worker *ew, uint64_t limit_ms,
                       void (*drained_fn)(void *arg), void *arg)
{
    while (ew->listener_count)
        listener_close(&ew->listeners[--ew->listener_count]);
    ew->draining = true;
    ew->drained_fn = drained_fn;
    ew->drained_arg = arg;
    sessions_drain(ew);
    timer_start(ew->loop, &ew->drain_timer, ew->session_count ? limit_ms : 0);
}

/* ---- what others keep here -------------------------------------------- */

struct worker *edge_worker_worker(const struct edge_worker *ew)
{
    return ew->worker;
}

struct auth *edge_worker_auth(const struct edge_worker *ew)
{
    return ew->auth;
}

void edge_worker_slot_set(struct edge_worker *ew, enum edge_slot slot,
                          void *value)
{
    ew->slots[slot] = value;
}

void *edge_worker_slot(const struct edge_worker *ew, enum edge_slot slot)
{
    return ew->slots[slot];
}
