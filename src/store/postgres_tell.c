/* SPDX-License-Identifier: MIT */
/*
 * postgres_tell - the functions that our triggers call in other people's
 * tables.
 *
 * They must never break the statement that fired them, and never lose what it
 * changed:
 *
 *   T1  They run with their owner's rights (SECURITY DEFINER) and nobody else
 *       may call them; every name of ours is qualified and the search_path is
 *       fixed, so neither a stranger's schema nor a temporary table leads
 *       them astray. Settings that change how a value is spelled are fixed.
 *   T2  Columns are taken by name out of to_jsonb(row): one that was renamed
 *       or dropped is no error. Without its key or tenant column a change
 *       cannot be told row by row: it is a reset of the table.
 *   T3  A type of which it is not certain that to_jsonb takes every value of
 *       it (json with \u0000) makes a table careful: an error in telling is a
 *       reset too. Such a table pays for a savepoint with every statement.
 *   T4  More than 1,000 rows are one reset for each tenant concerned, or one
 *       of the table when these are many.
 *   T5  A statement's rows are told after all of it was done, in the order in
 *       which they were changed. An update that moves keys is told by keys:
 *       D for each key that is no more, then U or I for each that is.
 *   T6  A trigger of the host may change our rows again before we tell of
 *       them (it runs nested, its own changes are told first). From then on,
 *       for the rest of the transaction, images are read from the table, and
 *       what is not there any more, or there again, is not told wrongly.
 *
 * fieldline_tell() serves statements, with transition tables; fieldline_row()
 * rows, where statement triggers do not fire: in partitions, and when changes
 * are applied by logical replication.
 *
 * Arguments: table, key, tenant or '', an object of nulls for columns whose
 * bytes are not told, the names of the columns whose old values are kept, how.
 * Threads: one at a time.
 */
#include "store/postgres_admin.h"

#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"

#include <stdio.h>

#define FUNCTION_MAX ((size_t)1 << 16)

/* In all of these @ stands for the schema. */
static const char head_text[] =
    "() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
    " SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'"
    " SET datestyle = 'ISO, MDY' SET intervalstyle = 'postgres'"
    " SET bytea_output = 'hex' SET extra_float_digits = 1"
    " SET enable_nestloop = off AS $fieldline$\n"
    "DECLARE\n"
    " tbl_ text := TG_ARGV[0];\n"
    " key_ text := TG_ARGV[1];\n"
    " tenant_ text := TG_ARGV[2];\n"
    " nulls_ jsonb := TG_ARGV[3];\n"
    " old_ text[] := TG_ARGV[4];\n"
    " how_ text := TG_ARGV[5];\n"
    " root_ oid := TG_RELID;\n"
    " first_ jsonb;\n"    /* a row of the statement */
    " many_ boolean;\n"   /* T4 */
    " tenants_ text[];\n" /* whose rows many are */
    " source_ text;\n"    /* SQL for a column of all rows */
    " now_ jsonb;\n"      /* T6: key to row, as the table has it; or NULL */
    " was_ jsonb;\n"
    " was_key_ text;\n"
    " is_ jsonb;\n"
    " is_key_ text;\n"
    "BEGIN\n";

#define RESET " INSERT INTO @.fieldline_changes (tbl, op) VALUES (tbl_, 'R');\n"
#define INTO_CHANGES                                                           \
    " INSERT INTO @.fieldline_changes"                                         \
    " (tbl, \"key\", op, tenant, \"row\", old)\n"
#define OLD_OF(j)                                                              \
    "(SELECT coalesce(jsonb_object_agg(c, " j " -> c), '{}')"                  \
    " FROM unnest(old_) c)::text"

/* T2, then T6: note that we are nested; use what a nested one noted. */
static const char check_text[] =
    "IF NOT first_ ? key_ OR (tenant_ <> '' AND NOT first_ ? tenant_)\n"
    " OR (many_ AND tenant_ = '') THEN\n" RESET " RETURN NULL;\n"
    "END IF;\n"
    "IF pg_trigger_depth() > 1 THEN\n"
    " PERFORM set_config('fieldline.nested', 'on', true);\n"
    "END IF;\n";

#define IF_NESTED                                                              \
    "IF current_setting('fieldline.nested', true) = 'on'\n"                    \
    " AND has_table_privilege(root_, 'SELECT')\n"                              \
    " AND NOT row_security_active(root_) THEN\n"

static const char tell_begin_text[] =
    "IF TG_OP = 'TRUNCATE' THEN\n" RESET " RETURN NULL;\n"
    "END IF;\n"
    "IF TG_OP = 'DELETE' THEN\n"
    " SELECT to_jsonb(r.*) INTO first_ FROM old_rows r LIMIT 1;\n"
    " SELECT count(*) > 1000 INTO many_\n"
    "  FROM (SELECT FROM old_rows LIMIT 1001) r;\n"
    " source_ := 'SELECT %1$I AS v FROM old_rows';\n"
    "ELSE\n"
    " SELECT to_jsonb(r.*) INTO first_ FROM new_rows r LIMIT 1;\n"
    " SELECT count(*) > 1000 INTO many_\n"
    "  FROM (SELECT FROM new_rows LIMIT 1001) r;\n"
    " source_ := 'SELECT %1$I AS v FROM new_rows';\n"
    "END IF;\n"
    "IF first_ IS NULL THEN\n"
    " RETURN NULL;\n"
    "END IF;\n"
    "IF TG_OP = 'UPDATE' THEN\n"
    " source_ := source_ || ' UNION ALL SELECT %1$I FROM old_rows';\n"
    "END IF;\n";

/* T4: an import for one tenant must not make every other reload. */
static const char tell_many_text[] =
    "IF many_ THEN\n"
    " EXECUTE format('SELECT array_agg(DISTINCT coalesce(to_jsonb(v) #>>'\n"
    "  ' ''{}'', '''')) FROM (SELECT DISTINCT v FROM (' || source_ ||\n"
    "  ') a) b', tenant_) INTO tenants_;\n"
    " IF cardinality(tenants_) > 100 OR '' = ANY (tenants_) THEN\n"
    "  tenants_ := '{\"\"}';\n"
    " END IF;\n"
    " INSERT INTO @.fieldline_changes (tbl, op, tenant)\n"
    "  SELECT tbl_, 'R', t FROM unnest(tenants_) t ORDER BY t;\n"
    " RETURN NULL;\n"
    "END IF;\n";

static const char tell_now_text[] = IF_NESTED
    " EXECUTE format('SELECT coalesce(jsonb_object_agg('\n"
    "  'to_jsonb(t.*) ->> %1$L, to_jsonb(t.*) || $1), ''{}'') FROM %2$s t'\n"
    "  ' WHERE t.%1$I = ANY (ARRAY(' || source_ || '))',\n"
    "  key_, root_::regclass)\n"
    "  INTO now_ USING nulls_;\n"
    "END IF;\n";

/* image is NULL where it is better made of something else than the row. */
#define ROWS_OF(table)                                                         \
    "SELECT row_number() OVER () AS n, to_jsonb(r.*) AS j,"                    \
    " CASE WHEN now_ IS NULL AND nulls_ = '{}'"                                \
    " THEN row_to_json(r.*)::text END AS image FROM " table " r"
#define KEYED_ROWS_OF(table)                                                   \
    "(SELECT n, j, image, coalesce(j ->> key_, '') AS k\n"                     \
    "  FROM (" ROWS_OF(table) ") a)"
#define IMAGE "coalesce(image, coalesce(now_ -> k, j || nulls_)::text)"

static const char tell_insert_text[] =
    "IF TG_OP = 'INSERT' THEN\n" INTO_CHANGES
    "  SELECT tbl_, k, 'I', coalesce(j ->> tenant_, ''),\n"
    "   " IMAGE ", NULL\n"
    "  FROM " KEYED_ROWS_OF(
        "new_rows") " i\n"
                    "  WHERE now_ IS NULL OR now_ ? k ORDER BY n;\n";

static const char tell_delete_text[] =
    "ELSIF TG_OP = 'DELETE' THEN\n" INTO_CHANGES
    "  SELECT tbl_, k, 'D', coalesce(j ->> tenant_, ''), NULL,\n"
    "   " OLD_OF("j") "\n"
                      "  FROM " KEYED_ROWS_OF(
                          "old_rows") " o\n"
                                      "  WHERE now_ IS NULL OR NOT now_ ? k "
                                      "ORDER BY n;\n";

/* Both tables hold the rows in the order of the update: the nth of one became
 * the nth of the other. x: the row that had a moved row's new key before. */
static const char tell_update_text[] =
    "ELSE\n"
    " WITH p AS MATERIALIZED (\n"
    "  SELECT n, o.j AS oj, o.k AS ok, i.j, i.k, i.image\n"
    "  FROM " KEYED_ROWS_OF(
        "old_rows") " o\n"
                    "  JOIN " KEYED_ROWS_OF(
                        "new_rows") " i USING (n)\n"
                                    " ), t AS (\n"
                                    "  SELECT 1 AS part, p.n, p.ok AS k, 'D' "
                                    "AS op,\n"
                                    "   p.oj ->> tenant_ AS tenant, NULL AS "
                                    "image,\n"
                                    "   " OLD_OF(
                                        "p.oj") " AS was\n"
                                                "  FROM p LEFT JOIN p x ON x.k "
                                                "= p.ok\n"
                                                "  WHERE p.ok <> p.k AND x.k "
                                                "IS NULL\n"
                                                "   AND (now_ IS NULL OR NOT "
                                                "now_ ? p.ok)\n"
                                                "  UNION ALL\n"
                                                "  SELECT 2, p.n, p.k,\n"
                                                "   CASE WHEN p.ok = p.k OR "
                                                "x.ok IS NOT NULL THEN 'U' "
                                                "ELSE 'I' END,\n"
                                                "   p.j ->> tenant_,\n"
                                                "   coalesce(p.image, "
                                                "coalesce(now_ -> p.k, p.j || "
                                                "nulls_)::text),\n"
                                                "   CASE WHEN p.ok = p.k "
                                                "THEN " OLD_OF(
                                                    "p.oj") "\n"
                                                            "    WHEN x.ok IS "
                                                            "NOT NULL "
                                                            "THEN " OLD_OF(
                                                                "x.oj") " END\n"
                                                                        "  "
                                                                        "FROM "
                                                                        "p "
                                                                        "LEFT "
                                                                        "JOIN "
                                                                        "p x "
                                                                        "ON "
                                                                        "x.ok "
                                                                        "= p.k "
                                                                        "AND "
                                                                        "p.ok "
                                                                        "<> "
                                                                        "p.k\n"
                                                                        "  "
                                                                        "WHERE "
                                                                        "now_ "
                                                                        "IS "
                                                                        "NULL "
                                                                        "OR "
                                                                        "now_ "
                                                                        "? "
                                                                        "p.k\n"
                                                                        " )"
                                                                        "\n" INTO_CHANGES
                                                                        "  "
                                                                        "SELECT"
                                                                        " tbl_,"
                                                                        " k, "
                                                                        "op, "
                                                                        "coales"
                                                                        "ce("
                                                                        "tenant"
                                                                        ", "
                                                                        "''), "
                                                                        "image,"
                                                                        " was "
                                                                        "FROM "
                                                                        "t\n"
                                                                        "  "
                                                                        "ORDER "
                                                                        "BY "
                                                                        "part, "
                                                                        "n;\n"
                                                                        "END "
                                                                        "IF;\n"
                                                                        "RETURN"
                                                                        " NULL;"
                                                                        "\n";

static const char row_begin_text[] =
    "IF how_ = 'replica'\n"
    " AND current_setting('session_replication_role') <> 'replica' THEN\n"
    " RETURN NULL;\n" /* somebody enabled it for all */
    "END IF;\n"
    "IF how_ = 'partition' THEN\n"
    " root_ := coalesce(pg_partition_root(TG_RELID), TG_RELID);\n"
    "END IF;\n"
    "IF TG_OP <> 'INSERT' THEN\n"
    " was_ := to_jsonb(OLD);\n"
    "END IF;\n"
    "IF TG_OP <> 'DELETE' THEN\n"
    " is_ := to_jsonb(NEW);\n"
    "END IF;\n"
    "first_ := coalesce(is_, was_);\n"
    "was_key_ := coalesce(was_ ->> key_, '');\n"
    "is_key_ := coalesce(is_ ->> key_, '');\n";

static const char row_text[] = IF_NESTED
    " EXECUTE format('SELECT coalesce(jsonb_object_agg('\n"
    "  'to_jsonb(t.*) ->> %1$L, to_jsonb(t.*)), ''{}'') FROM %2$s t'\n"
    "  ' WHERE t.%1$I IN (%3$L, %4$L)', key_, root_::regclass,\n"
    "  first_ ->> key_, coalesce(was_, is_) ->> key_) INTO now_;\n"
    "END IF;\n"
    "IF is_ IS NULL OR (was_ IS NOT NULL AND was_key_ <> is_key_) THEN\n"
    " IF now_ IS NULL OR NOT now_ ? was_key_ THEN\n" INTO_CHANGES
    "   VALUES (tbl_, was_key_, 'D', coalesce(was_ ->> tenant_, ''), NULL,\n"
    "    " OLD_OF(
        "was_") ");\n"
                " END IF;\n"
                "END IF;\n"
                "IF is_ IS NOT NULL AND (now_ IS NULL OR now_ ? is_key_) "
                "THEN\n" INTO_CHANGES "  VALUES (tbl_, is_key_,\n"
                "   CASE WHEN was_key_ = is_key_ AND was_ IS NOT NULL\n"
                "    THEN 'U' ELSE 'I' END,\n"
                "   coalesce(is_ ->> tenant_, ''),\n"
                "   (coalesce(now_ -> is_key_, is_) || nulls_)::text,\n"
                "   CASE WHEN was_key_ = is_key_ AND was_ IS NOT NULL\n"
                "    THEN " OLD_OF("was_") " END);\n"
                                           "END IF;\n"
                                           "RETURN NULL;\n";

/* --- putting them together --------------------------------------------- */

static void put(struct buf *b, struct bytes schema, const char *text)
{
    for (const char *c = text; *c; c++) {
        if (*c == '@')
            buf_append(b, schema);
        else
            buf_append_char(b, *c);
    }
}

static const char *const tell_parts[] = {
    tell_begin_text,  check_text,       tell_many_text,   tell_now_text,
    tell_insert_text, tell_delete_text, tell_update_text, NULL};
static const char *const row_parts[] = {row_begin_text, check_text, row_text,
                                        NULL};

static const struct {
    const char *name;
    const char *const *parts;
    bool careful;
} functions[] = {
    {"fieldline_tell", tell_parts, false},
    {"fieldline_tell_careful", tell_parts, true},
    {"fieldline_row", row_parts, false},
    {"fieldline_row_careful", row_parts, true},
};

static void put_function(struct buf *b, struct bytes schema, size_t which)
{
    bool careful = functions[which].careful;

    put(b, schema, "CREATE OR REPLACE FUNCTION @.");
    put(b, schema, functions[which].name);
    put(b, schema, head_text);
    if (careful)
        put(b, schema, "BEGIN\n");
    for (const char *const *part = functions[which].parts; *part; part++)
        put(b, schema, *part);
    if (careful)
        put(b, schema,
            "EXCEPTION WHEN OTHERS THEN\n" RESET " RETURN NULL;\n"
            "END;\n");
    put(b, schema, "END\n$fieldline$;\nREVOKE ALL ON FUNCTION @.");
    put(b, schema, functions[which].name);
    put(b, schema, "() FROM PUBLIC;\n");
}

static void on_schema(const struct store_row *row, void *arg)
{
    buf_append(arg, store_row_get(row, 0).bytes);
}

/* Quoted; where fieldline_changes is. */
int pg_schema(struct admin *a, struct buf *ret, struct store_detail *detail)
{
    int error =
        pg_admin_run(a,
                     BYTES("SELECT quote_ident(n.nspname) FROM pg_class c JOIN"
                           " pg_namespace n ON n.oid = c.relnamespace"
                           " WHERE c.oid = to_regclass('fieldline_changes')"),
                     NULL, 0, on_schema, ret, detail);

    if (!error && !ret->len) {
        store_detail_set(detail, "42P01",
                         "the table fieldline_changes is missing: fieldline db"
                         " DIR migrate");
        error = ERR_NOT_FOUND;
    }
    return error ? error : buf_error(ret);
}

static int functions_text(struct admin *a, struct buf *ret,
                          struct store_detail *detail)
{
    struct buf schema;
    int error;

    buf_init(&schema, FUNCTION_MAX);
    error = pg_schema(a, &schema, detail);
    for (size_t i = 0; i < ARRAY_LEN(functions) && !error; i++)
        put_function(ret, buf_bytes(&schema), i);
    buf_fini(&schema);
    return error ? error : buf_error(ret);
}

static void digest_of(const struct buf *text, char ret[PG_DIGEST_LEN + 1])
{
    (void)snprintf(ret, PG_DIGEST_LEN + 1, "%016llx",
                   (unsigned long long)hash_stable(buf_bytes(text)));
}

static int functions_make(struct admin *a, struct buf *text,
                          struct store_detail *detail)
{
    char digest[PG_DIGEST_LEN + 1];
    struct value value;
    int error = functions_text(a, text, detail);

    if (!error)
        error = pg_admin_script(a, buf_bytes(text), detail);
    if (error)
        return error;
    digest_of(text, digest);
    value = value_text(bytes_of(digest));
    return pg_admin_run(a,
                        BYTES("INSERT INTO fieldline_meta (name, value) VALUES"
                              " ('functions', $1) ON CONFLICT (name) DO UPDATE"
                              " SET value = excluded.value"),
                        &value, 1, NULL, NULL, detail);
}

int pg_functions_install(struct admin *a, struct store_detail *detail)
{
    struct buf text;
    int error;

    buf_init(&text, FUNCTION_MAX);
    error = functions_make(a, &text, detail);
    buf_fini(&text);
    return error;
}

struct known {
    char digest[PG_DIGEST_LEN + 1];
    bool same;
};

static void on_digest(const struct store_row *row, void *arg)
{
    struct known *k = arg;

    k->same = bytes_equal(store_row_get(row, 0).bytes, bytes_of(k->digest));
}

int pg_functions_verify(struct admin *a, struct store_detail *detail)
{
    struct known known = {0};
    struct buf text;
    int error;

    buf_init(&text, FUNCTION_MAX);
    error = functions_text(a, &text, detail);
    if (!error) {
        digest_of(&text, known.digest);
        error = pg_admin_run(a,
                             BYTES("SELECT value FROM fieldline_meta"
                                   " WHERE name = 'functions'"),
                             NULL, 0, on_digest, &known, detail);
    }
    buf_fini(&text);
    if (error || known.same)
        return error;
    store_detail_set(detail, "",
                     "the functions of the change triggers are out"
                     " of date: fieldline db DIR migrate");
    return ERR_STALE;
}
