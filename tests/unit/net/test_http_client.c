/* SPDX-License-Identifier: MIT */
/*
 * test_http_client - requests against a server that says what the test wrote.
 * Threads: loop.
 */
#include "../check.h"

#include "base/buf.h"
#include "net/client.h"
#include "net/loop.h"
#include "net/stream.h"
#include "proto/http.h"

#include <stdio.h>

#define SERVER_MAGIC 0x73657276u
#define REPLIES_MAX  8
#define GET_A        BYTES("GET"), BYTES("/a"), BYTES(""), BYTES("")

struct reply {
    const char *text; /* NULL: silence */
    bool then_close;
};

struct scene {
    struct loop *loop;
    struct listener *listener;
    struct client_peer peer;
    struct http_client *client;
    const struct reply *replies; /* one for each request */
    unsigned requests, connections, done;
    struct buf heard; /* all that the server was sent */
    unsigned more;    /* requests that on_done makes */
    /* of the last reply */
    int error;
    unsigned status;
    char etag[32];
    char body[64];
    size_t body_len;
};

/* ---- the server ------------------------------------------------------- */

static void on_server_read(struct stream *s, char *bytes, size_t len)
{
    struct scene *sc = stream_owner(s, SERVER_MAGIC);
    const struct reply *reply;

    buf_append(&sc->heard, (struct bytes){bytes, len});
    if (!bytes_ends(buf_bytes(&sc->heard), BYTES("\r\n\r\n")) &&
        !bytes_ends(buf_bytes(&sc->heard), BYTES("end")))
        return;
    reply = &sc->replies[sc->requests++];
    if (reply->text) {
        /* in two pieces, so that heads and bodies are split */
        size_t half = strlen(reply->text) / 2;
        stream_write(s, (struct bytes){reply->text, half});
        stream_flush(s);
        stream_write(s, bytes_of(reply->text + half));
    }
    if (reply->then_close)
        stream_shutdown(s);
}

static void on_server_end(struct stream *s, int error)
{
    stream_shutdown(s);
}

static void on_server_close(struct stream *s)
{
}

static const struct stream_events server_events = {
    SERVER_MAGIC, on_server_read, on_server_end, NULL, on_server_close,
};

static void on_accept(struct stream *s, void *arg)
{
    struct scene *sc = arg;

    sc->connections++;
    stream_own(s, &server_events, sc);
    assert_int_equal(stream_read_start(s), 0);
}

/* ---- the scene -------------------------------------------------------- */

static void scene_open(struct scene *sc, const struct reply *replies)
{
    memset(sc, 0, sizeof(*sc));
    sc->replies = replies;
    buf_init(&sc->heard, 1 << 20);
    assert_int_equal(loop_new(&sc->loop), 0);
    assert_int_equal(listener_open(&sc->listener, sc->loop, "127.0.0.1", 0, 16,
                                   on_accept, sc),
                     0);
    sc->peer = (struct client_peer){.host = "127.0.0.1",
                                    .port = listener_port(sc->listener)};
    assert_int_equal(http_client_new(&sc->client, sc->loop, &sc->peer), 0);
}

static void scene_close(struct scene *sc)
{
    http_client_free(&sc->client);
    http_client_free(&sc->client);
    listener_close(&sc->listener);
    loop_free(&sc->loop);
    buf_fini(&sc->heard);
}

static void on_done(struct http_client *c, int error,
                    const struct http_head *head, struct bytes body, void *arg)
{
    struct scene *sc = arg;
    struct bytes etag = {NULL, 0};

    assert_true((head == NULL) == (error != 0));
    sc->done++;
    sc->error = error;
    sc->status = head ? head->status : 0;
    if (head)
        etag = http_head_get(head, HTTP_FIELD_ETAG);
    assert_true(etag.len < sizeof(sc->etag));
    if (etag.len)
        memcpy(sc->etag, etag.at, etag.len);
    sc->etag[etag.len] = '\0';
    sc->body_len = body.len;
    if (body.len && body.len <= sizeof(sc->body))
        memcpy(sc->body, body.at, body.len);
    if (sc->more > 0) {
        sc->more--;
        assert_int_equal(http_client_request(c, GET_A, on_done, sc), 0);
    } else {
        loop_stop(sc->loop);
    }
}

static void ask(struct scene *sc)
{
    assert_int_equal(http_client_request(sc->client, GET_A, on_done, sc), 0);
    assert_int_equal(loop_run(sc->loop), 0);
}

static void check_body(const struct scene *sc, const char *want)
{
    assert_int_equal(sc->error, 0);
    assert_int_equal(sc->status, 200);
    check_bytes((struct bytes){sc->body, sc->body_len}, want);
}

/* ---- tests ------------------------------------------------------------ */

#define OK_ONE "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 3\r\n\r\none"
#define OK_TWO                                                                 \
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"                    \
    "2\r\ntw\r\n1\r\no\r\n0\r\n\r\n"

static void requests_share_a_connection(void **state)
{
    static const struct reply replies[] = {
        {OK_ONE, false}, {OK_TWO, false}, {OK_ONE, false}};
    struct scene sc;

    scene_open(&sc, replies);
    assert_false(http_client_is_connected(sc.client));
    ask(&sc);
    check_body(&sc, "one");
    assert_string_equal(sc.etag, "\"1\"");
    assert_true(http_client_is_connected(sc.client));
    sc.more = 1; /* the third is made inside the second's callback */
    ask(&sc);
    check_body(&sc, "one");
    assert_int_equal(sc.done, 3);
    assert_int_equal(sc.connections, 1);
    scene_close(&sc);
}

static void a_request_says_what_it_was_given(void **state)
{
    static const struct reply replies[] = {{OK_ONE, false}, {OK_ONE, false}};
    struct scene sc;
    char want[512];

    scene_open(&sc, replies);
    assert_int_equal(http_client_request(sc.client, BYTES("POST"),
                                         BYTES("/stops?x=1"),
                                         BYTES("Accept: a/b\r\n"),
                                         BYTES("the end"), on_done, &sc),
                     0);
    assert_int_equal(http_client_request(sc.client, GET_A, on_done, &sc),
                     ERR_BUSY);
    assert_int_equal(loop_run(sc.loop), 0);
    ask(&sc);
    snprintf(want, sizeof(want),
             "POST /stops?x=1 HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
             "Accept: a/b\r\nContent-Length: 7\r\n\r\nthe end"
             "GET /a HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n",
             sc.peer.port, sc.peer.port);
    check_bytes(buf_bytes(&sc.heard), want);
    scene_close(&sc);
}

static void a_closed_connection_is_opened_again(void **state)
{
    static const struct reply replies[] = {
        {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi",
         true},
        {"HTTP/1.1 200 OK\r\n\r\nuntil the end", true},
        {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut", true},
        {NULL, true},
        {"HTTP/1.1 100 Continue\r\n\r\n", true},
        {OK_ONE, false}};
    struct scene sc;

    scene_open(&sc, replies);
    ask(&sc);
    check_body(&sc, "hi");
    ask(&sc);
    check_body(&sc, "until the end");
    for (unsigned i = 0; i < 3; i++) {
        ask(&sc);
        assert_int_equal(sc.error, ERR_CLOSED);
    }
    ask(&sc);
    check_body(&sc, "one");
    assert_int_equal(sc.connections, 6);
    scene_close(&sc);
}

static void replies_without_a_body_end_at_once(void **state)
{
    static const struct reply replies[] = {
        {"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"
         "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n",
         false},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", false},
        {OK_ONE, false}};
    struct scene sc;

    scene_open(&sc, replies);
    ask(&sc);
    assert_int_equal(sc.status, 304);
    assert_string_equal(sc.etag, "\"x\"");
    assert_int_equal(http_client_request(sc.client, BYTES("HEAD"), BYTES("/"),
                                         BYTES(""), BYTES(""), on_done, &sc),
                     0);
    assert_int_equal(loop_run(sc.loop), 0);
    check_body(&sc, "");
    ask(&sc);
    check_body(&sc, "one");
    assert_int_equal(sc.connections, 1);
    scene_close(&sc);
}

static void what_breaks_the_protocol_is_refused(void **state)
{
    static const struct reply replies[] = {
        {"SMTP ready\r\n\r\n", false},
        {OK_ONE OK_TWO, false}, /* an answer nobody asked for */
        {OK_ONE, false}};
    struct scene sc;

    scene_open(&sc, replies);
    ask(&sc);
    assert_int_equal(sc.error, ERR_PROTOCOL);
    ask(&sc);
    check_body(&sc, "one");
    ask(&sc);
    check_body(&sc, "one");
    assert_int_equal(sc.connections, 3);
    scene_close(&sc);
}

static void a_reply_past_its_limit_is_refused(void **state)
{
    static const struct reply replies[] = {{OK_TWO, false}};
    struct scene sc;

    scene_open(&sc, replies);
    http_client_free(&sc.client);
    sc.peer.bytes_max = 2;
    assert_int_equal(http_client_new(&sc.client, sc.loop, &sc.peer), 0);
    ask(&sc);
    assert_int_equal(sc.error, ERR_PROTOCOL);
    scene_close(&sc);
}

static void silence_ends_by_time_out(void **state)
{
    static const struct reply replies[] = {{NULL, false}, {OK_ONE, false}};
    struct scene sc;

    scene_open(&sc, replies);
    sc.peer.timeout_ms = 1;
    ask(&sc);
    assert_int_equal(sc.error, ERR_TIMEOUT);
    sc.peer.timeout_ms = 0;
    sc.requests = 1;
    ask(&sc);
    check_body(&sc, "one");
    scene_close(&sc);
}

static void a_refused_connection_is_told(void **state)
{
    struct scene sc;

    scene_open(&sc, NULL);
    listener_close(&sc.listener);
    ask(&sc);
    assert_int_equal(sc.error, ERR_CLOSED);
    scene_close(&sc);
}

static void free_client(struct http_client *c, int error,
                        const struct http_head *head, struct bytes body,
                        void *arg)
{
    struct scene *sc = arg;

    assert_ptr_equal(c, sc->client);
    http_client_free(&sc->client);
    check_bytes(body, "one"); /* still holds */
    assert_int_equal(head->status, 200);
    loop_stop(sc->loop);
}

static void a_client_is_freed_inside_its_callback(void **state)
{
    static const struct reply replies[] = {{OK_ONE, false}};
    struct scene sc;

    scene_open(&sc, replies);
    assert_int_equal(http_client_request(sc.client, GET_A, free_client, &sc),
                     0);
    assert_int_equal(loop_run(sc.loop), 0);
    assert_null(sc.client);
    scene_close(&sc);
}

static void a_client_is_freed_while_it_connects(void **state)
{
    struct scene sc;

    scene_open(&sc, NULL);
    assert_int_equal(http_client_request(sc.client, GET_A, on_done, &sc), 0);
    scene_close(&sc);
    assert_int_equal(sc.done, 0);
}

RUN(cmocka_unit_test(requests_share_a_connection),
    cmocka_unit_test(a_request_says_what_it_was_given),
    cmocka_unit_test(a_closed_connection_is_opened_again),
    cmocka_unit_test(replies_without_a_body_end_at_once),
    cmocka_unit_test(what_breaks_the_protocol_is_refused),
    cmocka_unit_test(a_reply_past_its_limit_is_refused),
    cmocka_unit_test(silence_ends_by_time_out),
    cmocka_unit_test(a_refused_connection_is_told),
    cmocka_unit_test(a_client_is_freed_inside_its_callback),
    cmocka_unit_test(a_client_is_freed_while_it_connects))
