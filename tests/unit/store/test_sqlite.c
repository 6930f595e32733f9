/* SPDX-License-Identifier: MIT */
/* sqlite - reads, writes in groups, P58, locks. Threads: loop. */
#include "rig.h"

#include <stdio.h>
#include <string.h>

static const char schema[] =
    "CREATE TABLE stops(id INTEGER PRIMARY KEY, lab INTEGER NOT NULL,"
    " status TEXT NOT NULL CHECK (status <> 'bad'), notes TEXT, done BOOLEAN,"
    " extra JSON, lat REAL, code TEXT UNIQUE);"
    "CREATE INDEX stops_lab ON stops(lab, status);"
    "CREATE TABLE parts(id INTEGER PRIMARY KEY, stop INTEGER REFERENCES"
    " stops(id) DEFERRABLE INITIALLY DEFERRED);"
    "CREATE TABLE guarded(id INTEGER PRIMARY KEY, x INTEGER);"
    "CREATE TRIGGER guarded_rollback BEFORE INSERT ON guarded WHEN NEW.x = 13"
    " BEGIN SELECT RAISE(ROLLBACK, 'unlucky'); END;"
    "CREATE TRIGGER guarded_abort BEFORE INSERT ON guarded WHEN NEW.x = 14"
    " BEGIN SELECT RAISE(ABORT, 'refused'); END;";

static const struct publish_spec specs[] = {
    {.table = {"stops", 5},
     .key = {"id", 2},
     .tenant = {"lab", 3},
     .old_count = 1,
     .old = {{"status", 6}}},
    {.table = {"guarded", 7}, .key = {"id", 2}},
};

static struct rig rig;

static int setup(void **state)
{
    rig_open(&rig, schema, specs, ARRAY_LEN(specs));
    return 0;
}

static int teardown(void **state)
{
    rig_close(&rig);
    return 0;
}

static void reads_what_was_written(void **state)
{
    struct value params[] = {
        value_int(9007199254740993),    value_int(3),
        value_text(BYTES("open")),      value_bool(true),
        value_text(BYTES("{\"a\":1}")), value_double(52.5)};
    uint64_t offset = 0;

    assert_int_equal(
        rig_write(&rig,
                  "INSERT INTO stops(id, lab, status, done, extra, lat)"
                  " VALUES ($1, $2, $3, $4, $5, $6)",
                  params, 6, &offset),
        0);
    assert_true(offset > 0);
    assert_int_equal(rig.committed_offset, offset);
    assert_int_equal(rig_query(&rig, "SELECT id, lab, status, done, extra, lat,"
                                     " code FROM stops WHERE id ="
                                     " 9007199254740993"),
                     0);
    rig_shows(&rig, "9007199254740993|3|open|true|{\"a\":1}|52.5|\n");
}

RUN(cmocka_unit_test_setup_teardown(reads_what_was_written, setup, teardown))
