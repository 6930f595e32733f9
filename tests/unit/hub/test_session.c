/* SPDX-License-Identifier: MIT */
/*
 * test_session - who may connect, what may be subscribed, and how it ends.
 * Threads: see rig.h.
 */
#include "rig.h"

#include "hub/desk.h"
#include "metrics/metrics.h"

#include <stdlib.h>

static void test_handshakes(void **state)
{
    struct rig *rig = rig_new(NULL);

    assert_int_equal(ws_handshake_status(rig, NULL), 101);
    assert_int_equal(
        ws_handshake_status(rig, "Origin: https://portal.example\r\n"), 101);
    assert_int_equal(
        ws_handshake_status(rig, "Origin: http://evil.example\r\n"), 403);
    assert_int_equal(ws_handshake_status(rig, "Origin: http://localhost\r\n"),
                     403);
    assert_int_equal(ws_handshake_status(rig, "Origin: null\r\n"), 403);
    assert_int_equal(ws_handshake_status(rig, "Origin: http://a\r\nOrigin: "
                                              "https://portal.example\r\n"),
                     403);
    assert_int_equal(ws_handshake_status(rig, "Sec-WebSocket-Key: x\r\n"), 400);
    rig_free(rig);
}

static void sessions_full(struct hub_worker *w, void *arg)
{
    w->session_count = HUB_SESSIONS_MAX;
}

static void sessions_none(struct hub_worker *w, void *arg)
{
    w->session_count = 0;
}

/* The stream is no longer its HTTP session's, which has gone. */
static void test_a_session_too_many_is_closed(void **state)
{
    struct rig *rig = rig_new(NULL);

    rig_on_worker(rig, 0, sessions_full, NULL);
    assert_int_equal(ws_handshake_status(rig, NULL), 101);
    rig_settle(rig);
    rig_on_worker(rig, 0, sessions_none, NULL);
    rig_settle(rig);
    rig_free(rig);
}

static void test_connect_comes_first(void **state)
{
    struct rig *rig = rig_new(NULL);
    struct ws *ws = ws_open(rig, 0, NULL);
    const json_t *m;

    ws_send(ws,
            "{\"type\":\"SUBSCRIBE\",\"topics\":[\"tenant\"],\"id\":\"a\"}");
    m = ws_expect(ws, "ERROR");
    assert_string_equal(text_of(m, "code"), "not-connected");
    assert_string_equal(text_of(m, "id"), "a");
    ws_send(ws, "{\"type\":\"NOTICE\",\"payload\":{}}");
    assert_string_equal(text_of(ws_expect(ws, "ERROR"), "code"),
                        "not-connected");
    ws_send(ws, "{\"type\":\"CONNECT\",\"token\":\"%s\"}",
            rig_token(rig, "10", "1", "MANAGE", 3600));
    m = ws_expect(ws, "CONNECTED");
    assert_string_equal(text_of(m, "user"), "10");
    assert_string_equal(text_of(m, "tenant"), "1");
    assert_int_equal(json_integer_value(json_object_get(m, "pingMs")), 25000);
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(m, "roles"), 0)),
        "MANAGE");
    ws_free(ws);
    rig_free(rig);
}

static void test_a_refused_token_closes(void **state)
{
    struct rig *rig = rig_new(NULL);
    struct ws *ws = ws_open(rig, 0, NULL);

    ws_send(ws, "{\"type\":\"CONNECT\",\"token\":\"nonsense\"}");
    assert_string_equal(text_of(ws_expect(ws, "ERROR"), "code"),
                        "unauthenticated");
    assert_int_equal(ws_close_code(ws), 4001);
    ws_free(ws);
    ws = ws_open(rig, 0, NULL);
    ws_send(ws, "{\"type\":\"CONNECT\"}");
    (void)ws_expect(ws, "ERROR");
    assert_int_equal(ws_close_code(ws), 4001);
    ws_free(ws);
    rig_free(rig);
}

static void test_a_token_in_the_handshake(void **state)
{
    struct rig *rig = rig_new(NULL);
    char line[1200];
    struct ws *ws;

    (void)snprintf(line, sizeof(line), "Authorization: Bearer %s\r\n",
                   rig_token(rig, "10", "1", "MANAGE", 3600));
    ws = ws_open(rig, 0, line);
    ws_send(ws, "{\"type\":\"CONNECT\"}");
    assert_string_equal(text_of(ws_expect(ws, "CONNECTED"), "user"), "10");
    ws_free(ws);
    rig_free(rig);
}

static void test_the_session_ends_with_its_token(void **state)
{
    struct rig *rig = rig_new(NULL);
    struct ws *ws = ws_open(rig, 0, NULL);

    ws_send(ws, "{\"type\":\"CONNECT\",\"token\":\"%s\"}",
            rig_token(rig, "10", "1", "MANAGE", 1));
    (void)ws_expect(ws, "CONNECTED");
    assert_int_equal(ws_close_code(ws), 4002);
    ws_free(ws);
    rig_free(rig);
}

static void test_a_new_token_extends_only_the_same_identity(void **state)
{
    struct rig *rig = rig_new(NULL);
    struct ws *ws = ws_session(rig, 0, "10", "1", "MANAGE", NULL);

    ws_send(ws, "{\"type\":\"CONNECT\",\"token\":\"%s\"}",
            rig_token(rig, "10", "1", "MANAGE", 7200));
    (void)ws_expect(ws, "CONNECTED");
    ws_send(ws, "{\"type\":\"CONNECT\",\"token\":\"%s\"}",
            rig_token(rig, "10", "2", "MANAGE", 3600));
    assert_int_equal(ws_close_code(ws), 4003);
    ws_free(ws);
    rig_free(rig);
}

static void test_every_subscribe_is_authorised(void **state)
{
    static const struct {
        const char *topic, *code;
    } cases[] = {
        {"role:MANAGE", "topic-denied"},
        {"role:NOBODY", "topic-unknown"},
        {"resource:nothing", "topic-unknown"},
        {"record:stops/2", "topic-denied"}, /* the other lab's */
        {"record:stops/99", "topic-denied"},
        {"record:stops/x", "bad-key"},
        {"record:stops", "topic-unknown"},
        {"record:stops/", "topic-unknown"},
        {"tenant:2", "topic-unknown"},
        {"user:2", "topic-unknown"},
        {"", "topic-unknown"},
    };
    struct rig *rig = rig_new(NULL);
    struct ws *ws = ws_session(rig, 0, "11", "1", "DRIVE", NULL);

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const json_t *m;

        ws_send(ws, "{\"type\":\"SUBSCRIBE\",\"topics\":[\"%s\"]}",
                cases[i].topic);
        m = ws_expect(ws, "ERROR");
        assert_string_equal(text_of(m, "code"), cases[i].code);
        assert_string_equal(text_of(m, "topic"), cases[i].topic);
    }
    ws_subscribe(ws,
                 "\"tenant\",\"role:DRIVE\",\"user\",\"resource:stops\","
                 "\"record:stops/1\"",
                 NULL);
    ws_free(ws);
    ws = ws_session(rig, 0, "12", "1", "CLINIC", NULL);
    ws_send(ws, "{\"type\":\"SUBSCRIBE\",\"topics\":[\"resource:stops\","
                "\"record:stops/1\"]}");
    assert_string_equal(text_of(ws_expect(ws, "ERROR"), "code"),
                        "topic-denied");
    assert_string_equal(text_of(ws_expect(ws, "ERROR"), "code"),
                        "topic-denied");
    ws_free(ws);
    rig_free(rig);
}

static void test_topics_have_a_limit(void **state)
{
    struct hub_spec spec = *rig_hub_spec();
    struct rig *rig;
    struct ws *ws;

    spec.topics_max = 2;
    rig = rig_new(&spec);
    ws = ws_session(rig, 0, "10", "1", "MANAGE", NULL);
    ws_send(ws, "{\"type\":\"SUBSCRIBE\",\"topics\":[\"tenant\",\"user\","
                "\"role:MANAGE\"]}");
    assert_string_equal(text_of(ws_expect(ws, "ERROR"), "code"), "limit");
    assert_int_equal(
        json_array_size(json_object_get(ws_expect(ws, "SUBSCRIBED"), "topics")),
        2);
    ws_send(ws, "{\"type\":\"UNSUBSCRIBE\",\"topics\":[\"user\"]}");
    (void)ws_expect(ws, "UNSUBSCRIBED");
    ws_subscribe(ws, "\"role:MANAGE\"", NULL);
    ws_free(ws);
    rig_free(rig);
}

static void test_bad_messages_are_refused_and_then_closed(void **state)
{
    static const struct {
        const char *text, *code;
    } cases[] = {
        {"{", "bad-json"},
        {"[]", "bad-json"},
        {"{\"type\":\"PING\",\"type\":\"PING\"}", "bad-json"},
        {"{}", "bad-message"},
        {"{\"type\":7}", "bad-message"},
        {"{\"type\":\"NOTHING\"}", "unknown-type"},
        {"{\"type\":\"SUBSCRIBE\"}", "bad-message"},
        {"{\"type\":\"SUBSCRIBE\",\"topics\":[7]}", "bad-message"},
        {"{\"type\":\"NOTICE\"}", "bad-message"},
        {"{\"type\":\"NOTICE\",\"payload\":[]}", "bad-message"},
    };
    struct rig *rig = rig_new(NULL);
    struct ws *ws = ws_session(rig, 0, "10", "1", "MANAGE", NULL);

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ws_send(ws, "%s", cases[i].text);
        assert_string_equal(text_of(ws_expect(ws, "ERROR"), "code"),
                            cases[i].code);
    }
    for (int i = 0; i < 64; i++)
        ws_send(ws, "{");
    assert_int_equal(ws_close_code(ws), 1008);
    ws_free(ws);
    rig_free(rig);
}

static void test_frames_that_end_a_session(void **state)
{
    struct hub_spec spec = *rig_hub_spec();
    struct rig *rig;
    struct ws *ws;
    char *text = calloc(1, 1001);

    spec.message_bytes_max = 1000;
    rig = rig_new(&spec);
    ws = ws_session(rig, 0, "10", "1", "MANAGE", NULL);
    ws_send_frame(ws, WS_OP_BINARY, BYTES("x"));
    assert_int_equal(ws_close_code(ws), 1003);
    ws_free(ws);
    ws = ws_session(rig, 0, "10", "1", "MANAGE", NULL);
    memset(text, 'x', 1001);
    ws_send_frame(ws, WS_OP_TEXT, (struct bytes){text, 1000});
    assert_string_equal(text_of(ws_expect(ws, "ERROR"), "code"), "bad-json");
    ws_send_frame(ws, WS_OP_TEXT, (struct bytes){text, 1001});
    assert_int_equal(ws_close_code(ws), 1009);
    ws_free(ws);
    ws = ws_session(rig, 0, "10", "1", "MANAGE", NULL);
    ws_send_frame(ws, WS_OP_TEXT, BYTES("\xff"));
    assert_int_equal(ws_close_code(ws), 1007);
    ws_free(ws);
    ws = ws_session(rig, 0, "10", "1", "MANAGE", NULL);
    ws_send_raw(ws, BYTES("\xf1\x00"));
    assert_int_equal(ws_close_code(ws), 1002);
    ws_free(ws);
    ws = ws_session(rig, 0, "10", "1", "MANAGE", NULL);
    ws_send(ws, "{\"type\":\"DISCONNECT\"}");
    assert_int_equal(ws_close_code(ws), 1000);
    ws_free(ws);
    ws = ws_session(rig, 0, "10", "1", "MANAGE", NULL);
    ws_send_frame(ws, WS_OP_CLOSE, BYTES("\x03\xe8"));
    assert_int_equal(ws_close_code(ws), 1000);
    ws_free(ws);
    free(text);
    rig_free(rig);
}

static void test_silence_is_asked_and_then_ended(void **state)
{
    struct hub_spec spec = *rig_hub_spec();
    struct rig *rig;
    struct ws *ws, *dead;

    spec.ping_ms = 30;
    spec.timeout_ms = 300;
    rig = rig_new(&spec);
    ws = ws_session(rig, 0, "10", "1", "MANAGE", NULL);
    dead = ws_session(rig, 0, "10", "1", "MANAGE", NULL);
    ws_subscribe(ws, "\"tenant\"", NULL);
    /* One of them reads, and so answers pings, until the other has gone. */
    while (metrics_value(rig_metrics(rig), METRIC_HUB_SESSIONS) > 1.5)
        ws_expect_nothing(ws);
    assert_int_equal(ws_close_code(dead), 4004);
    ws_expect_nothing(ws);
    ws_free(ws);
    ws_free(dead);
    rig_free(rig);
}

static void drain(struct hub_worker *w, void *arg)
{
    hub_worker_drain(w, 50);
}

static void test_a_drain_says_when_to_come_back(void **state)
{
    struct rig *rig = rig_new(NULL);
    struct ws *all[8];

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        all[i] = ws_session(rig, i % 2, "10", "1", "MANAGE", NULL);
    rig_on_worker(rig, 0, drain, NULL);
    rig_on_worker(rig, 1, drain, NULL);
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        const json_t *m = ws_expect(all[i], "DISCONNECT");

        assert_true(json_integer_value(json_object_get(m, "retryMs")) > 0);
        assert_int_equal(ws_close_code(all[i]), 4009);
        ws_free(all[i]);
    }
    rig_free(rig);
}

static void test_what_is_open_at_the_end_is_freed(void **state)
{
    struct rig *rig = rig_new(NULL);
    struct ws *live = ws_session(rig, 0, "10", "1", "MANAGE", NULL);
    struct ws *waiting = ws_open(rig, 1, NULL);

    ws_subscribe(live, "\"tenant\",\"record:stops/1\"", NULL);
    rig_free(rig);
    ws_free(live);
    ws_free(waiting);
}

RUN(cmocka_unit_test(test_handshakes),
    cmocka_unit_test(test_a_session_too_many_is_closed),
    cmocka_unit_test(test_connect_comes_first),
    cmocka_unit_test(test_a_refused_token_closes),
    cmocka_unit_test(test_a_token_in_the_handshake),
    cmocka_unit_test(test_the_session_ends_with_its_token),
    cmocka_unit_test(test_a_new_token_extends_only_the_same_identity),
    cmocka_unit_test(test_every_subscribe_is_authorised),
    cmocka_unit_test(test_topics_have_a_limit),
    cmocka_unit_test(test_bad_messages_are_refused_and_then_closed),
    cmocka_unit_test(test_frames_that_end_a_session),
    cmocka_unit_test(test_silence_is_asked_and_then_ended),
    cmocka_unit_test(test_a_drain_says_when_to_come_back),
    cmocka_unit_test(test_what_is_open_at_the_end_is_freed))
