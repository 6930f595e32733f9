/* SPDX-License-Identifier: MIT */
/*
 * courier - see courier.h for the states.
 * Threads: loop.
 */
#include "cli/courier.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/demo_client.h"
#include "cli/demo_script.h"
#include "fieldline/geo.h"
#include "net/loop.h"
#include "proto/http.h"

#include <stdarg.h>
#include <stdio.h>

#define STOPS_MAX   200
#define AGAIN_MS    2000 /* after a lost connection or a failed request */
#define THERE_M     1.0
#define MESSAGE_MAX ((size_t)1024)

enum courier_state { LOADING, DRIVING, VISITING, RESETTING };

struct stop {
    char key[DEMO_KEY_MAX];
    struct fl_geo_point at;
};

struct courier {
    struct demo_client client; /* HTTP */
    struct ws_client *live;
    bool told_who; /* CONNECT was sent on this connection */
    bool asking;
    struct bytes key;
    enum courier_state state;
    struct timer tick, reopen;
    struct fl_geo_point at;
    uint64_t moved_ns;
    uint64_t pause_until_ms;
    unsigned visit;
    unsigned stop_count, next;
    struct stop *stops;
};

static const struct demo_courier_script *script_of(const struct courier *c)
{
    return &c->client.world->script->courier;
}

/* ---- the live connection ------------------------------------------------ */

static void tell(struct courier *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void tell(struct courier *c, const char *fmt, ...)
{
    char text[MESSAGE_MAX];
    va_list arguments;
    int len;

    va_start(arguments, fmt);
    len = vsnprintf(text, sizeof(text), fmt, arguments);
    va_end(arguments);
    if (len > 0 && (size_t)len < sizeof(text))
        ws_client_send_text(c->live, (struct bytes){text, (size_t)len});
}

static void on_open(struct ws_client *live, void *arg)
{
    struct courier *c = arg;

    tell(c, "{\"type\":\"CONNECT\",\"token\":\"" BYTES_FMT "\"}",
         BYTES_ARG(c->client.token));
    c->told_who = true;
}

static void on_message(struct ws_client *live, bool text, struct bytes message,
                       void *arg)
{
    if (bytes_starts(message, BYTES("{\"type\":\"ERROR\"")))
        log_warn("demo.courier.refused", "answer='" BYTES_FMT "'",
                 BYTES_ARG(message));
}

static void on_close(struct ws_client *live, unsigned code, int error,
                     void *arg)
{
    struct courier *c = arg;

    c->live = NULL;
    c->told_who = false;
    timer_start(c->client.world->loop, &c->reopen, AGAIN_MS);
}

static const struct ws_client_events live_events = {on_open, on_message,
                                                    on_close};

static void open_live(struct courier *c)
{
    struct demo_world *world = c->client.world;
    int error = ws_client_open(&c->live, world->loop, &world->peer,
                               BYTES("/ws"), BYTES(""), &live_events, c);

    if (error)
        timer_start(world->loop, &c->reopen, AGAIN_MS);
}

static void on_reopen(struct timer *timer, void *arg)
{
    open_live(arg);
}

static void tell_position(struct courier *c)
{
    const struct demo_courier_script *s = script_of(c);

    if (!c->live || !c->told_who)
        return;
    tell(c,
         "{\"type\":\"" BYTES_FMT "\",\"payload\":{\"" BYTES_FMT
         "\":\"" BYTES_FMT "\",\"lat\":%.6f,\"lng\":%.6f}}",
         BYTES_ARG(s->message), BYTES_ARG(s->key), BYTES_ARG(c->key), c->at.lat,
         c->at.lng);
}

/* ---- the day ------------------------------------------------------------ */

static void take_stops(struct courier *c, const json_t *list)
{
    size_t i;
    json_t *row;

    c->stop_count = 0;
    json_array_foreach(list, i, row)
    {
        struct stop *stop = &c->stops[c->stop_count];

        if (c->stop_count == STOPS_MAX)
            break;
        stop->at.lat = json_number_value(json_object_get(row, "lat"));
        stop->at.lng = json_number_value(json_object_get(row, "lng"));
        if (fl_geo_point_valid(stop->at) && demo_row_key(row, stop->key))
            c->stop_count++;
    }
}

/* Somewhere on his day, so that couriers are not all at their first stop. */
static void begin_day(struct courier *c)
{
    struct demo_world *world = c->client.world;
    double r = demo_random(world);

    c->next = c->stop_count ? (unsigned)(r * 0.5 * c->stop_count) : 0;
    c->visit = 0;
    if (c->stop_count)
        c->at = c->stops[c->next].at;
    c->at.lat += (demo_random(world) - 0.5) * 0.05;
    c->at.lng += (demo_random(world) - 0.5) * 0.05;
    c->moved_ns = loop_now_ns(world->loop);
    c->state = DRIVING;
}

static bool succeeded(const struct http_head *head)
{
    return head && head->status >= 200 && head->status < 300;
}

static void on_stops(struct http_client *client, int error,
                     const struct http_head *head, struct bytes body, void *arg)
{
    struct courier *c = arg;
    json_t *rows = demo_rows(head, body);

    c->asking = false;
    if (rows) {
        take_stops(c, rows);
        begin_day(c);
    } else {
        c->pause_until_ms = loop_now_ms(c->client.world->loop) + AGAIN_MS;
    }
    json_decref(rows);
}

static void load_stops(struct courier *c)
{
    char target[DEMO_TARGET_MAX];
    struct buf filled;

    buf_init(&filled, sizeof(target));
    demo_fill(&filled, script_of(c)->stops, BYTES("key"), c->key);
    c->asking = demo_client_ask(&c->client, buf_bytes(&filled), BYTES(""),
                                BYTES(""), on_stops, c) == 0;
    buf_fini(&filled);
}

static void on_written(struct http_client *client, int error,
                       const struct http_head *head, struct bytes body,
                       void *arg)
{
    struct courier *c = arg;

    c->asking = false;
    c->pause_until_ms = loop_now_ms(c->client.world->loop) +
                        (c->state == RESETTING ? 0 : script_of(c)->pause_ms);
    if (!succeeded(head)) {
        c->pause_until_ms += AGAIN_MS;
        return;
    }
    if (c->state == RESETTING) {
        c->next++;
    } else if (++c->visit == script_of(c)->visit_count) {
        c->visit = 0;
        c->next++;
        c->state = DRIVING;
    }
}

static void write_stop(struct courier *c, struct bytes change)
{
    const struct stop *stop = &c->stops[c->next];
    char now[CLOCK_RFC3339_LEN + 1];
    struct buf *body = &c->client.body;
    const struct bytes mark = BYTES("$now");

    clock_rfc3339(clock_wall_us(), now);
    buf_clear(body);
    while (change.len > 0) {
        bool marked = bytes_starts(change, mark);

        buf_append(body, marked ? bytes_of(now) : (struct bytes){change.at, 1});
        change = bytes_skip(change, marked ? mark.len : 1);
    }
    c->asking =
        buf_error(body) == 0 &&
        demo_client_ask(&c->client, script_of(c)->stop, bytes_of(stop->key),
                        buf_bytes(body), on_written, c) == 0;
}

/* Moves straight towards the next stop by what the time since allows. */
static void drive(struct courier *c)
{
    uint64_t now = loop_now_ns(c->client.world->loop);
    double seconds = (double)(now - c->moved_ns) / 1e9;
    double metres = script_of(c)->speed_kmh / 3.6 * seconds;
    const struct fl_geo_point to = c->stops[c->next].at;
    double left = fl_geo_distance_m(c->at, to);
    double share = left > metres ? metres / left : 1;

    c->moved_ns = now;
    c->at.lat += (to.lat - c->at.lat) * share;
    c->at.lng += (to.lng - c->at.lng) * share;
    if (left <= metres + THERE_M)
        c->state = VISITING;
}

static void end_of_route(struct courier *c)
{
    c->next = 0;
    c->state = c->state == RESETTING ? LOADING : RESETTING;
}

static void proceed(struct courier *c)
{
    const struct demo_courier_script *s = script_of(c);

    c->moved_ns =
        c->state == DRIVING ? c->moved_ns : loop_now_ns(c->client.world->loop);
    if (c->asking || loop_now_ms(c->client.world->loop) < c->pause_until_ms)
        return;
    if (c->state != LOADING && c->next >= c->stop_count)
        end_of_route(c);
    if (c->state == LOADING)
        load_stops(c);
    else if (c->next < c->stop_count && c->state == DRIVING)
        drive(c);
    else if (c->next < c->stop_count && c->state == VISITING)
        write_stop(c, s->visits[c->visit]);
    else if (c->next < c->stop_count)
        write_stop(c, s->again);
}

static void on_tick(struct timer *timer, void *arg)
{
    struct courier *c = arg;

    proceed(c);
    if (c->state != LOADING)
        tell_position(c);
    timer_start(c->client.world->loop, timer, script_of(c)->every_ms);
}

/* ---- life cycle --------------------------------------------------------- */

int courier_new(struct courier **ret, struct demo_world *world,
                struct bytes key, struct bytes token)
{
    struct courier *c = mem_zalloc(1, sizeof(*c));
    int error = ERR_NOMEM;

    if (!c)
        return ERR_NOMEM;
    timer_init(&c->tick, on_tick, c);
    timer_init(&c->reopen, on_reopen, c);
    c->key = key;
    c->stops = mem_zalloc(STOPS_MAX + 1, sizeof(*c->stops));
    if (c->stops)
        error = demo_client_init(&c->client, world, token);
    if (error) {
        courier_free(&c);
        return error;
    }
    open_live(c);
    timer_start(
        world->loop, &c->tick,
        (uint64_t)(demo_random(world) * (double)script_of(c)->every_ms));
    *ret = c;
    return 0;
}

void courier_free(struct courier **courier)
{
    struct courier *c = *courier;

    if (!c)
        return;
    timer_stop(&c->tick);
    timer_stop(&c->reopen);
    if (c->client.world)
        demo_client_fini(&c->client);
    mem_free(c->stops);
    mem_free(c);
    *courier = NULL;
}
