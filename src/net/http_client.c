/* SPDX-License-Identifier: MIT */
/*
 * http_client - one request at a time over one connection; see client.h.
 *
 *   H1  done_fn is set exactly while a request is under way, and with it the
 *       timer; the parser from the reply's first byte on.
 *   H2  request holds bytes only until there is a stream to write them to.
 *   H3  while connecting, the client's memory waits for on_connected.
 *
 * A stream that is given up is orphaned: it closes by itself and knows the
 * client no more.
 * Threads: loop.
 */
#include "net/client.h"

#include "net/loop.h"
#include "net/stream.h"

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "proto/http1.h"

#define CLIENT_MAGIC 0x68636c69u
#define ORPHAN_MAGIC 0x6f727068u

/* A head whose slices lie in text: it outlives the parser's bytes. */
struct kept_head {
    struct http_head head;
    char text[];
};

struct http_client {
    struct loop *loop;
    const struct client_peer *peer;
    struct stream *stream; /* or NULL */
    struct http1 *parser;
    struct kept_head *reply;
    http_client_done_fn *done_fn;
    void *arg;
    struct timer patience;
    struct buf request;
    struct buf body;
    bool connecting, gone;
    bool no_body; /* the reply to HEAD */
};

static uint32_t or_default(uint32_t value, uint32_t fallback)
{
    return value ? value : fallback;
}

/* ---- streams that are given up ---------------------------------------- */

static void orphan_on_read(struct stream *s, char *bytes, size_t len)
{
}

static void orphan_on_end(struct stream *s, int error)
{
}

static void orphan_on_close(struct stream *s)
{
}

static const struct stream_events orphan_events = {
    ORPHAN_MAGIC, orphan_on_read, orphan_on_end, NULL, orphan_on_close,
};

static void stream_give_up(struct http_client *c)
{
    if (!c->stream)
        return;
    stream_own(c->stream, &orphan_events, NULL);
    stream_close(c->stream);
    c->stream = NULL;
}

/* ---- the reply -------------------------------------------------------- */

static struct bytes text_keep(char **at, struct bytes from)
{
    struct bytes kept = {*at, from.len};

    if (from.len)
        memcpy(*at, from.at, from.len);
    *at += from.len;
    return kept;
}

static int reply_keep(struct http_client *c)
{
    const struct http_head *head = http1_head(c->parser);
    struct kept_head *kept;
    size_t len = 0;
    char *at;

    for (unsigned i = 0; i < head->field_count; i++)
        len += head->fields[i].name.len + head->fields[i].value.len;
    kept = mem_alloc(sizeof(*kept) + len);
    if (!kept)
        return ERR_NOMEM;
    kept->head = *head;
    kept->head.method_name = kept->head.target = (struct bytes){NULL, 0};
    at = kept->text;
    for (unsigned i = 0; i < head->field_count; i++) {
        kept->head.fields[i].name = text_keep(&at, head->fields[i].name);
        kept->head.fields[i].value = text_keep(&at, head->fields[i].value);
    }
    mem_free(c->reply); /* an informational one */
    c->reply = kept;
    return 0;
}

/* Ends the request: all of it leaves the client before done_fn is called. */
static void request_end(struct http_client *c, int error)
{
    http_client_done_fn *done_fn = c->done_fn;
    struct kept_head *reply = c->reply;
    struct buf body = c->body;

    timer_stop(&c->patience);
    http1_free(&c->parser);
    buf_fini(&c->request);
    buf_init(&c->body, body.max);
    c->reply = NULL;
    c->done_fn = NULL;
    if (error)
        stream_give_up(c);
    done_fn(c, error, error ? NULL : &reply->head,
            error ? (struct bytes){NULL, 0} : buf_bytes(&body), c->arg);
    mem_free(reply);
    buf_fini(&body);
}

static int parser_new(struct http_client *c)
{
    struct http1_limits limits = {.body_bytes_max = c->body.max};
    int error = http1_new(&c->parser, HTTP1_CLIENT, &limits);

    if (!error && c->no_body)
        http1_expect_no_body(c->parser);
    return error;
}

/* One event of the parser; true: the request is over. */
static bool reply_step(struct http_client *c, struct bytes *in)
{
    struct bytes piece;
    int error = 0;

    switch (http1_next(c->parser, in, &piece)) {
    case HTTP1_HEAD:
        error = reply_keep(c);
        break;
    case HTTP1_BODY:
        buf_append(&c->body, piece);
        error = buf_error(&c->body);
        break;
    case HTTP1_DONE:
        if (c->reply->head.status < 200)
            break;
        if (!c->reply->head.keep_alive || in->len > 0)
            stream_give_up(c); /* what was not asked for is not trusted */
        request_end(c, 0);
        return true;
    case HTTP1_MORE:
        return true;
    default:
        error = ERR_PROTOCOL;
    }
    if (error)
        request_end(c, error);
    return error != 0;
}

static void on_read(struct stream *s, char *bytes, size_t len)
{
    struct http_client *c = stream_owner(s, CLIENT_MAGIC);
    struct bytes in = {bytes, len};
    int error;

    if (!c->done_fn) {
        stream_give_up(c);
        return;
    }
    error = c->parser ? 0 : parser_new(c);
    if (error)
        request_end(c, error);
    else
        while (!reply_step(c, &in))
            ;
}

static void on_end(struct stream *s, int error)
{
    struct http_client *c = stream_owner(s, CLIENT_MAGIC);

    if (c->done_fn && !error && c->reply && c->reply->head.status >= 200 &&
        http1_eof(c->parser) == HTTP1_DONE) {
        stream_give_up(c);
        request_end(c, 0);
        return;
    }
    stream_give_up(c);
    if (c->done_fn)
        request_end(c, error ? error : ERR_CLOSED);
}

static void on_close(struct stream *s)
{
    struct http_client *c = stream_owner(s, CLIENT_MAGIC);

    c->stream = NULL;
    if (c->done_fn)
        request_end(c, ERR_CLOSED);
}

static const struct stream_events client_events = {
    CLIENT_MAGIC, on_read, on_end, NULL, on_close,
};

static void on_impatient(struct timer *t, void *arg)
{
    request_end(arg, ERR_TIMEOUT);
}

/* ---- the request ------------------------------------------------------ */

static void request_send(struct http_client *c)
{
    stream_write(c->stream, buf_bytes(&c->request));
    buf_fini(&c->request);
}

static void on_connected(struct stream *s, int error, void *arg)
{
    struct http_client *c = arg;

    c->connecting = false;
    if (!error) {
        c->stream = s;
        stream_own(s, &client_events, c);
        error = stream_read_start(s);
    }
    if (c->gone) {
        stream_give_up(c);
        mem_free(c);
    } else if (c->done_fn && error) {
        request_end(c, error);
    } else if (c->done_fn) {
        request_send(c);
    }
}

static void request_write(struct http_client *c, struct bytes method,
                          struct bytes target, struct bytes fields,
                          struct bytes body)
{
    struct buf *b = &c->request;

    buf_append(b, method);
    buf_append_char(b, ' ');
    buf_append(b, target);
    buf_append(b, BYTES(" HTTP/1.1\r\nHost: "));
    buf_append(b, bytes_of(c->peer->host));
    buf_append_char(b, ':');
    buf_append_u64(b, c->peer->port);
    buf_append(b, BYTES("\r\n"));
    buf_append(b, fields);
    if (body.len || (!bytes_equal(method, BYTES("GET")) &&
                     !bytes_equal(method, BYTES("HEAD")))) {
        buf_append(b, BYTES("Content-Length: "));
        buf_append_u64(b, body.len);
        buf_append(b, BYTES("\r\n"));
    }
    buf_append(b, BYTES("\r\n"));
    buf_append(b, body);
}

static int client_connect(struct http_client *c)
{
    int error;

    if (c->stream || c->connecting)
        return 0;
    error = stream_connect(c->loop, c->peer->host, c->peer->port,
                           c->peer->source_host, on_connected, c);
    c->connecting = !error;
    return error;
}

int http_client_request(struct http_client *c, struct bytes method,
                        struct bytes target, struct bytes fields,
                        struct bytes body, http_client_done_fn *done_fn,
                        void *arg)
{
    int error;

    if (c->done_fn)
        return ERR_BUSY;
    if (c->stream && !stream_is_open(c->stream))
        stream_give_up(c);
    request_write(c, method, target, fields, body);
    error = buf_error(&c->request);
    if (!error)
        error = client_connect(c);
    if (error) {
        buf_fini(&c->request);
        return error;
    }
    c->no_body = bytes_equal(method, BYTES("HEAD"));
    c->done_fn = done_fn;
    c->arg = arg;
    timer_start(c->loop, &c->patience,
                or_default(c->peer->timeout_ms, CLIENT_TIMEOUT_MS));
    if (c->stream)
        request_send(c);
    return 0;
}

/* ---- life cycle ------------------------------------------------------- */

int http_client_new(struct http_client **ret, struct loop *loop,
                    const struct client_peer *peer)
{
    struct http_client *c = mem_zalloc(1, sizeof(*c));

    if (!c)
        return ERR_NOMEM;
    c->loop = loop;
    c->peer = peer;
    timer_init(&c->patience, on_impatient, c);
    buf_init(&c->request, CLIENT_REQUEST_BYTES_MAX);
    buf_init(&c->body, or_default(peer->bytes_max, CLIENT_BYTES_MAX));
    *ret = c;
    return 0;
}

void http_client_free(struct http_client **client)
{
    struct http_client *c = *client;

    if (!c)
        return;
    *client = NULL;
    c->done_fn = NULL;
    c->gone = true;
    timer_stop(&c->patience);
    stream_give_up(c);
    http1_free(&c->parser);
    mem_free(c->reply);
    c->reply = NULL;
    buf_fini(&c->request);
    buf_fini(&c->body);
    if (!c->connecting)
        loop_defer_free(c->loop, c, mem_free);
}

bool http_client_is_connected(const struct http_client *c)
{
    return c->stream != NULL && stream_is_open(c->stream);
}
