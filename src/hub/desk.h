/* SPDX-License-Identifier: MIT */
/*
 * desk - the inside of struct hub and struct hub_worker, for this room only.
 *
 * Owner: hub. Threads: struct hub any (immutable but for the ring and the
 * atomics); struct hub_worker loop.
 */
#ifndef FIELDLINE_HUB_DESK_H
#define FIELDLINE_HUB_DESK_H

#include "base/buf.h"
#include "base/list.h"
#include "hub/hub.h"
#include "metrics/metrics.h"
#include "net/loop.h"
#include "net/worker.h"
#include "store/change.h"

struct auth;
struct conflate;
struct note;
struct ring;
struct ring_state;
struct session;
struct topics;
struct ws_deflate;

#define HUB_RING_FRAMES   8192
#define HUB_RING_BYTES    ((size_t)4 << 20)
#define HUB_WAKE_FRAMES   512               /* pushed within one round */
#define HUB_SESSIONS_MAX  ((size_t)1 << 20) /* per worker */
#define HUB_TAKE          64 /* frames taken from the ring at a time */
#define HUB_SCRATCH_KEEP  ((size_t)64 << 10)
#define HUB_RELOAD_MS_MIN 250 /* retryMs lies between these two */
#define HUB_RELOAD_MS_MAX 5000
#define HUB_CATCHUP_MAX   100000 /* offsets; further back is a reload */

struct hub_series {
    metrics_series sessions, connections;
    metrics_series out_feed, out_latest, out_message;
    metrics_series conflated, delivery, in_unknown;
    metrics_series closed_other;
};

/* A worker as the other threads see it. */
struct hub_post {
    struct hub *hub;
    _Atomic(struct worker *) worker; /* NULL: none here */
    struct hub_worker *part;         /* for its own thread */
    struct letter wake;
    atomic_bool posted; /* wake is under way */
};

struct hub {
    const struct hub_spec *spec;
    struct data *data;
    struct feed *feed;
    struct metrics *metrics;
    struct hub_series series;
    metrics_series *message_series; /* one for each of spec->messages */
    struct ring *ring;
    uint64_t pushed; /* by the feed's thread */
    hub_moved_fn *moved_fn;
    void *moved_arg;
    atomic_uint post_count; /* 1 + the highest index in use */
    struct hub_post posts[WORKERS_MAX];
};

/* Older catch-ups share one scan of the change table. */
struct scan {
    struct changes_read read;
    bool reading;
    uint64_t cursor;     /* the page under way begins beyond it */
    uint64_t last;       /* the last offset the page brought */
    struct list members; /* who is offered the rows */
    struct list waiting; /* who is too far back for this scan */
    struct timer timer;  /* until the next page */
};

struct hub_worker {
    struct hub *hub;
    struct edge_worker *edge;
    struct worker *worker;
    struct loop *loop;
    struct auth *auth;
    struct store_session *store;
    struct metrics_shard *shard;
    struct ws_deflate *deflate; /* NULL until a session negotiates it */
    struct topics *topics;
    struct conflate *conflate;
    struct session **sessions; /* dense */
    size_t session_count, session_cap;
    uint64_t delivered;  /* every frame up to it was offered */
    unsigned generation; /* of the ring */
    char epoch[POSITION_EPOCH_MAX + 1];
    struct list catching; /* those who read from the ring */
    struct scan scan;
    bool draining;
    struct buf json, wire; /* for what is said to one session */
};

#endif
