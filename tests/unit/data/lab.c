/* SPDX-License-Identifier: MIT */
/*
 * lab - a small courier portal: what most tests of the room ask.
 * Threads: immutable.
 */
#include "fixture.h"

#define NAMES(array)                                                           \
    {                                                                          \
        .count = ARRAY_LEN(array), .names = array                              \
    }
#define ALL                                                                    \
    {                                                                          \
        .all = true                                                            \
    }

const char lab_schema[] =
    "CREATE TABLE labs (id INTEGER PRIMARY KEY, name TEXT NOT NULL);"
    "CREATE TABLE clinics (id INTEGER PRIMARY KEY, lab_id INTEGER NOT NULL,"
    " name TEXT NOT NULL, city TEXT COLLATE NOCASE);"
    "CREATE TABLE routes (id INTEGER PRIMARY KEY, lab_id INTEGER NOT NULL,"
    " name TEXT NOT NULL);"
    "CREATE TABLE route_stops (id INTEGER PRIMARY KEY,"
    " lab_id INTEGER NOT NULL, route_id INTEGER REFERENCES routes (id),"
    " clinic_id INTEGER, driver_id INTEGER, status TEXT NOT NULL DEFAULT"
    " 'pending' CHECK (status <> 'wrong'), notes TEXT, weight REAL,"
    " urgent BOOLEAN NOT NULL DEFAULT FALSE, due_at TIMESTAMP, proof JSON,"
    " position INTEGER, secret TEXT);"
    "CREATE TABLE notes (id TEXT PRIMARY KEY, lab_id INTEGER NOT NULL,"
    " title TEXT NOT NULL UNIQUE, scan BLOB);"
    "CREATE TABLE countries (id TEXT PRIMARY KEY, name TEXT NOT NULL);"
    "INSERT INTO labs VALUES (1, 'one'), (2, 'two');"
    "INSERT INTO clinics VALUES (1, 1, 'North', 'Bonn'), (2, 1, 'South', NULL),"
    " (3, 2, 'Foreign', 'Bonn');"
    "INSERT INTO routes VALUES (1, 1, 'morning'), (2, 2, 'theirs');"
    "INSERT INTO route_stops (id, lab_id, route_id, clinic_id, driver_id,"
    " status, notes, weight, urgent, due_at, proof, position, secret) VALUES"
    " (1, 1, 1, 1, 11, 'pending', 'Ring twice', 1.5, TRUE,"
    "  '2026-11-20T08:00:00.000Z', '{\"by\":\"A\"}', 1, 's1'),"
    " (2, 1, 1, 2, 11, 'done', NULL, 2, FALSE, '2026-11-20T09:30:00.250Z',"
    "  NULL, 2, 's2'),"
    " (3, 1, 1, 3, 12, 'pending', 'ring 100%', NULL, FALSE, NULL, NULL, 2,"
    "  's3'),"
    " (4, 2, 2, 3, 11, 'pending', 'theirs', 4, FALSE, NULL, NULL, 1, 's4');"
    "INSERT INTO countries VALUES ('de', 'Germany'), ('fr', 'France');";

static const struct bytes driver_reads[] = {
    BYTES("id"),        BYTES("status"),    BYTES("notes"),  BYTES("position"),
    BYTES("driver_id"), BYTES("clinic_id"), BYTES("due_at"), BYTES("urgent")};
static const struct bytes driver_writes[] = {BYTES("status"), BYTES("notes")};
static const struct bytes clinic_filter[] = {BYTES("city")};
static const struct bytes clinic_sort[] = {BYTES("name")};
static const struct bytes stop_filter[] = {
    BYTES("status"),    BYTES("notes"), BYTES("weight"),   BYTES("urgent"),
    BYTES("due_at"),    BYTES("proof"), BYTES("position"), BYTES("route_id"),
    BYTES("clinic_id"), BYTES("secret")};
static const struct bytes stop_sort[] = {BYTES("position"), BYTES("status"),
                                         BYTES("weight"),   BYTES("due_at"),
                                         BYTES("secret"),   BYTES("notes")};
static const struct bytes mine_filter[] = {BYTES("status")};
static const struct bytes note_filter[] = {BYTES("title")};

static const struct relation_spec stop_relations[] = {
    {.name = BYTES("clinic"), .to = BYTES("clinics"), .on = BYTES("clinic_id")},
    {.name = BYTES("route"), .to = BYTES("routes"), .on = BYTES("route_id")},
};
static const struct relation_spec route_relations[] = {
    {.name = BYTES("stops"), .to = BYTES("stops"), .by = BYTES("route_id")},
    {.name = BYTES("my"), .to = BYTES("mine"), .by = BYTES("route_id")},
};
static const struct allow_spec everything[] = {
    {.role = 0, .read = ALL, .write = ALL, .create = true, .remove = true},
    {.role = 1, .read = ALL},
};
static const struct allow_spec stop_allow[] = {
    {.role = 0, .read = ALL, .write = ALL, .create = true, .remove = true},
    {.role = 1, .read = NAMES(driver_reads), .write = NAMES(driver_writes)},
};
static const struct publish_rule stop_updates[] = {
    {.type = BYTES("STOP_COMPLETED"),
     .when_column = BYTES("status"),
     .when_value = BYTES("done")},
    {.type = BYTES("STOP_STATUS_CHANGED")},
};

static const struct resource_spec lab_resources[] = {
    {.name = BYTES("clinics"),
     .table = BYTES("clinics"),
     .key = BYTES("id"),
     .visible = VISIBLE_TENANT,
     .tenant_column = BYTES("lab_id"),
     .filter = NAMES(clinic_filter),
     .sort = NAMES(clinic_sort),
     .allow_count = 2,
     .allow = everything},
    {.name = BYTES("routes"),
     .table = BYTES("routes"),
     .key = BYTES("id"),
     .visible = VISIBLE_TENANT,
     .tenant_column = BYTES("lab_id"),
     .relation_count = 2,
     .relations = route_relations,
     .allow_count = 2,
     .allow = everything},
    {.name = BYTES("stops"),
     .table = BYTES("route_stops"),
     .key = BYTES("id"),
     .visible = VISIBLE_TENANT,
     .tenant_column = BYTES("lab_id"),
     .relation_count = 2,
     .relations = stop_relations,
     .filter = NAMES(stop_filter),
     .sort = NAMES(stop_sort),
     .allow_count = 2,
     .allow = stop_allow,
     .on_update = {2, stop_updates}},
    {.name = BYTES("mine"),
     .table = BYTES("route_stops"),
     .key = BYTES("id"),
     .visible = VISIBLE_USER,
     .tenant_column = BYTES("lab_id"),
     .user_column = BYTES("driver_id"),
     .filter = NAMES(mine_filter),
     .allow_count = 2,
     .allow = everything},
    {.name = BYTES("notes"),
     .table = BYTES("notes"),
     .key = BYTES("id"),
     .visible = VISIBLE_TENANT,
     .tenant_column = BYTES("lab_id"),
     .filter = NAMES(note_filter),
     .allow_count = 2,
     .allow = everything},
    {.name = BYTES("countries"),
     .table = BYTES("countries"),
     .key = BYTES("id"),
     .visible = VISIBLE_EVERYONE,
     .allow_count = 2,
     .allow = everything},
};

const struct data_spec lab_spec = {ARRAY_LEN(lab_resources), lab_resources};

struct fixture *lab_new(void)
{
    return fixture_new(&lab_spec, lab_schema);
}
