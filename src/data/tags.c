/* SPDX-License-Identifier: MIT */
/*
 * tags - hashes chained from the table's seed.
 * Threads: any, no state.
 */
#include "data/tags.h"

#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"
#include "data/convert.h"
#include "data/image.h"

#define VALUE_TEXT_MAX (1u << 20)

enum tag_kind { TAG_KEY = 1, TAG_RESOURCE, TAG_RESET, TAG_SCOPE, TAG_VALUE };

static uint64_t tag_of(struct bytes text, uint64_t seed, unsigned kind)
{
    uint64_t tag = hash_keyed_seed(text, seed + kind);

    return tag ? tag : 1;
}

static uint64_t tag_key(const struct data_table *t, struct bytes key)
{
    return tag_of(key, t->seed, TAG_KEY);
}

static uint64_t tag_resource(const struct data_table *t, struct bytes tenant)
{
    return tag_of(tenant, t->seed, TAG_RESOURCE);
}

static uint64_t tag_reset(const struct data_table *t, struct bytes tenant)
{
    return tag_of(tenant, t->seed, TAG_RESET);
}

static uint64_t tag_value(const struct data_table *t, struct bytes tenant,
                          const struct column *c, struct bytes text)
{
    return tag_of(text, tag_of(tenant, t->seed, TAG_VALUE), c->index);
}

uint64_t data_scope_tag(const struct data *d, struct bytes tenant)
{
    return tag_of(tenant, 0, TAG_SCOPE);
}

/* Of a query. */

static struct bytes tenant_of(const struct data_resource *r,
                              const struct query *q)
{
    return r->tenant ? q->viewer.tenant : (struct bytes){NULL, 0};
}

static bool tag_add(struct tagset *set, uint64_t tag)
{
    for (unsigned i = 0; i < set->count; i++) {
        if (set->tags[i] == tag)
            return true;
    }
    if (set->count == TAGCLOCK_TAGS_MAX)
        return false;
    set->tags[set->count++] = tag;
    return true;
}

/* The related tables; also whether all of it ends at the tenant. */
static bool tags_related(const struct query *q, struct tagset *set)
{
    bool scoped = q->resource->tenant != NULL;

    for (unsigned i = 0; i < q->relation_count; i++) {
        const struct data_resource *to = q->relations[i].relation->to;

        scoped = scoped && to->tenant;
        if (!tag_add(set, tag_resource(to->table, tenant_of(to, q))))
            return false;
    }
    set->scope =
        scoped ? data_scope_tag(q->resource->data, q->viewer.tenant) : 0;
    return true;
}

/* narrow (a key's or value's tag) and the reset tag; where the set has no room
 * for two, the resource's tag, which covers both. */
static bool tags_complete(const struct query *q, uint64_t narrow,
                          struct tagset *set)
{
    const struct data_resource *r = q->resource;
    struct bytes tenant = tenant_of(r, q);

    *set = (struct tagset){0};
    if (narrow && tag_add(set, narrow) &&
        tag_add(set, tag_reset(r->table, tenant)) && tags_related(q, set))
        return true;
    *set = (struct tagset){0};
    return tag_add(set, tag_resource(r->table, tenant)) && tags_related(q, set);
}

static uint64_t tag_of_value(const struct query *q, const struct column *c,
                             struct value v)
{
    struct bytes tenant = tenant_of(q->resource, q);
    struct buf text;
    uint64_t tag = 0;

    if (!(q->resource->table->tagged & COLUMN_BIT(c)))
        return 0;
    buf_init(&text, VALUE_TEXT_MAX);
    convert_write_text(&text, c, v);
    if (!buf_error(&text))
        tag = tag_value(q->resource->table, tenant, c, buf_bytes(&text));
    buf_fini(&text);
    return tag;
}

/* The one equality filter of a list: the user's own column first, since such
 * lists are the narrowest. */
static uint64_t tag_narrow(const struct query *q)
{
    const struct data_resource *r = q->resource;
    uint64_t tag = 0;

    if (r->user)
        tag = tag_of_value(q, r->user, value_text(q->viewer.user));
    for (unsigned i = 0; i < q->filter_count && !tag; i++) {
        const struct query_filter *f = &q->filters[i];

        if (f->op == QUERY_EQ && !f->negated)
            tag = tag_of_value(q, f->column, f->values[0]);
    }
    return tag;
}

bool tags_of_list(const struct query *q, struct tagset *ret)
{
    return tags_complete(q, tag_narrow(q), ret);
}

bool tags_of_item(const struct query *q, struct value key, struct tagset *ret)
{
    const struct data_table *t = q->resource->table;
    struct buf text;
    uint64_t tag = 0;

    buf_init(&text, VALUE_TEXT_MAX);
    convert_write_text(&text, t->key, key);
    if (!buf_error(&text) && t->key->bytewise)
        tag = tag_key(t, buf_bytes(&text));
    buf_fini(&text);
    return tags_complete(q, tag, ret);
}

/* Of a change. */

struct apply {
    const struct data *data;
    const struct data_table *table;
    struct tagclock *clock;
    uint64_t offset;
    struct buf text; /* scratch */
    bool lost;       /* for want of memory a tag is not known */
};

static void move(struct apply *a, uint64_t tag)
{
    tagclock_move(a->clock, tag, a->offset);
}

/* Everything of the table under this tenant. */
static void move_reset(struct apply *a, struct bytes tenant)
{
    move(a, tag_resource(a->table, tenant));
    move(a, tag_reset(a->table, tenant));
    if (tenant.len)
        move(a, data_scope_tag(a->data, tenant));
}

/* A value of an image as text; false: it has none, or none that a tag has. */
static bool text_of(struct apply *a, struct buf *text, const struct column *c,
                    struct bytes raw)
{
    bool is_there;

    buf_clear(text);
    is_there = convert_image_write_text(text, c, raw);
    if (buf_error(text) == ERR_NOMEM)
        a->lost = true;
    return is_there && !buf_error(text);
}

static void move_key(struct apply *a, struct bytes raw)
{
    if (text_of(a, &a->text, a->table->key, raw))
        move(a, tag_key(a->table, buf_bytes(&a->text)));
}

static void move_values(struct apply *a, const struct image *image,
                        struct bytes tenant)
{
    const struct data_table *t = a->table;

    COLUMNS_EACH(i, t->tagged)
    {
        const struct column *c = &t->columns[i];

        if (text_of(a, &a->text, c, image->raw[i]))
            move(a, tag_value(t, tenant, c, buf_bytes(&a->text)));
    }
}

static void move_under(struct apply *a, const struct image *image,
                       struct bytes tenant)
{
    move(a, tag_resource(a->table, tenant));
    move_values(a, image, tenant);
    if (tenant.len)
        move(a, data_scope_tag(a->data, tenant));
}

/* One side of the change, before or after. Without a good image, or with one
 * that lacks a column whose value has a tag, all of the tenant moves. */
static bool move_image(struct apply *a, struct bytes json)
{
    const struct data_table *t = a->table;
    struct bytes none = {NULL, 0};
    uint64_t needed = t->tagged | COLUMN_BIT(t->key);
    struct image image;
    struct buf tenant;

    if (image_read(t, json, &image))
        return false;
    if (t->tenant)
        needed |= COLUMN_BIT(t->tenant);
    COLUMNS_EACH(i, needed)
    {
        if (image.raw[i].len == 0)
            return false;
    }
    move_key(a, image.raw[t->key->index]);
    if (t->unscoped)
        move_under(a, &image, none);
    if (!t->tenant)
        return true;
    buf_init(&tenant, VALUE_TEXT_MAX);
    if (text_of(a, &tenant, t->tenant, image.raw[t->tenant->index]) &&
        tenant.len)
        move_under(a, &image, buf_bytes(&tenant));
    buf_fini(&tenant);
    return true;
}

static void apply_reset(struct apply *a, struct bytes tenant)
{
    struct bytes none = {NULL, 0};

    if (a->table->tenant && !tenant.len) { /* every tenant's */
        tagclock_move_all(a->clock, a->offset);
        return;
    }
    if (a->table->unscoped)
        move_reset(a, none);
    if (a->table->tenant)
        move_reset(a, tenant);
}

/* One row's replies. A set is valid while its tenant's cell stands still, so
 * the cell moves too; whose it is has to be known. */
static void apply_purge(struct apply *a, const struct change *c)
{
    if (!c->key.len || (a->table->tenant && !c->tenant.len)) {
        apply_reset(a, c->tenant);
        return;
    }
    move(a, tag_key(a->table, c->key));
    if (c->tenant.len)
        move(a, data_scope_tag(a->data, c->tenant));
}

static void apply_row(struct apply *a, const struct change *c)
{
    bool good = true;

    move(a, tag_key(a->table, c->key));
    if (c->op != CHANGE_INSERT)
        good = move_image(a, c->old);
    if (c->op != CHANGE_DELETE)
        good = move_image(a, c->row) && good;
    /* What the image does not say may be anything, of any tenant. */
    if (!good)
        tagclock_move_all(a->clock, a->offset);
}

void data_change_apply(const struct data *d, struct tagclock *clock,
                       const struct change *c)
{
    struct apply a = {.data = d,
                      .table = data_table_named(d, c->table),
                      .clock = clock,
                      .offset = c->offset};

    if (!a.table) {
        if (c->op == CHANGE_PURGE || !c->table.len)
            tagclock_move_all(clock, c->offset);
        return;
    }
    buf_init(&a.text, VALUE_TEXT_MAX);
    if (c->op == CHANGE_RESET)
        apply_reset(&a, c->tenant);
    else if (c->op == CHANGE_PURGE)
        apply_purge(&a, c);
    else
        apply_row(&a, c);
    if (a.lost)
        tagclock_move_all(clock, c->offset);
    buf_fini(&a.text);
}
