/* SPDX-License-Identifier: MIT */
/*
 * cache - bounded memory from key to value.
 *
 * Sharded by the key's hash; each shard has a short lock, its share of the
 * bounds (entries and bytes), an eviction policy that resists scans, and a
 * timing wheel for expiry, so that nothing is ever searched for. A value is a
 * counted object: a get PINS it, and it stays valid until the unpin whatever
 * happens to its entry meanwhile. Validity against the tag clock is the
 * caller's question (tagclock.h): an entry carries its tags and stamp.
 *
 * Time is passed in (ms, monotonic). Owner: app. Threads: any, locked by shard.
 */
#ifndef FIELDLINE_CACHE_CACHE_H
#define FIELDLINE_CACHE_CACHE_H

#include "base/bytes.h"
#include "cache/tagclock.h"

#include <stdatomic.h>

struct cache;

#define CACHE_NEVER UINT64_MAX /* as a time: it does not come */

/* Embedded at the start of what is cached; refs starts at 1, the creator's. */
struct cache_value {
    atomic_uint refs;
    uint32_t weight; /* bytes the value holds, itself included */
    void (*free_fn)(struct cache_value *); /* at the last unpin */
};

struct cache_options {
    size_t size;             /* of this struct */
    size_t entries_max;      /* default 100,000 */
    size_t bytes_max;        /* default 64 MB; keys and bookkeeping count */
    unsigned shards;         /* power of two, default 16 */
    unsigned jitter_percent; /* times to live are shortened by up to this */
};

/* What stands beside a value. */
struct cache_meta {
    struct tagset tags;
    uint64_t stamp;
    uint64_t stored_ms;
    uint64_t fresh_until_ms; /* after this the entry may be stale-served */
    uint64_t dead_at_ms;     /* after this it is gone; CACHE_NEVER */
    uint32_t class_index;    /* the owner's, for statistics and limits */
};

struct cache_stats {
    uint64_t hits, misses, sets, deletes, evictions, expirations, refused;
    size_t entries, bytes, entries_max, bytes_max;
};

int cache_new(struct cache **ret, const struct cache_options *) MUST_CHECK;
void cache_free(struct cache **);

/* A pinned value and a copy of its meta, or NULL. hash = cache_hash(key). */
struct cache_value *cache_get(struct cache *, struct bytes key, uint64_t hash,
                              uint64_t now_ms, struct cache_meta *ret);
/* Takes a reference of its own; the caller keeps his. Replaces. ERR_LIMIT when
 * the value is larger than a shard may hold; ERR_NOMEM. */
int cache_set(struct cache *, struct bytes key, uint64_t hash,
              struct cache_value *, const struct cache_meta *,
              uint64_t now_ms) MUST_CHECK;
bool cache_delete(struct cache *, struct bytes key, uint64_t hash);
void cache_clear(struct cache *);
void cache_expire(struct cache *, uint64_t now_ms); /* due entries only */
void cache_stats(struct cache *, struct cache_stats *ret);
void cache_bounds_set(struct cache *, size_t entries_max, size_t bytes_max);

uint64_t cache_hash(struct bytes key);
static inline struct cache_value *cache_pin(struct cache_value *v)
{
    atomic_fetch_add_explicit(&v->refs, 1, memory_order_relaxed);
    return v;
}
void cache_unpin(struct cache_value **); /* NULL-safe, clears */

#endif
