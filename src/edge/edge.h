/* SPDX-License-Identifier: MIT */
/*
 * edge - the one pipeline every request passes:
 *
 *   identify -> route -> answer from cache -> handler -> encode -> send
 *
 * An EDGE is shared by the workers and immutable after edge_start(): routes,
 * cache, flights. An EDGE_WORKER is one worker's part: listener, connections,
 * memory of tokens, metrics shard.
 * Owner: app. Threads: as stated.
 */
#ifndef FIELDLINE_EDGE_EDGE_H
#define FIELDLINE_EDGE_EDGE_H

#include "edge/exchange.h"
#include "edge/identity.h"

struct edge;
struct fl_cache_stats;
struct loop;
struct metrics;
struct metrics_shard;
struct worker;

typedef void exchange_fn(struct exchange *);

enum route_flags {
    ROUTE_PUBLIC = 1,  /* no token needed */
    ROUTE_CACHED = 2,  /* GET may be answered from the cache */
    ROUTE_BY_USER = 4, /* cached per user, not per tenant and roles */
    ROUTE_UPGRADE = 8, /* the handler may call exchange_upgrade() */
};

struct route {
    enum http_method method; /* GET serves HEAD too */
    const char *template;    /* "/api/v1/stops/:id"; a last "*name" takes the
                                rest of the path */
    exchange_fn *handler;
    unsigned flags;
    int cache_class;       /* index of edge_spec.classes, or -1 */
    size_t body_bytes_max; /* 0: the default, 1 MB */
    void *arg;             /* the handler's, through x->route->arg */
};

struct cache_class_spec {
    struct bytes name;
    uint64_t ttl_ms;
    uint64_t swr_ms;    /* stale-while-revalidate */
    size_t entries_max; /* 0: only the cache's own bounds */
};

struct edge_spec {
    struct auth_spec auth;
    unsigned class_count;
    const struct cache_class_spec *classes;
    size_t cache_bytes_max;    /* 64 MB */
    unsigned connections_max;  /* per worker, upgraded ones too; 20,000 */
    uint64_t head_timeout_ms;  /* 10 s to send a head */
    uint64_t body_timeout_ms;  /* 30 s between pieces of a body */
    uint64_t idle_timeout_ms;  /* 75 s between requests */
    uint64_t write_timeout_ms; /* 30 s without the peer reading */
    uint64_t position_wait_ms; /* how long a read waits for a position: 500 */
};

/* What lies on the same floor or above, given as functions. */
struct edge_feed {
    struct bytes (*epoch_fn)(void *arg);
    void *arg;
};

int edge_new(struct edge **ret, const struct edge_spec *, struct tagclock *,
             struct metrics *, const struct edge_feed *) MUST_CHECK;
void edge_free(struct edge **);
/* Before edge_start(). Copies the struct, keeps the pointers. ERR_EXISTS. */
int edge_route_add(struct edge *, const struct route *) MUST_CHECK;
int edge_start(struct edge *) MUST_CHECK;
/* The clock's horizon has moved: requests that wait for a position look again.
 * Any thread; cheap when nobody waits. */
void edge_position_moved(struct edge *);

/* Of the cache of replies. */
void edge_cache_stats(struct edge *, struct fl_cache_stats *ret);
/* More memory for it, or less: what fits stays. Waits for a turn of each
 * worker; not on one of them, and not twice at once. ERR_NOMEM: all is as it
 * was. */
int edge_cache_resize(struct edge *, size_t bytes_max) MUST_CHECK;

/* On the worker's thread, before and after its loop. */
int edge_worker_new(struct edge_worker **ret, struct edge *, struct worker *,
                    struct metrics_shard *) MUST_CHECK;
int edge_worker_listen(struct edge_worker *, const char *host, unsigned port,
                       unsigned *ret_port) MUST_CHECK;
/* Stops accepting and lets exchanges end; drained_fn comes when the last
 * connection is gone or after limit_ms. */
void edge_worker_drain(struct edge_worker *, uint64_t limit_ms,
                       void (*drained_fn)(void *arg), void *arg);
void edge_worker_free(struct edge_worker **);

/* A stream counts as a connection from when exchange_upgrade() hands it over
 * until whoever took it says that it has ended. */
void edge_worker_upgraded_begin(struct edge_worker *);
void edge_worker_upgraded_end(struct edge_worker *);

struct worker *edge_worker_worker(const struct edge_worker *);
struct auth *edge_worker_auth(const struct edge_worker *);
/* Whatever else a floor above keeps per worker; indexed by its own slot. */
enum edge_slot {
    EDGE_SLOT_DATA,
    EDGE_SLOT_HUB,
    EDGE_SLOT_LIVE,
    EDGE_SLOT_OPS,
    EDGE_SLOTS
};
void edge_worker_slot_set(struct edge_worker *, enum edge_slot, void *);
void *edge_worker_slot(const struct edge_worker *, enum edge_slot);

#endif
