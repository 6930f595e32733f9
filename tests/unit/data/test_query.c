/* SPDX-License-Identifier: MIT */
/*
 * test_query - every operator, every parameter, and what is said of mistakes.
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

/* The ids of a list, as "1,2". */
static void check_ids(struct fixture *f, struct who who, const char *query,
                      const char *want)
{
    char ids[256] = "", full[512];
    struct got g;
    json_t *body, *row;
    size_t i;

    (void)snprintf(full, sizeof(full), "fields=id&%s", query);
    fixture_list(f, who, "stops", full, &g);
    if (g.error)
        fail_msg("%s: %s %s", query, error_name(g.error), g.mistake.text);
    body = json_loads(g.body, 0, NULL);
    assert_non_null(body);
    json_array_foreach(json_object_get(body, "data"), i, row)
    {
        size_t at = strlen(ids);

        (void)snprintf(ids + at, sizeof(ids) - at, "%s%d", i ? "," : "",
                       (int)json_integer_value(json_object_get(row, "id")));
    }
    json_decref(body);
    got_fini(&g);
    if (strcmp(ids, want))
        fail_msg("%s: got %s, want %s", query, ids, want);
}

static void filters_by_every_operator(void **state)
{
    static const char *const cases[][2] = {
        {"status=eq.pending", "1,3"},
        {"status=not.eq.pending", "2"},
        {"status=ne.pending", "2"},
        {"position=lt.2", "1"},
        {"position=lte.2", "1,2,3"},
        {"position=gt.1", "2,3"},
        {"position=gte.1&position=lt.2", "1"},
        {"position=not.gt.1", "1"},
        {"status=in.done,lost", "2"},
        {"status=in.(pending,done,lost)", "1,2,3"},
        {"status=not.in.done,lost,stolen", "1,3"},
        {"notes=in.\"Ring twice\",\"a,\"\"b\"", "1"},
        {"notes=like.%25", ""}, /* not decoded here: a literal 2 and 5 */
        {"notes=like.Ring%", "1"},
        {"notes=like.ring%", "3"},
        {"notes=like._ing%", "1,3"},
        {"notes=like.%100\\%", "3"},
        {"notes=like.*", "1,3"},
        {"notes=like.Ring*", "1"},
        {"notes=like.\\*", ""},
        {"notes=like.[Rr]ing%", ""},
        {"notes=not.like.Ring%", "3"},
        {"notes=is.null", "2"},
        {"notes=not.is.null", "1,3"},
        {"urgent=is.true", "1"},
        {"urgent=is.false", "2,3"},
        {"urgent=eq.true", "1"},
        {"weight=eq.1.5", "1"},
        {"weight=eq.2", "2"},
        {"weight=gt.1.4", "1,2"},
        {"due_at=eq.2026-11-20T09:00:00%2B01:00", NULL},
        {"due_at=eq.2026-11-20T09:00:00+01:00", "1"},
        {"due_at=gte.2026-11-20T09:30:00.25Z", "2"},
        {"due_at=lt.2026-11-21", "1,2"},
        {"status=eq.' OR 1=1 --", ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (cases[i][1])
            check_ids(*state, manager, cases[i][0], cases[i][1]);
    }
}

static void sorts_and_pages(void **state)
{
    check_ids(*state, manager, "order=position.desc", "3,2,1");
    check_ids(*state, manager, "order=position.desc,id", "2,3,1");
    check_ids(*state, manager, "order=status,position.asc", "2,1,3");
    check_ids(*state, manager, "order=weight", "1,2,3");      /* NULL last */
    check_ids(*state, manager, "order=weight.desc", "3,2,1"); /* and first */
    check_ids(*state, manager, "limit=1&offset=1", "2");
    check_ids(*state, manager, "offset=5", "");
}

static void says_what_was_expected(void **state)
{
    static const char *const cases[][3] = {
        /* query, the parameter, what was expected */
        {"limit=0", "limit: got '0'", "1 to 200"},
        {"limit=201", "limit: got '201'", "1 to 200"},
        {"limit=ten", "limit: got 'ten'", "whole number"},
        {"limit=5&limit=6", "limit: got '6'", "once"},
        {"offset=-1", "offset: got '-1'", "whole number"},
        {"offset=10001", "offset: got '10001'", "cursor"},
        {"count=yes", "count: got 'yes'", "exact"},
        {"nothing=eq.1", "nothing: got 'eq.1'", "declared as a filter"},
        {"driver_id=eq.1", "driver_id: got 'eq.1'", "declared as a filter"},
        {"status=pending", "status: got 'pending'", "op.value"},
        {"status=near.x", "status: got 'near.x'", "op.value"},
        {"position=eq.two", "position: got 'two'", "whole number"},
        {"position=eq.1.5", "position: got '1.5'", "whole number"},
        {"position=in.1,x", "position: got 'x'", "whole number"},
        {"position=like.1%", "position: got '1%'", "text column"},
        {"weight=eq.NaN", "weight: got 'NaN'", "number"},
        {"urgent=eq.1", "urgent: got '1'", "true or false"},
        {"status=is.true", "status: got 'true'", "is.null"},
        {"due_at=gt.yesterday", "due_at: got 'yesterday'", "2026-11-20T"},
        {"proof=eq.{}", "proof: got '{}'", "is or cs"},
        {"proof=cs.{}", "proof: got '{}'", "PostgreSQL"},
        {"notes=like.a\\", "notes: got 'a\\'", "backslash"},
        {"notes=like.%a%a%a%a%", "notes: got '%a%a%a%a%'", "four * or %"},
        {"notes=in.\"a", "notes: got '\"a'", "in.a,b"},
        {"status=eq.\xff", "status: got", "UTF-8"},
        {"order=driver_id", "order: got 'driver_id'", "declared for sorting"},
        {"order=position.up", "order: got 'position.up'", "declared for"},
        {"order=position,position", "order: got 'position'", "once"},
        {"fields=id,nothing", "fields: got 'nothing'", "may read"},
        {"fields=", "fields: got ''", "may read"},
        {"fields=clinic.nothing", "fields: got 'clinic.nothing'", "may read"},
        {"fields=nobody.id", "fields: got 'nobody.id'", "may read"},
        {"cursor=", "cursor: got ''", "next"},
        {"cursor=abc", "cursor: got 'abc'", "next"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct got g;

        fixture_list(*state, manager, "stops", cases[i][0], &g);
        if (g.error != ERR_INVALID || !strstr(g.mistake.text, cases[i][1]) ||
            !strstr(g.mistake.text, cases[i][2]))
            fail_msg("%s: %s: %s", cases[i][0], error_name(g.error),
                     g.mistake.text);
        got_fini(&g);
    }
}

/* A driver may not read secret: nor filter, sort or ask for it, and what is
 * said does not tell it from a column that is not there. */
static void unreadable_columns_are_not_there(void **state)
{
    static const char *const queries[] = {"secret=eq.s1", "order=secret",
                                          "fields=secret", "weight=gt.1"};

    for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
        struct got g;

        fixture_list(*state, driver, "stops", queries[i], &g);
        assert_int_equal(g.error, ERR_INVALID);
        got_fini(&g);
    }
    check_ids(*state, manager, "secret=eq.s1&order=secret", "1");
}

static void no_role_sees_nothing(void **state)
{
    const struct who none = {"1", "10", 0}, lost = {"", "10", MANAGE},
                     odd = {"01", "10", MANAGE}, text = {"x", "10", MANAGE};
    const struct who all[] = {none, lost, odd, text, clerk};
    struct got g;

    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        fixture_list(*state, all[i], "stops", "", &g);
        assert_int_equal(g.error, ERR_DENIED);
        got_fini(&g);
    }
}

/* P36 */
static void count_is_asked_for(void **state)
{
    struct got g;

    fixture_list(*state, manager, "stops", "limit=1&fields=id", &g);
    assert_null(strstr(g.body, "count"));
    got_fini(&g);
    fixture_list(*state, manager, "stops",
                 "limit=1&fields=id&count=exact&status=eq.pending", &g);
    assert_non_null(strstr(g.body, ",\"count\":2}"));
    got_fini(&g);
}

RUN(cmocka_unit_test_setup_teardown(filters_by_every_operator, setup, teardown),
    cmocka_unit_test_setup_teardown(sorts_and_pages, setup, teardown),
    cmocka_unit_test_setup_teardown(says_what_was_expected, setup, teardown),
    cmocka_unit_test_setup_teardown(unreadable_columns_are_not_there, setup,
                                    teardown),
    cmocka_unit_test_setup_teardown(no_role_sees_nothing, setup, teardown),
    cmocka_unit_test_setup_teardown(count_is_asked_for, setup, teardown))
