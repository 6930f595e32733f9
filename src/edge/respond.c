/* SPDX-License-Identifier: MIT */
/*
 * respond - the head is printed with plain copies, bounded beforehand.
 *
 * HEAD_FIXED_MAX bounds all lines but those of the reply, its etag and the
 * epoch, whose lengths are added: so no copy needs a check of its own.
 * Threads: loop.
 */
#include "edge/respond.h"

#include "base/blob.h"
#include "edge/conditional.h"
#include "edge/encode.h"
#include "edge/reply.h"
#include "edge/session.h"
#include "net/stream.h"

#include <assert.h>

#define HEAD_FIXED_MAX 768
#define BODY_COPY_MAX                                                          \
    2048 /* smaller ones go beside the head, not by pointer                    \
          */
#define NS_PER_US 1000u

struct form {
    unsigned status;
    struct blob *body; /* borrowed; NULL: none is sent */
    size_t length;
    bool has_length, gzip;
};

static char *put(char *at, struct bytes s)
{
    if (s.len)
        memcpy(at, s.at, s.len);
    return at + s.len;
}
#define PUT(at, literal) put(at, BYTES(literal))

static char *put_u64(char *at, uint64_t n)
{
    char digits[20], *first = digits + sizeof(digits);

    do
        *--first = (char)('0' + n % 10);
    while (n /= 10);
    return put(
        at, (struct bytes){first, (size_t)(digits + sizeof(digits) - first)});
}

/* Milliseconds with three decimals. */
static char *put_ms(char *at, uint64_t ns)
{
    uint64_t us = ns / NS_PER_US;

    at = put_u64(at, us / 1000);
    *at++ = '.';
    *at++ = (char)('0' + us / 100 % 10);
    *at++ = (char)('0' + us / 10 % 10);
    *at++ = (char)('0' + us % 10);
    return at;
}

/* ---- what to send ----------------------------------------------------- */

static bool is_read(const struct request *r)
{
    return r->x.head && (r->x.head->method == HTTP_GET || r->is_head);
}

static bool is_not_modified(const struct request *r, const struct reply *reply)
{
    return reply->status == 200 && reply->etag.len && is_read(r) &&
           http_head_has(r->x.head, HTTP_FIELD_IF_NONE_MATCH) &&
           etag_list_has(http_head_get(r->x.head, HTTP_FIELD_IF_NONE_MATCH),
                         reply->etag);
}

static bool wants_gzip(const struct request *r, const struct reply *reply)
{
    return reply->compressible && reply->body &&
           reply->body->len >= ENCODE_BYTES_MIN && reply->status != 206 &&
           r->x.head && http_head_has(r->x.head, HTTP_FIELD_ACCEPT_ENCODING) &&
           encode_accepts_gzip(
               http_head_get(r->x.head, HTTP_FIELD_ACCEPT_ENCODING));
}

static struct form form_of(struct request *r, struct reply *reply)
{
    struct form f = {.status = reply->status, .body = reply->body};

    if (is_not_modified(r, reply))
        return (struct form){.status = 304};
    if (wants_gzip(r, reply)) {
        struct blob *gz = reply_gzip(reply, r->x.edge->gzip);

        f.gzip = gz && gz->len < f.body->len;
        if (f.gzip)
            f.body = gz;
    }
    f.has_length = f.status != 204 && f.status != 304;
    f.length = f.body ? f.body->len : 0;
    if (r->is_head || !f.has_length)
        f.body = NULL;
    return f;
}

/* ---- the head --------------------------------------------------------- */

void respond_lines(struct request *r, unsigned status, const char *content_type,
                   struct buf *out)
{
    const struct route *route = r->x.route;
    bool is_public = route && (route->flags & ROUTE_PUBLIC) && !r->x.identity;

    if (content_type) {
        buf_append(out, BYTES("Content-Type: "));
        buf_append(out, bytes_of(content_type));
        buf_append(out, BYTES("\r\n"));
    }
    buf_append(out, BYTES("X-Content-Type-Options: nosniff\r\n"));
    if (r->has_cache_control)
        ;
    else if (status >= 400)
        buf_append(out, BYTES("Cache-Control: no-store\r\n"));
    else if (is_public)
        buf_append(out, BYTES("Cache-Control: no-cache\r\n"));
    else
        buf_append(out, BYTES("Cache-Control: private, no-cache\r\n"));
    if (!r->has_vary)
        buf_append(out, BYTES("Vary: Authorization, Accept-Encoding\r\n"));
    if (buf_error(&r->lines) < 0)
        out->error = buf_error(&r->lines);
    buf_append(out, buf_bytes(&r->lines));
}

static char *put_start(char *at, struct edge_worker *ew, unsigned status)
{
    if (LIKELY(status == 200)) {
        at = PUT(at, "HTTP/1.1 200 OK\r\nDate: ");
    } else {
        at = PUT(at, "HTTP/1.1 ");
        at = put_u64(at, status);
        *at++ = ' ';
        at = put(at, bytes_of(http_reason(status)));
        at = PUT(at, "\r\nDate: ");
    }
    at = put(at, edge_worker_date(ew));
    return PUT(at, "\r\n");
}

static char *put_etag(char *at, struct bytes etag, bool gzip)
{
    if (etag.len == 0)
        return at;
    at = PUT(at, "ETag: ");
    if (gzip && etag.at[0] == '"') { /* strong: of these very bytes */
        at = put(at, (struct bytes){etag.at, etag.len - 1});
        at = PUT(at, ETAG_GZIP_SUFFIX "\"");
    } else {
        at = put(at, etag);
    }
    return PUT(at, "\r\n");
}

static char *put_outcome(char *at, const struct serving *s)
{
    static const struct bytes texts[] = {
        [CACHE_HIT] = BYTES("Cache-Status: fieldline; hit; ttl="),
        [CACHE_STALE] = BYTES("Cache-Status: fieldline; hit; ttl="),
        [CACHE_MISS] = BYTES("Cache-Status: fieldline; fwd=miss\r\n"),
        [CACHE_STORED] = BYTES("Cache-Status: fieldline; fwd=miss; stored\r\n"),
        [CACHE_COLLAPSED] =
            BYTES("Cache-Status: fieldline; fwd=miss; collapsed\r\n"),
        [CACHE_BYPASS] = BYTES("Cache-Status: fieldline; fwd=bypass\r\n"),
    };

    if (s->outcome == CACHE_NONE)
        return at;
    at = put(at, texts[s->outcome]);
    if (s->outcome != CACHE_HIT && s->outcome != CACHE_STALE)
        return at;
    if (s->ttl_s < 0)
        *at++ = '-';
    at = put_u64(at, (uint64_t)(s->ttl_s < 0 ? -s->ttl_s : s->ttl_s));
    return PUT(at, "\r\n");
}

static char *put_position(char *at, struct bytes epoch, uint64_t offset)
{
    if (epoch.len == 0)
        return at;
    at = PUT(at, "Fieldline-Position: ");
    at = put(at, epoch);
    *at++ = ':';
    at = put_u64(at, offset);
    return PUT(at, "\r\n");
}

static char *put_timing(char *at, const struct request *r, uint64_t took_ns)
{
    at = PUT(at, "Server-Timing: ");
    if (r->x.db_ns) {
        at = PUT(at, "db;dur=");
        at = put_ms(at, r->x.db_ns);
        at = PUT(at, ", ");
    }
    at = PUT(at, "total;dur=");
    at = put_ms(at, took_ns);
    at = PUT(at, "\r\ntraceparent: ");
    at = put(at, (struct bytes){r->trace.text, TRACE_TEXT_LEN});
    return PUT(at, "\r\n");
}

static char *put_end(char *at, const struct request *r)
{
    const struct http_head *h = r->x.head;

    if (UNLIKELY(r->close || r->x.edge->draining))
        at = PUT(at, "Connection: close\r\n");
    else if (UNLIKELY(h && h->version_major == 1 && h->version_minor == 0))
        at = PUT(at, "Connection: keep-alive\r\n");
    return PUT(at, "\r\n");
}

/* Empty for what was read before the epoch began: its offset means nothing in
 * this one. The epoch is asked first: the feed restarts the clock before it
 * tells of the new one. */
static struct bytes epoch_of(const struct edge *e, uint64_t stamp)
{
    struct bytes none = {NULL, 0};
    struct bytes epoch =
        e->feed.epoch_fn ? e->feed.epoch_fn(e->feed.arg) : none;

    return (tagclock_stamp(e->clock) ^ stamp) > TAGCLOCK_OFFSET_MAX ? none
                                                                    : epoch;
}

static char *put_head(char *at, struct request *r, const struct reply *reply,
                      const struct form *f, const struct serving *serving,
                      struct bytes epoch, uint64_t took_ns)
{
    uint64_t position =
        r->x.position ? r->x.position : serving->stamp & TAGCLOCK_OFFSET_MAX;

    at = put_start(at, r->x.edge, f->status);
    at = put(at, reply->lines);
    at = put_etag(at, reply->etag, f->gzip);
    if (f->has_length) {
        at = PUT(at, "Content-Length: ");
        at = put_u64(at, f->length);
        at = PUT(at, "\r\n");
    }
    if (f->gzip)
        at = PUT(at, "Content-Encoding: gzip\r\n");
    if (serving->has_position)
        at = put_position(at, epoch, position);
    at = put_outcome(at, serving);
    at = put_timing(at, r, took_ns);
    return put_end(at, r);
}

/* ---- sending ---------------------------------------------------------- */

static size_t send_in_room(struct stream *to, struct request *r,
                           const struct reply *reply, const struct form *f,
                           const struct serving *serving, uint64_t took_ns)
{
    struct bytes epoch = epoch_of(r->x.edge->edge, serving->stamp);
    size_t max =
        HEAD_FIXED_MAX + reply->lines.len + reply->etag.len + epoch.len;
    bool copied = f->body && f->length <= BODY_COPY_MAX &&
                  max + f->length <= STREAM_ROOM_MAX;
    bool in_room = max <= STREAM_ROOM_MAX;
    char *room = in_room ? stream_room(to, max + (copied ? f->length : 0))
                         : arena_bytes(&r->x.arena, max);

    if (!room) {
        stream_close(to);
        return 0;
    }

    char *end = put_head(room, r, reply, f, serving, epoch, took_ns);

    assert((size_t)(end - room) <= max);
    if (copied)
        end = put(end, blob_bytes(f->body));

    size_t len = (size_t)(end - room);

    if (in_room)
        stream_room_used(to, len);
    else
        stream_write(to, (struct bytes){room, len});
    if (!f->body || copied)
        return len;
    stream_write_blob(to, f->body);
    return len + f->length;
}

/* Those seen every day; the first is the most frequent. */
static const unsigned short statuses[EDGE_STATUS_CLASSES] = {
    200, 304, 201, 202, 204, 206, 101, 302, 400, 401, 403, 404,
    405, 409, 410, 412, 413, 415, 416, 422, 429, 431, 500, 503};

static metrics_series request_series(struct request *r, unsigned status)
{
    const struct http_head *h = r->x.head;
    char digits[4] = {(char)('0' + status / 100 % 10),
                      (char)('0' + status / 10 % 10), (char)('0' + status % 10),
                      '\0'};
    struct bytes labels[] = {
        bytes_of(r->x.route ? r->x.route->template : "none"),
        bytes_of(h ? http_method_name(h->method) : "none"), bytes_of(digits)};

    return metrics_series_of(r->x.edge->edge->metrics, METRIC_HTTP_REQUESTS,
                             labels);
}

static void count(struct request *r, unsigned status, uint64_t took_ns)
{
    struct edge_worker *ew = r->x.edge;
    struct route_series *of = &ew->series[r->route_index];
    metrics_series *series = NULL;

    /* What has no route has many methods: it is looked up each time. */
    for (size_t i = 0; r->x.route && i < EDGE_STATUS_CLASSES; i++) {
        if (statuses[i] == status) {
            series = &of->requests[r->is_head][i];
            break;
        }
    }
    if (series && UNLIKELY(!*series))
        *series = request_series(r, status);
    metrics_add(ew->shard, series ? *series : request_series(r, status), 1);
    if (UNLIKELY(!of->duration)) {
        struct bytes label =
            bytes_of(r->x.route ? r->x.route->template : "none");

        of->duration =
            metrics_series_of(ew->edge->metrics, METRIC_HTTP_DURATION, &label);
    }
    metrics_record_ns(ew->shard, of->duration, took_ns);
}

void respond(struct request *r, struct reply *reply,
             const struct serving *serving)
{
    struct stream *to = r->session ? session_stream(r->session) : NULL;
    uint64_t took_ns = clock_mono_ns() - r->x.started_ns;
    struct form f = {.status = reply->status};

    if (to && stream_is_open(to)) {
        f = form_of(r, reply);
        metrics_add(r->x.edge->shard, r->x.edge->sent_bytes,
                    send_in_room(to, r, reply, &f, serving, took_ns));
    }
    count(r, f.status, took_ns);
}

void respond_upgrade(struct request *r, struct bytes protocol)
{
    struct stream *to = session_stream(r->session);
    struct bytes lines = buf_bytes(&r->lines);
    struct bytes trace = {r->trace.text, TRACE_TEXT_LEN};

    stream_write(to, BYTES("HTTP/1.1 101 Switching Protocols\r\n"
                           "Connection: Upgrade\r\nUpgrade: "));
    stream_write(to, protocol);
    stream_write(to, BYTES("\r\n"));
    stream_write(to, lines);
    stream_write(to, BYTES("traceparent: "));
    stream_write(to, trace);
    stream_write(to, BYTES("\r\n\r\n"));
    count(r, 101, clock_mono_ns() - r->x.started_ns);
}
