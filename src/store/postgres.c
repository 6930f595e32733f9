/* SPDX-License-Identifier: MIT */
/*
 * postgres - the URL, the sessions, what statements may be.
 *
 * TLS, passwords and hosts are the URL's and libpq's. What libpq says about a
 * URL it cannot read is never shown: it quotes it.
 * Threads: as store.h has it.
 */
#include "store/postgres.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"
#include "store/postgres_admin.h"

#include <assert.h>
#include <stdio.h>

/* Who may have drawn an offset and not ended: H1. */
#define HOLDS                                                                  \
    "locktype = 'relation' AND granted AND mode = 'RowExclusiveLock'"          \
    " AND relation = to_regclass('fieldline_changes')"                         \
    " AND database = (SELECT oid FROM pg_database"                             \
    " WHERE datname = current_database())"

static const char *const own_texts[PG_OWN_COUNT] = {
    [PG_BEGIN] = "BEGIN",
    [PG_MARK] = "SELECT set_config('fieldline.writer', $1, true),"
                " set_config('fieldline.floor', (SELECT last_value - CASE WHEN"
                " is_called THEN 0 ELSE 1 END"
                " FROM fieldline_changes_offset_seq)::text, true)",
    [PG_SETTLE] = "SET CONSTRAINTS ALL IMMEDIATE",
    [PG_CHANGES] = "SELECT " CHANGE_COLUMNS " FROM fieldline_changes WHERE"
                   " \"offset\" > current_setting('fieldline.floor')::bigint"
                   " AND xid = pg_current_xact_id_if_assigned()"
                   " ORDER BY \"offset\"",
    [PG_COMMIT] = "COMMIT",
    [PG_ROLLBACK] = "ROLLBACK",
    [PG_STATE] = "SELECT s.last_value - CASE WHEN s.is_called THEN 0 ELSE 1"
                 " END, (SELECT value FROM fieldline_meta WHERE"
                 " name = 'low_water'), " PG_EPOCH_COLUMNS
                 " FROM fieldline_changes_offset_seq s",
    [PG_LOCKS] = "SELECT virtualtransaction FROM pg_locks WHERE " HOLDS,
    [PG_BOUND] = "SELECT (SELECT \"offset\" FROM fieldline_changes WHERE"
                 " \"offset\" <= $1 AND at_us < h.bound"
                 " ORDER BY \"offset\" DESC LIMIT 1) FROM (SELECT CASE"
                 " count(*) WHEN 0 THEN 9223372036854775807"
                 " WHEN count(a.xact_start) THEN"
                 " (extract(epoch FROM min(a.xact_start)) * 1000000)::bigint"
                 " - 5000000 END AS bound FROM pg_locks"
                 " LEFT JOIN pg_stat_activity a USING (pid) WHERE " HOLDS ") h",
};

const char pg_setup_sql[] =
    "SELECT set_config('TimeZone', 'UTC', false),"
    " set_config('DateStyle', 'ISO, MDY', false),"
    " set_config('IntervalStyle', 'postgres', false),"
    " set_config('extra_float_digits', '1', false),"
    " set_config('bytea_output', 'hex', false),"
    " set_config('standard_conforming_strings', 'on', false),"
    " set_config('default_transaction_isolation', 'read committed', false),"
    " set_config('default_transaction_deferrable', 'off', false),"
    " set_config('idle_in_transaction_session_timeout', '15s', false),"
    " set_config('statement_timeout', $1, false),"
    " set_config('lock_timeout', $2, false),"
    " set_config('default_transaction_read_only', $3, false)";

/* --- connecting -------------------------------------------------------- */

static void on_notice(void *arg, const PGresult *notice)
{
}

void pg_silence(PGconn *pg)
{
    (void)PQsetNoticeReceiver(pg, on_notice, NULL);
}

void pg_keyword(struct pg_keywords *k, const char *name, const char *value)
{
    assert(k->count < PG_KEYWORDS_MAX - 1);
    k->names[k->count] = name;
    k->values[k->count++] = value;
}

/* The URL comes first and what follows overrides it; a fallback does not. */
void pg_keywords(struct pg_keywords *k, const struct pg_store *s, bool writes)
{
    *k = (struct pg_keywords){0};
    pg_keyword(k, "dbname", s->base.url);
    pg_keyword(k, "client_encoding", "UTF8");
    pg_keyword(k, "fallback_application_name", "fieldline");
    if (writes && !s->names_target)
        pg_keyword(k, "target_session_attrs", "read-write");
}

/* What the loop has to know of the URL before libpq has it. */
static void option_take(struct pg_store *s, const PQconninfoOption *o,
                        bool *has_address)
{
    if (!o->val || !o->val[0])
        return;
    if (strcmp(o->keyword, "target_session_attrs") == 0)
        s->names_target = true;
    else if (strcmp(o->keyword, "hostaddr") == 0)
        *has_address = true;
    else if (strcmp(o->keyword, "host") == 0)
        s->hosts = mem_copy(bytes_of(o->val));
    else if (strcmp(o->keyword, "port") == 0)
        s->ports = mem_copy(bytes_of(o->val));
}

static int url_read(struct pg_store *s, struct store_detail *detail)
{
    PQconninfoOption *all = PQconninfoParse(s->base.url, NULL);
    bool has_address = false;
    struct pg_hosts hosts;

    if (!all) {
        store_detail_set(detail, "",
                         "the store's URL cannot be read: "
                         "postgres://user@host/database");
        return ERR_INVALID;
    }
    for (const PQconninfoOption *o = all; o->keyword; o++)
        option_take(s, o, &has_address);
    PQconninfoFree(all);
    hosts = (struct pg_hosts){bytes_of(s->hosts), bytes_of(s->ports)};
    s->looks_up = !has_address && pg_hosts_have_names(&hosts);
    return 0;
}

/* --- the store --------------------------------------------------------- */

void pg_epoch(const struct store_row *row, unsigned first,
              char ret[PG_EPOCH_LEN + 1])
{
    uint64_t hash = 0;

    ret[0] = '\0';
    for (unsigned i = 0; i < 3; i++) {
        struct value part = store_row_get(row, first + i);

        if (part.kind != VALUE_TEXT)
            return;
        hash = hash_stable_seed(part.bytes, hash);
    }
    (void)snprintf(ret, PG_EPOCH_LEN + 1, "%016llx", (unsigned long long)hash);
}

/* One connection shows that the database is there and whose history it has;
 * before the first migrate there is none, and that is no error. */
static int epoch_ask(struct store *s, struct store_detail *detail)
{
    struct admin *a;
    int error = admin_open(&a, s, detail);

    if (error)
        return error;
    if (pg_admin_has_table(a, "fieldline_meta"))
        error = pg_admin_epoch(a, detail);
    admin_close(&a);
    return error;
}

static int pg_open(struct store *base, struct store_detail *detail)
{
    struct pg_store *s = pg_store_of(base);
    int error = pg_library_load(detail);

    if (!error)
        error = url_read(s, detail);
    if (error)
        return error;
    s->busy_ms = base->options.busy_ms ? base->options.busy_ms : PG_LOCK_MS;
    for (unsigned i = 0; i < PG_OWN_COUNT; i++)
        s->own[i] = (struct store_statement){
            .store = base,
            .id = atomic_fetch_add(&base->statements, 1) + 1,
            .work = STORE_CLASS_WRITE,
            .sql = bytes_of(own_texts[i])};
    return epoch_ask(base, detail);
}

static void pg_close(struct store *base)
{
    struct pg_store *s = pg_store_of(base);

    mem_free(s->hosts);
    mem_free(s->ports);
}

/* --- sessions ---------------------------------------------------------- */

static int pg_session_open(struct store_session *base)
{
    struct pg_session *s = pg_session_of(base);

    pg_feed_open(s);
    return pg_session_lanes_open(s);
}

static void pg_session_close(struct store_session *base)
{
    struct pg_session *s = pg_session_of(base);

    s->closing = true;
    pg_feed_close(s);
    pg_session_lanes_close(s);
    mem_free(s);
}

/* --- statements -------------------------------------------------------- */

static const char *const verbs[] = {"select", "with",   "values",
                                    "table",  "insert", "update",
                                    "delete", "merge",  "truncate"};

static struct bytes comment_skip(struct bytes sql)
{
    const char *end = NULL;

    if (bytes_starts(sql, BYTES("--")))
        end = memchr(sql.at, '\n', sql.len);
    else if (bytes_starts(sql, BYTES("/*"))) {
        end = memmem(sql.at + 2, sql.len - 2, "*/", 2);
        end = end ? end + 1 : NULL;
    } else {
        return sql;
    }
    return end ? bytes_skip(sql, (size_t)(end - sql.at) + 1) : BYTES("");
}

/* The first word, behind spaces, comments and brackets. */
static struct bytes verb_of(struct bytes sql)
{
    struct bytes word;

    for (;;) {
        struct bytes rest = sql;

        while (rest.len && strchr(" \t\r\n(", rest.at[0]))
            rest = bytes_skip(rest, 1);
        rest = comment_skip(rest);
        if (rest.len == sql.len)
            break;
        sql = rest;
    }
    word = (struct bytes){sql.at, 0};
    while (word.len < sql.len && ((sql.at[word.len] | 0x20) >= 'a') &&
           ((sql.at[word.len] | 0x20) <= 'z'))
        word.len++;
    return word;
}

/* By its verb: a list of what may run keeps out what ends a transaction,
 * copies, or changes the connection for who comes after. Whether a read writes
 * the server knows: its connections are read-only. */
static int pg_statement_check(struct store_statement *st,
                              struct store_detail *detail)
{
    struct bytes verb = verb_of(st->sql);

    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        if (bytes_equal_nocase(verb, bytes_of(verbs[i])))
            return 0;
    store_detail_set(detail, "42601", "a statement may not begin with \"%.*s\"",
                     (int)(verb.len < 40 ? verb.len : 40), verb.at);
    return ERR_STORE;
}

const struct driver postgres_driver = {
    .dialect = STORE_POSTGRES,
    .store_size = sizeof(struct pg_store),
    .session_size = sizeof(struct pg_session),
    .statement_size = sizeof(struct store_statement),
    .admin_size = sizeof(struct pg_admin),
    .open = pg_open,
    .close = pg_close,
    .session_open = pg_session_open,
    .session_close = pg_session_close,
    .statement_check = pg_statement_check,
    .read = pg_read,
    .write = pg_write,
    .feed_state = pg_feed_state,
    .admin_open = pg_admin_open,
    .admin_close = pg_admin_close,
    .admin_begin = pg_admin_begin,
    .admin_commit = pg_admin_commit,
    .admin_rollback = pg_admin_rollback,
    .admin_script = pg_admin_script,
    .admin_run = pg_admin_run,
    .admin_columns = pg_admin_columns,
    .admin_has_table = pg_admin_has_table,
    .admin_epoch = pg_admin_epoch,
    .install = pg_install,
    .publish = pg_publish,
    .unpublish = pg_unpublish,
    .verify = pg_verify,
};
