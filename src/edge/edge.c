/* SPDX-License-Identifier: MIT */
/*
 * edge - what the workers share: routes, keys, cache, flights.
 * Threads: immutable after edge_start(); workers[] is atomic.
 */
#include "edge/internal.h"

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "edge/larder.h"
#include "edge/router.h"
#include "fieldline/cache.h"

#include <pthread.h>

#define ROUTES_MAX          1024
#define CONNECTIONS_DEFAULT 20000
#define HEAD_TIMEOUT_MS     10000
#define BODY_TIMEOUT_MS     30000
#define IDLE_TIMEOUT_MS     75000
#define WRITE_TIMEOUT_MS    30000
#define POSITION_WAIT_MS    500

static void or_default(uint64_t *value, uint64_t standard)
{
    if (!*value)
        *value = standard;
}

static int spec_fill(struct edge *e, const struct edge_spec *from)
{
    struct edge_spec *s = &e->spec;
    struct cache_class_spec *classes =
        mem_zalloc(from->class_count + 1u, sizeof(*classes));

    *s = *from;
    s->classes = classes;
    if (!classes)
        return ERR_NOMEM;
    for (unsigned i = 0; i < from->class_count; i++)
        classes[i] = from->classes[i];
    if (!s->connections_max)
        s->connections_max = CONNECTIONS_DEFAULT;
    or_default(&s->head_timeout_ms, HEAD_TIMEOUT_MS);
    or_default(&s->body_timeout_ms, BODY_TIMEOUT_MS);
    or_default(&s->idle_timeout_ms, IDLE_TIMEOUT_MS);
    or_default(&s->write_timeout_ms, WRITE_TIMEOUT_MS);
    or_default(&s->position_wait_ms, POSITION_WAIT_MS);
    return 0;
}

/* Without any key every token is refused: only public routes answer. */
static int keys_load(struct edge *e, const struct auth_spec *auth)
{
    struct bytes mistake = BYTES("out of memory");
    int error;

    if (!auth->secret.len && !auth->public_key_file.len && !auth->jwks_file.len)
        return 0;
    error = auth_keys_new(&e->keys, auth, &mistake);
    if (error < 0)
        log_error("edge.auth.keys", "error=%s why=\"" BYTES_FMT "\"",
                  error_name(error), BYTES_ARG(mistake));
    return error;
}

static double bytes_gauge(void *arg)
{
    struct fl_cache_stats stats;

    edge_cache_stats(arg, &stats);
    return (double)stats.bytes;
}

static double entries_gauge(void *arg)
{
    struct fl_cache_stats stats;

    edge_cache_stats(arg, &stats);
    return (double)stats.entries;
}

int edge_new(struct edge **ret, const struct edge_spec *spec,
             struct tagclock *clock, struct metrics *metrics,
             const struct edge_feed *feed)
{
    struct edge *e = mem_zalloc(1, sizeof(*e));
    int error;

    if (!e)
        return ERR_NOMEM;
    e->clock = clock;
    e->metrics = metrics;
    if (feed)
        e->feed = *feed;
    error = spec_fill(e, spec);
    if (error == 0)
        error = larder_new(&e->larder, spec->cache_bytes_max, clock,
                           e->spec.classes, e->spec.class_count);
    if (error == 0)
        error = keys_load(e, &spec->auth);
    if (error == 0)
        error = router_new(&e->router);
    if (error == 0)
        error = flights_new(&e->flights, clock);
    if (error < 0) {
        edge_free(&e);
        return error;
    }
    metrics_gauge_call(metrics,
                       metrics_series_of(metrics, METRIC_CACHE_BYTES, NULL),
                       bytes_gauge, e);
    metrics_gauge_call(metrics,
                       metrics_series_of(metrics, METRIC_CACHE_ENTRIES, NULL),
                       entries_gauge, e);
    *ret = e;
    return 0;
}

void edge_free(struct edge **edge)
{
    struct edge *e = *edge;

    *edge = NULL;
    if (!e)
        return;
    flights_free(&e->flights);
    router_free(&e->router);
    for (size_t i = 0; i < e->route_count; i++)
        mem_free(e->routes[i]);
    mem_free(e->routes);
    auth_keys_free(&e->keys);
    larder_free(&e->larder);
    mem_free((void *)e->spec.classes);
    mem_free(e);
}

int edge_route_add(struct edge *e, const struct route *route)
{
    struct edge_route *copy;
    int error;

    if (e->started || route->cache_class >= (int)e->spec.class_count)
        return ERR_INVALID;
    error = mem_grow(&e->routes, &e->route_cap, e->route_count + 1,
                     sizeof(*e->routes), ROUTES_MAX);
    if (error < 0)
        return error;
    copy = mem_alloc(sizeof(*copy));
    if (!copy)
        return ERR_NOMEM;
    *copy =
        (struct edge_route){.route = *route, .index = (unsigned)e->route_count};
    error = router_add(e->router, &copy->route);
    if (error < 0) {
        mem_free(copy);
        return error;
    }
    e->routes[e->route_count++] = copy;
    return 0;
}

int edge_start(struct edge *e)
{
    e->body_bytes_max = EDGE_BODY_DEFAULT;
    for (size_t i = 0; i < e->route_count; i++)
        if (e->routes[i]->route.body_bytes_max > e->body_bytes_max)
            e->body_bytes_max = e->routes[i]->route.body_bytes_max;
    e->started = true;
    return 0;
}

/* One letter at most is on its way to each worker. */
void edge_position_moved(struct edge *e)
{
    for (unsigned i = 0; i < WORKERS_MAX; i++) {
        struct edge_worker *ew = atomic_load(&e->workers[i]);

        if (ew && atomic_load(&ew->waiting_count) &&
            !atomic_exchange(&ew->position_letter_sent, true))
            worker_post(ew->worker, &ew->position_letter);
    }
}

/* ---- the cache -------------------------------------------------------- */

void edge_cache_stats(struct edge *e, struct fl_cache_stats *ret)
{
    larder_stats(e->larder, ret);
}

/* A letter to each worker; the last to be read says so. */
struct round {
    pthread_mutex_t lock;
    pthread_cond_t over;
    unsigned left;
    struct round_letter {
        struct letter letter;
        struct round *round;
    } letters[WORKERS_MAX];
};

static void on_round(struct worker *w, struct letter *letter)
{
    struct round *round =
        CONTAINER_OF(letter, struct round_letter, letter)->round;

    (void)pthread_mutex_lock(&round->lock);
    if (--round->left == 0)
        (void)pthread_cond_signal(&round->over);
    (void)pthread_mutex_unlock(&round->lock);
}

/* Returns when each worker has ended what it was at. */
static void workers_round(struct edge *e)
{
    struct round round = {.lock = PTHREAD_MUTEX_INITIALIZER,
                          .over = PTHREAD_COND_INITIALIZER};

    (void)pthread_mutex_lock(&round.lock);
    for (unsigned i = 0; i < WORKERS_MAX; i++) {
        struct edge_worker *ew = atomic_load(&e->workers[i]);

        if (!ew)
            continue;
        round.letters[i].letter.fn = on_round;
        round.letters[i].round = &round;
        round.left++;
        worker_post(ew->worker, &round.letters[i].letter);
    }
    while (round.left > 0)
        (void)pthread_cond_wait(&round.over, &round.lock);
    (void)pthread_mutex_unlock(&round.lock);
    (void)pthread_cond_destroy(&round.over);
    (void)pthread_mutex_destroy(&round.lock);
}

int edge_cache_resize(struct edge *e, size_t bytes_max)
{
    struct fl_cache *old = NULL;
    int error = larder_resize(e->larder, bytes_max, &old);

    if (error < 0 || !old)
        return error;
    workers_round(e);
    larder_carry(e->larder, &old);
    return 0;
}
