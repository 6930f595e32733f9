/* SPDX-License-Identifier: MIT */
/*
 * fleet - a table, and per tenant a list and a geo index, under one lock.
 *
 * An object's address is its id in its tenant's index: both live under the
 * lock.
 * Threads: any, locked by lock.
 */
#include "live/fleet.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/table.h"
#include "json/json.h"

#include <pthread.h>

#define NAME_MAX_LEN  512 /* tenant and key */
#define JSON_ROOM     512 /* around the payload: names, key, numbers, time */
#define SWEEP_AT_ONCE 16  /* expired objects removed with each new one */

struct group {
    struct list objects;
    struct fl_geo_index *index;
    struct bytes tenant;
};

struct object {
    struct list in_group;
    struct list by_age;
    struct list dirty;
    struct group *group;
    struct fix *fix;
    struct bytes name;
};

struct fleet {
    pthread_mutex_t lock;
    struct bytes resource;
    size_t objects_max;
    int64_t expire_us;
    struct table *objects; /* by name */
    struct table *groups;  /* by tenant */
    struct list by_age;
    struct list dirty;
};

/* ---- fixes ------------------------------------------------------------ */

struct fix *fix_ref(struct fix *f)
{
    atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
    return f;
}

void fix_unref(struct fix **fix)
{
    struct fix *f = *fix;

    *fix = NULL;
    if (f && atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) == 1)
        mem_free(f);
}

static size_t json_write_fix(struct buf *out, struct bytes key,
                             struct fl_geo_point at, int64_t at_us,
                             struct bytes payload)
{
    char time[CLOCK_RFC3339_LEN + 1];
    size_t payload_at;

    clock_rfc3339(at_us, time);
    buf_append(out, BYTES("\"key\":"));
    json_write_string(out, key);
    buf_append(out, BYTES(",\"lat\":"));
    json_write_double(out, at.lat);
    buf_append(out, BYTES(",\"lng\":"));
    json_write_double(out, at.lng);
    buf_append(out, BYTES(",\"at\":"));
    json_write_string(out, bytes_of(time));
    buf_append(out, BYTES(",\"data\":"));
    payload_at = out->len;
    buf_append(out, payload);
    return payload_at;
}

static int fix_new(struct fix **ret, struct bytes resource, struct bytes tenant,
                   struct bytes key, struct fl_geo_point at, int64_t at_us,
                   struct bytes payload)
{
    struct fix *f = NULL;
    struct buf json;
    size_t payload_at;
    int error;

    buf_init(&json, payload.len + 6 * key.len + JSON_ROOM);
    payload_at = json_write_fix(&json, key, at, at_us, payload);
    error = buf_error(&json);
    if (!error) {
        f = mem_alloc(sizeof(*f) + tenant.len + key.len + json.len);
        error = f ? 0 : ERR_NOMEM;
    }
    if (!error) {
        *f = (struct fix){.at = at, .at_us = at_us, .resource = resource};
        atomic_init(&f->refs, 1);
        if (tenant.len)
            memcpy(f->text, tenant.at, tenant.len);
        memcpy(f->text + tenant.len, key.at, key.len);
        memcpy(f->text + tenant.len + key.len, json.at, json.len);
        f->tenant = (struct bytes){f->text, tenant.len};
        f->key = (struct bytes){f->text + tenant.len, key.len};
        f->json = (struct bytes){f->key.at + key.len, json.len};
        f->payload = (struct bytes){f->json.at + payload_at, payload.len};
        *ret = f;
    }
    buf_fini(&json);
    return error;
}

/* ---- objects ---------------------------------------------------------- */

/* The tenant's length, the tenant, the key: no two share a name. */
struct object_name {
    size_t len;
    char at[NAME_MAX_LEN + sizeof(uint32_t)];
};

static int object_name(struct bytes tenant, struct bytes key,
                       struct object_name *ret)
{
    uint32_t tenant_len = (uint32_t)tenant.len;

    if (key.len == 0 || tenant.len + key.len > NAME_MAX_LEN)
        return ERR_LIMIT;
    memcpy(ret->at, &tenant_len, sizeof(tenant_len));
    ret->len = sizeof(tenant_len);
    if (tenant.len)
        memcpy(ret->at + ret->len, tenant.at, tenant.len);
    ret->len += tenant.len;
    memcpy(ret->at + ret->len, key.at, key.len);
    ret->len += key.len;
    return 0;
}

static uint64_t object_id(const struct object *o)
{
    return (uint64_t)(uintptr_t)o;
}

static struct object *object_of_id(uint64_t id)
{
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): it was one of ours */
    return (struct object *)(uintptr_t)id;
}

static struct group *group_of(struct fleet *f, struct bytes tenant)
{
    struct group *g = table_get(f->groups, tenant);

    if (g)
        return g;
    g = mem_alloc(sizeof(*g) + tenant.len);
    if (!g)
        return NULL;
    if (tenant.len)
        memcpy(g + 1, tenant.at, tenant.len);
    g->tenant = (struct bytes){(const char *)(g + 1), tenant.len};
    g->index = NULL;
    list_init(&g->objects);
    if (fl_geo_index_new(&g->index, NULL) != 0 ||
        table_put(f->groups, g->tenant, g) != 0) {
        fl_geo_index_free(&g->index);
        mem_free(g);
        return NULL;
    }
    return g;
}

static void group_drop_empty(struct fleet *f, struct group *g)
{
    if (!list_empty(&g->objects))
        return;
    (void)table_remove(f->groups, g->tenant);
    fl_geo_index_free(&g->index);
    mem_free(g);
}

static void object_drop(struct fleet *f, struct object *o)
{
    (void)fl_geo_index_remove(o->group->index, object_id(o));
    (void)table_remove(f->objects, o->name);
    list_remove(&o->in_group);
    list_remove(&o->by_age);
    list_remove(&o->dirty);
    group_drop_empty(f, o->group);
    fix_unref(&o->fix);
    mem_free(o);
}

static int object_new(struct fleet *f, const struct object_name *name,
                      struct bytes tenant, struct object **ret)
{
    struct object *o = mem_alloc(sizeof(*o) + name->len);
    struct group *g = o ? group_of(f, tenant) : NULL;
    int error = g ? 0 : ERR_NOMEM;

    if (!error) {
        memcpy(o + 1, name->at, name->len);
        *o = (struct object){.group = g};
        o->name = (struct bytes){(const char *)(o + 1), name->len};
        list_init(&o->in_group);
        list_init(&o->by_age);
        list_init(&o->dirty);
        error = table_put(f->objects, o->name, o);
        if (error)
            group_drop_empty(f, g);
    }
    if (error)
        mem_free(o);
    else
        *ret = o;
    return error;
}

static void object_place(struct fleet *f, struct object *o, struct fix *fix,
                         bool dirty)
{
    fix_unref(&o->fix);
    o->fix = fix;
    list_remove(&o->in_group);
    list_prepend(&o->group->objects, &o->in_group);
    list_remove(&o->by_age);
    list_append(&f->by_age, &o->by_age);
    if (dirty && list_empty(&o->dirty))
        list_append(&f->dirty, &o->dirty);
}

/* What stood silent for too long goes, a few at a time. */
static void fleet_sweep(struct fleet *f, int64_t now_us)
{
    for (unsigned i = 0; i < SWEEP_AT_ONCE && !list_empty(&f->by_age); i++) {
        struct object *oldest = LIST_FIRST(&f->by_age, struct object, by_age);

        if (now_us - oldest->fix->at_us < f->expire_us)
            return;
        object_drop(f, oldest);
    }
}

/* ---- the fleet -------------------------------------------------------- */

int fleet_new(struct fleet **ret, struct bytes resource, size_t objects_max,
              int64_t expire_us)
{
    struct fleet *f = mem_zalloc(1, sizeof(*f));
    int error;

    if (!f)
        return ERR_NOMEM;
    pthread_mutex_init(&f->lock, NULL);
    f->resource = resource;
    f->objects_max = objects_max;
    f->expire_us = expire_us;
    list_init(&f->by_age);
    list_init(&f->dirty);
    error = table_new(&f->objects, objects_max);
    if (!error)
        error = table_new(&f->groups, objects_max);
    if (error)
        fleet_free(&f);
    else
        *ret = f;
    return error;
}

void fleet_free(struct fleet **fleet)
{
    struct fleet *f = *fleet;

    *fleet = NULL;
    if (!f)
        return;
    while (!list_empty(&f->by_age))
        object_drop(f, LIST_FIRST(&f->by_age, struct object, by_age));
    table_free(&f->groups);
    table_free(&f->objects);
    pthread_mutex_destroy(&f->lock);
    mem_free(f);
}

struct bytes fleet_resource(const struct fleet *f)
{
    return f->resource;
}

size_t fleet_count(struct fleet *f)
{
    size_t count;

    pthread_mutex_lock(&f->lock);
    count = table_count(f->objects);
    pthread_mutex_unlock(&f->lock);
    return count;
}

/* Takes the fix on success. */
static int fleet_place(struct fleet *f, const struct object_name *name,
                       struct fix *fix, bool dirty)
{
    struct object *o =
        table_get(f->objects, (struct bytes){name->at, name->len});
    bool made = !o;
    int error = 0;

    if (o && o->fix->at_us > fix->at_us) {
        fix_unref(&fix);
        return 0;
    }
    if (made)
        error = object_new(f, name, fix->tenant, &o);
    if (!error) {
        error = fl_geo_index_put(o->group->index, object_id(o), fix->at, 0);
        if (error && made)
            object_drop(f, o);
    }
    if (!error)
        object_place(f, o, fix, dirty);
    return error;
}

int fleet_put(struct fleet *f, struct bytes tenant, struct bytes key,
              struct fl_geo_point at, int64_t at_us, struct bytes payload,
              bool dirty)
{
    struct object_name name;
    struct fix *fix;
    int error = fl_geo_point_valid(at) ? 0 : ERR_RANGE;

    if (!error)
        error = object_name(tenant, key, &name);
    if (!error)
        error = fix_new(&fix, f->resource, tenant, key, at, at_us, payload);
    if (error)
        return error;
    pthread_mutex_lock(&f->lock);
    fleet_sweep(f, at_us);
    error = fleet_place(f, &name, fix, dirty);
    pthread_mutex_unlock(&f->lock);
    if (error)
        fix_unref(&fix);
    return error;
}

/* ---- asking ----------------------------------------------------------- */

static int near_locked(struct fleet *f, struct bytes tenant,
                       struct fl_geo_point at, double radius_m,
                       struct fl_geo_found *near, struct fleet_found *ret,
                       size_t max, size_t *ret_count)
{
    struct group *g = table_get(f->groups, tenant);
    size_t count = 0;
    int error = 0;

    if (g)
        error = fl_geo_index_radius(g->index, at, radius_m, NULL, near, max,
                                    &count);
    if (error)
        return error;
    for (size_t i = 0; i < count; i++)
        ret[i] =
            (struct fleet_found){.fix = fix_ref(object_of_id(near[i].id)->fix),
                                 .metres = near[i].distance_m};
    *ret_count = count;
    return 0;
}

int fleet_near(struct fleet *f, struct bytes tenant, struct fl_geo_point at,
               double radius_m, struct fleet_found *ret, size_t max,
               size_t *ret_count)
{
    struct fl_geo_found *near = mem_zalloc(max, sizeof(*near));
    int error;

    if (!near)
        return ERR_NOMEM;
    pthread_mutex_lock(&f->lock);
    error = near_locked(f, tenant, at, radius_m, near, ret, max, ret_count);
    pthread_mutex_unlock(&f->lock);
    mem_free(near);
    return error;
}

size_t fleet_all(struct fleet *f, struct bytes tenant, struct fleet_found *ret,
                 size_t max)
{
    struct group *g;
    size_t count = 0;

    pthread_mutex_lock(&f->lock);
    g = table_get(f->groups, tenant);
    if (g) {
        LIST_EACH_SAFE (&g->objects, link, after) {
            struct object *o = CONTAINER_OF(link, struct object, in_group);

            if (count == max)
                break;
            ret[count++] = (struct fleet_found){.fix = fix_ref(o->fix)};
        }
    }
    pthread_mutex_unlock(&f->lock);
    return count;
}

/* ---- writing behind --------------------------------------------------- */

size_t fleet_dirty_take(struct fleet *f, struct fix **ret, size_t max)
{
    size_t count = 0;

    pthread_mutex_lock(&f->lock);
    while (count < max && !list_empty(&f->dirty)) {
        struct object *o = LIST_FIRST(&f->dirty, struct object, dirty);

        list_remove(&o->dirty);
        ret[count++] = fix_ref(o->fix);
    }
    pthread_mutex_unlock(&f->lock);
    return count;
}

void fleet_dirty_again(struct fleet *f, const struct fix *fix)
{
    struct object_name name;
    struct object *o;

    if (object_name(fix->tenant, fix->key, &name) != 0)
        return;
    pthread_mutex_lock(&f->lock);
    o = table_get(f->objects, (struct bytes){name.at, name.len});
    if (o && list_empty(&o->dirty))
        list_append(&f->dirty, &o->dirty);
    pthread_mutex_unlock(&f->lock);
}
