/* SPDX-License-Identifier: MIT */
/*
 * test_write - who may write what, whose it becomes, and what stands in the
 * way. Nothing that was refused leaves a trace.
 * Threads: the test's.
 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>

static int setup(void **state)
{
    *state = lab_new();
    return 0;
}

static int teardown(void **state)
{
    fixture_free(*state);
    return 0;
}

static void check_value(struct fixture *f, const char *sql, const char *want)
{
    char *got = fixture_value(f, sql);

    if (strcmp(got, want))
        fail_msg("%s: got %s, want %s", sql, got, want);
    free(got);
}

/* mistake: a part of what is said, or NULL */
static void check_write(struct fixture *f, struct who who, enum write_op op,
                        const char *resource, const char *key, const char *json,
                        int error, const char *mistake)
{
    struct got g;

    fixture_write(f, who, op, resource, key, json, "", &g);
    if (g.error != error || (mistake && !strstr(g.mistake.text, mistake)))
        fail_msg("%s/%s %s: got %s '%s', want %s '%s'", resource,
                 key ? key : "", json ? json : "", error_name(g.error),
                 g.mistake.text, error_name(error), mistake ? mistake : "");
    if (error)
        assert_int_equal(g.offset, 0);
    got_fini(&g);
}

static void creates_with_a_key_of_the_database(void **state)
{
    struct got g, item;

    fixture_write(*state, manager, WRITE_CREATE, "stops", NULL,
                  "{\"clinic_id\":1,\"weight\":2.5,\"urgent\":true,"
                  "\"due_at\":\"2026-11-20T10:00:00+02:00\","
                  "\"proof\":{\"a\":[1,null]}}",
                  "", &g);
    assert_int_equal(g.error, 0);
    assert_string_equal(g.key, "5");
    assert_true(g.offset > 0);
    fixture_item(*state, manager, "stops", "5", "", &item);
    assert_string_equal(item.body, g.body);
    assert_true(item.version == g.version);
    got_fini(&g);
    got_fini(&item);
    check_value(*state,
                "SELECT lab_id || status || urgent || due_at || proof"
                " FROM route_stops WHERE id = 5",
                "1pending12026-11-20T08:00:00.000Z{\"a\":[1,null]}");
    check_write(*state, manager, WRITE_CREATE, "stops", NULL, "{}", 0, NULL);
}

static void makes_keys_of_text(void **state)
{
    char earlier[64];
    struct got g;

    fixture_write(*state, manager, WRITE_CREATE, "notes", NULL,
                  "{\"title\":\"one\"}", "", &g);
    assert_int_equal(g.error, 0);
    assert_int_equal(strlen(g.key), 36);
    assert_int_equal(g.key[14], '7');
    assert_non_null(strchr("89ab", g.key[19]));
    strcpy(earlier, g.key);
    got_fini(&g);
    fixture_write(*state, manager, WRITE_CREATE, "notes", NULL,
                  "{\"title\":\"two\"}", "", &g);
    assert_string_not_equal(g.key, earlier);
    assert_true(strncmp(g.key, earlier, 8) >= 0); /* they grow with time */
    got_fini(&g);
    check_write(*state, manager, WRITE_CREATE, "notes", NULL,
                "{\"id\":\"mine\",\"title\":\"three\"}", 0, NULL);
    check_write(*state, manager, WRITE_CREATE, "notes", NULL,
                "{\"id\":\"mine\",\"title\":\"four\"}", ERR_CONFLICT,
                "only one");
    check_write(*state, manager, WRITE_CREATE, "notes", NULL,
                "{\"title\":\"three\"}", ERR_CONFLICT, "only one");
}

static void patches_what_is_named(void **state)
{
    struct got g;

    fixture_write(*state, driver, WRITE_PATCH, "stops", "1",
                  "{\"status\":\"arrived\",\"notes\":null}", "", &g);
    assert_int_equal(g.error, 0);
    assert_string_equal(
        g.body, "{\"id\":1,\"clinic_id\":1,\"driver_id\":11,"
                "\"status\":\"arrived\",\"notes\":null,\"urgent\":true,"
                "\"due_at\":\"2026-11-20T08:00:00.000Z\",\"position\":1}");
    got_fini(&g);
    check_value(*state,
                "SELECT status || weight || secret FROM route_stops"
                " WHERE id = 1",
                "arrived1.5s1");
    /* The key, the tenant and the like may be said, as they are. */
    check_write(*state, driver, WRITE_PATCH, "stops", "1",
                "{\"id\":1,\"lab_id\":1,\"status\":\"done\"}", 0, NULL);
    check_write(*state, manager, WRITE_PATCH, "stops", "1",
                "{\"id\":2,\"status\":\"x\"}", ERR_INVALID, "id: a key");
    check_write(*state, manager, WRITE_PATCH, "stops", "1", "{}", ERR_INVALID,
                "at least one");
    check_write(*state, manager, WRITE_PATCH, "stops", "77",
                "{\"status\":\"x\"}", ERR_NOT_FOUND, NULL);
}

static void replaces_all_that_may_be_written(void **state)
{
    check_write(*state, driver, WRITE_REPLACE, "stops", "1",
                "{\"status\":\"done\"}", ERR_INVALID, "notes: a replacement");
    check_write(*state, driver, WRITE_REPLACE, "stops", "1",
                "{\"status\":\"done\",\"notes\":\"n\"}", 0, NULL);
    check_value(*state, "SELECT status || notes FROM route_stops WHERE id = 1",
                "donen");
}

static void rights_are_asked_column_by_column(void **state)
{
    check_write(*state, driver, WRITE_PATCH, "stops", "1", "{\"position\":9}",
                ERR_DENIED, "position: your role");
    check_write(*state, driver, WRITE_PATCH, "stops", "1", "{\"secret\":\"x\"}",
                ERR_INVALID, "secret: there is no such");
    check_write(*state, manager, WRITE_PATCH, "stops", "1",
                "{\"colour\":\"x\"}", ERR_INVALID, "colour: there is no such");
    check_write(*state, driver, WRITE_CREATE, "stops", NULL,
                "{\"status\":\"x\"}", ERR_DENIED, "may not create");
    check_write(*state, driver, WRITE_REMOVE, "stops", "1", NULL, ERR_DENIED,
                "may not remove");
    check_write(*state, driver, WRITE_PATCH, "clinics", "1", "{\"name\":\"x\"}",
                ERR_DENIED, "may not change");
    check_write(*state, clerk, WRITE_PATCH, "stops", "1", "{\"status\":\"x\"}",
                ERR_DENIED, "nothing to see");
    check_value(*state,
                "SELECT count(*) FROM fieldline_changes WHERE op <>"
                " 'R' AND tbl <> 'x'",
                "0");
}

static void a_row_stays_with_its_tenant(void **state)
{
    check_write(*state, manager, WRITE_CREATE, "stops", NULL, "{\"lab_id\":2}",
                ERR_DENIED, "lab_id: a row cannot");
    check_write(*state, manager, WRITE_PATCH, "stops", "1", "{\"lab_id\":2}",
                ERR_DENIED, "lab_id: a row cannot");
    check_write(*state, manager, WRITE_PATCH, "stops", "1", "{\"lab_id\":null}",
                ERR_INVALID, "lab_id");
    check_write(*state, stranger, WRITE_PATCH, "stops", "1",
                "{\"status\":\"x\"}", ERR_NOT_FOUND, NULL);
    check_write(*state, stranger, WRITE_REMOVE, "stops", "1", NULL,
                ERR_NOT_FOUND, NULL);
    check_value(*state,
                "SELECT group_concat(lab_id || status) FROM"
                " route_stops",
                "1pending,1done,1pending,2pending");
}

static void a_row_stays_with_its_user(void **state)
{
    const struct who boss = {"1", "10", MANAGE};

    check_write(*state, boss, WRITE_CREATE, "mine", NULL, "{\"driver_id\":11}",
                ERR_DENIED, "driver_id: a row cannot");
    check_write(*state, boss, WRITE_CREATE, "mine", NULL, "{}", 0, NULL);
    check_value(*state, "SELECT driver_id FROM route_stops WHERE id = 5", "10");
    check_write(*state, boss, WRITE_PATCH, "mine", "5", "{\"driver_id\":11}",
                ERR_DENIED, "driver_id: a row cannot");
    check_write(*state, boss, WRITE_PATCH, "mine", "1", "{\"status\":\"x\"}",
                ERR_NOT_FOUND, NULL);
}

/* What a row points to has to be visible: another tenant's and none look
 * alike. */
static void references_are_looked_for(void **state)
{
    static const char said[] = "clinic_id: there is no such row in 'clinics'";

    check_write(*state, manager, WRITE_PATCH, "stops", "1", "{\"clinic_id\":3}",
                ERR_INVALID, said);
    check_write(*state, manager, WRITE_PATCH, "stops", "1",
                "{\"clinic_id\":99}", ERR_INVALID, said);
    check_write(*state, manager, WRITE_CREATE, "stops", NULL,
                "{\"clinic_id\":3}", ERR_INVALID, said);
    check_write(*state, manager, WRITE_CREATE, "stops", NULL,
                "{\"clinic_id\":1,\"route_id\":2}", ERR_INVALID,
                "route_id: there is no such row in 'routes'");
    check_write(*state, manager, WRITE_PATCH, "stops", "1",
                "{\"clinic_id\":2,\"route_id\":null}", 0, NULL);
    check_value(*state, "SELECT clinic_id FROM route_stops WHERE id = 1", "2");
    check_value(*state, "SELECT count(*) FROM route_stops", "4");
}

static void values_are_checked(void **state)
{
    static const char *const cases[][2] = {
        {"{\"position\":\"1\"}", "position: expected a whole number or null"},
        {"{\"position\":1.5}", "position: expected a whole number"},
        {"{\"weight\":\"1\"}", "weight: expected a number"},
        {"{\"urgent\":1}", "urgent: expected true or false"},
        {"{\"urgent\":null}", "urgent: expected a value"},
        {"{\"notes\":5}", "notes: expected text"},
        {"{\"due_at\":\"soon\"}", "due_at: expected a time"},
        {"{\"due_at\":\"2026-13-01T00:00:00Z\"}", "due_at: expected a time"},
        {"{\"status\":\"wrong\"}", "rules refuse"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_write(*state, manager, WRITE_PATCH, "stops", "1", cases[i][0],
                    ERR_INVALID, cases[i][1]);
    check_write(*state, manager, WRITE_CREATE, "clinics", NULL, "{}",
                ERR_INVALID, "needs a value");
    check_write(*state, manager, WRITE_CREATE, "notes", NULL,
                "{\"title\":\"t\",\"scan\":\"AAAA\"}", ERR_INVALID,
                "bytes are read only");
    check_write(*state, manager, WRITE_PATCH, "stops", "1",
                "{\"proof\":\"text\"}", 0, NULL);
    check_value(*state, "SELECT proof FROM route_stops WHERE id = 1",
                "\"text\"");
}

static void removes(void **state)
{
    check_write(*state, manager, WRITE_REMOVE, "routes", "1", NULL,
                ERR_CONFLICT, "refer");
    check_write(*state, manager, WRITE_REMOVE, "stops", "1", NULL, 0, NULL);
    check_write(*state, manager, WRITE_REMOVE, "stops", "1", NULL,
                ERR_NOT_FOUND, NULL);
    check_value(*state, "SELECT count(*) FROM route_stops", "3");
}

static void etag_of(uint64_t version, const char *rest, char ret[64])
{
    struct buf b;

    buf_init(&b, 64);
    version_append(&b, version);
    (void)snprintf(ret, 64, "\"%.*s.%s\"", (int)b.len, b.at, rest);
    buf_fini(&b);
}

static int match(struct fixture *f, enum write_op op, const char *if_match)
{
    struct got g;
    int error;

    fixture_write(f, manager, op, "stops", "1",
                  op == WRITE_REMOVE ? NULL : "{\"notes\":\"seen\"}", if_match,
                  &g);
    error = g.error;
    got_fini(&g);
    return error;
}

/* The version alone is compared, whatever representation it was read in. */
static void if_match_compares_versions(void **state)
{
    char good[64], old[64], list[256];
    struct got g;

    fixture_item(*state, driver, "stops", "1", "fields=id", &g);
    etag_of(g.version, "whatever", good);
    etag_of(g.version + 1, "whatever", old);
    got_fini(&g);
    assert_int_equal(match(*state, WRITE_PATCH, old), ERR_PRECONDITION);
    assert_int_equal(match(*state, WRITE_PATCH, "\"\""), ERR_PRECONDITION);
    assert_int_equal(match(*state, WRITE_PATCH, "nonsense"), ERR_PRECONDITION);
    (void)snprintf(list, sizeof(list), "W/%s", good);
    assert_int_equal(match(*state, WRITE_PATCH, list), ERR_PRECONDITION);
    fixture_sql(*state, "UPDATE clinics SET name = 'New' WHERE id = 1");
    (void)snprintf(list, sizeof(list), "%s , %s", old, good);
    assert_int_equal(match(*state, WRITE_PATCH, list), 0);
    assert_int_equal(match(*state, WRITE_PATCH, list), ERR_PRECONDITION);
    assert_int_equal(match(*state, WRITE_REMOVE, list), ERR_PRECONDITION);
    assert_int_equal(match(*state, WRITE_PATCH, "*"), 0);
    assert_int_equal(match(*state, WRITE_REMOVE, "*"), 0);
    assert_int_equal(match(*state, WRITE_REMOVE, "*"), ERR_NOT_FOUND);
}

/* Two who read the same version: one of them is told. */
static void the_second_of_two_is_told(void **state)
{
    char tag[64];
    struct got g;

    fixture_item(*state, manager, "stops", "1", "", &g);
    etag_of(g.version, "r", tag);
    got_fini(&g);
    fixture_write(*state, driver, WRITE_PATCH, "stops", "1",
                  "{\"status\":\"a\"}", tag, &g);
    assert_int_equal(g.error, 0);
    got_fini(&g);
    fixture_write(*state, manager, WRITE_PATCH, "stops", "1",
                  "{\"status\":\"b\"}", tag, &g);
    assert_int_equal(g.error, ERR_PRECONDITION);
    got_fini(&g);
    check_value(*state, "SELECT status FROM route_stops WHERE id = 1", "a");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

RUN(TEST(creates_with_a_key_of_the_database), TEST(makes_keys_of_text),
    TEST(patches_what_is_named), TEST(replaces_all_that_may_be_written),
    TEST(rights_are_asked_column_by_column), TEST(a_row_stays_with_its_tenant),
    TEST(a_row_stays_with_its_user), TEST(references_are_looked_for),
    TEST(values_are_checked), TEST(removes), TEST(if_match_compares_versions),
    TEST(the_second_of_two_is_told))
