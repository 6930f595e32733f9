/* SPDX-License-Identifier: MIT */
/*
 * core - what stands behind a struct fl_cache.
 *
 * The functions here take the hash and the time that the caller has already,
 * and a value may be an object of the caller's instead of bytes.
 * Threads: any.
 */
#ifndef FIELDLINE_CACHE_CORE_H
#define FIELDLINE_CACHE_CORE_H

#include "base/hash_secret.h"
#include "cache/shard.h"

#define CORE_STRIPES   32
#define CORE_LINE_SIZE 64

/* What gets count: a thread's own line, but the last, which is shared. */
enum { CORE_HITS, CORE_MISSES, CORE_OUTDATED, CORE_COUNTS };

struct stripe {
    _Alignas(CORE_LINE_SIZE) _Atomic uint64_t counts[CORE_COUNTS];
};

struct fl_cache {
    struct hash_secret secret; /* of the keys' hash */
    struct fl_allocator allocator;
    uint64_t (*now_fn)(void *);
    void *now_ctx;
    const struct tagclock *clock;
    uint64_t ttl_ms;
    enum fl_cache_policy policy;
    unsigned used_max, jitter_percent;
    unsigned shard_count;
    size_t entries_max, bytes_max; /* what it was made with */
    void *memory;                  /* what this stands aligned in */
    struct stripe stripes[CORE_STRIPES];
    struct shard shards[];
};

uint64_t core_hash(const struct fl_cache *, const void *key, size_t key_size);
uint64_t core_now_ms(const struct fl_cache *);

static inline struct shard *core_shard(struct fl_cache *c, uint64_t hash)
{
    return &c->shards[hash >> 48 & (c->shard_count - 1)];
}

/* A pin, or NULL. */
struct fl_cache_pin *core_get(struct fl_cache *, const void *key,
                              size_t key_size, uint64_t hash);
/* A pin or NULL for each. */
void core_get_each(struct fl_cache *, const struct fl_cache_key *keys,
                   size_t count, struct fl_cache_pin **ret);
/* A reference or NULL, with the shard's lock, uncounted. */
struct entry *core_peek(const struct fl_cache *, const struct shard *,
                        const void *key, size_t key_size, uint64_t hash);
/* Its time is not over and no tag of it has moved. */
bool core_holds(const struct fl_cache *, const struct entry *);

/* A new entry with one reference, its value not yet written. FL_ERR_LIMIT,
 * FL_ERR_NOMEM. */
int core_entry_new(const struct fl_cache *, struct entry **ret, const void *key,
                   size_t key_size, uint64_t hash, size_t value_size,
                   const struct fl_cache_item *) MUST_CHECK;
/* Takes a reference over, whatever happens. */
int core_insert(struct fl_cache *, struct entry *, uint64_t hash) MUST_CHECK;
void core_unref(const struct fl_cache *, struct entry *);
/* Ends the references of a list that shard_collect() filled. */
void core_free_list(const struct fl_cache *, struct list *);

static inline struct entry *core_ref(struct entry *e)
{
    atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
    return e;
}

/* A pin is a reference, or a hazard's slot that holds the entry: then its
 * lowest bit is set. */
static inline struct fl_cache_pin *core_pin(struct entry *e)
{
    return (struct fl_cache_pin *)e;
}

static inline struct fl_cache_pin *core_pin_slot(hazard_slot *slot)
{
    return (struct fl_cache_pin *)((uintptr_t)slot | 1);
}

static inline hazard_slot *core_slot(const struct fl_cache_pin *p)
{
    return (uintptr_t)p & 1 ? (hazard_slot *)((uintptr_t)p - 1) : NULL;
}

static inline struct entry *core_entry(const struct fl_cache_pin *p)
{
    hazard_slot *slot = core_slot(p);

    return slot ? (struct entry *)(uintptr_t)atomic_load_explicit(
                      slot, memory_order_relaxed)
                : (struct entry *)(uintptr_t)p;
}

#endif
