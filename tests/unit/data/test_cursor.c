/* SPDX-License-Identifier: MIT */
/*
 * test_cursor - pages by cursor (P37): nothing twice, nothing missed, nothing
 * of somebody else's, and a cursor that was touched does not open.
 * Threads: the test's.
 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>

#define ROWS_MAX 400

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

static char *first_cursor(struct fixture *f, struct who who,
                          const char *resource, const char *query)
{
    struct got g;
    char *next;

    fixture_list(f, who, resource, query, &g);
    assert_int_equal(g.error, 0);
    next = strdup(g.next);
    got_fini(&g);
    assert_true(next[0] != '\0');
    return next;
}

static void check_refused(struct fixture *f, struct who who,
                          const char *resource, const char *query,
                          const char *cursor)
{
    char full[1024];
    struct got g;

    (void)snprintf(full, sizeof(full), "%s&cursor=%s", query, cursor);
    fixture_list(f, who, resource, full, &g);
    if (g.error != ERR_INVALID || !strstr(g.mistake.text, "cursor"))
        fail_msg("%s: %s", full, error_name(g.error));
    got_fini(&g);
}

static void one_changed_character_is_refused(void **state)
{
    char *c = first_cursor(*state, manager, "stops", "limit=1&order=weight");
    size_t len = strlen(c);

    for (size_t i = 0; i < len; i++) {
        char was = c[i];

        c[i] = was == 'A' ? 'B' : 'A';
        check_refused(*state, manager, "stops", "limit=1&order=weight", c);
        c[i] = was;
    }
    c[len - 1] = '\0';
    check_refused(*state, manager, "stops", "limit=1&order=weight", c);
    free(c);
}

static void a_cursor_is_bound(void **state)
{
    static const char query[] = "limit=1&order=position";
    const struct who other = {"1", "12", DRIVE};
    char *c = first_cursor(*state, manager, "stops", query);
    char *mine = first_cursor(*state, driver, "mine", "limit=1");
    struct got g;
    char full[512];

    check_refused(*state, stranger, "stops", query, c);
    check_refused(*state, manager, "stops", "order=position.desc", c);
    check_refused(*state, manager, "stops", "order=weight", c);
    check_refused(*state, manager, "stops", "", c);
    check_refused(*state, manager, "clinics", "", c);
    check_refused(*state, other, "mine", "limit=1", mine);
    check_refused(*state, manager, "stops", "offset=1&order=position", c);
    fixture_restart(*state, "another secret");
    check_refused(*state, manager, "stops", query, c);
    fixture_restart(*state, "a secret");
    (void)snprintf(full, sizeof(full), "%s&cursor=%s", query, c);
    fixture_list(*state, manager, "stops", full, &g);
    assert_int_equal(g.error, 0);
    got_fini(&g);
    free(c);
    free(mine);
}

/* One list has one text: its ETag holds while nothing changes. */
static void a_cursor_says_the_same_each_time(void **state)
{
    char *a = first_cursor(*state, manager, "stops", "limit=1");
    char *b = first_cursor(*state, manager, "stops", "limit=1");

    assert_string_equal(a, b);
    assert_null(strstr(a, "pending"));
    free(a);
    free(b);
}

/* The ids that all pages together show, in order. */
static unsigned walk(struct fixture *f, const char *query, int ids[ROWS_MAX],
                     void (*between_fn)(struct fixture *, struct dice *),
                     struct dice *d)
{
    char *cursor = strdup("");
    unsigned count = 0;

    for (;;) {
        char full[2048];
        struct got g;
        json_t *body, *row;
        size_t i;

        (void)snprintf(full, sizeof(full), "fields=id&%s%s%s", query,
                       cursor[0] ? "&cursor=" : "", cursor);
        fixture_list(f, manager, "stops", full, &g);
        if (g.error)
            fail_msg("%s: %s", full, g.mistake.text);
        body = json_loads(g.body, 0, NULL);
        json_array_foreach(json_object_get(body, "data"), i, row)
        {
            assert_true(count < ROWS_MAX);
            ids[count++] = (int)json_integer_value(json_object_get(row, "id"));
        }
        json_decref(body);
        free(cursor);
        cursor = strdup(g.next);
        got_fini(&g);
        if (!cursor[0])
            break;
        if (between_fn)
            between_fn(f, d);
    }
    free(cursor);
    return count;
}

static void insert_random(struct fixture *f, struct dice *d, unsigned from,
                          unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char sql[512], weight[32] = "NULL", position[32] = "NULL";

        if (dice_below(d, 3))
            (void)snprintf(weight, sizeof(weight), "%u.%u", dice_below(d, 3),
                           dice_below(d, 2) * 5);
        if (dice_below(d, 3))
            (void)snprintf(position, sizeof(position), "%u", dice_below(d, 4));
        (void)snprintf(sql, sizeof(sql),
                       "INSERT INTO route_stops (id, lab_id, status, weight,"
                       " position, notes) VALUES (%u, %u, '%c', %s, %s, %s)",
                       from + i, 1u + (dice_below(d, 5) == 0),
                       (char)('a' + dice_below(d, 3)), weight, position,
                       dice_below(d, 2) ? "NULL" : "'n'");
        fixture_sql(f, sql);
    }
}

/* SQLite, asked in one piece, is the oracle. */
static unsigned oracle(struct fixture *f, const char *order, int ids[ROWS_MAX])
{
    char sql[512], *list, *at;
    unsigned count = 0;

    (void)snprintf(sql, sizeof(sql),
                   "SELECT group_concat(id) FROM (SELECT id FROM route_stops"
                   " WHERE lab_id = 1 ORDER BY %s)",
                   order);
    list = fixture_value(f, sql);
    for (at = list; *at; at += *at == ',')
        ids[count++] = (int)strtol(at, &at, 10);
    free(list);
    return count;
}

static const char *const orders[][2] = {
    {"order=status", "status, id"},
    {"order=status.desc", "status DESC, id DESC"},
    {"order=weight", "weight ASC NULLS LAST, id"},
    {"order=weight.desc", "weight DESC NULLS FIRST, id DESC"},
    {"order=weight.desc,status", "weight DESC NULLS FIRST, status, id"},
    {"order=status,weight.desc,position",
     "status, weight DESC NULLS FIRST, position ASC NULLS LAST, id"},
    {"order=position,weight,notes.desc",
     "position ASC NULLS LAST, weight ASC NULLS LAST,"
     " notes DESC NULLS FIRST, id DESC"},
    {"order=status.desc,id", "status DESC, id"},
    {"order=id.desc,status", "id DESC"},
    {"", "id"},
};

static void pages_are_the_list(void **state)
{
    int got[ROWS_MAX], want[ROWS_MAX];
    struct dice d;

    dice_new(&d, __func__);
    insert_random(*state, &d, 100, 120);
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        for (unsigned limit = 1; limit <= 200; limit = limit * 3 + 1) {
            unsigned got_count, want_count;
            char query[128];

            (void)snprintf(query, sizeof(query), "limit=%u&%s", limit,
                           orders[i][0]);
            got_count = walk(*state, query, got, NULL, NULL);
            want_count = oracle(*state, orders[i][1], want);
            assert_int_equal(got_count, want_count);
            assert_memory_equal(got, want, got_count * sizeof(*got));
        }
    }
}

static void insert_between(struct fixture *f, struct dice *d)
{
    static unsigned next = 1000;

    insert_random(f, d, next++, 1);
}

/* Rows come while pages are turned: what was there is shown once each, and
 * nothing is shown twice. */
static void inserts_while_paging(void **state)
{
    struct dice d;

    dice_new(&d, __func__);
    insert_random(*state, &d, 100, 60);
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        int before[ROWS_MAX], got[ROWS_MAX];
        unsigned count = oracle(*state, orders[i][1], before), shown, at = 0;
        char query[128];

        (void)snprintf(query, sizeof(query), "limit=7&%s", orders[i][0]);
        shown = walk(*state, query, got, insert_between, &d);
        for (unsigned k = 0; k < shown; k++) {
            for (unsigned j = 0; j < k; j++)
                assert_int_not_equal(got[j], got[k]);
            if (at < count && got[k] == before[at])
                at++;
        }
        assert_int_equal(at, count);
    }
}

/* Exact values, not their texts: two doubles that print alike, a time with
 * its decimals, a text that no URL would hold. */
static void values_survive_exactly(void **state)
{
    int got[ROWS_MAX], want[ROWS_MAX];

    fixture_sql(*state,
                "INSERT INTO route_stops (id, lab_id, weight, notes) VALUES"
                " (50, 1, 0.1, 'a'), (51, 1, 0.1 + 1e-17, 'a'),"
                " (52, 1, 0.30000000000000004, 'a''\"%&='), (53, 1, 0.3,"
                " 'a' || char(10) || 'b'), (54, 1, 1e300, ''),"
                " (55, 1, 9007199254740993, 'ä')");
    for (unsigned i = 0; i < 2; i++) {
        unsigned n =
            walk(*state, i ? "limit=1&order=notes" : "limit=1&order=weight",
                 got, NULL, NULL);

        assert_int_equal(
            n,
            oracle(*state, i ? "notes NULLS LAST, id" : "weight NULLS LAST, id",
                   want));
        assert_memory_equal(got, want, n * sizeof(*got));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

RUN(TEST(one_changed_character_is_refused), TEST(a_cursor_is_bound),
    TEST(a_cursor_says_the_same_each_time), TEST(pages_are_the_list),
    TEST(inserts_while_paging), TEST(values_survive_exactly))
