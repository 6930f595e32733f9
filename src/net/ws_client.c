/* SPDX-License-Identifier: MIT */
/*
 * ws_client - a WebSocket session from the client's side; see client.h.
 *
 *   CONNECTING --stream--> SHAKING --101--> OPEN --close frame--> ENDED
 *       \--------------------\----------------\---any failure-----^
 *
 * What only the handshake needs lies in struct handshake and goes with it.
 * ENDED: code and error are set for good; on_close comes when the stream is
 * closed, or from the connection that failed. Compression is not offered.
 * Threads: loop.
 */
#include "net/client.h"

#include "net/loop.h"
#include "net/stream.h"

#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"
#include "proto/http1.h"
#include "proto/ws.h"

#include <assert.h>
#include <openssl/evp.h>

#define CLIENT_MAGIC       0x77636c69u
#define WS_KEY_BYTES       16
#define WS_KEY_TEXT        24
#define WS_ACCEPT_TEXT     28
#define WS_FRAME_EXTRA_MAX 14

enum ws_client_state {
    WS_CONNECTING,
    WS_SHAKING,
    WS_OPEN,
    WS_ENDED,
};

struct handshake {
    struct http1 *parser; /* from the reply's first byte on */
    struct buf request;
    struct timer patience;
    char accept[WS_ACCEPT_TEXT + 1]; /* what the server must answer */
};

struct ws_client {
    const struct ws_client_events *events;
    void *arg;
    struct loop *loop;
    struct stream *stream;       /* from SHAKING on */
    struct handshake *handshake; /* until OPEN or ENDED */
    struct ws_reader reader;
    int error;
    uint16_t code;
    uint8_t state;
};

/* ---- states ----------------------------------------------------------- */

static void handshake_free(struct handshake **handshake)
{
    struct handshake *h = *handshake;

    if (!h)
        return;
    *handshake = NULL;
    timer_stop(&h->patience);
    http1_free(&h->parser);
    buf_fini(&h->request);
    mem_free(h);
}

static void client_become(struct ws_client *c, enum ws_client_state next)
{
    assert(next > c->state);
    c->state = (uint8_t)next;
    if (next >= WS_OPEN)
        handshake_free(&c->handshake);
}

static void client_end(struct ws_client *c, unsigned code, int error)
{
    if (c->state == WS_ENDED)
        return;
    client_become(c, WS_ENDED);
    c->code = (uint16_t)code;
    c->error = error;
    if (c->stream && error)
        stream_close(c->stream);
    else if (c->stream)
        stream_shutdown(c->stream);
}

static void client_gone(struct ws_client *c)
{
    client_end(c, WS_CLIENT_ABNORMAL, ERR_CLOSED);
    c->events->on_close(c, c->code, c->error, c->arg);
    ws_reader_fini(&c->reader);
    loop_defer_free(c->loop, c, mem_free);
}

/* ---- sending ---------------------------------------------------------- */

static void frame_send(struct ws_client *c, enum ws_opcode opcode,
                       struct bytes payload)
{
    struct buf frame;

    if (c->state != WS_OPEN)
        return;
    buf_init(&frame, payload.len + WS_FRAME_EXTRA_MAX);
    ws_write_masked(&frame, opcode, payload);
    if (buf_error(&frame))
        client_end(c, WS_CLIENT_ABNORMAL, buf_error(&frame));
    else
        stream_write(c->stream, buf_bytes(&frame));
    buf_fini(&frame);
}

/* Says why, and leaves in order. */
static void close_send(struct ws_client *c, unsigned code, struct bytes reason)
{
    struct buf frame;

    buf_init(&frame, reason.len + WS_FRAME_EXTRA_MAX);
    ws_write_close(&frame, code, reason, true);
    if (!buf_error(&frame))
        stream_write(c->stream, buf_bytes(&frame));
    buf_fini(&frame);
    client_end(c, code, 0);
}

void ws_client_send_text(struct ws_client *c, struct bytes text)
{
    frame_send(c, WS_OP_TEXT, text);
}

void ws_client_send_binary(struct ws_client *c, struct bytes bytes)
{
    frame_send(c, WS_OP_BINARY, bytes);
}

void ws_client_close(struct ws_client *c, unsigned code, struct bytes reason)
{
    if (c->state == WS_OPEN)
        close_send(c, code, reason);
    else
        client_end(c, WS_CLIENT_ABNORMAL, ERR_CLOSED);
}

bool ws_client_is_open(const struct ws_client *c)
{
    return c->state == WS_OPEN;
}

size_t ws_client_queued(const struct ws_client *c)
{
    return c->state == WS_OPEN ? stream_queued(c->stream) : 0;
}

/* ---- receiving -------------------------------------------------------- */

static void frames_read(struct ws_client *c, char *bytes, size_t len)
{
    struct bytes message;

    while (c->state == WS_OPEN) {
        enum ws_event event =
            ws_reader_next(&c->reader, &bytes, &len, &message);

        switch (event) {
        case WS_TEXT:
        case WS_BINARY:
            c->events->on_message(c, event == WS_TEXT, message, c->arg);
            break;
        case WS_PING:
            frame_send(c, WS_OP_PONG, message);
            break;
        case WS_PONG:
            break;
        case WS_CLOSE:
        case WS_BAD:
            close_send(c, ws_reader_close_code(&c->reader), BYTES(""));
            return;
        case WS_MORE:
            return;
        }
    }
}

static int reply_check(const struct handshake *h)
{
    const struct http_head *head = http1_head(h->parser);

    if (head->status != 101)
        return ERR_DENIED;
    if (!bytes_equal_nocase(http_head_get(head, HTTP_FIELD_UPGRADE),
                            BYTES("websocket")) ||
        !http_list_has(http_head_get(head, HTTP_FIELD_CONNECTION),
                       BYTES("upgrade")) ||
        !bytes_equal(http_head_get(head, HTTP_FIELD_SEC_WEBSOCKET_ACCEPT),
                     bytes_of(h->accept)) ||
        http_head_has(head, HTTP_FIELD_SEC_WEBSOCKET_EXTENSIONS))
        return ERR_PROTOCOL;
    return 0;
}

static void shake(struct ws_client *c, char *bytes, size_t len)
{
    struct handshake *h = c->handshake;
    struct bytes in = {bytes, len}, piece;
    int error = h->parser ? 0 : http1_new(&h->parser, HTTP1_CLIENT, NULL);

    if (!error) {
        switch (http1_next(h->parser, &in, &piece)) {
        case HTTP1_MORE:
            return;
        case HTTP1_HEAD:
            error = reply_check(h);
            break;
        default:
            error = ERR_PROTOCOL;
        }
    }
    if (error) {
        client_end(c, WS_CLIENT_ABNORMAL, error);
        return;
    }
    client_become(c, WS_OPEN);
    c->events->on_open(c, c->arg);
    frames_read(c, bytes + (len - in.len), in.len);
}

static void on_read(struct stream *s, char *bytes, size_t len)
{
    struct ws_client *c = stream_owner(s, CLIENT_MAGIC);

    if (c->state == WS_SHAKING)
        shake(c, bytes, len);
    else
        frames_read(c, bytes, len);
}

static void on_end(struct stream *s, int error)
{
    struct ws_client *c = stream_owner(s, CLIENT_MAGIC);
    client_end(c, WS_CLIENT_ABNORMAL, error ? error : ERR_CLOSED);
}

static void on_close(struct stream *s)
{
    client_gone(stream_owner(s, CLIENT_MAGIC));
}

static const struct stream_events client_events = {
    CLIENT_MAGIC, on_read, on_end, NULL, on_close,
};

/* ---- opening ---------------------------------------------------------- */

static void on_impatient(struct timer *t, void *arg)
{
    client_end(arg, WS_CLIENT_ABNORMAL, ERR_TIMEOUT);
}

static void on_connected(struct stream *s, int error, void *arg)
{
    struct ws_client *c = arg;

    if (error) {
        client_end(c, WS_CLIENT_ABNORMAL, error);
        client_gone(c);
        return;
    }
    c->stream = s;
    stream_own(s, &client_events, c);
    if (c->state == WS_ENDED) {
        stream_close(s);
        return;
    }
    client_become(c, WS_SHAKING);
    stream_write(s, buf_bytes(&c->handshake->request));
    buf_fini(&c->handshake->request);
    error = stream_read_start(s);
    if (error)
        client_end(c, WS_CLIENT_ABNORMAL, error);
}

static int request_write(struct handshake *h, const struct client_peer *peer,
                         struct bytes target, struct bytes fields)
{
    unsigned char key[WS_KEY_BYTES], text[WS_KEY_TEXT + 1];

    random_bytes(key, sizeof(key));
    EVP_EncodeBlock(text, key, sizeof(key));
    ws_accept_key((struct bytes){(char *)text, WS_KEY_TEXT}, h->accept);
    buf_init(&h->request, CLIENT_REQUEST_BYTES_MAX);
    buf_append(&h->request, BYTES("GET "));
    buf_append(&h->request, target);
    buf_printf(&h->request,
               " HTTP/1.1\r\nHost: %s:%u\r\n"
               "Connection: Upgrade\r\nUpgrade: websocket\r\n"
               "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n",
               peer->host, peer->port, (char *)text);
    buf_append(&h->request, fields);
    buf_append(&h->request, BYTES("\r\n"));
    return buf_error(&h->request);
}

static int handshake_new(struct handshake **ret, const struct client_peer *peer,
                         struct bytes target, struct bytes fields)
{
    struct handshake *h = mem_zalloc(1, sizeof(*h));
    int error;

    if (!h)
        return ERR_NOMEM;
    timer_init(&h->patience, on_impatient, NULL);
    error = request_write(h, peer, target, fields);
    if (error) {
        handshake_free(&h);
        return error;
    }
    *ret = h;
    return 0;
}

int ws_client_open(struct ws_client **ret, struct loop *loop,
                   const struct client_peer *peer, struct bytes target,
                   struct bytes fields, const struct ws_client_events *events,
                   void *arg)
{
    struct ws_client *c = mem_zalloc(1, sizeof(*c));
    int error;

    if (!c)
        return ERR_NOMEM;
    c->events = events;
    c->arg = arg;
    c->loop = loop;
    error = handshake_new(&c->handshake, peer, target, fields);
    if (!error)
        error = stream_connect(loop, peer->host, peer->port, peer->source_host,
                               on_connected, c);
    if (error) {
        handshake_free(&c->handshake);
        mem_free(c);
        return error;
    }
    ws_reader_init(&c->reader, WS_CLIENT,
                   peer->bytes_max ? peer->bytes_max : CLIENT_BYTES_MAX, NULL);
    timer_init(&c->handshake->patience, on_impatient, c);
    timer_start(loop, &c->handshake->patience,
                peer->timeout_ms ? peer->timeout_ms : CLIENT_TIMEOUT_MS);
    *ret = c;
    return 0;
}
