/* SPDX-License-Identifier: MIT */
/*
 * internal - what the files of this room share: the edge, one worker's part,
 * and a request, which is an exchange with what the pipeline knows about it.
 *
 * A request is lent by its worker's store and goes back when it is answered.
 * Its slices borrow the bytes just read until request_keep() copies them,
 * which happens before anything can outlive the read: a body, a handler, a
 * wait. So a hit is answered without a copy and without an allocation.
 * Threads: struct edge immutable after edge_start(); the rest loop.
 */
#ifndef FIELDLINE_EDGE_INTERNAL_H
#define FIELDLINE_EDGE_INTERNAL_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "edge/edge.h"
#include "edge/flight.h"
#include "edge/target.h"
#include "edge/trace.h"
#include "metrics/metrics.h"
#include "net/loop.h"
#include "net/worker.h"

struct auth_keys;
struct flights;
struct gzip;
struct http1;
struct larder;
struct listener;
struct router;
struct session;

#define EDGE_BODY_DEFAULT   ((size_t)1024 * 1024)
#define EDGE_LISTENERS_MAX  4
#define EDGE_SPARES_MAX     64
#define EDGE_STATUS_CLASSES 24
#define REQUEST_ARENA_MAX   ((size_t)4 * 1024 * 1024)
#define REQUEST_LINES_MAX   ((size_t)16 * 1024)
#define REQUEST_KEY_ROOM    320
#define REQUEST_CACHE_NAMES 4 /* hit, miss, stale, joined */

/* A route, at an address that stays: the router and exchanges point at it. */
struct edge_route {
    struct route route;
    unsigned index; /* of its series */
};

struct edge {
    struct edge_spec spec; /* limits filled in; classes copied */
    struct edge_feed feed;
    struct tagclock *clock;
    struct larder *larder;
    struct metrics *metrics;
    struct auth_keys *keys; /* NULL: nobody can sign in */
    struct flights *flights;
    struct router *router;
    struct edge_route **routes;
    size_t route_count, route_cap;
    size_t body_bytes_max; /* over all routes */
    bool started;
    _Atomic(struct edge_worker *) workers[WORKERS_MAX];
};

/* Series of one route, found at first use. The last is for what no route has.
 */
struct route_series {
    metrics_series duration;
    metrics_series requests[2][EDGE_STATUS_CLASSES]; /* [is HEAD][status] */
};

struct edge_worker {
    struct edge *edge;
    struct worker *worker;
    struct loop *loop;
    struct metrics_shard *shard;
    struct auth *auth; /* NULL like edge.keys */
    struct gzip *gzip;
    struct listener *listeners[EDGE_LISTENERS_MAX];
    unsigned listener_count;
    struct list sessions;
    unsigned session_count;
    unsigned upgraded_count; /* handed over and not ended */
    struct list requests;    /* alive */
    struct list ready;       /* sessions to go on at the turn's end */
    struct loop_turn turn;
    struct list waiting; /* requests for a position */
    atomic_bool position_letter_sent;
    struct letter position_letter;
    atomic_uint waiting_count;
    struct list spare_requests;
    unsigned spare_request_count;
    struct http1 *spare_parsers[EDGE_SPARES_MAX];
    unsigned spare_parser_count;
    uint64_t trace_state;
    int64_t wall_us;        /* as of the last second */
    uint64_t date_until_ms; /* when date and wall_us are too old */
    char date[CLOCK_HTTP_LEN + 1];
    metrics_series connections, sent_bytes;
    metrics_series tokens_remembered, tokens_verified, tokens_refused;
    metrics_series (*lookups)[REQUEST_CACHE_NAMES]; /* by class */
    struct route_series *series;                    /* route_count + 1 */
    struct timer sweep; /* of the first worker: what expired in the cache */
    uint64_t evictions;
    bool draining;
    struct timer drain_timer;
    void (*drained_fn)(void *arg);
    void *drained_arg;
    void *slots[EDGE_SLOTS];
};

enum cache_outcome {
    CACHE_NONE, /* the route is not cached: nothing is said */
    CACHE_HIT,
    CACHE_STALE,
    CACHE_MISS,
    CACHE_STORED,
    CACHE_COLLAPSED,
    CACHE_BYPASS,
};

struct request {
    struct exchange x;       /* first: request_of() */
    struct session *session; /* NULL: nobody waits for the answer any more */
    struct list link;        /* edge_worker.requests or .spare_requests */
    unsigned route_index;
    struct target target;
    struct trace trace;
    struct buf body;
    struct buf lines; /* header lines that the handler added */
    bool has_cache_control, has_vary, has_cookie;
    bool kept;    /* nothing borrows the read buffer any more */
    bool bypass;  /* neither answered from the cache nor stored */
    bool handled; /* the handler has been called */
    bool is_head, close;
    uint64_t position; /* the stamp that covers what the caller must see */
    struct list wait_link;
    struct timer wait_timer;
    struct bytes key;
    struct flight *flight; /* led */
    struct flight_waiter waiter;
    char key_room[REQUEST_KEY_ROOM];
    struct http_head head; /* when kept */
};

struct request *request_of(struct exchange *);
/* NULL when out of memory. */
struct request *request_new(struct edge_worker *, struct session *);
/* Copies what borrows the read buffer. ERR_NOMEM. */
int request_keep(struct request *) MUST_CHECK;
/* The request is over: its session goes on. */
void request_end(struct request *);
void requests_free(struct edge_worker *);

int64_t edge_worker_wall_us(struct edge_worker *); /* to the second */
struct bytes edge_worker_date(struct edge_worker *);

#endif
