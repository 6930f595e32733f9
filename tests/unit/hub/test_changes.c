/* SPDX-License-Identifier: MIT */
/*
 * test_changes - who is told what of a change, live and when coming back.
 * Threads: see rig.h.
 */
#include "rig.h"

#include "metrics/metrics.h"

#include <stdio.h>
#include <stdlib.h>

static void test_a_change_is_told_once_and_cut_by_role(void **state)
{
    struct rig *rig = rig_new(NULL);
    struct ws *manager = ws_session(rig, 0, "10", "1", "MANAGE", NULL);
    struct ws *driver = ws_session(rig, 1, "11", "1", "DRIVE", NULL);
    struct ws *stranger = ws_session(rig, 0, "20", "2", "MANAGE", NULL);
    struct ws *clinic = ws_session(rig, 1, "12", "1", "CLINIC", NULL);
    const json_t *m, *data;

    ws_subscribe(manager,
                 "\"tenant\",\"role:MANAGE\",\"resource:stops\","
                 "\"record:stops/1\"",
                 NULL);
    ws_subscribe(driver, "\"tenant\"", NULL);
    ws_subscribe(stranger, "\"tenant\",\"resource:stops\"", NULL);
    ws_subscribe(clinic, "\"tenant\",\"role:CLINIC\"", NULL);
    rig_sql(rig, "UPDATE stops SET status = 'arrived', secret = 'x' "
                 "WHERE id = 1");
    rig_round(rig);
    m = ws_expect(manager, "STOP_STATUS_CHANGED");
    check_change(m, "STOP_STATUS_CHANGED", "update", "1");
    assert_string_equal(text_of(m, "resource"), "stops");
    assert_string_equal(text_of(m, "position"),
                        rig_position(rig, rig_horizon(rig)));
    data = json_object_get(m, "data");
    assert_string_equal(text_of(data, "secret"), "x");
    data = json_object_get(ws_expect(driver, "STOP_STATUS_CHANGED"), "data");
    assert_string_equal(text_of(data, "status"), "arrived");
    assert_null(json_object_get(data, "secret"));
    ws_expect_nothing(manager);
    ws_expect_nothing(driver);
    ws_expect_nothing(stranger);
    ws_expect_nothing(clinic);
    ws_free(manager);
    ws_free(driver);
    ws_free(stranger);
    ws_free(clinic);
    rig_free(rig);
}

static void test_a_topic_carries_its_own(void **state)
{
    struct rig *rig = rig_new(NULL);
    struct ws *one = ws_session(rig, 0, "10", "1", "MANAGE", NULL);
    struct ws *all = ws_session(rig, 0, "10", "1", "MANAGE", NULL);
    struct ws *none = ws_session(rig, 0, "10", "1", "MANAGE", NULL);

    ws_subscribe(one, "\"record:stops/1\"", NULL);
    ws_subscribe(all, "\"resource:drivers\"", NULL);
    ws_subscribe(none, "\"user\"", NULL);
    rig_sql(rig, "INSERT INTO stops (id, lab_id) VALUES (3, 1)");
    rig_sql(rig, "INSERT INTO drivers (id, lab_id) VALUES (7, 1)");
    rig_sql(rig, "DELETE FROM stops WHERE id = 1");
    rig_round(rig);
    check_change(ws_next(one), "STOP_STATUS_CHANGED", "delete", "1");
    check_change(ws_next(all), "CHANGED", "insert", "7");
    ws_expect_nothing(one);
    ws_expect_nothing(all);
    ws_expect_nothing(none);
    ws_send(one, "{\"type\":\"UNSUBSCRIBE\",\"topics\":[\"record:stops/1\"]}");
    (void)ws_expect(one, "UNSUBSCRIBED");
    rig_sql(rig, "INSERT INTO stops (id, lab_id) VALUES (1, 1)");
    rig_round(rig);
    ws_expect_nothing(one);
    ws_free(one);
    ws_free(all);
    ws_free(none);
    rig_free(rig);
}

/* However a key is spelled, it is the row's topic. */
static void test_a_record_by_another_spelling_of_its_key(void **state)
{
    struct rig *rig = rig_new(NULL);
    struct ws *ws = ws_session(rig, 0, "10", "1", "MANAGE", NULL);
    const json_t *m;

    ws_subscribe(ws, "\"record:stops/001\"", NULL);
    rig_sql(rig, "UPDATE stops SET notes = 'x' WHERE id = 1");
    rig_round(rig);
    check_change(ws_next(ws), "STOP_STATUS_CHANGED", "update", "1");
    ws_send(ws, "{\"type\":\"UNSUBSCRIBE\",\"topics\":[\"record:stops/01\"]}");
    m = ws_expect(ws, "UNSUBSCRIBED");
    assert_int_equal(json_array_size(json_object_get(m, "topics")), 1);
    rig_sql(rig, "UPDATE stops SET notes = 'y' WHERE id = 1");
    rig_round(rig);
    ws_expect_nothing(ws);
    ws_free(ws);
    rig_free(rig);
}

static void check_refused_key(struct ws *ws, const char *topic,
                              const char *message)
{
    const json_t *m;

    ws_send(ws, "{\"type\":\"SUBSCRIBE\",\"topics\":[\"%s\"]}", topic);
    m = ws_expect(ws, "ERROR");
    assert_string_equal(text_of(m, "code"), "bad-key");
    assert_string_equal(text_of(m, "message"), message);
    assert_string_equal(text_of(m, "topic"), topic);
}

/* Granted, it would hear nothing: never silence. */
static void test_a_key_that_cannot_be_one_is_refused(void **state)
{
    struct rig *rig = rig_new(NULL);
    struct ws *ws = ws_session(rig, 0, "10", "1", "MANAGE", NULL);

    check_refused_key(ws, "record:stops/one",
                      "expected the key to be a whole number");
    check_refused_key(ws, "record:places/BONN",
                      "spell the key as the row does");
    ws_subscribe(ws, "\"record:places/Bonn\"", NULL);
    rig_sql(rig, "UPDATE places SET name = 'x'");
    rig_round(rig);
    check_change(ws_next(ws), "CHANGED", "update", "Bonn");
    ws_expect_nothing(ws);
    ws_free(ws);
    rig_free(rig);
}

/* P59: nobody sees what is not his, and each side hears of the move. */
static void test_a_row_moves_between_tenants(void **state)
{
    struct rig *rig = rig_new(NULL);
    struct ws *one = ws_session(rig, 0, "10", "1", "MANAGE", NULL);
    struct ws *two = ws_session(rig, 1, "20", "2", "MANAGE", NULL);
    const json_t *m;

    ws_subscribe(one, "\"tenant\",\"record:stops/1\"", NULL);
    ws_subscribe(two, "\"resource:stops\"", NULL);
    rig_sql(rig, "UPDATE stops SET lab_id = 2, notes = 'two only' "
                 "WHERE id = 1");
    rig_round(rig);
    m = ws_next(one);
    check_change(m, "STOP_STATUS_CHANGED", "left", "1");
    assert_null(json_object_get(m, "data"));
    m = ws_next(two);
    check_change(m, "STOP_STATUS_CHANGED", "entered", "1");
    assert_string_equal(text_of(json_object_get(m, "data"), "notes"),
                        "two only");
    rig_sql(rig, "UPDATE stops SET notes = 'still' WHERE id = 1");
    rig_sql(rig, "UPDATE stops SET lab_id = NULL WHERE id = 1");
    rig_sql(rig, "UPDATE stops SET notes = 'nobody' WHERE id = 1");
    rig_round(rig);
    ws_expect_nothing(one);
    check_change(ws_next(two), "STOP_STATUS_CHANGED", "update", "1");
    check_change(ws_next(two), "STOP_STATUS_CHANGED", "left", "1");
    ws_expect_nothing(two);
    ws_free(one);
    ws_free(two);
    rig_free(rig);
}

/* What has left says nothing of what it has become: not even by its type, and
 * not even by whether it is told. */
static void test_what_has_left_says_nothing_new(void **state)
{
    struct rig *rig = rig_new(NULL);
    struct ws *one = ws_session(rig, 0, "10", "1", "MANAGE", NULL);
    struct ws *two = ws_session(rig, 0, "20", "2", "MANAGE", NULL);

    ws_subscribe(one, "\"tenant\"", NULL);
    ws_subscribe(two, "\"tenant\"", NULL);
    rig_sql(rig, "INSERT INTO errands VALUES (1, 1, 'a'), (2, 1, 'b')");
    rig_sql(rig, "UPDATE stops SET lab_id = 2, secret = 'told' WHERE id = 1;"
                 "UPDATE errands SET lab_id = 2, title = 'named' WHERE id = 1;"
                 "UPDATE errands SET lab_id = 2 WHERE id = 2");
    rig_round(rig);
    check_change(ws_next(one), "STOP_STATUS_CHANGED", "left", "1");
    check_change(ws_next(one), "CHANGED", "left", "1");
    check_change(ws_next(one), "CHANGED", "left", "2");
    ws_expect_nothing(one);
    check_change(ws_next(two), "STOP_SECRET", "entered", "1");
    check_change(ws_next(two), "TASK_NAMED", "entered", "1");
    ws_expect_nothing(two); /* the other errand's change has no type */
    ws_free(one);
    ws_free(two);
    rig_free(rig);
}

/* It was nobody's: it has left nobody, though it names him. */
static void test_what_was_not_seen_has_not_left(void **state)
{
    struct rig *rig = rig_new(NULL);
    struct ws *ws = ws_session(rig, 0, "11", "1", "DRIVE", NULL);

    ws_subscribe(ws, "\"user\",\"resource:tasks\",\"resource:stops\"", NULL);
    rig_sql(rig, "INSERT INTO tasks VALUES (1, NULL, 11, 'a')");
    rig_sql(rig, "UPDATE tasks SET lab_id = 1, driver_id = 12 WHERE id = 1");
    rig_sql(rig, "INSERT INTO stops (id, lab_id) VALUES (5, NULL)");
    rig_sql(rig, "UPDATE stops SET lab_id = 1 WHERE id = 5");
    rig_round(rig);
    check_change(ws_next(ws), "STOP_STATUS_CHANGED", "entered", "5");
    ws_expect_nothing(ws);
    ws_free(ws);
    rig_free(rig);
}

/* The key is a column like the others. */
static void test_a_role_that_may_not_read_the_key(void **state)
{
    static const char *const ops[] = {"insert", "left", "entered", "delete"};
    struct rig *rig = rig_new(NULL);
    struct ws *ws = ws_session(rig, 0, "11", "1", "CLINIC", NULL);
    struct ws *none = ws_session(rig, 0, "11", "1", "CLINIC", NULL);

    ws_subscribe(ws, "\"resource:tasks\"", NULL);
    ws_subscribe(none, "\"tenant\",\"user\"", NULL);
    rig_sql(rig, "INSERT INTO tasks VALUES (1, 1, 11, 'a')");
    rig_sql(rig, "UPDATE tasks SET driver_id = 12 WHERE id = 1");
    rig_sql(rig, "UPDATE tasks SET driver_id = 11 WHERE id = 1");
    rig_sql(rig, "DELETE FROM tasks WHERE id = 1");
    rig_sql(rig, "UPDATE stops SET lab_id = 2 WHERE id = 1"); /* not his */
    rig_round(rig);
    for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
        const json_t *m = ws_expect(ws, "TASK_CHANGED");

        assert_string_equal(text_of(m, "op"), ops[i]);
        assert_null(json_object_get(m, "key"));
        m = ws_expect(none, "TASK_CHANGED");
        assert_string_equal(text_of(m, "op"), ops[i]);
    }
    ws_expect_nothing(ws);
    ws_expect_nothing(none);
    ws_free(ws);
    ws_free(none);
    rig_free(rig);
}

static void test_a_row_of_one_user(void **state)
{
    struct rig *rig = rig_new(NULL);
    struct ws *his = ws_session(rig, 0, "11", "1", "DRIVE", NULL);
    struct ws *hers = ws_session(rig, 0, "12", "1", "DRIVE", NULL);
    struct ws *namesake = ws_session(rig, 1, "11", "2", "DRIVE", NULL);

    ws_subscribe(his, "\"user\",\"tenant\"", NULL);
    ws_subscribe(hers, "\"resource:tasks\"", NULL);
    ws_subscribe(namesake, "\"user\",\"tenant\",\"resource:tasks\"", NULL);
    rig_sql(rig, "INSERT INTO tasks VALUES (1, 1, 11, 'a')");
    rig_sql(rig, "UPDATE tasks SET driver_id = 12 WHERE id = 1");
    rig_sql(rig, "UPDATE tasks SET title = 'b' WHERE id = 1");
    rig_sql(rig, "UPDATE tasks SET driver_id = NULL WHERE id = 1");
    rig_sql(rig, "UPDATE tasks SET driver_id = 11 WHERE id = 1");
    rig_sql(rig, "DELETE FROM tasks WHERE id = 1");
    rig_round(rig);
    check_change(ws_next(his), "TASK_CHANGED", "insert", "1");
    check_change(ws_next(his), "TASK_CHANGED", "left", "1");
    check_change(ws_next(his), "TASK_CHANGED", "entered", "1");
    check_change(ws_next(his), "TASK_CHANGED", "delete", "1");
    ws_expect_nothing(his);
    check_change(ws_next(hers), "TASK_CHANGED", "entered", "1");
    check_change(ws_next(hers), "TASK_CHANGED", "update", "1");
    check_change(ws_next(hers), "TASK_CHANGED", "left", "1");
    ws_expect_nothing(hers);
    ws_expect_nothing(namesake);
    ws_free(his);
    ws_free(hers);
    ws_free(namesake);
    rig_free(rig);
}

static void check_chore(const json_t *m, const char *resource,
                        const char *position)
{
    const json_t *data = json_object_get(m, "data");
    bool is_task = strcmp(resource, "tasks") == 0;

    check_change(m, is_task ? "TASK_CHANGED" : "CHANGED", "insert", "1");
    assert_string_equal(text_of(m, "resource"), resource);
    assert_string_equal(text_of(data, "title"), is_task ? "a" : "");
    assert_string_equal(text_of(m, "position"), position ? position : "");
}

/* Two resources serve the table of tasks: each tells it in its own name, by its
 * own visibility, cut to its own columns. The last of a change has the
 * position. */
static void test_two_resources_of_one_table(void **state)
{
    struct rig *rig = rig_new(NULL);
    const char *begin = rig_position(rig, rig_horizon(rig));
    struct ws *boss = ws_session(rig, 0, "11", "1", "MANAGE", NULL);
    struct ws *other = ws_session(rig, 1, "10", "1", "MANAGE", NULL);
    struct ws *tasker = ws_session(rig, 1, "11", "1", "MANAGE", NULL);
    struct ws *late;

    ws_subscribe(boss, "\"resource:chores\",\"resource:tasks\"", NULL);
    ws_subscribe(other, "\"resource:chores\",\"user\"", NULL);
    ws_subscribe(tasker, "\"resource:tasks\"", NULL); /* of the two */
    rig_sql(rig, "INSERT INTO tasks VALUES (1, 1, 11, 'a')");
    rig_round(rig);
    check_chore(ws_next(boss), "chores", NULL);
    check_chore(ws_next(boss), "tasks", rig_position(rig, rig_horizon(rig)));
    check_chore(ws_next(other), "chores", rig_position(rig, rig_horizon(rig)));
    check_chore(ws_next(tasker), "tasks", rig_position(rig, rig_horizon(rig)));
    late = ws_session(rig, 0, "11", "1", "MANAGE", NULL);
    ws_subscribe(late, "\"resource:tasks\"", NULL); /* live already */
    ws_subscribe(late, "\"resource:chores\"", begin);
    check_chore(ws_next(late), "chores", rig_position(rig, rig_horizon(rig)));
    ws_expect_nothing(boss);
    ws_expect_nothing(other);
    ws_expect_nothing(tasker);
    ws_expect_nothing(late);
    ws_free(boss);
    ws_free(other);
    ws_free(tasker);
    ws_free(late);
    rig_free(rig);
}

static void test_what_everyone_sees(void **state)
{
    struct rig *rig = rig_new(NULL);
    struct ws *one = ws_session(rig, 0, "10", "1", "MANAGE", NULL);
    struct ws *two = ws_session(rig, 1, "20", "2", "DRIVE", NULL);
    struct ws *none = ws_session(rig, 0, "12", "1", "CLINIC", NULL);

    ws_subscribe(one, "\"tenant\"", NULL);
    ws_subscribe(two, "\"resource:countries\"", NULL);
    ws_subscribe(none, "\"tenant\"", NULL);
    rig_sql(rig, "INSERT INTO countries VALUES ('de', 'Germany')");
    rig_round(rig);
    check_change(ws_next(one), "COUNTRY_CHANGED", "insert", "de");
    check_change(ws_next(two), "COUNTRY_CHANGED", "insert", "de");
    ws_expect_nothing(none);
    ws_free(one);
    ws_free(two);
    ws_free(none);
    rig_free(rig);
}

/* ---- coming back ------------------------------------------------------ */

static void note(struct rig *rig, int from, int to)
{
    char sql[128];

    for (int i = from; i < to; i++) {
        (void)snprintf(sql, sizeof(sql),
                       "UPDATE stops SET notes = '%d' WHERE id = %d", i,
                       1 + i % 2);
        rig_sql(rig, sql);
    }
}

/* The even ones are lab 1's. */
static void expect_notes(struct ws *ws, int from, int to)
{
    for (int i = from; i < to; i++) {
        char want[16];

        if (i % 2)
            continue;
        (void)snprintf(want, sizeof(want), "%d", i);
        assert_string_equal(
            text_of(json_object_get(ws_next(ws), "data"), "notes"), want);
    }
}

static void test_what_was_missed_comes_once_in_order(void **state)
{
    struct rig *rig = rig_new(NULL);
    const char *position = rig_position(rig, rig_horizon(rig));
    struct ws *ws, *late;

    note(rig, 0, 20);
    rig_round(rig);
    ws = ws_session(rig, 1, "10", "1", "MANAGE", position);
    ws_subscribe(ws, "\"tenant\",\"role:MANAGE\"", NULL); /* CONNECT's */
    expect_notes(ws, 0, 20);
    late = ws_session(rig, 1, "10", "1", "MANAGE", NULL);
    ws_subscribe(late, "\"tenant\"", position);
    expect_notes(late, 0, 20);
    note(rig, 20, 40);
    rig_round(rig);
    expect_notes(ws, 20, 40);
    expect_notes(late, 20, 40);
    ws_expect_nothing(ws);
    ws_subscribe(ws, "\"resource:drivers\"", NULL); /* now, not then */
    ws_expect_nothing(ws);
    ws_free(ws);
    ws_free(late);
    rig_free(rig);
}

/* A topic added later is caught up with; what the others brought is not told
 * again. */
static void test_a_later_topic_brings_only_what_is_new(void **state)
{
    struct rig *rig = rig_new(NULL);
    const char *position = rig_position(rig, rig_horizon(rig));
    struct ws *ws = ws_session(rig, 0, "10", "1", "MANAGE", NULL);

    rig_sql(rig, "INSERT INTO drivers VALUES (1, 1)");
    note(rig, 0, 2);
    rig_round(rig);
    ws_subscribe(ws, "\"tenant\"", NULL); /* from here */
    note(rig, 2, 4);
    rig_sql(rig, "INSERT INTO drivers VALUES (2, 1)");
    rig_round(rig);
    expect_notes(ws, 2, 4);
    ws_subscribe(ws, "\"resource:stops\",\"resource:drivers\"", position);
    check_change(ws_next(ws), "CHANGED", "insert", "1");
    expect_notes(ws, 0, 2); /* not 2, which came before */
    check_change(ws_next(ws), "CHANGED", "insert", "2");
    ws_expect_nothing(ws);
    ws_free(ws);
    rig_free(rig);
}

/* A list may have been answered from further on than this worker has got. */
static void test_a_position_ahead_of_the_worker(void **state)
{
    struct rig *rig = rig_new(NULL);
    uint64_t horizon = rig_horizon(rig);
    struct ws *ws = ws_session(rig, 0, "10", "1", "MANAGE", NULL);

    ws_subscribe(ws, "\"resource:drivers\"", NULL);
    ws_subscribe(ws, "\"resource:stops\"", rig_position(rig, horizon + 2));
    rig_sql(rig, "UPDATE stops SET notes = 'a' WHERE id = 1");
    rig_sql(rig, "INSERT INTO drivers VALUES (1, 1)");
    rig_sql(rig, "UPDATE stops SET notes = 'b' WHERE id = 1");
    rig_round(rig);
    check_change(ws_next(ws), "CHANGED", "insert", "1"); /* not 'a' */
    assert_string_equal(text_of(json_object_get(ws_next(ws), "data"), "notes"),
                        "b");
    ws_expect_nothing(ws);
    rig_sql(rig, "UPDATE stops SET notes = 'c' WHERE id = 1");
    rig_round(rig);
    assert_string_equal(text_of(json_object_get(ws_next(ws), "data"), "notes"),
                        "c");
    ws_free(ws);
    rig_free(rig);
}

#define MANY 9000 /* more than the ring holds */

static void many(struct rig *rig)
{
    char sql[256];

    rig_sql(rig, "INSERT INTO drivers VALUES (1, 1)");
    rig_round(rig);
    for (int i = 0; i < MANY; i += 500) {
        (void)snprintf(sql, sizeof(sql),
                       "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT"
                       " i + 1 FROM n WHERE i < 499) INSERT INTO stops (id,"
                       " lab_id) SELECT 10 + %d + i, 1 + i %% 2 FROM n",
                       i);
        rig_sql(rig, sql);
    }
    rig_round(rig);
}

static void expect_stops(struct ws *ws, int from, int to)
{
    for (int id = from; id < to; id++) {
        char key[16];

        if (id % 2)
            continue;
        (void)snprintf(key, sizeof(key), "%d", id);
        check_change(ws_next(ws), "STOP_STATUS_CHANGED", "insert", key);
    }
}

/* Several at once share the scan; each gets its own, from its own place. */
static void test_further_back_than_the_ring(void **state)
{
    struct rig *rig = rig_new(NULL);
    uint64_t begin = rig_horizon(rig);
    struct ws *all[6];

    many(rig);
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        all[i] = ws_session(rig, i % 2, "10", "1", "MANAGE", NULL);
        /* One change is the driver's; then begin + 2 is the insert of 10. */
        ws_subscribe(all[i], "\"tenant\"",
                     rig_position(rig, begin + 1 + 2 * i));
    }
    rig_sql(rig, "INSERT INTO stops (id, lab_id) VALUES (100000, 1)");
    rig_round(rig);
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        expect_stops(all[i], 10 + 2 * (int)i, 10 + MANY);
        check_change(ws_next(all[i]), "STOP_STATUS_CHANGED", "insert",
                     "100000");
        ws_expect_nothing(all[i]);
        ws_free(all[i]);
    }
    rig_free(rig);
}

/* More than a read may hold lies between the position and now. */
static void test_large_rows_on_the_way(void **state)
{
    struct rig *rig = rig_new(NULL);
    const char *begin = rig_position(rig, rig_horizon(rig));
    struct ws *ws;

    for (int i = 0; i < 3; i++) {
        rig_sql(rig, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1"
                     " FROM n WHERE i < 100) INSERT INTO stops (lab_id, secret)"
                     " SELECT 1, hex(zeroblob(150000)) FROM n");
        rig_round(rig);
    }
    rig_sql(rig, "INSERT INTO drivers (id, lab_id) VALUES (7, 1)");
    rig_round(rig);
    ws = ws_session(rig, 0, "10", "1", "MANAGE", NULL);
    ws_subscribe(ws, "\"resource:drivers\"", begin);
    check_change(ws_next(ws), "CHANGED", "insert", "7");
    ws_free(ws);
    rig_free(rig);
}

/* The ring runs away from a worker that is kept from its mail: its sessions
 * read from the table and miss nothing. */
static void test_a_worker_that_falls_behind(void **state)
{
    struct rig *rig = rig_new(NULL);
    struct ws *ws = ws_session(rig, 1, "10", "1", "MANAGE", NULL);

    ws_subscribe(ws, "\"tenant\",\"role:MANAGE\"", NULL);
    rig_sql(rig, "INSERT INTO stops (id, lab_id) VALUES (8, 1)");
    rig_round(rig);
    rig_hold(rig);
    many(rig);
    rig_release(rig);
    expect_stops(ws, 8, 9);
    expect_stops(ws, 10, 10 + MANY);
    ws_expect_nothing(ws);
    rig_sql(rig, "INSERT INTO stops (id, lab_id) VALUES (100000, 1)");
    rig_round(rig);
    expect_stops(ws, 100000, 100001);
    ws_expect_nothing(ws);
    ws_free(ws);
    rig_free(rig);
}

static uint64_t reads(struct rig *rig)
{
    struct metrics_summary s;

    metrics_summarise(rig_metrics(rig), METRIC_DB_DURATION, &s);
    return s.count;
}

/* P23: the table is not asked for what the ring has. */
static void test_a_storm_of_reconnects_reads_nothing(void **state)
{
    struct rig *rig = rig_new(NULL);
    const char *begin = rig_position(rig, rig_horizon(rig));
    struct ws *all[100];
    uint64_t before;

    note(rig, 0, 50);
    rig_round(rig);
    before = reads(rig);
    assert_true(before > 0);
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        all[i] = ws_session(rig, i % 2, "10", "1", "MANAGE", begin);
        ws_subscribe(all[i], "\"tenant\"", NULL);
    }
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        expect_notes(all[i], 0, 50);
        ws_free(all[i]);
    }
    assert_int_equal(reads(rig), before);
    rig_free(rig);
}

/* ---- must reload ------------------------------------------------------ */

static void check_reload(struct ws *ws, const char *reason)
{
    const json_t *m = ws_expect(ws, "MUST_RELOAD");

    assert_string_equal(text_of(m, "reason"), reason);
    assert_true(json_integer_value(json_object_get(m, "retryMs")) > 0);
    assert_true(strlen(text_of(m, "position")) > 0);
}

static void test_positions_that_are_not_known(void **state)
{
    struct rig *rig = rig_new(NULL);
    static const char *const wrong[] = {"e2:1", "e1:100000", "nonsense",
                                        "e1:x"};
    struct ws *ws;

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        ws = ws_session(rig, 0, "10", "1", "MANAGE", wrong[i]);
        check_reload(ws, "position");
        ws_subscribe(ws, "\"tenant\"", wrong[i]);
        check_reload(ws, "position");
        rig_sql(rig, "UPDATE stops SET notes = 'on' WHERE id = 1");
        rig_round(rig);
        (void)ws_expect(ws, "STOP_STATUS_CHANGED"); /* the session goes on */
        ws_expect_nothing(ws);
        ws_free(ws);
    }
    rig_low_water(rig, rig_horizon(rig));
    ws = ws_session(rig, 0, "10", "1", "MANAGE", rig_position(rig, 0));
    check_reload(ws, "position");
    ws_free(ws);
    rig_free(rig);
}

static void test_another_history(void **state)
{
    struct rig *rig = rig_new(NULL);
    struct ws *ws = ws_session(rig, 0, "10", "1", "MANAGE", NULL);
    const char *old;

    rig_sql(rig, "UPDATE stops SET notes = 'old' WHERE id = 1");
    rig_round(rig);
    old = rig_position(rig, 0);
    ws_subscribe(ws, "\"tenant\"", NULL);
    rig_restart(rig, "e2");
    check_reload(ws, "epoch");
    rig_sql(rig, "UPDATE stops SET notes = 'new' WHERE id = 1");
    rig_round(rig);
    assert_string_equal(
        text_of(ws_expect(ws, "STOP_STATUS_CHANGED"), "position"),
        rig_position(rig, rig_horizon(rig)));
    ws_free(ws);
    ws = ws_session(rig, 0, "10", "1", "MANAGE", old);
    check_reload(ws, "position");
    ws_free(ws);
    rig_free(rig);
}

/* Another program has written what is no UTF-8: it is never silence, and no
 * reason to close anybody's session, now or when he comes back. */
static void test_a_row_that_cannot_be_told_is_a_reset(void **state)
{
    struct rig *rig = rig_new(NULL);
    struct ws *one = ws_session(rig, 0, "10", "1", "MANAGE", NULL);
    const char *before = rig_position(rig, rig_horizon(rig));
    struct ws *late;
    const json_t *m;

    ws_subscribe(one, "\"resource:stops\"", NULL);
    rig_sql(rig, "UPDATE stops SET status = CAST(x'ff' AS TEXT) WHERE id = 1");
    rig_round(rig);
    m = ws_expect(one, "MUST_RELOAD");
    assert_string_equal(text_of(m, "reason"), "reset");
    assert_string_equal(text_of(m, "resource"), "stops");
    rig_sql(rig, "UPDATE stops SET status = 'new' WHERE id = 1");
    rig_round(rig);
    check_change(ws_next(one), "STOP_STATUS_CHANGED", "update", "1");
    late = ws_session(rig, 1, "10", "1", "MANAGE", before);
    ws_subscribe(late, "\"resource:stops\"", NULL);
    (void)ws_expect(late, "MUST_RELOAD");
    check_change(ws_next(late), "STOP_STATUS_CHANGED", "update", "1");
    ws_free(one);
    ws_free(late);
    rig_free(rig);
}

static void test_a_table_changed_as_a_whole(void **state)
{
    struct rig *rig = rig_new(NULL);
    const char *begin = rig_position(rig, rig_horizon(rig));
    struct ws *one = ws_session(rig, 0, "10", "1", "MANAGE", NULL);
    struct ws *two = ws_session(rig, 0, "20", "2", "MANAGE", NULL);
    struct ws *none = ws_session(rig, 0, "12", "1", "CLINIC", NULL);
    const json_t *m;

    ws_subscribe(one, "\"record:stops/1\",\"tenant\"", NULL);
    ws_subscribe(two, "\"tenant\"", NULL);
    ws_subscribe(none, "\"tenant\"", NULL);
    rig_sql(rig, "INSERT INTO fieldline_changes (tbl, \"key\", op, tenant,"
                 " writer, at_us) VALUES ('stops', '', 'R', '1', '', 0)");
    rig_round(rig);
    m = ws_expect(one, "MUST_RELOAD");
    assert_string_equal(text_of(m, "reason"), "reset");
    assert_string_equal(text_of(m, "resource"), "stops");
    ws_expect_nothing(one);
    ws_expect_nothing(two);
    ws_expect_nothing(none);
    ws_free(one);
    one = ws_session(rig, 0, "10", "1", "MANAGE", NULL);
    ws_subscribe(one, "\"tenant\"", begin);
    assert_string_equal(text_of(ws_expect(one, "MUST_RELOAD"), "reason"),
                        "reset");
    ws_expect_nothing(one);
    ws_free(one);
    ws_free(two);
    ws_free(none);
    rig_free(rig);
}

RUN(cmocka_unit_test(test_a_change_is_told_once_and_cut_by_role),
    cmocka_unit_test(test_a_topic_carries_its_own),
    cmocka_unit_test(test_a_record_by_another_spelling_of_its_key),
    cmocka_unit_test(test_a_key_that_cannot_be_one_is_refused),
    cmocka_unit_test(test_a_row_moves_between_tenants),
    cmocka_unit_test(test_what_has_left_says_nothing_new),
    cmocka_unit_test(test_what_was_not_seen_has_not_left),
    cmocka_unit_test(test_a_role_that_may_not_read_the_key),
    cmocka_unit_test(test_a_row_of_one_user),
    cmocka_unit_test(test_two_resources_of_one_table),
    cmocka_unit_test(test_what_everyone_sees),
    cmocka_unit_test(test_what_was_missed_comes_once_in_order),
    cmocka_unit_test(test_a_later_topic_brings_only_what_is_new),
    cmocka_unit_test(test_a_position_ahead_of_the_worker),
    cmocka_unit_test(test_further_back_than_the_ring),
    cmocka_unit_test(test_large_rows_on_the_way),
    cmocka_unit_test(test_a_worker_that_falls_behind),
    cmocka_unit_test(test_a_storm_of_reconnects_reads_nothing),
    cmocka_unit_test(test_positions_that_are_not_known),
    cmocka_unit_test(test_another_history),
    cmocka_unit_test(test_a_row_that_cannot_be_told_is_a_reset),
    cmocka_unit_test(test_a_table_changed_as_a_whole))
