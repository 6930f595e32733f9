/* SPDX-License-Identifier: MIT */
/*
 * shard - a part of a cache: its entries, who leaves next, what is due.
 *
 * Its buckets are read without the lock, inside a section of reclaim.h, and
 * changed under it: a line of the processor's cache each, with seven places and
 * a word of prints that are compared at once, so that only the entry looked for
 * is touched. Who finds no place goes to the next bucket, and those he passed
 * by count him. An entry that has left waits among the GONE until nobody can be
 * looking at it; only then does the cache's reference end.
 *
 * Invariants: entries and bytes never exceed the bounds; an entry in a bucket
 * is in one queue of the policy, and in the wheel if it can expire.
 * Owner: a cache. Threads: any, locked by its lock but where it is said.
 */
#ifndef FIELDLINE_CACHE_SHARD_H
#define FIELDLINE_CACHE_SHARD_H

#include "cache/evict.h"
#include "cache/wheel.h"

#include <pthread.h>

struct flight;

#define SHARD_PLACES 7

struct bucket {
    /* A byte of each entry's hash, never 0, from the lowest; the highest byte
     * counts entries that would have stood here, or passed too, up to 255. */
    _Alignas(64) _Atomic uint64_t prints;
    _Atomic(struct entry *) places[SHARD_PLACES];
};

struct shard_counts {
    uint64_t sets, deletes, evictions, expirations, refused;
    uint64_t loads, loads_failed, loads_joined;
};

struct shard {
    pthread_mutex_t lock;
    struct bucket *buckets;
    size_t bucket_count;
    void *memory; /* what they are aligned in */
    size_t entries, bytes, entries_max, bytes_max;
    struct evict evict;
    struct wheel wheel;
    struct {
        struct list links; /* by order, the first left first */
        size_t count, bytes;
        uint64_t retired; /* all of them, in this epoch; 0: not yet */
        struct list next; /* those that left after that */
    } gone;
    struct shard_counts counts;
    struct flight *flights; /* loads under way */
    const struct fl_allocator *allocator;
};

int shard_init(struct shard *, size_t entries, enum fl_cache_policy,
               const struct fl_allocator *) MUST_CHECK;
void shard_fini(struct shard *); /* while nobody uses it; pins stay */
void shard_bounds_set(struct shard *, size_t entries_max, size_t bytes_max);

/* Without the lock inside a section, or with it. */
struct entry *shard_find(const struct shard *, const void *key, size_t key_size,
                         uint32_t hash);

/* Ask for what a shard_find() will look at. Harmless whatever is there. */
void shard_prefetch_bucket(const struct shard *, uint32_t hash);
void shard_prefetch_entry(const struct shard *, uint32_t hash);

/* Takes the reference over. False: it is too large; the older one is gone. */
bool shard_put(struct shard *, struct entry *, uint64_t now_ms) MUST_CHECK;
void shard_remove(struct shard *, struct entry *);
void shard_clear(struct shard *);
/* Removes up to max that are due; how many. */
unsigned shard_expire(struct shard *, uint64_t now_ms, unsigned max);

/* Puts the links of those that nobody can look at on free (all of them when
 * must: it waits). Their references are the caller's, to end without the lock.
 */
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
