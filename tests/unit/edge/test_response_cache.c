/* SPDX-License-Identifier: MIT */
/*
 * What is answered from the cache, to whom, and what never is.
 * Threads: see rig.h.
 */
#include "rig.h"

#include "base/hash.h"
#include "fieldline/cache.h"

#include <sched.h>
#include <stdio.h>

static struct rig rig;

static int set_up(void **state)
{
    rig_init(&rig);
    rig_start(&rig);
    return 0;
}

static int set_up_two_workers(void **state)
{
    rig_init(&rig);
    rig.workers = 2;
    rig_start(&rig);
    return 0;
}

static int set_up_stale(void **state)
{
    rig_init(&rig);
    rig.classes[0].ttl_ms = 1;
    rig.classes[0].swr_ms = 60000;
    rig_start(&rig);
    return 0;
}

static int tear_down(void **state)
{
    rig_stop(&rig);
    return 0;
}

static void tag_move(const char *tag, uint64_t offset)
{
    tagclock_move(rig.clock, hash_stable(bytes_of(tag)), offset);
}

static void check_status(const struct answer *a, const char *prefix)
{
    const char *got = answer_header(a, "cache-status");

    if (!got || strncmp(got, prefix, strlen(prefix)) != 0)
        fail_msg("Cache-Status is '%s', want '%s'", got ? got : "", prefix);
}

static void test_the_second_read_is_a_hit(void **state)
{
    struct client *c = client_open(&rig, 0);
    const char *token = rig_token(&rig, "ann", "t1", "DRIVE");
    const struct answer *a = client_get(c, "/items/7", token);

    check_status(a, "fieldline; fwd=miss; stored");
    assert_string_equal(answer_header(a, "cache-control"), "private, no-cache");
    assert_string_equal(answer_header(a, "vary"),
                        "Authorization, Accept-Encoding");
    a = client_get(c, "/items/7", token);
    check_status(a, "fieldline; hit; ttl=");
    assert_string_equal(a->body, "{\"id\":\"7\",\"tenant\":\"t1\",\"user\":"
                                 "\"ann\",\"roles\":2,\"call\":1}");
    assert_int_equal(atomic_load(&rig.calls), 1);
    client_close(&c);
}

static void test_a_moved_tag_is_a_miss_and_the_position_covers_it(void **state)
{
    struct client *c = client_open(&rig, 0);

    (void)client_get(c, "/open/7", "");
    tag_move("8", 11);
    tagclock_advance(rig.clock, 11);

    const struct answer *a = client_get(c, "/open/7", "");

    check_status(a, "fieldline; hit");
    assert_string_equal(answer_header(a, "fieldline-position"), "e1:11");
    tag_move("7", 12);
    check_status(client_get(c, "/open/7", ""), "fieldline; fwd=miss");
    /* Its stamp is still 11: it is dead on arrival until the horizon comes. */
    check_status(client_get(c, "/open/7", ""), "fieldline; fwd=miss");
    tagclock_advance(rig.clock, 12);
    check_status(client_get(c, "/open/7", ""), "fieldline; fwd=miss; stored");
    check_status(client_get(c, "/open/7", ""), "fieldline; hit");
    client_close(&c);
}

static int set_up_narrow(void **state)
{
    rig_init(&rig);
    rig.classes[0].entries_max = 4;
    rig_start(&rig);
    return 0;
}

static size_t cached(void)
{
    struct fl_cache_stats stats;

    edge_cache_stats(rig.edge, &stats);
    return stats.entries;
}

/* Each class has its own bound; what is used stays. */
static void test_a_class_keeps_so_many(void **state)
{
    struct client *c = client_open(&rig, 0);
    char target[32];

    (void)client_get(c, "/list", "");
    (void)client_get(c, "/open/used", "");
    for (int i = 0; i < 50; i++) {
        (void)snprintf(target, sizeof(target), "/open/%d", i);
        check_status(client_get(c, target, ""), "fieldline; fwd=miss; stored");
        check_status(client_get(c, "/open/used", ""), "fieldline; hit");
        assert_true(cached() <= 4 + 1);
    }
    assert_int_equal(cached(), 4 + 1);
    check_status(client_get(c, "/list", ""), "fieldline; hit");
    check_status(client_get(c, "/open/49", ""), "fieldline; hit");
    check_status(client_get(c, "/open/1", ""), "fieldline; fwd=miss; stored");
    client_close(&c);
}

/* A newer reply under the same key takes the older one's place. */
static void test_a_renewed_entry_counts_once(void **state)
{
    struct client *c = client_open(&rig, 0);
    static const char *const kept[] = {"/open/a", "/open/b", "/open/c"};

    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        (void)client_get(c, kept[i], "");
    for (uint64_t offset = 11; offset < 30; offset++) {
        tag_move("d", offset);
        tagclock_advance(rig.clock, offset);
        check_status(client_get(c, "/open/d", ""),
                     "fieldline; fwd=miss; stored");
    }
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        check_status(client_get(c, kept[i], ""), "fieldline; hit");
    client_close(&c);
}

/* P8 */
static void test_tenants_roles_and_users_never_share(void **state)
{
    static const struct {
        const char *user, *tenant, *role;
    } who[] = {
        {"ann", "t1", "DRIVE"},    {"bob", "t2", "DRIVE"},
        {"ann", "t1", "DISPATCH"}, {"nt1", "", "DRIVE"},
        {"1ann", "t", "DRIVE"},
    };
    struct client *c = client_open(&rig, 0);

    for (int turn = 0; turn < 3; turn++) {
        for (size_t i = 0; i < ARRAY_LEN(who); i++) {
            char want[64], vary[400];

            (void)snprintf(
                vary, sizeof(vary), "%sX-Forwarded-Host: h%d\r\n",
                rig_token(&rig, who[i].user, who[i].tenant, who[i].role), turn);
            (void)snprintf(want, sizeof(want),
                           "\"tenant\":\"%s\",\"user\":\"%s\"", who[i].tenant,
                           who[i].user);
            assert_non_null(
                strstr(client_get(c, "/items/7", vary)->body, want));
            assert_non_null(strstr(client_get(c, "/mine/7", vary)->body, want));
        }
    }
    /* Each scope loaded each thing once. */
    assert_int_equal(atomic_load(&rig.calls), 2 * ARRAY_LEN(who));
    client_close(&c);
}

static void test_colleagues_share_but_not_what_is_ones_own(void **state)
{
    struct client *c = client_open(&rig, 0);
    const char *ann = rig_token(&rig, "ann", "t1", "DRIVE");
    const char *bob = rig_token(&rig, "bob", "t1", "DRIVE");

    (void)client_get(c, "/items/7", ann);
    check_status(client_get(c, "/items/7", bob), "fieldline; hit");
    (void)client_get(c, "/mine/7", ann);
    check_status(client_get(c, "/mine/7", bob), "fieldline; fwd=miss");
    client_close(&c);
}

/* P8 */
static void test_another_tenants_etag_is_not_a_304(void **state)
{
    struct client *c = client_open(&rig, 0);
    char lines[400];

    (void)client_get(c, "/list", "");

    (void)snprintf(lines, sizeof(lines), "%sIf-None-Match: \"v1.r0\"\r\n",
                   rig_token(&rig, "bob", "t2", "DRIVE"));
    assert_int_equal(client_get(c, "/items/7", lines)->status, 200);
    client_close(&c);
}

static void test_304_from_the_cache_and_before_it(void **state)
{
    struct client *c = client_open(&rig, 0);
    const struct answer *a =
        client_get(c, "/open/7", "If-None-Match: \"x\", W/\"v1.r1\"\r\n");

    assert_int_equal(a->status, 304);
    assert_null(answer_header(a, "content-length"));
    assert_string_equal(answer_header(a, "etag"), "\"v1.r1\"");
    a = client_get(c, "/open/7", "If-None-Match: *\r\n");
    assert_int_equal(a->status, 304);
    check_status(a, "fieldline; hit");
    assert_int_equal(
        client_get(c, "/open/7", "If-None-Match: \"v1\"\r\n")->status, 200);
    client_close(&c);
}

static void test_lists_have_a_weak_etag_of_their_bytes(void **state)
{
    struct client *c = client_open(&rig, 0);
    char etag[64], lines[128];

    (void)snprintf(etag, sizeof(etag), "%s",
                   answer_header(client_get(c, "/list", ""), "etag"));
    assert_memory_equal(etag, "W/\"", 3);
    (void)snprintf(lines, sizeof(lines), "If-None-Match: %s\r\n", etag);
    assert_int_equal(client_get(c, "/list", lines)->status, 304);
    client_close(&c);
}

static void test_gzip_where_it_is_accepted(void **state)
{
    struct client *c = client_open(&rig, 0);
    size_t plain = client_get(c, "/list", "")->body_len;
    const struct answer *a =
        client_get(c, "/list", "Accept-Encoding: br, gzip;q=0.5\r\n");

    check_status(a, "fieldline; hit");
    assert_string_equal(answer_header(a, "content-encoding"), "gzip");
    assert_true(a->body_len < plain / 2);
    a = client_get(c, "/list", "Accept-Encoding: gzip;q=0, br\r\n");
    assert_null(answer_header(a, "content-encoding"));
    assert_int_equal(a->body_len, plain);
    /* Too small to pay. */
    a = client_get(c, "/open/7", "Accept-Encoding: gzip\r\n");
    assert_null(answer_header(a, "content-encoding"));
    client_close(&c);
}

static void test_a_position_ahead_is_waited_for(void **state)
{
    struct client *c = client_open(&rig, 0);

    (void)client_get(c, "/open/7", "");
    client_send(c, "GET /open/7 HTTP/1.1\r\nHost: t\r\n"
                   "Fieldline-Position: e1:20\r\n\r\n");
    tag_move("7", 20);
    tagclock_advance(rig.clock, 20);
    edge_position_moved(rig.edge);

    const struct answer *a = client_answer(c, CLIENT_BODY);

    check_status(a, "fieldline; fwd=miss; stored");
    assert_string_equal(answer_header(a, "fieldline-position"), "e1:20");
    assert_non_null(strstr(a->body, "\"call\":2"));
    client_close(&c);
}

static void test_a_position_that_does_not_come_is_bypassed(void **state)
{
    struct client *c = client_open(&rig, 0);

    (void)client_get(c, "/open/7", "");

    const struct answer *a =
        client_get(c, "/open/7", "Fieldline-Position: e1:99\r\n");

    check_status(a, "fieldline; fwd=bypass");
    assert_non_null(strstr(a->body, "\"call\":2"));
    check_status(client_get(c, "/open/7", "Fieldline-Position: e0:99\r\n"),
                 "fieldline; hit");
    check_status(client_get(c, "/open/7", "Fieldline-Position: e1:x\r\n"),
                 "fieldline; hit");
    client_close(&c);
}

/* What was read of the old history has no place in the new one. */
static void test_a_reply_from_before_a_restart_has_no_position(void **state)
{
    struct client *c = client_open(&rig, 0);
    const struct answer *a;

    client_send(c, "GET /slow/7 HTTP/1.1\r\nHost: t\r\n\r\n");
    rig_held_wait(&rig, 1);
    tagclock_restart(rig.clock, 5);
    rig_held_release(&rig);
    a = client_answer(c, CLIENT_BODY);
    assert_int_equal(a->status, 200);
    assert_null(answer_header(a, "fieldline-position"));
    a = client_get(c, "/open/7", "");
    assert_string_equal(answer_header(a, "fieldline-position"), "e1:5");
    client_close(&c);
}

static void test_a_stale_feed_serves_nothing_cached(void **state)
{
    struct client *c = client_open(&rig, 0);

    (void)client_get(c, "/open/7", "");
    tagclock_set_stale(rig.clock, true);
    check_status(client_get(c, "/open/7", ""), "fieldline; fwd=miss");
    tagclock_set_stale(rig.clock, false);
    check_status(client_get(c, "/open/7", ""), "fieldline; hit");
    client_close(&c);
}

/* P6 */
static void test_a_get_with_a_body_passes_the_cache_by(void **state)
{
    struct client *c = client_open(&rig, 0);

    client_send(c,
                "GET /open/7 HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\n\r\n"
                "{}");
    check_status(client_answer(c, CLIENT_BODY), "fieldline; fwd=bypass");
    check_status(client_get(c, "/open/7", ""), "fieldline; fwd=miss");
    client_close(&c);
}

/* P10 */
static void test_errors_are_not_stored(void **state)
{
    struct client *c = client_open(&rig, 0);

    for (unsigned i = 1; i <= 2; i++) {
        atomic_store(&rig.slow_status, 500);
        client_send(c, "GET /slow/e HTTP/1.1\r\nHost: t\r\n\r\n");
        rig_held_wait(&rig, 1);
        rig_held_release(&rig);

        const struct answer *a = client_answer(c, CLIENT_BODY);

        assert_int_equal(a->status, 500);
        assert_string_equal(answer_header(a, "cache-control"), "no-store");
        assert_int_equal(atomic_load(&rig.calls), i);
    }
    client_close(&c);
}

/* P9 */
static void test_a_reply_that_sets_a_cookie_is_not_stored(void **state)
{
    struct client *c = client_open(&rig, 0);

    for (unsigned i = 1; i <= 2; i++) {
        const struct answer *a = client_get(c, "/cookie/7", "");

        assert_string_equal(answer_header(a, "set-cookie"), "a=b");
        assert_string_equal(answer_header(a, "cache-status"),
                            "fieldline; fwd=miss");
    }
    assert_int_equal(atomic_load(&rig.calls), 2);
    client_close(&c);
}

static uint64_t lookups(const char *result)
{
    struct bytes labels[] = {BYTES("item"), bytes_of(result)};

    return metrics_series_total(
        rig.metrics,
        metrics_series_of(rig.metrics, METRIC_CACHE_LOOKUPS, labels));
}

static int set_up_brief(void **state)
{
    rig_init(&rig);
    rig.classes[0].ttl_ms = 1;
    rig_start(&rig);
    return 0;
}

/* However the clocks of the loop and of the cache differ. */
static void test_without_swr_nothing_stale_is_served(void **state)
{
    struct client *c = client_open(&rig, 0);

    while (atomic_load(&rig.calls) < 200)
        (void)client_get(c, "/open/7", "");
    assert_int_equal(lookups("stale"), 0);
    client_close(&c);
}

static void test_stale_is_served_while_it_is_renewed(void **state)
{
    struct client *c = client_open(&rig, 0);

    (void)client_get(c, "/open/7", "");
    /* Fresh for a millisecond: whichever of the two comes first is right,
     * until the renewal has been seen. */
    while (atomic_load(&rig.calls) < 2) {
        const struct answer *a = client_get(c, "/open/7", "");

        check_status(a, "fieldline; hit; ttl=");
        assert_non_null(strstr(a->body, "\"call\":1"));
    }
    assert_non_null(strstr(client_get(c, "/open/7", "")->body, "\"call\":"));
    /* Purged is gone, not stale. */
    tag_move("7", 11);
    tagclock_advance(rig.clock, 11);
    check_status(client_get(c, "/open/7", ""), "fieldline; fwd=miss");
    client_close(&c);
}

/* ---- another size ----------------------------------------------------- */

#define ASKED   50u /* targets in one go; twice that has room in the class */
#define RESIZES 20

static int set_up_resized(void **state)
{
    rig_init(&rig);
    rig.workers = 2;
    rig.spec.cache_bytes_max = 1 << 20;
    rig_start(&rig);
    return 0;
}

static void ask_all(struct client *c)
{
    char text[128];

    for (unsigned i = 0; i < ASKED; i++) {
        (void)snprintf(text, sizeof(text),
                       "GET /open/%u HTTP/1.1\r\nHost: t\r\n\r\n", i);
        client_send(c, text);
    }
}

static void hear_all(struct client *c, const char *cache_status)
{
    char want[64];

    for (unsigned i = 0; i < ASKED; i++) {
        const struct answer *a = client_answer(c, CLIENT_BODY);

        (void)snprintf(want, sizeof(want), "{\"id\":\"%u\"", i);
        assert_int_equal(a->status, 200);
        assert_memory_equal(a->body, want, strlen(want));
        check_status(a, cache_status);
    }
}

/* Both workers are at work on what is cached while that moves. */
static void test_a_cache_grows_and_shrinks_under_way(void **state)
{
    struct client *clients[] = {client_open(&rig, 0), client_open(&rig, 1)};
    struct fl_cache_stats stats;

    for (size_t i = 0; i < RESIZES; i++) {
        size_t bytes = (i % 4 == 3 ? 1 : i + 2) << 20;

        ask_all(clients[0]);
        ask_all(clients[1]);
        assert_int_equal(edge_cache_resize(rig.edge, bytes), 0);
        hear_all(clients[0], "fieldline; ");
        hear_all(clients[1], "fieldline; ");
        edge_cache_stats(rig.edge, &stats);
        assert_int_equal(stats.bytes_max, bytes);
        assert_int_equal(stats.entries, ASKED);
    }
    ask_all(clients[0]);
    hear_all(clients[0], "fieldline; hit");
    assert_int_equal(edge_cache_resize(rig.edge, (size_t)RESIZES << 21), 0);
    ask_all(clients[1]);
    hear_all(clients[1], "fieldline; hit");
    client_close(&clients[0]);
    client_close(&clients[1]);
}

#define BYTES_MORE ((size_t)4 << 20)
#define YIELDS     10000

static pthread_t resizer;

static void *resize_on(void *arg)
{
    return edge_cache_resize(rig.edge, BYTES_MORE) == 0 ? NULL : arg;
}

/* On a worker that has not ended its turn since the new cache came: it may
 * still be using the old one, so nothing is moved. */
static void stay_amid_a_resize(struct rig *r, struct edge_worker *ew)
{
    struct fl_cache_stats stats;

    assert_int_equal(pthread_create(&resizer, NULL, resize_on, r), 0);
    do
        edge_cache_stats(r->edge, &stats);
    while (stats.bytes_max != BYTES_MORE);
    for (int i = 0; i < YIELDS; i++) {
        edge_cache_stats(r->edge, &stats);
        assert_int_equal(stats.entries, 0);
        (void)sched_yield();
    }
}

static void test_the_old_cache_is_not_touched_before_each_turn_has_ended(
    void **state)
{
    struct client *c = client_open(&rig, 0);
    void *wrong;

    ask_all(c);
    hear_all(c, "fieldline; fwd=miss; stored");
    rig_on_worker(&rig, 1, stay_amid_a_resize);
    assert_int_equal(pthread_join(resizer, &wrong), 0);
    assert_null(wrong);
    ask_all(c);
    hear_all(c, "fieldline; hit");
    client_close(&c);
}

/* ---- flights ---------------------------------------------------------- */

#define CROWD 40

static void crowd_open(struct client *crowd[CROWD], const char *target)
{
    char text[256];

    (void)snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: t\r\n\r\n",
                   target);
    for (int i = 0; i < CROWD; i++) {
        crowd[i] = client_open(&rig, (unsigned)i % 2);
        client_send(crowd[i], text);
    }
}

static void crowd_close(struct client *crowd[CROWD])
{
    for (int i = 0; i < CROWD; i++)
        client_close(&crowd[i]);
}

static void joined_wait(uint64_t count)
{
    while (lookups("joined") < count)
        rig_total_wait(&rig, METRIC_CACHE_LOOKUPS, 0);
}

/* P14 */
static void test_a_crowd_on_two_workers_is_one_load(void **state)
{
    struct client *crowd[CROWD];

    crowd_open(crowd, "/slow/a");
    joined_wait(CROWD - 1);
    rig_held_release(&rig);
    for (int i = 0; i < CROWD; i++) {
        const struct answer *a = client_answer(crowd[i], CLIENT_BODY);

        assert_string_equal(a->body, "a");
        assert_string_equal(answer_header(a, "fieldline-position"), "e1:10");
    }
    assert_int_equal(atomic_load(&rig.calls), 1);
    crowd_close(crowd);
}

/* The first worker stops with its waiter, then the second with the leader. */
static void test_a_stop_amid_a_flight_leaves_no_waiter_behind(void **state)
{
    struct client *leader = client_open(&rig, 1);
    struct client *waiter = client_open(&rig, 0);

    client_send(leader, "GET /slow/7 HTTP/1.1\r\nHost: t\r\n\r\n");
    rig_held_wait(&rig, 1);
    client_send(waiter, "GET /slow/7 HTTP/1.1\r\nHost: t\r\n\r\n");
    joined_wait(1);
    client_close(&leader);
    client_close(&waiter);
}

/* P10 */
static void test_when_the_leader_fails_its_waiters_proceed(void **state)
{
    struct client *crowd[CROWD];

    crowd_open(crowd, "/slow/a");
    joined_wait(CROWD - 1);
    atomic_store(&rig.slow_status, 500);
    rig_held_release(&rig);
    /* All at once, not one behind the other. */
    rig_held_wait(&rig, CROWD - 1);
    atomic_store(&rig.slow_status, 200);
    rig_held_release(&rig);

    unsigned failed = 0;

    for (int i = 0; i < CROWD; i++)
        failed += client_answer(crowd[i], CLIENT_BODY)->status == 500;
    assert_int_equal(failed, 1);
    assert_int_equal(atomic_load(&rig.calls), CROWD);
    crowd_close(crowd);
}

/* P10 */
static void test_when_the_leader_hangs_up_its_waiters_are_served(void **state)
{
    struct client *leader = client_open(&rig, 0), *other;

    client_send(leader, "GET /slow/a HTTP/1.1\r\nHost: t\r\n\r\n");
    rig_held_wait(&rig, 1);
    other = client_open(&rig, 1);
    client_send(other, "GET /slow/a HTTP/1.1\r\nHost: t\r\n\r\n");
    joined_wait(1);
    client_close(&leader);
    rig_held_release(&rig);
    assert_string_equal(client_answer(other, CLIENT_BODY)->body, "a");
    client_close(&other);
}

/* P11: what was asked for after a write never gets a load from before it. */
static void test_who_joined_across_a_write_gets_a_later_load(void **state)
{
    struct client *first = client_open(&rig, 0), *late = client_open(&rig, 1);

    client_send(first, "GET /slow/a HTTP/1.1\r\nHost: t\r\n\r\n");
    rig_held_wait(&rig, 1);
    tag_move("a", 11);
    client_send(late, "GET /slow/a HTTP/1.1\r\nHost: t\r\n\r\n");
    joined_wait(1);
    rig_held_release(&rig);
    assert_string_equal(client_answer(first, CLIENT_BODY)->body, "a");
    rig_held_wait(&rig, 1);
    assert_int_equal(atomic_load(&rig.calls), 2);
    rig_held_release(&rig);
    assert_string_equal(client_answer(late, CLIENT_BODY)->body, "a");
    client_close(&first);
    client_close(&late);
}

static void test_a_flight_from_before_ones_position_is_not_joined(void **state)
{
    struct client *first = client_open(&rig, 0), *late = client_open(&rig, 1);

    client_send(first, "GET /slow/a HTTP/1.1\r\nHost: t\r\n\r\n");
    rig_held_wait(&rig, 1);
    tagclock_advance(rig.clock, 15);
    client_send(late, "GET /slow/a HTTP/1.1\r\nHost: t\r\n"
                      "Fieldline-Position: e1:15\r\n\r\n");
    rig_held_wait(&rig, 2);
    rig_held_release(&rig);
    assert_int_equal(client_answer(first, CLIENT_BODY)->status, 200);
    assert_string_equal(
        answer_header(client_answer(late, CLIENT_BODY), "fieldline-position"),
        "e1:15");
    client_close(&first);
    client_close(&late);
}

#define ONE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define NARROW(test)                                                           \
    cmocka_unit_test_setup_teardown(test, set_up_narrow, tear_down)
#define TWO(test)                                                              \
    cmocka_unit_test_setup_teardown(test, set_up_two_workers, tear_down)

RUN(ONE(test_the_second_read_is_a_hit),
    ONE(test_a_moved_tag_is_a_miss_and_the_position_covers_it),
    ONE(test_tenants_roles_and_users_never_share),
    ONE(test_colleagues_share_but_not_what_is_ones_own),
    ONE(test_another_tenants_etag_is_not_a_304),
    ONE(test_304_from_the_cache_and_before_it),
    ONE(test_lists_have_a_weak_etag_of_their_bytes),
    ONE(test_gzip_where_it_is_accepted),
    ONE(test_a_position_ahead_is_waited_for),
    ONE(test_a_position_that_does_not_come_is_bypassed),
    ONE(test_a_reply_from_before_a_restart_has_no_position),
    ONE(test_a_stale_feed_serves_nothing_cached),
    ONE(test_a_get_with_a_body_passes_the_cache_by),
    NARROW(test_a_class_keeps_so_many),
    NARROW(test_a_renewed_entry_counts_once), ONE(test_errors_are_not_stored),
    ONE(test_a_reply_that_sets_a_cookie_is_not_stored),
    cmocka_unit_test_setup_teardown(test_without_swr_nothing_stale_is_served,
                                    set_up_brief, tear_down),
    cmocka_unit_test_setup_teardown(test_stale_is_served_while_it_is_renewed,
                                    set_up_stale, tear_down),
    cmocka_unit_test_setup_teardown(test_a_cache_grows_and_shrinks_under_way,
                                    set_up_resized, tear_down),
    cmocka_unit_test_setup_teardown(
        test_the_old_cache_is_not_touched_before_each_turn_has_ended,
        set_up_resized, tear_down),
    TWO(test_a_crowd_on_two_workers_is_one_load),
    TWO(test_a_stop_amid_a_flight_leaves_no_waiter_behind),
    TWO(test_when_the_leader_fails_its_waiters_proceed),
    TWO(test_when_the_leader_hangs_up_its_waiters_are_served),
    TWO(test_who_joined_across_a_write_gets_a_later_load),
    TWO(test_a_flight_from_before_ones_position_is_not_joined))
