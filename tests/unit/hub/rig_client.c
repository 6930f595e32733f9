/* SPDX-License-Identifier: MIT */
/*
 * rig_client - one HTTP request, and a WebSocket client that takes its time.
 * Threads: see rig.h.
 */
#include "rig.h"

#include "base/buf.h"
#include "json/json.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define PATIENCE_S 20 /* a test that hangs ends */

/* ---- sockets ---------------------------------------------------------- */

static int dial(unsigned port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = PATIENCE_S};
    int fd = socket(AF_INET, SOCK_STREAM, 0), room = 65536;

    assert_true(fd >= 0);
    /* So that a reader who stops is soon noticed. */
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

/* False when the server closed first. */
static bool fd_send(int fd, struct bytes bytes)
{
    while (bytes.len) {
        ssize_t n = send(fd, bytes.at, bytes.len, MSG_NOSIGNAL);

        if (n <= 0)
            return false;
        bytes = bytes_skip(bytes, (size_t)n);
    }
    return true;
}

/* Reads up to the end of a head; its length, the rest lies behind it. */
static size_t fd_head(int fd, char *room, size_t size, size_t *len)
{
    char *end = NULL;

    *len = 0;
    while (!end) {
        ssize_t n = recv(fd, room + *len, size - 1 - *len, 0);

        assert_true(n > 0);
        *len += (size_t)n;
        room[*len] = '\0';
        end = strstr(room, "\r\n\r\n");
    }
    return (size_t)(end - room) + 4;
}

char *rig_get(struct rig *rig, const char *token, const char *target,
              unsigned *status)
{
    int fd = dial(rig_port(rig, 0));
    char request[2048];
    size_t size = 1 << 20, len, head;
    char *room = malloc(size), *body;
    ssize_t n;

    (void)snprintf(request, sizeof(request),
                   "GET %s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n"
                   "Connection: close\r\n\r\n",
                   target, token);
    assert_true(fd_send(fd, bytes_of(request)));
    head = fd_head(fd, room, size, &len);
    while ((n = recv(fd, room + len, size - 1 - len, 0)) > 0)
        len += (size_t)n;
    room[len] = '\0';
    assert_int_equal(sscanf(room, "HTTP/1.1 %u", status), 1);
    body = strdup(room + head);
    free(room);
    close(fd);
    return body;
}

/* ---- the client ------------------------------------------------------- */

struct ws {
    int fd;
    unsigned port;
    struct ws_deflate *deflate;
    struct ws_reader reader;
    char in[65536];
    char *at; /* read, not yet taken */
    size_t len;
    json_t *message;
    unsigned pings, code;
    size_t received;
};

static int handshake(struct rig *rig, unsigned worker, const char *lines)
{
    int fd = dial(rig_port(rig, worker));
    char request[4096];

    (void)snprintf(request, sizeof(request),
                   "GET /ws HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
                   "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                   "Sec-WebSocket-Version: 13\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
                   rig_port(rig, worker), lines ? lines : "");
    assert_true(fd_send(fd, bytes_of(request)));
    return fd;
}

unsigned ws_handshake_status(struct rig *rig, const char *lines)
{
    int fd = handshake(rig, 0, lines);
    char head[8192];
    size_t len;
    unsigned status;

    (void)fd_head(fd, head, sizeof(head), &len);
    assert_int_equal(sscanf(head, "HTTP/1.1 %u", &status), 1);
    close(fd);
    return status;
}

struct ws *ws_open(struct rig *rig, unsigned worker, const char *lines)
{
    struct ws *ws = calloc(1, sizeof(*ws));
    size_t head;

    ws->fd = handshake(rig, worker, lines);
    head = fd_head(ws->fd, ws->in, sizeof(ws->in), &ws->len);
    if (!strstr(ws->in, "HTTP/1.1 101 "))
        fail_msg("no upgrade: %s", ws->in);
    assert_non_null(strstr(ws->in, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    if (strstr(ws->in, "permessage-deflate"))
        assert_int_equal(ws_deflate_new(&ws->deflate), 0);
    ws->at = ws->in + head;
    ws->len -= head;
    ws_reader_init(&ws->reader, WS_CLIENT, 64 << 20, ws->deflate);
    return ws;
}

void ws_free(struct ws *ws)
{
    close(ws->fd);
    json_decref(ws->message);
    ws_reader_fini(&ws->reader);
    ws_deflate_free(&ws->deflate);
    free(ws);
}

void ws_send_raw(struct ws *ws, struct bytes bytes)
{
    (void)fd_send(ws->fd, bytes);
}

void ws_send_frame(struct ws *ws, enum ws_opcode opcode, struct bytes payload)
{
    struct buf b;

    buf_init(&b, payload.len + WS_HEAD_MAX);
    ws_write_masked(&b, opcode, payload);
    ws_send_raw(ws, buf_bytes(&b));
    buf_fini(&b);
}

void ws_send(struct ws *ws, const char *fmt, ...)
{
    char *text = NULL;
    va_list args;

    va_start(args, fmt);
    assert_true(vasprintf(&text, fmt, args) >= 0);
    va_end(args);
    ws_send_frame(ws, WS_OP_TEXT, bytes_of(text));
    free(text);
}

/* The next event that is not WS_MORE; WS_BAD at the end of the stream. */
static enum ws_event ws_event(struct ws *ws, struct bytes *ret)
{
    for (;;) {
        enum ws_event event =
            ws_reader_next(&ws->reader, &ws->at, &ws->len, ret);
        ssize_t n;

        if (event == WS_PING) {
            ws->pings++;
            ws_send_frame(ws, WS_OP_PONG, *ret);
        }
        if (event == WS_CLOSE)
            ws->code = ws_reader_close_code(&ws->reader);
        if (event != WS_MORE && event != WS_PING && event != WS_PONG)
            return event;
        if (event != WS_MORE)
            continue;
        n = recv(ws->fd, ws->in, sizeof(ws->in), 0);
        if (n <= 0)
            return WS_BAD;
        ws->at = ws->in;
        ws->len = (size_t)n;
        ws->received += (size_t)n;
    }
}

const json_t *ws_next(struct ws *ws)
{
    const json_t *message = ws_next_or_close(ws);

    if (!message)
        fail_msg("the server closed with %u", ws->code);
    return message;
}

size_t ws_received(const struct ws *ws)
{
    return ws->received;
}

const json_t *ws_next_or_close(struct ws *ws)
{
    struct bytes text;
    enum ws_event event = ws_event(ws, &text);

    if (event == WS_CLOSE)
        return NULL;
    if (event != WS_TEXT)
        fail_msg("the connection ended: event %d", (int)event);
    json_decref(ws->message);
    ws->message = NULL;
    if (json_read(text, &ws->message, NULL) != 0)
        fail_msg("no JSON: " BYTES_FMT, BYTES_ARG(text));
    return ws->message;
}

const json_t *ws_expect(struct ws *ws, const char *type)
{
    const json_t *message = ws_next(ws);

    if (strcmp(text_of(message, "type"), type) != 0) {
        char *text = json_dumps(message, 0);

        fail_msg("expected %s, got %s", type, text);
    }
    return message;
}

void ws_expect_nothing(struct ws *ws)
{
    ws_send(ws, "{\"type\":\"PING\",\"id\":\"nothing\"}");
    assert_string_equal(text_of(ws_expect(ws, "PONG"), "id"), "nothing");
}

unsigned ws_close_code(struct ws *ws)
{
    struct bytes ignored;
    enum ws_event event;

    if (ws->code)
        return ws->code;
    while ((event = ws_event(ws, &ignored)) != WS_CLOSE)
        if (event == WS_BAD)
            return 1006;
    return ws->code;
}

unsigned ws_pings(const struct ws *ws)
{
    return ws->pings;
}

struct ws *ws_session(struct rig *rig, unsigned worker, const char *user,
                      const char *tenant, const char *role,
                      const char *position)
{
    struct ws *ws = ws_open(rig, worker, NULL);
    const char *token = rig_token(rig, user, tenant, role, 3600);

    if (position)
        ws_send(ws,
                "{\"type\":\"CONNECT\",\"token\":\"%s\",\"position\":\"%s\"}",
                token, position);
    else
        ws_send(ws, "{\"type\":\"CONNECT\",\"token\":\"%s\"}", token);
    (void)ws_expect(ws, "CONNECTED");
    return ws;
}

void ws_subscribe(struct ws *ws, const char *topics, const char *position)
{
    if (position)
        ws_send(ws,
                "{\"type\":\"SUBSCRIBE\",\"topics\":[%s],\"position\":\"%s\"}",
                topics, position);
    else
        ws_send(ws, "{\"type\":\"SUBSCRIBE\",\"topics\":[%s]}", topics);
    (void)ws_expect(ws, "SUBSCRIBED");
}

const char *text_of(const json_t *message, const char *name)
{
    const char *text = json_string_value(json_object_get(message, name));

    return text ? text : "";
}

void check_change(const json_t *message, const char *type, const char *op,
                  const char *key)
{
    assert_string_equal(text_of(message, "type"), type);
    assert_string_equal(text_of(message, "op"), op);
    assert_string_equal(text_of(message, "key"), key);
}
