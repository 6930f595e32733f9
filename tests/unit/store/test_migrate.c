/* SPDX-License-Identifier: MIT */
/*
 * migrate - files run once, in order, and are remembered; triggers are kept
 * in step. Threads: the test's, the rig's worker, the store's own.
 */
#include "rig.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct rig rig;
static char dir[64];
static char progress[200];

static const struct publish_spec spec = {.table = {"stops", 5},
                                         .key = {"id", 2}};

static int setup(void **state)
{
    rig_open(&rig, "", NULL, 0);
    strcpy(dir, "/tmp/fieldline-migrations-XXXXXX");
    assert_non_null(mkdtemp(dir));
    progress[0] = '\0';
    return 0;
}

static void file_path(char path[400], const char *name)
{
    (void)snprintf(path, 400, "%s/%s", dir, name);
}

static int teardown(void **state)
{
    struct dirent *entry;
    char path[400];
    DIR *d = opendir(dir);

    while ((entry = readdir(d))) {
        file_path(path, entry->d_name);
        (void)unlink(path);
    }
    closedir(d);
    assert_int_equal(rmdir(dir), 0);
    rig_close(&rig);
    return 0;
}

static void file(const char *name, const char *text)
{
    char path[400];
    FILE *f;

    file_path(path, name);
    f = fopen(path, "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void on_progress(const char *what, void *arg)
{
    strcat(progress, what);
    strcat(progress, " ");
}

static int migrate(const struct publish_spec *specs, size_t count)
{
    struct admin *a;
    int error;

    assert_int_equal(admin_open(&a, rig.store, &rig.detail), 0);
    error = admin_migrate(a, dir, specs, count, on_progress, NULL, &rig.detail);
    admin_close(&a);
    return error;
}

static int verify(const struct publish_spec *specs, size_t count)
{
    struct admin *a;
    int error;

    assert_int_equal(admin_open(&a, rig.store, &rig.detail), 0);
    error = admin_verify(a, dir, specs, count, &rig.detail);
    admin_close(&a);
    return error;
}

static void runs_each_once_in_order(void **state)
{
    file("0002_more.sql", "INSERT INTO stops VALUES (1, 'a');");
    file("0001_first.sql", "CREATE TABLE stops(id INTEGER PRIMARY KEY, x);");
    file("0003_dialect.sql", "THIS IS NOT FOR SQLITE;");
    file("0003_dialect.sqlite.sql", "INSERT INTO stops VALUES (2, 'b');");
    file("0003_dialect.postgres.sql", "NOR THIS;");
    file("0004_only.postgres.sql", "NOR THIS;");
    file("README.md", "not a migration");
    file("004_no.sql", "not a migration");
    assert_int_equal(migrate(&spec, 1), 0);
    assert_string_equal(
        progress, "0001_first.sql 0002_more.sql 0003_dialect.sqlite.sql ");
    assert_int_equal(migrate(&spec, 1), 0);
    assert_string_equal(
        progress, "0001_first.sql 0002_more.sql 0003_dialect.sqlite.sql ");
    assert_int_equal(verify(&spec, 1), 0);
    assert_int_equal(rig_query(&rig, "SELECT id FROM stops"), 0);
    rig_shows(&rig, "1\n2\n");
    rig_changes(&rig, 0);
    rig_shows(&rig, "R stops  t=   w=\n");
}

static void a_failure_undoes_its_file_alone(void **state)
{
    file("0001_first.sql", "CREATE TABLE stops(id INTEGER PRIMARY KEY);");
    file("0002_bad.sql", "INSERT INTO stops VALUES (1); INSERT INTO no;");
    assert_int_equal(migrate(&spec, 1), ERR_STORE);
    assert_non_null(strstr(rig.detail.text, "0002_bad.sql"));
    assert_int_equal(rig_query(&rig, "SELECT count(*) FROM stops"), 0);
    rig_shows(&rig, "0\n");
    assert_int_equal(verify(&spec, 1), ERR_STALE);
    file("0002_bad.sql", "INSERT INTO stops VALUES (1);");
    assert_int_equal(migrate(&spec, 1), 0);
    assert_int_equal(verify(&spec, 1), 0);
}

static void a_changed_file_is_named(void **state)
{
    file("0001_first.sql", "CREATE TABLE stops(id INTEGER PRIMARY KEY);");
    assert_int_equal(migrate(NULL, 0), 0);
    file("0001_first.sql", "CREATE TABLE stops(id INTEGER PRIMARY KEY, x);");
    assert_int_equal(migrate(NULL, 0), ERR_CONFLICT);
    assert_non_null(strstr(rig.detail.text, "0001_first.sql"));
    assert_int_equal(verify(NULL, 0), ERR_CONFLICT);
}

static void two_of_one_number_are_refused(void **state)
{
    file("0001_a.sql", "SELECT 1;");
    file("0001_b.sql", "SELECT 1;");
    assert_int_equal(migrate(NULL, 0), ERR_EXISTS);
}

static void a_script_cannot_end_its_transaction(void **state)
{
    file("0001_a.sql", "CREATE TABLE a(x); COMMIT;");
    assert_int_equal(migrate(NULL, 0), ERR_STORE);
}

/* Rebuilding a published table: no trigger is in the way, readers are told,
 * and foreign keys are checked at the end. */
static void a_table_may_be_rebuilt(void **state)
{
    file("0001_a.sql", "CREATE TABLE stops(id INTEGER PRIMARY KEY, x, y);"
                       "CREATE TABLE parts(stop REFERENCES stops(id));"
                       "INSERT INTO stops VALUES (1, 2, 3);"
                       "INSERT INTO parts VALUES (1);");
    assert_int_equal(migrate(&spec, 1), 0);
    file("0002_b.sql", "ALTER TABLE stops DROP COLUMN y;"
                       "CREATE TABLE fresh(id INTEGER PRIMARY KEY, x);"
                       "INSERT INTO fresh SELECT id, x FROM stops;"
                       "DROP TABLE stops; ALTER TABLE fresh RENAME TO stops;");
    assert_int_equal(verify(&spec, 1), ERR_STALE);
    assert_int_equal(migrate(&spec, 1), 0);
    rig_changes(&rig, 0);
    rig_shows(&rig, "R stops  t=   w=\nR stops  t=   w=\n");
    file("0003_c.sql", "DELETE FROM stops;");
    assert_int_equal(migrate(&spec, 1), ERR_CONSTRAINT);
    assert_non_null(strstr(rig.detail.text, "parts"));
}

static void verify_says_what_is_missing(void **state)
{
    struct publish_spec changed = spec;

    file("0001_a.sql", "CREATE TABLE stops(id INTEGER PRIMARY KEY, x);");
    assert_int_equal(migrate(NULL, 0), 0);
    assert_int_equal(verify(&spec, 1), ERR_NOT_FOUND);
    assert_int_equal(migrate(&spec, 1), 0);
    assert_int_equal(verify(&spec, 1), 0);
    changed.old_count = 1;
    changed.old[0] = BYTES("x");
    assert_int_equal(verify(&changed, 1), ERR_STALE);
    assert_int_equal(migrate(&changed, 1), 0);
    assert_int_equal(verify(&changed, 1), 0);
    assert_int_equal(rig_shell(&rig, "ALTER TABLE stops ADD COLUMN y"), 0);
    assert_int_equal(verify(&changed, 1), ERR_STALE);
    assert_int_equal(migrate(&changed, 1), 0);
    assert_int_equal(verify(&changed, 1), 0);
    /* No longer published: its triggers go. */
    assert_int_equal(migrate(NULL, 0), 0);
    assert_int_equal(rig_shell(&rig, "SELECT count(*) FROM sqlite_schema"
                                     " WHERE type = 'trigger'"),
                     0);
    rig_shows(&rig, "0\n");
    changed.key = BYTES("nope");
    assert_int_equal(migrate(&changed, 1), ERR_INVALID);
}

static void the_epoch_outlives_a_restart(void **state)
{
    char epoch[POSITION_EPOCH_MAX + 1];
    struct bytes now = store_epoch(rig.store);

    assert_int_equal(now.len, 16);
    memcpy(epoch, now.at, now.len + 1);
    rig_reopen(&rig, 0);
    check_bytes(store_epoch(rig.store), epoch);
}

struct columns_seen {
    char text[500];
};

static void on_column(const struct column_info *c, void *arg)
{
    struct columns_seen *s = arg;
    size_t len = strlen(s->text);

    (void)snprintf(s->text + len, sizeof(s->text) - len,
                   BYTES_FMT " %d%s%s %u%s\n", BYTES_ARG(c->name), c->kind,
                   c->not_null ? " not-null" : "",
                   c->has_default ? " default" : "", c->key_part,
                   c->bytewise_equal ? " bytewise" : "");
}

static void tells_the_columns(void **state)
{
    struct columns_seen seen = {{0}};
    struct admin *a;

    assert_int_equal(admin_open(&a, rig.store, &rig.detail), 0);
    assert_int_equal(
        admin_script(a,
                     BYTES("CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT NOT"
                           " NULL, b BOOLEAN DEFAULT 0, c TIMESTAMP, d JSON,"
                           " e REAL, f NUMERIC(5,2), g VARCHAR(9) COLLATE"
                           " NOCASE, h AS (a || 'x'), i BLOB)"),
                     &rig.detail),
        0);
    assert_int_equal(
        admin_columns(a, BYTES("t"), on_column, &seen, &rig.detail), 0);
    assert_string_equal(seen.text, "id 0 not-null default 1 bytewise\n"
                                   "a 3 not-null 0 bytewise\n"
                                   "b 4 default 0 bytewise\n"
                                   "c 5 0 bytewise\n"
                                   "d 6 0\n"
                                   "e 1 0\n"
                                   "f 2 0\n"
                                   "g 3 0\n"
                                   "h 3 default 0 bytewise\n"
                                   "i 7 0\n");
    assert_int_equal(
        admin_columns(a, BYTES("no"), on_column, &seen, &rig.detail),
        ERR_NOT_FOUND);
    admin_close(&a);
}

static void opening_says_what_is_wrong(void **state)
{
    static const struct {
        const char *url;
        int error;
    } wrong[] = {{"sqlite:", ERR_INVALID},
                 {"sqlite::memory:", ERR_INVALID},
                 {"mysql://x", ERR_UNSUPPORTED},
                 {"sqlite:/tmp/no/such/file.db", ERR_NOT_FOUND}};
    struct store *s = NULL;

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct store_options o = {.url = bytes_of(wrong[i].url)};

        assert_int_equal(store_open(&s, &o, &rig.detail), wrong[i].error);
        assert_null(s);
        assert_int_not_equal(rig.detail.text[0], '\0');
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

RUN(TEST(runs_each_once_in_order), TEST(a_failure_undoes_its_file_alone),
    TEST(a_changed_file_is_named), TEST(two_of_one_number_are_refused),
    TEST(a_script_cannot_end_its_transaction), TEST(a_table_may_be_rebuilt),
    TEST(verify_says_what_is_missing), TEST(the_epoch_outlives_a_restart),
    TEST(tells_the_columns), TEST(opening_says_what_is_wrong))
