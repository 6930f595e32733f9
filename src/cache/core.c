/* SPDX-License-Identifier: MIT */
/*
 * core - the cache over its shards: the life cycle, entries and sets.
 * Threads: any.
 */
#include "cache/core.h"

#include "base/allocator.h"
#include "base/error.h"
#include "cache/tagclock_read.h"

#include <string.h>

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
    hash_secret_draw(&c->secret);
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
    hazard_prepare(); /* not at the first get */

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

/* The words between the head and the key. */
static unsigned meta_count(const struct fl_cache *c,
                           const struct fl_cache_item *item)
{
    unsigned tags = (item->scope != 0) + item->tag_count;

    return c->clock && (item->stamp || tags) ? 1 + tags : 0;
}

static void meta_write(struct entry *e, const struct fl_cache_item *item)
{
    uint64_t *meta = (uint64_t *)(e + 1);
    unsigned at = 0;

    if (!e->meta_count)
        return;
    meta[at++] = item->stamp;
    if (e->has_scope)
        meta[at++] = tagclock_mixed(item->scope);
    for (unsigned i = 0; i < item->tag_count; i++)
        meta[at++] = tagclock_mixed(item->tags[i]);
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

    struct entry head = {.dead_at_ms =
                             dead_at(c, hash, item.ttl_ms) & ENTRY_DEAD_NEVER,
                         .key_size = (uint16_t)key_size,
                         .meta_count = meta_count(c, &item) & 7,
                         .has_scope = c->clock && item.scope,
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
    uint64_t hash = core_hash(c, key, key_size);
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
    uint64_t hash = core_hash(c, key, key_size);
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
    uint64_t hash = core_hash(c, key, key_size);
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

static uint64_t stripes_sum(struct fl_cache *c, size_t count)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < CORE_STRIPES; i++)
        sum += atomic_load_explicit(&c->stripes[i].counts[count],
                                    memory_order_relaxed);
    return sum;
}

void fl_cache_stats(struct fl_cache *c, struct fl_cache_stats *ret)
{
    struct fl_cache_stats sum = {0};

    sum.hits = stripes_sum(c, CORE_HITS);
    sum.misses = stripes_sum(c, CORE_MISSES);
    sum.outdated = stripes_sum(c, CORE_OUTDATED);
    for (unsigned i = 0; i < c->shard_count; i++)
        stats_add(&sum, &c->shards[i]);
    if (sum.hits + sum.misses)
        sum.hit_rate = (double)sum.hits / (double)(sum.hits + sum.misses);
    *ret = sum;
}
