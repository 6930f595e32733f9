/* SPDX-License-Identifier: MIT */
/*
 * test_change - what a change row means, and how its row looks to a role.
 * Threads: the test's.
 */
#include "fixture.h"

#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>

#define SEEN_MAX 16

/* The events of what happened, in order, and the rows as two roles see them. */
struct seen {
    struct fixture *f;
    struct arena arena;
    unsigned count;
    struct data_event events[SEEN_MAX];
    enum change_op ops[SEEN_MAX];
    char rows[SEEN_MAX][2][512];
};

static void project(const struct data_event *e, const struct change *c,
                    role_mask roles, char ret[512])
{
    struct buf b;

    buf_init(&b, 511);
    if (data_change_project(e, c, roles, &b) == 0)
        memcpy(ret, b.at, b.len);
    ret[b.len] = '\0';
    buf_fini(&b);
}

static void on_change(const struct change *c, void *arg)
{
    struct seen *s = arg;
    struct data_event *e = &s->events[s->count], *events;
    unsigned count;

    if (c->op == CHANGE_RESET)
        return;
    assert_true(s->count < SEEN_MAX);
    assert_int_equal(
        data_change_events(fixture_data(s->f), c, &s->arena, &events, &count),
        0);
    *e = events[0];
    s->ops[s->count] = c->op;
    e->now.tenant = arena_copy(&s->arena, e->now.tenant);
    e->before.tenant = arena_copy(&s->arena, e->before.tenant);
    project(e, c, MANAGE, s->rows[s->count][0]);
    project(e, c, DRIVE, s->rows[s->count][1]);
    s->count++;
}

static void see(struct seen *s, const char *sql)
{
    arena_clear(&s->arena);
    s->count = 0;
    fixture_sql(s->f, sql);
    (void)fixture_follow(s->f, on_change, s);
}

static int setup(void **state)
{
    struct seen *s = calloc(1, sizeof(*s));

    s->f = lab_new();
    arena_init(&s->arena, 1 << 20);
    (void)fixture_follow(s->f, NULL, NULL);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct seen *s = *state;

    fixture_free(s->f);
    arena_fini(&s->arena);
    free(s);
    return 0;
}

static void has_the_type_of_the_first_rule_that_fits(void **state)
{
    struct seen *s = *state;

    see(s, "UPDATE route_stops SET status = 'done' WHERE id = 1");
    assert_int_equal(s->count, 1);
    check_bytes(s->events[0].type, "STOP_COMPLETED");
    see(s, "UPDATE route_stops SET notes = 'x' WHERE id = 1"); /* it was done */
    check_bytes(s->events[0].type, "STOP_STATUS_CHANGED");
    see(s, "INSERT INTO route_stops (id, lab_id) VALUES (9, 1);"
           "DELETE FROM route_stops WHERE id = 9");
    assert_int_equal(s->count, 2);
    check_bytes(s->events[0].type, "");
    check_bytes(s->events[1].type, "");
}

static void says_whose_it_is_and_was(void **state)
{
    struct seen *s = *state;

    see(s, "UPDATE route_stops SET notes = 'x' WHERE id = 1");
    check_bytes(s->events[0].now.tenant, "1");
    check_bytes(s->events[0].before.tenant, "1");
    check_bytes(s->events[0].left_type, "");
    see(s, "UPDATE route_stops SET lab_id = 2 WHERE id = 1");
    check_bytes(s->events[0].now.tenant, "2");
    check_bytes(s->events[0].before.tenant, "1");
    check_bytes(s->events[0].left_type, "STOP_STATUS_CHANGED");
    see(s, "UPDATE route_stops SET lab_id = 1, status = 'done' WHERE id = 1");
    check_bytes(s->events[0].type, "STOP_COMPLETED");
    check_bytes(s->events[0].left_type, "STOP_STATUS_CHANGED");
    see(s, "DELETE FROM route_stops WHERE id = 1");
    check_bytes(s->events[0].now.tenant, "");
    check_bytes(s->events[0].before.tenant, "1");
    see(s, "UPDATE countries SET name = 'x' WHERE id = 'de'");
    check_bytes(s->events[0].now.tenant, "");
    assert_false(s->events[0].by_user);
}

static void says_to_which_user(void **state)
{
    struct seen *s = *state;
    const struct data_spec mine = {1, &lab_spec.resources[3]};
    struct seen own = {.f = fixture_new(&mine, lab_schema)};

    arena_init(&own.arena, 1 << 20);
    see(&own, "UPDATE route_stops SET driver_id = 12 WHERE id = 1;"
              "UPDATE route_stops SET driver_id = NULL WHERE id = 1");
    assert_int_equal(own.count, 2);
    assert_true(own.events[0].by_user);
    check_bytes(own.events[0].now.user, "12");
    check_bytes(own.events[0].before.user, "11");
    check_bytes(own.events[1].now.user, "");
    check_bytes(own.events[1].before.user, "12");
    see(s, "UPDATE route_stops SET driver_id = 12 WHERE id = 1");
    assert_false(s->events[0].by_user); /* the first resource is a tenant's */
    fixture_free(own.f);
    arena_fini(&own.arena);
}

static void a_row_looks_as_over_http(void **state)
{
    struct seen *s = *state;
    struct got manager_got, driver_got;

    see(s, "UPDATE route_stops SET due_at = '2026-11-20 10:00:00+02:00',"
           " notes = 'a\"\\' || char(10), weight = 0.1 WHERE id = 1");
    fixture_item(s->f, manager, "stops", "1", "", &manager_got);
    fixture_item(s->f, driver, "stops", "1", "", &driver_got);
    assert_string_equal(s->rows[0][0], manager_got.body);
    assert_string_equal(s->rows[0][1], driver_got.body);
    assert_non_null(strstr(s->rows[0][0], "\"2026-11-20T08:00:00.000Z\""));
    assert_null(strstr(s->rows[0][1], "secret"));
    got_fini(&manager_got);
    got_fini(&driver_got);
}

static void a_deleted_row_is_its_key(void **state)
{
    struct seen *s = *state;

    see(s, "DELETE FROM route_stops WHERE id = 1;"
           "DELETE FROM countries WHERE id = 'de'");
    assert_int_equal(s->ops[0], CHANGE_DELETE);
    assert_string_equal(s->rows[0][0], "{\"id\":1}");
    assert_string_equal(s->rows[0][1], "{\"id\":1}");
    assert_string_equal(s->rows[1][1], "{\"id\":\"de\"}");
}

static void who_reads_nothing_sees_nothing(void **state)
{
    struct seen *s = *state;
    char row[512];
    struct change c = {.op = CHANGE_UPDATE,
                       .table = BYTES("route_stops"),
                       .key = BYTES("1"),
                       .row = BYTES("{\"id\":1}")};
    struct data_event *e;
    unsigned count;

    assert_int_equal(
        data_change_events(fixture_data(s->f), &c, &s->arena, &e, &count), 0);
    project(e, &c, CLINIC, row);
    assert_string_equal(row, "");
    project(e, &c, MANAGE, row);
    assert_string_equal(row, "{\"id\":1}");
}

/* Each resource of a table has its own word for the change, and its own
 * owners. */
static void every_resource_of_a_table_speaks(void **state)
{
    struct seen *s = *state;
    struct change c = {.op = CHANGE_UPDATE,
                       .table = BYTES("route_stops"),
                       .key = BYTES("1"),
                       .tenant = BYTES("1"),
                       .row = BYTES("{\"id\":1,\"lab_id\":1,\"driver_id\":12}"),
                       .old =
                           BYTES("{\"id\":1,\"lab_id\":1,\"driver_id\":11}")};
    struct data_event *e;
    unsigned count;

    assert_int_equal(
        data_change_events(fixture_data(s->f), &c, &s->arena, &e, &count), 0);
    assert_int_equal(count, 2);
    check_bytes(data_resource_spec(e[0].resource)->name, "stops");
    check_bytes(e[0].type, "STOP_STATUS_CHANGED");
    assert_false(e[0].by_user);
    check_bytes(data_resource_spec(e[1].resource)->name, "mine");
    check_bytes(e[1].type, "");
    assert_true(e[1].by_user);
    check_bytes(e[1].now.user, "12");
    check_bytes(e[1].before.user, "11");
    check_bytes(e[1].key, "1");
}

/* Triggers that are older than the application file: nobody is told that a row
 * has left him who cannot be shown to have seen it. */
static void an_old_image_that_does_not_say_shows_nobody(void **state)
{
    struct seen *s = *state;
    struct change c = {.op = CHANGE_UPDATE,
                       .table = BYTES("route_stops"),
                       .key = BYTES("1"),
                       .tenant = BYTES("1"),
                       .row = BYTES("{\"id\":1,\"driver_id\":12}"),
                       .old = BYTES("{\"id\":1,\"driver_id\":11}")};
    struct data_event *e;
    unsigned count;

    assert_int_equal(
        data_change_events(fixture_data(s->f), &c, &s->arena, &e, &count), 0);
    check_bytes(e[1].before.tenant, "1");
    check_bytes(e[1].before.user, "12");
    c.old = BYTES("{\"id\":1,\"lab_id\":null,\"driver_id\":11}");
    assert_int_equal(
        data_change_events(fixture_data(s->f), &c, &s->arena, &e, &count), 0);
    check_bytes(e[1].before.tenant, ""); /* nobody's, and known to be */
    check_bytes(e[1].before.user, "11");
}

static void a_key_has_one_spelling(void **state)
{
    static const struct {
        const char *resource, *text, *key;
    } cases[] = {{"stops", "7", "7"},   {"stops", "007", "7"},
                 {"stops", "-0", "0"},  {"countries", "De", "De"},
                 {"stops", "7 ", NULL}, {"stops", "seven", NULL},
                 {"stops", "", NULL}};
    struct seen *s = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct data_resource *r = data_resource_named(
            fixture_data(s->f), bytes_of(cases[i].resource));
        struct bytes key;
        int error = data_key_read(r, bytes_of(cases[i].text), &s->arena, &key);

        assert_int_equal(error, cases[i].key ? 0 : ERR_INVALID);
        if (cases[i].key)
            check_bytes(key, cases[i].key);
    }
}

static void foreign_rows_are_refused(void **state)
{
    static const char *const rows[] = {"{", "[1]", "{\"id\":}", "{\"id\":1}}",
                                       "\"id\""};
    struct seen *s = *state;
    struct data_event *e;
    unsigned count;
    struct change c = {.op = CHANGE_INSERT, .table = BYTES("nobody's")};

    assert_int_equal(
        data_change_events(fixture_data(s->f), &c, &s->arena, &e, &count),
        ERR_NOT_FOUND);
    c.table = BYTES("route_stops");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        c.row = bytes_of(rows[i]);
        assert_int_equal(
            data_change_events(fixture_data(s->f), &c, &s->arena, &e, &count),
            ERR_INVALID);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

RUN(TEST(has_the_type_of_the_first_rule_that_fits),
    TEST(says_whose_it_is_and_was), TEST(says_to_which_user),
    TEST(a_row_looks_as_over_http), TEST(a_deleted_row_is_its_key),
    TEST(who_reads_nothing_sees_nothing),
    TEST(every_resource_of_a_table_speaks),
    TEST(an_old_image_that_does_not_say_shows_nobody),
    TEST(a_key_has_one_spelling), TEST(foreign_rows_are_refused))
