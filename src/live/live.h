/* SPDX-License-Identifier: MIT */
/*
 * live - moving objects: where they are now, who is near, the last known place.
 *
 * A FLEET is what moves under one resource's name ("drivers"); each object is
 * named by its key within a tenant. All is in memory; what changed is written
 * behind by one worker every flush_ms and read back at start, so a crash loses
 * at most what docs/live.md states.
 * LIVE is shared; LIVE_WORKER is one worker's part.
 * Owner: app. Threads: live_moved any; live_worker loop.
 */
#ifndef FIELDLINE_LIVE_LIVE_H
#define FIELDLINE_LIVE_LIVE_H

#include "base/bytes.h"

struct data;
struct edge;
struct edge_worker;
struct live;
struct live_worker;
struct metrics;
struct metrics_shard;
struct store_session;
struct worker;

struct live_spec {
    unsigned count; /* resources named by messages' "moves", each once */
    const struct bytes *resources;
    size_t objects_max; /* per resource, 100,000 */
    uint64_t flush_ms;  /* 1,000 */
    uint64_t expire_ms; /* forgotten when it stood silent: 24 h */
};

#define LIVE_PAYLOAD_MAX 4096 /* bytes of what an object says of itself */
#define LIVE_LIMIT_MAX   1000 /* objects in a reply */

/* Borrows the spec's memory. ERR_INVALID: a resource is not declared, or is
 * not seen by tenants. */
int live_new(struct live **ret, const struct live_spec *, struct data *,
             struct metrics *) MUST_CHECK;
void live_free(struct live **);
/* GET /api/v1/live/NAME for each resource. */
int live_routes(struct live *, struct edge *) MUST_CHECK;

/* The object is there now. What hub_moved_fn needs. ERR_RANGE: no place on
 * earth; ERR_LIMIT: the payload is too large or there are too many objects;
 * ERR_NOT_FOUND: nothing moves under that name. */
int live_moved(struct live *, struct worker *, struct bytes resource,
               struct bytes tenant, struct bytes key, double lat, double lng,
               struct bytes payload /* a JSON object */) MUST_CHECK;

/* The part of worker 0 writes behind. */
int live_worker_new(struct live_worker **ret, struct live *,
                    struct edge_worker *, struct store_session *,
                    struct metrics_shard *) MUST_CHECK;
typedef void live_done_fn(int error, void *arg);
/* Reads the last positions; on worker 0, once. done may come at once. */
void live_worker_restore(struct live_worker *, live_done_fn *, void *arg);
/* Writes what has not been written, then done. On worker 0, before its store
 * session closes; on another done comes at once. */
void live_worker_flush(struct live_worker *, live_done_fn *, void *arg);
/* After its store session was closed. */
void live_worker_free(struct live_worker **);

#endif
