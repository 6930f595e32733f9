/* SPDX-License-Identifier: MIT */
/*
 * demo - serves an application and, on a thread of its own, simulates the
 * people who would use it (docs/demo.md). They are clients like any other:
 * all they know of the server is its address and their tokens.
 * Threads: the command's; the people live on a loop of their own.
 */
#include "cli/command.h"

#include "app/app.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/courier.h"
#include "cli/demo_client.h"
#include "cli/demo_script.h"
#include "cli/desk.h"
#include "json/json.h"
#include "net/loop.h"
#include "net/worker.h"

#include <stdio.h>
#include <stdlib.h>

#define TOKEN_MAX   ((size_t)4096)
#define TOKEN_TTL_S (UINT64_C(24) * 3600)
#define DESKS_MAX   256

/* Whose couriers are asked for, one a tenant. */
struct roster {
    struct demo *demo;
    struct bytes tenant;
    struct demo_client client;
};

struct demo {
    struct config *config; /* borrowed */
    struct demo_script script;
    struct arena arena; /* keys and tokens */
    struct app *app;
    struct worker *worker;
    struct demo_world world;
    struct roster rosters[DEMO_LIST_MAX];
    unsigned courier_count, desk_count;
    struct courier *couriers[DEMO_COURIER_MAX];
    struct desk *desks[DESKS_MAX];
};

/* In the arena; empty when there is no more room. */
static struct bytes token(struct demo *d, struct bytes user,
                          struct bytes tenant, struct bytes role)
{
    struct bytes kept = {NULL, 0};
    struct buf out;

    buf_init(&out, TOKEN_MAX);
    if (auth_token_write(&out, &d->config->edge.auth, user, tenant, role,
                         clock_wall_us(), TOKEN_TTL_S) == 0)
        kept = arena_copy(&d->arena, buf_bytes(&out));
    buf_fini(&out);
    return kept;
}

/* ---- the simulated ------------------------------------------------------ */

static void hire(struct roster *r, const char *key)
{
    struct demo *d = r->demo;
    struct bytes kept = arena_copy(&d->arena, bytes_of(key));
    struct bytes pass = token(d, kept, r->tenant, d->script.courier.role);

    if (d->courier_count < DEMO_COURIER_MAX && pass.len > 0 &&
        courier_new(&d->couriers[d->courier_count], &d->world, kept, pass) == 0)
        d->courier_count++;
}

static void on_roster(struct http_client *client, int error,
                      const struct http_head *head, struct bytes body,
                      void *arg)
{
    struct roster *r = arg;
    json_t *rows = demo_rows(head, body), *row;
    char key[DEMO_KEY_MAX];
    size_t i;

    if (!rows)
        log_error("demo.roster",
                  "tenant=" BYTES_FMT " error=%s answer='" BYTES_FMT "'",
                  BYTES_ARG(r->tenant), error_name(error), BYTES_ARG(body));
    json_array_foreach(rows, i, row) if (demo_row_key(row, key)) hire(r, key);
    json_decref(rows);
}

static int open_tenant(struct demo *d, unsigned i)
{
    struct roster *r = &d->rosters[i];
    const struct demo_desk_script *desk = &d->script.desk;
    struct bytes target =
        arena_printf(&d->arena, "/api/v1/" BYTES_FMT "?limit=200&fields=id",
                     BYTES_ARG(d->script.courier.resource));
    struct bytes pass;
    int error;

    r->demo = d;
    r->tenant = d->script.courier.tenants[i];
    pass = token(d, BYTES("desk"), r->tenant, desk->role);
    error = pass.len > 0 ? demo_client_init(&r->client, &d->world, pass)
                         : ERR_INVALID;
    if (!error)
        error = demo_client_ask(&r->client, target, BYTES(""), BYTES(""),
                                on_roster, r);
    for (unsigned n = 0; !error && n < desk->count; n++)
        if (d->desk_count < DESKS_MAX) {
            error = desk_new(&d->desks[d->desk_count], &d->world, pass);
            d->desk_count += error == 0;
        }
    return error;
}

static int on_start(struct worker *w, void *arg)
{
    struct demo *d = arg;
    int error = 0;

    d->world.loop = worker_loop(w);
    for (unsigned i = 0; i < d->script.courier.tenant_count && !error; i++)
        error = open_tenant(d, i);
    return error;
}

static void on_stop(struct worker *w, void *arg)
{
    struct demo *d = arg;

    for (unsigned i = 0; i < d->courier_count; i++)
        courier_free(&d->couriers[i]);
    for (unsigned i = 0; i < d->desk_count; i++)
        desk_free(&d->desks[i]);
    for (unsigned i = 0; i < d->script.courier.tenant_count; i++)
        if (d->rosters[i].client.world)
            demo_client_fini(&d->rosters[i].client);
}

static const struct worker_events people = {on_start, on_stop};

/* ---- the page's token --------------------------------------------------- */

/* GET /demo/session: whom the dashboard signs in as. */
static void session(struct exchange *x)
{
    struct demo *d = x->route->arg;
    const struct demo_script *s = &d->script;
    struct buf pass, out;
    int error;

    buf_init(&pass, TOKEN_MAX);
    buf_init(&out, TOKEN_MAX * 2);
    error = auth_token_write(&pass, &d->config->edge.auth, s->viewer_user,
                             s->viewer_tenant, s->viewer_role, clock_wall_us(),
                             TOKEN_TTL_S);
    buf_append(&out, BYTES("{\"token\":"));
    json_write_string(&out, buf_bytes(&pass));
    buf_append(&out, BYTES(",\"user\":"));
    json_write_string(&out, s->viewer_user);
    buf_append(&out, BYTES(",\"tenant\":"));
    json_write_string(&out, s->viewer_tenant);
    buf_append_char(&out, '}');
    exchange_header(x, "Cache-Control", BYTES("no-store"));
    if (error)
        exchange_error(x, error);
    else
        exchange_reply_buf(x, 200, "application/json", &out);
    buf_fini(&pass);
    buf_fini(&out);
}

static int add_routes(struct edge *edge, void *arg)
{
    const struct route route = {.method = HTTP_GET,
                                .template = "/demo/session",
                                .handler = session,
                                .flags = ROUTE_PUBLIC,
                                .cache_class = -1,
                                .arg = arg};

    return edge_route_add(edge, &route);
}

/* ---- life cycle --------------------------------------------------------- */

/* "http://HOST:PORT" as a peer; whoever listens everywhere is met here. */
static int peer_of(struct demo *d, const char *url)
{
    struct bytes rest = bytes_skip(bytes_of(url), strlen("http://"));
    const char *colon = memrchr(rest.at, ':', rest.len);
    struct bytes host = {rest.at, (size_t)(colon - rest.at)};
    uint64_t port;
    int error = bytes_to_u64(bytes_skip(rest, host.len + 1), &port);

    if (host.at[0] == '[')
        host = (struct bytes){host.at + 1, host.len - 2};
    if (bytes_equal(host, BYTES("0.0.0.0")))
        host = BYTES("127.0.0.1");
    d->world.peer.host = arena_copy(&d->arena, host).at;
    d->world.peer.port = (unsigned)port;
    return error;
}

static int start_people(struct demo *d, struct buf *report)
{
    int error = peer_of(d, app_url(d->app));

    d->world.script = &d->script;
    random_bytes(&d->world.random, sizeof(d->world.random));
    if (!error)
        error = worker_new(&d->worker, "demo", 0, &people, d);
    if (!error)
        error = worker_start(d->worker);
    if (error) {
        worker_free(&d->worker);
        buf_printf(report,
                   "fieldline demo: error: the simulated couriers cannot "
                   "start: %s; the demo needs a key of its own (auth.jwt with "
                   "HS256) to sign their tokens\n",
                   error_text(error));
    }
    return error;
}

static int demo(struct demo *d, struct line *l, struct buf *report)
{
    const struct app_extra extra = {add_routes, d};
    int error = demo_script_load(&d->script, d->config->dir.at, report);

    if (!error)
        error = config_secret_load(d->config, report);
    if (!error)
        error = app_new(&d->app, d->config, &extra, report);
    if (!error)
        error = app_start(d->app, report);
    if (!error)
        error = start_people(d, report);
    if (!error) {
        printf("listening on %s\n"
               "simulated couriers and desks are at work; open %s/ and watch\n",
               app_url(d->app), app_url(d->app));
        fflush(stdout);
        app_wait(d->app, line_reload, l);
    }
    if (d->worker) {
        worker_stop(d->worker);
        worker_join(d->worker);
        worker_free(&d->worker);
    }
    app_free(&d->app);
    demo_script_fini(&d->script);
    return error;
}

static int run_demo(struct line *l, struct config *config, struct buf *report)
{
    struct demo *d = mem_zalloc(1, sizeof(*d));
    int error;

    if (!d)
        return ERR_NOMEM;
    d->config = config;
    arena_init(&d->arena, (size_t)64 << 20);
    error = demo(d, l, report);
    arena_fini(&d->arena);
    mem_free(d);
    return error;
}

static int run(struct line *l)
{
    return line_run(l, run_demo);
}

const struct command command_demo = {
    .name = "demo",
    .arguments = "DIR",
    .summary = "Serves an application, with simulated people at work in it",
    .takes_settings = true,
    .argument_count = 1,
    .run_fn = run,
};
