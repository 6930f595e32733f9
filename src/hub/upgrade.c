/* SPDX-License-Identifier: MIT */
/*
 * upgrade - RFC 6455 section 4.2, and who may ask.
 * Threads: loop.
 */
#include "hub/upgrade.h"

#include "edge/edge.h"
#include "hub/desk.h"
#include "hub/session.h"
#include "net/stream.h"
#include "proto/ws.h"

#define PROTOCOL BYTES("fieldline.v1")

static bool field_repeated(const struct http_head *h, enum http_field_id id)
{
    return h->repeated[id] > 0;
}

bool upgrade_origin_allowed(const struct hub_spec *spec,
                            const struct http_head *h)
{
    struct bytes origin = http_head_get(h, HTTP_FIELD_ORIGIN);
    struct bytes host = http_head_get(h, HTTP_FIELD_HOST);
    struct bytes scheme = BYTES("http://");

    if (!http_head_has(h, HTTP_FIELD_ORIGIN) || spec->origins.all)
        return true;
    if (field_repeated(h, HTTP_FIELD_ORIGIN) ||
        field_repeated(h, HTTP_FIELD_HOST))
        return false;
    for (unsigned i = 0; i < spec->origins.count; i++)
        if (bytes_equal_nocase(spec->origins.names[i], origin))
            return true;
    return host.len && bytes_starts(origin, scheme) &&
           bytes_equal_nocase(bytes_skip(origin, scheme.len), host);
}

static void on_upgraded(struct stream *stream, struct identity *identity,
                        char *rest, size_t rest_len, void *arg)
{
    struct hub_post *post = arg;

    session_begin(post->part, stream, identity, false, rest, rest_len);
}

static void on_upgraded_deflate(struct stream *stream,
                                struct identity *identity, char *rest,
                                size_t rest_len, void *arg)
{
    struct hub_post *post = arg;

    session_begin(post->part, stream, identity, true, rest, rest_len);
}

static bool handshake_ok(struct exchange *x)
{
    const struct http_head *h = x->head;

    if (!h->upgrade || !http_list_has(http_head_get(h, HTTP_FIELD_UPGRADE),
                                      BYTES("websocket"))) {
        exchange_header(x, "Upgrade", BYTES("websocket"));
        exchange_problem(x, 426, "websocket-only",
                         "this is a WebSocket endpoint: see docs/protocol.md");
        return false;
    }
    if (!bytes_equal(http_head_get(h, HTTP_FIELD_SEC_WEBSOCKET_VERSION),
                     BYTES("13"))) {
        exchange_header(x, "Sec-WebSocket-Version", BYTES("13"));
        exchange_problem(x, 426, "websocket-version",
                         "expected Sec-WebSocket-Version: 13");
        return false;
    }
    if (field_repeated(h, HTTP_FIELD_SEC_WEBSOCKET_KEY) ||
        !ws_key_valid(http_head_get(h, HTTP_FIELD_SEC_WEBSOCKET_KEY))) {
        exchange_problem(x, 400, "websocket-key",
                         "expected one Sec-WebSocket-Key of 16 bytes in "
                         "base64");
        return false;
    }
    return true;
}

/* What the client offered and the server takes: compression, the protocol. */
static bool extensions_answer(struct exchange *x, struct hub_worker *w)
{
    const struct http_head *h = x->head;
    struct bytes extensions =
        ws_negotiate(http_head_get(h, HTTP_FIELD_SEC_WEBSOCKET_EXTENSIONS));

    if (http_list_has(http_head_get(h, HTTP_FIELD_SEC_WEBSOCKET_PROTOCOL),
                      PROTOCOL))
        exchange_header(x, "Sec-WebSocket-Protocol", PROTOCOL);
    /* The worker's compressor is made for the first who wants it. */
    if (!extensions.len || (!w->deflate && ws_deflate_new(&w->deflate) != 0))
        return false;
    exchange_header(x, "Sec-WebSocket-Extensions", extensions);
    return true;
}

static void on_ws(struct exchange *x)
{
    struct hub *hub = x->route->arg;
    struct hub_worker *w = edge_worker_slot(x->edge, EDGE_SLOT_HUB);
    char accept[28 + 1];
    bool deflate;

    if (!handshake_ok(x))
        return;
    if (!upgrade_origin_allowed(hub->spec, x->head)) {
        exchange_problem(x, 403, "origin-not-allowed",
                         "pages of this origin may not connect; list it under "
                         "hub.origins");
        return;
    }
    ws_accept_key(http_head_get(x->head, HTTP_FIELD_SEC_WEBSOCKET_KEY), accept);
    exchange_header(x, "Sec-WebSocket-Accept", bytes_of(accept));
    deflate = extensions_answer(x, w);
    exchange_upgrade(x, "websocket",
                     deflate ? on_upgraded_deflate : on_upgraded,
                     &hub->posts[worker_index(w->worker)]);
}

int upgrade_route(struct hub *hub, struct edge *edge)
{
    struct route route = {.method = HTTP_GET,
                          .template = "/ws",
                          .handler = on_ws,
                          .flags = ROUTE_UPGRADE | ROUTE_PUBLIC,
                          .cache_class = -1,
                          .arg = hub};

    return edge_route_add(edge, &route);
}
