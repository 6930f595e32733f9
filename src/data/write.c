/* SPDX-License-Identifier: MIT */
/*
 * write - the steps of a write, and what its answers mean.
 *
 * A group of writes that was lost is run again one by one, so every callback
 * inside the transaction begins anew: what it fills it clears first.
 * Threads: loop; on_*_row and check_* on the transaction's thread.
 */
#include "data/write.h"

#include "base/base64url.h"
#include "base/clock.h"
#include "base/error.h"
#include "data/assign.h"
#include "data/convert.h"
#include "data/read.h"
#include "data/worker.h"

#include <endian.h>

#define VERSION_LEN      sizeof(uint64_t)
#define VERSION_TEXT_MAX 11

/* Versions. */

void version_append(struct buf *b, uint64_t version)
{
    uint64_t big = htobe64(version);

    base64url_append(b, (struct bytes){(const char *)&big, VERSION_LEN});
}

static bool version_read(struct bytes text, struct arena *a, uint64_t *ret)
{
    struct bytes decoded;
    uint64_t big;

    if (text.len > VERSION_TEXT_MAX || base64url_decode(a, text, &decoded) ||
        decoded.len != VERSION_LEN)
        return false;
    memcpy(&big, decoded.at, sizeof(big));
    *ret = be64toh(big);
    return true;
}

/* If-Match: "version.representation", ... or *. What is weak or foreign
 * matches nothing. */
static void matches_read(struct data_write *w)
{
    struct bytes list = w->if_match, item, version, rest;
    bool more = true;

    w->match_any = bytes_equal(bytes_trim(list), BYTES("*"));
    w->match_count = 0;
    while (more && w->match_count < WRITE_MATCHES_MAX) {
        more = bytes_cut(list, ',', &item, &list);
        item = bytes_trim(item);
        if (item.len < 2 || item.at[0] != '"' || item.at[item.len - 1] != '"')
            continue;
        item = (struct bytes){item.at + 1, item.len - 2};
        bytes_cut(item, '.', &version, &rest);
        if (version_read(version, w->query.arena, &w->matches[w->match_count]))
            w->match_count++;
    }
}

/* Inside the transaction. */

static void on_seen_row(const struct store_row *row, void *arg)
{
    struct data_write *w = arg;

    w->seen_version =
        data_row_version(w->query.resource->table, row, &w->scratch);
}

static int check_match(void *arg, uint64_t rows)
{
    const struct data_write *w = arg;

    if (rows == 0)
        return ERR_NOT_FOUND;
    if (w->match_any)
        return 0;
    for (unsigned i = 0; i < w->match_count; i++) {
        if (w->matches[i] == w->seen_version)
            return 0;
    }
    return ERR_PRECONDITION;
}

static int check_reference(void *arg, uint64_t rows)
{
    return rows > 0 ? 0 : ERR_INVALID;
}

static int check_written(void *arg, uint64_t rows)
{
    return rows > 0 ? 0 : ERR_NOT_FOUND;
}

static void on_written_row(const struct store_row *row, void *arg)
{
    struct data_write *w = arg;
    const struct query *q = &w->query;
    const struct data_table *t = q->resource->table;
    size_t skip = 1;

    w->version = data_row_version(t, row, &w->scratch);
    buf_clear(&w->key_out);
    convert_write_text(&w->key_out, t->key, store_row_get(row, t->key->index));
    buf_clear(&w->body_out);
    buf_append_char(&w->body_out, '{');
    COLUMNS_EACH(i, q->columns)
    {
        const struct column *c = &t->columns[i];

        buf_append(&w->body_out, bytes_skip(c->json, skip));
        convert_write_json(&w->body_out, c, store_row_get(row, (unsigned)i));
        skip = 0;
    }
    buf_append_char(&w->body_out, '}');
}

/* Steps. */

/* What worker->sql holds becomes the next step. */
static int step_add(struct data_write *w, store_row_fn *row_fn,
                    store_check_fn *check_fn)
{
    struct store_step *s = &w->steps[w->step_count];
    struct value *params;
    int error = data_worker_params(w->worker, w->query.arena, &params);

    if (!error)
        error = data_worker_statement(w->worker, STORE_CLASS_WRITE,
                                      &s->statement, &w->store.detail);
    if (error)
        return error;
    s->params = params;
    s->param_count = w->worker->sql.count;
    s->row_fn = row_fn;
    s->check_fn = check_fn;
    w->step_count++;
    return 0;
}

static void put_all(struct sql *s, const struct data_table *t)
{
    sql_columns(s, BYTES(""), t, table_all(t));
    s->text.len--; /* the last comma */
}

static void put_where(struct sql *s, const struct data_write *w)
{
    const struct data_resource *r = w->query.resource;

    sql_put(s, " WHERE ");
    sql_name(s, r->table->key->sql);
    sql_put(s, " = ");
    sql_param(s, w->values[r->table->key->index]);
    sql_visible(s, BYTES(""), r, &w->query);
}

static int step_precondition(struct data_write *w)
{
    const struct data_table *t = w->query.resource->table;
    struct sql *s = &w->worker->sql;

    if (!w->if_match.len)
        return 0;
    matches_read(w);
    sql_start(s);
    sql_put(s, "SELECT ");
    put_all(s, t);
    sql_put(s, " FROM ");
    sql_name(s, t->sql);
    put_where(s, w);
    if (w->worker->data->dialect == STORE_POSTGRES)
        sql_put(s, " FOR UPDATE");
    return step_add(w, on_seen_row, check_match);
}

static int step_reference(struct data_write *w, const struct relation *r)
{
    const struct data_table *t = r->to->table;
    struct sql *s = &w->worker->sql;

    sql_start(s);
    sql_put(s, "SELECT 1 FROM ");
    sql_name(s, t->sql);
    sql_put(s, " WHERE ");
    sql_name(s, t->key->sql);
    sql_put(s, " = ");
    sql_param(s, w->values[r->on->index]);
    sql_visible(s, BYTES(""), r->to, &w->query);
    w->references[w->step_count] = r;
    return step_add(w, NULL, check_reference);
}

static int steps_references(struct data_write *w)
{
    const struct data_resource *r = w->query.resource;
    int error = 0;

    for (unsigned i = 0; i < r->relation_count && !error; i++) {
        const struct relation *rel = &r->relations[i];

        if (rel->on && w->named & COLUMN_BIT(rel->on) &&
            w->values[rel->on->index].kind != VALUE_NULL)
            error = step_reference(w, rel);
    }
    return error;
}

static int step_create(struct data_write *w)
{
    const struct data_table *t = w->query.resource->table;
    struct sql *s = &w->worker->sql;

    sql_start(s);
    sql_put(s, "INSERT INTO ");
    sql_name(s, t->sql);
    if (w->named) {
        sql_put(s, " (");
        sql_columns(s, BYTES(""), t, w->named);
        s->text.len--;
        sql_put(s, ") VALUES (");
        COLUMNS_EACH(i, w->named)
        {
            sql_param(s, w->values[i]);
            sql_put(s, ",");
        }
        s->text.len--;
        sql_put(s, ")");
    } else {
        sql_put(s, " DEFAULT VALUES");
    }
    sql_put(s, " RETURNING ");
    put_all(s, t);
    return step_add(w, on_written_row, check_written);
}

static int step_change(struct data_write *w)
{
    const struct data_table *t = w->query.resource->table;
    struct sql *s = &w->worker->sql;
    const char *comma = " SET ";

    sql_start(s);
    sql_put(s, "UPDATE ");
    sql_name(s, t->sql);
    COLUMNS_EACH(i, w->named)
    {
        sql_put(s, comma);
        sql_name(s, t->columns[i].sql);
        sql_put(s, " = ");
        sql_param(s, w->values[i]);
        comma = ", ";
    }
    put_where(s, w);
    sql_put(s, " RETURNING ");
    put_all(s, t);
    return step_add(w, on_written_row, check_written);
}

static int step_remove(struct data_write *w)
{
    const struct data_table *t = w->query.resource->table;
    struct sql *s = &w->worker->sql;

    sql_start(s);
    sql_put(s, "DELETE FROM ");
    sql_name(s, t->sql);
    put_where(s, w);
    return step_add(w, NULL, check_written);
}

/* Rights and values. */

static int write_allowed(struct data_write *w)
{
    const struct data_resource *r = w->query.resource;
    role_mask roles = w->query.viewer.roles;
    const char *what = "change";
    bool may = resource_writable(r, roles) != 0;

    if (w->op == WRITE_CREATE) {
        what = "create";
        may = (roles & r->create) != 0;
    } else if (w->op == WRITE_REMOVE) {
        what = "remove";
        may = (roles & r->remove) != 0;
    }
    if (may)
        return 0;
    return mistake_say(&w->mistake, ERR_DENIED, "not-allowed",
                       "your role may not %s rows of '" BYTES_FMT "'", what,
                       BYTES_ARG(r->spec->name));
}

static int key_read(struct data_write *w)
{
    const struct data_table *t = w->query.resource->table;

    return convert_text(t->key->kind, w->worker->data->dialect, w->key,
                        w->query.arena, &w->values[t->key->index])
               ? ERR_NOT_FOUND
               : 0;
}

static int write_plan(struct data_write *w)
{
    int error = write_allowed(w);

    w->values = arena_zalloc(w->query.arena, COLUMNS_MAX * sizeof(*w->values));
    if (!w->values)
        return ERR_NOMEM;
    if (!error)
        error = w->op == WRITE_REMOVE ? key_read(w) : assign_body(w);
    if (!error && w->op != WRITE_CREATE)
        error = step_precondition(w);
    if (!error && w->op != WRITE_REMOVE)
        error = steps_references(w);
    if (error)
        return error;
    if (w->op == WRITE_CREATE)
        return step_create(w);
    return w->op == WRITE_REMOVE ? step_remove(w) : step_change(w);
}

/* Answers. */

static bool has_state(const struct data_write *w, const char *sqlstate)
{
    return strcmp(w->store.detail.sqlstate, sqlstate) == 0;
}

static int constraint_mistake(struct data_write *w)
{
    if (has_state(w, "23505"))
        return mistake_say(&w->mistake, ERR_CONFLICT, "already-exists",
                           "another row has the same value where only one may "
                           "have it");
    if (has_state(w, "23503"))
        return mistake_say(&w->mistake, ERR_CONFLICT, "still-referenced",
                           "other rows refer to this one, or it refers to a "
                           "row that is not there");
    if (has_state(w, "23502"))
        return mistake_say(&w->mistake, ERR_INVALID, "invalid-value",
                           "a column that needs a value has none");
    return mistake_say(&w->mistake, ERR_INVALID, "invalid-value",
                       "the database's rules refuse these values");
}

static int error_of(struct data_write *w, int error)
{
    const struct relation *r = w->store.failed_step < WRITE_STEPS_MAX
                                   ? w->references[w->store.failed_step]
                                   : NULL;

    if (error == ERR_CONSTRAINT)
        return constraint_mistake(w);
    if (error == ERR_STORE && memcmp(w->store.detail.sqlstate, "22", 2) == 0)
        return mistake_say(&w->mistake, ERR_INVALID, "invalid-value",
                           "a value is not one of its column");
    if (error == ERR_INVALID && r)
        return mistake_say(&w->mistake, ERR_INVALID, "unknown-reference",
                           "%.*s: there is no such row in '" BYTES_FMT "'",
                           MISTAKE_GOT(r->on->name),
                           BYTES_ARG(r->to->spec->name));
    if (!error)
        error = buf_error(&w->body_out);
    return error ? error : buf_error(&w->key_out);
}

/* The transaction was lost and begins anew: each callback clears what it
 * fills. */
static void on_write_restart(void *arg)
{
}

static void on_write_done(struct store_write *s, int error)
{
    struct data_write *w = s->arg;

    w->db_ns = clock_mono_ns() - w->started_ns;
    w->offset = s->offset;
    w->done_fn(w, error_of(w, error));
}

void data_write(struct data_worker *worker, struct data_write *w)
{
    int error;

    w->worker = worker;
    w->named = 0;
    w->step_count = 0;
    memset(w->references, 0, sizeof(w->references));
    memset(w->steps, 0, sizeof(w->steps));
    buf_init(&w->body_out, WRITE_BODY_MAX);
    buf_init(&w->key_out, WRITE_BODY_MAX);
    buf_init(&w->scratch, WRITE_BODY_MAX);
    w->store = (struct store_write){
        .steps = w->steps,
        .writer = w->writer,
        .done_fn = on_write_done,
        .restart_fn = on_write_restart,
        .arg = w,
    };
    error = write_plan(w);
    if (error) {
        w->done_fn(w, error);
        return;
    }
    w->store.step_count = w->step_count;
    w->started_ns = clock_mono_ns();
    store_write(worker->session, &w->store);
}

void data_write_fini(struct data_write *w)
{
    for (unsigned i = 0; i < w->step_count; i++)
        store_statement_unref(&w->steps[i].statement);
    buf_fini(&w->body_out);
    buf_fini(&w->key_out);
    buf_fini(&w->scratch);
}
