/* SPDX-License-Identifier: MIT */
/*
 * postgres_triggers - P57: change triggers in other people's tables. Whatever
 * the host does, its statement stands and its changes are told.
 * Threads: the test's, the rig's worker.
 */
#include "pg.h"
#include "rig.h"

#include <stdio.h>
#include <string.h>

static const char schema[] =
    "CREATE TABLE stops (id int PRIMARY KEY, lab int, status text, notes text);"
    "CREATE TABLE plain (id text PRIMARY KEY, x int);"
    "CREATE TABLE kids (id int PRIMARY KEY, lab int, stop int REFERENCES stops"
    " ON DELETE CASCADE ON UPDATE CASCADE, other int REFERENCES stops"
    " ON DELETE SET NULL, third int REFERENCES stops ON DELETE SET NULL);"
    "CREATE TABLE parted (id int, lab int, x int, PRIMARY KEY (id))"
    " PARTITION BY RANGE (id);"
    "CREATE TABLE parted_low PARTITION OF parted FOR VALUES FROM (0) TO (100);"
    "CREATE TABLE parted_high PARTITION OF parted FOR VALUES FROM (100) TO"
    " (200);"
    "CREATE TABLE base (id int PRIMARY KEY, x int);"
    "CREATE TABLE derived (y int) INHERITS (base);"
    "CREATE TABLE docs (id int PRIMARY KEY, body json, photo bytea, n numeric,"
    " at timestamptz);";

#define TABLE(t, k) .table = {t, sizeof(t) - 1}, .key = {k, sizeof(k) - 1}
static const struct publish_spec specs[] = {
    {TABLE("stops", "id"), .tenant = {"lab", 3}, .old_count = 1,
     .old = {{"status", 6}}},
    {TABLE("plain", "id")},
    {TABLE("kids", "id"), .tenant = {"lab", 3}},
    {TABLE("parted", "id"), .tenant = {"lab", 3}},
    {TABLE("base", "id")},
    {TABLE("docs", "id")},
};

static struct pg pg;
static struct rig rig;
static PGconn *host;
static uint64_t start; /* what is told after it is the test's */

static void forget(void)
{
    struct feed_state state;
    bool unchanged;

    assert_int_equal(rig_feed_state(&rig, &state, &unchanged), 0);
    start = unchanged ? start : state.head;
}

static int setup(void **state)
{
    pg_database(&pg);
    rig_open_url(&rig, pg.url, schema, specs, ARRAY_LEN(specs));
    host = pg_connect(&pg, pg.database);
    start = 0;
    forget();
    return 0;
}

static int teardown(void **state)
{
    PQfinish(host);
    rig_shut(&rig);
    return 0;
}

static void does(const char *sql)
{
    (void)pg_do(&pg, host, sql);
}

/* What was told since the last call. */
static void told(const char *want)
{
    rig_changes(&rig, start);
    rig_shows(&rig, want);
    forget();
}

#define STOP(id, lab, status, notes)                                           \
    "{\"id\":" #id ",\"lab\":" #lab ",\"status\":" status ",\"notes\":" notes  \
    "}"
#define OLD(lab, status) "{\"lab\": " #lab ", \"status\": " status "}"

/* --- what a statement did ---------------------------------------------- */

static void tells_each_row(void **state)
{
    does("INSERT INTO stops VALUES (2, 7, 'a', 'n'), (1, 7, 'b', NULL)");
    told("I stops 2 t=7 " STOP(2, 7, "\"a\"",
                               "\"n\"") "  w=\n"
                                        "I stops 1 t=7 " STOP(1, 7, "\"b\"",
                                                              "null") "  w=\n");
    does("UPDATE stops SET status = 'c', lab = 8 WHERE id = 2");
    told("U stops 2 t=8 " STOP(2, 8, "\"c\"",
                               "\"n\"") " " OLD(7, "\"a\"") " w=\n");
    does("DELETE FROM stops");
    told("D stops 1 t=7  " OLD(7, "\"b\"") " w=\n"
                                           "D stops 2 t=8  " OLD(
                                               8, "\"c\"") " w=\n");
    does("UPDATE stops SET status = 'nobody'");
    told("");
}

static void tells_upserts_and_merges(void **state)
{
    does("INSERT INTO plain VALUES ('a', 1)");
    told("I plain a t= {\"id\":\"a\",\"x\":1}  w=\n");
    does("INSERT INTO plain VALUES ('a', 2), ('b', 2)"
         " ON CONFLICT (id) DO UPDATE SET x = excluded.x");
    told("U plain a t= {\"id\":\"a\",\"x\":2} {} w=\n"
         "I plain b t= {\"id\":\"b\",\"x\":2}  w=\n");
    does("MERGE INTO plain p USING (VALUES ('a', 3), ('c', 3), ('b', 0))"
         " v(id, x) ON p.id = v.id WHEN MATCHED AND v.x = 0 THEN DELETE"
         " WHEN MATCHED THEN UPDATE SET x = v.x"
         " WHEN NOT MATCHED THEN INSERT VALUES (v.id, v.x)");
    told("D plain b t=  {} w=\n"
         "U plain a t= {\"id\":\"a\",\"x\":3} {} w=\n"
         "I plain c t= {\"id\":\"c\",\"x\":3}  w=\n");
    does("WITH gone AS (DELETE FROM plain WHERE id = 'a' RETURNING *)"
         " INSERT INTO plain SELECT 'z', x FROM gone");
    told("D plain a t=  {} w=\n"
         "I plain z t= {\"id\":\"z\",\"x\":3}  w=\n");
}

static void tells_moved_keys(void **state)
{
    does("INSERT INTO plain VALUES ('a', 1)");
    forget();
    does("UPDATE plain SET id = 'b'");
    told("D plain a t=  {} w=\nI plain b t= {\"id\":\"b\",\"x\":1}  w=\n");
    does("ALTER TABLE stops DROP CONSTRAINT stops_pkey CASCADE");
    does("ALTER TABLE stops ADD PRIMARY KEY (id) DEFERRABLE");
    does("INSERT INTO stops VALUES (1, 7, 'one'), (2, 7, 'two')");
    forget();
    /* Whoever follows the feed by key ends where the table is. */
    does("UPDATE stops SET id = id + 1");
    told("D stops 1 t=7  " OLD(
        7, "\"one\"") " w=\n"
                      "U stops 2 t=7 " STOP(2, 7, "\"one\"", "null") " " OLD(
                          7, "\"two\"") " w=\n"
                                        "I stops 3 t=7 " STOP(3, 7, "\"two\"",
                                                              "null") "  w=\n");
    does("UPDATE stops SET id = 5 - id");
    told("U stops 3 t=7 " STOP(3, 7, "\"one\"", "null") " " OLD(
        7, "\"two\"") " w=\n"
                      "U stops 2 t=7 " STOP(2, 7, "\"two\"", "null") " " OLD(
                          7, "\"one\"") " w=\n");
}

static void tells_cascades(void **state)
{
    does("INSERT INTO stops VALUES (1, 7), (2, 7), (3, 7)");
    does("INSERT INTO kids VALUES (10, 7, 1, 2, 2), (11, 7, 1, 2, 3),"
         " (12, 7, 3, 2, 2)");
    forget();
    does("DELETE FROM stops WHERE id = 1");
    told("D stops 1 t=7  {\"lab\": 7, \"status\": null} w=\n"
         "D kids 10 t=7  {\"lab\": 7} w=\n"
         "D kids 11 t=7  {\"lab\": 7} w=\n");
    /* Two foreign keys of one row go with one statement. */
    does("DELETE FROM stops WHERE id = 2");
    rig_changes(&rig, start);
    assert_non_null(strstr(
        rig.text, "\"stop\":3,\"other\":null,\"third\":null} {\"lab\": 7}"));
    forget();
    does("UPDATE stops SET id = 30 WHERE id = 3");
    rig_changes(&rig, start);
    assert_non_null(strstr(rig.text, "U kids 12 t=7 {\"id\":12,\"lab\":7,"
                                     "\"stop\":30,"));
}

static void copies(const char *sql, const char *rows)
{
    PGresult *r = PQexec(host, sql);

    assert_int_equal(PQresultStatus(r), PGRES_COPY_IN);
    PQclear(r);
    assert_int_equal(PQputCopyData(host, rows, (int)strlen(rows)), 1);
    assert_int_equal(PQputCopyEnd(host, NULL), 1);
    pg_wait(host);
}

static void tells_copy_and_truncate(void **state)
{
    copies("COPY plain FROM STDIN", "a\t1\nb\t2\n");
    told("I plain a t= {\"id\":\"a\",\"x\":1}  w=\n"
         "I plain b t= {\"id\":\"b\",\"x\":2}  w=\n");
    does("TRUNCATE plain");
    told("R plain  t=   w=\n");
    does("TRUNCATE stops CASCADE");
    rig_changes(&rig, start);
    assert_non_null(strstr(rig.text, "R stops"));
    assert_non_null(strstr(rig.text, "R kids"));
}

static void tells_many_as_resets(void **state)
{
    does("INSERT INTO stops SELECT i, i % 3, 's' FROM generate_series(1, 1000)"
         " i");
    rig_changes(&rig, start);
    assert_non_null(strstr(rig.text, "I stops 1000 t=1"));
    forget();
    does("UPDATE stops SET notes = 'n', lab = lab + 1 WHERE lab < 2");
    forget();
    does("INSERT INTO stops SELECT i, 7, 's' FROM generate_series(1001, 2001)"
         " i");
    told("R stops  t=7   w=\n");
    does("UPDATE stops SET lab = 9 WHERE lab IN (2, 7)");
    told("R stops  t=2   w=\nR stops  t=7   w=\nR stops  t=9   w=\n");
    does("INSERT INTO stops SELECT i, CASE WHEN i > 3005 THEN 1 END"
         " FROM generate_series(3000, 5000) i");
    told("R stops  t=   w=\n");
    does("DELETE FROM stops");
    told("R stops  t=   w=\n");
    does("INSERT INTO stops SELECT i, i FROM generate_series(1, 1001) i");
    told("R stops  t=   w=\n");
    does("INSERT INTO plain SELECT i FROM generate_series(1, 1001) i");
    told("R plain  t=   w=\n");
}

/* --- P57: the host's own ways ------------------------------------------ */

static void works_for_other_roles(void **state)
{
    does("DROP ROLE IF EXISTS app");
    does("CREATE ROLE app");
    does("GRANT INSERT ON plain TO app");
    does("CREATE SCHEMA evil; CREATE TABLE evil.fieldline_changes (x int);"
         " CREATE FUNCTION evil.to_jsonb(anyelement) RETURNS jsonb"
         " LANGUAGE sql AS $$ SELECT '{}'::jsonb $$;"
         " GRANT USAGE ON SCHEMA evil TO app");
    does("SET ROLE app");
    does("SET search_path = evil, public");
    does("CREATE TEMP TABLE fieldline_changes (tbl text, op text)");
    does("CREATE TEMP TABLE new_rows (id text)");
    does("SET timezone = 'Asia/Tokyo'");
    does("SET extra_float_digits = -10");
    does("INSERT INTO public.plain VALUES ('a', 1)");
    does("RESET ROLE");
    told("I plain a t= {\"id\":\"a\",\"x\":1}  w=\n");
    does("GRANT CREATE ON SCHEMA evil TO app");
    does("SET ROLE app");
    does("CREATE TABLE evil.mine (id text)");
    {
        PGresult *r = PQexec(
            host, "CREATE TRIGGER t AFTER INSERT ON evil.mine FOR EACH ROW"
                  " EXECUTE FUNCTION public.fieldline_row('labs', 'id', '',"
                  " '{}', '{}', 'partition')");

        assert_string_equal(PQresultErrorField(r, PG_DIAG_SQLSTATE), "42501");
        PQclear(r);
    }
    does("RESET ROLE");
    does("DROP OWNED BY app");
}

static void survives_changed_columns(void **state)
{
    does("INSERT INTO stops VALUES (1, 7, 'a', 'n')");
    does("INSERT INTO plain VALUES ('a', 1)");
    does("UPDATE stops SET notes = 'o'");
    forget();
    does("ALTER TABLE stops RENAME notes TO remarks");
    does("UPDATE stops SET remarks = 'p'");
    told("U stops 1 t=7 {\"id\":1,\"lab\":7,\"status\":\"a\",\"remarks\":\"p\"}"
         " {\"lab\": 7, \"status\": \"a\"} w=\n");
    does("ALTER TABLE stops DROP status");
    does("UPDATE stops SET remarks = 'q'");
    told("U stops 1 t=7 {\"id\":1,\"lab\":7,\"remarks\":\"q\"}"
         " {\"lab\": 7, \"status\": null} w=\n");
    does("ALTER TABLE stops ALTER remarks TYPE int USING 5");
    does("UPDATE stops SET remarks = 6");
    told("U stops 1 t=7 {\"id\":1,\"lab\":7,\"remarks\":6}"
         " {\"lab\": 7, \"status\": null} w=\n");
    does("ALTER TABLE stops RENAME lab TO laboratory");
    does("UPDATE stops SET remarks = 7");
    told("R stops  t=   w=\n");
    does("ALTER TABLE plain RENAME id TO name");
    does("DELETE FROM plain");
    told("R plain  t=   w=\n");
    does("ALTER TABLE plain RENAME TO simple");
    does("ALTER TABLE simple RENAME name TO id");
    does("INSERT INTO simple VALUES ('b')");
    told("I plain b t= {\"id\":\"b\",\"x\":null}  w=\n");
}

/* A prepared statement of the host's, and a table changed under it. */
static void survives_changes_under_a_prepared_insert(void **state)
{
    does("PREPARE p AS INSERT INTO stops VALUES ($1, 7, 's')");
    for (int i = 1; i < 8; i++) {
        char sql[64];

        (void)snprintf(sql, sizeof(sql), "EXECUTE p(%d)", i);
        does(sql);
        if (i == 3)
            does("ALTER TABLE stops ADD more text DEFAULT 'm'");
        if (i == 5)
            does("ALTER TABLE stops DROP notes");
    }
    rig_changes(&rig, start);
    assert_non_null(strstr(rig.text, "I stops 7 t=7 {\"id\":7,\"lab\":7,"
                                     "\"status\":\"s\",\"more\":\"m\"}"));
}

static void tells_in_the_replica_role(void **state)
{
    uint64_t before;

    does("SET session_replication_role = replica");
    does("INSERT INTO stops VALUES (1, 7, 'a')");
    does("UPDATE stops SET status = 'b'");
    does("DELETE FROM stops");
    does("TRUNCATE stops CASCADE");
    does("INSERT INTO parted VALUES (1, 7)");
    does("SET session_replication_role = origin");
    rig_changes(&rig, start);
    assert_non_null(strstr(rig.text, "I stops 1 t=7"));
    assert_non_null(strstr(rig.text, "U stops 1 t=7"));
    assert_non_null(strstr(rig.text, "D stops 1 t=7"));
    assert_non_null(strstr(rig.text, "R stops"));
    assert_non_null(strstr(rig.text, "I parted 1 t=7"));
    before = start;
    forget();
    assert_int_equal(start - before, 6); /* each once */
}

/* The worker of logical replication fires no statement triggers. */
static void tells_what_replication_applies(void **state)
{
    char sql[400], source[32];
    PGconn *c;

    (void)snprintf(source, sizeof(source), "%s", pg.database);
    does("CREATE PUBLICATION p FOR TABLE plain");
    pg_database(&pg);
    PQfinish(host);
    rig_shut(&rig);
    rig_open_url(&rig, pg.url, schema, specs, ARRAY_LEN(specs));
    host = pg_connect(&pg, pg.database);
    forget();
    c = pg_connect(&pg, source);
    (void)pg_do(&pg, c,
                "SELECT pg_create_logical_replication_slot('s',"
                " 'pgoutput')");
    (void)snprintf(sql, sizeof(sql),
                   "CREATE SUBSCRIPTION s CONNECTION 'host=%s user=postgres"
                   " dbname=%s' PUBLICATION p WITH (create_slot = false,"
                   " slot_name = 's', copy_data = false)",
                   pg.dir, source);
    does(sql);
    (void)pg_do(&pg, c, "INSERT INTO plain VALUES ('r', 1)");
    (void)pg_do(&pg, c, "UPDATE plain SET x = 2");
    (void)pg_do(&pg, c, "TRUNCATE plain");
    do
        rig_changes(&rig, start);
    while (!strstr(rig.text, "R plain"));
    told("I plain r t= {\"x\": 1, \"id\": \"r\"}  w=\n"
         "U plain r t= {\"x\": 2, \"id\": \"r\"} {} w=\n"
         "R plain  t=   w=\n");
    does("DROP SUBSCRIPTION s");
    PQfinish(c);
}

static void tells_partitions(void **state)
{
    does("INSERT INTO parted VALUES (1, 7, 1), (150, 8, 1)");
    told("I parted 1 t=7 {\"x\": 1, \"id\": 1, \"lab\": 7}  w=\n"
         "I parted 150 t=8 {\"x\": 1, \"id\": 150, \"lab\": 8}  w=\n");
    does("UPDATE parted_low SET x = 2");
    told("U parted 1 t=7 {\"x\": 2, \"id\": 1, \"lab\": 7} {\"lab\": 7} w=\n");
    does("UPDATE parted SET id = 120 WHERE id = 1");
    told("D parted 1 t=7  {\"lab\": 7} w=\n"
         "I parted 120 t=7 {\"x\": 2, \"id\": 120, \"lab\": 7}  w=\n");
    does("CREATE TABLE parted_later PARTITION OF parted FOR VALUES FROM (200)"
         " TO (300)");
    does("SET session_replication_role = replica");
    does("INSERT INTO parted_later VALUES (201, 9, 1)");
    does("SET session_replication_role = origin");
    does("INSERT INTO parted_later VALUES (202, 9, 1)");
    told("I parted 201 t=9 {\"x\": 1, \"id\": 201, \"lab\": 9}  w=\n"
         "I parted 202 t=9 {\"x\": 1, \"id\": 202, \"lab\": 9}  w=\n");
    does("TRUNCATE parted_low");
    told("R parted  t=   w=\n");
}

static void tells_tables_that_inherit(void **state)
{
    does("INSERT INTO derived VALUES (1, 1, 1)");
    told("I base 1 t= {\"id\":1,\"x\":1,\"y\":1}  w=\n");
    does("UPDATE base SET x = 2");
    told("U base 1 t= {\"id\":1,\"x\":2} {} w=\n");
    does("DELETE FROM derived");
    told("D base 1 t=  {} w=\n");
}

/* to_jsonb refuses this value; the host's insert stands. */
static void survives_json_it_cannot_read(void **state)
{
    does("INSERT INTO docs VALUES (1, '{\"a\":\"\\u0000\"}')");
    told("R docs  t=   w=\n");
    does("INSERT INTO docs VALUES (2, '{\"a\":1}', '\\x0102', 1.50,"
         " '2026-11-20 18:44:25.5+05')");
    rig_changes(&rig, start);
    assert_non_null(strstr(rig.text, "\"photo\": null"));
    assert_non_null(strstr(rig.text, "\"n\": 1.50"));
    assert_non_null(
        strstr(rig.text, "\"at\": \"2026-11-20T13:44:25.5+00:00\""));
}

/* --- T6: the host's own triggers --------------------------------------- */

static void tells_what_nested_triggers_leave(void **state)
{
    does("CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS $$"
         " BEGIN UPDATE stops SET notes = 'again' WHERE id = NEW.id"
         " AND notes IS DISTINCT FROM 'again'; RETURN NULL; END $$;"
         "CREATE TRIGGER a AFTER INSERT OR UPDATE ON stops FOR EACH ROW"
         " EXECUTE FUNCTION again()");
    does("INSERT INTO stops VALUES (1, 7, 's', 'first'), (2, 7, 's', 'first')");
    rig_changes(&rig, start);
    assert_null(strstr(rig.text, "\"first\""));
    forget();
    does("CREATE FUNCTION gone() RETURNS trigger LANGUAGE plpgsql AS $$"
         " BEGIN DELETE FROM plain WHERE id = NEW.id; RETURN NULL; END $$;"
         "CREATE TRIGGER a AFTER INSERT ON plain FOR EACH ROW"
         " EXECUTE FUNCTION gone()");
    does("INSERT INTO plain VALUES ('a', 1)");
    told("D plain a t=  {} w=\n");
    does("CREATE FUNCTION back() RETURNS trigger LANGUAGE plpgsql AS $$"
         " BEGIN INSERT INTO stops VALUES (OLD.id, OLD.lab, 'back', 'again');"
         " RETURN NULL; END $$;"
         "CREATE TRIGGER b AFTER DELETE ON stops FOR EACH ROW"
         " EXECUTE FUNCTION back()");
    does("DELETE FROM stops WHERE id = 1");
    told("I stops 1 t=7 {\"id\": 1, \"lab\": 7, \"notes\": \"again\","
         " \"status\": \"back\"}  w=\n");
}

/* --- installing -------------------------------------------------------- */

static int verify(void)
{
    struct admin *a;
    int error;

    assert_int_equal(admin_open(&a, rig.store, &rig.detail), 0);
    error = admin_verify(a, NULL, specs, ARRAY_LEN(specs), &rig.detail);
    admin_close(&a);
    return error;
}

static void migrate(void)
{
    struct admin *a;

    assert_int_equal(admin_open(&a, rig.store, &rig.detail), 0);
    if (admin_migrate(a, NULL, specs, ARRAY_LEN(specs), NULL, NULL,
                      &rig.detail))
        fail_msg("%s", rig.detail.text);
    admin_close(&a);
}

static void knows_what_is_in_place(void **state)
{
    static const struct {
        const char *sql;
        int error;
    } cases[] = {
        {"DROP TRIGGER fieldline_update ON stops", ERR_NOT_FOUND},
        {"DROP TRIGGER fieldline_truncate ON parted_low", ERR_NOT_FOUND},
        {"DROP TRIGGER fieldline_insert ON derived", ERR_NOT_FOUND},
        {"ALTER TABLE stops DISABLE TRIGGER ALL", ERR_STALE},
        {"ALTER TABLE stops DISABLE TRIGGER ALL; ALTER TABLE stops ENABLE"
         " TRIGGER ALL",
         ERR_STALE},
        {"ALTER SEQUENCE fieldline_changes_offset_seq CACHE 10", ERR_STALE},
        {"UPDATE fieldline_meta SET value = 'x' WHERE name = 'functions'",
         ERR_STALE},
        {"DROP TABLE fieldline_receipts", ERR_NOT_FOUND},
    };

    assert_int_equal(verify(), 0);
    migrate();
    told(""); /* nothing was to be done */
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        does(cases[i].sql);
        if (verify() != cases[i].error)
            fail_msg("%s: %s", cases[i].sql, rig.detail.text);
        if (i == 5)
            does("ALTER SEQUENCE fieldline_changes_offset_seq CACHE 1");
        migrate();
        assert_int_equal(verify(), 0);
    }
}

static void publishes_only_what_it_is_asked(void **state)
{
    struct admin *a;

    assert_int_equal(admin_open(&a, rig.store, &rig.detail), 0);
    assert_int_equal(
        admin_migrate(a, NULL, specs + 1, 1, NULL, NULL, &rig.detail), 0);
    assert_int_equal(rig_query(&rig, "SELECT DISTINCT tgrelid::regclass::text"
                                     " FROM pg_trigger WHERE tgname LIKE"
                                     " 'fieldline%' ORDER BY 1"),
                     0);
    rig_shows(&rig, "plain\n");
    does("CREATE VIEW v AS SELECT 1 AS id");
    {
        struct publish_spec wrong[] = {{TABLE("v", "id")},
                                       {TABLE("plain", "nothing")},
                                       {TABLE("nowhere", "id")}};

        for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
            assert_int_equal(
                admin_migrate(a, NULL, &wrong[i], 1, NULL, NULL, &rig.detail),
                ERR_INVALID);
    }
    admin_close(&a);
}

struct columns {
    char text[2000];
};

static void on_column(const struct column_info *info, void *arg)
{
    static const char kinds[] = "IRNSBTJXU";
    struct columns *c = arg;
    size_t len = strlen(c->text);

    (void)snprintf(c->text + len, sizeof(c->text) - len,
                   BYTES_FMT " %c%s%s%u%s\n", BYTES_ARG(info->name),
                   kinds[info->kind], info->not_null ? " not-null" : "",
                   info->has_default ? " default " : " ", info->key_part,
                   info->bytewise_equal ? " bytewise" : "");
}

static void reads_columns(void **state)
{
    struct columns c = {""};
    struct admin *a;

    does("CREATE DOMAIN small AS int NOT NULL DEFAULT 3");
    does("CREATE TYPE colour AS ENUM ('red')");
    does("CREATE COLLATION loose (provider = icu, locale = 'und',"
         " deterministic = false)");
    does("CREATE TABLE \"Odd one\" (b int, a uuid, c small, d colour,"
         " e text COLLATE loose, f varchar(5), g char(3), h numeric DEFAULT 1,"
         " i timestamptz, j json, k bytea, l bool, m int[], n time, o date,"
         " p bigint GENERATED ALWAYS AS IDENTITY, q real,"
         " r int GENERATED ALWAYS AS (b + 1) STORED, gone int,"
         " PRIMARY KEY (b, a))");
    does("ALTER TABLE \"Odd one\" DROP gone");
    assert_int_equal(admin_open(&a, rig.store, &rig.detail), 0);
    assert_int_equal(
        admin_columns(a, BYTES("Odd one"), on_column, &c, &rig.detail), 0);
    assert_string_equal(c.text, "b I not-null 1 bytewise\n"
                                "a U not-null 2 bytewise\n"
                                "c I not-null default 0 bytewise\n"
                                "d S 0 bytewise\n"
                                "e S 0\n"
                                "f S 0 bytewise\n"
                                "g S 0\n"
                                "h N default 0\n"
                                "i T 0\n"
                                "j J 0\n"
                                "k X 0\n"
                                "l B 0 bytewise\n"
                                "m S 0\n"
                                "n S 0\n"
                                "o T 0\n"
                                "p I not-null default 0 bytewise\n"
                                "q R 0\n"
                                "r I default 0 bytewise\n");
    assert_int_equal(
        admin_columns(a, BYTES("odd one"), on_column, &c, &rig.detail),
        ERR_NOT_FOUND);
    admin_close(&a);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tells_each_row),
        TEST(tells_upserts_and_merges),
        TEST(tells_moved_keys),
        TEST(tells_cascades),
        TEST(tells_copy_and_truncate),
        TEST(tells_many_as_resets),
        TEST(works_for_other_roles),
        TEST(survives_changed_columns),
        TEST(survives_changes_under_a_prepared_insert),
        TEST(tells_in_the_replica_role),
        TEST(tells_what_replication_applies),
        TEST(tells_partitions),
        TEST(tells_tables_that_inherit),
        TEST(survives_json_it_cannot_read),
        TEST(tells_what_nested_triggers_leave),
        TEST(knows_what_is_in_place),
        TEST(publishes_only_what_it_is_asked),
        TEST(reads_columns),
    };
    int failed;

    if (!pg_is_installed())
        return 77;
    pg_make(&pg);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    pg_remove(&pg);
    return failed;
}
