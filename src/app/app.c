/* SPDX-License-Identifier: MIT */
/*
 * app - the only place that knows every capability.
 *
 * Who calls whom across rooms is decided here, by the functions below that are
 * handed down: the store tells the clock of this process's own commits and
 * wakes the feed; the feed moves the clock and feeds the hub; the hub hands
 * positions to live.
 * Threads: the one that made it.
 */
#include "app/app.h"

#include "app/app_worker.h"
#include "app/config.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "cache/hazard.h"
#include "cache/tagclock.h"
#include "data/data.h"
#include "edge/edge.h"
#include "edge/pages.h"
#include "feed/feed.h"
#include "hub/hub.h"
#include "live/live.h"
#include "metrics/metrics.h"
#include "ops/ops.h"
#include "rest/rest.h"
#include "web/web.h"

#include <malloc.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define ARENAS_MAX     2 /* malloc's: more only hold what was freed */
#define LIVE_OBJECTS   100000
#define LIVE_FLUSH_MS  1000
#define LIVE_EXPIRE_MS (UINT64_C(24) * 3600 * 1000)

static int fail(struct buf *report, int error, const char *what)
{
    buf_printf(report, "fieldline: error: %s: %s\n", what, error_text(error));
    return error;
}

/* What rooms are handed to call each other. */

static void on_commit(const struct change *change, void *arg)
{
    struct app *app = arg;

    data_change_apply(app->data, app->clock, change);
}

static void on_wake(void *arg)
{
    struct app *app = arg;

    if (app->feed)
        feed_wake(app->feed);
}

static void on_change(const struct change *change, void *arg)
{
    struct app *app = arg;

    data_change_apply(app->data, app->clock, change);
}

static void on_horizon(uint64_t horizon, bool restarted, void *arg)
{
    struct app *app = arg;

    edge_position_moved(app->edge);
}

static struct bytes on_epoch(void *arg)
{
    struct app *app = arg;

    return feed_epoch(app->feed);
}

static int on_moved(struct worker *w, const struct message_spec *message,
                    struct bytes tenant, struct bytes key, double lat,
                    double lng, struct bytes payload, void *arg)
{
    struct app *app = arg;

    return live_moved(app->live, w, message->moves, tenant, key, lat, lng,
                      payload);
}

/* Making the parts, from the ground up. */

static int open_database(struct app *app, struct buf *report)
{
    struct store_options options = {.metrics = app->metrics,
                                    .on_commit = on_commit,
                                    .on_wake = on_wake,
                                    .arg = app};
    struct store_detail detail = {.text = ""};
    int error = database_open(&app->db, app->config, &options, report);

    if (!error)
        error = database_verify(&app->db, report);
    if (error)
        return error;
    error = data_new(&app->data, &app->config->data, app->db.store,
                     app->db.admin, &detail);
    if (error)
        return fail(report, error, detail.text);
    error = data_cursor_key(app->data, app->config->edge.auth.secret);
    admin_close(&app->db.admin);
    return error;
}

/* Each resource that a message moves, once. */
static int make_live(struct app *app)
{
    const struct hub_spec *hub = &app->config->hub;
    struct live_spec *spec = &app->live_spec;

    app->moving = mem_zalloc(hub->message_count + 1, sizeof(*app->moving));
    if (!app->moving)
        return ERR_NOMEM;
    *spec = (struct live_spec){.resources = app->moving,
                               .objects_max = LIVE_OBJECTS,
                               .flush_ms = LIVE_FLUSH_MS,
                               .expire_ms = LIVE_EXPIRE_MS};
    for (unsigned i = 0; i < hub->message_count; i++) {
        struct bytes name = hub->messages[i].moves;
        unsigned k = 0;

        while (k < spec->count && !bytes_equal(app->moving[k], name))
            k++;
        if (name.len > 0 && k == spec->count)
            app->moving[spec->count++] = name;
    }
    return live_new(&app->live, spec, app->data, app->metrics);
}

static int make_ops(struct app *app)
{
    const struct edge_spec *spec = &app->config->edge;
    struct ops_options options = {.metrics = app->metrics,
                                  .feed = app->feed,
                                  .class_count = spec->class_count,
                                  .classes = app->class_names,
                                  .app = app->config->app,
                                  .workers = app->config->workers};

    for (unsigned i = 0; i < spec->class_count; i++)
        app->class_names[i] = spec->classes[i].name;
    return ops_new(&app->ops, &options);
}

static int make_edge(struct app *app, struct buf *report)
{
    const struct edge_spec *spec = &app->config->edge;
    const struct edge_feed feed = {on_epoch, app};
    struct bytes mistake = BYTES("the keys for tokens cannot be used");
    struct auth_keys *keys;
    int error = edge_new(&app->edge, spec, app->clock, app->metrics, &feed);

    if (error && auth_keys_new(&keys, &spec->auth, &mistake) == 0)
        auth_keys_free(&keys);
    if (error)
        buf_printf(report, BYTES_FMT ": error: auth: " BYTES_FMT "\n",
                   BYTES_ARG(app->config->file_name), BYTES_ARG(mistake));
    return error;
}

/* The application's pages, and behind them those that the binary carries. */
static int make_pages(struct app *app, struct buf *report)
{
    struct bytes dir = app->config->pages_dir;
    int error = pages_new(&app->pages, dir.len > 0 ? dir.at : NULL);

    if (error) {
        buf_printf(report,
                   BYTES_FMT ": error: pages: " BYTES_FMT
                             ": %s; expected a directory of files\n",
                   BYTES_ARG(app->config->file_name), BYTES_ARG(dir),
                   error_text(error));
        return error;
    }
    for (const struct web_file *f = web_files; f->name && !error; f++)
        error = pages_add_builtin(app->pages, bytes_of(f->name),
                                  (struct bytes){f->at, f->len}, NULL);
    return error;
}

static int add_routes(struct app *app, const struct app_extra *extra)
{
    int error = rest_routes(app->data, app->edge);

    if (!error)
        error = hub_routes(app->hub, app->edge);
    if (!error)
        error = live_routes(app->live, app->edge);
    if (!error)
        error = ops_routes(app->ops, app->edge);
    if (!error && extra)
        error = extra->routes_fn(app->edge, extra->arg);
    if (!error)
        error = pages_routes(app->pages, app->edge, "/");
    return error ? error : edge_start(app->edge);
}

static int add_readers(struct app *app)
{
    const struct feed_reader clock = {
        .visible_fn = on_change, .horizon_fn = on_horizon, .arg = app};
    struct feed_reader hub;
    int error = feed_add_reader(app->feed, &clock);

    hub_feed_reader(app->hub, &hub);
    return error ? error : feed_add_reader(app->feed, &hub);
}

static int make_parts(struct app *app, const struct app_extra *extra,
                      struct buf *report)
{
    const struct config *c = app->config;
    int error = metrics_new(&app->metrics);

    hazard_prepare(); /* while there is one thread */
    if (!error)
        error = tagclock_new(&app->clock, c->clock_bytes);
    if (!error)
        error = open_database(app, report);
    if (!error)
        error = feed_new(&app->feed, app->db.store, app->clock, app->metrics,
                         &c->feed);
    if (!error)
        error = hub_new(&app->hub, &c->hub, app->data, app->feed, app->metrics);
    if (!error)
        error = make_live(app);
    if (!error)
        error = make_ops(app);
    if (!error)
        error = make_edge(app, report);
    if (!error)
        error = make_pages(app, report);
    if (error)
        return error;
    hub_moved_set(app->hub, on_moved, app);
    error = add_routes(app, extra);
    return error ? error : add_readers(app);
}

/* Signals are read, never handled: no code of ours runs inside one. Blocked
 * before the first thread, which inherits it. */
static int open_signals(struct app *app)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    app->signals = signalfd(-1, &set, SFD_CLOEXEC);
    app->drained = eventfd(0, EFD_CLOEXEC);
    return app->signals < 0 || app->drained < 0 ? ERR_IO : 0;
}

static unsigned cores(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

    return n < WORKERS_MAX - 1 ? (unsigned)n : WORKERS_MAX - 1;
}

int app_new(struct app **ret, struct config *config,
            const struct app_extra *extra, struct buf *report)
{
    struct app *app = mem_zalloc(1, sizeof(*app));
    int error;

    if (!app)
        return ERR_NOMEM;
    mallopt(M_ARENA_MAX, ARENAS_MAX);
    log_level_set(config->log);
    app->config = config;
    app->signals = app->drained = -1;
    if (config->workers == 0)
        config->workers = cores();
    error = open_signals(app);
    if (!error)
        error = make_parts(app, extra, report);
    if (error && report->len == 0)
        fail(report, error, "the server cannot be made");
    if (error)
        app_free(&app);
    else
        *ret = app;
    return error;
}

/* Starting. */

static int begin_worker(struct app *app, unsigned i)
{
    struct worker **w = &app->workers[i].worker;
    char name[24];
    int error;

    snprintf(name, sizeof(name), "worker-%u", i);
    error = worker_new(w, name, i, &app_worker_events, app);
    if (!error)
        error = worker_launch(*w);
    if (error)
        worker_free(w);
    return error;
}

/* Side by side: most of a start is each one's own connection. */
static int start_some(struct app *app, unsigned from, unsigned to)
{
    unsigned begun = from;
    int error = 0;

    while (begun < to && !error) {
        error = begin_worker(app, begun);
        begun += !error;
    }
    for (unsigned i = from; i < begun; i++) {
        int own = worker_up(app->workers[i].worker);

        if (own)
            worker_free(&app->workers[i].worker);
        if (!error)
            error = own;
    }
    return error;
}

static int start_workers(struct app *app)
{
    unsigned all = app->config->workers;
    unsigned first = app->config->listen.port ? all : 1; /* to pick the port */
    int error = start_some(app, 0, first);

    if (!error)
        error = start_some(app, first, all);
    if (!error)
        app->worker_count = all;
    return error;
}

int app_start(struct app *app, struct buf *report)
{
    const struct config_address *listen = &app->config->listen;
    bool v6 = memchr(listen->host.at, ':', listen->host.len) != NULL;
    int error, feed_error = 0;

    app->step_statements = ops_step_begin(app->ops, "statements");
    app->step_positions = ops_step_begin(app->ops, "positions");
    error = feed_begin(app->feed);
    if (!error) {
        error = start_workers(app);
        feed_error = feed_wait(app->feed);
    }
    if (feed_error)
        return fail(report, feed_error, "the change feed cannot be read");
    if (error) {
        buf_printf(report,
                   "fieldline: error: cannot listen on " BYTES_FMT
                   ":%u: %s; expected a free address of this machine\n",
                   BYTES_ARG(listen->host), listen->port, error_text(error));
        return error;
    }
    snprintf(app->url, sizeof(app->url), "http://%s%s%s:%u", v6 ? "[" : "",
             listen->host.at, v6 ? "]" : "", app->port);
    atomic_store(&app->warming, app->worker_count);
    for (unsigned i = 0; i < app->worker_count; i++) {
        app->workers[i].warm.fn = app_worker_warm;
        worker_post(app->workers[i].worker, &app->workers[i].warm);
    }
    return 0;
}

const char *app_url(const struct app *app)
{
    return app->url;
}

/* Waiting. */

void app_drain(struct app *app)
{
    if (app->is_draining)
        return;
    app->is_draining = true;
    log_info("app.drain", "limit_ms=%llu",
             (unsigned long long)app->config->drain_ms);
    ops_draining(app->ops);
    atomic_store(&app->draining, app->worker_count);
    for (unsigned i = 0; i < app->worker_count; i++) {
        app->workers[i].drain.fn = app_worker_drain;
        worker_post(app->workers[i].worker, &app->workers[i].drain);
    }
}

/* Only what the table of settings says can change: RELOAD_LIVE. */
static void reload(struct app *app, app_reload_fn *reload_fn, void *arg)
{
    struct config *fresh;
    int error = reload_fn(&fresh, arg);

    if (error) {
        log_error("app.reload.refused", "error=%s file=%s", error_name(error),
                  app->config->file_name.at);
        return;
    }
    log_level_set(fresh->log);
    error = edge_cache_resize(app->edge, fresh->edge.cache_bytes_max);
    if (error)
        log_error("app.reload.cache", "error=%s memory=%zu", error_name(error),
                  fresh->edge.cache_bytes_max);
    log_info("app.reload", "file=%s restart_needed=%s", fresh->file_name.at,
             bytes_equal(fresh->text, app->config->text) ? "no" : "perhaps");
    config_free(&fresh);
}

static void on_signal(struct app *app, app_reload_fn *reload_fn, void *arg)
{
    struct signalfd_siginfo info;

    if (read(app->signals, &info, sizeof(info)) != sizeof(info))
        return;
    if (info.ssi_signo == SIGHUP) {
        reload(app, reload_fn, arg);
    } else if (app->is_draining) {
        log_warn("app.exit", "signal=%u", info.ssi_signo);
        _exit(EXIT_FAILURE);
    } else {
        app_drain(app);
    }
}

void app_wait(struct app *app, app_reload_fn *reload_fn, void *arg)
{
    struct pollfd fds[] = {{.fd = app->signals, .events = POLLIN},
                           {.fd = app->drained, .events = POLLIN}};

    for (;;) {
        if (poll(fds, ARRAY_LEN(fds), -1) < 0)
            continue; /* a debugger */
        if (fds[1].revents)
            return;
        if (fds[0].revents)
            on_signal(app, reload_fn, arg);
    }
}

/* The end, from the roof down: the feed wakes workers, so it ends first. */

static void stop_workers(struct app *app)
{
    struct worker *workers[WORKERS_MAX];
    unsigned count = 0;

    for (unsigned i = 0; i < WORKERS_MAX; i++)
        if (app->workers[i].worker)
            workers[count++] = app->workers[i].worker;
    workers_stop(workers, count);
    for (unsigned i = 0; i < WORKERS_MAX; i++)
        worker_free(&app->workers[i].worker);
    app->worker_count = 0;
}

void app_free(struct app **ret)
{
    struct app *app = *ret;

    if (!app)
        return;
    *ret = NULL;
    if (app->feed)
        feed_stop(app->feed);
    stop_workers(app);
    edge_free(&app->edge);
    pages_free(&app->pages);
    ops_free(&app->ops);
    live_free(&app->live);
    hub_free(&app->hub);
    feed_free(&app->feed);
    data_free(&app->data);
    database_close(&app->db);
    if (app->clock)
        tagclock_free(&app->clock);
    if (app->metrics)
        metrics_free(&app->metrics);
    mem_free(app->moving);
    if (app->signals >= 0)
        close(app->signals);
    if (app->drained >= 0)
        close(app->drained);
    mem_free(app);
}
