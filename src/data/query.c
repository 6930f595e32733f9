/* SPDX-License-Identifier: MIT */
/*
 * query - one function for each parameter, one table that names them.
 * Threads: loop.
 */
#include "data/query.h"

#include "base/error.h"
#include "data/convert.h"
#include "data/cursor.h"
#include "data/schema.h"

#define PAGE_DEFAULT 25
#define PAGE_MAX     200
#define LIKE_ANY_MAX 4 /* wildcards that match any run */

typedef int param_fn(struct query *, struct bytes name, struct bytes value);
struct param {
    struct bytes name;
    param_fn *fn;
};

static int wrong(struct query *q, struct bytes name, struct bytes got,
                 const char *expected)
{
    return mistake_say(&q->mistake, ERR_INVALID, "invalid-parameter",
                       "%.*s: got '%.*s', expected %s", MISTAKE_GOT(name),
                       MISTAKE_GOT(got), expected);
}

/* Who sees what. */

int own_value(const struct column *c, enum store_dialect dialect,
              struct bytes text, struct arena *a, struct value *ret)
{
    int64_t i;

    if (!c)
        return 0;
    if (text.len == 0 || convert_text(c->kind, dialect, text, a, ret))
        return ERR_DENIED;
    if (ret->kind == VALUE_INT &&
        (bytes_to_i64(text, &i) ||
         !bytes_equal(arena_printf(a, "%lld", (long long)i), text)))
        return ERR_DENIED;
    if (ret->kind == VALUE_TEXT && !bytes_equal(ret->bytes, text))
        return ERR_DENIED;
    return 0;
}

int query_init(struct query *q, const struct data_resource *r,
               const struct viewer *viewer, struct arena *a)
{
    const struct resource_spec *spec = r->spec;
    enum store_dialect dialect = r->data->dialect;
    struct value unused;
    int error;

    memset(q, 0, sizeof(*q));
    q->resource = r;
    q->viewer = *viewer;
    q->arena = a;
    q->columns = resource_readable(r, viewer->roles);
    q->limit = spec->page_default ? spec->page_default : PAGE_DEFAULT;
    error = q->columns ? 0 : ERR_DENIED;
    if (!error)
        error = own_value(r->tenant, dialect, viewer->tenant, a, &unused);
    if (!error)
        error = own_value(r->user, dialect, viewer->user, a, &unused);
    if (error)
        return mistake_say(&q->mistake, error, "not-allowed",
                           "your role and tenant give you nothing to see in "
                           "'" BYTES_FMT "'",
                           BYTES_ARG(spec->name));
    return 0;
}

/* A column that may be named, or NULL: what may not be read is spoken of as if
 * it did not exist. */
static const struct column *readable(const struct data_resource *r,
                                     role_mask roles, struct bytes name)
{
    const struct column *c = table_column(r->table, name);

    return c && resource_readable(r, roles) & COLUMN_BIT(c) ? c : NULL;
}

/* Filters. */

static const struct bytes op_names[] = {
#define X(name, text) BYTES(#text),
    QUERY_OP_TABLE(X)
#undef X
};

static int op_read(struct query *q, struct bytes name, struct bytes text,
                   struct query_filter *f, struct bytes *ret_value)
{
    struct bytes op, value;
    bool cut = bytes_cut(text, '.', &op, &value);

    if (cut && bytes_equal(op, BYTES("not"))) {
        f->negated = true;
        cut = bytes_cut(value, '.', &op, &value);
    }
    for (unsigned i = 0; cut && i < ARRAY_LEN(op_names); i++) {
        if (bytes_equal(op, op_names[i])) {
            f->op = (enum query_op)i;
            *ret_value = value;
            return 0;
        }
    }
    return wrong(q, name, text,
                 "[not.]op.value with eq, ne, lt, lte, gt, gte, in, like, is "
                 "or cs");
}

static int value_add(struct query *q, struct bytes name, struct query_filter *f,
                     struct bytes text, enum column_kind kind)
{
    int error;

    if (q->value_count == QUERY_VALUES_MAX)
        return wrong(q, name, text, "fewer values over all filters");
    error = convert_text(kind, q->resource->data->dialect, text, q->arena,
                         &f->values[f->count]);
    if (error == ERR_NOMEM)
        return error;
    if (error)
        return wrong(q, name, text, convert_expected(kind));
    f->count++;
    q->value_count++;
    return 0;
}

/* One item of a list: up to a comma, or quoted with "" for a quote. */
static bool item_next(struct bytes *list, struct arena *a, struct bytes *ret,
                      bool *more)
{
    char *to;

    if (list->len == 0 || list->at[0] != '"') {
        *more = bytes_cut(*list, ',', ret, list);
        return true;
    }
    to = arena_bytes(a, list->len);
    *ret = (struct bytes){to, 0};
    for (size_t i = 1; to && i < list->len; i++) {
        *more = i + 1 < list->len;
        if (list->at[i] == '"' && *more && list->at[i + 1] == '"') {
            i++;
        } else if (list->at[i] == '"') {
            bool closed = !*more || list->at[i + 1] == ',';

            *list = bytes_skip(*list, i + 2);
            return closed;
        }
        to[ret->len++] = list->at[i];
    }
    return false;
}

static int values_add(struct query *q, struct bytes name,
                      struct query_filter *f, struct bytes text)
{
    struct bytes list = text, item;
    bool more = true;
    int error = 0;

    if (text.len >= 2 && text.at[0] == '(' && text.at[text.len - 1] == ')')
        list = (struct bytes){text.at + 1, text.len - 2};
    while (more && !error) {
        if (!item_next(&list, q->arena, &item, &more))
            return wrong(q, name, text, "a list as in in.a,b or in.\"a,b\",c");
        error = value_add(q, name, f, item, f->column->kind);
    }
    return error;
}

/* * or % is any run, _ one character, a backslash takes the next as it is. The
 * pattern goes out in the store's own spelling: LIKE with a backslash, or GLOB,
 * so that both tell capitals from small letters. */
static int pattern_add(struct query *q, struct bytes name,
                       struct query_filter *f, struct bytes text)
{
    bool glob = q->resource->data->dialect == STORE_SQLITE;
    const char *wild = glob ? "*?" : "%_"; /* any run, one character */
    char *to = arena_bytes(q->arena, text.len * 3 + 1);
    unsigned any = 0;
    size_t n = 0;

    if (!to)
        return ERR_NOMEM;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];

        if (c == '%' || c == '*' || c == '_') {
            any += c != '_';
            to[n++] = wild[c == '_'];
            continue;
        }
        if (c == '\\' && ++i == text.len)
            return wrong(q, name, text, "a character after the last backslash");
        c = text.at[i];
        if (glob && strchr("*?[", c) && c) {
            to[n++] = '[';
            to[n++] = c;
            c = ']';
        } else if (!glob && strchr("%_\\", c) && c) {
            to[n++] = '\\';
        }
        to[n++] = c;
    }
    if (any > LIKE_ANY_MAX)
        return wrong(q, name, text, "at most four * or % in a pattern");
    return value_add(q, name, f, (struct bytes){to, n}, COLUMN_TEXT);
}

static int is_add(struct query *q, struct bytes name, struct query_filter *f,
                  struct bytes text)
{
    if (bytes_equal(text, BYTES("null")))
        return 0;
    if (f->column->kind != COLUMN_BOOL)
        return wrong(q, name, text, "is.null");
    return value_add(q, name, f, text, COLUMN_BOOL);
}

static int operand_add(struct query *q, struct bytes name,
                       struct query_filter *f, struct bytes text)
{
    enum column_kind kind = f->column->kind;

    switch (f->op) {
    case QUERY_IN:
        break;
    case QUERY_IS:
        return is_add(q, name, f, text);
    case QUERY_LIKE:
        if (kind != COLUMN_TEXT)
            return wrong(q, name, text, "like on a text column only");
        return pattern_add(q, name, f, text);
    case QUERY_CS:
        if (kind != COLUMN_JSON || q->resource->data->dialect == STORE_SQLITE)
            return wrong(q, name, text,
                         "cs on a JSON column of a PostgreSQL store only");
        return value_add(q, name, f, text, kind);
    default:
        if (kind == COLUMN_JSON)
            return wrong(q, name, text, "is or cs: JSON is not compared");
        return value_add(q, name, f, text, kind);
    }
    if (kind == COLUMN_JSON)
        return wrong(q, name, text, "is or cs: JSON is not compared");
    return values_add(q, name, f, text);
}

static int values_reserve(struct query *q, struct query_filter *f,
                          struct bytes operand)
{
    size_t most = 1;

    for (size_t i = 0; i < operand.len && f->op == QUERY_IN; i++)
        most += operand.at[i] == ',';
    f->values = arena_alloc(q->arena, most * sizeof(*f->values));
    return f->values ? 0 : ERR_NOMEM;
}

static int filter_add(struct query *q, struct bytes name, struct bytes text)
{
    const struct data_resource *r = q->resource;
    struct query_filter *f = &q->filters[q->filter_count];
    const struct column *c = readable(r, q->viewer.roles, name);
    struct bytes operand = {NULL, 0};
    int error;

    if (!c || !(r->filter & COLUMN_BIT(c)))
        return wrong(q, name, text,
                     "a parameter of lists or a column declared as a filter");
    if (q->filter_count == QUERY_FILTERS_MAX)
        return wrong(q, name, text, "at most 16 filters");
    if (text.len > QUERY_TEXT_MAX)
        return wrong(q, name, text, "at most 1024 bytes");
    *f = (struct query_filter){.column = c};
    error = op_read(q, name, text, f, &operand);
    if (!error)
        error = values_reserve(q, f, operand);
    if (!error)
        error = operand_add(q, name, f, operand);
    if (!error)
        q->filter_count++;
    return error;
}

/* Other parameters. */

static int add_order(struct query *q, struct bytes name, struct bytes list)
{
    const struct data_resource *r = q->resource;
    struct bytes item, column, direction;
    uint64_t seen = 0;
    bool more;

    do {
        const struct column *c;
        bool down;

        more = bytes_cut(list, ',', &item, &list);
        bytes_cut(item, '.', &column, &direction);
        down = bytes_equal(direction, BYTES("desc"));
        c = readable(r, q->viewer.roles, column);
        if (!c || (!(r->sort & COLUMN_BIT(c)) && c != r->table->key) ||
            seen & COLUMN_BIT(c) ||
            (!down && direction.len && !bytes_equal(direction, BYTES("asc"))))
            return wrong(q, name, item,
                         "columns declared for sorting, each once, with .asc "
                         "or .desc");
        if (q->order_count == QUERY_ORDERS_MAX)
            return wrong(q, name, item, "at most 4 columns");
        seen |= COLUMN_BIT(c);
        q->orders[q->order_count++] = (struct query_order){c, down};
    } while (more);
    return 0;
}

static struct query_relation *relation_add(struct query *q,
                                           const struct relation *relation)
{
    for (unsigned i = 0; i < q->relation_count; i++) {
        if (q->relations[i].relation == relation)
            return &q->relations[i];
    }
    if (q->relation_count == QUERY_RELATIONS_MAX)
        return NULL;
    q->relations[q->relation_count] =
        (struct query_relation){.relation = relation};
    return &q->relations[q->relation_count++];
}

static bool field_mask(const struct data_resource *r, role_mask roles,
                       struct bytes name, uint64_t *mask)
{
    const struct column *c = readable(r, roles, name);

    if (bytes_equal(name, BYTES("*")))
        *mask |= resource_readable(r, roles);
    else if (c)
        *mask |= COLUMN_BIT(c);
    else
        return false;
    return true;
}

static int field_add(struct query *q, struct bytes name, struct bytes field)
{
    static const char expected[] =
        "columns that you may read, as in id,status,clinic.name";
    const struct data_resource *r = q->resource;
    const struct relation *relation;
    struct query_relation *asked;
    struct bytes left, right;
    uint64_t mask = 0;

    if (!bytes_cut(field, '.', &left, &right))
        return field_mask(r, q->viewer.roles, field, &q->columns)
                   ? 0
                   : wrong(q, name, field, expected);
    relation = resource_relation(r, left);
    if (!relation || !field_mask(relation->to, q->viewer.roles, right, &mask))
        return wrong(q, name, field, expected);
    asked = relation_add(q, relation);
    if (!asked)
        return wrong(q, name, field, "at most 4 relations");
    asked->columns |= mask;
    return 0;
}

static int add_fields(struct query *q, struct bytes name, struct bytes list)
{
    struct bytes field;
    int error = 0;
    bool more = true;

    q->columns = 0;
    while (more && !error) {
        more = bytes_cut(list, ',', &field, &list);
        error = field_add(q, name, field);
    }
    return error;
}

static int add_limit(struct query *q, struct bytes name, struct bytes text)
{
    unsigned max = q->resource->spec->page_max;
    uint64_t n;

    max = max ? max : PAGE_MAX;
    if (bytes_to_u64(text, &n) || n < 1 || n > max)
        return mistake_say(&q->mistake, ERR_INVALID, "invalid-parameter",
                           "%.*s: got '%.*s', expected a whole number from 1 "
                           "to %u",
                           MISTAKE_GOT(name), MISTAKE_GOT(text), max);
    q->limit = (unsigned)n;
    return 0;
}

static int add_offset(struct query *q, struct bytes name, struct bytes text)
{
    if (bytes_to_u64(text, &q->offset) || q->offset > QUERY_OFFSET_MAX)
        return wrong(q, name, text,
                     "a whole number up to 10000; use the cursor beyond");
    return 0;
}

static int add_count(struct query *q, struct bytes name, struct bytes text)
{
    q->count = bytes_equal(text, BYTES("exact"));
    return q->count ? 0 : wrong(q, name, text, "exact");
}

static int add_cursor(struct query *q, struct bytes name, struct bytes text)
{
    q->cursor = text;
    return text.len ? 0 : wrong(q, name, text, "what 'next' held");
}

int query_add(struct query *q, struct bytes name, struct bytes value)
{
    static const struct param params[] = {
        {BYTES("order"), add_order},   {BYTES("fields"), add_fields},
        {BYTES("limit"), add_limit},   {BYTES("offset"), add_offset},
        {BYTES("cursor"), add_cursor}, {BYTES("count"), add_count},
    };

    for (unsigned i = 0; i < ARRAY_LEN(params); i++) {
        if (!bytes_equal(name, params[i].name))
            continue;
        if (q->given & 1u << i)
            return wrong(q, name, value, "the parameter once");
        q->given |= 1u << i;
        return params[i].fn(q, name, value);
    }
    return filter_add(q, name, value);
}

/* The order becomes total: the key breaks ties, in the last column's
 * direction so that one index serves both. */
static void order_complete(struct query *q)
{
    const struct column *key = q->resource->table->key;
    bool down = false;

    for (unsigned i = 0; i < q->order_count; i++) {
        if (q->orders[i].column == key) {
            q->order_count = i + 1; /* nothing is tied beyond it */
            return;
        }
        down = q->orders[i].descending;
    }
    q->orders[q->order_count++] = (struct query_order){key, down};
}

int query_finish(struct query *q, struct data_worker *w)
{
    order_complete(q);
    if (!q->cursor.len)
        return 0;
    if (q->offset)
        return wrong(q, BYTES("offset"), BYTES("a cursor too"),
                     "one of them only");
    if (cursor_open(data_worker_cursor(w), q))
        return wrong(q, BYTES("cursor"), q->cursor,
                     "what 'next' held for this order, unchanged");
    q->resumed = true;
    return 0;
}
