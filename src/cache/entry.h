/* SPDX-License-Identifier: MIT */
/*
 * entry - a key, its value and what the cache knows of them, in one block.
 *
 *     struct entry | stamp, scope, tags (if it has them) | key | pad | value
 *
 * What readers without a lock look at is written before the entry is
 * published and never again, but for what is atomic. order and expiry belong
 * to whoever holds the shard's lock.
 * Owner: its references: one of the cache, until it has left and nobody can
 * find it any more, and one a pin. Threads: any, as said.
 */
#ifndef FIELDLINE_CACHE_ENTRY_H
#define FIELDLINE_CACHE_ENTRY_H

#include "base/list.h"
#include "cache/tagclock.h"
#include "fieldline/cache.h"

#include <stdatomic.h>

#define ENTRY_DEAD_NEVER  ((UINT64_C(1) << 42) - 1)
#define ENTRY_USED_MAX    3
#define ENTRY_ALIGN       ((size_t)8) /* of the value */
#define ENTRY_MALLOC_COST ((size_t)8)

enum entry_queue {
    ENTRY_SMALL,
    ENTRY_MAIN,
    ENTRY_QUEUES,
    ENTRY_LEFT = ENTRY_QUEUES /* it is among the gone */
};

struct entry {
    struct list order;  /* in the policy; later among the gone */
    struct list expiry; /* in the wheel, or alone */
    /* What a hit looks at stands together, before tags and key. */
    uint64_t key_size : 16;
    uint64_t meta_count : 3; /* words: 0, or the stamp, a scope, the tags */
    uint64_t has_scope : 1;
    uint64_t is_object : 1;
    uint64_t : 1;
    uint64_t dead_at_ms : 42;
    uint32_t hash; /* the part that picks the bucket and the print */
    uint32_t value_size;
    atomic_uint refs;
    _Atomic uint16_t touched; /* the policy's clock at the last use */
    _Atomic uint8_t used;     /* hits, up to what the policy counts */
    uint8_t queue;            /* enum entry_queue; locked */
};
_Static_assert(sizeof(struct entry) == 56, "what each entry costs");

/* Where a hit's first look falls, and one line of the processor's cache on:
 * tags, key and the value's beginning. */
#define ENTRY_HOT_START offsetof(struct entry, hash)
#define ENTRY_HOT_END   (2 * sizeof(struct list) + 64)

/* The value of an entry that holds an object. */
struct entry_object {
    void *object;
    size_t weight;
    void (*free_fn)(void *object);
    void (*leave_fn)(void *object); /* or NULL */
};

static inline const uint64_t *entry_meta(const struct entry *e)
{
    return (const uint64_t *)(e + 1);
}

static inline size_t entry_meta_size(const struct entry *e)
{
    return e->meta_count * sizeof(uint64_t);
}

static inline const char *entry_key(const struct entry *e)
{
    return (const char *)(e + 1) + entry_meta_size(e);
}

static inline size_t entry_value_at(const struct entry *e)
{
    size_t end = sizeof(*e) + entry_meta_size(e) + e->key_size;

    return (end + ENTRY_ALIGN - 1) & ~(ENTRY_ALIGN - 1);
}

static inline const void *entry_value(const struct entry *e)
{
    return (const char *)e + entry_value_at(e);
}

static inline const struct entry_object *entry_object(const struct entry *e)
{
    return entry_value(e);
}

static inline size_t entry_weight(const struct entry *e)
{
    size_t weight = entry_value_at(e) + e->value_size + ENTRY_MALLOC_COST;

    if (e->is_object)
        weight += entry_object(e)->weight;
    return weight;
}

static inline void entry_hit(struct entry *e, unsigned used_max, unsigned now)
{
    unsigned used = atomic_load_explicit(&e->used, memory_order_relaxed);

    if (used < used_max)
        atomic_store_explicit(&e->used, (uint8_t)(used + 1),
                              memory_order_relaxed);
    if (atomic_load_explicit(&e->touched, memory_order_relaxed) !=
        (uint16_t)now)
        atomic_store_explicit(&e->touched, (uint16_t)now, memory_order_relaxed);
}

#endif
