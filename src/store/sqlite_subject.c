/* SPDX-License-Identifier: MIT */
/*
 * sqlite_subject - a published table's columns and unique indexes.
 *
 * A unique index is what a REPLACE empties, so each is read with its columns,
 * their collations and, where it is partial, its predicate, which SQLite keeps
 * only as part of the CREATE INDEX it was given.
 * Threads: one at a time.
 */
#include "store/sqlite_ddl.h"

#include "base/error.h"
#include "base/mem.h"

void subject_fini(struct subject *s)
{
    for (size_t i = 0; i < s->count; i++)
        mem_free(s->columns[i].name);
    for (unsigned i = 0; i < s->unique_count; i++) {
        for (unsigned j = 0; j < s->uniques[i].count; j++)
            mem_free(s->uniques[i].collations[j]);
        mem_free(s->uniques[i].predicate);
    }
    mem_free(s->columns);
    mem_free(s->quoted);
}

static void on_column(const struct store_row *row, void *arg)
{
    struct subject *s = arg;
    char *name;

    if (s->error)
        return;
    name = mem_copy(store_row_get(row, 0).bytes);
    s->error = name ? mem_grow(&s->columns, &s->cap, s->count + 1,
                               sizeof(*s->columns), DDL_COLUMNS_MAX)
                    : ERR_NOMEM;
    if (s->error) {
        mem_free(name);
        return;
    }
    s->columns[s->count++] =
        (struct column){.name = name,
                        .kind = column_kind_of(store_row_get(row, 1).bytes),
                        .is_text = column_is_text(store_row_get(row, 1).bytes),
                        .is_rowid = store_row_get(row, 2).integer != 0};
}

/* Names of columns compare as SQLite compares them. */
const struct column *subject_column(const struct subject *s, struct bytes name)
{
    for (size_t i = 0; i < s->count; i++)
        if (bytes_equal_nocase(bytes_of(s->columns[i].name), name))
            return &s->columns[i];
    return NULL;
}

/* Where the quoted name, string or comment that begins at `at` ends; at itself
 * when there is none. */
static size_t skip_quoted(struct bytes sql, size_t at)
{
    static const struct {
        const char *open, *close;
    } kinds[] = {{"'", "'"}, {"\"", "\""}, {"`", "`"},
                 {"[", "]"}, {"--", "\n"}, {"/*", "*/"}};
    struct bytes rest = bytes_skip(sql, at);

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        size_t open = strlen(kinds[i].open), close = strlen(kinds[i].close);
        const char *end;

        if (!bytes_starts(rest, bytes_of(kinds[i].open)))
            continue;
        end = memmem(rest.at + open, rest.len - open, kinds[i].close, close);
        return end ? (size_t)(end - sql.at) + close : sql.len;
    }
    return at;
}

/* What follows WHERE in CREATE INDEX i ON t(a, b) WHERE ...; empty: nothing
 * does. */
static struct bytes predicate_of(struct bytes sql)
{
    static const struct bytes where = {"WHERE", 5};
    bool listed = false;
    int depth = 0;

    for (size_t at = 0; at < sql.len;) {
        size_t end = skip_quoted(sql, at);
        struct bytes word = {sql.at + at, where.len};

        if (end > at) {
            at = end;
            continue;
        }
        depth += (sql.at[at] == '(') - (sql.at[at] == ')');
        listed |= sql.at[at] == ')' && depth == 0;
        if (listed && depth == 0 && sql.len - at > where.len &&
            bytes_equal_nocase(word, where))
            return bytes_skip(sql, at + where.len);
        at++;
    }
    return bytes_of(NULL);
}

static struct unique *unique_begin(struct subject *s, struct bytes sql)
{
    struct bytes predicate = predicate_of(sql);
    struct unique *u;

    if (s->unique_count == DDL_UNIQUES_MAX) {
        s->error = ERR_LIMIT;
        return NULL;
    }
    u = &s->uniques[s->unique_count++];
    u->predicate = predicate.len ? mem_copy(predicate) : NULL;
    if (predicate.len && !u->predicate)
        s->error = ERR_NOMEM;
    return u;
}

/* seq in the index, its column, the column's collation, the index; in order. */
static void on_unique_column(const struct store_row *row, void *arg)
{
    struct subject *s = arg;
    const struct column *column =
        subject_column(s, store_row_get(row, 1).bytes);
    struct unique *u;

    if (s->error)
        return;
    u = store_row_get(row, 0).integer == 0
            ? unique_begin(s, store_row_get(row, 3).bytes)
            : &s->uniques[s->unique_count - 1];
    if (!s->error && (!column || u->count == DDL_UNIQUE_PARTS))
        s->error = ERR_LIMIT;
    if (s->error)
        return;
    u->columns[u->count] = column;
    u->collations[u->count] = mem_copy(store_row_get(row, 2).bytes);
    if (!u->collations[u->count])
        s->error = ERR_NOMEM;
    else
        u->count++;
}

/* The rowid stands in no index, whatever column is its other name. Without
 * any, the key is taken for unique. */
static int unique_rowid(struct subject *s)
{
    const struct column *rowid = NULL;
    struct unique *u;

    for (size_t i = 0; i < s->count && !rowid; i++)
        if (s->columns[i].is_rowid)
            rowid = &s->columns[i];
    if (!rowid && s->unique_count)
        return 0;
    u = unique_begin(s, bytes_of(NULL));
    if (!u)
        return s->error;
    u->columns[0] = rowid ? rowid : s->key;
    u->collations[0] = mem_copy(BYTES("BINARY"));
    u->count = u->collations[0] != NULL;
    return u->count ? 0 : ERR_NOMEM;
}

static int uniques_read(struct subject *s, struct conn *c,
                        const struct value *table, struct store_detail *detail)
{
    return conn_once(
        c,
        BYTES("SELECT x.seqno, x.name, x.coll, (SELECT sql FROM sqlite_schema"
              " WHERE type = 'index' AND name = l.name AND l.partial)"
              " FROM pragma_index_list($1) l, pragma_index_xinfo(l.name) x"
              " WHERE l.\"unique\" AND x.\"key\" AND NOT EXISTS (SELECT 1"
              " FROM pragma_index_xinfo(l.name) e WHERE e.\"key\""
              " AND e.cid = -2) ORDER BY l.seq, x.seqno"),
        table, 1, on_unique_column, s, detail);
}

static int quote_table(struct subject *s)
{
    struct buf b;

    buf_init(&b, DDL_MAX);
    ddl_put_quoted(&b, s->spec->table, '"');
    s->quoted = buf_error(&b) ? NULL : mem_copy(buf_bytes(&b));
    buf_fini(&b);
    return s->quoted ? 0 : ERR_NOMEM;
}

int subject_read(struct subject *s, const struct publish_spec *spec,
                 struct conn *c, struct store_detail *detail)
{
    struct value table = value_text(spec->table);
    int error;

    s->spec = spec;
    error = quote_table(s);
    if (error)
        return error;
    error = conn_once(c,
                      BYTES("SELECT name, type, pk AND type LIKE 'INTEGER'"
                            " AND (SELECT count(*) = 1 FROM"
                            " pragma_table_info($1) WHERE pk) AND NOT EXISTS"
                            " (SELECT 1 FROM pragma_index_list($1) WHERE"
                            " origin = 'pk') FROM pragma_table_xinfo($1)"
                            " WHERE hidden <> 1 ORDER BY cid"),
                      &table, 1, on_column, s, detail);

    if (error || s->error)
        return error ? error : s->error;
    s->key = subject_column(s, s->spec->key);
    s->tenant = subject_column(s, s->spec->tenant);
    if (!s->key || (s->spec->tenant.len && !s->tenant)) {
        store_detail_set(detail, "42703",
                         "the table " BYTES_FMT " with the column " BYTES_FMT
                         " does not exist",
                         BYTES_ARG(s->spec->table),
                         BYTES_ARG(s->key ? s->spec->tenant : s->spec->key));
        return ERR_INVALID;
    }
    error = uniques_read(s, c, &table, detail);
    if (!error)
        error = s->error;
    return error ? error : unique_rowid(s);
}
