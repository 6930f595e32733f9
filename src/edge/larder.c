/* SPDX-License-Identifier: MIT */
/*
 * larder - a cache of replies, and who has to leave it for his class.
 *
 * A put: onto the shelf, into the cache, then those leave that are too many on
 * the shelf. What leaves the cache, for whatever reason, is taken off its shelf
 * by on_leave(), which runs under a lock of the cache's.
 * Threads: see larder.h; the counts by lock.
 */
#include "edge/larder.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"
#include "cache/tagclock.h"
#include "edge/edge.h"
#include "edge/shelf.h"
#include "fieldline/cache.h"

#include <pthread.h>

#define BYTES_DEFAULT    ((size_t)64 << 20)
#define ENTRY_BYTES_MIN  512 /* how many entries memory may hold */
#define PERMILLE         1000u
#define FRESHNESS_JITTER 100u /* permille */

struct larder {
    _Atomic(struct fl_cache *) cache;
    struct tagclock *clock;
    const struct cache_class_spec *classes;
    unsigned class_count;
    struct shelf **shelves; /* by class */
    pthread_mutex_t lock;   /* a cache is changed for another */
    uint64_t evictions;     /* of the caches that were before */
};

static struct fl_cache *cache_of(struct larder *l)
{
    return atomic_load_explicit(&l->cache, memory_order_acquire);
}

/* ---- life cycle ------------------------------------------------------- */

static int cache_make(struct fl_cache **ret, const struct larder *l,
                      size_t bytes_max)
{
    struct fl_cache_options o;

    fl_cache_options_init(&o);
    o.bytes_max = bytes_max;
    o.entries_max = bytes_max / ENTRY_BYTES_MIN;
    o.jitter_percent = 0; /* larder_fresh_ms() */
    o.clock = tagclock_public(l->clock);
    return fl_cache_new(ret, &o);
}

static int shelves_make(struct larder *l)
{
    int error = 0;

    l->shelves = mem_zalloc(l->class_count + 1u, sizeof(struct shelf *));
    if (!l->shelves)
        return ERR_NOMEM;
    for (unsigned i = 0; i < l->class_count && !error; i++)
        error = shelf_new(&l->shelves[i], l->classes[i].entries_max);
    return error;
}

int larder_new(struct larder **ret, size_t bytes_max, struct tagclock *clock,
               const struct cache_class_spec *classes, unsigned class_count)
{
    struct larder *l = mem_zalloc(1, sizeof(*l));
    struct fl_cache *cache = NULL;
    int error;

    if (!l)
        return ERR_NOMEM;
    l->clock = clock;
    l->classes = classes;
    l->class_count = class_count;
    (void)pthread_mutex_init(&l->lock, NULL);
    error = shelves_make(l);
    if (error == 0)
        error = cache_make(&cache, l, bytes_max ? bytes_max : BYTES_DEFAULT);
    atomic_init(&l->cache, cache);
    if (error < 0) {
        larder_free(&l);
        return error;
    }
    *ret = l;
    return 0;
}

void larder_free(struct larder **larder)
{
    struct larder *l = *larder;

    *larder = NULL;
    if (!l)
        return;

    struct fl_cache *cache = cache_of(l);

    fl_cache_free(&cache); /* what is in it stands on the shelves */
    for (unsigned i = 0; l->shelves && i < l->class_count; i++)
        shelf_free(&l->shelves[i]);
    mem_free(l->shelves);
    (void)pthread_mutex_destroy(&l->lock);
    mem_free(l);
}

/* ---- get and put ------------------------------------------------------ */

static void on_leave(void *object)
{
    shelf_leave(object);
}

static void on_free(void *object)
{
    struct reply *r = object;

    reply_unref(&r);
}

struct reply *larder_get(struct larder *l, struct bytes key)
{
    struct fl_cache *cache = cache_of(l);
    struct fl_cache_pin *pin = fl_cache_get(cache, key.at, key.len);
    struct reply *r;

    if (!pin)
        return NULL;
    r = reply_ref((struct reply *)fl_cache_pin_value(pin));
    fl_cache_unpin(cache, &pin);
    /* Most hits find it said already: the line stays shared. */
    if (!atomic_load_explicit(&r->place.used, memory_order_relaxed))
        atomic_store_explicit(&r->place.used, true, memory_order_relaxed);
    return r;
}

/* It is off its shelf, so it may stay in no cache: who put it may have seen the
 * new one already. */
static void ask_to_leave(struct larder *l, struct fl_cache *cache,
                         const struct reply *r)
{
    struct fl_cache *now = cache_of(l);

    (void)fl_cache_delete(cache, r->place.key, r->place.key_len);
    if (UNLIKELY(now != cache))
        (void)fl_cache_delete(now, r->place.key, r->place.key_len);
}

/* shelf: NULL for none; it has a copy of the key. */
static int keep(struct larder *l, struct fl_cache *cache, struct shelf *shelf,
                struct bytes key, struct reply *r,
                const struct fl_cache_item *item)
{
    const struct fl_cache_object object = {.size = sizeof(object),
                                           .object = reply_ref(r),
                                           .weight = r->weight + key.len,
                                           .free_fn = on_free,
                                           .leave_fn = on_leave};
    int error = shelf ? shelf_put(shelf, r, key) : 0;

    if (error < 0) {
        on_free(object.object);
        return error;
    }
    error = fl_cache_set_object(cache, key.at, key.len, &object, item);
    if (error < 0) {
        shelf_leave(r);
        return error;
    }
    for (struct reply *victim; (victim = shelf_settle(r));) {
        ask_to_leave(l, cache, victim);
        reply_unref(&victim);
    }
    return 0;
}

uint64_t larder_fresh_ms(uint64_t ttl_ms, uint64_t random)
{
    uint64_t permille = random % (FRESHNESS_JITTER + 1);

    return ttl_ms - ttl_ms / PERMILLE * permille -
           ttl_ms % PERMILLE * permille / PERMILLE;
}

int larder_put(struct larder *l, struct bytes key, struct reply *r,
               const struct larder_item *given)
{
    struct fl_cache *cache = cache_of(l);
    const struct cache_class_spec *class = &l->classes[given->class_index];
    uint64_t fresh_ms =
        larder_fresh_ms(class->ttl_ms, hash_keyed_seed(key, given->now_ms));
    struct fl_cache_item item;

    fl_cache_item_init(&item, cache);
    item.ttl_ms = fresh_ms + class->swr_ms;
    item.scope = given->tags->scope;
    item.tag_count = given->tags->count;
    memcpy(item.tags, given->tags->tags, sizeof(item.tags));
    item.stamp = r->stamp;
    r->fresh_until_ms = given->now_ms + fresh_ms;
    return keep(l, cache, l->shelves[given->class_index], key, r, &item);
}

void larder_sweep(struct larder *l)
{
    fl_cache_expire(cache_of(l));
}

void larder_stats(struct larder *l, struct fl_cache_stats *ret)
{
    (void)pthread_mutex_lock(&l->lock);
    fl_cache_stats(cache_of(l), ret);
    ret->evictions += l->evictions;
    (void)pthread_mutex_unlock(&l->lock);
}

/* ---- another size ----------------------------------------------------- */

int larder_resize(struct larder *l, size_t bytes_max, struct fl_cache **old)
{
    struct fl_cache *before = cache_of(l), *fresh = NULL;
    struct fl_cache_stats stats;
    int error =
        fl_cache_bounds_set(before, bytes_max / ENTRY_BYTES_MIN, bytes_max);

    if (error != ERR_RANGE)
        return error;
    error = cache_make(&fresh, l, bytes_max);
    if (error < 0)
        return error;
    (void)pthread_mutex_lock(&l->lock);
    fl_cache_stats(before, &stats);
    l->evictions += stats.evictions;
    atomic_store_explicit(&l->cache, fresh, memory_order_release);
    (void)pthread_mutex_unlock(&l->lock);
    *old = before;
    return 0;
}

struct carriage {
    struct larder *larder;
    struct fl_cache *from, *to;
};

/* Out of the one, which takes it off its shelf, and into the other, unless a
 * later reply is there by now. */
static bool on_carried(const struct fl_cache_look *look, void *arg)
{
    const struct carriage *c = arg;
    struct bytes key = {look->key, look->key_size};
    struct reply *r = (struct reply *)look->value;
    bool valid = fl_cache_has(c->from, key.at, key.len);

    (void)fl_cache_delete(c->from, key.at, key.len);
    if (valid && !fl_cache_has(c->to, key.at, key.len))
        (void)!keep(c->larder, c->to, r->place.shelf, key, r, &look->item);
    return true;
}

void larder_carry(struct larder *l, struct fl_cache **old)
{
    struct carriage carriage = {l, *old, cache_of(l)};

    fl_cache_each(*old, on_carried, &carriage);
    fl_cache_free(old);
}
