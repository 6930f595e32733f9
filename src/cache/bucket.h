/* SPDX-License-Identifier: MIT */
/*
 * bucket - a line of the processor's cache with places for entries.
 *
 * Seven places and a word of prints, a byte of each entry's hash, that are
 * compared at once, so that only the entry looked for is touched. Who finds no
 * place goes to the next bucket, and those he passed by count him.
 *
 * A new entry is whole before it is stored in a place. What replaces another is
 * stored in the same place, so a reader finds the one or the other. No entry
 * moves from place to place.
 * Owner: a shard. Threads: any; changed under its lock, read without.
 */
#ifndef FIELDLINE_CACHE_BUCKET_H
#define FIELDLINE_CACHE_BUCKET_H

#include "cache/entry.h"
#include "cache/hazard.h"

#include <string.h>

#define BUCKET_PLACES       7
#define BUCKET_LINE         64
#define BUCKET_PRINT_BITS   8
#define BUCKET_PRINT_ONES   UINT64_C(0x01010101010101) /* seven bytes */
#define BUCKET_PRINT_HIGHS  UINT64_C(0x80808080808080)
#define BUCKET_PASSED_SHIFT (BUCKET_PLACES * BUCKET_PRINT_BITS)

struct bucket {
    /* Never 0 where there is an entry, from the lowest; the highest byte counts
     * entries that would have stood here, or passed too, up to 255. */
    _Alignas(BUCKET_LINE) _Atomic uint64_t prints;
    _Atomic(struct entry *) places[BUCKET_PLACES];
};

struct buckets {
    struct bucket *at;
    size_t count;
};

static inline size_t bucket_home(const struct buckets *b, uint32_t hash)
{
    return (uint64_t)hash * b->count >> 32;
}

static inline size_t bucket_after(const struct buckets *b, size_t bucket)
{
    return bucket + 1 == b->count ? 0 : bucket + 1;
}

static inline uint64_t bucket_print(uint32_t hash)
{
    return (hash & 0xff) ? hash & 0xff : 1;
}

static inline uint64_t bucket_prints(const struct bucket *b)
{
    return atomic_load_explicit(&b->prints, memory_order_acquire);
}

static inline struct entry *bucket_place(const struct bucket *b, size_t place)
{
    return atomic_load_explicit(&b->places[place], memory_order_acquire);
}

/* The high bit of each byte that is this print. One above such a byte may be
 * told wrongly; the key decides. */
static inline uint64_t bucket_match(uint64_t prints, uint64_t print)
{
    uint64_t other = prints ^ print * BUCKET_PRINT_ONES;

    return (other - BUCKET_PRINT_ONES) & ~other & BUCKET_PRINT_HIGHS;
}

static inline size_t bucket_matched(uint64_t match)
{
    return (size_t)__builtin_ctzll(match) / BUCKET_PRINT_BITS;
}

static inline bool bucket_same_word(const char *a, const char *b)
{
    uint64_t x, y;

    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return x == y;
}

static inline bool bucket_is_key(const struct entry *e, const void *key,
                                 size_t key_size, uint32_t hash)
{
    if (e->hash != hash || e->key_size != key_size)
        return false;

    const char *own = entry_key(e), *other = key;

    /* Keys are short: eight bytes at a time, the last eight once more. */
    if (key_size < sizeof(uint64_t))
        return key_size == 0 || memcmp(own, other, key_size) == 0;
    for (size_t at = 0; at + sizeof(uint64_t) < key_size;
         at += sizeof(uint64_t))
        if (!bucket_same_word(own + at, other + at))
            return false;
    return bucket_same_word(own + key_size - sizeof(uint64_t),
                            other + key_size - sizeof(uint64_t));
}

/* What stands in a place, held in the slot, or NULL. Who replaces it meanwhile
 * has got on, so this ends. */
static inline struct entry *bucket_hold(const struct bucket *b, size_t place,
                                        const struct hazard *h,
                                        hazard_slot *slot)
{
    struct entry *e = bucket_place(b, place), *again;

    for (; e; e = again) {
        hazard_hold(h, slot, e);
        again = bucket_place(b, place);
        if (LIKELY(again == e))
            break;
    }
    return e;
}

/* As bucket_find() with h, for the usual case: the first print that is like it
 * in the first bucket. NULL says nothing, and the slot may hold something. */
static INLINED struct entry *bucket_find_first(const struct buckets *buckets,
                                               const void *key, size_t key_size,
                                               uint32_t hash,
                                               const struct hazard *h,
                                               hazard_slot *slot)
{
    const struct bucket *b = &buckets->at[bucket_home(buckets, hash)];
    uint64_t match = bucket_match(bucket_prints(b), bucket_print(hash));

    if (UNLIKELY(!match))
        return NULL;

    size_t place = bucket_matched(match);
    struct entry *e = bucket_place(b, place);

    if (UNLIKELY(!e))
        return NULL;
    hazard_hold(h, slot, e);
    if (UNLIKELY(bucket_place(b, place) != e))
        return NULL;
    __builtin_prefetch((const char *)e + ENTRY_HOT_END);
    return LIKELY(bucket_is_key(e, key, key_size, hash)) ? e : NULL;
}

/* The entry of this key, or NULL. With h it is held in slot, which is clear
 * after NULL; without, the shard's lock is held. */
static INLINED struct entry *bucket_find(const struct buckets *buckets,
                                         const void *key, size_t key_size,
                                         uint32_t hash, const struct hazard *h,
                                         hazard_slot *slot)
{
    uint64_t print = bucket_print(hash);
    size_t at = bucket_home(buckets, hash);

    for (size_t i = 0; i < buckets->count;
         i++, at = bucket_after(buckets, at)) {
        const struct bucket *b = &buckets->at[at];
        uint64_t prints = bucket_prints(b);

        for (uint64_t m = bucket_match(prints, print); m; m &= m - 1) {
            size_t place = bucket_matched(m);
            struct entry *e =
                h ? bucket_hold(b, place, h, slot) : bucket_place(b, place);

            if (UNLIKELY(!e))
                continue;
            __builtin_prefetch((const char *)e + ENTRY_HOT_END);
            if (LIKELY(bucket_is_key(e, key, key_size, hash)))
                return e;
        }
        if (LIKELY(prints >> BUCKET_PASSED_SHIFT == 0))
            break;
    }
    if (h)
        hazard_clear(slot);
    return NULL;
}

/* Ask for what a bucket_find() will look at. Harmless whatever is there. */
static inline void bucket_prefetch(const struct buckets *b, uint32_t hash)
{
    __builtin_prefetch(&b->at[bucket_home(b, hash)]);
}

static inline void bucket_prefetch_entry(const struct buckets *buckets,
                                         uint32_t hash)
{
    const struct bucket *b = &buckets->at[bucket_home(buckets, hash)];
    uint64_t match = bucket_match(bucket_prints(b), bucket_print(hash));

    if (!match)
        return;

    const char *e = (const char *)bucket_place(b, bucket_matched(match));

    __builtin_prefetch(e + ENTRY_HOT_START);
    __builtin_prefetch(e + ENTRY_HOT_END);
}

#endif
