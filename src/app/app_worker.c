/* SPDX-License-Identifier: MIT */
/*
 * app_worker - one worker's start, warm-up, draining and end.
 * Threads: loop.
 */
#include "app/app_worker.h"

#include "app/config.h"
#include "base/error.h"
#include "data/data.h"
#include "edge/edge.h"
#include "feed/feed.h"
#include "hub/hub.h"
#include "live/live.h"
#include "metrics/metrics.h"
#include "ops/ops.h"

#include <unistd.h>

#define DRAIN_LOOK_MS 10 /* between two looks at who is still there */

static void part_close(struct app_worker *p)
{
    if (p->session)
        store_session_close(&p->session);
    live_worker_free(&p->live);
    hub_worker_free(&p->hub);
    data_worker_free(&p->data);
    edge_worker_free(&p->edge);
}

static int part_listen(struct app_worker *p)
{
    const struct config_address *listen = &p->app->config->listen;
    bool first = worker_index(p->worker) == 0;
    unsigned port = listen->port ? listen->port : p->app->port;

    /* The first one may pick the port, the others join it. */
    return edge_worker_listen(p->edge, listen->host.at, port,
                              first ? &p->app->port : NULL);
}

static int part_open(struct app_worker *p)
{
    struct app *app = p->app;
    int error = metrics_shard_new(app->metrics, &p->shard);

    if (!error)
        error = store_session_open(&p->session, app->db.store,
                                   worker_loop(p->worker), p->shard);
    if (!error)
        error = data_worker_new(&p->data, app->data, p->session, app->clock);
    if (!error)
        error = edge_worker_new(&p->edge, app->edge, p->worker, p->shard);
    if (error)
        return error;
    edge_worker_slot_set(p->edge, EDGE_SLOT_DATA, p->data);
    error = feed_wait(app->feed); /* from here on there is a position */
    if (error)
        return error;
    error = hub_worker_new(&p->hub, app->hub, p->edge, p->session, p->shard);
    if (!error)
        error =
            live_worker_new(&p->live, app->live, p->edge, p->session, p->shard);
    return error ? error : part_listen(p);
}

static int on_start(struct worker *w, void *arg)
{
    struct app *app = arg;
    struct app_worker *p = &app->workers[worker_index(w)];
    int error;

    p->app = app; /* p->worker is set: the main thread reads it meanwhile */
    error = part_open(p);
    if (error)
        part_close(p);
    return error;
}

static void on_stop(struct worker *w, void *arg)
{
    struct app *app = arg;

    if (worker_index(w) == 0)
        ops_unwatch(app->ops);
    part_close(&app->workers[worker_index(w)]);
}

const struct worker_events app_worker_events = {on_start, on_stop};

/* Warm-up. */

static void on_statements(unsigned statements, int error, void *arg)
{
    struct app *app = arg;

    if (atomic_fetch_sub(&app->warming, 1) == 1)
        ops_step_done(app->ops, app->step_statements, error);
}

static void on_positions(int error, void *arg)
{
    struct app *app = arg;

    ops_step_done(app->ops, app->step_positions, error);
}

void app_worker_warm(struct worker *w, struct letter *letter)
{
    struct app_worker *p = CONTAINER_OF(letter, struct app_worker, warm);

    if (worker_index(w) == 0) {
        ops_watch(p->app->ops, worker_loop(w));
        live_worker_restore(p->live, on_positions, p->app);
    }
    data_worker_warm(p->data, on_statements, p->app);
}

/*
 * Draining: no new connections, those of HTTP end with their request, those of
 * the hub are told to come back elsewhere; then what is written behind is.
 */

static void on_flushed(int error, void *arg)
{
    struct app_worker *p = arg;
    const uint64_t one = 1;

    if (atomic_fetch_sub(&p->app->draining, 1) != 1)
        return;
    if (write(p->app->drained, &one, sizeof(one)) != sizeof(one))
        log_error("app.drain.lost", "error=%s", error_name(ERR_IO));
}

static void on_edge_drained(void *arg)
{
    ((struct app_worker *)arg)->edge_drained = true;
}

static void on_drain_look(struct timer *timer, void *arg)
{
    struct app_worker *p = arg;
    struct loop *loop = worker_loop(p->worker);
    bool empty = p->edge_drained && hub_worker_sessions(p->hub) == 0;

    if (empty || loop_now_ms(loop) >= p->drain_until_ms)
        live_worker_flush(p->live, on_flushed, p);
    else
        timer_start(loop, timer, DRAIN_LOOK_MS);
}

void app_worker_drain(struct worker *w, struct letter *letter)
{
    struct app_worker *p = CONTAINER_OF(letter, struct app_worker, drain);
    uint64_t limit_ms = p->app->config->drain_ms;

    p->drain_until_ms = loop_now_ms(worker_loop(w)) + limit_ms;
    hub_worker_drain(p->hub, limit_ms / 2);
    edge_worker_drain(p->edge, limit_ms, on_edge_drained, p);
    timer_init(&p->drain_timer, on_drain_look, p);
    timer_start(worker_loop(w), &p->drain_timer, 0);
}
