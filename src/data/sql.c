/* SPDX-License-Identifier: MIT */
/*
 * sql - one dialect for two databases, with three differences: GLOB for LIKE,
 * NULLS said on SQLite, and @>.
 *
 * NULL sorts as the largest value on both. A page resumes where the row values
 * of the order are beyond the last row's; where a column may be NULL or the
 * directions differ, that comparison is spelled out column by column.
 * Threads: loop.
 */
#include "data/sql.h"

#include "base/error.h"

#define OWN BYTES("t")

void sql_start(struct sql *s)
{
    s->text.max = SQL_BYTES_MAX;
    buf_clear(&s->text);
    s->count = 0;
    s->overflow = false;
}

void sql_put(struct sql *s, const char *text)
{
    buf_append(&s->text, bytes_of(text));
}

void sql_name(struct sql *s, struct bytes quoted)
{
    buf_append(&s->text, quoted);
}

static void put_number(struct sql *s, unsigned n)
{
    buf_append_char(&s->text, '$');
    buf_append_u64(&s->text, n);
}

void sql_param(struct sql *s, struct value v)
{
    if (s->count == SQL_PARAMS_MAX) {
        s->overflow = true;
        return;
    }
    s->params[s->count++] = v;
    put_number(s, s->count);
}

static void put_column(struct sql *s, struct bytes alias,
                       const struct column *c)
{
    if (alias.len) {
        buf_append(&s->text, alias);
        buf_append_char(&s->text, '.');
    }
    buf_append(&s->text, c->sql);
}

static void put_equal(struct sql *s, struct bytes alias, const struct column *c,
                      struct value v)
{
    put_column(s, alias, c);
    sql_put(s, " = ");
    sql_param(s, v);
}

/* The viewer's tenant or user in the kind of another resource's column; one
 * that cannot be spelled in it sees nothing. */
static void put_own(struct sql *s, struct bytes alias, const struct column *c,
                    const struct query *q, struct bytes text)
{
    struct value v;

    if (!c)
        return;
    sql_put(s, " AND ");
    if (own_value(c, q->resource->data->dialect, text, q->arena, &v))
        v = value_null();
    put_equal(s, alias, c, v);
}

void sql_visible(struct sql *s, struct bytes alias,
                 const struct data_resource *r, const struct query *q)
{
    put_own(s, alias, r->tenant, q, q->viewer.tenant);
    put_own(s, alias, r->user, q, q->viewer.user);
}

/* What is selected. */

void sql_columns(struct sql *s, struct bytes alias, const struct data_table *t,
                 uint64_t mask)
{
    COLUMNS_EACH(i, mask)
    {
        put_column(s, alias, &t->columns[i]);
        buf_append_char(&s->text, ',');
    }
}

static void comma_drop(struct sql *s)
{
    if (s->text.len > 0)
        s->text.len--;
}

static void put_selected(struct sql *s, const struct query *q, uint64_t mask)
{
    sql_put(s, "SELECT ");
    sql_columns(s, OWN, q->resource->table, mask);
    for (unsigned i = 0; i < q->relation_count; i++) {
        const struct relation *r = q->relations[i].relation;

        if (!r->on)
            continue;
        put_column(s, r->alias, r->to->table->key);
        buf_append_char(&s->text, ',');
        sql_columns(s, r->alias, r->to->table, q->relations[i].columns);
    }
}

/* A related row is joined only where the viewer may see it. */
static void put_from(struct sql *s, const struct query *q, bool joined)
{
    sql_put(s, " FROM ");
    sql_name(s, q->resource->table->sql);
    sql_put(s, " AS t");
    for (unsigned i = 0; i < q->relation_count && joined; i++) {
        const struct relation *r = q->relations[i].relation;

        if (!r->on)
            continue;
        sql_put(s, " LEFT JOIN ");
        sql_name(s, r->to->table->sql);
        sql_put(s, " AS ");
        sql_name(s, r->alias);
        sql_put(s, " ON ");
        put_column(s, r->alias, r->to->table->key);
        sql_put(s, " = ");
        put_column(s, OWN, r->on);
        sql_visible(s, r->alias, r->to, q);
    }
}

/* Filters. */

static void put_in(struct sql *s, const struct query_filter *f)
{
    unsigned padded = 1;

    /* Few shapes for many lengths: the last value is repeated. */
    while (padded < f->count)
        padded *= 2;
    put_column(s, OWN, f->column);
    sql_put(s, " IN (");
    for (unsigned i = 0; i < padded; i++) {
        sql_param(s, f->values[i < f->count ? i : f->count - 1]);
        buf_append_char(&s->text, ',');
    }
    comma_drop(s);
    buf_append_char(&s->text, ')');
}

static void put_compared(struct sql *s, const struct query_filter *f,
                         enum store_dialect dialect)
{
    static const char *const operators[] = {
        [QUERY_EQ] = " = ",   [QUERY_NE] = " <> ", [QUERY_LT] = " < ",
        [QUERY_LTE] = " <= ", [QUERY_GT] = " > ",  [QUERY_GTE] = " >= ",
    };

    put_column(s, OWN, f->column);
    switch (f->op) {
    case QUERY_IS:
        sql_put(s, f->count == 0          ? " IS NULL"
                   : f->values[0].boolean ? " IS TRUE"
                                          : " IS FALSE");
        return;
    case QUERY_LIKE:
        sql_put(s, dialect == STORE_SQLITE ? " GLOB " : " LIKE ");
        break;
    case QUERY_CS:
        sql_put(s, "::jsonb @> ");
        break;
    default:
        sql_put(s, operators[f->op]);
        break;
    }
    sql_param(s, f->values[0]);
    if (f->op == QUERY_CS)
        sql_put(s, "::jsonb");
}

static void put_filters(struct sql *s, const struct query *q)
{
    enum store_dialect dialect = q->resource->data->dialect;

    for (unsigned i = 0; i < q->filter_count; i++) {
        const struct query_filter *f = &q->filters[i];

        sql_put(s, f->negated ? " AND NOT (" : " AND (");
        if (f->op == QUERY_IN)
            put_in(s, f);
        else
            put_compared(s, f, dialect);
        buf_append_char(&s->text, ')');
    }
}

static void put_where(struct sql *s, const struct query *q)
{
    sql_put(s, " WHERE 1 = 1");
    sql_visible(s, OWN, q->resource, q);
    put_filters(s, q);
}

/* Order, and where a page resumes. */

static void put_order(struct sql *s, const struct query *q)
{
    bool said = q->resource->data->dialect == STORE_SQLITE;

    sql_put(s, " ORDER BY ");
    for (unsigned i = 0; i < q->order_count; i++) {
        const struct query_order *o = &q->orders[i];

        put_column(s, OWN, o->column);
        sql_put(s, o->descending ? " DESC" : " ASC");
        if (said && !o->column->not_null)
            sql_put(s, o->descending ? " NULLS FIRST" : " NULLS LAST");
        buf_append_char(&s->text, ',');
    }
    comma_drop(s);
}

static bool is_plain(const struct query *q)
{
    for (unsigned i = 0; i < q->order_count; i++) {
        if (!q->orders[i].column->not_null || q->after[i].kind == VALUE_NULL ||
            q->orders[i].descending != q->orders[0].descending)
            return false;
    }
    return true;
}

static void put_resume_plain(struct sql *s, const struct query *q)
{
    sql_put(s, " AND (");
    for (unsigned i = 0; i < q->order_count; i++) {
        put_column(s, OWN, q->orders[i].column);
        buf_append_char(&s->text, ',');
    }
    comma_drop(s);
    sql_put(s, q->orders[0].descending ? ") < (" : ") > (");
    for (unsigned i = 0; i < q->order_count; i++) {
        sql_param(s, q->after[i]);
        buf_append_char(&s->text, ',');
    }
    comma_drop(s);
    buf_append_char(&s->text, ')');
}

/* "column is the same as in the last row", or NULL-safe so. */
static void put_same(struct sql *s, const struct query_order *o, unsigned n)
{
    put_column(s, OWN, o->column);
    if (n == 0) {
        sql_put(s, " IS NULL");
        return;
    }
    sql_put(s, " = ");
    put_number(s, n);
}

/* "column is beyond the last row's"; NULL is the largest. */
static void put_beyond(struct sql *s, const struct query_order *o, unsigned n)
{
    if (n == 0) {
        if (o->descending) {
            put_column(s, OWN, o->column);
            sql_put(s, " IS NOT NULL");
        } else {
            sql_put(s, "1 = 0");
        }
        return;
    }
    buf_append_char(&s->text, '(');
    put_column(s, OWN, o->column);
    sql_put(s, o->descending ? " < " : " > ");
    put_number(s, n);
    if (!o->descending && !o->column->not_null) {
        sql_put(s, " OR ");
        put_column(s, OWN, o->column);
        sql_put(s, " IS NULL");
    }
    buf_append_char(&s->text, ')');
}

/* The bound that an index on the first column can use. The values get their
 * numbers here, in order of appearance. */
static void put_bounds(struct sql *s, const struct query *q,
                       unsigned numbers[QUERY_ORDERS_MAX + 1])
{
    const struct query_order *o = &q->orders[0];

    for (unsigned i = 0; i < q->order_count; i++)
        numbers[i] = 0;
    if (q->after[0].kind == VALUE_NULL)
        return;
    sql_put(s, " AND (");
    put_column(s, OWN, o->column);
    sql_put(s, o->descending ? " <= " : " >= ");
    sql_param(s, q->after[0]);
    numbers[0] = s->count;
    if (!o->descending && !o->column->not_null) {
        sql_put(s, " OR ");
        put_column(s, OWN, o->column);
        sql_put(s, " IS NULL");
    }
    buf_append_char(&s->text, ')');
}

/* beyond(a) OR same(a) AND (beyond(b) OR same(b) AND (beyond(c))) */
static void put_resume(struct sql *s, const struct query *q)
{
    unsigned numbers[QUERY_ORDERS_MAX + 1];

    if (is_plain(q)) {
        put_resume_plain(s, q);
        return;
    }
    put_bounds(s, q, numbers);
    sql_put(s, " AND (");
    for (unsigned i = 0; i < q->order_count; i++) {
        const struct query_order *o = &q->orders[i];

        if (i > 0) {
            sql_put(s, " OR ");
            put_same(s, o - 1, numbers[i - 1]);
            sql_put(s, " AND (");
            if (q->after[i].kind != VALUE_NULL) {
                if (s->count < SQL_PARAMS_MAX)
                    s->params[s->count++] = q->after[i];
                else
                    s->overflow = true;
                numbers[i] = s->count;
            }
        }
        put_beyond(s, o, numbers[i]);
    }
    for (unsigned i = 0; i < q->order_count; i++)
        buf_append_char(&s->text, ')');
}

/* Whole statements. */

void sql_list(struct sql *s, const struct query *q)
{
    sql_start(s);
    put_selected(s, q, q->columns);
    for (unsigned i = 0; i < q->order_count; i++) {
        put_column(s, OWN, q->orders[i].column);
        buf_append_char(&s->text, ',');
    }
    comma_drop(s);
    put_from(s, q, true);
    put_where(s, q);
    if (q->resumed)
        put_resume(s, q);
    put_order(s, q);
    sql_put(s, " LIMIT ");
    sql_param(s, value_int((int64_t)q->limit + 1));
    if (q->offset) {
        sql_put(s, " OFFSET ");
        sql_param(s, value_int((int64_t)q->offset));
    }
}

void sql_count(struct sql *s, const struct query *q)
{
    sql_start(s);
    sql_put(s, "SELECT count(*)");
    put_from(s, q, false);
    put_where(s, q);
}

void sql_item(struct sql *s, const struct query *q, struct value key)
{
    const struct data_table *t = q->resource->table;

    sql_start(s);
    put_selected(s, q, table_all(t));
    put_column(s, OWN, t->key);
    put_from(s, q, true);
    sql_put(s, " WHERE ");
    put_equal(s, OWN, t->key, key);
    sql_visible(s, OWN, q->resource, q);
}

void sql_many(struct sql *s, const struct query *q,
              const struct query_relation *qr, const struct value *keys,
              unsigned count, unsigned limit)
{
    const struct data_resource *to = qr->relation->to;
    struct query_filter in = {.column = qr->relation->by,
                              .op = QUERY_IN,
                              .count = count,
                              .values = (struct value *)keys};

    sql_start(s);
    sql_put(s, "SELECT ");
    sql_columns(s, OWN, to->table, qr->columns);
    put_column(s, OWN, in.column);
    sql_put(s, " FROM ");
    sql_name(s, to->table->sql);
    sql_put(s, " AS t WHERE ");
    put_in(s, &in);
    sql_visible(s, OWN, to, q);
    sql_put(s, " ORDER BY ");
    put_column(s, OWN, in.column);
    buf_append_char(&s->text, ',');
    put_column(s, OWN, to->table->key);
    sql_put(s, " LIMIT ");
    sql_param(s, value_int(limit));
}
