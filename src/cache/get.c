/* SPDX-License-Identifier: MIT */
/*
 * get - looking things up, which is what a cache does most.
 *
 * A get finds the entry, holds it in a slot of its thread's hazard, and looks
 * whether it is still true: the slot is the pin. No lock, no fence and no
 * locked instruction, so that the processor waits for the memory of several
 * gets at once. Only a thread that holds many pins counts references instead,
 * and one for which there is no hazard left locks the shard.
 * Threads: any.
 */
#include "cache/core.h"
#include "cache/tagclock_read.h"

#include <time.h>

#define MS_PER_S   1000u
#define NS_PER_MS  1000000u
#define MANY_BATCH 16

uint64_t core_hash(const struct fl_cache *c, const void *key, size_t key_size)
{
    return hash_secret(&c->secret, key, key_size);
}

uint64_t core_now_ms(const struct fl_cache *c)
{
    struct timespec t;

    if (c->now_fn)
        return c->now_fn(c->now_ctx);
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (uint64_t)t.tv_sec * MS_PER_S + (uint64_t)t.tv_nsec / NS_PER_MS;
}

/* --- is it still true? --- */

static INLINED bool is_outdated(const struct fl_cache *c, const struct entry *e)
{
    const uint64_t *meta = entry_meta(e);

    return e->meta_count &&
           !tagclock_holds(c->clock, meta + 1, e->meta_count - 1u, e->has_scope,
                           meta[0]);
}

static INLINED bool is_dead(const struct fl_cache *c, const struct entry *e)
{
    return e->dead_at_ms != ENTRY_DEAD_NEVER && core_now_ms(c) > e->dead_at_ms;
}

bool core_holds(const struct fl_cache *c, const struct entry *e)
{
    return !is_dead(c, e) && !is_outdated(c, e);
}

struct entry *core_peek(const struct fl_cache *c, const struct shard *s,
                        const void *key, size_t key_size, uint64_t hash)
{
    struct entry *e = shard_find(s, key, key_size, (uint32_t)hash);

    return e && core_holds(c, e) ? core_ref(e) : NULL;
}

/* --- counts --- */

/* Of the thread's own line, or of the last, which is everybody's. */
static INLINED void bump(struct fl_cache *c, const struct hazard *h,
                         size_t count)
{
    bool own = h && h->index < CORE_STRIPES - 1;
    struct stripe *stripe = &c->stripes[own ? h->index : CORE_STRIPES - 1];
    _Atomic uint64_t *at = &stripe->counts[count];

    if (LIKELY(own))
        atomic_store_explicit(
            at, atomic_load_explicit(at, memory_order_relaxed) + 1,
            memory_order_relaxed);
    else
        atomic_fetch_add_explicit(at, 1, memory_order_relaxed);
}

/* The end of a get that finds nothing; the slot is free again. */
static COLD struct fl_cache_pin *miss(struct fl_cache *c,
                                      const struct hazard *h, hazard_slot *slot,
                                      bool outdated)
{
    hazard_clear(slot);
    bump(c, h, CORE_MISSES);
    if (outdated)
        bump(c, h, CORE_OUTDATED);
    return NULL;
}

/* If nobody else has the lock: a hit does not wait. */
static COLD void lru_touch(struct shard *s, struct entry *e)
{
    if (pthread_mutex_trylock(&s->lock) != 0)
        return;
    if (e->queue != ENTRY_LEFT)
        evict_touch(&s->evict, e);
    shard_unlock(s);
}

/* --- gets --- */

/* For a thread without a hazard. */
static COLD struct fl_cache_pin *get_locked(struct fl_cache *c, const void *key,
                                            size_t key_size, uint64_t hash)
{
    struct shard *s = core_shard(c, hash);
    bool outdated = false;

    shard_lock(s);

    struct entry *e = shard_find(s, key, key_size, (uint32_t)hash);

    if (e && (is_dead(c, e) || (outdated = is_outdated(c, e))))
        e = NULL;
    if (e) {
        entry_hit(e, c->used_max, evict_now(&s->evict));
        core_ref(e);
        if (c->policy == FL_CACHE_LRU)
            evict_touch(&s->evict, e);
    }
    shard_unlock(s);
    bump(c, NULL, e ? CORE_HITS : CORE_MISSES);
    if (outdated)
        bump(c, NULL, CORE_OUTDATED);
    return core_pin(e);
}

/* Where the first look does not tell: other places, other buckets. */
static COLD struct entry *find_on(const struct buckets *b, const void *key,
                                  size_t key_size, uint32_t hash,
                                  const struct hazard *h, hazard_slot *slot)
{
    return bucket_find(b, key, key_size, hash, h, slot);
}

/* The last free slot only passes on: else its thread could get no more. */
static COLD struct fl_cache_pin *pin_counted(hazard_slot *slot, struct entry *e)
{
    core_ref(e);
    hazard_clear(slot);
    return core_pin(e);
}

static INLINED struct fl_cache_pin *get(struct fl_cache *c, const void *key,
                                        size_t key_size, uint64_t hash)
{
    struct shard *s = core_shard(c, hash);
    struct hazard *h = hazard_mine();
    hazard_slot *slot = LIKELY(h) ? hazard_free_slot(h) : NULL;

    if (UNLIKELY(!slot))
        return get_locked(c, key, key_size, hash);

    struct entry *e =
        bucket_find_first(&s->buckets, key, key_size, (uint32_t)hash, h, slot);

    if (UNLIKELY(!e))
        e = find_on(&s->buckets, key, key_size, (uint32_t)hash, h, slot);
    if (UNLIKELY(!e || is_dead(c, e)))
        return miss(c, h, slot, false);
    if (UNLIKELY(is_outdated(c, e)))
        return miss(c, h, slot, true);
    entry_hit(e, c->used_max, evict_now(&s->evict));
    bump(c, h, CORE_HITS);
    if (UNLIKELY(c->policy == FL_CACHE_LRU))
        lru_touch(s, e);
    if (UNLIKELY(slot == &h->slots[HAZARD_SLOTS - 1]))
        return pin_counted(slot, e);
    return core_pin_slot(slot);
}

struct fl_cache_pin *core_get(struct fl_cache *c, const void *key,
                              size_t key_size, uint64_t hash)
{
    return get(c, key, key_size, hash);
}

/* First all buckets are called for, then all entries, then each is got. */
static void get_batch(struct fl_cache *c, const struct fl_cache_key *keys,
                      size_t count, struct fl_cache_pin **ret)
{
    uint64_t hashes[MANY_BATCH];

    for (size_t i = 0; i < count; i++) {
        hashes[i] = core_hash(c, keys[i].key, keys[i].key_size);
        bucket_prefetch(&core_shard(c, hashes[i])->buckets,
                        (uint32_t)hashes[i]);
    }
    for (size_t i = 0; i < count; i++)
        bucket_prefetch_entry(&core_shard(c, hashes[i])->buckets,
                              (uint32_t)hashes[i]);
    for (size_t i = 0; i < count; i++)
        ret[i] = core_get(c, keys[i].key, keys[i].key_size, hashes[i]);
}

void core_get_each(struct fl_cache *c, const struct fl_cache_key *keys,
                   size_t count, struct fl_cache_pin **ret)
{
    for (size_t i = 0; i < count; i += MANY_BATCH)
        get_batch(c, keys + i, count - i < MANY_BATCH ? count - i : MANY_BATCH,
                  ret + i);
}

struct fl_cache_pin *fl_cache_get(struct fl_cache *c, const void *key,
                                  size_t key_size)
{
    return get(c, key, key_size, hash_secret(&c->secret, key, key_size));
}

bool fl_cache_has(struct fl_cache *c, const void *key, size_t key_size)
{
    uint64_t hash = core_hash(c, key, key_size);
    struct shard *s = core_shard(c, hash);

    shard_lock(s);

    struct entry *e = core_peek(c, s, key, key_size, hash);

    shard_unlock(s);
    if (e)
        core_unref(c, e);
    return e != NULL;
}

/* --- pins --- */

const void *fl_cache_pin_value(const struct fl_cache_pin *pin)
{
    const struct entry *e = core_entry(pin);

    return UNLIKELY(e->is_object) ? entry_object(e)->object : entry_value(e);
}

size_t fl_cache_pin_size(const struct fl_cache_pin *pin)
{
    const struct entry *e = core_entry(pin);

    return UNLIKELY(e->is_object) ? entry_object(e)->weight : e->value_size;
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
    if (!p)
        return;

    hazard_slot *slot = core_slot(p);

    if (LIKELY(slot != NULL))
        hazard_clear(slot);
    else
        core_unref(c, core_entry(p));
}
