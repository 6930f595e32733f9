/* SPDX-License-Identifier: MIT */
/*
 * test_lanes - readers that do not read, and those who want it compressed.
 * Threads: see rig.h.
 */
#include "rig.h"

#include "hub/desk.h"
#include "hub/session.h"
#include "metrics/metrics.h"
#include "net/stream.h"
#include "store/change.h"

#include <stdio.h>
#include <stdlib.h>

#define QUEUE_MAX 65536
#define HOUR_MS   3600000

static struct rig *small_queues(void)
{
    static struct hub_spec spec;

    spec = *rig_hub_spec();
    spec.queue_bytes_max = QUEUE_MAX;
    return rig_new(&spec);
}

/* A change of about 20 KB that does not compress away. */
static void large_change(struct rig *rig, unsigned i)
{
    char *sql = NULL;

    assert_true(asprintf(&sql,
                         "UPDATE stops SET notes = '%u ' || "
                         "hex(randomblob(10000)) WHERE id = 1",
                         i) > 0);
    rig_sql(rig, sql);
    free(sql);
    rig_round(rig);
}

static uint64_t closed(struct rig *rig, const char *reason)
{
    struct bytes label = bytes_of(reason);

    return metrics_series_total(
        rig_metrics(rig),
        metrics_series_of(rig_metrics(rig), METRIC_HUB_CLOSED, &label));
}

/* P19 */
static void test_a_reader_who_stops_is_sent_away(void **state)
{
    struct rig *rig = small_queues();
    struct ws *slow = ws_session(rig, 0, "10", "1", "MANAGE", NULL);
    struct ws *quick = ws_session(rig, 0, "10", "1", "MANAGE", NULL);
    char seen[POSITION_TEXT_MAX + 1] = "";
    unsigned count = 0;
    const json_t *m;

    ws_subscribe(slow, "\"tenant\"", NULL);
    ws_subscribe(quick, "\"tenant\"", NULL);
    while (closed(rig, "slow") == 0) {
        large_change(rig, count++);
        (void)ws_expect(quick, "STOP_STATUS_CHANGED");
    }
    ws_expect_nothing(quick);
    /* What was queued is in order and whole; then the code to come back with.
     */
    do {
        m = ws_next_or_close(slow);
        if (m)
            strcpy(seen, text_of(m, "position"));
    } while (m);
    assert_int_equal(ws_close_code(slow), 4008);
    ws_free(slow);
    large_change(rig, count);
    slow = ws_session(rig, 0, "10", "1", "MANAGE", seen);
    ws_subscribe(slow, "\"tenant\"", NULL);
    do
        m = ws_expect(slow, "STOP_STATUS_CHANGED");
    while (strcmp(text_of(m, "position"),
                  rig_position(rig, rig_horizon(rig))) != 0);
    ws_expect_nothing(slow);
    ws_free(slow);
    ws_free(quick);
    rig_free(rig);
}

struct look {
    bool gone;        /* out: there is no session that closes */
    uint64_t arrived; /* out: since the last look of its own */
};

static struct session *closing(struct hub_worker *w)
{
    for (size_t i = 0; i < w->session_count; i++)
        if (w->sessions[i]->state == SESSION_CLOSING)
            return w->sessions[i];
    return NULL;
}

static void on_look(struct hub_worker *w, void *arg)
{
    struct session *s = closing(w);
    struct look *look = arg;

    look->gone = !s;
    if (!s)
        return;
    look->arrived = stream_bytes_arrived(s->stream) - s->arrived;
    /* Its patience ends when the test says so, however slow the machine is. */
    timer_start(w->loop, &s->timer, HOUR_MS);
}

/* Its patience is looked at now, not after five seconds. */
static void on_patience(struct hub_worker *w, void *arg)
{
    struct session *s = closing(w);

    if (s)
        timer_start(w->loop, &s->timer, 0);
}

/* Stops reading until it is closed for it. */
static struct ws *fall_behind(struct rig *rig)
{
    struct ws *slow = ws_session(rig, 0, "10", "1", "MANAGE", NULL);

    ws_subscribe(slow, "\"tenant\"", NULL);
    for (unsigned i = 0; closed(rig, "slow") == 0; i++)
        large_change(rig, i);
    return slow;
}

/* However slowly it reads, it gets to the code. */
static void test_who_reads_on_gets_the_code(void **state)
{
    struct rig *rig = small_queues();
    struct ws *slow = fall_behind(rig);
    struct look look = {0};

    while (!look.gone && ws_next_or_close(slow)) {
        rig_on_worker(rig, 0, on_look, &look);
        if (!look.arrived)
            continue; /* the window has not opened yet */
        rig_on_worker(rig, 0, on_patience, NULL);
        rig_settle(rig);
    }
    assert_int_equal(ws_close_code(slow), 4008);
    ws_free(slow);
    rig_free(rig);
}

static void test_who_reads_no_more_is_cut_off(void **state)
{
    struct rig *rig = small_queues();
    struct ws *slow = fall_behind(rig);
    struct look look = {0};

    while (!look.gone) {
        rig_on_worker(rig, 0, on_patience, NULL);
        rig_settle(rig);
        rig_on_worker(rig, 0, on_look, &look);
    }
    assert_int_equal(ws_close_code(slow), 1006);
    ws_free(slow);
    rig_free(rig);
}

/* A catch-up larger than the queue waits for its reader. */
static void test_a_slow_catch_up_is_not_closed(void **state)
{
    struct rig *rig = small_queues();
    const char *begin = rig_position(rig, rig_horizon(rig));
    struct ws *ws;

    for (unsigned i = 0; i < 100; i++)
        large_change(rig, i);
    ws = ws_session(rig, 0, "10", "1", "MANAGE", NULL);
    ws_send(ws,
            "{\"type\":\"SUBSCRIBE\",\"topics\":[\"tenant\"],\"position\":"
            "\"%s\"}",
            begin);
    large_change(rig, 100);
    (void)ws_expect(ws, "SUBSCRIBED");
    for (unsigned i = 0; i <= 100; i++) {
        const json_t *data =
            json_object_get(ws_expect(ws, "STOP_STATUS_CHANGED"), "data");

        assert_int_equal(atoi(text_of(data, "notes")), i);
    }
    ws_expect_nothing(ws);
    assert_int_equal(closed(rig, "slow"), 0);
    ws_free(ws);
    rig_free(rig);
}

/* What only its last value matters for never closes a slow reader. */
static void test_the_second_lane_keeps_the_last_value(void **state)
{
    struct rig *rig = rig_new(NULL);
    struct ws *slow = ws_session(rig, 0, "10", "1", "MANAGE", NULL);
    struct ws *sender = ws_session(rig, 0, "11", "1", "DRIVE", NULL);
    char *pad = calloc(1, 20001);
    int count = 0, last = -1;

    memset(pad, 'x', 20000);
    ws_subscribe(slow, "\"tenant\"", NULL);
    while (metrics_total(rig_metrics(rig), METRIC_HUB_CONFLATED) < 100) {
        ws_send(sender,
                "{\"type\":\"TYPING\",\"id\":\"i\",\"payload\":{\"n\":%d,"
                "\"pad\":\"%s\"}}",
                count++, pad);
        (void)ws_expect(sender, "ACK");
    }
    while (last < count - 1) {
        const json_t *data = json_object_get(ws_expect(slow, "TYPING"), "data");
        int n = (int)json_integer_value(json_object_get(data, "n"));

        assert_true(n > last);
        last = n;
    }
    ws_expect_nothing(slow);
    free(pad);
    ws_free(slow);
    ws_free(sender);
    rig_free(rig);
}

static void test_compression(void **state)
{
    struct rig *rig = rig_new(NULL);
    struct ws *packed =
        ws_open(rig, 0, "Sec-WebSocket-Extensions: permessage-deflate\r\n");
    struct ws *plain = ws_session(rig, 0, "10", "1", "MANAGE", NULL);
    struct ws *both[2] = {packed, plain};

    ws_send(packed, "{\"type\":\"CONNECT\",\"token\":\"%s\"}",
            rig_token(rig, "10", "1", "MANAGE", 3600));
    (void)ws_expect(packed, "CONNECTED");
    ws_subscribe(packed, "\"tenant\"", NULL);
    ws_subscribe(plain, "\"tenant\"", NULL);
    rig_sql(rig, "UPDATE stops SET notes = printf('%.20000c', 'x')"
                 " WHERE id = 1");
    rig_round(rig);
    for (int i = 0; i < 2; i++) {
        const json_t *data =
            json_object_get(ws_expect(both[i], "STOP_STATUS_CHANGED"), "data");

        assert_int_equal(strlen(text_of(data, "notes")), 20000);
    }
    assert_true(ws_received(packed) + 15000 < ws_received(plain));
    ws_free(packed);
    ws_free(plain);
    rig_free(rig);
}

RUN(cmocka_unit_test(test_a_reader_who_stops_is_sent_away),
    cmocka_unit_test(test_who_reads_on_gets_the_code),
    cmocka_unit_test(test_who_reads_no_more_is_cut_off),
    cmocka_unit_test(test_a_slow_catch_up_is_not_closed),
    cmocka_unit_test(test_the_second_lane_keeps_the_last_value),
    cmocka_unit_test(test_compression))
