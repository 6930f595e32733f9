/* SPDX-License-Identifier: MIT */
/*
 * What a connection does: order, bodies, mistakes, time-outs, hand-over.
 * Threads: see rig.h.
 */
#include "rig.h"

#include "edge/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

static struct rig rig;

static int set_up(void **state)
{
    rig_init(&rig);
    rig_start(&rig);
    return 0;
}

static int tear_down(void **state)
{
    rig_stop(&rig);
    return 0;
}

static void test_answers_a_request(void **state)
{
    struct client *c = client_open(&rig, 0);
    const struct answer *a = client_get(c, "/public", "");

    assert_int_equal(a->status, 200);
    assert_string_equal(a->body, "hello");
    assert_string_equal(answer_header(a, "content-type"), "text/plain");
    assert_string_equal(answer_header(a, "x-content-type-options"), "nosniff");
    assert_string_equal(answer_header(a, "cache-control"), "no-cache");
    assert_non_null(answer_header(a, "date"));
    assert_non_null(answer_header(a, "server-timing"));
    assert_string_equal(answer_header(a, "fieldline-position"), "e1:10");
    assert_null(answer_header(a, "connection"));
    assert_null(answer_header(a, "access-control-allow-origin"));
    client_close(&c);
}

static void test_goes_on_with_the_callers_trace(void **state)
{
    struct client *c = client_open(&rig, 0);
    const char *sent =
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    char line[128];

    (void)snprintf(line, sizeof(line), "traceparent: %s\r\n", sent);

    const char *got =
        answer_header(client_get(c, "/public", line), "traceparent");

    assert_memory_equal(got, sent, 36);
    assert_memory_not_equal(got + 36, sent + 36, 16);
    got = answer_header(client_get(c, "/public", "traceparent: 00-0-0-0\r\n"),
                        "traceparent");
    assert_int_equal(strlen(got), 55);
    client_close(&c);
}

/* P5 */
static void test_pipelined_answers_come_in_order(void **state)
{
    struct client *c = client_open(&rig, 0);

    client_send(c, "GET /slow/a HTTP/1.1\r\nHost: t\r\n\r\n"
                   "GET /public HTTP/1.1\r\nHost: t\r\n\r\n"
                   "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\n\r\n"
                   "abcGET /open/7 HTTP/1.1\r\nHost: t\r\n\r\nGET /publ");
    rig_held_wait(&rig, 1);
    client_send(c, "ic HTTP/1.1\r\nHost: t\r\n\r\n");
    rig_held_release(&rig);
    assert_string_equal(client_answer(c, CLIENT_BODY)->body, "a");
    assert_string_equal(client_answer(c, CLIENT_BODY)->body, "hello");
    assert_string_equal(client_answer(c, CLIENT_BODY)->body, "abc");
    assert_non_null(
        strstr(client_answer(c, CLIENT_BODY)->body, "\"id\":\"7\""));
    assert_string_equal(client_answer(c, CLIENT_BODY)->body, "hello");
    client_close(&c);
}

/* P5 */
static void test_head_has_a_length_and_no_body(void **state)
{
    struct client *c = client_open(&rig, 0);

    client_send(c, "HEAD /public HTTP/1.1\r\nHost: t\r\n\r\n");

    const struct answer *a = client_answer(c, CLIENT_NO_BODY);

    assert_int_equal(a->status, 200);
    assert_string_equal(answer_header(a, "content-length"), "5");
    assert_string_equal(client_get(c, "/public", "")->body, "hello");
    client_close(&c);
}

/* P5 */
static void test_http_1_0_closes_unless_asked(void **state)
{
    struct client *c = client_open(&rig, 0);

    client_send(c, "GET /public HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_string_equal(
        answer_header(client_answer(c, CLIENT_BODY), "connection"),
        "keep-alive");
    client_send(c, "GET /public HTTP/1.0\r\n\r\n");
    assert_string_equal(
        answer_header(client_answer(c, CLIENT_BODY), "connection"), "close");
    assert_true(client_at_end(c));
    client_close(&c);
}

/* P5 */
static void test_absolute_form_and_options(void **state)
{
    struct client *c = client_open(&rig, 0);
    const struct answer *a =
        client_get(c, "http://other.example/public?x=1", "");

    assert_string_equal(a->body, "hello");
    client_send(c, "OPTIONS /items/1 HTTP/1.1\r\nHost: t\r\n\r\n");
    a = client_answer(c, CLIENT_BODY);
    assert_int_equal(a->status, 204);
    assert_string_equal(answer_header(a, "allow"), "GET, HEAD, PATCH, OPTIONS");
    assert_null(answer_header(a, "content-length"));
    client_send(c, "DELETE /items/1 HTTP/1.1\r\nHost: t\r\n\r\n");
    a = client_answer(c, CLIENT_BODY);
    assert_int_equal(a->status, 405);
    assert_string_equal(answer_header(a, "allow"), "GET, HEAD, PATCH, OPTIONS");
    client_close(&c);
}

/* P5 */
static void test_continue_is_said_before_the_body_comes(void **state)
{
    struct client *c = client_open(&rig, 0);

    client_send(c, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\n"
                   "Expect: 100-continue\r\n\r\n");
    assert_int_equal(client_answer(c, CLIENT_NO_BODY)->status, 100);
    client_send(c, "body");
    assert_string_equal(client_answer(c, CLIENT_BODY)->body, "body");
    client_send(c, "POST /nowhere HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\n"
                   "Expect: 100-continue\r\n\r\n");
    assert_int_equal(client_answer(c, CLIENT_BODY)->status, 404);
    assert_true(client_at_end(c));
    client_close(&c);
}

static void test_chunked_bodies_in_small_pieces(void **state)
{
    static const char text[] =
        "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n";
    struct client *c = client_open(&rig, 0);

    for (size_t i = 0; i < sizeof(text) - 1; i++)
        client_send_bytes(c, (struct bytes){text + i, 1});
    assert_string_equal(client_answer(c, CLIENT_BODY)->body, "hello, world");
    client_close(&c);
}

static void test_an_unread_body_is_read_over(void **state)
{
    struct client *c = client_open(&rig, 0);

    client_send(c, "POST /nowhere HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n"
                   "\r\nGET / HTT");
    assert_int_equal(client_answer(c, CLIENT_BODY)->status, 404);
    assert_int_equal(client_get(c, "/public", "")->status, 200);
    client_close(&c);
}

static void test_a_body_over_its_limit_is_refused(void **state)
{
    struct client *c = client_open(&rig, 0);

    client_send(c, "POST /echo HTTP/1.1\r\nHost: t\r\n"
                   "Content-Length: 100001\r\n\r\n");
    assert_int_equal(client_answer(c, CLIENT_BODY)->status, 413);
    assert_true(client_at_end(c));
    client_close(&c);
    c = client_open(&rig, 0);
    client_send(c, "POST /echo HTTP/1.1\r\nHost: t\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n186a1\r\n");
    for (int i = 0; i < 101; i++) {
        static char kilo[1000];

        memset(kilo, 'x', sizeof(kilo));
        client_send_bytes(c, (struct bytes){kilo, sizeof(kilo)});
    }
    assert_int_equal(client_answer(c, CLIENT_BODY)->status, 413);
    client_close(&c);
}

static void test_a_long_body_before_does_not_widen_a_limit(void **state)
{
    struct client *c = client_open(&rig, 0);

    client_send(c,
                "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 30\r\n\r\n"
                "123456789012345678901234567890"
                "POST /tiny HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\n"
                "1234567890"
                "POST /tiny HTTP/1.1\r\nHost: t\r\n"
                "Transfer-Encoding: chunked\r\n\r\nb\r\n12345678901\r\n"
                "0\r\n\r\n");
    assert_int_equal(client_answer(c, CLIENT_BODY)->body_len, 30);
    assert_int_equal(client_answer(c, CLIENT_BODY)->body_len, 10);
    assert_int_equal(client_answer(c, CLIENT_BODY)->status, 413);
    client_close(&c);
}

static void check_no_requests(struct rig *r, struct edge_worker *ew)
{
    assert_true(list_empty(&ew->requests));
}

/* P25 */
static void test_a_body_cut_short_leaves_nothing_behind(void **state)
{
    struct client *c = client_open(&rig, 0);

    client_send(c, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n"
                   "Expect: 100-continue\r\n\r\n");
    assert_int_equal(client_answer(c, CLIENT_NO_BODY)->status, 100);
    client_send(c, "x");
    client_close(&c);
    rig_gauge_wait(&rig, METRIC_CONNECTIONS, 0);
    rig_on_worker(&rig, 0, check_no_requests);
}

static struct bytes gzip_of(size_t len, char *room, size_t size)
{
    char *plain = calloc(1, len);
    z_stream z = {.next_in = (Bytef *)plain,
                  .avail_in = (uInt)len,
                  .next_out = (Bytef *)room,
                  .avail_out = (uInt)size};

    assert_non_null(plain);
    memset(plain, 'z', len);
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, 0), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    (void)deflateEnd(&z);
    free(plain);
    return (struct bytes){room, z.total_out};
}

static const struct answer *post_gzip(struct client *c, struct bytes body)
{
    char head[200];

    (void)snprintf(
        head, sizeof(head),
        "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Encoding: gzip\r\n"
        "Content-Length: %zu\r\n\r\n",
        body.len);
    client_send(c, head);
    client_send_bytes(c, body);
    return client_answer(c, CLIENT_BODY);
}

/* P4 */
static void test_gzip_bodies_are_bounded_after_decompression(void **state)
{
    struct client *c = client_open(&rig, 0);
    char room[20000];
    const struct answer *a = post_gzip(c, gzip_of(100000, room, sizeof(room)));

    assert_int_equal(a->status, 200);
    assert_int_equal(a->body_len, 100000);
    a = post_gzip(c, gzip_of(100001, room, sizeof(room)));
    assert_int_equal(a->status, 413);
    client_close(&c);
    c = client_open(&rig, 0);
    assert_int_equal(post_gzip(c, BYTES("not gzip"))->status, 400);
    client_send(c, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\n"
                   "Content-Encoding: br\r\n\r\nx");
    assert_int_equal(client_answer(c, CLIENT_BODY)->status, 415);
    client_close(&c);
}

/* P1 */
static void test_malformed_requests_are_400_and_the_end(void **state)
{
    static const char *const bad[] = {
        "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\n"
        "Transfer-Encoding: chunked\r\n\r\nabc",
        "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\n"
        "Content-Length: 3\r\n\r\nabc",
        "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: +3\r\n\r\nabc",
        "GET /public HTTP/1.1\nHost: t\n\n",
        "GET /public HTTP/1.1\r\nHost: t\r\nA: b\r\n c\r\n\r\n",
        "GET /public HTTP/1.1\r\nHost : t\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
        "fffffffffffffffff\r\n",
        "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3;\r\nabcd\r\n",
        "GET /public HTTP/1.1\r\n\r\n",
        "\x16\x03\x01",
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct client *c = client_open(&rig, 0);
        const struct answer *a;

        client_send(c, bad[i]);
        a = client_answer(c, CLIENT_BODY);
        if (a->status != 400)
            fail_msg("%u for '%s'", a->status, bad[i]);
        assert_string_equal(answer_header(a, "content-type"),
                            "application/problem+json");
        assert_string_equal(answer_header(a, "connection"), "close");
        assert_true(client_at_end(c));
        client_close(&c);
    }
    assert_int_equal(atomic_load(&rig.calls), 0);
    assert_int_equal(metrics_total(rig.metrics, METRIC_HTTP_BAD),
                     ARRAY_LEN(bad));
}

/* P7 */
static void test_tricky_paths_reach_nothing(void **state)
{
    static const char *const bad[] = {
        "/items/a%2fb", "/items//a",     "/items/%00",  "/items/../public",
        "/items/./a",   "/items/%2e%2e", "/items/a\\b", "/items/%5c",
        "/items/a#b",   "/items/%zz",    "//public",    "/public%0a",
    };
    struct client *c = client_open(&rig, 0);
    const char *token = rig_token(&rig, "ann", "t1", "DRIVE");

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        unsigned status = client_get(c, bad[i], token)->status;

        if (status != 400 && status != 404)
            fail_msg("%u for %s", status, bad[i]);
        if (i == 0)
            continue;
    }
    assert_int_equal(client_get(c, "/items/a/me.css", token)->status, 404);
    assert_int_equal(client_get(c, "/public/", "")->status, 404);
    assert_int_equal(atomic_load(&rig.calls), 0);
    client_close(&c);
}

static void test_a_handlers_header_cannot_split_the_reply(void **state)
{
    struct client *c = client_open(&rig, 0);
    const struct answer *a = client_get(c, "/headers", "");

    assert_string_equal(answer_header(a, "x-good"), "yes");
    assert_null(answer_header(a, "x-bad"));
    assert_null(answer_header(a, "x-injected"));
    client_close(&c);
}

static void test_an_upgrade_hands_over_what_came(void **state)
{
    struct client *c = client_open(&rig, 0);
    char text[4096];

    (void)snprintf(text, sizeof(text),
                   "GET /up HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\n"
                   "Upgrade: websocket\r\n%s\r\nfirst",
                   rig_token(&rig, "ann", "t1", "DRIVE"));
    client_send(c, text);

    const struct answer *a = client_answer(c, CLIENT_NO_BODY);

    assert_int_equal(a->status, 101);
    assert_string_equal(answer_header(a, "upgrade"), "websocket");
    assert_string_equal(answer_header(a, "sec-websocket-accept"), "abc");
    while (!client_at_end(c) && !memmem(c->in, c->len, "user=ann", 8))
        ;
    assert_memory_equal(c->in, "rest=first user=ann", 19);
    rig_gauge_wait(&rig, METRIC_CONNECTIONS, 0);
    client_close(&c);
}

static void test_an_upgrade_declined_is_plain_http(void **state)
{
    struct client *c = client_open(&rig, 0);
    const struct answer *a =
        client_get(c, "/public", "Connection: Upgrade\r\nUpgrade: h2c\r\n");

    assert_int_equal(a->status, 200);
    assert_int_equal(client_get(c, "/public", "")->status, 200);
    client_close(&c);
}

static void test_the_answer_survives_a_half_close(void **state)
{
    struct client *c = client_open(&rig, 0);

    client_send(c, "GET /slow/z HTTP/1.1\r\nHost: t\r\n\r\n");
    rig_held_wait(&rig, 1);
    assert_int_equal(shutdown(c->fd, SHUT_WR), 0);
    rig_held_release(&rig);
    assert_string_equal(client_answer(c, CLIENT_BODY)->body, "z");
    assert_true(client_at_end(c));
    client_close(&c);
}

static void test_a_peer_that_left_harms_nothing(void **state)
{
    struct client *c = client_open(&rig, 0);

    client_send(c, "GET /slow/z HTTP/1.1\r\nHost: t\r\n\r\n");
    rig_held_wait(&rig, 1);

    struct linger now = {1, 0};

    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    client_close(&c);
    rig_gauge_wait(&rig, METRIC_CONNECTIONS, 0);
    rig_held_release(&rig);
    c = client_open(&rig, 0);
    assert_string_equal(client_get(c, "/slow/z", "")->body, "z");
    assert_int_equal(atomic_load(&rig.calls), 1);
    client_close(&c);
}

#define SET_UP(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

RUN(SET_UP(test_answers_a_request), SET_UP(test_goes_on_with_the_callers_trace),
    SET_UP(test_pipelined_answers_come_in_order),
    SET_UP(test_head_has_a_length_and_no_body),
    SET_UP(test_http_1_0_closes_unless_asked),
    SET_UP(test_absolute_form_and_options),
    SET_UP(test_continue_is_said_before_the_body_comes),
    SET_UP(test_chunked_bodies_in_small_pieces),
    SET_UP(test_an_unread_body_is_read_over),
    SET_UP(test_a_body_over_its_limit_is_refused),
    SET_UP(test_a_long_body_before_does_not_widen_a_limit),
    SET_UP(test_a_body_cut_short_leaves_nothing_behind),
    SET_UP(test_gzip_bodies_are_bounded_after_decompression),
    SET_UP(test_malformed_requests_are_400_and_the_end),
    SET_UP(test_tricky_paths_reach_nothing),
    SET_UP(test_a_handlers_header_cannot_split_the_reply),
    SET_UP(test_an_upgrade_hands_over_what_came),
    SET_UP(test_an_upgrade_declined_is_plain_http),
    SET_UP(test_the_answer_survives_a_half_close),
    SET_UP(test_a_peer_that_left_harms_nothing))
