/* SPDX-License-Identifier: MIT */
/*
 * postgres_admin - blocking calls: scripts, columns, our own tables.
 *
 * install() takes a lock of the session's, so that two that migrate at once
 * do it one after the other and the second finds everything done.
 * Threads: one at a time.
 */
#include "store/postgres_admin.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"
#include "store/postgres.h"

#include <stdio.h>

#define PARAM_BYTES_MAX ((size_t)256 << 20)
/* Any number, the same for every version. */
#define MIGRATE_LOCK    "7306359183242756469"

static PGconn *pg_of(struct admin *a)
{
    return ((struct pg_admin *)(void *)a)->pg;
}

/* --- life cycle -------------------------------------------------------- */

static int setup(struct admin *a, struct store_detail *detail)
{
    const char *params[3] = {"0", "0", "off"};
    PGresult *r = PQexecParams(pg_of(a), pg_setup_sql, ARRAY_LEN(params), NULL,
                               params, NULL, NULL, 0);
    int error = pg_error(r, detail);

    PQclear(r);
    return error;
}

int pg_admin_open(struct admin *base, struct store_detail *detail)
{
    struct pg_admin *a = (struct pg_admin *)(void *)base;
    struct pg_keywords k;

    pg_keywords(&k, pg_store_of(base->store), true);
    a->pg = PQconnectdbParams(k.names, k.values, 1);
    if (PQstatus(a->pg) != CONNECTION_OK) {
        pg_detail_of_conn(a->pg, detail);
        return ERR_STORE;
    }
    pg_silence(a->pg);
    return setup(base, detail);
}

void pg_admin_close(struct admin *a)
{
    PQfinish(pg_of(a));
}

/* --- statements -------------------------------------------------------- */

static int take(struct admin *a, PGresult *r, store_row_fn *row_fn, void *arg,
                struct store_detail *detail)
{
    int error = pg_error(r, detail);

    if (!error)
        error = pg_rows_show(r, row_fn, arg);
    else if (PQstatus(pg_of(a)) != CONNECTION_OK)
        pg_detail_of_conn(pg_of(a), detail);
    PQclear(r);
    return error;
}

int pg_admin_run(struct admin *a, struct bytes sql, const struct value *params,
                 unsigned param_count, store_row_fn *row_fn, void *arg,
                 struct store_detail *detail)
{
    const char *const *texts = NULL;
    char *text = mem_copy(sql);
    struct arena memory;
    PGresult *r = NULL;
    int error;

    if (!text)
        return ERR_NOMEM;
    arena_init(&memory, PARAM_BYTES_MAX);
    error = pg_params(&memory, params, param_count, &texts, detail);
    if (!error) {
        r = PQexecParams(pg_of(a), text, (int)param_count, NULL, texts, NULL,
                         NULL, 0);
        error = take(a, r, row_fn, arg, detail);
    }
    arena_fini(&memory);
    mem_free(text);
    return error;
}

static int run(struct admin *a, const char *sql, struct store_detail *detail)
{
    return take(a, PQexec(pg_of(a), sql), NULL, NULL, detail);
}

int pg_admin_begin(struct admin *a, struct store_detail *detail)
{
    return run(a, "BEGIN", detail);
}

int pg_admin_commit(struct admin *a, struct store_detail *detail)
{
    PGresult *r = PQexec(pg_of(a), "COMMIT");
    bool committed = strcmp(PQcmdStatus(r), "COMMIT") == 0;
    int error = take(a, r, NULL, NULL, detail);

    if (!error && !committed) {
        store_detail_set(detail, "40000", "the transaction was rolled back");
        error = ERR_STORE;
    }
    return error;
}

void pg_admin_rollback(struct admin *a)
{
    if (PQtransactionStatus(pg_of(a)) != PQTRANS_IDLE)
        PQclear(PQexec(pg_of(a), "ROLLBACK"));
}

int pg_admin_script(struct admin *a, struct bytes sql,
                    struct store_detail *detail)
{
    char *text = mem_copy(sql);
    int error;

    if (!text)
        return ERR_NOMEM;
    error = run(a, text, detail);
    mem_free(text);
    if (!error && PQtransactionStatus(pg_of(a)) != PQTRANS_INTRANS) {
        store_detail_set(detail, "", "a script must not end its transaction");
        error = ERR_STORE;
    }
    return error;
}

static void on_found(const struct store_row *row, void *arg)
{
    *(bool *)arg = true;
}

bool pg_admin_has_table(struct admin *a, const char *table)
{
    struct value name = value_text(bytes_of(table));
    bool found = false;
    int error = pg_admin_run(a,
                             BYTES("SELECT 1 WHERE to_regclass(quote_ident($1))"
                                   " IS NOT NULL"),
                             &name, 1, on_found, &found, NULL);

    return !error && found;
}

static void on_epoch(const struct store_row *row, void *arg)
{
    char epoch[PG_EPOCH_LEN + 1];

    pg_epoch(row, 0, epoch);
    store_epoch_set(arg, bytes_of(epoch));
}

int pg_admin_epoch(struct admin *a, struct store_detail *detail)
{
    return pg_admin_run(a, BYTES("SELECT " PG_EPOCH_COLUMNS), NULL, 0, on_epoch,
                        a->store, detail);
}

/* --- columns ----------------------------------------------------------- */

/* A domain counts as what it is made of. Equality is bytewise where one value
 * has one spelling, here and in the change rows: not for times, whose spelling
 * the feed has from to_json. */
static const char columns_sql[] =
    "WITH RECURSIVE base(attnum, typ, not_null) AS ("
    " SELECT attnum, atttypid, attnotnull FROM pg_attribute"
    " WHERE attrelid = to_regclass(quote_ident($1)) AND attnum > 0"
    " AND NOT attisdropped"
    " UNION ALL SELECT b.attnum, t.typbasetype, b.not_null OR t.typnotnull"
    " FROM base b JOIN pg_type t ON t.oid = b.typ WHERE t.typtype = 'd')"
    " SELECT a.attname::text,"
    " CASE WHEN t.typtype = 'e' THEN 'enum' ELSE t.typname::text END,"
    " (SELECT bool_or(o.not_null) FROM base o WHERE o.attnum = a.attnum),"
    " a.atthasdef OR a.attidentity <> '' OR EXISTS (SELECT 1 FROM pg_type d"
    " WHERE d.oid = a.atttypid AND d.typdefault IS NOT NULL),"
    " coalesce(array_position(i.indkey::int2[], a.attnum)"
    " - array_lower(i.indkey::int2[], 1) + 1, 0),"
    " coalesce(c.collisdeterministic, true),"
    " t.typnamespace = 'pg_catalog'::regnamespace OR t.typtype = 'e'"
    " FROM base b JOIN pg_attribute a"
    " ON a.attrelid = to_regclass(quote_ident($1)) AND a.attnum = b.attnum"
    " JOIN pg_type t ON t.oid = b.typ AND t.typtype <> 'd'"
    " LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary"
    " LEFT JOIN pg_collation c ON c.oid = a.attcollation"
    " ORDER BY a.attnum";

static const struct {
    const char *type;
    enum column_kind kind;
    bool bytewise;
} kinds[] = {
    {"int2", COLUMN_INT, true},        {"int4", COLUMN_INT, true},
    {"int8", COLUMN_INT, true},        {"float4", COLUMN_REAL, false},
    {"float8", COLUMN_REAL, false},    {"numeric", COLUMN_NUMERIC, false},
    {"bool", COLUMN_BOOL, true},       {"timestamptz", COLUMN_TIME, false},
    {"timestamp", COLUMN_TIME, false}, {"date", COLUMN_TIME, false},
    {"json", COLUMN_JSON, false},      {"jsonb", COLUMN_JSON, false},
    {"bytea", COLUMN_BLOB, false},     {"text", COLUMN_TEXT, true},
    {"varchar", COLUMN_TEXT, true},    {"uuid", COLUMN_UUID, true},
    {"enum", COLUMN_TEXT, true},
};

struct columns_walk {
    admin_column_fn *fn;
    void *arg;
    bool found;
};

static void on_column(const struct store_row *row, void *arg)
{
    struct columns_walk *walk = arg;
    struct bytes type = store_row_get(row, 1).bytes;
    bool deterministic = store_row_get(row, 5).boolean;
    bool of_server = store_row_get(row, 6).boolean;
    struct column_info info = {.name = store_row_get(row, 0).bytes,
                               .kind = COLUMN_TEXT,
                               .not_null = store_row_get(row, 2).boolean,
                               .has_default = store_row_get(row, 3).boolean,
                               .key_part =
                                   (unsigned)store_row_get(row, 4).integer};

    for (size_t i = 0; i < ARRAY_LEN(kinds) && of_server; i++) {
        if (!bytes_equal(type, bytes_of(kinds[i].type)))
            continue;
        info.kind = kinds[i].kind;
        info.bytewise_equal = kinds[i].bytewise && deterministic;
    }
    walk->found = true;
    walk->fn(&info, walk->arg);
}

int pg_admin_columns(struct admin *a, struct bytes table, admin_column_fn *fn,
                     void *arg, struct store_detail *detail)
{
    struct columns_walk walk = {.fn = fn, .arg = arg};
    struct value name = value_text(table);
    int error = pg_admin_run(a, bytes_of(columns_sql), &name, 1, on_column,
                             &walk, detail);

    if (!error && !walk.found) {
        store_detail_set(detail, "42P01", "there is no table " BYTES_FMT,
                         BYTES_ARG(table));
        error = ERR_NOT_FOUND;
    }
    return error;
}

/* --- our own tables ---------------------------------------------------- */

#define NOW_US "(extract(epoch FROM statement_timestamp()) * 1000000)::bigint"

#define DRAWN_US "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"

/* The identity's sequence has CACHE 1: see postgres_horizon.h. Columns that a
 * trigger does not name fill themselves in, in this order: at_us is never
 * before the offset was drawn (H7). */
static const char own_tables[] =
    "CREATE TABLE IF NOT EXISTS fieldline_changes ("
    "\"offset\" bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,"
    " tbl text NOT NULL DEFAULT '', \"key\" text NOT NULL DEFAULT '',"
    " op text NOT NULL, tenant text NOT NULL DEFAULT '', \"row\" text,"
    " old text, writer text NOT NULL"
    " DEFAULT coalesce(current_setting('fieldline.writer', true), ''),"
    " at_us bigint NOT NULL DEFAULT " DRAWN_US ","
    " xid xid8 NOT NULL DEFAULT pg_current_xact_id());"
    "CREATE TABLE IF NOT EXISTS fieldline_meta ("
    "name text PRIMARY KEY, value text NOT NULL);"
    "CREATE TABLE IF NOT EXISTS fieldline_migrations ("
    "name text PRIMARY KEY, digest text NOT NULL, at_us bigint NOT NULL);"
    "CREATE TABLE IF NOT EXISTS fieldline_receipts ("
    "scope text NOT NULL, id text NOT NULL, digest text NOT NULL,"
    " answer text NOT NULL, at_us bigint NOT NULL DEFAULT " NOW_US ","
    " PRIMARY KEY (scope, id));"
    "CREATE INDEX IF NOT EXISTS fieldline_receipts_at"
    " ON fieldline_receipts (at_us);"
    "CREATE TABLE IF NOT EXISTS fieldline_positions ("
    "resource text NOT NULL, tenant text NOT NULL, \"key\" text NOT NULL,"
    " lat double precision NOT NULL, lng double precision NOT NULL,"
    " at_us bigint NOT NULL, payload text,"
    " PRIMARY KEY (resource, tenant, \"key\"));"
    "INSERT INTO fieldline_meta (name, value) VALUES ('low_water', '0')"
    " ON CONFLICT DO NOTHING;";

int pg_install(struct admin *a, struct store_detail *detail)
{
    char epoch[2 * sizeof(uint64_t) + 1];
    struct value value;
    uint64_t number;
    int error = run(a, "SELECT pg_advisory_lock(" MIGRATE_LOCK ")", detail);

    if (!error)
        error = run(a, own_tables, detail);
    random_bytes(&number, sizeof(number));
    (void)snprintf(epoch, sizeof(epoch), "%016llx", (unsigned long long)number);
    value = value_text(bytes_of(epoch));
    if (!error)
        error = pg_admin_run(a,
                             BYTES("INSERT INTO fieldline_meta (name, value)"
                                   " VALUES ('epoch', $1)"
                                   " ON CONFLICT DO NOTHING"),
                             &value, 1, NULL, NULL, detail);
    return error ? error : pg_functions_install(a, detail);
}
