/* SPDX-License-Identifier: MIT */
/*
 * triggers - every way to change a row leaves what the feed needs, whoever
 * does it; and nothing the host writes can fail because of us.
 * Threads: the test's, the rig's worker, the store's own.
 */
#include "rig.h"

#include <stdio.h>
#include <string.h>

static const char schema[] =
    "CREATE TABLE stops(id INTEGER PRIMARY KEY, lab INTEGER, status TEXT,"
    " code TEXT COLLATE NOCASE, done BOOLEAN, extra JSON, lat REAL, bin BLOB,"
    " UNIQUE(lab, code));"
    "CREATE TABLE keyed(id TEXT PRIMARY KEY, x);"
    "CREATE TABLE \"o'dd \"\"one\"(\"the key\" TEXT PRIMARY KEY,"
    " \"it's\" TEXT);"
    "CREATE TABLE soft(id INTEGER PRIMARY KEY, a, gone);"
    "CREATE UNIQUE INDEX \"soft (where)\" ON soft /* (where) */ (a)"
    " WHERE soft.gone IS NULL AND a <> ')' -- the live ones\n;"
    "CREATE UNIQUE INDEX soft_expression ON soft(abs(id));"
    "CREATE TABLE coded(number INTEGER PRIMARY KEY, code TEXT UNIQUE);"
    "CREATE TABLE child(id INTEGER PRIMARY KEY, stop INTEGER REFERENCES"
    " stops(id) ON DELETE CASCADE);";

static const struct publish_spec specs[] = {
    {.table = {"stops", 5},
     .key = {"id", 2},
     .tenant = {"lab", 3},
     .old_count = 2,
     .old = {{"status", 6}, {"lab", 3}}},
    {.table = {"keyed", 5}, .key = {"id", 2}},
    {.table = {"o'dd \"one", 9}, .key = {"the key", 7}},
    {.table = {"soft", 4}, .key = {"id", 2}},
    {.table = {"coded", 5}, .key = {"code", 4}},
    {.table = {"child", 5}, .key = {"id", 2}},
};

static struct rig rig;
static uint64_t start;

static int setup(void **state)
{
    struct feed_state s;
    bool unchanged;

    rig_open(&rig, schema, specs, ARRAY_LEN(specs));
    assert_int_equal(rig_feed_state(&rig, &s, &unchanged), 0);
    start = s.head;
    return 0;
}

static int teardown(void **state)
{
    rig_close(&rig);
    return 0;
}

static void shell(const char *sql)
{
    if (rig_shell(&rig, sql) || rig.text_len)
        fail_msg("%s: %s", sql, rig.text);
}

/* What the statements since the last call left. */
static void left(const char *want)
{
    struct feed_state s;
    bool unchanged;

    rig_changes(&rig, start);
    rig_shows(&rig, want);
    assert_int_equal(rig_feed_state(&rig, &s, &unchanged), 0);
    start = s.head;
}

static void tells_insert_update_delete(void **state)
{
    shell("INSERT INTO keyed VALUES ('a', 1)");
    left("I keyed a t= {\"id\":\"a\",\"x\":1}  w=\n");
    shell("UPDATE keyed SET x = 2");
    left("U keyed a t= {\"id\":\"a\",\"x\":2} {} w=\n");
    shell("UPDATE keyed SET x = 2");
    left("U keyed a t= {\"id\":\"a\",\"x\":2} {} w=\n");
    shell("DELETE FROM keyed");
    left("D keyed a t=  {} w=\n");
}

static void tells_old_scope_and_filters(void **state)
{
    shell("INSERT INTO stops(id, lab, status) VALUES (1, 7, 'open')");
    left("I stops 1 t=7 {\"id\":1,\"lab\":7,\"status\":\"open\","
         "\"code\":null,\"done\":null,\"extra\":null,\"lat\":null,"
         "\"bin\":null}  w=\n");
    shell("UPDATE stops SET lab = 8, status = 'done'");
    left("U stops 1 t=8 {\"id\":1,\"lab\":8,\"status\":\"done\","
         "\"code\":null,\"done\":null,\"extra\":null,\"lat\":null,"
         "\"bin\":null} {\"lab\":7,\"status\":\"open\"} w=\n");
    shell("DELETE FROM stops");
    left("D stops 1 t=8  {\"lab\":8,\"status\":\"done\"} w=\n");
}

static void spells_values_as_json(void **state)
{
    shell("INSERT INTO stops(id, lab, status, code, done, extra, lat, bin)"
          " VALUES (9007199254740993, 1, 'q\\\"', 'x', 1, '{\\\"a\\\": [1]}',"
          " 0.1 + 0.2, x'00ff')");
    left("I stops 9007199254740993 t=1 {\"id\":9007199254740993,\"lab\":1,"
         "\"status\":\"q\\\"\",\"code\":\"x\",\"done\":true,"
         "\"extra\":{\"a\":[1]},\"lat\":0.30000000000000004,"
         "\"bin\":null}  w=\n");
    shell("UPDATE stops SET done = 0, extra = 'no json', lat = 52.5,"
          " status = NULL");
    left("U stops 9007199254740993 t=1 {\"id\":9007199254740993,\"lab\":1,"
         "\"status\":null,\"code\":\"x\",\"done\":false,"
         "\"extra\":\"no json\",\"lat\":52.5,\"bin\":null}"
         " {\"lab\":1,\"status\":\"q\\\"\"} w=\n");
}

/* Values that JSON cannot hold: the host's statement must not fail. */
static void never_fails_the_host(void **state)
{
    shell("INSERT INTO keyed VALUES ('a', 9e999), ('b', -9e999), ('c', x'ff'),"
          " (NULL, 1), (x'0aff', 2), ('d', '')");
    left("I keyed a t= {\"id\":\"a\",\"x\":null}  w=\n"
         "I keyed b t= {\"id\":\"b\",\"x\":null}  w=\n"
         "I keyed c t= {\"id\":\"c\",\"x\":null}  w=\n"
         "I keyed  t= {\"id\":null,\"x\":1}  w=\n"
         "I keyed 0aff t= {\"id\":null,\"x\":2}  w=\n"
         "I keyed d t= {\"id\":\"d\",\"x\":\"\"}  w=\n");
    shell("INSERT INTO stops(id, lab, extra, done) VALUES (1, 'x', x'7b7d',"
          " 'maybe')");
    left("I stops 1 t=x {\"id\":1,\"lab\":\"x\",\"status\":null,"
         "\"code\":null,\"done\":\"maybe\",\"extra\":null,\"lat\":null,"
         "\"bin\":null}  w=\n");
}

static void quotes_odd_names(void **state)
{
    shell("INSERT INTO \\\"o'dd \\\"\\\"one\\\" VALUES ('k', 'v')");
    left("I o'dd \"one k t= {\"the key\":\"k\",\"it's\":\"v\"}  w=\n");
}

static void a_new_key_is_another_row(void **state)
{
    shell("INSERT INTO keyed VALUES ('a', 1); UPDATE keyed SET id = 'A'");
    left("I keyed a t= {\"id\":\"a\",\"x\":1}  w=\n"
         "D keyed a t=  {} w=\n"
         "I keyed A t= {\"id\":\"A\",\"x\":1}  w=\n");
}

#define STOP(id, lab, status, code)                                            \
    "{\"id\":" #id ",\"lab\":" #lab ",\"status\":\"" status                    \
    "\",\"code\":\"" code "\",\"done\":null,\"extra\":null,\"lat\":null,"      \
    "\"bin\":null}"

static void tells_what_replace_removes(void **state)
{
    shell("INSERT INTO stops(id, lab, status, code) VALUES (1, 7, 's', 'a'),"
          " (2, 7, 's', 'b'), (3, 7, 's', 'c')");
    rig_changes(&rig, start);
    start += 3;
    /* The row of the key, and the one of the other unique index. */
    shell("INSERT OR REPLACE INTO stops(id, lab, status, code)"
          " VALUES (1, 7, 'new', 'B')");
    left("D stops 2 t=7  {\"lab\":7,\"status\":\"s\"} w=\n"
         "U stops 1 t=7 " STOP(1, 7, "new", "B") " {\"lab\":7,\"status\":\"s\"}"
                                                 " w=\n");
    shell("REPLACE INTO stops(lab, status, code) VALUES (7, 'n', 'c')");
    left("D stops 3 t=7  {\"lab\":7,\"status\":\"s\"} w=\n"
         "I stops 4 t=7 " STOP(4, 7, "n", "c") "  w=\n");
    shell("UPDATE OR REPLACE stops SET code = 'b' WHERE id = 4");
    left("R stops  t=7   w=\n"
         "U stops 4 t=7 " STOP(4, 7, "n", "b") " {\"lab\":7,\"status\":\"n\"}"
                                               " w=\n");
    assert_int_equal(rig_shell(&rig,
                               "SELECT count(*) FROM stops;"
                               " SELECT count(*) FROM fieldline_replaced"),
                     0);
    rig_shows(&rig, "1\n0\n");
}

static void tells_what_a_partial_index_removes(void **state)
{
    shell("INSERT INTO soft VALUES (1, 'x', 1), (2, 'x', NULL)");
    start += 2;
    shell("REPLACE INTO soft VALUES (3, 'x', NULL)");
    left("D soft 2 t=  {} w=\n"
         "I soft 3 t= {\"id\":3,\"a\":\"x\",\"gone\":null}  w=\n");
    shell("INSERT INTO soft VALUES (4, 'x', 1)");
    left("I soft 4 t= {\"id\":4,\"a\":\"x\",\"gone\":1}  w=\n");
}

/* The key need not be the rowid's other name. */
static void tells_what_the_rowid_removes(void **state)
{
    shell("INSERT INTO coded VALUES (1, 'a')");
    start++;
    shell("REPLACE INTO coded VALUES (1, 'b')");
    left("D coded a t=  {} w=\n"
         "I coded b t= {\"number\":1,\"code\":\"b\"}  w=\n");
}

static void replaces_by_update_of_the_key(void **state)
{
    shell("INSERT INTO keyed VALUES ('a', 1), ('b', 2)");
    start += 2;
    shell("UPDATE OR REPLACE keyed SET id = 'b' WHERE id = 'a'");
    left("R keyed  t=   w=\n"
         "D keyed a t=  {} w=\n"
         "I keyed b t= {\"id\":\"b\",\"x\":1}  w=\n");
}

/* These look like REPLACE before they are done, and are not. */
static void tells_no_lie_about_ignore_and_upsert(void **state)
{
    shell("INSERT INTO keyed VALUES ('a', 1)");
    start++;
    shell("INSERT OR IGNORE INTO keyed VALUES ('a', 2)");
    left("");
    shell("INSERT INTO keyed VALUES ('a', 2) ON CONFLICT DO NOTHING");
    left("");
    shell("INSERT INTO keyed VALUES ('a', 2)"
          " ON CONFLICT (id) DO UPDATE SET x = excluded.x");
    left("U keyed a t= {\"id\":\"a\",\"x\":2} {} w=\n");
    shell("INSERT OR IGNORE INTO keyed VALUES ('a', 3);"
          " INSERT INTO keyed VALUES ('b', 1)");
    left("I keyed b t= {\"id\":\"b\",\"x\":1}  w=\n");
    shell("INSERT OR IGNORE INTO keyed VALUES ('a', 3); DELETE FROM keyed"
          " WHERE id = 'a'; INSERT INTO keyed VALUES ('a', 4)");
    left("D keyed a t=  {} w=\n"
         "I keyed a t= {\"id\":\"a\",\"x\":4}  w=\n");
}

static void a_failed_statement_leaves_nothing(void **state)
{
    shell("INSERT INTO keyed VALUES ('a', 1)");
    start++;
    assert_int_not_equal(rig_shell(&rig, "INSERT INTO keyed VALUES ('b', 1),"
                                         " ('a', 2)"),
                         0);
    left("");
}

static void tells_cascades(void **state)
{
    shell("INSERT INTO stops(id, lab) VALUES (1, 1); INSERT INTO child VALUES"
          " (5, 1)");
    start += 2;
    shell("PRAGMA foreign_keys=ON; DELETE FROM stops");
    left("D child 5 t=  {} w=\n"
         "D stops 1 t=1  {\"lab\":1,\"status\":null} w=\n");
}

static void tells_both_with_recursive_triggers(void **state)
{
    shell("INSERT INTO keyed VALUES ('a', 1)");
    start++;
    shell("PRAGMA recursive_triggers=ON; REPLACE INTO keyed VALUES ('a', 2)");
    left("D keyed a t=  {} w=\n"
         "I keyed a t= {\"id\":\"a\",\"x\":2}  w=\n");
}

/* More columns than a function takes arguments. */
static void holds_wide_tables(void **state)
{
    static const struct publish_spec wide = {.table = {"wide", 4},
                                             .key = {"c0", 2}};
    char sql[4000] = "CREATE TABLE wide(c0 INTEGER PRIMARY KEY";
    char want[4000] = "I wide 1 t= {\"c0\":1";
    struct admin *a;

    for (int i = 1; i < 150; i++) {
        (void)snprintf(sql + strlen(sql), sizeof(sql) - strlen(sql),
                       ", c%d JSON", i);
        (void)snprintf(
            want + strlen(want), sizeof(want) - strlen(want),
            i == 61 || i == 149 ? ",\"c%d\":{\"a\":{}}" : ",\"c%d\":null", i);
    }
    strcat(sql, ")");
    strcat(want, "}  w=\n");
    assert_int_equal(admin_open(&a, rig.store, &rig.detail), 0);
    assert_int_equal(admin_script(a, bytes_of(sql), &rig.detail), 0);
    assert_int_equal(admin_migrate(a, NULL, &wide, 1, NULL, NULL, &rig.detail),
                     0);
    admin_close(&a);
    start++; /* the reset of its installation */
    shell("INSERT INTO wide(c0, c61, c149) VALUES (1, '{\\\"a\\\":{}}',"
          " '{\\\"a\\\":{}}')");
    left(want);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

RUN(TEST(tells_insert_update_delete), TEST(tells_old_scope_and_filters),
    TEST(spells_values_as_json), TEST(never_fails_the_host),
    TEST(quotes_odd_names), TEST(a_new_key_is_another_row),
    TEST(tells_what_replace_removes), TEST(tells_what_a_partial_index_removes),
    TEST(tells_what_the_rowid_removes), TEST(replaces_by_update_of_the_key),
    TEST(tells_no_lie_about_ignore_and_upsert),
    TEST(a_failed_statement_leaves_nothing), TEST(tells_cascades),
    TEST(tells_both_with_recursive_triggers), TEST(holds_wide_tables))
