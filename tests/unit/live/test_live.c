/* SPDX-License-Identifier: MIT */
/*
 * test_live - positions sent over a session, asked over HTTP, written behind
 * and read back.
 * Threads: see hub/rig.h.
 */
#include "../hub/rig.h"

#include "edge/edge.h"
#include "hub/desk.h"

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

/* Moves a driver and waits until the server has said so. */
static void move(struct ws *ws, const char *key, double lat, double lng)
{
    ws_send(ws,
            "{\"type\":\"LOCATION\",\"id\":\"i\",\"payload\":{\"driverId\":"
            "\"%s\",\"lat\":%g,\"lng\":%g}}",
            key, lat, lng);
    (void)ws_expect(ws, "ACK");
}

/* The keys in the answer, in order, joined. */
static void check_get(struct rig *rig, const char *tenant, const char *role,
                      const char *query, unsigned want_status, const char *want)
{
    unsigned status;
    char target[128], keys[64] = "";
    char *body;
    json_t *answer;
    size_t i;
    json_t *item;

    (void)snprintf(target, sizeof(target), "/api/v1/live/drivers%s", query);
    body =
        rig_get(rig, rig_token(rig, "10", tenant, role, 3600), target, &status);
    if (status != want_status)
        fail_msg("%s: %u %s", target, status, body);
    answer = json_loads(body, 0, NULL);
    json_array_foreach(json_object_get(answer, "data"), i, item)
    {
        strcat(keys, text_of(item, "key"));
    }
    assert_string_equal(keys, want);
    json_decref(answer);
    free(body);
}

static void test_asking(void **state)
{
    struct rig *rig = rig_new(NULL);
    struct ws *ws = ws_session(rig, 0, "10", "1", "MANAGE", NULL);
    struct ws *other = ws_session(rig, 1, "20", "2", "MANAGE", NULL);

    move(ws, "a", 40.001, -74);
    move(ws, "b", 40.002, -74);
    move(ws, "c", 41, -74);
    move(other, "x", 40, -74);
    check_get(rig, "1", "MANAGE", "?near=40,-74", 200, "ab");
    check_get(rig, "1", "MANAGE", "?near=40,-74&radius=150m", 200, "a");
    check_get(rig, "1", "MANAGE", "?near=40,-74&radius=5000km&limit=2", 200,
              "ab");
    check_get(rig, "1", "DRIVE", "", 200, "cba");
    check_get(rig, "2", "MANAGE", "", 200, "x");
    check_get(rig, "3", "MANAGE", "?near=40,-74", 200, "");
    check_get(rig, "1", "CLINIC", "", 403, "");
    check_get(rig, "1", "MANAGE", "?near=-74,400", 400, "");
    check_get(rig, "1", "MANAGE", "?near=nan,1", 400, "");
    check_get(rig, "1", "MANAGE", "?near=40", 400, "");
    check_get(rig, "1", "MANAGE", "?radius=far", 400, "");
    check_get(rig, "1", "MANAGE", "?limit=0", 400, "");
    check_get(rig, "1", "MANAGE", "?limit=1001", 400, "");
    check_get(rig, "1", "MANAGE", "?nearby=1,1", 400, "");
    ws_free(ws);
    ws_free(other);
    rig_free(rig);
}

static void test_written_behind_and_restored(void **state)
{
    struct rig *rig = rig_new(NULL);
    struct ws *ws = ws_session(rig, 0, "10", "1", "MANAGE", NULL);
    char key[16];

    for (int i = 0; i < 600; i++) { /* more than two batches */
        (void)snprintf(key, sizeof(key), "%d", i);
        move(ws, key, 40, -74);
    }
    move(ws, "7", 50, 8);
    rig_live_flush(rig);
    rig_sql(rig, "DELETE FROM fieldline_positions WHERE \"key\" <> '7'");
    /* As if they had been written by the process before this one. */
    rig_sql(rig, "INSERT INTO fieldline_positions VALUES"
                 " ('drivers', '9', 'p', 1.5, 2, 4000000000000000, '{}'),"
                 " ('drivers', '9', 'old', 1.5, 2, 5, '{}'),"
                 " ('gone', '9', 'q', 1.5, 2, 4000000000000000, '{}')");
    rig_live_restore(rig);
    check_get(rig, "9", "MANAGE", "", 200, "p");
    check_get(rig, "1", "MANAGE", "?near=50,8", 200, "7");
    ws_free(ws);
    rig_free(rig);
}

static void on_done(int error, void *arg)
{
    assert_int_equal(error, 0);
    sem_post(arg);
}

static void restore_and_flush(struct hub_worker *w, void *arg)
{
    struct live_worker *part = edge_worker_slot(w->edge, EDGE_SLOT_LIVE);

    live_worker_restore(part, on_done, arg);
    live_worker_flush(part, on_done, arg);
}

/* A stop that comes while the last positions are read back does not hang, and
 * what has moved meanwhile is written. */
static void test_a_flush_amid_the_restore_is_answered(void **state)
{
    struct rig *rig = rig_new(NULL);
    struct ws *ws = ws_session(rig, 0, "10", "1", "MANAGE", NULL);
    sem_t done;

    sem_init(&done, 0, 0);
    move(ws, "a", 40, -74);
    rig_on_worker(rig, 0, restore_and_flush, &done);
    sem_wait(&done);
    sem_wait(&done);
    rig_sql(rig, "UPDATE fieldline_positions SET \"key\" = 'b',"
                 " tenant = '9' WHERE \"key\" = 'a'");
    rig_live_restore(rig);
    check_get(rig, "9", "MANAGE", "", 200, "b");
    sem_destroy(&done);
    ws_free(ws);
    rig_free(rig);
}

static void test_a_large_payload_is_refused(void **state)
{
    struct rig *rig = rig_new(NULL);
    struct ws *ws = ws_session(rig, 0, "10", "1", "MANAGE", NULL);
    char pad[LIVE_PAYLOAD_MAX + 1];

    memset(pad, 'x', sizeof(pad) - 1);
    pad[sizeof(pad) - 1] = '\0';
    ws_send(ws,
            "{\"type\":\"LOCATION\",\"payload\":{\"lat\":1,\"lng\":1,"
            "\"pad\":\"%s\"}}",
            pad);
    assert_string_equal(text_of(ws_expect(ws, "ERROR"), "code"), "limit");
    ws_free(ws);
    rig_free(rig);
}

RUN(cmocka_unit_test(test_asking),
    cmocka_unit_test(test_written_behind_and_restored),
    cmocka_unit_test(test_a_flush_amid_the_restore_is_answered),
    cmocka_unit_test(test_a_large_payload_is_refused))
