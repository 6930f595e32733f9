/* SPDX-License-Identifier: MIT */
/*
 * shard - a part of a cache: its entries, who leaves next, what is due.
 *
 * Its buckets are read without the lock and changed under it. An entry that
 * has left waits among the GONE until no hazard holds it; only then does the
 * cache's reference end.
 *
 * Invariants: entries and bytes never exceed the bounds; an entry in a bucket
 * is in one queue of the policy, and in the wheel if it can expire.
 * Owner: a cache. Threads: any, locked by its lock but where it is said.
 */
#ifndef FIELDLINE_CACHE_SHARD_H
#define FIELDLINE_CACHE_SHARD_H

#include "cache/bucket.h"
#include "cache/evict.h"
#include "cache/wheel.h"

#include <pthread.h>

struct flight;

struct shard_counts {
    uint64_t sets, deletes, evictions, expirations, refused;
    uint64_t loads, loads_failed, loads_joined;
};

struct shard {
    pthread_mutex_t lock;
    struct buckets buckets;
    void *memory; /* what they are aligned in */
    size_t entries, bytes, entries_max, bytes_max;
    struct evict evict;
    struct wheel wheel;
    struct {
        struct list links;
        size_t count, bytes; /* of links */
        struct list held;    /* those that somebody held at the last look */
    } gone;
    struct shard_counts counts;
    struct flight *flights; /* loads under way */
    const struct fl_allocator *allocator;
};

int shard_init(struct shard *, size_t entries, enum fl_cache_policy,
               const struct fl_allocator *) MUST_CHECK;
void shard_fini(struct shard *); /* while nobody uses it; pins stay */
void shard_bounds_set(struct shard *, size_t entries_max, size_t bytes_max);

struct entry *shard_find(const struct shard *, const void *key, size_t key_size,
                         uint32_t hash);

/* Takes the reference over. False: it is too large; the older one is gone. */
bool shard_put(struct shard *, struct entry *, uint64_t now_ms) MUST_CHECK;
void shard_remove(struct shard *, struct entry *);
void shard_clear(struct shard *);
/* Removes up to max that are due; how many. */
unsigned shard_expire(struct shard *, uint64_t now_ms, unsigned max);

/* Puts the links of those that nobody holds on free, if many wait, or when
 * must. Their references are the caller's, to end without the lock. */
void shard_collect(struct shard *, struct list *free, bool must);

/* The entry in a place, or NULL. */
struct entry *shard_at(const struct shard *, size_t bucket, size_t place);

static inline void shard_lock(struct shard *s)
{
    (void)pthread_mutex_lock(&s->lock);
}

static inline void shard_unlock(struct shard *s)
{
    (void)pthread_mutex_unlock(&s->lock);
}

#endif
