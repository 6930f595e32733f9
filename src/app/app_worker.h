/* SPDX-License-Identifier: MIT */
/*
 * app_worker - what one worker has of every capability.
 *
 * Made on the worker's thread before its loop runs, freed there after all
 * loops have ended. The store's session goes first, so that whoever waits for
 * the database is told while he still stands.
 * Owner: app. Threads: loop.
 */
#ifndef FIELDLINE_APP_APP_WORKER_H
#define FIELDLINE_APP_APP_WORKER_H

#include "app/database.h"
#include "live/live.h"
#include "net/loop.h"
#include "net/worker.h"
#include "ops/ops.h"

struct app;
struct config;
struct pages;

struct app_worker {
    struct app *app;
    struct worker *worker;
    struct metrics_shard *shard;
    struct store_session *session;
    struct data_worker *data;
    struct edge_worker *edge;
    struct hub_worker *hub;
    struct live_worker *live;
    struct letter warm, drain;
    struct timer drain_timer;
    uint64_t drain_until_ms;
    bool edge_drained;
};

/* What the workers share. */
struct app {
    struct config *config; /* borrowed */
    struct database db;
    struct metrics *metrics;
    struct tagclock *clock;
    struct data *data;
    struct feed *feed;
    struct edge *edge;
    struct hub *hub;
    struct live *live;
    struct ops *ops;
    struct pages *pages;
    struct live_spec live_spec;
    struct bytes *moving; /* its resources */
    struct bytes class_names[OPS_CLASSES_MAX];
    unsigned step_statements, step_positions;
    atomic_uint warming;  /* workers that still prepare */
    atomic_uint draining; /* workers that still have connections */
    int signals;          /* signalfd */
    int drained;          /* eventfd: the last worker is empty */
    bool is_draining;
    unsigned port;
    char url[80];
    unsigned worker_count; /* once all are up */
    struct app_worker workers[WORKERS_MAX];
};

extern const struct worker_events app_worker_events;
/* Letters that app posts to every worker. */
letter_fn app_worker_warm, app_worker_drain;

#endif
