/* SPDX-License-Identifier: MIT */
/*
 * test_sql - the statements of both dialects, as they go to the database.
 *
 * The schema is looked up once, on SQLite; what is written for PostgreSQL
 * differs by the dialect alone.
 * Threads: the test's.
 */
#include "fixture.h"

#include "data/sql.h"

#include <stdlib.h>

static struct fixture *lab;
static struct sql sql;
static struct query query;
static struct arena arena;

static int setup(void **state)
{
    lab = lab_new();
    arena_init(&arena, 1 << 20);
    buf_init(&sql.text, SQL_BYTES_MAX);
    return 0;
}

static int teardown(void **state)
{
    buf_fini(&sql.text);
    arena_fini(&arena);
    fixture_free(lab);
    return 0;
}

static void ask(enum store_dialect dialect, const char *text)
{
    const struct viewer viewer = {BYTES("1"), BYTES("11"), MANAGE};
    struct bytes left = bytes_of(text), pair, name, value;
    bool more = left.len > 0;

    fixture_data(lab)->dialect = dialect;
    assert_int_equal(
        query_init(&query,
                   data_resource_named(fixture_data(lab), BYTES("stops")),
                   &viewer, &arena),
        0);
    while (more) {
        more = bytes_cut(left, '&', &pair, &left);
        bytes_cut(pair, '=', &name, &value);
        if (query_add(&query, name, value))
            fail_msg("%s: %s", text, query.mistake.text);
    }
    assert_int_equal(query_finish(&query, NULL), 0);
}

static void check_list(enum store_dialect dialect, const char *text,
                       const char *want)
{
    ask(dialect, text);
    sql_list(&sql, &query);
    assert_false(sql.overflow);
    check_bytes(buf_bytes(&sql.text), want);
}

#define FROM " FROM \"route_stops\" AS t"
#define SEEN " WHERE 1 = 1 AND t.\"lab_id\" = $1"

static void lists(void **state)
{
    check_list(STORE_SQLITE, "fields=id",
               "SELECT t.\"id\",t.\"id\"" FROM SEEN
               " ORDER BY t.\"id\" ASC LIMIT $2");
    check_list(STORE_SQLITE, "fields=id&order=weight.desc,status&offset=3",
               "SELECT t.\"id\",t.\"weight\",t.\"status\",t.\"id\"" FROM SEEN
               " ORDER BY t.\"weight\" DESC NULLS FIRST,t.\"status\" ASC,"
               "t.\"id\" ASC LIMIT $2 OFFSET $3");
    check_list(STORE_POSTGRES, "fields=id&order=weight.desc,notes",
               "SELECT t.\"id\",t.\"weight\",t.\"notes\",t.\"id\"" FROM SEEN
               " ORDER BY t.\"weight\" DESC,t.\"notes\" ASC,t.\"id\" ASC"
               " LIMIT $2");
    check_list(STORE_POSTGRES,
               "fields=id&notes=like.a%*\\%&proof=not.cs.{}&urgent=is.true",
               "SELECT t.\"id\",t.\"id\"" FROM SEEN " AND (t.\"notes\" LIKE $2)"
               " AND NOT (t.\"proof\"::jsonb @> $3::jsonb)"
               " AND (t.\"urgent\" IS TRUE)"
               " ORDER BY t.\"id\" ASC LIMIT $4");
    check_bytes(sql.params[1].bytes, "a%%\\%");
    check_list(STORE_SQLITE, "fields=id&notes=like.a%\\*_\\%",
               "SELECT t.\"id\",t.\"id\"" FROM SEEN
               " AND (t.\"notes\" GLOB $2) ORDER BY t.\"id\" ASC LIMIT $3");
    check_bytes(sql.params[1].bytes, "a*[*]?%");
}

/* Few shapes for many lengths. */
static void lists_of_values_are_padded(void **state)
{
    check_list(STORE_SQLITE, "fields=id&position=in.1,2,3",
               "SELECT t.\"id\",t.\"id\"" FROM SEEN
               " AND (t.\"position\" IN ($2,$3,$4,$5))"
               " ORDER BY t.\"id\" ASC LIMIT $6");
    assert_int_equal(sql.params[3].integer, 3);
    assert_int_equal(sql.params[4].integer, 3);
}

static void relations_are_joined_where_they_are_visible(void **state)
{
    check_list(STORE_SQLITE, "fields=clinic.name",
               "SELECT \"r.clinic\".\"id\",\"r.clinic\".\"name\",t.\"id\"" FROM
               " LEFT JOIN \"clinics\" AS \"r.clinic\" ON \"r.clinic\".\"id\""
               " = t.\"clinic_id\" AND \"r.clinic\".\"lab_id\" = $1"
               " WHERE 1 = 1 AND t.\"lab_id\" = $2"
               " ORDER BY t.\"id\" ASC LIMIT $3");
}

static void resumed(enum store_dialect dialect, const char *order,
                    struct value first, const char *want)
{
    const char *at;

    ask(dialect, order);
    query.after[0] = first;
    query.after[1] = value_int(5);
    query.resumed = true;
    sql_list(&sql, &query);
    at = memmem(sql.text.at, sql.text.len, "= $1", 4);
    check_bytes(
        (struct bytes){at + 4, sql.text.len - (size_t)(at + 4 - sql.text.at)},
        want);
}

static void pages_resume(void **state)
{
    resumed(STORE_POSTGRES, "fields=id&order=status.desc",
            value_text(BYTES("x")),
            " AND (t.\"status\",t.\"id\") < ($2,$3)"
            " ORDER BY t.\"status\" DESC,t.\"id\" DESC LIMIT $4");
    resumed(STORE_POSTGRES, "fields=id&order=weight", value_double(1),
            " AND (t.\"weight\" >= $2 OR t.\"weight\" IS NULL)"
            " AND ((t.\"weight\" > $2 OR t.\"weight\" IS NULL)"
            " OR t.\"weight\" = $2 AND ((t.\"id\" > $3)))"
            " ORDER BY t.\"weight\" ASC,t.\"id\" ASC LIMIT $4");
    resumed(STORE_POSTGRES, "fields=id&order=weight", value_null(),
            " AND (1 = 0 OR t.\"weight\" IS NULL AND ((t.\"id\" > $2)))"
            " ORDER BY t.\"weight\" ASC,t.\"id\" ASC LIMIT $3");
    resumed(STORE_POSTGRES, "fields=id&order=weight.desc", value_null(),
            " AND (t.\"weight\" IS NOT NULL OR t.\"weight\" IS NULL"
            " AND ((t.\"id\" < $2)))"
            " ORDER BY t.\"weight\" DESC,t.\"id\" DESC LIMIT $3");
}

/* The limits of a query stay below those of a statement. */
static void the_largest_query_fits(void **state)
{
    char text[4096] = "fields=*,clinic.*,route.*&position=in.1";

    for (unsigned i = 1; i < QUERY_VALUES_MAX; i++)
        strcat(text, ",1");
    strcat(text, "&order=position,status.desc,weight,due_at.desc");
    ask(STORE_SQLITE, text);
    for (unsigned i = 0; i < query.order_count; i++)
        query.after[i] = value_int(1);
    query.resumed = true;
    sql_list(&sql, &query);
    assert_int_equal(buf_error(&sql.text), 0);
    assert_false(sql.overflow);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

RUN(TEST(lists), TEST(lists_of_values_are_padded),
    TEST(relations_are_joined_where_they_are_visible), TEST(pages_resume),
    TEST(the_largest_query_fits))
