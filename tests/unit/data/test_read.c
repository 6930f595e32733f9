/* SPDX-License-Identifier: MIT */
/*
 * test_read - what lists and items look like, and whose rows are in them.
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

/* want NULL: refused */
static void check_body(struct fixture *f, struct who who, const char *resource,
                       const char *key, const char *query, const char *want)
{
    struct got g;

    fixture_item(f, who, resource, key, query, &g);
    if (!want) {
        assert_int_equal(g.error, ERR_INVALID);
        got_fini(&g);
        return;
    }
    if (g.error)
        fail_msg("%s?%s: %s %s", resource, query, error_name(g.error),
                 g.mistake.text);
    if (strcmp(g.body, want))
        fail_msg("%s?%s:\n got %s\nwant %s", resource, query, g.body, want);
    got_fini(&g);
}

static void check_error(struct fixture *f, struct who who, const char *resource,
                        const char *key, int want)
{
    struct got g;

    fixture_item(f, who, resource, key, "", &g);
    assert_int_equal(g.error, want);
    assert_string_equal(g.body, "");
    got_fini(&g);
}

static void writes_rows_by_their_kinds(void **state)
{
    check_body(*state, manager, "stops", "1", "",
               "{\"id\":1,\"lab_id\":1,\"route_id\":1,\"clinic_id\":1,"
               "\"driver_id\":11,\"status\":\"pending\","
               "\"notes\":\"Ring twice\",\"weight\":1.5,\"urgent\":true,"
               "\"due_at\":\"2026-11-20T08:00:00.000Z\","
               "\"proof\":{\"by\":\"A\"},\"position\":1,\"secret\":\"s1\"}");
    check_body(*state, manager, "stops", "2",
               "fields=notes,weight,urgent,proof,due_at",
               "{\"notes\":null,\"weight\":2,\"urgent\":false,"
               "\"due_at\":\"2026-11-20T09:30:00.250Z\",\"proof\":null}");
    check_body(*state, manager, "countries", NULL, "fields=id,name",
               "{\"data\":[{\"id\":\"de\",\"name\":\"Germany\"},"
               "{\"id\":\"fr\",\"name\":\"France\"}],\"next\":null}");
}

static void cuts_to_what_a_role_reads(void **state)
{
    check_body(*state, driver, "stops", "1", "",
               "{\"id\":1,\"clinic_id\":1,\"driver_id\":11,"
               "\"status\":\"pending\",\"notes\":\"Ring twice\","
               "\"urgent\":true,\"due_at\":\"2026-11-20T08:00:00.000Z\","
               "\"position\":1}");
    check_body(*state, driver, "stops", "1", "fields=*",
               "{\"id\":1,\"clinic_id\":1,\"driver_id\":11,"
               "\"status\":\"pending\",\"notes\":\"Ring twice\","
               "\"urgent\":true,\"due_at\":\"2026-11-20T08:00:00.000Z\","
               "\"position\":1}");
    check_body(*state, driver, "routes", "1", "fields=stops.secret", NULL);
}

static void joins_to_one(void **state)
{
    check_body(*state, manager, "stops", NULL,
               "fields=id,clinic.name,route.*&order=position.desc,id",
               "{\"data\":["
               "{\"id\":2,\"clinic\":{\"name\":\"South\"},"
               "\"route\":{\"id\":1,\"lab_id\":1,\"name\":\"morning\"}},"
               "{\"id\":3,\"clinic\":null,"
               "\"route\":{\"id\":1,\"lab_id\":1,\"name\":\"morning\"}},"
               "{\"id\":1,\"clinic\":{\"name\":\"North\"},"
               "\"route\":{\"id\":1,\"lab_id\":1,\"name\":\"morning\"}}],"
               "\"next\":null}");
    check_body(*state, manager, "stops", "1", "fields=clinic.name",
               "{\"clinic\":{\"name\":\"North\"}}");
}

static void gathers_to_many(void **state)
{
    fixture_sql(*state, "INSERT INTO routes VALUES (5, 1, 'empty'),"
                        " (6, 1, 'stolen');"
                        "INSERT INTO route_stops (id, lab_id, route_id) VALUES"
                        " (60, 1, 6), (61, 2, 6)");
    check_body(*state, manager, "routes", NULL, "fields=id,stops.id",
               "{\"data\":["
               "{\"id\":1,\"stops\":[{\"id\":1},{\"id\":2},{\"id\":3}]},"
               "{\"id\":5,\"stops\":[]},"
               "{\"id\":6,\"stops\":[{\"id\":60}]}],\"next\":null}");
    check_body(*state, manager, "routes", "6", "fields=stops.status",
               "{\"stops\":[{\"status\":\"pending\"}]}");
    check_body(*state, stranger, "routes", NULL, "fields=stops.id",
               "{\"data\":[{\"stops\":[{\"id\":4}]}],\"next\":null}");
}

/* Never a part of the related rows in silence. */
static void refuses_too_many_related_rows(void **state)
{
    struct got g;

    fixture_sql(*state,
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                " WHERE i < 1001) INSERT INTO route_stops (lab_id, route_id)"
                " SELECT 1, 1 FROM n");
    fixture_list(*state, manager, "routes", "fields=stops.id", &g);
    assert_int_equal(g.error, ERR_INVALID);
    assert_non_null(strstr(g.mistake.text, "more than 1000"));
    got_fini(&g);
}

static void other_tenants_are_not_there(void **state)
{
    check_error(*state, stranger, "stops", "1", ERR_NOT_FOUND);
    check_error(*state, manager, "stops", "4", ERR_NOT_FOUND);
    check_error(*state, manager, "stops", "99", ERR_NOT_FOUND);
    check_error(*state, manager, "stops", "one", ERR_NOT_FOUND);
    check_error(*state, manager, "stops", "1 OR 1=1", ERR_NOT_FOUND);
    check_body(*state, stranger, "stops", NULL, "fields=id,clinic.name",
               "{\"data\":[{\"id\":4,\"clinic\":{\"name\":\"Foreign\"}}],"
               "\"next\":null}");
    check_body(*state, stranger, "stops", NULL, "fields=id&status=eq.done",
               "{\"data\":[],\"next\":null}");
}

/* Stop 3 of lab 1 points to a clinic of lab 2: it must not show. */
static void a_foreign_relation_does_not_show(void **state)
{
    check_body(*state, manager, "stops", "3", "fields=clinic_id,clinic.*",
               "{\"clinic_id\":3,\"clinic\":null}");
}

static void a_user_sees_his_own(void **state)
{
    const struct who other = {"1", "12", DRIVE}, far = {"2", "11", DRIVE};

    check_body(*state, driver, "mine", NULL, "fields=id",
               "{\"data\":[{\"id\":1},{\"id\":2}],\"next\":null}");
    check_body(*state, other, "mine", NULL, "fields=id",
               "{\"data\":[{\"id\":3}],\"next\":null}");
    check_body(*state, far, "mine", NULL, "fields=id",
               "{\"data\":[{\"id\":4}],\"next\":null}");
    check_error(*state, driver, "mine", "3", ERR_NOT_FOUND);
    check_error(*state, far, "mine", "1", ERR_NOT_FOUND);
}

static void a_version_is_that_of_the_row(void **state)
{
    struct got manager_got, driver_got, after;

    fixture_item(*state, manager, "stops", "1", "fields=id,clinic.name",
                 &manager_got);
    fixture_item(*state, driver, "stops", "1", "", &driver_got);
    assert_true(manager_got.version == driver_got.version);
    fixture_sql(*state, "UPDATE clinics SET name = 'Newer' WHERE id = 1");
    fixture_item(*state, driver, "stops", "1", "", &after);
    assert_true(after.version == driver_got.version);
    got_fini(&after);
    fixture_sql(*state, "UPDATE route_stops SET secret = '' WHERE id = 1");
    fixture_item(*state, driver, "stops", "1", "", &after);
    assert_true(after.version != driver_got.version);
    got_fini(&driver_got);
    driver_got = after;
    fixture_sql(*state, "UPDATE route_stops SET secret = NULL WHERE id = 1");
    fixture_item(*state, driver, "stops", "1", "", &after);
    assert_true(after.version != driver_got.version);
    got_fini(&after);
    got_fini(&driver_got);
    got_fini(&manager_got);
}

static void warms_every_role(void **state)
{
    /* six resources for two roles, item and list each */
    assert_int_equal(fixture_warm(*state), 6 * 2 * 2);
    assert_int_equal(fixture_warm(*state), 6 * 2 * 2);
}

/* More shapes than a worker keeps: the oldest go, all are answered. */
static void shapes_are_bounded(void **state)
{
    for (unsigned i = 0; i < 600; i++) {
        char query[128];
        struct got g;

        (void)snprintf(
            query, sizeof(query), "fields=id%s%s%s%s&%s%s%s%s%s%s",
            i & 1 ? ",status" : "", i & 2 ? ",notes" : "",
            i & 4 ? ",weight" : "", i & 8 ? ",urgent" : "",
            i & 16 ? "position=gt.0&" : "", i & 32 ? "order=status&" : "",
            i & 64 ? "weight=gt.0&" : "", i & 128 ? "urgent=is.true&" : "",
            i & 256 ? "notes=is.null&" : "",
            i & 512 ? "route_id=eq.1" : "due_at=is.null");
        fixture_list(*state, manager, "stops", query, &g);
        assert_int_equal(g.error, 0);
        got_fini(&g);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

RUN(TEST(writes_rows_by_their_kinds), TEST(cuts_to_what_a_role_reads),
    TEST(joins_to_one), TEST(gathers_to_many),
    TEST(refuses_too_many_related_rows), TEST(other_tenants_are_not_there),
    TEST(a_foreign_relation_does_not_show), TEST(a_user_sees_his_own),
    TEST(a_version_is_that_of_the_row), TEST(warms_every_role),
    TEST(shapes_are_bounded))
