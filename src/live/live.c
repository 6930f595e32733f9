/* SPDX-License-Identifier: MIT */
/*
 * live - the fleets, and each worker's part.
 * Threads: as live.h has it.
 */
#include "live/live.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "data/data.h"
#include "edge/edge.h"
#include "live/behind.h"
#include "live/fleet.h"
#include "live/near.h"
#include "metrics/metrics.h"
#include "net/worker.h"

struct live {
    const struct live_spec *spec;
    struct metrics *metrics;
    metrics_series updates;
    struct fleet **fleets;
    struct near_route *routes;
    struct metrics_shard *shards[WORKERS_MAX];
};

struct live_worker {
    struct live *live;
    unsigned index;
    struct behind *behind; /* of worker 0 */
};

static double objects_now(void *arg)
{
    struct live *l = arg;
    double count = 0;

    for (unsigned i = 0; i < l->spec->count; i++)
        count += (double)fleet_count(l->fleets[i]);
    return count;
}

static int fleet_open(struct live *l, struct data *data, unsigned i)
{
    struct bytes name = l->spec->resources[i];
    const struct data_resource *resource = data_resource_named(data, name);

    if (!resource || data_resource_spec(resource)->visible != VISIBLE_TENANT)
        return ERR_INVALID;
    l->routes[i].resource = resource;
    return fleet_new(&l->fleets[i], name, l->spec->objects_max,
                     (int64_t)l->spec->expire_ms * 1000);
}

int live_new(struct live **ret, const struct live_spec *spec, struct data *data,
             struct metrics *metrics)
{
    struct live *l = mem_zalloc(1, sizeof(*l));
    int error = 0;

    if (!l)
        return ERR_NOMEM;
    l->spec = spec;
    l->metrics = metrics;
    l->fleets = mem_zalloc(spec->count + 1u, sizeof(struct fleet *));
    l->routes = mem_zalloc(spec->count + 1u, sizeof(*l->routes));
    if (!l->fleets || !l->routes)
        error = ERR_NOMEM;
    for (unsigned i = 0; !error && i < spec->count; i++)
        error = fleet_open(l, data, i);
    if (error) {
        live_free(&l);
        return error;
    }
    l->updates = metrics_series_of(metrics, METRIC_LIVE_UPDATES, NULL);
    metrics_gauge_call(metrics,
                       metrics_series_of(metrics, METRIC_LIVE_OBJECTS, NULL),
                       objects_now, l);
    *ret = l;
    return 0;
}

void live_free(struct live **live)
{
    struct live *l = *live;

    *live = NULL;
    if (!l)
        return;
    if (l->updates)
        metrics_gauge_call(
            l->metrics,
            metrics_series_of(l->metrics, METRIC_LIVE_OBJECTS, NULL), NULL,
            NULL);
    for (unsigned i = 0; l->fleets && i < l->spec->count; i++)
        fleet_free(&l->fleets[i]);
    mem_free(l->fleets);
    mem_free(l->routes);
    mem_free(l);
}

int live_routes(struct live *l, struct edge *edge)
{
    int error = 0;

    for (unsigned i = 0; !error && i < l->spec->count; i++) {
        l->routes[i].fleet = l->fleets[i];
        error = near_route_add(&l->routes[i], edge);
    }
    return error;
}

static struct fleet *fleet_named(const struct live *l, struct bytes name)
{
    for (unsigned i = 0; i < l->spec->count; i++)
        if (bytes_equal(l->spec->resources[i], name))
            return l->fleets[i];
    return NULL;
}

int live_moved(struct live *l, struct worker *worker, struct bytes resource,
               struct bytes tenant, struct bytes key, double lat, double lng,
               struct bytes payload)
{
    struct fleet *f = fleet_named(l, resource);
    struct metrics_shard *shard = l->shards[worker_index(worker)];

    if (!f)
        return ERR_NOT_FOUND;
    if (payload.len > LIVE_PAYLOAD_MAX)
        return ERR_LIMIT;
    if (shard)
        metrics_add(shard, l->updates, 1);
    return fleet_put(f, tenant, key, (struct fl_geo_point){lat, lng},
                     clock_wall_us(), payload, true);
}

/* ---- one worker's part ------------------------------------------------ */

int live_worker_new(struct live_worker **ret, struct live *l,
                    struct edge_worker *edge, struct store_session *session,
                    struct metrics_shard *shard)
{
    struct worker *worker = edge_worker_worker(edge);
    struct live_worker *w = mem_zalloc(1, sizeof(*w));
    int error = 0;

    if (!w)
        return ERR_NOMEM;
    w->live = l;
    w->index = worker_index(worker);
    l->shards[w->index] = shard;
    if (w->index == 0)
        error = behind_new(&w->behind, l->fleets, l->spec->count, l->spec,
                           worker_loop(worker), session);
    if (error) {
        mem_free(w);
        return error;
    }
    edge_worker_slot_set(edge, EDGE_SLOT_LIVE, w);
    *ret = w;
    return 0;
}

void live_worker_restore(struct live_worker *w, live_done_fn *done, void *arg)
{
    if (w->behind)
        behind_restore(w->behind, done, arg);
    else
        done(0, arg);
}

void live_worker_flush(struct live_worker *w, live_done_fn *done, void *arg)
{
    if (w->behind)
        behind_flush(w->behind, done, arg);
    else
        done(0, arg);
}

void live_worker_free(struct live_worker **worker)
{
    struct live_worker *w = *worker;

    *worker = NULL;
    if (!w)
        return;
    w->live->shards[w->index] = NULL;
    behind_free(&w->behind);
    mem_free(w);
}
