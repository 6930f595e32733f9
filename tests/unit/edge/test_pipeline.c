/* SPDX-License-Identifier: MIT */
/*
 * Who gets in, what a problem looks like, conditions on writes, time-outs,
 * limits and draining.
 * Threads: see rig.h.
 */
#include "rig.h"

#include <stdio.h>
#include <sys/socket.h>

static struct rig rig;

static int set_up(void **state)
{
    rig_init(&rig);
    rig_start(&rig);
    return 0;
}

/* Time-outs as short as they can be: what is awaited is their effect. */
static int set_up_impatient(void **state)
{
    rig_init(&rig);
    rig.spec.head_timeout_ms = rig.spec.body_timeout_ms = 1;
    rig.spec.idle_timeout_ms = 20000;
    rig.spec.write_timeout_ms = 1;
    rig_start(&rig);
    return 0;
}

static int tear_down(void **state)
{
    rig_stop(&rig);
    return 0;
}

static uint64_t tokens(const char *result)
{
    struct bytes label = bytes_of(result);

    return metrics_series_total(
        rig.metrics,
        metrics_series_of(rig.metrics, METRIC_AUTH_VERIFIED, &label));
}

static void test_no_token_is_401_and_says_how(void **state)
{
    struct client *c = client_open(&rig, 0);
    const struct answer *a = client_get(c, "/items/7", "");

    assert_int_equal(a->status, 401);
    assert_string_equal(answer_header(a, "www-authenticate"),
                        "Bearer realm=\"fieldline\"");
    assert_string_equal(answer_header(a, "content-type"),
                        "application/problem+json");
    assert_non_null(
        strstr(a->body, "\"type\":\"urn:fieldline:problem:unauthenticated\""));
    assert_non_null(strstr(a->body, "\"trace\":\""));
    assert_null(answer_header(a, "fieldline-position"));
    client_close(&c);
}

/* P28 */
static void test_a_token_counts_only_in_its_header(void **state)
{
    struct client *c = client_open(&rig, 0);
    const char *line = rig_token(&rig, "ann", "t1", "DRIVE");
    char text[8192], token[2048];

    (void)snprintf(token, sizeof(token), "%.*s", (int)strcspn(line + 22, "\r"),
                   line + 22);
    (void)snprintf(text, sizeof(text), "/items/7?access_token=%s&token=%s",
                   token, token);
    assert_int_equal(client_get(c, text, "")->status, 401);
    (void)snprintf(text, sizeof(text), "Cookie: token=%s\r\n", token);
    assert_int_equal(client_get(c, "/items/7", text)->status, 401);
    (void)snprintf(text, sizeof(text), "Authorization: Basic %s\r\n", token);
    assert_int_equal(client_get(c, "/items/7", text)->status, 401);
    (void)snprintf(text, sizeof(text), "%s%s", line, line);
    assert_int_equal(client_get(c, "/items/7", text)->status, 401);
    assert_int_equal(client_get(c, "/items/7", line)->status, 200);
    client_close(&c);
}

/* P28 */
static void test_a_refusal_repeats_nothing_of_the_token(void **state)
{
    struct client *c = client_open(&rig, 0);
    const struct answer *a =
        client_get(c, "/items/7", "Authorization: Bearer abc.SECRET.def\r\n");

    assert_int_equal(a->status, 401);
    assert_null(strstr(a->body, "SECRET"));
    assert_null(strstr(a->head, "SECRET"));
    assert_non_null(
        strstr(answer_header(a, "www-authenticate"), "invalid_token"));
    /* Also where no token is needed: a bad one is not a missing one. */
    assert_int_equal(
        client_get(c, "/public", "Authorization: Bearer x\r\n")->status, 401);
    client_close(&c);
    rig_total_wait(&rig, METRIC_AUTH_VERIFIED, 2);
    assert_int_equal(tokens("refused"), 2);
}

static void test_a_token_is_verified_once(void **state)
{
    struct client *c = client_open(&rig, 0);
    const char *token = rig_token(&rig, "ann", "t1", "DRIVE");

    for (int i = 0; i < 3; i++)
        assert_int_equal(client_get(c, "/items/7", token)->status, 200);
    client_close(&c);
    rig_total_wait(&rig, METRIC_AUTH_VERIFIED, 3);
    assert_int_equal(tokens("verified"), 1);
    assert_int_equal(tokens("remembered"), 2);
}

static const struct answer *patch(struct client *c, const char *lines)
{
    char text[4096];

    (void)snprintf(text, sizeof(text),
                   "PATCH /items/7 HTTP/1.1\r\nHost: t\r\n%s%s"
                   "Content-Length: 2\r\n\r\n{}",
                   rig_token(&rig, "ann", "t1", "DRIVE"), lines);
    client_send(c, text);
    return client_answer(c, CLIENT_BODY);
}

static void test_if_match_compares_the_version_only(void **state)
{
    struct client *c = client_open(&rig, 0);
    const struct answer *a = patch(c, "If-Match: \"v1.another-form.gz\"\r\n");

    assert_int_equal(a->status, 204);
    assert_string_equal(answer_header(a, "fieldline-position"), "e1:77");
    assert_int_equal(patch(c, "")->status, 204);
    assert_int_equal(patch(c, "If-Match: *\r\n")->status, 204);
    assert_int_equal(patch(c, "If-Match: \"v0.r1\", \"v1.r\"\r\n")->status,
                     204);
    a = patch(c, "If-Match: \"v0.r1\"\r\n");
    assert_int_equal(a->status, 412);
    assert_non_null(strstr(a->body, "urn:fieldline:problem:stale-version"));
    assert_int_equal(patch(c, "If-Match: W/\"v1.r1\"\r\n")->status, 412);
    assert_int_equal(patch(c, "If-Match: v1\r\n")->status, 412);
    assert_int_equal(patch(c, "If-None-Match: *\r\n")->status, 412);
    client_close(&c);
}

/* P3 */
static void test_a_slow_head_ends(void **state)
{
    struct client *c = client_open(&rig, 0);

    client_send(c, "GET /public HT");
    assert_int_equal(client_answer(c, CLIENT_BODY)->status, 408);
    assert_true(client_at_end(c));
    client_close(&c);
}

/* P3 */
static void test_a_slow_body_ends(void **state)
{
    struct client *c = client_open(&rig, 0);

    client_send(c, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\n"
                   "x");
    assert_int_equal(client_answer(c, CLIENT_BODY)->status, 408);
    assert_true(client_at_end(c));
    client_close(&c);
    assert_int_equal(atomic_load(&rig.calls), 0);
}

/* P3: far more than the kernel holds is asked for and never read. */
static void test_a_slow_reader_ends(void **state)
{
    struct client *c = client_open(&rig, 0);
    int small = 4096;

    setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    for (int i = 0; i < 3000; i++)
        client_send(c, "GET /list HTTP/1.1\r\nHost: t\r\n\r\n");
    rig_gauge_wait(&rig, METRIC_CONNECTIONS, 0);
    /* It was not answered without bound either. */
    rig_total_wait(&rig, METRIC_HTTP_BAD, 1);
    assert_true(metrics_total(rig.metrics, METRIC_HTTP_REQUESTS) < 2500);
    client_close(&c);
}

static int set_up_idle(void **state)
{
    rig_init(&rig);
    rig.spec.idle_timeout_ms = 1;
    rig_start(&rig);
    return 0;
}

/* P3 */
static void test_an_idle_connection_ends(void **state)
{
    struct client *c = client_open(&rig, 0);

    assert_true(client_at_end(c));
    client_close(&c);
}

static int set_up_narrow(void **state)
{
    rig_init(&rig);
    rig.spec.connections_max = 2;
    rig_start(&rig);
    return 0;
}

static void test_connections_are_limited(void **state)
{
    struct client *a = client_open(&rig, 0), *b = client_open(&rig, 0);

    assert_int_equal(client_get(a, "/public", "")->status, 200);
    assert_int_equal(client_get(b, "/public", "")->status, 200);

    struct client *c = client_open(&rig, 0);

    assert_int_equal(client_answer(c, CLIENT_BODY)->status, 503);
    assert_true(client_at_end(c));
    client_close(&c);
    client_close(&a);
    rig_gauge_wait(&rig, METRIC_CONNECTIONS, 1);
    c = client_open(&rig, 0);
    assert_int_equal(client_get(c, "/public", "")->status, 200);
    client_close(&c);
    client_close(&b);
}

static void on_drained(void *arg)
{
    atomic_store(&rig.drained, 1);
}

static void drain(struct rig *r, struct edge_worker *ew)
{
    edge_worker_drain(ew, 60000, on_drained, NULL);
}

/* P53 */
static void test_draining_ends_what_runs_and_no_more(void **state)
{
    struct client *idle = client_open(&rig, 0), *busy = client_open(&rig, 0);

    assert_int_equal(client_get(idle, "/public", "")->status, 200);
    client_send(busy, "GET /slow/z HTTP/1.1\r\nHost: t\r\n\r\n"
                      "GET /public HTTP/1.1\r\nHost: t\r\n\r\n");
    rig_held_wait(&rig, 1);
    rig_on_worker(&rig, 0, drain);
    assert_true(client_at_end(idle));
    assert_int_equal(atomic_load(&rig.drained), 0);
    rig_held_release(&rig);

    const struct answer *a = client_answer(busy, CLIENT_BODY);

    assert_string_equal(a->body, "z");
    assert_string_equal(answer_header(a, "connection"), "close");
    assert_true(client_at_end(busy));
    client_close(&idle);
    client_close(&busy);
    while (!atomic_load(&rig.drained))
        rig_total_wait(&rig, METRIC_HTTP_REQUESTS, 0);
}

/* P52 */
static void test_random_paths_make_no_new_series(void **state)
{
    struct client *c = client_open(&rig, 0);

    for (int i = 0; i < 200; i++) {
        char path[32];

        (void)snprintf(path, sizeof(path), "/%d/x%d", i, i);
        assert_int_equal(client_get(c, path, "")->status, 404);
    }
    client_close(&c);

    struct bytes labels[] = {BYTES("none"), BYTES("GET"), BYTES("404")};

    rig_total_wait(&rig, METRIC_HTTP_REQUESTS, 200);
    assert_int_equal(
        metrics_series_total(
            rig.metrics,
            metrics_series_of(rig.metrics, METRIC_HTTP_REQUESTS, labels)),
        200);
}

#define ONE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define QUICK(test)                                                            \
    cmocka_unit_test_setup_teardown(test, set_up_impatient, tear_down)

RUN(ONE(test_no_token_is_401_and_says_how),
    ONE(test_a_token_counts_only_in_its_header),
    ONE(test_a_refusal_repeats_nothing_of_the_token),
    ONE(test_a_token_is_verified_once),
    ONE(test_if_match_compares_the_version_only), QUICK(test_a_slow_head_ends),
    QUICK(test_a_slow_body_ends), QUICK(test_a_slow_reader_ends),
    cmocka_unit_test_setup_teardown(test_an_idle_connection_ends, set_up_idle,
                                    tear_down),
    cmocka_unit_test_setup_teardown(test_connections_are_limited, set_up_narrow,
                                    tear_down),
    ONE(test_draining_ends_what_runs_and_no_more),
    ONE(test_random_paths_make_no_new_series))
