/* SPDX-License-Identifier: MIT */
/*
 * near - the query string read, the fleet asked, texts joined.
 * Threads: loop.
 */
#include "live/near.h"

#include "base/blob.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "data/data.h"
#include "edge/edge.h"
#include "json/json.h"
#include "live/fleet.h"
#include "live/live.h"

#include <stdio.h>

#define RADIUS_M_DEFAULT 5000.0
#define RADIUS_M_MAX     20038000.0 /* half way round */
#define NEAR_LIMIT       100
#define BODY_MAX         ((size_t)16 << 20)

struct near {
    bool nearest;
    struct fl_geo_point at;
    double radius_m;
    size_t limit;         /* 0: not given */
    const char *expected; /* what was wrong, for people */
};

/* ---- reading the question --------------------------------------------- */

int near_radius_read(struct bytes text, double *ret_m)
{
    double unit = 1, number;
    int error;

    if (bytes_ends(text, BYTES("km"))) {
        unit = 1000;
        text.len -= 2;
    } else if (bytes_ends(text, BYTES("m"))) {
        text.len -= 1;
    }
    error = bytes_to_double(text, &number);
    if (error)
        return error;
    if (!(number * unit >= 0 && number * unit <= RADIUS_M_MAX))
        return ERR_RANGE;
    *ret_m = number * unit;
    return 0;
}

static int point_read(struct bytes text, struct fl_geo_point *ret)
{
    struct bytes lat, lng;
    int error = 0;

    if (!bytes_cut(text, ',', &lat, &lng))
        return ERR_INVALID;
    error = bytes_to_double(lat, &ret->lat);
    if (!error)
        error = bytes_to_double(lng, &ret->lng);
    if (!error && !fl_geo_point_valid(*ret))
        error = ERR_RANGE;
    return error;
}

static int parameter_read(struct near *q, struct bytes name, struct bytes value)
{
    uint64_t limit;

    if (bytes_equal(name, BYTES("near"))) {
        q->nearest = true;
        q->expected = "near: expected latitude,longitude in degrees, as in "
                      "near=40.71,-74.01";
        return point_read(value, &q->at);
    }
    if (bytes_equal(name, BYTES("radius"))) {
        q->expected = "radius: expected a distance, as in 500m or 5km";
        return near_radius_read(value, &q->radius_m);
    }
    if (bytes_equal(name, BYTES("limit"))) {
        q->expected = "limit: expected a number from 1 to 1000";
        if (bytes_to_u64(value, &limit) != 0 || limit < 1 ||
            limit > LIVE_LIMIT_MAX)
            return ERR_INVALID;
        q->limit = (size_t)limit;
        return 0;
    }
    q->expected = "expected near, radius or limit";
    return ERR_INVALID;
}

static int near_read(struct exchange *x, struct near *ret)
{
    struct bytes name, value;
    size_t cursor = 0;
    int error = 0;

    *ret = (struct near){.radius_m = RADIUS_M_DEFAULT,
                         .expected = "the query string is malformed"};
    while (!error && exchange_query_next(x, &cursor, &name, &value, &error))
        error = parameter_read(ret, name, value);
    if (!ret->limit)
        ret->limit = ret->nearest ? NEAR_LIMIT : LIVE_LIMIT_MAX;
    return error;
}

/* ---- answering -------------------------------------------------------- */

static void found_write(struct buf *out, const struct fleet_found *found,
                        bool with_metres)
{
    char metres[32];

    buf_append_char(out, '{');
    buf_append(out, found->fix->json);
    if (with_metres) {
        (void)snprintf(metres, sizeof(metres), ",\"metres\":%.1f",
                       found->metres);
        buf_append(out, bytes_of(metres));
    }
    buf_append_char(out, '}');
}

static int found_reply(struct fleet_found *found, size_t count,
                       bool with_metres, struct blob **ret)
{
    struct buf out;
    int error;

    buf_init(&out, BODY_MAX);
    buf_append(&out, BYTES("{\"data\":["));
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_append_char(&out, ',');
        found_write(&out, &found[i], with_metres);
        fix_unref(&found[i].fix);
    }
    buf_append(&out, BYTES("]}"));
    error = buf_take(&out, ret);
    buf_fini(&out);
    return error;
}

static int near_answer(struct fleet *fleet, struct bytes tenant,
                       const struct near *q, struct blob **ret)
{
    struct fleet_found *found = mem_zalloc(q->limit, sizeof(*found));
    size_t count = 0;
    int error = found ? 0 : ERR_NOMEM;

    if (error)
        return error;
    if (!q->nearest)
        count = fleet_all(fleet, tenant, found, q->limit);
    else
        error = fleet_near(fleet, tenant, q->at, q->radius_m, found, q->limit,
                           &count);
    if (!error)
        error = found_reply(found, count, q->nearest, ret);
    mem_free(found);
    return error;
}

static void on_near(struct exchange *x)
{
    const struct near_route *route = x->route->arg;
    struct near question;
    struct blob *body;
    int error;

    if (!data_may_read(route->resource, x->identity->roles)) {
        exchange_error(x, ERR_DENIED);
        return;
    }
    if (near_read(x, &question) != 0) {
        exchange_problem(x, 400, "invalid-query", "%s", question.expected);
        return;
    }
    error = near_answer(route->fleet, x->identity->tenant, &question, &body);
    if (error) {
        exchange_error(x, error);
        return;
    }
    exchange_header(x, "Cache-Control", BYTES("no-store"));
    exchange_reply(x, 200, "application/json", body);
}

int near_route_add(struct near_route *n, struct edge *edge)
{
    struct bytes name = fleet_resource(n->fleet);
    struct route route = {.method = HTTP_GET,
                          .template = n->template,
                          .handler = on_near,
                          .cache_class = -1,
                          .arg = n};
    int len = snprintf(n->template, sizeof(n->template),
                       "/api/v1/live/" BYTES_FMT, BYTES_ARG(name));

    if (len < 0 || (size_t)len >= sizeof(n->template))
        return ERR_LIMIT;
    return edge_route_add(edge, &route);
}
