/* SPDX-License-Identifier: MIT */
/*
 * schema - names become columns, and every mistake is found at start.
 *
 * Order: all tables first, then resources, then what points across.
 * Threads: immutable after data_new().
 */
#include "data/schema.h"

#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"
#include "json/json.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdarg.h>
#include <stdio.h>

#define SCHEMA_BYTES_MAX (16u << 20)
#define NAME_BYTES_MAX   256
#define NAME_TEXT_MAX    2048 /* quoted or escaped */

/* What is being built, and where mistakes go. */
struct build {
    struct data *data;
    const struct data_spec *spec;
    struct admin *admin;
    struct store_detail *detail;
};

static int PRINTF_LIKE(2, 3) say(const struct build *b, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(b->detail->text, sizeof(b->detail->text), fmt, args);
    va_end(args);
    return ERR_INVALID;
}

/* Looking up. */

const struct column *table_column(const struct data_table *t, struct bytes name)
{
    for (unsigned i = 0; i < t->column_count; i++) {
        if (bytes_equal(t->columns[i].name, name))
            return &t->columns[i];
    }
    return NULL;
}

const struct data_table *data_table_named(const struct data *d,
                                          struct bytes name)
{
    for (unsigned i = 0; i < d->table_count; i++) {
        if (bytes_equal(d->tables[i].name, name))
            return &d->tables[i];
    }
    return NULL;
}

const struct data_resource *data_resource_named(const struct data *d,
                                                struct bytes name)
{
    for (unsigned i = 0; i < d->resource_count; i++) {
        if (bytes_equal(d->resources[i].spec->name, name))
            return &d->resources[i];
    }
    return NULL;
}

const struct data_resource *data_resource_at(const struct data *d, unsigned i)
{
    return i < d->resource_count ? &d->resources[i] : NULL;
}

const struct resource_spec *data_resource_spec(const struct data_resource *r)
{
    return r->spec;
}

bool data_resource_by_user(const struct data_resource *r)
{
    for (unsigned i = 0; i < r->relation_count; i++) {
        if (r->relations[i].to->user)
            return true;
    }
    return r->user != NULL;
}

const struct relation *resource_relation(const struct data_resource *r,
                                         struct bytes name)
{
    for (unsigned i = 0; i < r->relation_count; i++) {
        if (bytes_equal(r->relations[i].name, name))
            return &r->relations[i];
    }
    return NULL;
}

static uint64_t rights(const uint64_t by_role[ROLES_MAX], role_mask roles)
{
    uint64_t mask = 0;

    for (unsigned i = 0; i < ROLES_MAX; i++) {
        if (roles >> i & 1)
            mask |= by_role[i];
    }
    return mask;
}

uint64_t resource_readable(const struct data_resource *r, role_mask roles)
{
    return rights(r->read, roles);
}

uint64_t resource_writable(const struct data_resource *r, role_mask roles)
{
    return rights(r->write, roles);
}

bool data_may_read(const struct data_resource *r, role_mask roles)
{
    return resource_readable(r, roles) != 0;
}

bool data_may_read_key(const struct data_resource *r, role_mask roles)
{
    return (resource_readable(r, roles) & COLUMN_BIT(r->table->key)) != 0;
}

/* Names. */

static struct bytes kept(struct arena *a, struct buf *b)
{
    struct bytes ret = {NULL, 0};

    if (!buf_error(b))
        ret = arena_copy(a, buf_bytes(b));
    buf_fini(b);
    return ret;
}

static struct bytes sql_quoted(struct arena *a, const char *prefix,
                               struct bytes name)
{
    struct buf b;

    buf_init(&b, NAME_TEXT_MAX);
    buf_append_char(&b, '"');
    buf_append(&b, bytes_of(prefix));
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] == '"')
            buf_append_char(&b, '"');
        buf_append_char(&b, name.at[i]);
    }
    buf_append_char(&b, '"');
    return kept(a, &b);
}

static struct bytes json_keyed(struct arena *a, struct bytes name)
{
    struct buf b;

    buf_init(&b, NAME_TEXT_MAX);
    buf_append_char(&b, ',');
    json_write_key(&b, name);
    return kept(a, &b);
}

/* Tables. */

struct columns_read {
    struct build *build;
    struct data_table *table;
    unsigned key_parts;
    int error;
};

static void on_column(const struct column_info *info, void *arg)
{
    struct columns_read *r = arg;
    struct arena *a = &r->build->data->arena;
    struct data_table *t = r->table;
    struct column *c = &t->columns[t->column_count];

    if (r->error)
        return;
    if (t->column_count == COLUMNS_MAX || info->name.len > NAME_BYTES_MAX) {
        r->error = say(r->build,
                       "table '" BYTES_FMT "': expected at most %d columns "
                       "with names of at most %d bytes",
                       BYTES_ARG(t->name), COLUMNS_MAX, NAME_BYTES_MAX);
        return;
    }
    *c = (struct column){
        .name = arena_copy(a, info->name),
        .sql = sql_quoted(a, "", info->name),
        .json = json_keyed(a, info->name),
        .index = t->column_count,
        .kind = info->kind,
        .not_null = info->not_null || info->key_part > 0,
        .bytewise = info->bytewise_equal &&
                    (info->kind == COLUMN_INT || info->kind == COLUMN_TEXT ||
                     info->kind == COLUMN_BOOL || info->kind == COLUMN_UUID),
    };
    if (!c->name.at || !c->sql.at || !c->json.at)
        r->error = ERR_NOMEM;
    r->key_parts += info->key_part > 0;
    if (info->key_part == 1)
        t->key = c;
    t->column_count++;
}

static int table_load(struct build *b, const struct resource_spec *spec)
{
    struct data *d = b->data;
    struct data_table *t = &d->tables[d->table_count];
    struct columns_read r = {.build = b, .table = t};
    int error;

    t->name = spec->table;
    t->sql = sql_quoted(&d->arena, "", spec->table);
    t->seed = hash_keyed(spec->table);
    t->columns = arena_zalloc(&d->arena, COLUMNS_MAX * sizeof(*t->columns));
    if (!t->sql.at || !t->columns)
        return ERR_NOMEM;
    error = admin_columns(b->admin, spec->table, on_column, &r, b->detail);
    if (error == ERR_NOT_FOUND)
        return say(b,
                   "resource '" BYTES_FMT "': there is no table '" BYTES_FMT
                   "' in the database",
                   BYTES_ARG(spec->name), BYTES_ARG(spec->table));
    if (error || r.error)
        return error ? error : r.error;
    if (r.key_parts != 1)
        return say(b,
                   "resource '" BYTES_FMT "': expected table '" BYTES_FMT
                   "' to have a primary key of one column, it has %u",
                   BYTES_ARG(spec->name), BYTES_ARG(spec->table), r.key_parts);
    d->table_count++;
    return 0;
}

/* Resources. */

static int column_find(const struct build *b, const struct data_resource *r,
                       const char *what, struct bytes name,
                       const struct column **ret)
{
    *ret = table_column(r->table, name);
    if (*ret)
        return 0;
    return say(b,
               "resource '" BYTES_FMT "': %s names the column '" BYTES_FMT
               "', which the table '" BYTES_FMT "' does not have",
               BYTES_ARG(r->spec->name), what, BYTES_ARG(name),
               BYTES_ARG(r->table->name));
}

static int columns_find(const struct build *b, const struct data_resource *r,
                        const char *what, const struct name_list *list,
                        uint64_t *ret)
{
    uint64_t mask = list->all ? table_all(r->table) : 0;

    for (unsigned i = 0; i < list->count; i++) {
        const struct column *c;
        int error = column_find(b, r, what, list->names[i], &c);

        if (error)
            return error;
        mask |= COLUMN_BIT(c);
    }
    *ret = mask;
    return 0;
}

static bool is_ordered(const struct column *c)
{
    return c->kind != COLUMN_JSON && c->kind != COLUMN_BLOB;
}

static int lists_find(const struct build *b, struct data_resource *r)
{
    const struct resource_spec *spec = r->spec;
    int error = columns_find(b, r, "filter", &spec->filter, &r->filter);

    if (!error)
        error = columns_find(b, r, "sort", &spec->sort, &r->sort);
    if (error)
        return error;
    COLUMNS_EACH(i, r->sort | r->filter)
    {
        const struct column *c = &r->table->columns[i];

        if (r->sort >> i & 1 && !is_ordered(c))
            return say(b,
                       "resource '" BYTES_FMT "': sort names '" BYTES_FMT
                       "', which has no order (JSON or bytes)",
                       BYTES_ARG(spec->name), BYTES_ARG(c->name));
        if (r->filter >> i & 1 && c->kind == COLUMN_BLOB)
            return say(b,
                       "resource '" BYTES_FMT "': filter names '" BYTES_FMT
                       "', which holds bytes",
                       BYTES_ARG(spec->name), BYTES_ARG(c->name));
    }
    return 0;
}

static int rights_find(const struct build *b, struct data_resource *r)
{
    for (unsigned i = 0; i < r->spec->allow_count; i++) {
        const struct allow_spec *a = &r->spec->allow[i];
        int error;

        if (a->role >= ROLES_MAX)
            return say(b, "resource '" BYTES_FMT "': expected at most %d roles",
                       BYTES_ARG(r->spec->name), ROLES_MAX);
        error = columns_find(b, r, "read", &a->read, &r->read[a->role]);
        if (!error)
            error = columns_find(b, r, "write", &a->write, &r->write[a->role]);
        if (error)
            return error;
        if (a->create)
            r->create |= 1u << a->role;
        if (a->remove)
            r->remove |= 1u << a->role;
    }
    return 0;
}

/* Whoever a row belongs to is compared here and in the database alike. */
static bool is_identity(const struct column *c)
{
    return c->bytewise && c->kind != COLUMN_BOOL;
}

static int visibility_find(const struct build *b, struct data_resource *r)
{
    const struct resource_spec *spec = r->spec;
    int error = 0;

    if (spec->tenant_column.len)
        error = column_find(b, r, "visible.tenant", spec->tenant_column,
                            &r->tenant);
    else if (spec->visible == VISIBLE_TENANT)
        error = say(b,
                    "resource '" BYTES_FMT "': expected visible.tenant to "
                    "name a column",
                    BYTES_ARG(spec->name));
    if (!error && spec->visible == VISIBLE_USER)
        error = column_find(b, r, "visible.user", spec->user_column, &r->user);
    if (!error && ((r->tenant && !is_identity(r->tenant)) ||
                   (r->user && !is_identity(r->user))))
        error = say(b,
                    "resource '" BYTES_FMT "': expected the columns of "
                    "'visible' to be whole numbers or text that is equal only "
                    "byte by byte",
                    BYTES_ARG(spec->name));
    return error;
}

/* What the resources of one table say about it has to agree: its changes
 * carry one key and one tenant. */
static int table_join(const struct build *b, struct data_resource *r,
                      struct data_table *t)
{
    const struct resource_spec *spec = r->spec;

    if (!bytes_equal(t->key->name, spec->key))
        return say(b,
                   "resource '" BYTES_FMT "': expected key '" BYTES_FMT
                   "', the primary key of '" BYTES_FMT "', got '" BYTES_FMT "'",
                   BYTES_ARG(spec->name), BYTES_ARG(t->key->name),
                   BYTES_ARG(t->name), BYTES_ARG(spec->key));
    if (!is_ordered(t->key))
        return say(b, "resource '" BYTES_FMT "': its key cannot be ordered",
                   BYTES_ARG(spec->name));
    if (r->tenant && t->tenant && r->tenant != t->tenant)
        return say(b,
                   "resource '" BYTES_FMT "': the table '" BYTES_FMT
                   "' already has the tenant column '" BYTES_FMT
                   "' by another resource",
                   BYTES_ARG(spec->name), BYTES_ARG(t->name),
                   BYTES_ARG(t->tenant->name));
    if (r->tenant)
        t->tenant = r->tenant;
    else
        t->unscoped = true;
    COLUMNS_EACH(i, r->filter | (r->user ? COLUMN_BIT(r->user) : 0))
    {
        if (t->columns[i].bytewise)
            t->tagged |= 1ull << i;
    }
    if (t->last)
        t->last->next = r;
    else
        t->first = r;
    t->last = r;
    t->resource_count++;
    return 0;
}

static int resource_load(struct build *b, struct data_resource *r,
                         const struct resource_spec *spec)
{
    struct data_table *t;
    int error = 0;

    r->spec = spec;
    r->data = b->data;
    if (!data_table_named(b->data, spec->table))
        error = table_load(b, spec);
    if (error)
        return error;
    t = (struct data_table *)data_table_named(b->data, spec->table);
    r->table = t;
    error = visibility_find(b, r);
    if (!error)
        error = lists_find(b, r);
    if (!error)
        error = rights_find(b, r);
    return error ? error : table_join(b, r, t);
}

/* Relations. */

static int relation_load(struct build *b, struct data_resource *r,
                         const struct relation_spec *spec, struct relation *ret)
{
    struct arena *a = &b->data->arena;
    const struct column *ours, *theirs;
    int error;

    ret->name = spec->name;
    ret->alias = sql_quoted(a, "r.", spec->name);
    ret->json = json_keyed(a, spec->name);
    ret->to = data_resource_named(b->data, spec->to);
    if (!ret->alias.at || !ret->json.at)
        return ERR_NOMEM;
    if (!ret->to || table_column(r->table, spec->name))
        return say(b,
                   "resource '" BYTES_FMT "': relation '" BYTES_FMT
                   "' expected a name that is no column, and 'to' a resource",
                   BYTES_ARG(r->spec->name), BYTES_ARG(spec->name));
    if (spec->on.len) {
        error = column_find(b, r, "a relation's 'on'", spec->on, &ret->on);
        theirs = ret->to->table->key;
    } else {
        error =
            column_find(b, ret->to, "a relation's 'by'", spec->by, &ret->by);
        theirs = ret->by;
    }
    if (error)
        return error;
    ours = ret->on ? ret->on : r->table->key;
    if (theirs->kind != ours->kind)
        return say(b,
                   "resource '" BYTES_FMT "': relation '" BYTES_FMT
                   "' joins columns of different kinds",
                   BYTES_ARG(r->spec->name), BYTES_ARG(spec->name));
    /* Many rows are told apart here, not by the database. */
    if (ret->by && !(is_identity(ours) && is_identity(theirs)))
        return say(b,
                   "resource '" BYTES_FMT "': relation '" BYTES_FMT
                   "' expected whole numbers or text that is equal only byte "
                   "by byte",
                   BYTES_ARG(r->spec->name), BYTES_ARG(spec->name));
    return 0;
}

static int relations_load(struct build *b, struct data_resource *r)
{
    unsigned count = r->spec->relation_count;
    int error = 0;

    if (count > RELATIONS_MAX)
        return say(b, "resource '" BYTES_FMT "': expected at most %d relations",
                   BYTES_ARG(r->spec->name), RELATIONS_MAX);
    r->relations =
        arena_zalloc(&b->data->arena, (count + 1) * sizeof(*r->relations));
    if (!r->relations)
        return ERR_NOMEM;
    for (unsigned i = 0; i < count && !error; i++)
        error = relation_load(b, r, &r->spec->relations[i], &r->relations[i]);
    r->relation_count = count;
    return error;
}

/* Life cycle. */

static int schema_load(struct build *b)
{
    struct data *d = b->data;
    unsigned count = b->spec->resource_count;
    int error = 0;

    d->resources = arena_zalloc(&d->arena, (count + 1) * sizeof(*d->resources));
    d->tables = arena_zalloc(&d->arena, (count + 1) * sizeof(*d->tables));
    if (!d->resources || !d->tables)
        return ERR_NOMEM;
    for (unsigned i = 0; i < count && !error; i++) {
        error = resource_load(b, &d->resources[i], &b->spec->resources[i]);
        d->resource_count = i + 1;
    }
    for (unsigned i = 0; i < count && !error; i++)
        error = relations_load(b, &d->resources[i]);
    return error;
}

int data_new(struct data **ret, const struct data_spec *spec,
             struct store *store, struct admin *admin,
             struct store_detail *detail)
{
    struct data *d = mem_zalloc(1, sizeof(*d));
    struct build b = {d, spec, admin, detail};
    int error;

    if (!d)
        return ERR_NOMEM;
    arena_init(&d->arena, SCHEMA_BYTES_MAX);
    d->dialect = store_dialect(store);
    random_bytes(d->cursor_key, sizeof(d->cursor_key));
    error = schema_load(&b);
    if (error)
        data_free(&d);
    else
        *ret = d;
    return error;
}

void data_free(struct data **data)
{
    struct data *d = *data;

    if (!d)
        return;
    arena_fini(&d->arena);
    memset(d->cursor_key, 0, sizeof(d->cursor_key));
    mem_free(d);
    *data = NULL;
}

void *data_keep(struct data *d, size_t size)
{
    return arena_zalloc(&d->arena, size);
}

int data_cursor_key(struct data *d, struct bytes secret)
{
    static const char label[] = "fieldline cursor 1";
    unsigned len = 0;

    if (secret.len == 0)
        return 0;
    if (secret.len > INT32_MAX ||
        !HMAC(EVP_sha512(), secret.at, (int)secret.len,
              (const unsigned char *)label, sizeof(label) - 1, d->cursor_key,
              &len) ||
        len != CURSOR_KEY_LEN)
        return ERR_INTERNAL;
    return 0;
}

/* What migrate installs: no database is asked, names are taken as written. */

static struct publish_spec *publish_of(struct publish_spec *all, size_t *count,
                                       size_t max,
                                       const struct resource_spec *r)
{
    for (size_t i = 0; i < *count; i++) {
        if (bytes_equal(all[i].table, r->table))
            return &all[i];
    }
    if (*count == max)
        return NULL;
    all[*count] = (struct publish_spec){.table = r->table, .key = r->key};
    return &all[(*count)++];
}

static void publish_old(struct publish_spec *p, struct bytes column)
{
    if (!column.len)
        return;
    for (unsigned i = 0; i < p->old_count; i++) {
        if (bytes_equal(p->old[i], column))
            return;
    }
    if (p->old_count < PUBLISH_COLUMNS_MAX)
        p->old[p->old_count++] = column;
}

static void publish_rules(struct publish_spec *p, const struct publish_rules *r)
{
    for (unsigned i = 0; i < r->count; i++)
        publish_old(p, r->rules[i].when_column);
}

size_t data_publish_specs(const struct data_spec *spec,
                          struct publish_spec *ret, size_t max)
{
    size_t count = 0;

    for (unsigned i = 0; i < spec->resource_count; i++) {
        const struct resource_spec *r = &spec->resources[i];
        struct publish_spec *p = publish_of(ret, &count, max, r);

        if (!p)
            break;
        if (r->tenant_column.len)
            p->tenant = r->tenant_column;
        publish_old(p, r->key);
        publish_old(p, r->tenant_column);
        publish_old(p, r->user_column);
        for (unsigned k = 0; k < r->filter.count; k++)
            publish_old(p, r->filter.names[k]);
        publish_rules(p, &r->on_insert);
        publish_rules(p, &r->on_update);
        publish_rules(p, &r->on_delete);
    }
    return count;
}
