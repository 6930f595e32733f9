/* SPDX-License-Identifier: MIT */
/*
 * core - the cache over its shards: the life cycle, gets and sets.
 *
 * A get enters a section, finds the entry, looks whether it is still true,
 * takes a reference and leaves: one store that is a fence, one addition, and
 * no lock. Only when all places of reclaim.h are taken it locks the shard.
 * Threads: any.
 */
#include "cache/core.h"

#include "base/allocator.h"
#include "base/error.h"
#include "base/hash.h"
#include "cache/reclaim.h"

#include <string.h>
#include <time.h>

#define ENTRIES_DEFAULT   ((size_t)1000)
#define BYTES_DEFAULT     ((size_t)64 << 20)
#define TTL_DEFAULT_MS    ((uint64_t)5 * 60 * 1000)
#define JITTER_DEFAULT    10u
#define SHARDS_DEFAULT    16u
#define SHARDS_MAX        1024u
#define ENTRIES_MAX       ((size_t)1 << 31)
#define BYTES_MIN         ((size_t)4 << 10)
#define BYTES_MAX         ((size_t)1 << 46)
#define SHARD_ENTRIES_MIN ((size_t)256)
#define SHARD_BYTES_MIN   ((size_t)256 << 10)
#define EXPIRE_BATCH      256u /* entries between two holds of a lock */
#define MS_PER_S          1000u
#define NS_PER_MS         1000000

/* --- life cycle --- */

void fl_cache_options_init(struct fl_cache_options *o)
{
    *o = (struct fl_cache_options){.size = sizeof(*o),
                                   .entries_max = ENTRIES_DEFAULT,
                                   .bytes_max = BYTES_DEFAULT,
                                   .shards = SHARDS_DEFAULT,
                                   .policy = FL_CACHE_TIDE,
                                   .ttl_ms = TTL_DEFAULT_MS,
                                   .jitter_percent = JITTER_DEFAULT};
}

void fl_cache_item_init(struct fl_cache_item *item, const struct fl_cache *c)
{
    *item = (struct fl_cache_item){.size = sizeof(*item), .ttl_ms = c->ttl_ms};
}

static int options_check(struct fl_cache_options *ret,
                         const struct fl_cache_options *given)
{
    fl_cache_options_init(ret);
    if (given && given->size < sizeof(given->size))
        return FL_ERR_INVALID;
    if (given)
        memcpy(ret, given,
               given->size < sizeof(*ret) ? given->size : sizeof(*ret));
    if (ret->entries_max == 0 || ret->entries_max > ENTRIES_MAX ||
        ret->bytes_max < BYTES_MIN || ret->bytes_max > BYTES_MAX ||
        ret->shards == 0 || ret->shards > SHARDS_MAX ||
        (ret->shards & (ret->shards - 1)) || ret->jitter_percent > 100)
        return FL_ERR_RANGE;
    return (unsigned)ret->policy > FL_CACHE_LRU ? FL_ERR_INVALID : 0;
}

/* Fewer shards when their shares would be too small to be fair. */
static unsigned shard_count_of(const struct fl_cache_options *o)
{
    size_t count = 1;

    while (2 * count <= o->shards &&
           2 * count * SHARD_ENTRIES_MIN <= o->entries_max &&
           2 * count * SHARD_BYTES_MIN <= o->bytes_max)
        count *= 2;
    return (unsigned)count;
}

static struct fl_cache *cache_alloc(const struct fl_allocator *a,
                                    unsigned shards)
{
    size_t size = sizeof(struct fl_cache) + shards * sizeof(struct shard);
    void *memory = allocator_zalloc(a, 1, size + CORE_LINE_SIZE);
    uintptr_t at = (uintptr_t)memory;

    if (!memory)
        return NULL;
    at = (at + CORE_LINE_SIZE - 1) & ~(uintptr_t)(CORE_LINE_SIZE - 1);

    struct fl_cache *c = (struct fl_cache *)at;

    c->memory = memory;
    c->allocator = *a;
    c->shard_count = shards;
    return c;
}

static size_t share(size_t total, unsigned count, unsigned i)
{
    return total / count + (i < total % count);
}

static size_t entries_of(const struct fl_cache *c)
{
    size_t entries = c->entries_max, fit = c->bytes_max / sizeof(struct entry);

    return (entries < fit ? entries : fit) / c->shard_count + 1;
}

int fl_cache_new(struct fl_cache **ret, const struct fl_cache_options *given)
{
    struct fl_cache_options o;
    struct fl_allocator a;
    int error = options_check(&o, given);

    if (error < 0)
        return error;
    if (!allocator_or_own(&a, o.allocator))
        return FL_ERR_INVALID;

    struct fl_cache *c = cache_alloc(&a, shard_count_of(&o));

    if (!c)
        return FL_ERR_NOMEM;
    c->now_fn = o.now_ms;
    c->now_ctx = o.now_ctx;
    c->clock = (const struct tagclock *)o.clock;
    c->ttl_ms = o.ttl_ms;
    c->policy = o.policy;
    c->used_max = evict_used_max(o.policy);
    c->jitter_percent = o.jitter_percent;
    c->entries_max = o.entries_max;
    c->bytes_max = o.bytes_max;
    for (unsigned i = 0; i < c->shard_count; i++) {
        error =
            shard_init(&c->shards[i], entries_of(c), o.policy, &c->allocator);
        if (error < 0) {
            c->shard_count = i;
            fl_cache_free(&c);
            return error;
        }
    }
    error = fl_cache_bounds_set(c, o.entries_max, o.bytes_max);
    *ret = c;
    return error;
}

void fl_cache_free(struct fl_cache **cache)
{
    struct fl_cache *c = *cache;

    *cache = NULL;
    if (!c)
        return;
    fl_cache_clear(c);
    for (unsigned i = 0; i < c->shard_count; i++)
        shard_fini(&c->shards[i]);

    struct fl_allocator a = c->allocator;

    allocator_free(&a, c->memory);
}

/* --- an entry --- */

uint64_t core_hash(const void *key, size_t key_size)
{
    return hash_keyed((struct bytes){key, key_size});
}

uint64_t core_now_ms(const struct fl_cache *c)
{
    struct timespec t;

    if (c->now_fn)
        return c->now_fn(c->now_ctx);
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (uint64_t)t.tv_sec * MS_PER_S + (uint64_t)(t.tv_nsec / NS_PER_MS);
}

static uint64_t dead_at(const struct fl_cache *c, uint64_t hash,
                        uint64_t ttl_ms)
{
    if (ttl_ms == FL_CACHE_NEVER)
        return ENTRY_DEAD_NEVER;

    uint64_t now_ms = core_now_ms(c);
    uint64_t permille =
        hash_mix(hash ^ now_ms) % (10 * (uint64_t)c->jitter_percent + 1);

    if (ttl_ms >= ENTRY_DEAD_NEVER - now_ms)
        return ENTRY_DEAD_NEVER;
    return now_ms + ttl_ms - ttl_ms / 1000 * permille -
           ttl_ms % 1000 * permille / 1000;
}

static void meta_write(struct entry *e, const struct fl_cache_item *item)
{
    uint64_t *meta = (uint64_t *)(e + 1);
    unsigned at = 0;

    if (!e->has_stamp)
        return;
    meta[at++] = item->stamp;
    if (e->has_scope)
        meta[at++] = item->scope;
    memcpy(&meta[at], item->tags, item->tag_count * sizeof(*item->tags));
}

int core_entry_new(const struct fl_cache *c, struct entry **ret,
                   const void *key, size_t key_size, uint64_t hash,
                   size_t value_size, const struct fl_cache_item *given)
{
    struct fl_cache_item item;

    fl_cache_item_init(&item, c);
    if (given)
        memcpy(&item, given,
               given->size < sizeof(item) ? given->size : sizeof(item));
    if (key_size > FL_CACHE_KEY_MAX || value_size > FL_CACHE_VALUE_MAX ||
        item.tag_count > FL_CACHE_TAGS_MAX)
        return FL_ERR_LIMIT;

    unsigned tags = item.tag_count + (item.scope != 0);
    struct entry head = {.dead_at_ms =
                             dead_at(c, hash, item.ttl_ms) & ENTRY_DEAD_NEVER,
                         .key_size = (uint16_t)key_size,
                         .tag_count = tags & 7,
                         .has_scope = item.scope != 0,
                         .has_stamp = item.stamp || tags,
                         .value_size = (uint32_t)value_size,
                         .hash = (uint32_t)hash};
    struct entry *e =
        allocator_alloc(&c->allocator, 1, entry_value_at(&head) + value_size);

    if (!e)
        return FL_ERR_NOMEM;
    memcpy(e, &head, sizeof(head));
    atomic_init(&e->refs, 1);
    atomic_init(&e->touched, 0);
    atomic_init(&e->used, 0);
    list_init(&e->order);
    list_init(&e->expiry);
    meta_write(e, &item);
    if (key_size)
        memcpy((char *)(e + 1) + entry_meta_size(e), key, key_size);
    *ret = e;
    return 0;
}

void core_unref(const struct fl_cache *c, struct entry *e)
{
    if (atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (e->is_object)
        entry_object(e)->free_fn(entry_object(e)->object);
    allocator_free(&c->allocator, e);
}

void core_free_list(const struct fl_cache *c, struct list *links)
{
    LIST_EACH_SAFE (links, link, after)
        core_unref(c, CONTAINER_OF(link, struct entry, order));
}

/* --- gets --- */

bool core_outdated(const struct fl_cache *c, const struct entry *e)
{
    const uint64_t *meta = entry_meta(e);

    if (!c->clock || !e->has_stamp)
        return false;
    return !tagclock_valid_run(c->clock, e->has_scope ? meta[1] : 0,
                               meta + 1 + e->has_scope,
                               e->tag_count - e->has_scope, meta[0]);
}

static bool is_dead(const struct fl_cache *c, const struct entry *e)
{
    return e->dead_at_ms != ENTRY_DEAD_NEVER && core_now_ms(c) > e->dead_at_ms;
}

struct entry *core_peek(const struct fl_cache *c, const struct shard *s,
                        const void *key, size_t key_size, uint64_t hash)
{
    struct entry *e = shard_find(s, key, key_size, (uint32_t)hash);

    return e && !is_dead(c, e) && !core_outdated(c, e) ? core_ref(e) : NULL;
}

static void bump(_Atomic uint64_t *count, bool own)
{
    if (LIKELY(own))
        atomic_store_explicit(
            count, atomic_load_explicit(count, memory_order_relaxed) + 1,
            memory_order_relaxed);
    else
        atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
}

/* If nobody else has the lock: a hit does not wait. */
static void lru_touch(struct shard *s, struct entry *e)
{
    if (pthread_mutex_trylock(&s->lock) != 0)
        return;
    if (e->queue != ENTRY_LEFT)
        evict_touch(&s->evict, e);
    shard_unlock(s);
}

struct entry *core_get(struct fl_cache *c, const void *key, size_t key_size,
                       uint64_t hash)
{
    struct shard *s = core_shard(c, hash);
    struct reclaim_place *place = reclaim_enter();
    unsigned index = place ? reclaim_index(place) : RECLAIM_PLACES;
    bool own = index < CORE_STRIPES - 1, outdated = false;
    struct stripe *stripe = &c->stripes[own ? index : CORE_STRIPES - 1];

    if (UNLIKELY(!place))
        shard_lock(s);

    struct entry *e = shard_find(s, key, key_size, (uint32_t)hash);

    if (e && (is_dead(c, e) || (outdated = core_outdated(c, e))))
        e = NULL;
    if (e) {
        entry_hit(e, c->used_max, evict_now(&s->evict));
        core_ref(e);
    }
    if (LIKELY(place))
        reclaim_leave(place);
    else
        shard_unlock(s);
    bump(e ? &stripe->hits : &stripe->misses, own);
    if (UNLIKELY(outdated))
        bump(&stripe->outdated, own);
    if (e && c->policy == FL_CACHE_LRU)
        lru_touch(s, e);
    return e;
}

struct fl_cache_pin *fl_cache_get(struct fl_cache *c, const void *key,
                                  size_t key_size)
{
    return core_pin(core_get(c, key, key_size, core_hash(key, key_size)));
}

bool fl_cache_has(struct fl_cache *c, const void *key, size_t key_size)
{
    uint64_t hash = core_hash(key, key_size);
    struct shard *s = core_shard(c, hash);

    shard_lock(s);

    struct entry *e = core_peek(c, s, key, key_size, hash);

    shard_unlock(s);
    if (e)
        core_unref(c, e);
    return e != NULL;
}

const void *fl_cache_pin_value(const struct fl_cache_pin *pin)
{
    const struct entry *e = core_entry(pin);

    return e->is_object ? entry_object(e)->object : entry_value(e);
}

size_t fl_cache_pin_size(const struct fl_cache_pin *pin)
{
    const struct entry *e = core_entry(pin);

    return e->is_object ? entry_object(e)->weight : e->value_size;
}

const void *fl_cache_pin_key(const struct fl_cache_pin *pin, size_t *key_size)
{
    *key_size = core_entry(pin)->key_size;
    return entry_key(core_entry(pin));
}

void fl_cache_unpin(struct fl_cache *c, struct fl_cache_pin **pin)
{
    struct fl_cache_pin *p = *pin;

    *pin = NULL;
    if (p)
        core_unref(c, core_entry(p));
}

/* --- sets --- */

int core_insert(struct fl_cache *c, struct entry *e, uint64_t hash)
{
    struct shard *s = core_shard(c, hash);
    uint64_t now_ms = e->dead_at_ms == ENTRY_DEAD_NEVER ? 0 : core_now_ms(c);
    struct list free;

    list_init(&free);
    shard_lock(s);

    bool put = shard_put(s, e, now_ms);

    shard_collect(s, &free, false);
    shard_unlock(s);
    core_free_list(c, &free);
    if (put)
        return 0;
    core_unref(c, e);
    return FL_ERR_LIMIT;
}

int fl_cache_set(struct fl_cache *c, const void *key, size_t key_size,
                 const void *value, size_t value_size,
                 const struct fl_cache_item *item)
{
    uint64_t hash = core_hash(key, key_size);
    struct entry *e;
    int error = core_entry_new(c, &e, key, key_size, hash, value_size, item);

    if (error < 0) {
        (void)fl_cache_delete(c, key, key_size);
        return error;
    }
    if (value_size)
        memcpy((char *)e + entry_value_at(e), value, value_size);
    return core_insert(c, e, hash);
}

int fl_cache_set_object(struct fl_cache *c, const void *key, size_t key_size,
                        const struct fl_cache_object *given,
                        const struct fl_cache_item *item)
{
    uint64_t hash = core_hash(key, key_size);
    struct fl_cache_object o = {0};
    struct entry *e;

    memcpy(&o, given, given->size < sizeof(o) ? given->size : sizeof(o));
    if (!o.free_fn)
        return FL_ERR_INVALID;

    int error = o.weight > BYTES_MAX
                    ? FL_ERR_LIMIT
                    : core_entry_new(c, &e, key, key_size, hash,
                                     sizeof(struct entry_object), item);

    if (error < 0) {
        o.free_fn(o.object);
        (void)fl_cache_delete(c, key, key_size);
        return error;
    }

    struct entry_object own = {o.object, o.weight, o.free_fn, o.leave_fn};

    memcpy((char *)e + entry_value_at(e), &own, sizeof(own));
    e->is_object = 1;
    return core_insert(c, e, hash);
}

bool fl_cache_delete(struct fl_cache *c, const void *key, size_t key_size)
{
    uint64_t hash = core_hash(key, key_size);
    struct shard *s = core_shard(c, hash);
    struct list free;

    list_init(&free);
    shard_lock(s);

    struct entry *e = shard_find(s, key, key_size, (uint32_t)hash);

    if (e) {
        shard_remove(s, e);
        s->counts.deletes++;
    }
    shard_collect(s, &free, false);
    shard_unlock(s);
    core_free_list(c, &free);
    return e != NULL;
}

void fl_cache_clear(struct fl_cache *c)
{
    for (unsigned i = 0; i < c->shard_count; i++) {
        struct list free;

        list_init(&free);
        shard_lock(&c->shards[i]);
        shard_clear(&c->shards[i]);
        shard_collect(&c->shards[i], &free, true);
        shard_unlock(&c->shards[i]);
        core_free_list(c, &free);
    }
}

static bool shard_expire_some(const struct fl_cache *c, struct shard *s,
                              uint64_t now_ms)
{
    struct list free;

    list_init(&free);
    shard_lock(s);

    unsigned count = shard_expire(s, now_ms, EXPIRE_BATCH);

    shard_collect(s, &free, true);
    shard_unlock(s);
    core_free_list(c, &free);
    return count == EXPIRE_BATCH;
}

void fl_cache_expire(struct fl_cache *c)
{
    uint64_t now_ms = core_now_ms(c);

    for (unsigned i = 0; i < c->shard_count; i++)
        while (shard_expire_some(c, &c->shards[i], now_ms))
            ;
}

int fl_cache_bounds_set(struct fl_cache *c, size_t entries_max,
                        size_t bytes_max)
{
    if (entries_max > c->entries_max || bytes_max > c->bytes_max)
        return FL_ERR_RANGE;
    for (unsigned i = 0; i < c->shard_count; i++) {
        struct list free;

        list_init(&free);
        shard_lock(&c->shards[i]);
        shard_bounds_set(&c->shards[i], share(entries_max, c->shard_count, i),
                         share(bytes_max, c->shard_count, i));
        shard_collect(&c->shards[i], &free, true);
        shard_unlock(&c->shards[i]);
        core_free_list(c, &free);
    }
    return 0;
}

static void stats_add(struct fl_cache_stats *sum, struct shard *s)
{
    shard_lock(s);
    sum->sets += s->counts.sets;
    sum->deletes += s->counts.deletes;
    sum->evictions += s->counts.evictions;
    sum->expirations += s->counts.expirations;
    sum->refused += s->counts.refused;
    sum->loads += s->counts.loads;
    sum->loads_failed += s->counts.loads_failed;
    sum->loads_joined += s->counts.loads_joined;
    sum->entries += s->entries;
    sum->bytes += s->bytes;
    sum->entries_max += s->entries_max;
    sum->bytes_max += s->bytes_max;
    shard_unlock(s);
}

void fl_cache_stats(struct fl_cache *c, struct fl_cache_stats *ret)
{
    struct fl_cache_stats sum = {0};

    for (unsigned i = 0; i < CORE_STRIPES; i++) {
        struct stripe *s = &c->stripes[i];

        sum.hits += atomic_load_explicit(&s->hits, memory_order_relaxed);
        sum.misses += atomic_load_explicit(&s->misses, memory_order_relaxed);
        sum.outdated +=
            atomic_load_explicit(&s->outdated, memory_order_relaxed);
    }
    for (unsigned i = 0; i < c->shard_count; i++)
        stats_add(&sum, &c->shards[i]);
    if (sum.hits + sum.misses)
        sum.hit_rate = (double)sum.hits / (double)(sum.hits + sum.misses);
    *ret = sum;
}
