/* SPDX-License-Identifier: MIT */
/*
 * sqlite_triggers - what leaves a change row whoever writes.
 *
 * The triggers use nothing but SQLite's own functions: a shell that knows
 * nothing of us fires them too. For each published table:
 *
 *   AFTER INSERT   I with the new row
 *   AFTER UPDATE   U with the new row and the old values; when the key
 *                  changed, D of the old one and I of the new one. An update
 *                  that changes nothing is a change like any other.
 *   AFTER DELETE   D with the old values
 *   BEFORE INSERT, and BEFORE UPDATE of a unique column: REPLACE removes the
 *                  rows in its way without firing a delete trigger, but
 *                  before it is known whether this is a REPLACE at all (an
 *                  INSERT OR IGNORE or an upsert looks the same). So the rows
 *                  in the way are noted in fieldline_replaced, and the AFTER
 *                  trigger, which fires only if the row went in, writes D for
 *                  each that is gone. What replaced a row of its own key is a
 *                  U with the old values. A note that nobody took is stale,
 *                  never wrong: a row that still stands is not reported.
 *
 * Nothing in them can fail on any value: blobs, which JSON cannot hold, and
 * infinities are null; a JSON column's text that is no JSON is a string.
 * Not seen: a REPLACE over a partial unique index or one on an expression.
 * Threads: one at a time.
 */
#include "store/sqlite_admin.h"

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"

#define DDL_MAX        ((size_t)1 << 20)
#define COLUMNS_MAX    2000
#define UNIQUES_MAX    64
#define UNIQUE_COLUMNS 16
#define OBJECT_PAIRS   60 /* a function takes 127 arguments */

struct column {
    char *name;
    enum column_kind kind;
};

struct unique {
    unsigned count;
    const struct column *columns[UNIQUE_COLUMNS];
    char *collations[UNIQUE_COLUMNS];
};

struct subject {
    const struct publish_spec *spec;
    struct column *columns;
    size_t count, cap;
    struct unique uniques[UNIQUES_MAX];
    unsigned unique_count;
    const struct column *key, *tenant;
    int error;
};

/* --- what the table is like -------------------------------------------- */

static void subject_fini(struct subject *s)
{
    for (size_t i = 0; i < s->count; i++)
        mem_free(s->columns[i].name);
    for (unsigned i = 0; i < s->unique_count; i++)
        for (unsigned j = 0; j < s->uniques[i].count; j++)
            mem_free(s->uniques[i].collations[j]);
    mem_free(s->columns);
}

static void on_column(const struct store_row *row, void *arg)
{
    struct subject *s = arg;
    char *name;

    if (s->error)
        return;
    name = mem_copy(store_row_get(row, 0).bytes);
    s->error = name ? mem_grow(&s->columns, &s->cap, s->count + 1,
                               sizeof(*s->columns), COLUMNS_MAX)
                    : ERR_NOMEM;
    if (s->error) {
        mem_free(name);
        return;
    }
    s->columns[s->count++] =
        (struct column){name, column_kind_of(store_row_get(row, 1).bytes)};
}

/* Names of columns compare as SQLite compares them. */
static const struct column *column_named(const struct subject *s,
                                         struct bytes name)
{
    for (size_t i = 0; i < s->count; i++)
        if (bytes_equal_nocase(bytes_of(s->columns[i].name), name))
            return &s->columns[i];
    return NULL;
}

/* seq of the index, its column, the column's collation; in order. */
static void on_unique_column(const struct store_row *row, void *arg)
{
    struct subject *s = arg;
    bool begins = store_row_get(row, 0).integer == 0;
    const struct column *column = column_named(s, store_row_get(row, 1).bytes);
    struct unique *u;

    if (s->error)
        return;
    if (begins && s->unique_count == UNIQUES_MAX)
        s->error = ERR_LIMIT;
    else if (begins)
        s->unique_count++;
    u = s->unique_count ? &s->uniques[s->unique_count - 1] : NULL;
    if (!u || !column || u->count == UNIQUE_COLUMNS)
        s->error = s->error ? s->error : ERR_LIMIT;
    if (s->error)
        return;
    u->columns[u->count] = column;
    u->collations[u->count] = mem_copy(store_row_get(row, 2).bytes);
    if (!u->collations[u->count])
        s->error = ERR_NOMEM;
    else
        u->count++;
}

/* The rowid, where the key is another name for it, stands in no index. */
static int uniques_read(struct subject *s, struct conn *c,
                        const struct value *table, struct store_detail *detail)
{
    struct unique *u = &s->uniques[0];

    u->columns[0] = s->key;
    u->collations[0] = mem_copy(BYTES("BINARY"));
    if (!u->collations[0])
        return ERR_NOMEM;
    u->count = s->unique_count = 1;
    return conn_once(
        c,
        BYTES("SELECT x.seqno, x.name, x.coll FROM pragma_index_list($1) l,"
              " pragma_index_xinfo(l.name) x WHERE l.\"unique\" AND"
              " NOT l.partial AND x.\"key\" AND NOT EXISTS (SELECT 1 FROM"
              " pragma_index_xinfo(l.name) e WHERE e.\"key\""
              " AND e.cid = -2) ORDER BY l.seq, x.seqno"),
        table, 1, on_unique_column, s, detail);
}

static int subject_read(struct subject *s, struct conn *c,
                        struct store_detail *detail)
{
    struct value table = value_text(s->spec->table);
    int error = conn_once(c,
                          BYTES("SELECT name, type FROM pragma_table_xinfo($1)"
                                " WHERE hidden <> 1 ORDER BY cid"),
                          &table, 1, on_column, s, detail);

    if (error || s->error)
        return error ? error : s->error;
    s->key = column_named(s, s->spec->key);
    s->tenant = column_named(s, s->spec->tenant);
    if (!s->key || (s->spec->tenant.len && !s->tenant)) {
        store_detail_set(detail, "42703",
                         "the table " BYTES_FMT " with the column " BYTES_FMT
                         " does not exist",
                         BYTES_ARG(s->spec->table),
                         BYTES_ARG(s->key ? s->spec->tenant : s->spec->key));
        return ERR_INVALID;
    }
    error = uniques_read(s, c, &table, detail);
    return error ? error : s->error;
}

/* --- pieces of SQL ----------------------------------------------------- */

static void put(struct buf *b, const char *text)
{
    buf_append(b, bytes_of(text));
}

static void put_quoted(struct buf *b, struct bytes name, char quote)
{
    buf_append_char(b, quote);
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] == quote)
            buf_append_char(b, quote);
        buf_append_char(b, name.at[i]);
    }
    buf_append_char(b, quote);
}

static void put_column(struct buf *b, const char *of, const struct column *c)
{
    put(b, of);
    buf_append_char(b, '.');
    put_quoted(b, bytes_of(c->name), '"');
}

static void put_table(struct buf *b, const struct subject *s)
{
    put_quoted(b, s->spec->table, '"');
}

static void put_table_text(struct buf *b, const struct subject *s)
{
    put_quoted(b, s->spec->table, '\'');
}

/* Canonical text, as value_write_text() has it. */
static void put_text(struct buf *b, const char *of, const struct column *c)
{
    struct buf x;

    if (!c) {
        put(b, "''");
        return;
    }
    buf_init(&x, DDL_MAX);
    put_column(&x, of, c);
    buf_append_char(&x, '\0');
    if (buf_error(&x))
        b->error = buf_error(&x);
    else if (c->kind == COLUMN_BOOL)
        buf_printf(b, "coalesce(iif(%s, 'true', 'false'), '')", x.at);
    else
        buf_printf(b,
                   "coalesce(CASE typeof(%s) WHEN 'blob' THEN lower(hex(%s))"
                   " WHEN 'real' THEN iif(%s = CAST(%s AS INTEGER),"
                   " CAST(CAST(%s AS INTEGER) AS TEXT), CAST(%s AS TEXT))"
                   " ELSE CAST(%s AS TEXT) END, '')",
                   x.at, x.at, x.at, x.at, x.at, x.at, x.at);
    buf_fini(&x);
}

/* As JSON; 15 digits of a real where they are enough, else all 17. */
static void put_json(struct buf *b, const char *of, const struct column *c)
{
    struct buf x;

    buf_init(&x, DDL_MAX);
    put_column(&x, of, c);
    buf_append_char(&x, '\0');
    if (buf_error(&x)) {
        b->error = buf_error(&x);
        buf_fini(&x);
        return;
    }
    buf_printf(b, "CASE typeof(%s) WHEN 'blob' THEN NULL ", x.at);
    if (c->kind == COLUMN_BOOL)
        buf_printf(b, "WHEN 'integer' THEN json(iif(%s, 'true', 'false')) ",
                   x.at);
    if (c->kind == COLUMN_JSON)
        buf_printf(b, "WHEN 'text' THEN iif(json_valid(%s), json(%s), %s) ",
                   x.at, x.at, x.at);
    buf_printf(b,
               "WHEN 'real' THEN CASE WHEN abs(%s) > 1.7976931348623157e308"
               " THEN NULL WHEN CAST(%s AS TEXT) + 0.0 = %s THEN %s"
               " ELSE json(printf('%%!.17g', %s)) END ELSE %s END",
               x.at, x.at, x.at, x.at, x.at, x.at);
    buf_fini(&x);
}

static void put_pairs(struct buf *b, const char *of,
                      const struct column *const *columns, size_t count,
                      bool as_paths)
{
    struct buf path;

    buf_init(&path, DDL_MAX);
    for (size_t i = 0; i < count; i++) {
        buf_clear(&path);
        buf_printf(&path, as_paths ? "$.\"%s\"" : "%s", columns[i]->name);
        put(b, i || as_paths ? ", " : "");
        put_quoted(b, buf_bytes(&path), '\'');
        put(b, ", ");
        put_json(b, of, columns[i]);
    }
    if (buf_error(&path))
        b->error = buf_error(&path);
    buf_fini(&path);
}

/* json_object() of these columns; what its arguments cannot hold is inserted
 * into the object afterwards. */
static void put_object(struct buf *b, const char *of,
                       const struct column *const *columns, size_t count)
{
    size_t first = count < OBJECT_PAIRS ? count : OBJECT_PAIRS;

    for (size_t at = first; at < count; at += OBJECT_PAIRS)
        put(b, "json_insert(");
    put(b, "json_object(");
    put_pairs(b, of, columns, first, false);
    put(b, ")");
    for (size_t at = first; at < count; at += OBJECT_PAIRS) {
        size_t left = count - at;

        put_pairs(b, of, columns + at,
                  left < OBJECT_PAIRS ? left : OBJECT_PAIRS, true);
        put(b, ")");
    }
}

static void put_row(struct buf *b, const struct subject *s)
{
    const struct column **all = mem_zalloc(s->count, sizeof(*all));

    if (!all) {
        b->error = ERR_NOMEM;
        return;
    }
    for (size_t i = 0; i < s->count; i++)
        all[i] = &s->columns[i];
    put_object(b, "NEW", all, s->count);
    mem_free(all);
}

/* The columns that scope or filter, the tenant's always among them. */
static void put_old(struct buf *b, const char *of, const struct subject *s)
{
    const struct column *some[PUBLISH_COLUMNS_MAX + 1];
    size_t count = 0;

    if (s->tenant)
        some[count++] = s->tenant;
    for (unsigned i = 0; i < s->spec->old_count; i++) {
        const struct column *c = column_named(s, s->spec->old[i]);

        if (c && c != s->tenant)
            some[count++] = c;
    }
    put_object(b, of, some, count);
}

static void put_name(struct buf *b, const struct subject *s, const char *suffix)
{
    struct buf name;

    buf_init(&name, DDL_MAX);
    put(&name, "fieldline_");
    buf_append(&name, s->spec->table);
    put(&name, "_");
    put(&name, suffix);
    put_quoted(b, buf_bytes(&name), '"');
    if (buf_error(&name))
        b->error = buf_error(&name);
    buf_fini(&name);
}

static void put_head(struct buf *b, const struct subject *s, const char *suffix,
                     const char *event)
{
    put(b, "CREATE TRIGGER ");
    put_name(b, s, suffix);
    buf_printf(b, " %s ON ", event);
    put_table(b, s);
}

/* --- the triggers ------------------------------------------------------ */

#define CHANGE_INTO                                                            \
    "INSERT INTO fieldline_changes(tbl, \"key\", op, tenant, \"row\", old) "

/* D for each noted row that is gone. The second comparison is for columns
 * whose own collation takes different keys for equal. */
static void put_replaced(struct buf *b, const struct subject *s)
{
    put(b, CHANGE_INTO "SELECT ");
    put_table_text(b, s);
    put(b, ", r.\"key\", 'D', r.tenant, NULL, r.old FROM fieldline_replaced r"
           " WHERE r.tbl = ");
    put_table_text(b, s);
    put(b, " AND NOT EXISTS (SELECT 1 FROM ");
    put_table(b, s);
    put(b, " t WHERE ");
    put_column(b, "t", s->key);
    put(b, " = r.k AND ");
    put_column(b, "t", s->key);
    put(b, " = r.k COLLATE BINARY); ");
}

static void put_forget(struct buf *b, const struct subject *s)
{
    put(b, "DELETE FROM fieldline_replaced WHERE tbl = ");
    put_table_text(b, s);
    put(b, "; ");
}

/* (SELECT what FROM the note of the row that NEW replaced) */
static void put_note(struct buf *b, const struct subject *s, const char *what)
{
    buf_printf(b, "(SELECT %s FROM fieldline_replaced r WHERE r.tbl = ", what);
    put_table_text(b, s);
    put(b, " AND r.k = ");
    put_column(b, "NEW", s->key);
    put(b, " LIMIT 1)");
}

/* tbl, key, op, tenant of NEW or OLD; op is SQL. */
static void put_change_head(struct buf *b, const struct subject *s,
                            const char *of)
{
    put_table_text(b, s);
    put(b, ", ");
    put_text(b, of, s->key);
    put(b, ", ");
}

static void put_insert(struct buf *b, const struct subject *s)
{
    put_head(b, s, "insert", "AFTER INSERT");
    put(b, " BEGIN ");
    put_replaced(b, s);
    put(b, CHANGE_INTO "VALUES (");
    put_change_head(b, s, "NEW");
    put(b, "iif(EXISTS ");
    put_note(b, s, "1");
    put(b, ", 'U', 'I'), ");
    put_text(b, "NEW", s->tenant);
    put(b, ", ");
    put_row(b, s);
    put(b, ", ");
    put_note(b, s, "r.old");
    put(b, "); ");
    put_forget(b, s);
    put(b, "END");
}

static void put_key_moved(struct buf *b, const struct subject *s)
{
    put_column(b, "NEW", s->key);
    put(b, " COLLATE BINARY IS NOT ");
    put_column(b, "OLD", s->key);
}

static void put_deleted(struct buf *b, const struct subject *s)
{
    put_change_head(b, s, "OLD");
    put(b, "'D', ");
    put_text(b, "OLD", s->tenant);
    put(b, ", NULL, ");
    put_old(b, "OLD", s);
}

static void put_update(struct buf *b, const struct subject *s)
{
    put_head(b, s, "update", "AFTER UPDATE");
    put(b, " BEGIN ");
    put_replaced(b, s);
    put(b, CHANGE_INTO "SELECT ");
    put_deleted(b, s);
    put(b, " WHERE ");
    put_key_moved(b, s);
    put(b, "; " CHANGE_INTO "VALUES (");
    put_change_head(b, s, "NEW");
    put(b, "iif(");
    put_key_moved(b, s);
    put(b, " AND NOT EXISTS ");
    put_note(b, s, "1");
    put(b, ", 'I', 'U'), ");
    put_text(b, "NEW", s->tenant);
    put(b, ", ");
    put_row(b, s);
    put(b, ", iif(");
    put_key_moved(b, s);
    put(b, ", ");
    put_note(b, s, "r.old");
    put(b, ", ");
    put_old(b, "OLD", s);
    put(b, ")); ");
    put_forget(b, s);
    put(b, "END");
}

static void put_delete(struct buf *b, const struct subject *s)
{
    put_head(b, s, "delete", "AFTER DELETE");
    put(b, " BEGIN " CHANGE_INTO "VALUES (");
    put_deleted(b, s);
    put(b, "); ");
    put_forget(b, s);
    put(b, "END");
}

/* t.a = NEW.a AND t.b = NEW.b, as the index compares them. */
static void put_in_the_way(struct buf *b, const struct subject *s,
                           const struct unique *u, bool of_update)
{
    put_table(b, s);
    put(b, " t WHERE ");
    for (unsigned i = 0; i < u->count; i++) {
        put(b, i ? " AND " : "");
        put_column(b, "t", u->columns[i]);
        put(b, " = ");
        put_column(b, "NEW", u->columns[i]);
        put(b, " COLLATE ");
        put_quoted(b, bytes_of(u->collations[i]), '"');
    }
    if (!of_update)
        return;
    put(b, " AND ");
    put_column(b, "t", s->key);
    put(b, " COLLATE BINARY IS NOT ");
    put_column(b, "OLD", s->key);
}

static void put_noting(struct buf *b, const struct subject *s, bool of_update)
{
    put(b, " WHEN ");
    for (unsigned i = 0; i < s->unique_count; i++) {
        put(b, i ? " OR EXISTS (SELECT 1 FROM " : "EXISTS (SELECT 1 FROM ");
        put_in_the_way(b, s, &s->uniques[i], of_update);
        put(b, ")");
    }
    put(b, " BEGIN ");
    put_forget(b, s);
    for (unsigned i = 0; i < s->unique_count; i++) {
        put(b, "INSERT INTO fieldline_replaced(tbl, k, \"key\", tenant, old)"
               " SELECT ");
        put_table_text(b, s);
        put(b, ", ");
        put_column(b, "t", s->key);
        put(b, ", ");
        put_text(b, "t", s->key);
        put(b, ", ");
        put_text(b, "t", s->tenant);
        put(b, ", ");
        put_old(b, "t", s);
        put(b, " FROM ");
        put_in_the_way(b, s, &s->uniques[i], of_update);
        put(b, " AND NOT EXISTS (SELECT 1 FROM fieldline_replaced r WHERE"
               " r.tbl = ");
        put_table_text(b, s);
        put(b, " AND r.k = ");
        put_column(b, "t", s->key);
        put(b, "); ");
    }
    put(b, "END");
}

static void put_replace(struct buf *b, const struct subject *s)
{
    put_head(b, s, "replace", "BEFORE INSERT");
    put_noting(b, s, false);
}

static void put_displace(struct buf *b, const struct subject *s)
{
    const char *sep = "BEFORE UPDATE OF ";

    put(b, "CREATE TRIGGER ");
    put_name(b, s, "displace");
    put(b, " ");
    for (unsigned i = 0; i < s->unique_count; i++) {
        for (unsigned j = 0; j < s->uniques[i].count; j++) {
            put(b, sep);
            put_quoted(b, bytes_of(s->uniques[i].columns[j]->name), '"');
            sep = ", ";
        }
    }
    put(b, " ON ");
    put_table(b, s);
    put_noting(b, s, true);
}

typedef void put_trigger_fn(struct buf *, const struct subject *);
static const struct {
    const char *suffix;
    put_trigger_fn *put_fn;
} triggers[] = {
    {"insert", put_insert},     {"update", put_update},
    {"delete", put_delete},     {"replace", put_replace},
    {"displace", put_displace},
};

/* --- installing -------------------------------------------------------- */

struct found {
    struct bytes want;
    bool exists, same;
};

static void on_trigger(const struct store_row *row, void *arg)
{
    struct found *f = arg;

    f->exists = true;
    f->same = bytes_equal(store_row_get(row, 0).bytes, f->want);
}

/* Is the trigger there as ddl has it? */
static int trigger_find(struct conn *c, struct bytes name, struct bytes ddl,
                        struct found *ret, struct store_detail *detail)
{
    struct value param = value_text(name);

    *ret = (struct found){.want = ddl};
    return conn_once(c,
                     BYTES("SELECT sql FROM sqlite_schema"
                           " WHERE type = 'trigger' AND name = $1"),
                     &param, 1, on_trigger, ret, detail);
}

static int trigger_text(const struct subject *s, size_t which, struct buf *name,
                        struct buf *ddl)
{
    buf_clear(name);
    buf_clear(ddl);
    put(name, "fieldline_");
    buf_append(name, s->spec->table);
    put(name, "_");
    put(name, triggers[which].suffix);
    triggers[which].put_fn(ddl, s);
    return buf_error(name) ? buf_error(name) : buf_error(ddl);
}

/* What is done with each trigger of a table: installed, or looked at. */
typedef int trigger_fn(struct conn *, struct bytes name, struct bytes ddl,
                       void *arg, struct store_detail *);

static int each_trigger(struct conn *c, const struct publish_spec *spec,
                        trigger_fn *fn, void *arg, struct store_detail *detail)
{
    struct subject *s = mem_zalloc(1, sizeof(*s));
    struct buf name, ddl;
    int error;

    if (!s)
        return ERR_NOMEM;
    s->spec = spec;
    buf_init(&name, DDL_MAX);
    buf_init(&ddl, DDL_MAX);
    error = subject_read(s, c, detail);
    for (size_t i = 0; i < ARRAY_LEN(triggers) && !error; i++) {
        error = trigger_text(s, i, &name, &ddl);
        if (!error)
            error = fn(c, buf_bytes(&name), buf_bytes(&ddl), arg, detail);
    }
    buf_fini(&name);
    buf_fini(&ddl);
    subject_fini(s);
    mem_free(s);
    return error;
}

static int trigger_drop(struct conn *c, struct bytes name,
                        struct store_detail *detail)
{
    struct buf sql;
    int error;

    buf_init(&sql, DDL_MAX);
    put(&sql, "DROP TRIGGER ");
    put_quoted(&sql, name, '"');
    error = buf_error(&sql);
    if (!error)
        error = conn_once(c, buf_bytes(&sql), NULL, 0, NULL, NULL, detail);
    buf_fini(&sql);
    return error;
}

static int trigger_install(struct conn *c, struct bytes name, struct bytes ddl,
                           void *arg, struct store_detail *detail)
{
    struct found found;
    bool *fresh = arg;
    int error = trigger_find(c, name, ddl, &found, detail);

    if (error || found.same)
        return error;
    *fresh = true;
    if (found.exists)
        error = trigger_drop(c, name, detail);
    return error ? error : conn_once(c, ddl, NULL, 0, NULL, NULL, detail);
}

static int trigger_look(struct conn *c, struct bytes name, struct bytes ddl,
                        void *arg, struct store_detail *detail)
{
    struct found found;
    int error = trigger_find(c, name, ddl, &found, detail);

    if (error || found.same)
        return error;
    store_detail_set(detail, "",
                     "the trigger " BYTES_FMT " is %s: fieldline db DIR "
                     "migrate",
                     BYTES_ARG(name), found.exists ? "out of date" : "missing");
    return found.exists ? ERR_STALE : ERR_NOT_FOUND;
}

/* --- removing ---------------------------------------------------------- */

struct names {
    char **all;
    size_t count, cap;
    int error;
};

static void on_name(const struct store_row *row, void *arg)
{
    struct names *n = arg;

    if (!n->error)
        n->error = mem_grow(&n->all, &n->cap, n->count + 1, sizeof(*n->all),
                            COLUMNS_MAX);
    if (n->error)
        return;
    n->all[n->count] = mem_copy(store_row_get(row, 0).bytes);
    if (n->all[n->count])
        n->count++;
    else
        n->error = ERR_NOMEM;
}

static bool is_published(const char *table, const struct publish_spec *specs,
                         size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bytes_equal_nocase(specs[i].table, bytes_of(table)))
            return true;
    return false;
}

/* Ours on any table that is not in specs. */
static int remove_others(struct conn *c, const struct publish_spec *specs,
                         size_t count, struct store_detail *detail)
{
    struct names triggers_of = {0}, tables = {0};
    static const char sql[] =
        "SELECT %s FROM sqlite_schema WHERE type = 'trigger'"
        " AND name LIKE 'fieldline\\_%%' ESCAPE '\\' ORDER BY name";
    char *by_name = sqlite3_mprintf(sql, "name");
    char *by_table = sqlite3_mprintf(sql, "tbl_name");
    int error = by_name && by_table ? 0 : ERR_NOMEM;

    if (!error)
        error = conn_once(c, bytes_of(by_name), NULL, 0, on_name, &triggers_of,
                          detail);
    if (!error)
        error =
            conn_once(c, bytes_of(by_table), NULL, 0, on_name, &tables, detail);
    error = error               ? error
            : triggers_of.error ? triggers_of.error
                                : tables.error;
    for (size_t i = 0; i < triggers_of.count && !error; i++)
        if (!is_published(tables.all[i], specs, count))
            error = trigger_drop(c, bytes_of(triggers_of.all[i]), detail);
    for (size_t i = 0; i < triggers_of.count; i++)
        mem_free(triggers_of.all[i]);
    for (size_t i = 0; i < tables.count; i++)
        mem_free(tables.all[i]);
    mem_free(triggers_of.all);
    mem_free(tables.all);
    sqlite3_free(by_name);
    sqlite3_free(by_table);
    return error;
}

int sqlite_unpublish(struct admin *a, struct store_detail *detail)
{
    return remove_others(sqlite_admin_conn(a), NULL, 0, detail);
}

int sqlite_publish(struct admin *a, const struct publish_spec *specs,
                   size_t count, struct store_detail *detail)
{
    struct conn *c = sqlite_admin_conn(a);
    int error = remove_others(c, specs, count, detail);

    for (size_t i = 0; i < count && !error; i++) {
        struct value table = value_text(specs[i].table);
        bool fresh = false;

        error = each_trigger(c, &specs[i], trigger_install, &fresh, detail);
        if (!error && fresh)
            error = conn_once(c,
                              BYTES("INSERT INTO fieldline_changes(tbl, op)"
                                    " VALUES ($1, 'R')"),
                              &table, 1, NULL, NULL, detail);
    }
    return error;
}

int sqlite_verify(struct admin *a, const struct publish_spec *specs,
                  size_t count, struct store_detail *detail)
{
    int error = 0;

    for (size_t i = 0; i < count && !error; i++)
        error = each_trigger(sqlite_admin_conn(a), &specs[i], trigger_look,
                             NULL, detail);
    return error;
}
