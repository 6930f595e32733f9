/* SPDX-License-Identifier: MIT */
/*
 * cache - shards of entries, each behind its own short lock.
 *
 * A shard holds its entries in chained buckets, in the policy's queues and, if
 * they expire, in its wheel. What is taken out under the lock is put on a
 * chain and freed after it: no destructor runs, and no memory is returned,
 * while others wait.
 *
 * Invariants: a shard's count and bytes never exceed its share of the bounds,
 * not even for a moment; an entry holds one reference of its value.
 * Threads: any, locked by shard.
 */
#include "cache/cache.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"
#include "cache/policy.h"
#include "cache/wheel.h"

#include <pthread.h>

#define ENTRIES_MAX_DEFAULT ((size_t)100000)
#define BYTES_MAX_DEFAULT   ((size_t)64 << 20)
#define SHARDS_DEFAULT      16u
#define SHARDS_MAX          1024u
#define SHARD_ENTRIES_MIN   ((size_t)256)
#define SHARD_BYTES_MIN     ((size_t)256 << 10)
#define BUCKETS_FIRST       ((size_t)16)
#define MALLOC_OVERHEAD     ((size_t)16)
#define EXPIRE_BATCH        256 /* entries freed between two holds of a lock */

struct entry {
    struct entry *next; /* in its bucket, or on the chain of the gone */
    uint64_t hash;
    struct cache_value *value; /* a reference */
    size_t key_len;
    struct policy_link policy;
    struct list expiry;
    struct cache_meta meta;
    char key[];
};

struct shard {
    pthread_mutex_t lock;
    struct entry **buckets;
    size_t bucket_count; /* a power of two */
    size_t count, bytes;
    size_t entries_max, bytes_max;
    struct cache_stats stats; /* its event counts only */
    struct policy policy;
    struct wheel wheel;
};

struct cache {
    unsigned shard_count;
    unsigned jitter_percent;
    struct shard *shards[]; /* each its own memory: no line is shared */
};

uint64_t cache_hash(struct bytes key)
{
    return hash_keyed(key);
}

void cache_unpin(struct cache_value **value)
{
    struct cache_value *v = *value;

    *value = NULL;
    if (v && atomic_fetch_sub_explicit(&v->refs, 1, memory_order_acq_rel) == 1)
        v->free_fn(v);
}

/* The high bits pick the shard, the low ones the bucket. */
static struct shard *shard_of(const struct cache *c, uint64_t hash)
{
    return c->shards[(hash >> 48) & (c->shard_count - 1)];
}

static void entry_free(struct entry *e)
{
    cache_unpin(&e->value);
    mem_free(e);
}

static void gone_free(struct entry *gone)
{
    while (gone) {
        struct entry *next = gone->next;

        entry_free(gone);
        gone = next;
    }
}

/* --- a shard, locked --- */

static struct entry **bucket_of(const struct shard *s, uint64_t hash)
{
    return &s->buckets[hash & (s->bucket_count - 1)];
}

static struct entry *shard_find(const struct shard *s, struct bytes key,
                                uint64_t hash)
{
    struct entry *e = *bucket_of(s, hash);

    while (e && !(e->hash == hash &&
                  bytes_equal((struct bytes){e->key, e->key_len}, key)))
        e = e->next;
    return e;
}

/* Takes an entry that the policy has let go of out of everything else. */
static void shard_detach(struct shard *s, struct entry *e, struct entry **gone)
{
    struct entry **at = bucket_of(s, e->hash);

    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    wheel_remove(&s->wheel, &e->expiry);
    s->count--;
    s->bytes -= e->policy.weight;
    e->next = *gone;
    *gone = e;
}

static void shard_remove(struct shard *s, struct entry *e, struct entry **gone)
{
    policy_remove(&s->policy, &e->policy);
    shard_detach(s, e, gone);
}

/* Makes room for what is to come; it fits, the caller has checked. */
static void shard_make_room(struct shard *s, size_t entries, size_t bytes,
                            struct entry **gone)
{
    while (s->count && (s->count + entries > s->entries_max ||
                        s->bytes + bytes > s->bytes_max)) {
        struct policy_link *victim = policy_evict(&s->policy);

        shard_detach(s, CONTAINER_OF(victim, struct entry, policy), gone);
        s->stats.evictions++;
    }
}

/* Doubles the buckets once there is an entry for each. Without memory the
 * chains just become longer. */
static void shard_grow(struct shard *s)
{
    size_t old_count = s->bucket_count;
    struct entry **old = s->buckets;

    if (s->count < old_count)
        return;

    struct entry **buckets = mem_zalloc(2 * old_count, sizeof(struct entry *));

    if (!buckets)
        return;
    s->buckets = buckets;
    s->bucket_count = 2 * old_count;
    for (size_t i = 0; i < old_count; i++) {
        for (struct entry *e = old[i], *next; e; e = next) {
            struct entry **bucket = bucket_of(s, e->hash);

            next = e->next;
            e->next = *bucket;
            *bucket = e;
        }
    }
    mem_free(old);
}

static void shard_insert(struct shard *s, struct entry *e,
                         const struct entry *replaced, uint64_t now_ms)
{
    shard_grow(s);

    struct entry **bucket = bucket_of(s, e->hash);

    e->next = *bucket;
    *bucket = e;
    s->count++;
    s->bytes += e->policy.weight;
    policy_add(&s->policy, &e->policy, replaced ? &replaced->policy : NULL);
    if (e->meta.dead_at_ms != CACHE_NEVER)
        wheel_add(&s->wheel, &e->expiry, now_ms);
}

static void shard_bounds_set(struct shard *s, size_t entries_max,
                             size_t bytes_max)
{
    s->entries_max = entries_max;
    s->bytes_max = bytes_max;
    policy_bounds_set(&s->policy, entries_max, bytes_max);
}

static uint64_t due_of(const struct list *link)
{
    return CONTAINER_OF(link, const struct entry, expiry)->meta.dead_at_ms;
}

/* --- life cycle --- */

static int shard_new(struct shard **ret)
{
    struct shard *s = mem_zalloc(1, sizeof(*s));

    if (!s)
        return ERR_NOMEM;
    s->bucket_count = BUCKETS_FIRST;
    s->buckets = mem_zalloc(s->bucket_count, sizeof(struct entry *));
    if (!s->buckets) {
        mem_free(s);
        return ERR_NOMEM;
    }
    pthread_mutex_init(&s->lock, NULL);
    policy_init(&s->policy);
    wheel_reset(&s->wheel, due_of);
    *ret = s;
    return 0;
}

static void shard_free(struct shard *s)
{
    if (!s)
        return;
    policy_fini(&s->policy);
    pthread_mutex_destroy(&s->lock);
    mem_free(s->buckets);
    mem_free(s);
}

/* What was given, the rest by default. */
static struct cache_options options_of(const struct cache_options *given)
{
    struct cache_options o = {0};

    if (given)
        memcpy(&o, given, given->size < sizeof(o) ? given->size : sizeof(o));
    if (o.entries_max == 0)
        o.entries_max = ENTRIES_MAX_DEFAULT;
    if (o.bytes_max == 0)
        o.bytes_max = BYTES_MAX_DEFAULT;
    if (o.shards == 0)
        o.shards = SHARDS_DEFAULT;
    if (o.jitter_percent > 100)
        o.jitter_percent = 100;
    return o;
}

/* Fewer shards when their shares would be too small to be fair. */
static unsigned shard_count_of(const struct cache_options *o)
{
    size_t count = 1;

    while (2 * count <= o->shards && 2 * count <= SHARDS_MAX &&
           2 * count * SHARD_ENTRIES_MIN <= o->entries_max &&
           2 * count * SHARD_BYTES_MIN <= o->bytes_max)
        count *= 2;
    return (unsigned)count;
}

int cache_new(struct cache **ret, const struct cache_options *options)
{
    struct cache_options o = options_of(options);
    unsigned count = shard_count_of(&o);
    struct cache *c =
        mem_zalloc(1, sizeof(*c) + count * sizeof(struct shard *));

    if (!c)
        return ERR_NOMEM;
    c->shard_count = count;
    c->jitter_percent = o.jitter_percent;
    for (unsigned i = 0; i < count; i++) {
        int error = shard_new(&c->shards[i]);

        if (error < 0) {
            c->shard_count = i;
            cache_free(&c);
            return error;
        }
    }
    cache_bounds_set(c, o.entries_max, o.bytes_max);
    *ret = c;
    return 0;
}

void cache_free(struct cache **cache)
{
    struct cache *c = *cache;

    *cache = NULL;
    if (!c)
        return;
    cache_clear(c);
    for (unsigned i = 0; i < c->shard_count; i++)
        shard_free(c->shards[i]);
    mem_free(c);
}

static size_t share(size_t total, unsigned count, unsigned i)
{
    return total / count + (i < total % count);
}

void cache_bounds_set(struct cache *c, size_t entries_max, size_t bytes_max)
{
    for (unsigned i = 0; i < c->shard_count; i++) {
        struct shard *s = c->shards[i];
        struct entry *gone = NULL;

        pthread_mutex_lock(&s->lock);
        shard_bounds_set(s, share(entries_max, c->shard_count, i),
                         share(bytes_max, c->shard_count, i));
        shard_make_room(s, 0, 0, &gone);
        pthread_mutex_unlock(&s->lock);
        gone_free(gone);
    }
}

/* --- operations --- */

struct cache_value *cache_get(struct cache *c, struct bytes key, uint64_t hash,
                              uint64_t now_ms, struct cache_meta *ret)
{
    struct shard *s = shard_of(c, hash);
    struct cache_value *value = NULL;

    pthread_mutex_lock(&s->lock);

    struct entry *e = shard_find(s, key, hash);

    if (e && now_ms <= e->meta.dead_at_ms) {
        policy_hit(&e->policy);
        value = cache_pin(e->value);
        *ret = e->meta;
        s->stats.hits++;
    } else {
        s->stats.misses++;
    }
    pthread_mutex_unlock(&s->lock);
    return value;
}

static uint64_t shortened(uint64_t until_ms, uint64_t now_ms, uint64_t permille)
{
    if (until_ms == CACHE_NEVER || until_ms <= now_ms)
        return until_ms;
    return until_ms - (until_ms - now_ms) / 1000 * permille -
           (until_ms - now_ms) % 1000 * permille / 1000;
}

/* Entries that were made together do not die together. */
static void meta_jitter(struct cache_meta *m, uint64_t hash, uint64_t now_ms,
                        unsigned percent)
{
    uint64_t permille = hash_mix(hash ^ now_ms) % (10 * percent + 1);

    m->fresh_until_ms = shortened(m->fresh_until_ms, now_ms, permille);
    m->dead_at_ms = shortened(m->dead_at_ms, now_ms, permille);
}

static struct entry *entry_new(struct bytes key, uint64_t hash,
                               struct cache_value *value,
                               const struct cache_meta *meta)
{
    struct entry *e =
        key.len < UINT32_MAX ? mem_alloc(sizeof(*e) + key.len) : NULL;

    if (!e)
        return NULL;
    e->next = NULL;
    e->hash = hash;
    e->value = cache_pin(value);
    e->key_len = key.len;
    e->policy.hash = hash;
    e->policy.weight = sizeof(*e) + key.len + MALLOC_OVERHEAD + value->weight;
    list_init(&e->expiry);
    e->meta = *meta;
    if (key.len)
        memcpy(e->key, key.at, key.len);
    return e;
}

int cache_set(struct cache *c, struct bytes key, uint64_t hash,
              struct cache_value *value, const struct cache_meta *meta,
              uint64_t now_ms)
{
    struct shard *s = shard_of(c, hash);
    struct entry *e = entry_new(key, hash, value, meta), *gone = NULL;

    if (!e)
        return ERR_NOMEM;
    meta_jitter(&e->meta, hash, now_ms, c->jitter_percent);
    pthread_mutex_lock(&s->lock);
    if (e->policy.weight > s->bytes_max || s->entries_max == 0) {
        s->stats.refused++;
        pthread_mutex_unlock(&s->lock);
        entry_free(e);
        return ERR_LIMIT;
    }

    struct entry *replaced = shard_find(s, key, hash);

    if (replaced)
        shard_remove(s, replaced, &gone);
    shard_make_room(s, 1, e->policy.weight, &gone);
    shard_insert(s, e, replaced, now_ms);
    s->stats.sets++;
    pthread_mutex_unlock(&s->lock);
    gone_free(gone);
    return 0;
}

bool cache_delete(struct cache *c, struct bytes key, uint64_t hash)
{
    struct shard *s = shard_of(c, hash);
    struct entry *gone = NULL;

    pthread_mutex_lock(&s->lock);

    struct entry *e = shard_find(s, key, hash);
    bool found = e != NULL;

    if (found) {
        shard_remove(s, e, &gone);
        s->stats.deletes++;
    }
    pthread_mutex_unlock(&s->lock);
    gone_free(gone);
    return found;
}

void cache_clear(struct cache *c)
{
    for (unsigned i = 0; i < c->shard_count; i++) {
        struct shard *s = c->shards[i];
        struct entry *gone = NULL;

        pthread_mutex_lock(&s->lock);
        for (size_t b = 0; b < s->bucket_count; b++)
            while (s->buckets[b])
                shard_remove(s, s->buckets[b], &gone);
        pthread_mutex_unlock(&s->lock);
        gone_free(gone);
    }
}

/* Whether there may be more. */
static bool shard_expire(struct shard *s, uint64_t now_ms)
{
    struct entry *gone = NULL;
    struct list *due = NULL;
    int count;

    pthread_mutex_lock(&s->lock);
    for (count = 0; count < EXPIRE_BATCH; count++) {
        due = wheel_due(&s->wheel, now_ms);
        if (!due)
            break;
        shard_remove(s, CONTAINER_OF(due, struct entry, expiry), &gone);
        s->stats.expirations++;
    }
    pthread_mutex_unlock(&s->lock);
    gone_free(gone);
    return due != NULL;
}

void cache_expire(struct cache *c, uint64_t now_ms)
{
    for (unsigned i = 0; i < c->shard_count; i++)
        while (shard_expire(c->shards[i], now_ms))
            ;
}

void cache_stats(struct cache *c, struct cache_stats *ret)
{
    struct cache_stats sum = {0};

    for (unsigned i = 0; i < c->shard_count; i++) {
        struct shard *s = c->shards[i];

        pthread_mutex_lock(&s->lock);
        sum.hits += s->stats.hits;
        sum.misses += s->stats.misses;
        sum.sets += s->stats.sets;
        sum.deletes += s->stats.deletes;
        sum.evictions += s->stats.evictions;
        sum.expirations += s->stats.expirations;
        sum.refused += s->stats.refused;
        sum.entries += s->count;
        sum.bytes += s->bytes;
        sum.entries_max += s->entries_max;
        sum.bytes_max += s->bytes_max;
        pthread_mutex_unlock(&s->lock);
    }
    *ret = sum;
}
