/* SPDX-License-Identifier: MIT */
/*
 * shard - buckets of chains, each read while it is changed.
 *
 * A new entry is whole before it is linked. One that is unlinked keeps its own
 * link, so who stands on it goes on; what it replaces is passed over in the
 * same store that links the new one, so a reader finds the one or the other.
 *
 * The gone wait in two batches: those of the first were all unlinked before
 * its epoch was retired, those of the second after.
 * Threads: any, locked by the shard.
 */
#include "cache/shard.h"

#include "base/allocator.h"
#include "base/error.h"
#include "cache/reclaim.h"

#include <sched.h>
#include <string.h>

#define GONE_MAX        32 /* entries that wait before it is looked who may go */
#define GONE_SHARE      32 /* or this share of the bounds' bytes */
#define GONE_TIMES_HARD 32 /* beyond so many times that, it is waited for */

static uint64_t due_of(const struct list *link)
{
    return CONTAINER_OF(link, const struct entry, expiry)->dead_at_ms;
}

int shard_init(struct shard *s, size_t buckets, enum fl_cache_policy policy,
               const struct fl_allocator *allocator)
{
    s->buckets = allocator_zalloc(allocator, buckets, sizeof(*s->buckets));
    if (!s->buckets)
        return ERR_NOMEM;
    s->bucket_count = buckets;
    s->allocator = allocator;
    (void)pthread_mutex_init(&s->lock, NULL);
    evict_init(&s->evict, policy, allocator);
    wheel_reset(&s->wheel, due_of);
    list_init(&s->gone.links);
    list_init(&s->gone.next);
    return 0;
}

void shard_fini(struct shard *s)
{
    if (!s->buckets)
        return;
    evict_fini(&s->evict);
    (void)pthread_mutex_destroy(&s->lock);
    allocator_free(s->allocator, s->buckets);
    s->buckets = NULL;
}

/* --- the buckets --- */

static _Atomic(struct entry *) *bucket_of(const struct shard *s, uint32_t hash)
{
    return &s->buckets[(uint64_t)hash * s->bucket_count >> 32];
}

static struct entry *load(const _Atomic(struct entry *) *at)
{
    return atomic_load_explicit(at, memory_order_acquire);
}

static void store(_Atomic(struct entry *) *at, struct entry *e)
{
    atomic_store_explicit(at, e, memory_order_release);
}

struct entry *shard_find(const struct shard *s, const void *key,
                         size_t key_size, uint32_t hash)
{
    struct entry *e = load(bucket_of(s, hash));

    while (e && !(e->hash == hash && e->key_size == key_size &&
                  (key_size == 0 || memcmp(entry_key(e), key, key_size) == 0)))
        e = load(&e->next);
    return e;
}

/* Where e is linked. */
static _Atomic(struct entry *) *link_of(const struct shard *s,
                                        const struct entry *e)
{
    _Atomic(struct entry *) *at = bucket_of(s, e->hash);

    while (load(at) != e)
        at = &load(at)->next;
    return at;
}

/* --- those that left --- */

static bool gone_over(const struct shard *s, size_t times)
{
    return s->gone.count > times * GONE_MAX ||
           s->gone.bytes > times * (s->bytes_max / GONE_SHARE);
}

static void gone_add(struct shard *s, struct entry *e)
{
    list_append(s->gone.retired ? &s->gone.next : &s->gone.links, &e->order);
    e->queue = ENTRY_LEFT;
    s->gone.count++;
    s->gone.bytes += entry_weight(e);
}

/* The first batch, if nobody can look at it any more. */
static bool gone_take(struct shard *s, struct list *free)
{
    if (list_empty(&s->gone.links))
        return false;
    if (!s->gone.retired)
        s->gone.retired = reclaim_retire();
    if (reclaim_oldest() <= s->gone.retired)
        return false;
    LIST_EACH_SAFE (&s->gone.links, link, after) {
        s->gone.count--;
        s->gone.bytes -= entry_weight(CONTAINER_OF(link, struct entry, order));
    }
    list_splice(free, &s->gone.links);
    list_splice(&s->gone.links, &s->gone.next);
    s->gone.retired = 0;
    return true;
}

void shard_collect(struct shard *s, struct list *free, bool must)
{
    if (!must && !gone_over(s, 1))
        return;
    while (s->gone.count) {
        if (gone_take(s, free))
            continue;
        if (!must && !gone_over(s, GONE_TIMES_HARD))
            return;
        (void)sched_yield(); /* who is inside does not wait for us */
    }
}

/* --- coming and leaving --- */

/* Out of everything but the policy and its bucket. */
static void shard_detach(struct shard *s, struct entry *e)
{
    wheel_remove(&s->wheel, &e->expiry);
    s->entries--;
    s->bytes -= entry_weight(e);
}

static void shard_unlink(struct shard *s, struct entry *e)
{
    store(link_of(s, e), load(&e->next));
    gone_add(s, e);
}

void shard_remove(struct shard *s, struct entry *e)
{
    evict_remove(&s->evict, e);
    shard_detach(s, e);
    shard_unlink(s, e);
}

static void shard_make_room(struct shard *s, size_t entries, size_t bytes)
{
    while (s->entries && (s->entries + entries > s->entries_max ||
                          s->bytes + bytes > s->bytes_max)) {
        struct entry *victim = evict_next(&s->evict);

        shard_detach(s, victim);
        shard_unlink(s, victim);
        s->counts.evictions++;
    }
}

void shard_bounds_set(struct shard *s, size_t entries_max, size_t bytes_max)
{
    s->entries_max = entries_max;
    s->bytes_max = bytes_max;
    evict_bounds_set(&s->evict, entries_max, bytes_max);
    shard_make_room(s, 0, 0);
}

bool shard_put(struct shard *s, struct entry *e, uint64_t now_ms)
{
    struct entry *old = shard_find(s, entry_key(e), e->key_size, e->hash);
    size_t weight = entry_weight(e);

    if (weight > s->bytes_max || s->entries_max == 0) {
        if (old)
            shard_remove(s, old);
        s->counts.refused++;
        return false;
    }
    if (old) {
        evict_remove(&s->evict, old);
        shard_detach(s, old);
    }
    shard_make_room(s, 1, weight);

    _Atomic(struct entry *) *at = old ? link_of(s, old) : bucket_of(s, e->hash);

    atomic_init(&e->next, load(old ? &old->next : at));
    evict_add(&s->evict, e, old);
    store(at, e);
    if (old)
        gone_add(s, old);
    s->entries++;
    s->bytes += weight;
    if (e->dead_at_ms != ENTRY_DEAD_NEVER)
        wheel_add(&s->wheel, &e->expiry, now_ms);
    s->counts.sets++;
    return true;
}

void shard_clear(struct shard *s)
{
    for (size_t i = 0; s->entries && i < s->bucket_count; i++)
        for (struct entry *e; (e = load(&s->buckets[i]));)
            shard_remove(s, e);
}

unsigned shard_expire(struct shard *s, uint64_t now_ms, unsigned max)
{
    unsigned count = 0;

    for (struct list *due; count < max && (due = wheel_due(&s->wheel, now_ms));
         count++) {
        shard_remove(s, CONTAINER_OF(due, struct entry, expiry));
        s->counts.expirations++;
    }
    return count;
}
