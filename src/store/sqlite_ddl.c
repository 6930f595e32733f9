/* SPDX-License-Identifier: MIT */
/*
 * sqlite_ddl - the triggers' text, piece by piece.
 * Threads: one at a time.
 */
#include "store/sqlite_ddl.h"

#include "base/error.h"

#define OBJECT_PAIRS 60 /* a function takes 127 arguments */

void ddl_put(struct buf *b, const char *text)
{
    buf_append(b, bytes_of(text));
}

void ddl_put_quoted(struct buf *b, struct bytes name, char quote)
{
    buf_append_char(b, quote);
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] == quote)
            buf_append_char(b, quote);
        buf_append_char(b, name.at[i]);
    }
    buf_append_char(b, quote);
}

/* --- pieces of SQL ----------------------------------------------------- */

static void put_column(struct buf *b, const char *of, const struct column *c)
{
    ddl_put(b, of);
    buf_append_char(b, '.');
    ddl_put_quoted(b, bytes_of(c->name), '"');
}

static void put_table(struct buf *b, const struct subject *s)
{
    ddl_put(b, s->quoted);
}

static void put_table_text(struct buf *b, const struct subject *s)
{
    ddl_put_quoted(b, s->spec->table, '\'');
}

/* The form, with the column in the place of each $. */
static void put_form(struct buf *b, const char *of, const struct column *c,
                     const char *form)
{
    struct buf x;

    buf_init(&x, DDL_MAX);
    put_column(&x, of, c);
    for (const char *at = form, *mark; at; at = mark ? mark + 1 : NULL) {
        mark = strchr(at, '$');
        buf_append(b,
                   (struct bytes){at, mark ? (size_t)(mark - at) : strlen(at)});
        if (mark)
            buf_append(b, buf_bytes(&x));
    }
    if (buf_error(&x))
        b->error = buf_error(&x);
    buf_fini(&x);
}

/* Canonical text, as value_write_text() has it. Every connection parses every
 * trigger when it opens the file, so each form is as small as its column's
 * affinity allows. */
static void put_text(struct buf *b, const char *of, const struct column *c)
{
    static const char of_int[] = "coalesce(CAST($ AS TEXT), '')";
    static const char of_bool[] = "coalesce(iif($, 'true', 'false'), '')";
    static const char of_text[] =
        "coalesce(iif(typeof($) = 'blob', lower(hex($)), $), '')";
    static const char of_any[] =
        "coalesce(CASE typeof($) WHEN 'blob' THEN lower(hex($)) WHEN 'real'"
        " THEN iif($ = CAST($ AS INTEGER), CAST($ AS INTEGER), $)"
        " ELSE $ END, '')";

    if (!c)
        ddl_put(b, "''");
    else if (c->kind == COLUMN_INT)
        put_form(b, of, c, of_int);
    else if (c->kind == COLUMN_BOOL)
        put_form(b, of, c, of_bool);
    else
        put_form(b, of, c, c->is_text ? of_text : of_any);
}

/* As JSON. nullif() makes NULL of a blob and leaves all else alone. A real has
 * all its 17 digits: what reads it back prints the shortest. */
static void put_json(struct buf *b, const char *of, const struct column *c)
{
    static const char plain[] = "nullif($, CAST($ AS BLOB))";
    static const char boolean[] =
        "CASE typeof($) WHEN 'integer' THEN json(iif($, 'true', 'false'))"
        " WHEN 'blob' THEN NULL ELSE $ END";
    static const char json[] =
        "CASE typeof($) WHEN 'blob' THEN NULL WHEN 'text' THEN"
        " iif(json_valid($), json($), $) ELSE $ END";
    static const char real[] =
        "CASE typeof($) WHEN 'real' THEN iif(abs($) < 9e999,"
        " json(printf('%!.17g', $)), NULL) WHEN 'blob' THEN NULL ELSE $ END";

    if (c->is_rowid)
        put_column(b, of, c);
    else if (c->kind == COLUMN_BOOL)
        put_form(b, of, c, boolean);
    else if (c->kind == COLUMN_JSON)
        put_form(b, of, c, json);
    else if (c->kind == COLUMN_INT || c->kind == COLUMN_TIME || c->is_text)
        put_form(b, of, c, plain);
    else
        put_form(b, of, c, real);
}

static void put_pairs(struct buf *b, const char *of,
                      const struct column *columns, size_t count, bool as_paths)
{
    struct buf path;

    buf_init(&path, DDL_MAX);
    for (size_t i = 0; i < count; i++) {
        buf_clear(&path);
        buf_printf(&path, as_paths ? "$.\"%s\"" : "%s", columns[i].name);
        ddl_put(b, i || as_paths ? ", " : "");
        ddl_put_quoted(b, buf_bytes(&path), '\'');
        ddl_put(b, ", ");
        put_json(b, of, &columns[i]);
    }
    if (buf_error(&path))
        b->error = buf_error(&path);
    buf_fini(&path);
}

/* json_object() of these columns; what its arguments cannot hold is inserted
 * into the object afterwards. */
static void put_object(struct buf *b, const char *of,
                       const struct column *columns, size_t count)
{
    size_t first = count < OBJECT_PAIRS ? count : OBJECT_PAIRS;

    for (size_t at = first; at < count; at += OBJECT_PAIRS)
        ddl_put(b, "json_insert(");
    ddl_put(b, "json_object(");
    put_pairs(b, of, columns, first, false);
    ddl_put(b, ")");
    for (size_t at = first; at < count; at += OBJECT_PAIRS) {
        size_t left = count - at;

        put_pairs(b, of, columns + at,
                  left < OBJECT_PAIRS ? left : OBJECT_PAIRS, true);
        ddl_put(b, ")");
    }
}

/* The columns that scope or filter, the tenant's always among them. */
static void put_old(struct buf *b, const char *of, const struct subject *s)
{
    struct column some[PUBLISH_COLUMNS_MAX + 1];
    size_t count = 0;

    if (s->tenant)
        some[count++] = *s->tenant;
    for (unsigned i = 0; i < s->spec->old_count; i++) {
        const struct column *c = subject_column(s, s->spec->old[i]);

        if (c && c != s->tenant)
            some[count++] = *c;
    }
    put_object(b, of, some, count);
}

static void put_name(struct buf *b, const struct subject *s, const char *suffix)
{
    struct buf name;

    buf_init(&name, DDL_MAX);
    ddl_put(&name, "fieldline_");
    buf_append(&name, s->spec->table);
    ddl_put(&name, "_");
    ddl_put(&name, suffix);
    ddl_put_quoted(b, buf_bytes(&name), '"');
    if (buf_error(&name))
        b->error = buf_error(&name);
    buf_fini(&name);
}

static void put_head(struct buf *b, const struct subject *s, const char *suffix,
                     const char *event)
{
    ddl_put(b, "CREATE TRIGGER ");
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
    ddl_put(b, CHANGE_INTO "SELECT ");
    put_table_text(b, s);
    ddl_put(b,
            ", r.\"key\", 'D', r.tenant, NULL, r.old FROM fieldline_replaced r"
            " WHERE r.tbl = ");
    put_table_text(b, s);
    ddl_put(b, " AND NOT EXISTS (SELECT 1 FROM ");
    put_table(b, s);
    ddl_put(b, " t WHERE ");
    put_column(b, "t", s->key);
    ddl_put(b, " = r.k AND ");
    put_column(b, "t", s->key);
    ddl_put(b, " = r.k COLLATE BINARY); ");
}

static void put_forget(struct buf *b, const struct subject *s)
{
    ddl_put(b, "DELETE FROM fieldline_replaced WHERE tbl = ");
    put_table_text(b, s);
    ddl_put(b, "; ");
}

/* (SELECT what FROM the note of the row that NEW replaced) */
static void put_note(struct buf *b, const struct subject *s, const char *what)
{
    buf_printf(b, "(SELECT %s FROM fieldline_replaced r WHERE r.tbl = ", what);
    put_table_text(b, s);
    ddl_put(b, " AND r.k = ");
    put_column(b, "NEW", s->key);
    ddl_put(b, " LIMIT 1)");
}

/* tbl, key, op, tenant of NEW or OLD; op is SQL. */
static void put_change_head(struct buf *b, const struct subject *s,
                            const char *of)
{
    put_table_text(b, s);
    ddl_put(b, ", ");
    put_text(b, of, s->key);
    ddl_put(b, ", ");
}

static void put_insert(struct buf *b, const struct subject *s)
{
    put_head(b, s, "insert", "AFTER INSERT");
    ddl_put(b, " BEGIN ");
    put_replaced(b, s);
    ddl_put(b, CHANGE_INTO "VALUES (");
    put_change_head(b, s, "NEW");
    ddl_put(b, "iif(EXISTS ");
    put_note(b, s, "1");
    ddl_put(b, ", 'U', 'I'), ");
    put_text(b, "NEW", s->tenant);
    ddl_put(b, ", ");
    put_object(b, "NEW", s->columns, s->count);
    ddl_put(b, ", ");
    put_note(b, s, "r.old");
    ddl_put(b, "); ");
    put_forget(b, s);
    ddl_put(b, "END");
}

static void put_key_moved(struct buf *b, const struct subject *s)
{
    put_column(b, "NEW", s->key);
    ddl_put(b, " COLLATE BINARY IS NOT ");
    put_column(b, "OLD", s->key);
}

static void put_deleted(struct buf *b, const struct subject *s)
{
    put_change_head(b, s, "OLD");
    ddl_put(b, "'D', ");
    put_text(b, "OLD", s->tenant);
    ddl_put(b, ", NULL, ");
    put_old(b, "OLD", s);
}

static void put_update(struct buf *b, const struct subject *s)
{
    put_head(b, s, "update", "AFTER UPDATE");
    ddl_put(b, " BEGIN " CHANGE_INTO "SELECT ");
    put_deleted(b, s);
    ddl_put(b, " WHERE ");
    put_key_moved(b, s);
    ddl_put(b, "; " CHANGE_INTO "VALUES (");
    put_change_head(b, s, "NEW");
    ddl_put(b, "iif(");
    put_key_moved(b, s);
    ddl_put(b, ", 'I', 'U'), ");
    put_text(b, "NEW", s->tenant);
    ddl_put(b, ", ");
    put_object(b, "NEW", s->columns, s->count);
    ddl_put(b, ", iif(");
    put_key_moved(b, s);
    ddl_put(b, ", NULL, ");
    put_old(b, "OLD", s);
    ddl_put(b, ")); ");
    put_forget(b, s);
    ddl_put(b, "END");
}

static void put_delete(struct buf *b, const struct subject *s)
{
    put_head(b, s, "delete", "AFTER DELETE");
    ddl_put(b, " BEGIN " CHANGE_INTO "VALUES (");
    put_deleted(b, s);
    ddl_put(b, "); ");
    put_forget(b, s);
    ddl_put(b, "END");
}

/* The rows where t.a = NEW.a AND t.b = NEW.b, as the index compares them. The
 * table has no alias: an index's predicate may call it by its name. */
static void put_in_the_way(struct buf *b, const struct subject *s,
                           const struct unique *u, bool of_update)
{
    put_table(b, s);
    ddl_put(b, " WHERE ");
    for (unsigned i = 0; i < u->count; i++) {
        ddl_put(b, i ? " AND " : "");
        put_column(b, s->quoted, u->columns[i]);
        ddl_put(b, " = ");
        put_column(b, "NEW", u->columns[i]);
        ddl_put(b, " COLLATE ");
        ddl_put_quoted(b, bytes_of(u->collations[i]), '"');
    }
    if (u->predicate) /* a line of its own: it may end in a comment */
        buf_printf(b, " AND (%s\n)", u->predicate);
    if (!of_update)
        return;
    ddl_put(b, " AND ");
    put_column(b, s->quoted, s->key);
    ddl_put(b, " COLLATE BINARY IS NOT ");
    put_column(b, "OLD", s->key);
}

static void put_when_in_the_way(struct buf *b, const struct subject *s,
                                bool of_update)
{
    ddl_put(b, " WHEN ");
    for (unsigned i = 0; i < s->unique_count; i++) {
        ddl_put(b, i ? " OR EXISTS (SELECT 1 FROM " : "EXISTS (SELECT 1 FROM ");
        put_in_the_way(b, s, &s->uniques[i], of_update);
        ddl_put(b, ")");
    }
    ddl_put(b, " BEGIN ");
}

static void put_replace(struct buf *b, const struct subject *s)
{
    put_head(b, s, "replace", "BEFORE INSERT");
    put_when_in_the_way(b, s, false);
    put_forget(b, s);
    for (unsigned i = 0; i < s->unique_count; i++) {
        ddl_put(b, "INSERT INTO fieldline_replaced(tbl, k, \"key\", tenant,"
                   " old) SELECT ");
        put_table_text(b, s);
        ddl_put(b, ", ");
        put_column(b, s->quoted, s->key);
        ddl_put(b, ", ");
        put_text(b, s->quoted, s->key);
        ddl_put(b, ", ");
        put_text(b, s->quoted, s->tenant);
        ddl_put(b, ", ");
        put_old(b, s->quoted, s);
        ddl_put(b, " FROM ");
        put_in_the_way(b, s, &s->uniques[i], false);
        ddl_put(b, " AND NOT EXISTS (SELECT 1 FROM fieldline_replaced r WHERE"
                   " r.tbl = ");
        put_table_text(b, s);
        ddl_put(b, " AND r.k = ");
        put_column(b, s->quoted, s->key);
        ddl_put(b, "); ");
    }
    ddl_put(b, "END");
}

static void put_displace(struct buf *b, const struct subject *s)
{
    const char *sep = "BEFORE UPDATE OF ";

    ddl_put(b, "CREATE TRIGGER ");
    put_name(b, s, "displace");
    ddl_put(b, " ");
    for (unsigned i = 0; i < s->unique_count; i++) {
        for (unsigned j = 0; j < s->uniques[i].count; j++) {
            ddl_put(b, sep);
            ddl_put_quoted(b, bytes_of(s->uniques[i].columns[j]->name), '"');
            sep = ", ";
        }
    }
    ddl_put(b, " ON ");
    put_table(b, s);
    put_when_in_the_way(b, s, true);
    for (unsigned i = 0; i < s->unique_count; i++) {
        ddl_put(b, "INSERT INTO fieldline_changes(tbl, op, tenant) SELECT ");
        put_table_text(b, s);
        ddl_put(b, ", 'R', ");
        put_text(b, s->quoted, s->tenant);
        ddl_put(b, " FROM ");
        put_in_the_way(b, s, &s->uniques[i], true);
        ddl_put(b, "; ");
    }
    ddl_put(b, "END");
}

typedef void put_trigger_fn(struct buf *, const struct subject *);
static const struct {
    const char *suffix;
    put_trigger_fn *put_fn;
} triggers[DDL_TRIGGERS] = {
    {"insert", put_insert},     {"update", put_update},
    {"delete", put_delete},     {"replace", put_replace},
    {"displace", put_displace},
};

int ddl_trigger(const struct subject *s, unsigned which, struct buf *name,
                struct buf *ddl)
{
    buf_clear(name);
    buf_clear(ddl);
    ddl_put(name, "fieldline_");
    buf_append(name, s->spec->table);
    ddl_put(name, "_");
    ddl_put(name, triggers[which].suffix);
    triggers[which].put_fn(ddl, s);
    return buf_error(name) ? buf_error(name) : buf_error(ddl);
}
