/* SPDX-License-Identifier: MIT */
/*
 * test_ws_client - sessions with a server made of the same frames.
 * Threads: loop.
 */
#include "../check.h"

#include "base/buf.h"
#include "net/client.h"
#include "net/loop.h"
#include "net/stream.h"
#include "proto/ws.h"

#include <stdio.h>

#define SERVER_MAGIC 0x73657276u
#define KEY_FIELD    "Sec-WebSocket-Key: "
#define KEY_LEN      24

/* What the server does beside the handshake. */
enum manner {
    MANNER_ECHO,
    MANNER_GREETS,  /* a frame in the same write as the 101 */
    MANNER_REFUSES, /* 403 */
    MANNER_WRONG_KEY,
    MANNER_EXTENDS, /* with what was not offered */
    MANNER_SILENT,
    MANNER_MASKS, /* as a server must not */
    MANNER_CUTS,  /* ends without a close frame */
};

struct scene {
    struct loop *loop;
    struct listener *listener;
    struct client_peer peer;
    struct ws_client *client;
    struct stream *server;
    struct ws_reader reader;
    enum manner manner;
    bool shaken;
    struct buf heard; /* by the server */
    struct buf told;  /* to the client */
    unsigned server_close, opens, closes, code;
    int error;
    const char *end_on; /* the client closes when it is told this */
};

/* ---- the server ------------------------------------------------------- */

static void server_send(struct scene *sc, enum ws_opcode op, struct bytes bytes)
{
    struct buf frame;

    buf_init(&frame, 1 << 21);
    if (op == WS_OP_CLOSE)
        ws_write_close(&frame, 1001, bytes, false);
    else if (sc->manner == MANNER_MASKS)
        ws_write_masked(&frame, op, bytes);
    else
        ws_write(&frame, op, bytes, NULL);
    assert_int_equal(buf_error(&frame), 0);
    stream_write(sc->server, buf_bytes(&frame));
    buf_fini(&frame);
}

static void server_frames(struct scene *sc, char *bytes, size_t len)
{
    struct bytes message;
    enum ws_event event;

    while ((event = ws_reader_next(&sc->reader, &bytes, &len, &message)) !=
           WS_MORE) {
        if (event == WS_CLOSE) {
            sc->server_close = ws_reader_close_code(&sc->reader);
            stream_shutdown(sc->server);
            return;
        }
        assert_true(event == WS_TEXT || event == WS_BINARY || event == WS_PONG);
        buf_append(&sc->heard, message);
        if (event == WS_TEXT)
            server_send(sc, WS_OP_TEXT, message);
        else if (event == WS_BINARY)
            server_send(sc, WS_OP_PING, message);
        else
            server_send(sc, WS_OP_CLOSE, BYTES("enough"));
    }
}

static void server_shake(struct scene *sc)
{
    const char *key =
        memmem(sc->heard.at, sc->heard.len, KEY_FIELD, sizeof(KEY_FIELD) - 1);
    char accept[28 + 1], reply[256];

    assert_non_null(key);
    ws_accept_key((struct bytes){key + sizeof(KEY_FIELD) - 1, KEY_LEN}, accept);
    if (sc->manner == MANNER_WRONG_KEY)
        accept[0] ^= 1;
    snprintf(reply, sizeof(reply),
             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
             "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s\r\n",
             accept,
             sc->manner == MANNER_EXTENDS
                 ? "Sec-WebSocket-Extensions: permessage-deflate\r\n"
                 : "");
    sc->shaken = true;
    stream_write(
        sc->server,
        sc->manner == MANNER_REFUSES
            ? BYTES("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            : bytes_of(reply));
    if (sc->manner == MANNER_GREETS || sc->manner == MANNER_MASKS)
        server_send(sc, WS_OP_TEXT, BYTES("welcome"));
    if (sc->manner == MANNER_CUTS)
        stream_shutdown(sc->server);
}

static void on_server_read(struct stream *s, char *bytes, size_t len)
{
    struct scene *sc = stream_owner(s, SERVER_MAGIC);

    if (sc->manner == MANNER_SILENT)
        return;
    if (sc->shaken) {
        server_frames(sc, bytes, len);
        return;
    }
    buf_append(&sc->heard, (struct bytes){bytes, len});
    if (bytes_ends(buf_bytes(&sc->heard), BYTES("\r\n\r\n"))) {
        server_shake(sc);
        buf_clear(&sc->heard);
    }
}

static void on_server_end(struct stream *s, int error)
{
    stream_shutdown(s);
}

static void on_server_close(struct stream *s)
{
    struct scene *sc = stream_owner(s, SERVER_MAGIC);

    sc->server = NULL;
    if (sc->closes)
        loop_stop(sc->loop);
}

static const struct stream_events server_events = {
    SERVER_MAGIC, on_server_read, on_server_end, NULL, on_server_close,
};

static void on_accept(struct stream *s, void *arg)
{
    struct scene *sc = arg;

    sc->server = s;
    stream_own(s, &server_events, sc);
    assert_int_equal(stream_read_start(s), 0);
}

/* ---- the client ------------------------------------------------------- */

static void on_open(struct ws_client *c, void *arg)
{
    struct scene *sc = arg;

    assert_true(ws_client_is_open(c));
    sc->opens++;
    if (sc->manner == MANNER_ECHO) {
        ws_client_send_text(c, BYTES("one"));
        ws_client_send_text(c, BYTES("two"));
    }
}

static void on_message(struct ws_client *c, bool text, struct bytes message,
                       void *arg)
{
    struct scene *sc = arg;

    assert_true(text);
    buf_append(&sc->told, message);
    if (sc->end_on && bytes_equal(message, bytes_of(sc->end_on))) {
        ws_client_close(c, 1000, BYTES("bye"));
        ws_client_close(c, 1000, BYTES("bye"));
        ws_client_send_text(c, BYTES("not sent"));
        assert_false(ws_client_is_open(c));
    }
}

static void on_close(struct ws_client *c, unsigned code, int error, void *arg)
{
    struct scene *sc = arg;

    assert_ptr_equal(c, sc->client);
    sc->client = NULL;
    sc->closes++;
    sc->code = code;
    sc->error = error;
    if (!sc->server)
        loop_stop(sc->loop);
}

static const struct ws_client_events client_events = {on_open, on_message,
                                                      on_close};

static void scene_open(struct scene *sc, enum manner manner)
{
    memset(sc, 0, sizeof(*sc));
    sc->manner = manner;
    buf_init(&sc->heard, 1 << 20);
    buf_init(&sc->told, 1 << 20);
    ws_reader_init(&sc->reader, WS_SERVER, 1 << 20, NULL);
    assert_int_equal(loop_new(&sc->loop), 0);
    assert_int_equal(listener_open(&sc->listener, sc->loop, "127.0.0.1", 0, 16,
                                   on_accept, sc),
                     0);
    sc->peer = (struct client_peer){.host = "127.0.0.1",
                                    .port = listener_port(sc->listener)};
}

static void scene_connect(struct scene *sc)
{
    assert_int_equal(ws_client_open(&sc->client, sc->loop, &sc->peer,
                                    BYTES("/ws"), BYTES("X-A: b\r\n"),
                                    &client_events, sc),
                     0);
}

static void scene_run(struct scene *sc)
{
    scene_connect(sc);
    assert_int_equal(loop_run(sc->loop), 0);
    assert_int_equal(sc->closes, 1);
}

static void scene_close(struct scene *sc)
{
    listener_close(&sc->listener);
    loop_free(&sc->loop);
    ws_reader_fini(&sc->reader);
    buf_fini(&sc->heard);
    buf_fini(&sc->told);
    assert_null(sc->client);
    assert_int_equal(sc->closes, 1);
}

/* ---- tests ------------------------------------------------------------ */

static void messages_go_both_ways_until_the_client_closes(void **state)
{
    struct scene sc;

    scene_open(&sc, MANNER_ECHO);
    sc.end_on = "two";
    scene_run(&sc);
    check_bytes(buf_bytes(&sc.heard), "onetwo");
    check_bytes(buf_bytes(&sc.told), "onetwo");
    assert_int_equal(sc.server_close, 1000);
    assert_int_equal(sc.code, 1000);
    assert_int_equal(sc.error, 0);
    scene_close(&sc);
}

static void on_open_binary(struct ws_client *c, void *arg)
{
    ws_client_send_binary(c, BYTES("ping me"));
    assert_true(ws_client_queued(c) > 0);
}

static void a_ping_is_answered_and_a_close_too(void **state)
{
    static const struct ws_client_events events = {on_open_binary, on_message,
                                                   on_close};
    struct scene sc;

    scene_open(&sc, MANNER_ECHO);
    assert_int_equal(ws_client_open(&sc.client, sc.loop, &sc.peer, BYTES("/ws"),
                                    BYTES(""), &events, &sc),
                     0);
    assert_int_equal(loop_run(sc.loop), 0);
    /* the server heard the bytes, then its own ping's; then it closed */
    check_bytes(buf_bytes(&sc.heard), "ping meping me");
    assert_int_equal(sc.server_close, 1001);
    assert_int_equal(sc.code, 1001);
    assert_int_equal(sc.error, 0);
    scene_close(&sc);
}

static void a_message_may_come_with_the_handshake(void **state)
{
    struct scene sc;

    scene_open(&sc, MANNER_GREETS);
    sc.end_on = "welcome";
    scene_run(&sc);
    check_bytes(buf_bytes(&sc.told), "welcome");
    assert_int_equal(sc.code, 1000);
    scene_close(&sc);
}

static void check_failure(enum manner manner, int error)
{
    struct scene sc;

    scene_open(&sc, manner);
    scene_run(&sc);
    assert_int_equal(sc.opens, 0);
    assert_int_equal(sc.code, WS_CLIENT_ABNORMAL);
    assert_int_equal(sc.error, error);
    scene_close(&sc);
}

static void a_handshake_that_fails_is_told(void **state)
{
    check_failure(MANNER_REFUSES, ERR_DENIED);
    check_failure(MANNER_WRONG_KEY, ERR_PROTOCOL);
    check_failure(MANNER_EXTENDS, ERR_PROTOCOL);
}

static void a_silent_server_is_left(void **state)
{
    struct scene sc;

    scene_open(&sc, MANNER_SILENT);
    sc.peer.timeout_ms = 1;
    scene_run(&sc);
    assert_int_equal(sc.error, ERR_TIMEOUT);
    scene_close(&sc);
}

static void a_server_that_masks_is_left(void **state)
{
    struct scene sc;

    scene_open(&sc, MANNER_MASKS);
    scene_run(&sc);
    assert_int_equal(sc.code, 1002);
    assert_int_equal(sc.server_close, 1002);
    assert_int_equal(sc.told.len, 0);
    scene_close(&sc);
}

static void an_end_without_a_close_frame_is_abnormal(void **state)
{
    struct scene sc;

    scene_open(&sc, MANNER_CUTS);
    scene_run(&sc);
    assert_int_equal(sc.opens, 1);
    assert_int_equal(sc.code, WS_CLIENT_ABNORMAL);
    assert_int_equal(sc.error, ERR_CLOSED);
    scene_close(&sc);
}

static void a_message_past_its_limit_is_refused(void **state)
{
    struct scene sc;

    scene_open(&sc, MANNER_GREETS);
    sc.peer.bytes_max = 6;
    scene_run(&sc);
    assert_int_equal(sc.code, 1009);
    assert_int_equal(sc.told.len, 0);
    scene_close(&sc);
}

static void a_client_is_closed_while_it_connects(void **state)
{
    struct scene sc;

    scene_open(&sc, MANNER_ECHO);
    scene_connect(&sc);
    ws_client_close(sc.client, 1000, BYTES(""));
    assert_int_equal(sc.closes, 0); /* never inside the call */
    assert_int_equal(loop_run(sc.loop), 0);
    assert_int_equal(sc.opens, 0);
    scene_close(&sc);
}

static void a_loop_that_is_freed_ends_the_session(void **state)
{
    struct scene sc;

    scene_open(&sc, MANNER_ECHO);
    scene_connect(&sc);
    scene_close(&sc); /* checks that on_close came */
}

RUN(cmocka_unit_test(messages_go_both_ways_until_the_client_closes),
    cmocka_unit_test(a_ping_is_answered_and_a_close_too),
    cmocka_unit_test(a_message_may_come_with_the_handshake),
    cmocka_unit_test(a_handshake_that_fails_is_told),
    cmocka_unit_test(a_silent_server_is_left),
    cmocka_unit_test(a_server_that_masks_is_left),
    cmocka_unit_test(an_end_without_a_close_frame_is_abnormal),
    cmocka_unit_test(a_message_past_its_limit_is_refused),
    cmocka_unit_test(a_client_is_closed_while_it_connects),
    cmocka_unit_test(a_loop_that_is_freed_ends_the_session))
