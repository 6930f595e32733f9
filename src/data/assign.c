/* SPDX-License-Identifier: MIT */
/*
 * assign - who may write what, column by column.
 * Threads: loop.
 */
#include "data/assign.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "data/convert.h"

#define UUID_TEXT_LEN 36

static int refuse(struct data_write *w, int error, const char *type,
                  struct bytes name, const char *expected)
{
    return mistake_say(&w->mistake, error, type, "%.*s: %s", MISTAKE_GOT(name),
                       expected);
}

/* RFC 9562: 48 bits of milliseconds, so that keys grow with time. */
static struct bytes uuid_new(struct arena *a)
{
    uint64_t ms = (uint64_t)clock_wall_us() / 1000;
    unsigned char b[16];

    random_bytes(b, sizeof(b));
    for (int i = 0; i < 6; i++)
        b[i] = (unsigned char)(ms >> (40 - 8 * i));
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x70);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    return arena_printf(a,
                        "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
                        "%02x%02x%02x%02x%02x%02x",
                        b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8],
                        b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

static void assign(struct data_write *w, const struct column *c, struct value v)
{
    w->named |= COLUMN_BIT(c);
    w->values[c->index] = v;
}

static bool same_value(const struct column *c, struct value a, struct value b)
{
    struct buf left, right;
    bool same;

    buf_init(&left, WRITE_BODY_MAX);
    buf_init(&right, WRITE_BODY_MAX);
    convert_write_text(&left, c, a);
    convert_write_text(&right, c, b);
    same = !buf_error(&left) && !buf_error(&right) && a.kind != VALUE_NULL &&
           b.kind != VALUE_NULL &&
           bytes_equal(buf_bytes(&left), buf_bytes(&right));
    buf_fini(&left);
    buf_fini(&right);
    return same;
}

/* The columns that say whose a row is: his who writes it, and no one else's. */
static int assign_owner(struct data_write *w, const struct column *c,
                        struct bytes owner)
{
    const struct query *q = &w->query;
    struct value own;
    int error;

    if (!c)
        return 0;
    error = own_value(c, q->resource->data->dialect, owner, q->arena, &own);
    if (error)
        return refuse(w, error, "not-allowed", c->name,
                      "you have no place in this resource");
    if (w->named & COLUMN_BIT(c) && !same_value(c, own, w->values[c->index]))
        return refuse(w, ERR_DENIED, "not-allowed", c->name,
                      "a row cannot be given to another");
    if (w->op == WRITE_CREATE)
        assign(w, c, own);
    else
        w->named &= ~COLUMN_BIT(c); /* it has this value already */
    return 0;
}

static int assign_key(struct data_write *w)
{
    const struct query *q = &w->query;
    const struct column *key = q->resource->table->key;
    bool named = w->named & COLUMN_BIT(key);
    struct value v;

    if (w->op != WRITE_CREATE) {
        if (convert_text(key->kind, q->resource->data->dialect, w->key,
                         q->arena, &v))
            return ERR_NOT_FOUND;
        if (named && !same_value(key, v, w->values[key->index]))
            return refuse(w, ERR_INVALID, "invalid-value", key->name,
                          "a key does not change");
        w->named &= ~COLUMN_BIT(key);
        w->values[key->index] = v;
        return 0;
    }
    if (named || (key->kind != COLUMN_TEXT && key->kind != COLUMN_UUID))
        return 0;
    v = value_text(uuid_new(q->arena));
    assign(w, key, v);
    return v.bytes.at ? 0 : ERR_NOMEM;
}

/* Named at will, since it may only be named with the value it has. */
static bool is_fixed(const struct data_write *w, const struct column *c)
{
    const struct data_resource *r = w->query.resource;

    return c == r->tenant || c == r->user ||
           (c == r->table->key && w->op != WRITE_CREATE);
}

static int assign_member(struct data_write *w, struct bytes name,
                         const json_t *json, uint64_t writable)
{
    const struct data_resource *r = w->query.resource;
    const struct column *c = table_column(r->table, name);
    uint64_t known = writable | w->query.columns;
    struct value v;
    int error;

    if (!c || (!(known & COLUMN_BIT(c)) && !is_fixed(w, c)))
        return refuse(w, ERR_INVALID, "invalid-value", name,
                      "there is no such column");
    if (!(writable & COLUMN_BIT(c)) && !is_fixed(w, c))
        return refuse(w, ERR_DENIED, "not-allowed", name,
                      "your role may not write this column");
    error = convert_json(c->kind, r->data->dialect, json, w->query.arena, &v);
    if (error == ERR_NOMEM || error == ERR_LIMIT)
        return error;
    if (error)
        return mistake_say(&w->mistake, ERR_INVALID, "invalid-value",
                           "%.*s: expected %s%s", MISTAKE_GOT(name),
                           convert_expected(c->kind),
                           c->not_null ? "" : " or null");
    if (v.kind == VALUE_NULL && c->not_null)
        return refuse(w, ERR_INVALID, "invalid-value", name,
                      "expected a value, got null");
    assign(w, c, v);
    return 0;
}

/* A replacement names all that the writer may write: what it left out would
 * otherwise be kept, or lost, in silence. */
static int assign_complete(struct data_write *w, uint64_t writable)
{
    const struct data_resource *r = w->query.resource;

    COLUMNS_EACH(i, writable & ~w->named)
    {
        const struct column *c = &r->table->columns[i];

        if (w->op == WRITE_REPLACE && !is_fixed(w, c))
            return refuse(w, ERR_INVALID, "invalid-value", c->name,
                          "a replacement names every column; PATCH changes "
                          "some");
    }
    return 0;
}

int assign_body(struct data_write *w)
{
    const struct query *q = &w->query;
    const struct data_resource *r = q->resource;
    uint64_t writable = resource_writable(r, q->viewer.roles);
    const char *name;
    json_t *value;
    int error = 0;

    json_object_foreach((json_t *)w->body, name, value)
    {
        error = assign_member(w, bytes_of(name), value, writable);
        if (error)
            return error;
    }
    error = assign_complete(w, writable);
    if (!error)
        error = assign_owner(w, r->tenant, q->viewer.tenant);
    if (!error)
        error = assign_owner(w, r->user, q->viewer.user);
    if (!error)
        error = assign_key(w);
    if (!error && w->op != WRITE_CREATE && w->named == 0)
        error = refuse(w, ERR_INVALID, "invalid-value", BYTES("body"),
                       "expected at least one column to change");
    return error;
}
