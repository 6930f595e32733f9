/* SPDX-License-Identifier: MIT */
/*
 * sqlite_plan - may this statement be known, and is it short?
 *
 * SHORT means it may run on a worker, on the spot: every table is reached by a
 * whole unique key, or walked in the order of an index or of its rowids with a
 * LIMIT to end it; no sort, no aggregate. Where every table it reads is small
 * anything is short. This is judged from SQLite's plan. How far a walk goes
 * before the LIMIT is reached no plan tells: the run is guarded, and a
 * statement that broke its promise goes to the readers for a while.
 *
 * Refused is what would begin or end a transaction, attach a file or set a
 * pragma: the writer's transaction is its own. Nobody else's statement reaches
 * a connection without having been compiled here first.
 * Threads: any, each with a connection of its own.
 */
#include "store/sqlite.h"

#include "base/error.h"

#define TABLES_MAX       16
#define TABLE_NAME_MAX   64
#define SMALL_TABLE_ROWS 256

struct audit {
    bool refused;
    bool too_many; /* tables, or names too long to remember */
    unsigned count;
    char tables[TABLES_MAX][TABLE_NAME_MAX];
};

/* What the plan says. */
struct plan {
    struct conn *conn;
    bool whole; /* a sort, an aggregate, a table made on the way */
    bool walks;
    bool limited;
};

static void audit_table(struct audit *a, const char *name)
{
    size_t size = strlen(name) + 1;

    for (unsigned i = 0; i < a->count; i++)
        if (strcmp(a->tables[i], name) == 0)
            return;
    if (a->count == TABLES_MAX || size > TABLE_NAME_MAX)
        a->too_many = true;
    else
        memcpy(a->tables[a->count++], name, size);
}

static int on_authorize(void *arg, int action, const char *first,
                        const char *second, const char *database,
                        const char *trigger)
{
    struct audit *a = arg;

    switch (action) {
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
    case SQLITE_PRAGMA:
        a->refused = true;
        return SQLITE_DENY;
    case SQLITE_READ:
        if (first && *first)
            audit_table(a, first);
        return SQLITE_OK;
    default:
        return SQLITE_OK;
    }
}

/* --- the access path --------------------------------------------------- */

static bool holds(struct bytes text, const char *what)
{
    return memmem(text.at, text.len, what, strlen(what)) != NULL;
}

static void on_unique(const struct store_row *row, void *arg)
{
    *(int64_t *)arg = store_row_get(row, 0).integer;
}

/* How many columns make the index unique; 0: it is not. */
static int64_t index_unique_columns(struct conn *c, struct bytes index)
{
    struct value name = value_text(index);
    int64_t columns = 0;
    int error = conn_once(
        c,
        BYTES("SELECT (SELECT count(*) FROM pragma_index_info($1))"
              " FROM sqlite_schema s, pragma_index_list(s.tbl_name) l"
              " WHERE s.name = $1 AND s.type = 'index' AND l.name = $1"
              " AND l.\"unique\" AND NOT l.partial"),
        &name, 1, on_unique, &columns, NULL);

    return error ? 0 : columns;
}

static unsigned count_of(struct bytes text, const char *what)
{
    unsigned count = 0;
    struct bytes rest = text;
    const char *at;

    while ((at = memmem(rest.at, rest.len, what, strlen(what)))) {
        count++;
        rest = bytes_skip(rest, (size_t)(at - rest.at) + strlen(what));
    }
    return count;
}

/* "SEARCH t USING INDEX name (a=? AND b>?)": by a whole unique key? */
static bool is_by_key(struct conn *c, struct bytes detail)
{
    struct bytes after, name, terms;
    const char *at = memmem(detail.at, detail.len, "INDEX ", 6);

    if (holds(detail, "PRIMARY KEY ("))
        return holds(detail, "=?") && !holds(detail, ">?") &&
               !holds(detail, "<?");
    if (!at)
        return false;
    after = bytes_skip(detail, (size_t)(at - detail.at) + 6);
    if (!bytes_cut(after, ' ', &name, &terms))
        return false;
    return index_unique_columns(c, name) == count_of(terms, "=?") &&
           count_of(terms, "=?") > 0;
}

/* A function that acts as a table (json_each) has an empty index string; a
 * full-text or other virtual table works as hard as it likes. */
static bool is_table_function(struct bytes detail)
{
    return holds(detail, "VIRTUAL TABLE INDEX") &&
           bytes_ends(detail, BYTES(":"));
}

static void on_plan_line(const struct store_row *row, void *arg)
{
    struct bytes detail = store_row_get(row, 3).bytes;
    struct plan *p = arg;

    if (holds(detail, "TEMP B-TREE") || holds(detail, "MATERIALIZE") ||
        holds(detail, "AUTOMATIC")) {
        p->whole = true;
    } else if (holds(detail, "VIRTUAL TABLE")) {
        p->whole |= !is_table_function(detail);
        p->walks = true;
    } else if (bytes_starts(detail, BYTES("SEARCH "))) {
        p->walks |= !is_by_key(p->conn, detail);
    } else if (bytes_starts(detail, BYTES("SCAN ")) &&
               !holds(detail, "CONSTANT ROW")) {
        p->walks = true;
    }
}

static void on_instruction(const struct store_row *row, void *arg)
{
    struct bytes opcode = store_row_get(row, 1).bytes;
    struct plan *p = arg;

    if (bytes_starts(opcode, BYTES("AggStep")))
        p->whole = true;
    if (bytes_equal(opcode, BYTES("DecrJumpZero")))
        p->limited = true;
}

static void plan_explain(struct plan *p, struct bytes sql)
{
    static const struct {
        const char *how;
        store_row_fn *fn;
    } ways[] = {{"EXPLAIN QUERY PLAN ", on_plan_line},
                {"EXPLAIN ", on_instruction}};

    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        char *text =
            sqlite3_mprintf("%s%.*s", ways[i].how, (int)sql.len, sql.at);
        sqlite3_stmt *stmt = NULL;

        if (!text || sqlite3_prepare_v2(conn_db(p->conn), text, -1, &stmt,
                                        NULL) != SQLITE_OK)
            p->whole = true;
        while (stmt && sqlite3_step(stmt) == SQLITE_ROW) {
            struct value values[4] = {0};
            struct store_row row = {.count = 4, .values = values};
            int column = i == 0 ? 3 : 1;

            values[column] = value_text(
                bytes_of((const char *)sqlite3_column_text(stmt, column)));
            ways[i].fn(&row, p);
        }
        sqlite3_finalize(stmt);
        sqlite3_free(text);
    }
}

static void on_small(const struct store_row *row, void *arg)
{
    *(bool *)arg = store_row_get(row, 0).integer <= SMALL_TABLE_ROWS;
}

static void on_exists(const struct store_row *row, void *arg)
{
    *(bool *)arg = true;
}

static bool table_is_small(struct conn *c, const char *table)
{
    struct value name = value_text(bytes_of(table));
    bool is_table = false, small = false;
    char *sql;
    int error = conn_once(c,
                          BYTES("SELECT 1 FROM sqlite_schema WHERE name = $1"
                                " AND type = 'table' AND rootpage > 0"),
                          &name, 1, on_exists, &is_table, NULL);

    if (error || !is_table)
        return false;
    sql = sqlite3_mprintf("SELECT count(*) FROM (SELECT 1 FROM \"%w\" LIMIT "
                          "%d)",
                          table, SMALL_TABLE_ROWS + 1);
    if (!sql)
        return false;
    error = conn_once(c, bytes_of(sql), NULL, 0, on_small, &small, NULL);
    sqlite3_free(sql);
    return !error && small;
}

static bool all_small(struct conn *c, const struct audit *a)
{
    if (a->too_many || !a->count)
        return false;
    for (unsigned i = 0; i < a->count; i++)
        if (!table_is_small(c, a->tables[i]))
            return false;
    return true;
}

static bool judge(struct conn *c, struct bytes sql, const struct audit *audit)
{
    struct plan p = {.conn = c};

    plan_explain(&p, sql);
    return (!p.whole && (!p.walks || p.limited)) || all_small(c, audit);
}

/* --- the check --------------------------------------------------------- */

static bool is_blank(const char *tail)
{
    return tail[strspn(tail, " \t\r\n;")] == '\0';
}

static int sound(struct conn *c, const struct store_statement *st,
                 sqlite3_stmt *stmt, const char *tail,
                 struct store_detail *detail)
{
    const char *wrong = NULL;

    if (!stmt)
        wrong = "the statement is empty";
    else if (!is_blank(tail))
        wrong = "there is more than one statement";
    else if (st->work != STORE_CLASS_WRITE && !sqlite3_stmt_readonly(stmt))
        wrong = "a statement of this class must not write";
    if (!wrong)
        return 0;
    store_detail_set(detail, "42601", "%s", wrong);
    return ERR_STORE;
}

int plan_check(struct conn *c, const struct store_statement *st,
               bool *ret_short, struct store_detail *detail)
{
    struct audit audit = {0};
    sqlite3_stmt *stmt = NULL;
    const char *tail = "";
    int error, rc;

    sqlite3_set_authorizer(conn_db(c), on_authorize, &audit);
    rc = sqlite3_prepare_v2(conn_db(c), st->sql.at, (int)st->sql.len + 1, &stmt,
                            &tail);
    sqlite3_set_authorizer(conn_db(c), NULL, NULL);
    if (audit.refused) {
        store_detail_set(detail, "42501",
                         "a statement must not touch transactions, files or "
                         "pragmas");
        error = ERR_STORE;
    } else {
        error = rc == SQLITE_OK ? sound(c, st, stmt, tail, detail)
                                : conn_error(c, rc, detail);
    }
    sqlite3_finalize(stmt);
    if (!error)
        *ret_short = st->work == STORE_CLASS_READ && judge(c, st->sql, &audit);
    return error;
}
