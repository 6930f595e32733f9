/* SPDX-License-Identifier: MIT */
/*
 * shard - buckets of places, each read while it is changed.
 *
 * A new entry is whole before it is stored in a place. What replaces another is
 * stored in the same place, so a reader finds the one or the other. No entry
 * moves from place to place.
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

#define LOAD         ((size_t)3) /* of LOAD_OF places are taken at most */
#define LOAD_OF      4
#define PRINT_BITS   8
#define PRINT_ONES   UINT64_C(0x01010101010101) /* seven bytes */
#define PRINT_HIGHS  UINT64_C(0x80808080808080)
#define PASSED_SHIFT (SHARD_PLACES * PRINT_BITS)
#define PASSED_MAX   255

static uint64_t due_of(const struct list *link)
{
    return CONTAINER_OF(link, const struct entry, expiry)->dead_at_ms;
}

int shard_init(struct shard *s, size_t entries, enum fl_cache_policy policy,
               const struct fl_allocator *allocator)
{
    size_t count = entries * LOAD_OF / (LOAD * SHARD_PLACES) + 1;

    s->memory = allocator_zalloc(allocator, count + 1, sizeof(*s->buckets));
    if (!s->memory)
        return ERR_NOMEM;
    s->buckets =
        (struct bucket *)(((uintptr_t)s->memory + sizeof(*s->buckets) - 1) &
                          ~(sizeof(*s->buckets) - 1));
    s->bucket_count = count;
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
    allocator_free(s->allocator, s->memory);
    s->buckets = NULL;
}

/* --- the buckets --- */

static size_t home_of(const struct shard *s, uint32_t hash)
{
    return (uint64_t)hash * s->bucket_count >> 32;
}

static size_t after(const struct shard *s, size_t bucket)
{
    return bucket + 1 == s->bucket_count ? 0 : bucket + 1;
}

static uint64_t print_of(uint32_t hash)
{
    return (hash & 0xff) ? hash & 0xff : 1;
}

struct entry *shard_at(const struct shard *s, size_t bucket, size_t place)
{
    return atomic_load_explicit(&s->buckets[bucket].places[place],
                                memory_order_acquire);
}

static uint64_t prints_at(const struct bucket *b)
{
    return atomic_load_explicit(&b->prints, memory_order_acquire);
}

/* The high bit of each byte that is this print. One above such a byte may be
 * told wrongly; the key decides. */
static uint64_t prints_match(uint64_t prints, uint64_t print)
{
    uint64_t other = (prints ^ print * PRINT_ONES) & (PRINT_ONES * 0xff);

    return (other - PRINT_ONES) & ~other & PRINT_HIGHS;
}

static bool is_word(const char *a, const char *b)
{
    uint64_t x, y;

    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return x == y;
}

static bool is_key(const struct entry *e, const void *key, size_t key_size,
                   uint32_t hash)
{
    if (e->hash != hash || e->key_size != key_size)
        return false;

    const char *own = entry_key(e), *other = key;

    /* Keys are short: eight bytes at a time, the last eight once more. */
    if (key_size < sizeof(uint64_t))
        return key_size == 0 || memcmp(own, other, key_size) == 0;
    for (size_t at = 0; at + sizeof(uint64_t) < key_size;
         at += sizeof(uint64_t))
        if (!is_word(own + at, other + at))
            return false;
    return is_word(own + key_size - sizeof(uint64_t),
                   other + key_size - sizeof(uint64_t));
}

struct entry *shard_find(const struct shard *s, const void *key,
                         size_t key_size, uint32_t hash)
{
    uint64_t print = print_of(hash);
    size_t at = home_of(s, hash);

    for (size_t i = 0; i < s->bucket_count; i++, at = after(s, at)) {
        uint64_t prints = prints_at(&s->buckets[at]);

        for (uint64_t f = prints_match(prints, print); f; f &= f - 1) {
            struct entry *e =
                shard_at(s, at, (size_t)__builtin_ctzll(f) / PRINT_BITS);

            if (!e)
                continue;
            __builtin_prefetch((const char *)e + sizeof(struct bucket));
            if (is_key(e, key, key_size, hash))
                return e;
        }
        if (LIKELY(prints >> PASSED_SHIFT == 0))
            return NULL;
    }
    return NULL;
}

void shard_prefetch_bucket(const struct shard *s, uint32_t hash)
{
    __builtin_prefetch(&s->buckets[home_of(s, hash)]);
}

void shard_prefetch_entry(const struct shard *s, uint32_t hash)
{
    size_t home = home_of(s, hash);
    uint64_t found = prints_match(prints_at(&s->buckets[home]), print_of(hash));

    if (!found)
        return;

    const char *e = (const char *)shard_at(
        s, home, (size_t)__builtin_ctzll(found) / PRINT_BITS);

    __builtin_prefetch(e);
    __builtin_prefetch(e + sizeof(struct bucket));
}

/* --- places, locked --- */

static void print_set(struct bucket *b, unsigned place, uint64_t print)
{
    unsigned shift = place * PRINT_BITS;
    uint64_t prints = prints_at(b) & ~(UINT64_C(0xff) << shift);

    atomic_store_explicit(&b->prints, prints | print << shift,
                          memory_order_release);
}

/* A count that has reached its end is not known any more, and stays. */
static void passed_add(struct bucket *b, int more)
{
    uint64_t prints = prints_at(b);
    unsigned passed = (unsigned)(prints >> PASSED_SHIFT);

    if (passed < PASSED_MAX)
        atomic_store_explicit(
            &b->prints, prints + ((uint64_t)(int64_t)more << PASSED_SHIFT),
            memory_order_release);
}

/* From the hash's home to the first bucket where this entry stands, or NULL;
 * those passed by count by more or less one. There is such a place. */
static struct bucket *place_seek(const struct shard *s, uint32_t hash,
                                 const struct entry *e, int more,
                                 unsigned *place)
{
    for (size_t at = home_of(s, hash);; at = after(s, at)) {
        for (*place = 0; *place < SHARD_PLACES; ++*place)
            if (shard_at(s, at, *place) == e)
                return &s->buckets[at];
        if (more)
            passed_add(&s->buckets[at], more);
    }
}

static void place_set(struct bucket *b, unsigned place, struct entry *e)
{
    atomic_store_explicit(&b->places[place], e, memory_order_release);
}

static void place_take(struct shard *s, struct entry *e)
{
    unsigned place;
    struct bucket *b = place_seek(s, e->hash, NULL, 1, &place);

    place_set(b, place, e);
    print_set(b, place, print_of(e->hash));
}

static void place_leave(struct shard *s, const struct entry *e)
{
    unsigned place;
    struct bucket *b = place_seek(s, e->hash, e, -1, &place);

    print_set(b, place, 0);
    place_set(b, place, NULL);
}

static void place_change(struct shard *s, const struct entry *from,
                         struct entry *to)
{
    unsigned place;
    struct bucket *b = place_seek(s, from->hash, from, 0, &place);

    place_set(b, place, to);
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
    if (e->is_object && entry_object(e)->leave_fn)
        entry_object(e)->leave_fn(entry_object(e)->object);
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
    place_leave(s, e);
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

    evict_add(&s->evict, e, old);
    if (old)
        place_change(s, old, e);
    else
        place_take(s, e);
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
        for (size_t place = 0; place < SHARD_PLACES; place++) {
            struct entry *e = shard_at(s, i, place);

            if (e)
                shard_remove(s, e);
        }
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
