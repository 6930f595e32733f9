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
 *   BEFORE INSERT  REPLACE removes the rows in its way without firing a
 *                  delete trigger, but before it is known whether this is a
 *                  REPLACE at all (an INSERT OR IGNORE or an upsert looks the
 *                  same). So the rows in the way are noted in
 *                  fieldline_replaced, and the AFTER trigger, which fires
 *                  only if the row went in, writes D for each that is gone.
 *                  What replaced a row of its own key is a U with the old
 *                  values. A note that nobody took is stale, never wrong: a
 *                  row that still stands is not reported.
 *   BEFORE UPDATE  of a unique column: R, a reset, where another row is in the
 *                  way. UPDATE OR REPLACE is too rare for more: every
 *                  connection parses all this when it opens the file.
 *
 * Nothing in them can fail on any value: blobs, which JSON cannot hold, and
 * infinities are null; a JSON column's text that is no JSON is a string.
 * Not seen: what a REPLACE removes for a unique index on an expression.
 * Threads: one at a time.
 */
#include "store/sqlite_admin.h"
#include "store/sqlite_ddl.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/table.h"

#define OURS_MAX           10000
#define TRIGGERS_MAX       ((size_t)OURS_MAX * DDL_TRIGGERS)
#define STANDING_BYTES_MAX ((size_t)256 << 20)

/* --- what stands in the file -------------------------------------------- */

/* Our triggers as the file has them, read at once: each look at the schema
 * table would read all of it. */
struct standing {
    struct conn *conn;
    struct store_detail *detail;
    struct arena memory;
    struct table *by_name; /* to struct trigger */
    int error;
    bool fresh; /* one was installed */
};
struct trigger {
    struct bytes name, ddl;
};

static int standing_add(struct standing *s, struct bytes name, struct bytes ddl)
{
    struct trigger *t = arena_alloc(&s->memory, sizeof(*t));

    if (!t)
        return ERR_NOMEM;
    t->name = arena_copy(&s->memory, name);
    t->ddl = arena_copy(&s->memory, ddl);
    if (!t->name.at || !t->ddl.at)
        return ERR_NOMEM;
    return table_put(s->by_name, t->name, t);
}

static void on_trigger(const struct store_row *row, void *arg)
{
    struct standing *s = arg;

    if (!s->error)
        s->error = standing_add(s, store_row_get(row, 0).bytes,
                                store_row_get(row, 1).bytes);
}

static void standing_fini(struct standing *s)
{
    table_free(&s->by_name);
    arena_fini(&s->memory);
}

/* In every case to be ended by standing_fini(). */
static int standing_init(struct standing *s, struct conn *c,
                         struct store_detail *detail)
{
    int error;

    *s = (struct standing){.conn = c, .detail = detail};
    arena_init(&s->memory, STANDING_BYTES_MAX);
    error = table_new(&s->by_name, TRIGGERS_MAX);
    if (!error)
        error = conn_once(
            c,
            BYTES("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"
                  " AND name LIKE 'fieldline\\_%' ESCAPE '\\'"),
            NULL, 0, on_trigger, s, detail);
    return error ? error : s->error;
}

/* What is done with each trigger of a table: installed, or looked at. */
typedef int trigger_fn(struct standing *, const struct trigger *want);

static int each_trigger(struct standing *standing,
                        const struct publish_spec *spec, trigger_fn *fn)
{
    struct subject *s = mem_zalloc(1, sizeof(*s));
    struct buf name, ddl;
    int error;

    if (!s)
        return ERR_NOMEM;
    buf_init(&name, DDL_MAX);
    buf_init(&ddl, DDL_MAX);
    error = subject_read(s, spec, standing->conn, standing->detail);
    for (unsigned i = 0; i < DDL_TRIGGERS && !error; i++) {
        error = ddl_trigger(s, i, &name, &ddl);
        if (!error)
            error = fn(standing,
                       &(struct trigger){buf_bytes(&name), buf_bytes(&ddl)});
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
    ddl_put(&sql, "DROP TRIGGER ");
    ddl_put_quoted(&sql, name, '"');
    error = buf_error(&sql);
    if (!error)
        error = conn_once(c, buf_bytes(&sql), NULL, 0, NULL, NULL, detail);
    buf_fini(&sql);
    return error;
}

static bool trigger_stands(const struct standing *s, const struct trigger *want,
                           const struct trigger **found)
{
    *found = table_get(s->by_name, want->name);
    return *found && bytes_equal((*found)->ddl, want->ddl);
}

static int trigger_install(struct standing *s, const struct trigger *want)
{
    const struct trigger *found;
    int error = 0;

    if (trigger_stands(s, want, &found))
        return 0;
    s->fresh = true;
    if (found)
        error = trigger_drop(s->conn, want->name, s->detail);
    return error
               ? error
               : conn_once(s->conn, want->ddl, NULL, 0, NULL, NULL, s->detail);
}

static int trigger_look(struct standing *s, const struct trigger *want)
{
    const struct trigger *found;

    if (trigger_stands(s, want, &found))
        return 0;
    store_detail_set(s->detail, "",
                     "the trigger " BYTES_FMT " is %s: fieldline db DIR "
                     "migrate",
                     BYTES_ARG(want->name), found ? "out of date" : "missing");
    return found ? ERR_STALE : ERR_NOT_FOUND;
}

/* --- removing ---------------------------------------------------------- */

/* The names of our triggers on tables that are not published. */
struct others {
    const struct publish_spec *specs;
    size_t spec_count;
    char **names;
    size_t count, cap;
    int error;
};

static bool is_published(const struct others *o, struct bytes table)
{
    for (size_t i = 0; i < o->spec_count; i++)
        if (bytes_equal_nocase(o->specs[i].table, table))
            return true;
    return false;
}

static void on_ours(const struct store_row *row, void *arg)
{
    struct others *o = arg;
    char *name;

    if (o->error || is_published(o, store_row_get(row, 1).bytes))
        return;
    name = mem_copy(store_row_get(row, 0).bytes);
    o->error = name ? mem_grow(&o->names, &o->cap, o->count + 1,
                               sizeof(*o->names), OURS_MAX)
                    : ERR_NOMEM;
    if (o->error)
        mem_free(name);
    else
        o->names[o->count++] = name;
}

static int remove_others(struct conn *c, const struct publish_spec *specs,
                         size_t count, struct store_detail *detail)
{
    struct others o = {.specs = specs, .spec_count = count};
    int error = conn_once(
        c,
        BYTES("SELECT name, tbl_name FROM sqlite_schema WHERE type = 'trigger'"
              " AND name LIKE 'fieldline\\_%' ESCAPE '\\'"),
        NULL, 0, on_ours, &o, detail);

    if (!error)
        error = o.error;
    for (size_t i = 0; i < o.count; i++) {
        if (!error)
            error = trigger_drop(c, bytes_of(o.names[i]), detail);
        mem_free(o.names[i]);
    }
    mem_free(o.names);
    return error;
}

int sqlite_unpublish(struct admin *a, struct store_detail *detail)
{
    return remove_others(sqlite_admin_conn(a), NULL, 0, detail);
}

/* What was missed while a trigger was missing or another is a reset. */
static int reset_write(struct conn *c, struct bytes table,
                       struct store_detail *detail)
{
    struct value param = value_text(table);

    return conn_once(
        c, BYTES("INSERT INTO fieldline_changes(tbl, op) VALUES ($1, 'R')"),
        &param, 1, NULL, NULL, detail);
}

int sqlite_publish(struct admin *a, const struct publish_spec *specs,
                   size_t count, struct store_detail *detail)
{
    struct conn *c = sqlite_admin_conn(a);
    struct standing standing;
    int error = remove_others(c, specs, count, detail);

    if (error)
        return error;
    error = standing_init(&standing, c, detail);
    for (size_t i = 0; i < count && !error; i++) {
        standing.fresh = false;
        error = each_trigger(&standing, &specs[i], trigger_install);
        if (!error && standing.fresh)
            error = reset_write(c, specs[i].table, detail);
    }
    standing_fini(&standing);
    return error;
}

int sqlite_verify(struct admin *a, const struct publish_spec *specs,
                  size_t count, struct store_detail *detail)
{
    struct standing standing;
    int error = standing_init(&standing, sqlite_admin_conn(a), detail);

    for (size_t i = 0; i < count && !error; i++)
        error = each_trigger(&standing, &specs[i], trigger_look);
    standing_fini(&standing);
    return error;
}
