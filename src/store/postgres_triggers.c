/* SPDX-License-Identifier: MIT */
/*
 * postgres_triggers - which triggers a published table has, put and checked.
 *
 * An ordinary table has statement triggers with transition tables for what its
 * own programs do, a row trigger that fires only in the replica role (the
 * worker of logical replication applies rows without statements), and one for
 * TRUNCATE. Foreign keys that cascade, COPY, MERGE and ON CONFLICT fire the
 * statement triggers of what they change. Tables that inherit from it have the
 * same, since a statement that names them fires only theirs.
 *
 * A partitioned table has a row trigger instead, which PostgreSQL copies to
 * every partition, the future ones too: a statement that names a partition
 * fires no statement trigger of the whole. There each row is told however many
 * they are. Attaching and detaching a partition is not told.
 *
 * All fire whatever session_replication_role is: ALWAYS, or the statement
 * triggers in one role and the row trigger in the other. A trigger's comment
 * carries the digest of what made it: by that it is known to be up to date.
 * Threads: one at a time.
 */
#include "store/postgres_admin.h"

#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"

#include <stdio.h>

#define DDL_MAX       ((size_t)1 << 16)
#define TRIGGERS_MAX  100000
#define RELATIONS_MAX 10000

/* A table to publish, or one that belongs to it. */
struct relation {
    char *name; /* qualified and quoted */
    bool inherits;
};

struct subject {
    const struct publish_spec *spec;
    bool found, has_key, has_tenant, partitioned, careful;
    struct buf nulls;
    struct relation *relations; /* the first is the table itself */
    size_t count, cap;
    int error;
};

static void subject_fini(struct subject *s)
{
    for (size_t i = 0; i < s->count; i++)
        mem_free(s->relations[i].name);
    mem_free(s->relations);
    buf_fini(&s->nulls);
}

/* --- looking at a table ------------------------------------------------ */

/* Types of which to_jsonb is known to take every value; see T3. */
static const char subject_sql[] =
    "SELECT c.relkind IN ('r', 'p'), c.relkind = 'p',"
    " EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = $2"
    " AND attnum > 0 AND NOT attisdropped),"
    " EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = $3"
    " AND attnum > 0 AND NOT attisdropped),"
    " coalesce(bool_or(CASE WHEN t.typtype = 'd' THEN true"
    " WHEN t.typelem <> 0 AND t.typlen = -1"
    " THEN e.typtype <> 'e' AND e.typname <> ALL (safe.names)"
    " ELSE t.typtype <> 'e' AND t.typname <> ALL (safe.names) END), false),"
    " coalesce(jsonb_object_agg(a.attname, NULL::text) FILTER (WHERE"
    " coalesce(nullif(t.typbasetype, 0), t.oid) = 'bytea'::regtype),"
    " '{}')::text"
    " FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid"
    " AND a.attnum > 0 AND NOT a.attisdropped"
    " LEFT JOIN pg_type t ON t.oid = a.atttypid"
    " LEFT JOIN pg_type e ON e.oid = t.typelem,"
    " (SELECT '{bool,int2,int4,int8,oid,float4,float8,numeric,money,text,"
    "varchar,bpchar,name,char,uuid,date,time,timetz,timestamp,timestamptz,"
    "interval,jsonb,bytea,inet,cidr,macaddr,bit,varbit}'::name[] AS names) safe"
    " WHERE c.oid = to_regclass(quote_ident($1)) GROUP BY c.oid, c.relkind";

static const char relations_sql[] =
    "WITH RECURSIVE tree(oid) AS (SELECT to_regclass(quote_ident($1))::oid"
    " UNION SELECT i.inhrelid FROM tree t JOIN pg_inherits i"
    " ON i.inhparent = t.oid)"
    " SELECT format('%I.%I', n.nspname, c.relname), c.relispartition"
    " FROM tree t JOIN pg_class c ON c.oid = t.oid"
    " JOIN pg_namespace n ON n.oid = c.relnamespace"
    " ORDER BY c.oid <> to_regclass(quote_ident($1)), 1";

static void on_subject(const struct store_row *row, void *arg)
{
    struct subject *s = arg;

    s->found = store_row_get(row, 0).boolean;
    s->partitioned = store_row_get(row, 1).boolean;
    s->has_key = store_row_get(row, 2).boolean;
    s->has_tenant = store_row_get(row, 3).boolean || !s->spec->tenant.len;
    s->careful = store_row_get(row, 4).boolean;
    buf_append(&s->nulls, store_row_get(row, 5).bytes);
}

static void on_relation(const struct store_row *row, void *arg)
{
    struct subject *s = arg;
    struct relation *r;

    if (!s->error)
        s->error = mem_grow(&s->relations, &s->cap, s->count + 1,
                            sizeof(*s->relations), RELATIONS_MAX);
    if (s->error)
        return;
    r = &s->relations[s->count];
    r->name = mem_copy(store_row_get(row, 0).bytes);
    r->inherits = s->count > 0;
    if (r->name)
        s->count++;
    else
        s->error = ERR_NOMEM;
}

static int subject_check(const struct subject *s, struct store_detail *detail)
{
    const struct publish_spec *spec = s->spec;

    if (!s->found) {
        store_detail_set(detail, "42P01",
                         "there is no table " BYTES_FMT
                         " (the changes of a view cannot be published)",
                         BYTES_ARG(spec->table));
        return ERR_INVALID;
    }
    if (!s->has_key || !s->has_tenant) {
        store_detail_set(detail, "42703",
                         "the table " BYTES_FMT " has no column " BYTES_FMT,
                         BYTES_ARG(spec->table),
                         BYTES_ARG(s->has_key ? spec->tenant : spec->key));
        return ERR_INVALID;
    }
    return buf_error(&s->nulls);
}

static int subject_read(struct subject *s, struct admin *a,
                        struct store_detail *detail)
{
    struct value params[] = {value_text(s->spec->table),
                             value_text(s->spec->key),
                             value_text(s->spec->tenant)};
    int error = pg_admin_run(a, bytes_of(subject_sql), params, 3, on_subject, s,
                             detail);

    if (!error)
        error = subject_check(s, detail);
    if (!error)
        error = pg_admin_run(a, bytes_of(relations_sql), params, 1, on_relation,
                             s, detail);
    return error ? error : s->error;
}

/* --- the triggers ------------------------------------------------------ */

enum where {
    ORDINARY,    /* each table of an ordinary one's tree */
    PARTITIONED, /* the whole; PostgreSQL copies it */
    EVERYWHERE,
};

static const struct shape {
    const char *name;
    const char *event;
    const char *each;
    const char *function;
    const char *how;
    char enabled; /* as pg_trigger.tgenabled has it */
    enum where where;
} shapes[] = {
    {"fieldline_insert", "INSERT",
     "REFERENCING NEW TABLE AS new_rows FOR EACH"
     " STATEMENT",
     "fieldline_tell", "statement", 'O', ORDINARY},
    {"fieldline_update", "UPDATE",
     "REFERENCING OLD TABLE AS old_rows NEW TABLE"
     " AS new_rows FOR EACH STATEMENT",
     "fieldline_tell", "statement", 'O', ORDINARY},
    {"fieldline_delete", "DELETE",
     "REFERENCING OLD TABLE AS old_rows FOR EACH"
     " STATEMENT",
     "fieldline_tell", "statement", 'O', ORDINARY},
    {"fieldline_replica", "INSERT OR UPDATE OR DELETE", "FOR EACH ROW",
     "fieldline_row", "replica", 'R', ORDINARY},
    {"fieldline_row", "INSERT OR UPDATE OR DELETE", "FOR EACH ROW",
     "fieldline_row", "partition", 'A', PARTITIONED},
    {"fieldline_truncate", "TRUNCATE", "FOR EACH STATEMENT", "fieldline_tell",
     "statement", 'A', EVERYWHERE},
};

static bool is_wanted(const struct shape *shape, const struct subject *s,
                      const struct relation *r)
{
    switch (shape->where) {
    case ORDINARY:
        return !s->partitioned;
    case PARTITIONED:
        return s->partitioned && !r->inherits;
    case EVERYWHERE:
        break;
    }
    return true;
}

static void put(struct buf *b, const char *text)
{
    buf_append(b, bytes_of(text));
}

static void put_literal(struct buf *b, struct bytes text)
{
    buf_append_char(b, '\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '\'')
            buf_append_char(b, '\'');
        buf_append_char(b, text.at[i]);
    }
    buf_append_char(b, '\'');
}

static void put_element(struct buf *b, struct bytes name)
{
    put(b, b->len ? ",\"" : "{\"");
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] == '"' || name.at[i] == '\\')
            buf_append_char(b, '\\');
        buf_append_char(b, name.at[i]);
    }
    buf_append_char(b, '"');
}

/* The columns that scope or filter, the tenant's always among them. */
static void put_old(struct buf *b, const struct publish_spec *spec)
{
    struct buf names;

    buf_init(&names, DDL_MAX);
    if (spec->tenant.len)
        put_element(&names, spec->tenant);
    for (unsigned i = 0; i < spec->old_count; i++)
        if (!bytes_equal(spec->old[i], spec->tenant))
            put_element(&names, spec->old[i]);
    put(&names, names.len ? "}" : "{}");
    put_literal(b, buf_bytes(&names));
    if (buf_error(&names))
        b->error = buf_error(&names);
    buf_fini(&names);
}

static void put_trigger(struct buf *b, const struct shape *shape,
                        const struct subject *s, const struct relation *r,
                        struct bytes schema)
{
    buf_printf(b,
               "CREATE TRIGGER %s AFTER %s ON %s %s EXECUTE FUNCTION " BYTES_FMT
               ".%s%s(",
               shape->name, shape->event, r->name, shape->each,
               BYTES_ARG(schema), shape->function,
               s->careful ? "_careful" : "");
    put_literal(b, s->spec->table);
    put(b, ", ");
    put_literal(b, s->spec->key);
    put(b, ", ");
    put_literal(b, s->spec->tenant);
    put(b, ", ");
    put_literal(b, buf_bytes(&s->nulls));
    put(b, ", ");
    put_old(b, s->spec);
    buf_printf(b, ", '%s');", shape->how);
}

/* Only now: the text so far is what the digest is of. */
static void put_enable(struct buf *b, const struct shape *shape,
                       const struct relation *r)
{
    const char *how = shape->enabled == 'A'   ? "ALWAYS "
                      : shape->enabled == 'R' ? "REPLICA "
                                              : "";

    buf_printf(b, " ALTER TABLE %s ENABLE %sTRIGGER %s;", r->name, how,
               shape->name);
}

/* --- what is there ----------------------------------------------------- */

struct present {
    char *name, *relation, *comment;
    char enabled;
    bool wanted;
};

struct presents {
    struct present *all;
    size_t count, cap;
    int error;
};

static void presents_fini(struct presents *p)
{
    for (size_t i = 0; i < p->count; i++) {
        mem_free(p->all[i].name);
        mem_free(p->all[i].relation);
        mem_free(p->all[i].comment);
    }
    mem_free(p->all);
}

static void on_present(const struct store_row *row, void *arg)
{
    struct presents *p = arg;
    struct present *one;

    if (!p->error)
        p->error = mem_grow(&p->all, &p->cap, p->count + 1, sizeof(*p->all),
                            TRIGGERS_MAX);
    if (p->error)
        return;
    one = &p->all[p->count++];
    *one = (struct present){.name = mem_copy(store_row_get(row, 0).bytes),
                            .relation = mem_copy(store_row_get(row, 1).bytes),
                            .comment = mem_copy(store_row_get(row, 2).bytes),
                            .enabled = store_row_get(row, 3).bytes.at[0]};
    if (!one->name || !one->relation || !one->comment)
        p->error = ERR_NOMEM;
}

/* Every trigger that calls a function of ours. */
static int presents_read(struct presents *p, struct admin *a,
                         struct bytes schema, struct store_detail *detail)
{
    struct value param = value_text(schema);
    int error = pg_admin_run(
        a,
        BYTES("SELECT t.tgname::text, format('%I.%I', n.nspname, c.relname),"
              " coalesce(obj_description(t.oid, 'pg_trigger'), ''),"
              " t.tgenabled::text FROM pg_trigger t"
              " JOIN pg_class c ON c.oid = t.tgrelid"
              " JOIN pg_namespace n ON n.oid = c.relnamespace"
              " JOIN pg_proc p ON p.oid = t.tgfoid"
              " JOIN pg_namespace f ON f.oid = p.pronamespace"
              " WHERE NOT t.tgisinternal AND t.tgparentid = 0"
              " AND quote_ident(f.nspname) = $1 AND p.proname IN"
              " ('fieldline_tell', 'fieldline_tell_careful', 'fieldline_row',"
              " 'fieldline_row_careful')"),
        &param, 1, on_present, p, detail);

    return error ? error : p->error;
}

static struct present *present_of(struct presents *p, const struct shape *shape,
                                  const struct relation *r)
{
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->all[i].name, shape->name) == 0 &&
            strcmp(p->all[i].relation, r->name) == 0)
            return &p->all[i];
    return NULL;
}

/* --- installing and looking -------------------------------------------- */

struct work {
    struct admin *admin;
    struct buf schema; /* quoted */
    struct presents presents;
    struct store_detail *detail;
    bool fresh; /* a trigger of this table was not in place */
};

static int work_begin(struct work *w, struct admin *a,
                      struct store_detail *detail)
{
    int error;

    *w = (struct work){.admin = a, .detail = detail};
    buf_init(&w->schema, DDL_MAX);
    error = pg_schema(a, &w->schema, detail);
    return error
               ? error
               : presents_read(&w->presents, a, buf_bytes(&w->schema), detail);
}

static void work_end(struct work *w)
{
    presents_fini(&w->presents);
    buf_fini(&w->schema);
}

/* What is done with each trigger that is wanted: made, or looked at. */
typedef int trigger_fn(struct work *, const struct shape *,
                       const struct relation *, struct buf *ddl,
                       const char *comment);

static int each_of_relation(struct work *w, const struct subject *s,
                            const struct relation *r, struct buf *ddl,
                            trigger_fn *fn)
{
    int error = 0;

    for (size_t i = 0; i < ARRAY_LEN(shapes) && !error; i++) {
        char comment[sizeof("fieldline ") + PG_DIGEST_LEN];

        if (!is_wanted(&shapes[i], s, r))
            continue;
        buf_clear(ddl);
        put_trigger(ddl, &shapes[i], s, r, buf_bytes(&w->schema));
        error = buf_error(ddl);
        if (error)
            break;
        (void)snprintf(comment, sizeof(comment), "fieldline %016llx",
                       (unsigned long long)hash_stable(buf_bytes(ddl)));
        error = fn(w, &shapes[i], r, ddl, comment);
    }
    return error;
}

static int each_trigger(struct work *w, const struct publish_spec *spec,
                        trigger_fn *fn)
{
    struct subject s = {.spec = spec};
    struct buf ddl;
    int error;

    buf_init(&s.nulls, DDL_MAX);
    buf_init(&ddl, DDL_MAX);
    error = subject_read(&s, w->admin, w->detail);
    for (size_t i = 0; i < s.count && !error; i++)
        error = each_of_relation(w, &s, &s.relations[i], &ddl, fn);
    buf_fini(&ddl);
    subject_fini(&s);
    return error;
}

static bool is_in_place(const struct present *p, const struct shape *shape,
                        const char *comment)
{
    return p && p->enabled == shape->enabled &&
           strcmp(p->comment, comment) == 0;
}

static int trigger_make(struct work *w, const struct shape *shape,
                        const struct relation *r, struct buf *ddl,
                        const char *comment)
{
    struct present *p = present_of(&w->presents, shape, r);
    struct buf script;
    int error;

    if (p)
        p->wanted = true;
    if (is_in_place(p, shape, comment))
        return 0;
    w->fresh = true;
    buf_init(&script, DDL_MAX);
    if (p)
        buf_printf(&script, "DROP TRIGGER %s ON %s; ", shape->name, r->name);
    buf_append(&script, buf_bytes(ddl));
    put_enable(&script, shape, r);
    buf_printf(&script, " COMMENT ON TRIGGER %s ON %s IS '%s'", shape->name,
               r->name, comment);
    error = buf_error(&script);
    if (!error)
        error = pg_admin_script(w->admin, buf_bytes(&script), w->detail);
    buf_fini(&script);
    return error;
}

static int trigger_look(struct work *w, const struct shape *shape,
                        const struct relation *r, struct buf *ddl,
                        const char *comment)
{
    const struct present *p = present_of(&w->presents, shape, r);

    if (is_in_place(p, shape, comment))
        return 0;
    store_detail_set(w->detail, "",
                     "the trigger %s on %s is %s: fieldline db DIR migrate",
                     shape->name, r->name, p ? "out of date" : "missing");
    return p ? ERR_STALE : ERR_NOT_FOUND;
}

static int drop_others(struct work *w)
{
    int error = 0;

    for (size_t i = 0; i < w->presents.count && !error; i++) {
        const struct present *p = &w->presents.all[i];
        struct buf sql;

        if (p->wanted)
            continue;
        buf_init(&sql, DDL_MAX);
        buf_printf(&sql, "DROP TRIGGER %s ON %s", p->name, p->relation);
        error = buf_error(&sql);
        if (!error)
            error = pg_admin_script(w->admin, buf_bytes(&sql), w->detail);
        buf_fini(&sql);
    }
    return error;
}

static int publish_one(struct work *w, const struct publish_spec *spec)
{
    struct value table = value_text(spec->table);
    int error;

    w->fresh = false;
    error = each_trigger(w, spec, trigger_make);
    if (error || !w->fresh)
        return error;
    return pg_admin_run(
        w->admin,
        BYTES("INSERT INTO fieldline_changes (tbl, op) VALUES ($1, 'R')"),
        &table, 1, NULL, NULL, w->detail);
}

/* Behind a lock that we wait for, the host's own statements wait too. */
#define PATIENCE_SQL "SET LOCAL lock_timeout = '5s'"

int pg_publish(struct admin *a, const struct publish_spec *specs, size_t count,
               struct store_detail *detail)
{
    struct work w;
    int error = work_begin(&w, a, detail);

    if (!error)
        error = pg_admin_script(a, BYTES(PATIENCE_SQL), detail);
    for (size_t i = 0; i < count && !error; i++)
        error = publish_one(&w, &specs[i]);
    if (!error)
        error = drop_others(&w);
    work_end(&w);
    return error;
}

/* A migration minds no trigger here, and other programs write meanwhile: they
 * stay, only marked, so that the publish that follows makes each anew and
 * writes its reset row. */
int pg_unpublish(struct admin *a, struct store_detail *detail)
{
    struct work w;
    int error = work_begin(&w, a, detail);

    for (size_t i = 0; i < w.presents.count && !error; i++) {
        const struct present *p = &w.presents.all[i];
        struct buf sql;

        buf_init(&sql, DDL_MAX);
        buf_printf(&sql, "COMMENT ON TRIGGER %s ON %s IS 'fieldline'", p->name,
                   p->relation);
        error = buf_error(&sql);
        if (!error)
            error = pg_admin_script(a, buf_bytes(&sql), detail);
        buf_fini(&sql);
    }
    work_end(&w);
    return error;
}

static void on_cache(const struct store_row *row, void *arg)
{
    *(int64_t *)arg = store_row_get(row, 0).integer;
}

/* See H2. */
static int sequence_verify(struct admin *a, struct store_detail *detail)
{
    int64_t cache = 0;
    int error = pg_admin_run(
        a,
        BYTES("SELECT seqcache FROM pg_sequence WHERE"
              " seqrelid = to_regclass('fieldline_changes_offset_seq')"),
        NULL, 0, on_cache, &cache, detail);

    if (error || cache == 1)
        return error;
    store_detail_set(detail, "",
                     "fieldline_changes_offset_seq must have CACHE 1");
    return ERR_STALE;
}

int pg_verify(struct admin *a, const struct publish_spec *specs, size_t count,
              struct store_detail *detail)
{
    struct work w;
    int error = sequence_verify(a, detail);

    if (!error)
        error = pg_functions_verify(a, detail);
    if (error)
        return error;
    error = work_begin(&w, a, detail);
    for (size_t i = 0; i < count && !error; i++)
        error = each_trigger(&w, &specs[i], trigger_look);
    work_end(&w);
    return error;
}
