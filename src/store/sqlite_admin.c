/* SPDX-License-Identifier: MIT */
/*
 * sqlite_admin - migrations' transactions, scripts, columns, our own tables.
 *
 * Between admin_begin() and the commit foreign keys are not enforced, so that
 * a migration may rebuild a table; before the commit the whole file is checked
 * instead, and what is violated is named.
 * Threads: one at a time.
 */
#include "store/sqlite_admin.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"
#include "store/sqlite.h"

#include <stdio.h>

int sqlite_admin_open(struct admin *base, struct store_detail *detail)
{
    struct sqlite_admin *a = (struct sqlite_admin *)(void *)base;

    return sqlite_common_take(sqlite_store_of(base->store), &a->conn, detail);
}

void sqlite_admin_close(struct admin *base)
{
    struct sqlite_admin *a = (struct sqlite_admin *)(void *)base;

    sqlite_common_give(sqlite_store_of(base->store), a->conn);
}

/* --- transactions and scripts ------------------------------------------ */

int sqlite_admin_begin(struct admin *a, struct store_detail *detail)
{
    struct conn *c = sqlite_admin_conn(a);
    int error = conn_exec(c, "PRAGMA foreign_keys=OFF", detail);

    return error ? error : conn_exec(c, "BEGIN IMMEDIATE", detail);
}

static bool in_transaction(struct admin *a)
{
    return !sqlite3_get_autocommit(conn_db(sqlite_admin_conn(a)));
}

struct violation {
    bool found;
    char text[200];
};

static void on_violation(const struct store_row *row, void *arg)
{
    struct bytes table = store_row_get(row, 0).bytes;
    struct bytes parent = store_row_get(row, 2).bytes;
    struct violation *v = arg;

    if (v->found)
        return;
    v->found = true;
    (void)snprintf(v->text, sizeof(v->text),
                   "a row of " BYTES_FMT " refers to nothing in " BYTES_FMT,
                   BYTES_ARG(table), BYTES_ARG(parent));
}

int sqlite_admin_commit(struct admin *a, struct store_detail *detail)
{
    struct conn *c = sqlite_admin_conn(a);
    struct violation v = {0};
    int error = conn_once(c, BYTES("PRAGMA foreign_key_check"), NULL, 0,
                          on_violation, &v, detail);

    if (!error && v.found) {
        store_detail_set(detail, "23503", "%s", v.text);
        error = ERR_CONSTRAINT;
    }
    if (!error)
        error = conn_exec(c, "COMMIT", detail);
    if (!error)
        error = conn_exec(c, "PRAGMA foreign_keys=ON", detail);
    return error;
}

void sqlite_admin_rollback(struct admin *a)
{
    struct conn *c = sqlite_admin_conn(a);
    int error = 0;

    if (in_transaction(a))
        error = conn_exec(c, "ROLLBACK", NULL);
    if (!error)
        error = conn_exec(c, "PRAGMA foreign_keys=ON", NULL);
    (void)error; /* the connection's next call says what is wrong */
}

int sqlite_admin_script(struct admin *a, struct bytes sql,
                        struct store_detail *detail)
{
    char *text = mem_copy(sql);
    int error;

    if (!text)
        return ERR_NOMEM;
    error = conn_exec(sqlite_admin_conn(a), text, detail);
    mem_free(text);
    if (!error && !in_transaction(a)) {
        store_detail_set(detail, "", "a script must not end its transaction");
        error = ERR_STORE;
    }
    return error;
}

int sqlite_admin_run(struct admin *a, struct bytes sql,
                     const struct value *params, unsigned param_count,
                     store_row_fn *row_fn, void *arg,
                     struct store_detail *detail)
{
    return conn_once(sqlite_admin_conn(a), sql, params, param_count, row_fn,
                     arg, detail);
}

static void on_exists(const struct store_row *row, void *arg)
{
    *(bool *)arg = true;
}

bool sqlite_admin_has_table(struct admin *a, const char *table)
{
    struct value name = value_text(bytes_of(table));
    bool found = false;
    int error =
        conn_once(sqlite_admin_conn(a),
                  BYTES("SELECT 1 FROM sqlite_schema WHERE type = 'table'"
                        " AND name = $1"),
                  &name, 1, on_exists, &found, NULL);

    return !error && found;
}

/* --- columns ----------------------------------------------------------- */

struct columns_walk {
    sqlite3 *db;
    const char *table;
    admin_column_fn *fn;
    void *arg;
    bool found;
};

/* In SQLite a number equals a number however it is written: only text,
 * integers and booleans have one spelling each. */
static bool is_bytewise(const struct columns_walk *walk, const char *column,
                        enum column_kind kind)
{
    const char *type, *collation = NULL;
    int not_null, key, autoinc;

    if (kind == COLUMN_REAL || kind == COLUMN_NUMERIC || kind == COLUMN_BLOB ||
        kind == COLUMN_JSON)
        return false;
    return sqlite3_table_column_metadata(walk->db, NULL, walk->table, column,
                                         &type, &collation, &not_null, &key,
                                         &autoinc) == SQLITE_OK &&
           collation && sqlite3_stricmp(collation, "BINARY") == 0;
}

/* name, type, notnull, dflt_value, pk, hidden */
static void on_column(const struct store_row *row, void *arg)
{
    struct columns_walk *walk = arg;
    struct bytes name = store_row_get(row, 0).bytes;
    struct bytes type = store_row_get(row, 1).bytes;
    bool is_rowid = store_row_get(row, 4).integer == 1 &&
                    bytes_equal_nocase(type, BYTES("INTEGER"));
    struct column_info info = {
        .name = name,
        .kind = column_kind_of(type),
        .not_null = store_row_get(row, 2).integer != 0 || is_rowid,
        .has_default = store_row_get(row, 3).kind != VALUE_NULL || is_rowid ||
                       store_row_get(row, 5).integer != 0,
        .key_part = (unsigned)store_row_get(row, 4).integer};
    char *text = mem_copy(name);

    info.bytewise_equal = text && is_bytewise(walk, text, info.kind);
    mem_free(text);
    walk->found = true;
    walk->fn(&info, walk->arg);
}

int sqlite_admin_columns(struct admin *a, struct bytes table,
                         admin_column_fn *fn, void *arg,
                         struct store_detail *detail)
{
    struct columns_walk walk = {
        .db = conn_db(sqlite_admin_conn(a)), .fn = fn, .arg = arg};
    struct value name = value_text(table);
    char *text = mem_copy(table);
    int error;

    if (!text)
        return ERR_NOMEM;
    walk.table = text;
    error = conn_once(
        sqlite_admin_conn(a),
        BYTES("SELECT name, type, \"notnull\", dflt_value, pk, hidden"
              " FROM pragma_table_xinfo($1) WHERE hidden <> 1 ORDER BY cid"),
        &name, 1, on_column, &walk, detail);
    mem_free(text);
    if (!error && !walk.found) {
        store_detail_set(detail, "42P01", "there is no table " BYTES_FMT,
                         BYTES_ARG(table));
        error = ERR_NOT_FOUND;
    }
    return error;
}

/* --- our own tables ---------------------------------------------------- */

#define NOW_US "(CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER))"

static const char own_tables[] =
    "CREATE TABLE IF NOT EXISTS fieldline_changes ("
    "\"offset\" INTEGER PRIMARY KEY AUTOINCREMENT,"
    " tbl TEXT NOT NULL DEFAULT '', \"key\" TEXT NOT NULL DEFAULT '',"
    " op TEXT NOT NULL, tenant TEXT NOT NULL DEFAULT '', \"row\" TEXT,"
    " old TEXT, writer TEXT NOT NULL DEFAULT '',"
    " at_us INTEGER NOT NULL DEFAULT " NOW_US ");"
    /* What a REPLACE is about to remove; empty between statements. */
    "CREATE TABLE IF NOT EXISTS fieldline_replaced ("
    "tbl TEXT NOT NULL, k, \"key\" TEXT NOT NULL, tenant TEXT NOT NULL,"
    " old TEXT);"
    "CREATE TABLE IF NOT EXISTS fieldline_meta ("
    "name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS fieldline_migrations ("
    "name TEXT PRIMARY KEY, digest TEXT NOT NULL, at_us INTEGER NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS fieldline_receipts ("
    "scope TEXT NOT NULL, id TEXT NOT NULL, digest TEXT NOT NULL,"
    " answer TEXT NOT NULL, at_us INTEGER NOT NULL DEFAULT " NOW_US ","
    " PRIMARY KEY (scope, id));"
    "CREATE INDEX IF NOT EXISTS fieldline_receipts_at"
    " ON fieldline_receipts(at_us);"
    "CREATE TABLE IF NOT EXISTS fieldline_positions ("
    "resource TEXT NOT NULL, tenant TEXT NOT NULL, \"key\" TEXT NOT NULL,"
    " lat REAL NOT NULL, lng REAL NOT NULL, at_us INTEGER NOT NULL,"
    " payload TEXT, PRIMARY KEY (resource, tenant, \"key\")) WITHOUT ROWID;"
    "INSERT OR IGNORE INTO fieldline_meta(name, value)"
    " VALUES ('low_water', '0');"
    /* The sequence's row comes with its first insert: without one the head
     * would not be known. */
    "INSERT INTO sqlite_sequence(name, seq) SELECT 'fieldline_changes', 0"
    " WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence"
    " WHERE name = 'fieldline_changes');";

int sqlite_install(struct admin *a, struct store_detail *detail)
{
    struct conn *c = sqlite_admin_conn(a);
    char epoch[2 * sizeof(uint64_t) + 1];
    struct value value;
    uint64_t number;
    int error = conn_exec(c, own_tables, detail);

    random_bytes(&number, sizeof(number));
    (void)snprintf(epoch, sizeof(epoch), "%016llx", (unsigned long long)number);
    value = value_text(bytes_of(epoch));
    return error ? error
                 : conn_once(c,
                             BYTES("INSERT OR IGNORE INTO fieldline_meta"
                                   "(name, value) VALUES ('epoch', $1)"),
                             &value, 1, NULL, NULL, detail);
}
