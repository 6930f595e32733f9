/* SPDX-License-Identifier: MIT */
/*
 * sqlite_conn - opening, preparing, binding, stepping, and what errors mean.
 *
 * Parameters are spelled $1, $2: to SQLite these are names, numbered by first
 * appearance, so each prepared statement keeps which of ours stands where.
 * Threads: one at a time.
 */
#include "store/sqlite_conn.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/mem.h"
#include "base/table.h"
#include "json/json.h"

#include <stdio.h>

struct prepared {
    struct list recent;
    uint64_t id;
    sqlite3_stmt *stmt;
    struct columns *columns;
};

struct conn {
    sqlite3 *db;
    struct table *prepared; /* by id */
    struct list recent;     /* the latest used first */
    struct guard *guard;
};

/* --- opening ----------------------------------------------------------- */

static void library_configure(void)
{
    /* A counter behind one lock for all threads would cost every malloc. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
}

static int on_progress(void *arg)
{
    struct guard *g = ((struct conn *)arg)->guard;

    if (!g)
        return 0;
    if (g->steps && --g->steps == 0)
        g->hit = GUARD_STEPS;
    else if (g->cancelled && atomic_load(g->cancelled))
        g->hit = GUARD_CANCELLED;
    else if (g->deadline_ns && clock_mono_ns() > g->deadline_ns)
        g->hit = GUARD_TIME;
    return g->hit != GUARD_NONE;
}

/* The journal mode is the file's: the first connection makes it, the others
 * find it. Page caches are small: the kernel's stands behind them. */
static const char *const role_setup[] = {
    [CONN_WORKER] = "PRAGMA query_only=ON; PRAGMA cache_size=-2048;",
    [CONN_READER] = "PRAGMA query_only=ON; PRAGMA cache_size=-1024;",
    [CONN_WRITER] = ("PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"
                     "PRAGMA cache_size=-2048;"),
    [CONN_COMMON] = "PRAGMA synchronous=FULL; PRAGMA cache_size=-1024;",
};

static int conn_setup(struct conn *c, enum conn_role role, unsigned busy_ms,
                      struct store_detail *detail)
{
    int error;

    sqlite3_extended_result_codes(c->db, 1);
    sqlite3_busy_timeout(c->db, (int)busy_ms);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_progress_handler(c->db, GUARD_STEP, on_progress, c);
    error = conn_exec(c, "PRAGMA foreign_keys=ON", detail);
    if (!error && role == CONN_COMMON)
        error = conn_exec(c, "PRAGMA journal_mode=WAL;", detail);
    return error ? error : conn_exec(c, role_setup[role], detail);
}

int conn_open(struct conn **ret, const char *path, enum conn_role role,
              unsigned busy_ms, struct store_detail *detail)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct conn *c = mem_zalloc(1, sizeof(*c));
    int error, rc;

    if (!c)
        return ERR_NOMEM;
    pthread_once(&once, library_configure);
    list_init(&c->recent);
    error = table_new(&c->prepared, CONN_PREPARED_MAX + 1);
    if (!error) {
        rc = sqlite3_open_v2(path, &c->db,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
        error = rc == SQLITE_OK ? conn_setup(c, role, busy_ms, detail)
                                : conn_error(c, rc, detail);
    }
    if (error) {
        conn_close(&c);
        return error;
    }
    *ret = c;
    return 0;
}

static void prepared_free(struct conn *c, struct prepared *p)
{
    table_remove(c->prepared,
                 (struct bytes){(const char *)&p->id, sizeof(p->id)});
    list_remove(&p->recent);
    sqlite3_finalize(p->stmt);
    columns_unref(&p->columns);
    mem_free(p);
}

void conn_close(struct conn **conn)
{
    struct conn *c = *conn;

    *conn = NULL;
    if (!c)
        return;
    LIST_EACH_SAFE (&c->recent, link, after)
        prepared_free(c, CONTAINER_OF(link, struct prepared, recent));
    table_free(&c->prepared);
    sqlite3_close(c->db);
    mem_free(c);
}

sqlite3 *conn_db(struct conn *c)
{
    return c->db;
}

void conn_guard(struct conn *c, struct guard *guard)
{
    c->guard = guard;
}

int conn_exec(struct conn *c, const char *sql, struct store_detail *detail)
{
    int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? 0 : conn_error(c, rc, detail);
}

/* --- errors ------------------------------------------------------------ */

static const char *sqlstate_of(int rc)
{
    switch (rc) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
        return "23505";
    case SQLITE_CONSTRAINT_FOREIGNKEY:
        return "23503";
    case SQLITE_CONSTRAINT_NOTNULL:
        return "23502";
    case SQLITE_CONSTRAINT_CHECK:
        return "23514";
    case SQLITE_CONSTRAINT_DATATYPE:
    case SQLITE_MISMATCH:
        return "22P02";
    default:
        return (rc & 0xff) == SQLITE_CONSTRAINT ? "23000" : "";
    }
}

static int interrupted(const struct conn *c)
{
    enum guard_hit hit = c->guard ? c->guard->hit : GUARD_NONE;

    return hit == GUARD_CANCELLED ? ERR_CLOSED : ERR_TIMEOUT;
}

int conn_error(struct conn *c, int rc, struct store_detail *detail)
{
    store_detail_set(detail, sqlstate_of(rc), "%s",
                     c->db ? sqlite3_errmsg(c->db) : sqlite3_errstr(rc));
    switch (rc & 0xff) {
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
        return ERR_CONSTRAINT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_BUSY;
    case SQLITE_INTERRUPT:
        return interrupted(c);
    case SQLITE_NOMEM:
        return ERR_NOMEM;
    case SQLITE_TOOBIG:
        return ERR_LIMIT;
    default:
        return ERR_STORE;
    }
}

/* --- columns and values ------------------------------------------------ */

static bool holds(struct bytes text, const char *word)
{
    struct bytes w = bytes_of(word);

    for (size_t i = 0; i + w.len <= text.len; i++)
        if (bytes_equal_nocase((struct bytes){text.at + i, w.len}, w))
            return true;
    return false;
}

/* SQLite's own rules of affinity, with the types that it does not have. */
enum column_kind column_kind_of(struct bytes declared)
{
    static const struct {
        const char *word;
        enum column_kind kind;
    } words[] = {
        {"BOOL", COLUMN_BOOL},      {"JSON", COLUMN_JSON},
        {"TIMESTAMP", COLUMN_TIME}, {"DATE", COLUMN_TIME},
        {"INT", COLUMN_INT},        {"CHAR", COLUMN_TEXT},
        {"CLOB", COLUMN_TEXT},      {"TEXT", COLUMN_TEXT},
        {"UUID", COLUMN_UUID},      {"TIME", COLUMN_TIME},
        {"BLOB", COLUMN_BLOB},      {"REAL", COLUMN_REAL},
        {"FLOA", COLUMN_REAL},      {"DOUB", COLUMN_REAL},
    };

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (holds(declared, words[i].word))
            return words[i].kind;
    return declared.len ? COLUMN_NUMERIC : COLUMN_TEXT;
}

bool column_is_text(struct bytes declared)
{
    return !holds(declared, "INT") &&
           (holds(declared, "CHAR") || holds(declared, "CLOB") ||
            holds(declared, "TEXT"));
}

void columns_unref(struct columns **columns)
{
    struct columns *c = *columns;

    *columns = NULL;
    if (c && atomic_fetch_sub(&c->refs, 1) == 1)
        mem_free(c);
}

static struct columns *columns_ref(struct columns *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

/* One piece of memory: the struct, the names' slices, the flags, the text. */
static int columns_new(struct columns **ret, sqlite3_stmt *stmt)
{
    unsigned count = (unsigned)sqlite3_column_count(stmt);
    size_t text = 0;
    struct columns *c;
    char *at;

    for (unsigned i = 0; i < count; i++) {
        const char *name = sqlite3_column_name(stmt, (int)i);

        if (!name)
            return ERR_NOMEM;
        text += strlen(name);
    }
    c = mem_zalloc(1, sizeof(*c) + count * (sizeof(*c->names) + 2) + text);
    if (!c)
        return ERR_NOMEM;
    atomic_init(&c->refs, 1);
    c->count = count;
    c->names = (struct bytes *)(void *)(c + 1);
    c->is_bool = (bool *)(void *)(c->names + count);
    c->is_json = c->is_bool + count;
    at = (char *)(c->is_json + count);
    for (unsigned i = 0; i < count; i++) {
        const char *name = sqlite3_column_name(stmt, (int)i);
        const char *type = sqlite3_column_decltype(stmt, (int)i);
        enum column_kind kind = column_kind_of(bytes_of(type));

        c->names[i] = (struct bytes){at, strlen(name)};
        memcpy(at, name, c->names[i].len); /* not terminated */
        at += c->names[i].len;
        c->is_bool[i] = kind == COLUMN_BOOL;
        c->is_json[i] = kind == COLUMN_JSON;
    }
    *ret = c;
    return 0;
}

/* The column's value, borrowed from the statement. A JSON column may hold any
 * text: only what is JSON goes out unquoted. */
static struct value value_of(sqlite3_stmt *stmt, const struct columns *c,
                             unsigned i)
{
    sqlite3_value *from = sqlite3_column_value(stmt, (int)i);
    struct value v = value_null();

    switch (sqlite3_value_type(from)) {
    case SQLITE_INTEGER:
        v = value_int(sqlite3_value_int64(from));
        if (c->is_bool[i])
            v = value_bool(v.integer != 0);
        break;
    case SQLITE_FLOAT:
        v = value_double(sqlite3_value_double(from));
        break;
    case SQLITE_TEXT:
        v.kind = VALUE_TEXT;
        v.bytes.at = (const char *)sqlite3_value_text(from);
        v.bytes.len = (size_t)sqlite3_value_bytes(from);
        if (c->is_json[i] && json_is_valid(v.bytes))
            v.kind = VALUE_JSON;
        break;
    case SQLITE_BLOB:
        v.kind = VALUE_BLOB;
        v.bytes.at = sqlite3_value_blob(from);
        v.bytes.len = (size_t)sqlite3_value_bytes(from);
        break;
    }
    return v;
}

/* --- rows -------------------------------------------------------------- */

struct rows_row {
    struct rows_row *next;
    struct value values[];
};

void rows_init(struct rows *r, size_t bytes_max)
{
    *r = (struct rows){0};
    arena_init(&r->memory, bytes_max);
    r->next = &r->first;
}

void rows_clear(struct rows *r)
{
    arena_clear(&r->memory);
    columns_unref(&r->columns);
    r->first = NULL;
    r->next = &r->first;
    r->count = 0;
}

void rows_fini(struct rows *r)
{
    columns_unref(&r->columns);
    arena_fini(&r->memory);
}

void rows_deliver(const struct rows *r, store_row_fn *fn, void *arg)
{
    if (!fn)
        return;
    for (const struct rows_row *row = r->first; row; row = row->next) {
        struct store_row shown = {.count = r->columns->count,
                                  .values = row->values,
                                  .names = r->columns->names};

        fn(&shown, arg);
    }
}

static bool has_bytes(const struct value *v)
{
    return v->kind == VALUE_TEXT || v->kind == VALUE_JSON ||
           v->kind == VALUE_BLOB || v->kind == VALUE_NUMBER;
}

static int rows_add(struct rows *r, const struct store_row *shown)
{
    struct rows_row *row = arena_alloc(
        &r->memory, sizeof(*row) + shown->count * sizeof(row->values[0]));

    if (!row)
        return ERR_LIMIT;
    row->next = NULL;
    for (unsigned i = 0; i < shown->count; i++) {
        struct value *v = &row->values[i];
        char *copy;

        *v = shown->values[i];
        if (!has_bytes(v) || !v->bytes.len)
            continue;
        copy = arena_bytes(&r->memory, v->bytes.len);
        if (!copy)
            return ERR_LIMIT;
        memcpy(copy, v->bytes.at, v->bytes.len);
        v->bytes.at = copy;
    }
    *r->next = row;
    r->next = &row->next;
    r->count++;
    return 0;
}

/* --- preparing and binding --------------------------------------------- */

static int compile(struct conn *c, struct bytes sql, sqlite3_stmt **ret,
                   struct store_detail *detail)
{
    int rc = sqlite3_prepare_v3(c->db, sql.at, (int)sql.len,
                                SQLITE_PREPARE_PERSISTENT, ret, NULL);

    if (rc != SQLITE_OK)
        return conn_error(c, rc, detail);
    if (*ret)
        return 0;
    store_detail_set(detail, "42601", "the statement is empty");
    return ERR_STORE;
}

static int prepare(struct conn *c, const struct store_statement *st,
                   struct prepared **ret, struct store_detail *detail)
{
    struct bytes key = {(const char *)&st->id, sizeof(st->id)};
    struct prepared *p = table_get(c->prepared, key);
    int error;

    if (p) {
        list_remove(&p->recent);
        list_prepend(&c->recent, &p->recent);
        *ret = p;
        return 0;
    }
    p = mem_zalloc(1, sizeof(*p));
    if (!p)
        return ERR_NOMEM;
    p->id = st->id;
    list_init(&p->recent);
    error = compile(c, st->sql, &p->stmt, detail);
    if (!error)
        error = columns_new(&p->columns, p->stmt);
    if (!error)
        error =
            table_put(c->prepared,
                      (struct bytes){(const char *)&p->id, sizeof(p->id)}, p);
    if (error) {
        sqlite3_finalize(p->stmt);
        columns_unref(&p->columns);
        mem_free(p);
        return error;
    }
    list_prepend(&c->recent, &p->recent);
    if (table_count(c->prepared) > CONN_PREPARED_MAX)
        prepared_free(c, CONTAINER_OF(c->recent.prev, struct prepared, recent));
    *ret = p;
    return 0;
}

static int bind_one(sqlite3_stmt *stmt, int at, const struct value *v)
{
    switch (v->kind) {
    case VALUE_NULL:
        return sqlite3_bind_null(stmt, at);
    case VALUE_BOOL:
        return sqlite3_bind_int(stmt, at, v->boolean);
    case VALUE_INT:
        return sqlite3_bind_int64(stmt, at, v->integer);
    case VALUE_DOUBLE:
        return sqlite3_bind_double(stmt, at, v->real);
    case VALUE_NUMBER:
    case VALUE_TEXT:
    case VALUE_JSON:
        return sqlite3_bind_text64(stmt, at, v->bytes.len ? v->bytes.at : "",
                                   v->bytes.len, SQLITE_STATIC, SQLITE_UTF8);
    case VALUE_BLOB:
        return sqlite3_bind_blob64(stmt, at, v->bytes.len ? v->bytes.at : "",
                                   v->bytes.len, SQLITE_STATIC);
    }
    return SQLITE_MISUSE;
}

static int conn_bind(struct conn *c, sqlite3_stmt *stmt,
                     const struct value *params, unsigned param_count,
                     struct store_detail *detail)
{
    int count = sqlite3_bind_parameter_count(stmt);

    for (int at = 1; at <= count; at++) {
        const char *name = sqlite3_bind_parameter_name(stmt, at);
        uint64_t number = 0;
        int rc;

        if (!name || name[0] != '$' ||
            bytes_to_u64(bytes_of(name + 1), &number) || number < 1 ||
            number > param_count || number > CONN_PARAMS_MAX) {
            store_detail_set(detail, "", "no value for the parameter %s",
                             name ? name : "?");
            return ERR_STORE;
        }
        rc = bind_one(stmt, at, &params[number - 1]);
        if (rc != SQLITE_OK)
            return conn_error(c, rc, detail);
    }
    return 0;
}

/* --- running ----------------------------------------------------------- */

/* Where rows go: rows_add(), or somebody's row callback. */
typedef int row_sink_fn(const struct store_row *, void *arg);

struct shown {
    store_row_fn *fn;
    void *arg;
};

static int sink_show(const struct store_row *row, void *arg)
{
    struct shown *s = arg;

    if (s->fn)
        s->fn(row, s->arg);
    return 0;
}

static int sink_copy(const struct store_row *row, void *arg)
{
    return rows_add(arg, row);
}

/* The values of the current row stand on the stack unless there are many. */
#define VALUES_NEAR 32

static int step_rows(struct conn *c, sqlite3_stmt *stmt,
                     const struct columns *columns, row_sink_fn *sink,
                     void *arg, uint64_t *rows, struct store_detail *detail)
{
    struct value near[VALUES_NEAR], *far = NULL;
    struct store_row row = {
        .count = columns->count, .values = near, .names = columns->names};
    int rc = SQLITE_ROW, error = 0;

    if (columns->count > VALUES_NEAR) {
        row.values = far = mem_zalloc(columns->count, sizeof(*far));
        if (!far)
            return ERR_NOMEM;
    }
    while (!error && rc == SQLITE_ROW) {
        struct value *values = far ? far : near;

        for (unsigned i = 0; i < columns->count; i++)
            values[i] = value_of(stmt, columns, i);
        ++*rows;
        error = sink(&row, arg);
        if (!error)
            rc = sqlite3_step(stmt);
    }
    if (!error && rc != SQLITE_DONE)
        error = conn_error(c, rc, detail);
    mem_free(far);
    return error;
}

/* The schema may have changed since the statement was prepared: SQLite
 * prepares it anew in its first step, and its columns may be others. */
static int columns_renew(sqlite3_stmt *stmt, struct columns **columns)
{
    struct columns *fresh;
    int error;

    if (!sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_REPREPARE, 1))
        return 0;
    error = columns_new(&fresh, stmt);
    if (error)
        return error;
    columns_unref(columns);
    *columns = fresh;
    return 0;
}

/* To the end; the statement is reset and forgets its parameters. */
static int run(struct conn *c, sqlite3_stmt *stmt, struct columns **columns,
               row_sink_fn *sink, void *arg, uint64_t *ret_rows,
               struct store_detail *detail)
{
    uint64_t rows = 0;
    int rc, error = 0;

    if (fault_hit(FAULT_STORE)) {
        store_detail_set(detail, "", "a fault was asked for");
        return ERR_STORE;
    }
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        error = columns_renew(stmt, columns);
    if (!error && rc == SQLITE_ROW)
        error = step_rows(c, stmt, *columns, sink, arg, &rows, detail);
    else if (rc != SQLITE_DONE)
        error = error ? error : conn_error(c, rc, detail);
    if (!error && ret_rows)
        *ret_rows = (*columns)->count || sqlite3_stmt_readonly(stmt)
                        ? rows
                        : (uint64_t)sqlite3_changes64(c->db);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return error;
}

int conn_read(struct conn *c, const struct store_statement *st,
              const struct value *params, unsigned param_count,
              struct rows *rows, struct store_detail *detail)
{
    struct prepared *p;
    int error = prepare(c, st, &p, detail);

    rows_clear(rows);
    if (!error)
        error = conn_bind(c, p->stmt, params, param_count, detail);
    if (!error)
        error = run(c, p->stmt, &p->columns, sink_copy, rows, NULL, detail);
    if (!error)
        rows->columns = columns_ref(p->columns);
    return error;
}

int conn_run(struct conn *c, const struct store_statement *st,
             const struct value *params, unsigned param_count, store_row_fn *fn,
             void *arg, uint64_t *ret_rows, struct store_detail *detail)
{
    struct shown shown = {fn, arg};
    struct prepared *p;
    int error = prepare(c, st, &p, detail);

    if (!error)
        error = conn_bind(c, p->stmt, params, param_count, detail);
    if (!error)
        error =
            run(c, p->stmt, &p->columns, sink_show, &shown, ret_rows, detail);
    return error;
}

int conn_once(struct conn *c, struct bytes sql, const struct value *params,
              unsigned param_count, store_row_fn *fn, void *arg,
              struct store_detail *detail)
{
    struct shown shown = {fn, arg};
    struct columns *columns = NULL;
    sqlite3_stmt *stmt = NULL;
    int error = compile(c, sql, &stmt, detail);

    if (!error)
        error = columns_new(&columns, stmt);
    if (!error)
        error = conn_bind(c, stmt, params, param_count, detail);
    if (!error)
        error = run(c, stmt, &columns, sink_show, &shown, NULL, detail);
    sqlite3_finalize(stmt);
    columns_unref(&columns);
    return error;
}
