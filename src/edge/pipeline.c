/* SPDX-License-Identifier: MIT */
/*
 * pipeline - the steps of every request; see pipeline.h for their order.
 *
 * What makes a cached answer one's own: the key holds, as full bytes, the
 * roles and the tenant (and the user, where the route says so) before the
 * target as sent. Headers are no part of it, and nothing a handler of a cached
 * route answers may depend on them.
 * Threads: loop.
 */
#include "edge/pipeline.h"

#include "base/blob.h"
#include "base/error.h"
#include "edge/encode.h"
#include "edge/larder.h"
#include "edge/reply.h"
#include "edge/respond.h"
#include "edge/router.h"
#include "edge/session.h"

#include <assert.h>

#define MS_PER_S      1000
#define KEY_FIXED_LEN 9 /* kind, roles, two lengths */

/* ---- routing ---------------------------------------------------------- */

static void allow_header(struct request *r, unsigned allowed)
{
    struct exchange *x = &r->x;
    char text[64];
    size_t len = 0;

    if (allowed & 1u << HTTP_GET)
        allowed |= 1u << HTTP_HEAD;
    allowed |= 1u << HTTP_OPTIONS;
    for (unsigned m = HTTP_GET; m <= HTTP_OPTIONS; m++) {
        struct bytes name = bytes_of(http_method_name((enum http_method)m));

        if (!(allowed & 1u << m))
            continue;
        if (len) {
            memcpy(text + len, ", ", 2);
            len += 2;
        }
        memcpy(text + len, name.at, name.len);
        len += name.len;
    }
    exchange_header(x, "Allow", (struct bytes){text, len});
}

static bool route_find(struct request *r)
{
    struct exchange *x = &r->x;
    struct edge *e = x->edge->edge;
    struct router_match match;
    enum router_verdict verdict =
        router_find(e->router, x->path, x->head->method, &match);

    if (LIKELY(verdict == ROUTER_FOUND)) {
        x->route = match.route;
        r->route_index =
            CONTAINER_OF(match.route, const struct edge_route, route)->index;
        memcpy(x->params, match.params, sizeof(x->params));
        return true;
    }
    if (verdict == ROUTER_NOT_FOUND) {
        exchange_problem(x, 404, "no-such-path", "nothing is at this path");
        return false;
    }
    allow_header(r, match.allowed);
    if (x->head->method == HTTP_OPTIONS)
        exchange_reply(x, 204, NULL, NULL);
    else
        exchange_problem(x, 405, "method-not-allowed",
                         "this path is known, but not with this method");
    return false;
}

/* ---- who is asking ---------------------------------------------------- */

static bool refuse(struct request *r, const char *why)
{
    exchange_header(&r->x, "WWW-Authenticate",
                    http_head_has(r->x.head, HTTP_FIELD_AUTHORIZATION)
                        ? BYTES("Bearer realm=\"fieldline\", "
                                "error=\"invalid_token\"")
                        : BYTES("Bearer realm=\"fieldline\""));
    exchange_problem(&r->x, 401, "unauthenticated", "%s", why);
    return false;
}

/* Only from the header: a token in a URL ends up in logs and histories. */
static bool identify(struct request *r)
{
    struct exchange *x = &r->x;
    struct edge_worker *ew = x->edge;
    struct bytes field = http_head_get(x->head, HTTP_FIELD_AUTHORIZATION);
    struct bytes scheme, token;
    const char *why = "this server has no keys to check tokens with";

    if (field.len == 0) {
        if (x->route->flags & ROUTE_PUBLIC)
            return true;
        return refuse(r, "an Authorization: Bearer token is needed");
    }
    if (x->head->repeated[HTTP_FIELD_AUTHORIZATION] ||
        !bytes_cut(field, ' ', &scheme, &token) ||
        !bytes_equal_nocase(scheme, BYTES("bearer")))
        return refuse(r, "one Authorization: Bearer token is needed");
    token = bytes_trim(token);
    if (ew->auth && auth_identify(ew->auth, token, edge_worker_wall_us(ew),
                                  &x->identity, &why) == 0) {
        metrics_add(ew->shard,
                    auth_remembered(ew->auth) ? ew->tokens_remembered
                                              : ew->tokens_verified,
                    1);
        return true;
    }
    metrics_add(ew->shard, ew->tokens_refused, 1);
    return refuse(r, why);
}

/* ---- the head and the body -------------------------------------------- */

static size_t body_max(const struct request *r)
{
    size_t max = r->x.route->body_bytes_max;

    return max ? max : EDGE_BODY_DEFAULT;
}

static bool body_too_large(struct request *r)
{
    r->close = true;
    exchange_problem(&r->x, 413, "too-large",
                     "a body of at most %zu bytes is accepted here",
                     body_max(r));
    return false;
}

static bool coding_is_known(struct bytes coding)
{
    return coding.len == 0 || bytes_equal_nocase(coding, BYTES("identity")) ||
           bytes_equal_nocase(coding, BYTES("gzip"));
}

bool pipeline_open(struct request *r, const struct http_head *head)
{
    struct exchange *x = &r->x;

    x->head = head;
    r->is_head = head->method == HTTP_HEAD;
    r->close = !head->keep_alive;
    trace_begin(&r->trace, http_head_get(head, HTTP_FIELD_TRACEPARENT),
                &x->edge->trace_state);
    if (target_parse(&r->target, head->target, &x->arena) < 0) {
        exchange_problem(x, 400, "malformed-target",
                         "the request's target is not a plain path");
        return false;
    }
    x->path = r->target.path;
    x->query = r->target.query;
    if (!route_find(r) || !identify(r))
        return false;
    if (UNLIKELY(head->has_length && head->content_length > body_max(r)))
        return body_too_large(r);
    if (!coding_is_known(http_head_get(head, HTTP_FIELD_CONTENT_ENCODING)) ||
        head->repeated[HTTP_FIELD_CONTENT_ENCODING]) {
        exchange_header(x, "Accept-Encoding", BYTES("gzip"));
        exchange_problem(x, 415, "content-encoding",
                         "a body may come as it is or in gzip");
        return false;
    }
    buf_init(&r->body, body_max(r));
    return true;
}

void pipeline_body_piece(struct request *r, struct bytes piece)
{
    buf_append(&r->body, piece);
    if (UNLIKELY(buf_error(&r->body) < 0))
        (void)body_too_large(r);
}

bool pipeline_body(struct request *r)
{
    struct exchange *x = &r->x;
    struct buf plain;

    x->body = buf_bytes(&r->body);
    if (x->body.len == 0 ||
        !bytes_equal_nocase(http_head_get(x->head, HTTP_FIELD_CONTENT_ENCODING),
                            BYTES("gzip")))
        return true;
    buf_init(&plain, body_max(r));

    int error = gzip_inflate(x->edge->gzip, x->body, &plain);

    buf_fini(&r->body);
    r->body = plain;
    x->body = buf_bytes(&r->body);
    if (error == 0)
        return true;
    if (error == ERR_LIMIT)
        return body_too_large(r);
    exchange_problem(x, 400, "malformed-gzip", "the body is not whole gzip");
    return false;
}

/* ---- the key ---------------------------------------------------------- */

static char *put(char *at, const void *from, size_t len)
{
    if (len)
        memcpy(at, from, len);
    return at + len;
}

/* kind, roles, tenant, user, target; every part with its length before it. */
static int key_make(struct request *r)
{
    const struct identity *id = r->x.identity;
    bool by_user = id && (r->x.route->flags & ROUTE_BY_USER);
    struct bytes tenant = id ? id->tenant : BYTES("");
    struct bytes user = by_user ? id->user : BYTES("");
    uint32_t roles = id ? id->roles : 0;
    uint16_t tenant_len = (uint16_t)tenant.len, user_len = (uint16_t)user.len;
    char kind = (char)('0' + (id != NULL) + by_user);
    size_t len = KEY_FIXED_LEN + tenant.len + user.len + r->target.raw.len;
    char *key = len <= sizeof(r->key_room) ? r->key_room
                                           : arena_bytes(&r->x.arena, len);

    if (!key)
        return ERR_NOMEM;

    char *at = put(key, &kind, 1);

    at = put(at, &roles, 4);
    at = put(at, &tenant_len, 2);
    at = put(at, &user_len, 2);
    at = put(at, tenant.at, tenant.len);
    at = put(at, user.at, user.len);
    (void)put(at, r->target.raw.at, r->target.raw.len);
    r->key = (struct bytes){key, len};
    return 0;
}

static bool may_be_cached(const struct request *r)
{
    const struct exchange *x = &r->x;

    return (x->route->flags & ROUTE_CACHED) && x->route->cache_class >= 0 &&
           x->route->method == HTTP_GET && !x->head->has_length &&
           !x->head->chunked;
}

/* ---- the cache -------------------------------------------------------- */

enum lookup { LOOKUP_HIT, LOOKUP_MISS, LOOKUP_STALE, LOOKUP_JOINED };

static void count_lookup(struct request *r, enum lookup result)
{
    struct edge_worker *ew = r->x.edge;

    metrics_add(ew->shard, ew->lookups[r->x.route->cache_class][result], 1);
}

static void handler_call(struct request *r)
{
    struct exchange *x = &r->x;

    if (request_keep(r) < 0) {
        exchange_error(x, ERR_NOMEM);
        return;
    }
    r->handled = true;
    x->cache_class = x->route->cache_class;
    if (!r->flight)
        x->stamp = tagclock_stamp(x->edge->edge->clock);
    x->route->handler(x);
}

/* The flight this one leads has nothing to share. */
static void flight_drop(struct request *r)
{
    if (r->flight)
        (void)flight_end(r->x.edge->edge->flights, &r->flight, NULL, NULL);
}

static void on_flight_letter(struct worker *worker, struct letter *letter)
{
    struct flight_waiter *w =
        CONTAINER_OF(letter, struct flight_waiter, letter);
    struct request *r = CONTAINER_OF(w, struct request, waiter);
    struct reply *reply = w->reply;

    w->reply = NULL;
    if (w->verdict == FLIGHT_AGAIN) {
        w->again = true;
        pipeline_run(r);
        return;
    }
    if (w->verdict == FLIGHT_BY_ITSELF) {
        count_lookup(r, LOOKUP_MISS);
        handler_call(r);
        return;
    }

    struct serving serving = {.outcome = CACHE_COLLAPSED,
                              .has_position = true,
                              .stamp = reply->stamp};

    respond(r, reply, &serving);
    reply_unref(&reply);
    request_end(r);
}

static void load(struct request *r)
{
    struct edge *e = r->x.edge->edge;

    /* The key stands in the request; what it was made of must outlive this. */
    if (request_keep(r) < 0) {
        exchange_error(&r->x, ERR_NOMEM);
        return;
    }
    r->waiter.letter.fn = on_flight_letter;
    if (flight_enter(e->flights, r->key, r->position, &r->waiter, &r->flight,
                     &r->x.stamp) == FLIGHT_JOINED) {
        count_lookup(r, LOOKUP_JOINED);
        return;
    }
    count_lookup(r, LOOKUP_MISS);
    handler_call(r);
}

/* Serves what is a little old, and goes on without a caller to renew it. */
static void serve_stale(struct request *r, struct reply *reply,
                        const struct serving *serving)
{
    struct session *s = r->session;
    enum session_after after = r->close ? SESSION_CLOSE : SESSION_KEEP;
    struct edge *e = r->x.edge->edge;

    respond(r, reply, serving);
    count_lookup(r, LOOKUP_STALE);
    if (request_keep(r) < 0 ||
        !flight_lead(e->flights, r->key, &r->flight, &r->x.stamp)) {
        request_end(r);
        return;
    }
    r->session = NULL;
    if (s)
        session_answered(s, after);
    handler_call(r);
}

static bool may_be_stale(const struct request *r)
{
    const struct edge *e = r->x.edge->edge;

    return e->spec.classes[r->x.route->cache_class].swr_ms > 0;
}

static void lookup(struct request *r)
{
    struct edge *e = r->x.edge->edge;
    uint64_t now_ms = loop_now_ms(r->x.edge->loop);
    /* Read BEFORE the check: the check then covers every change up to it. */
    uint64_t stamp = tagclock_stamp(e->clock);
    struct reply *reply = larder_get(e->larder, r->key);
    bool fresh = reply && now_ms < reply->fresh_until_ms;

    /* The cache's clock is not the loop's: it may keep a little longer. */
    if (!reply || (!fresh && !may_be_stale(r))) {
        reply_unref(&reply);
        load(r);
        return;
    }

    struct serving serving = {
        .outcome = fresh ? CACHE_HIT : CACHE_STALE,
        .has_position = true,
        .stamp = stamp,
        .ttl_s = ((int64_t)reply->fresh_until_ms - (int64_t)now_ms) / MS_PER_S,
    };

    if (LIKELY(fresh)) {
        count_lookup(r, LOOKUP_HIT);
        respond(r, reply, &serving);
        request_end(r);
    } else {
        serve_stale(r, reply, &serving);
    }
    reply_unref(&reply);
}

/* ---- waiting for a position ------------------------------------------- */

/* "epoch:offset" of this epoch, as the stamp that covers it; another epoch's
 * tells nothing here: 0. */
static uint64_t position_asked(const struct request *r)
{
    const struct edge *e = r->x.edge->edge;
    struct bytes field =
        http_head_get(r->x.head, HTTP_FIELD_FIELDLINE_POSITION);
    struct bytes epoch, offset;
    uint64_t position;

    if (LIKELY(field.len == 0) || !e->feed.epoch_fn ||
        !bytes_cut(field, ':', &epoch, &offset) ||
        !bytes_equal(epoch, e->feed.epoch_fn(e->feed.arg)) ||
        bytes_to_u64(offset, &position) < 0 || position > TAGCLOCK_OFFSET_MAX)
        return 0;
    return (tagclock_stamp(e->clock) & ~TAGCLOCK_OFFSET_MAX) | position;
}

static void wait_end(struct request *r)
{
    struct edge_worker *ew = r->x.edge;

    timer_stop(&r->wait_timer);
    list_remove(&r->wait_link);
    atomic_fetch_sub(&ew->waiting_count, 1);
}

/* It took too long: past the cache, to the source. */
static void on_wait_over(struct timer *t, void *arg)
{
    struct request *r = arg;

    wait_end(r);
    r->bypass = true;
    handler_call(r);
}

static void wait_for_position(struct request *r)
{
    struct edge_worker *ew = r->x.edge;

    if (request_keep(r) < 0) {
        exchange_error(&r->x, ERR_NOMEM);
        return;
    }
    list_append(&ew->waiting, &r->wait_link);
    timer_init(&r->wait_timer, on_wait_over, r);
    timer_start(ew->loop, &r->wait_timer, ew->edge->spec.position_wait_ms);
    atomic_fetch_add(&ew->waiting_count, 1);
    /* It may have come between the look and the entry above. */
    if (tagclock_stamp(ew->edge->clock) >= r->position) {
        wait_end(r);
        lookup(r);
    }
}

void pipeline_positions_check(struct edge_worker *ew)
{
    uint64_t stamp = tagclock_stamp(ew->edge->clock);

    LIST_EACH_SAFE (&ew->waiting, link, after) {
        struct request *r = CONTAINER_OF(link, struct request, wait_link);

        if (r->position > stamp)
            continue;
        wait_end(r);
        lookup(r);
    }
}

/* ---- running and finishing -------------------------------------------- */

void pipeline_run(struct request *r)
{
    if (!may_be_cached(r)) {
        r->bypass = (r->x.route->flags & ROUTE_CACHED) != 0;
        handler_call(r);
        return;
    }
    if (key_make(r) < 0) {
        exchange_error(&r->x, ERR_NOMEM);
        return;
    }
    r->position = position_asked(r);
    if (UNLIKELY(r->position > tagclock_stamp(r->x.edge->edge->clock)))
        wait_for_position(r);
    else
        lookup(r);
}

static bool is_storable(const struct request *r, const struct reply *reply)
{
    const struct exchange *x = &r->x;

    return x->cacheable && r->key.len && !r->bypass && !r->has_cookie &&
           reply->status == 200 && x->cache_class >= 0 &&
           (unsigned)x->cache_class < x->edge->edge->spec.class_count;
}

static bool store(struct request *r, struct reply *reply)
{
    struct larder_item item = {.class_index = (unsigned)r->x.cache_class,
                               .tags = &r->x.tags,
                               .now_ms = loop_now_ms(r->x.edge->loop)};

    return larder_put(r->x.edge->edge->larder, r->key, reply, &item) == 0;
}

void pipeline_finish(struct request *r, struct reply *reply)
{
    struct serving serving = {
        .outcome = CACHE_NONE, .has_position = r->handled, .stamp = r->x.stamp};

    if (!reply) { /* not even an error can be said */
        flight_drop(r);
        r->close = true;
        request_end(r);
        return;
    }
    if (r->key.len)
        serving.outcome = CACHE_MISS;
    if (r->bypass)
        serving.outcome = CACHE_BYPASS;
    if (is_storable(r, reply)) {
        reply->stamp = r->x.stamp;
        reply->shared = true;
        if (store(r, reply))
            serving.outcome = CACHE_STORED;
        if (r->flight)
            (void)flight_end(r->x.edge->edge->flights, &r->flight, reply,
                             &r->x.tags);
    }
    flight_drop(r);
    respond(r, reply, &serving);
    reply_unref(&reply);
    request_end(r);
}
