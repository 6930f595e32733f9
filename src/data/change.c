/* SPDX-License-Identifier: MIT */
/*
 * change - a change row, for those who listen: what happened, to whom it may
 * be told, and how the row looks to them.
 * Threads: any, no state.
 */
#include "data/convert.h"
#include "data/image.h"

#include "base/buf.h"
#include "base/error.h"

#define EVENT_TEXT_MAX (1u << 20)

/* The column's canonical text, copied; empty for NULL and for no image. */
static int image_copy(const struct image *image, const struct column *c,
                      struct arena *a, struct bytes *ret)
{
    struct buf text;
    int error = 0;

    *ret = (struct bytes){NULL, 0};
    if (!c)
        return 0;
    buf_init(&text, EVENT_TEXT_MAX);
    if (convert_image_write_text(&text, c, image->raw[c->index])) {
        error = buf_error(&text);
        if (!error)
            *ret = arena_copy(a, buf_bytes(&text));
        if (!error && !ret->at)
            error = ERR_NOMEM;
    }
    buf_fini(&text);
    return error;
}

static const struct publish_rules *rules_of(const struct resource_spec *spec,
                                            enum change_op op)
{
    switch (op) {
    case CHANGE_INSERT:
        return &spec->on_insert;
    case CHANGE_UPDATE:
        return &spec->on_update;
    case CHANGE_DELETE:
        return &spec->on_delete;
    default:
        return NULL;
    }
}

/* Its column has become the rule's value: it is now, it was not before. */
static int rule_fits(const struct data_table *t,
                     const struct publish_rule *rule, const struct image *now,
                     const struct image *before, struct arena *a, bool *ret)
{
    const struct column *c = table_column(t, rule->when_column);
    struct bytes is = {NULL, 0}, was = {NULL, 0};
    int error;

    *ret = rule->when_column.len == 0;
    if (*ret || !c)
        return 0;
    error = image_copy(now, c, a, &is);
    if (!error)
        error = image_copy(before, c, a, &was);
    if (!error)
        *ret = bytes_equal(is, rule->when_value) &&
               !bytes_equal(was, rule->when_value);
    return error;
}

static int event_type(const struct change *c, const struct image *now,
                      const struct image *before, struct arena *a,
                      struct data_event *e)
{
    const struct publish_rules *rules = rules_of(e->resource->spec, c->op);

    for (unsigned i = 0; rules && i < rules->count; i++) {
        bool fits;
        int error = rule_fits(e->resource->table, &rules->rules[i], now, before,
                              a, &fits);

        if (error)
            return error;
        if (fits) {
            e->type = rules->rules[i].type;
            return 0;
        }
    }
    return 0;
}

static int owner_copy(const struct data_resource *r, const struct image *image,
                      struct arena *a, struct data_owner *ret)
{
    int error = image_copy(image, r->tenant, a, &ret->tenant);

    return error ? error : image_copy(image, r->user, a, &ret->user);
}

static bool image_says(const struct image *image, const struct column *c)
{
    return !c || image->raw[c->index].len > 0;
}

/* Whose the row is, and whose it was. A change has the tenant of the row as it
 * is, and of a deleted one as it was. An old image that does not say (the
 * triggers are older than the application file) takes the row from nobody. */
static int event_owners(const struct change *c, const struct image *now,
                        const struct image *before, struct arena *a,
                        struct data_event *e)
{
    const struct data_resource *r = e->resource;
    struct data_owner *own = c->op == CHANGE_DELETE ? &e->before : &e->now;
    int error = image_copy(c->op == CHANGE_DELETE ? before : now, r->user, a,
                           &own->user);

    if (r->tenant)
        own->tenant = c->tenant;
    if (error || c->op != CHANGE_UPDATE)
        return error;
    e->before = e->now;
    if (image_says(before, r->tenant) && image_says(before, r->user))
        error = owner_copy(r, before, a, &e->before);
    return error;
}

/* One name for all that leaves, whatever the row has become: that of an update
 * without a condition, if there is such a rule. */
static void event_left_type(struct data_event *e)
{
    const struct resource_spec *spec = e->resource->spec;
    const struct publish_rules *updates = &spec->on_update;

    if (bytes_equal(e->now.tenant, e->before.tenant) &&
        bytes_equal(e->now.user, e->before.user))
        return;
    if (spec->on_insert.count || updates->count || spec->on_delete.count)
        e->left_type = BYTES("CHANGED");
    for (unsigned i = 0; i < updates->count; i++)
        if (!updates->rules[i].when_column.len)
            e->left_type = updates->rules[i].type;
}

/* What cannot be read as a key stands as the table has it. */
static int event_key(const struct data_table *t, const struct change *c,
                     struct arena *a, struct bytes *ret)
{
    int error = data_key_read(t->first, c->key, a, ret);

    if (error == ERR_INVALID) {
        *ret = c->key;
        error = 0;
    }
    return error;
}

static int event_make(const struct data_resource *r, const struct change *c,
                      const struct image *now, const struct image *before,
                      struct arena *a, struct data_event *e)
{
    int error;

    e->resource = r;
    e->by_user = r->user != NULL;
    if (c->op == CHANGE_RESET) {
        if (r->tenant)
            e->now.tenant = c->tenant;
        return 0;
    }
    error = event_owners(c, now, before, a, e);
    if (!error && c->op == CHANGE_UPDATE)
        event_left_type(e);
    if (!error)
        error =
            event_type(c, c->op == CHANGE_DELETE ? before : now, before, a, e);
    return error;
}

static int images_read(const struct data_table *t, const struct change *c,
                       struct image *now, struct image *before)
{
    int error = c->row.len ? image_read(t, c->row, now) : 0;

    return error || !c->old.len ? error : image_read(t, c->old, before);
}

int data_change_events(const struct data *d, const struct change *c,
                       struct arena *a, struct data_event **ret,
                       unsigned *ret_count)
{
    const struct data_table *t = data_table_named(d, c->table);
    struct image now = {0}, before = {0};
    struct bytes key = {NULL, 0};
    struct data_event *events, *e;
    int error = 0;

    if (!t || c->op == CHANGE_PURGE)
        return ERR_NOT_FOUND;
    e = events = arena_zalloc(a, t->resource_count * sizeof(*events));
    if (!events)
        return ERR_NOMEM;
    if (c->op != CHANGE_RESET)
        error = images_read(t, c, &now, &before);
    if (!error && c->op != CHANGE_RESET)
        error = event_key(t, c, a, &key);
    for (const struct data_resource *r = t->first; r && !error; r = r->next) {
        e->key = key;
        error = event_make(r, c, &now, &before, a, e++);
    }
    if (error)
        return error;
    *ret = events;
    *ret_count = t->resource_count;
    return 0;
}

/* A deleted row is its key. */
static int project_key(const struct data_resource *r, const struct change *c,
                       uint64_t mask, struct buf *out)
{
    const struct column *key = r->table->key;
    struct value v = value_text(c->key);

    if (!(mask & COLUMN_BIT(key)))
        return ERR_DENIED;
    if (key->kind == COLUMN_INT && bytes_to_i64(c->key, &v.integer) == 0)
        v.kind = VALUE_INT;
    buf_append_char(out, '{');
    buf_append(out, bytes_skip(key->json, 1));
    convert_write_json(out, key, v);
    buf_append_char(out, '}');
    return buf_error(out);
}

int data_change_project(const struct data_event *e, const struct change *c,
                        role_mask roles, struct buf *out)
{
    const struct data_resource *r = e->resource;
    uint64_t mask = resource_readable(r, roles);
    struct image now;
    size_t skip = 1;

    if (mask == 0)
        return ERR_DENIED;
    if (!c->row.len)
        return project_key(r, c, mask, out);
    if (image_read(r->table, c->row, &now))
        return ERR_INVALID;
    buf_append_char(out, '{');
    COLUMNS_EACH(i, mask)
    {
        const struct column *column = &r->table->columns[i];

        if (now.raw[i].len == 0)
            continue;
        buf_append(out, bytes_skip(column->json, skip));
        convert_image_write_json(out, column, now.raw[i]);
        skip = 0;
    }
    buf_append_char(out, '}');
    return buf_error(out);
}
