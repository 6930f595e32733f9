/* SPDX-License-Identifier: MIT */
/*
 * cache - bounded memory from key to value, and the tag clock that tells what
 * is still true.
 *
 * A cache is cut into shards by a keyed hash of the key. It holds at most so
 * many entries and so many bytes (keys and bookkeeping count), each entry
 * lives no longer than its time to live, and what has to leave when a shard is
 * full the policy says. A hit takes no lock and moves nothing.
 *
 * A get PINS: the value stays whole until fl_cache_unpin(), whatever happens
 * to its entry meanwhile, in any thread. Beside the bounds, at most a 32nd of a
 * shard's bytes or 32 of its entries have left and wait until it is looked who
 * holds them, and those that are pinned wait for a look after their unpin.
 *
 * With a tag clock an entry can say what it was made from (its tags) and when
 * (its stamp, taken before the load): it is a miss as soon as one of its tags
 * has moved past its stamp. Nothing is searched to invalidate.
 *
 * Errors are those of fieldline/error.h; on failure outputs are untouched.
 * Option structs begin with their size, set by their _init function. Times are
 * milliseconds of the cache's clock, which never goes back.
 * Threads: any, on one cache and one clock; callbacks run in the caller's.
 */
#ifndef FIELDLINE_CACHE_H
#define FIELDLINE_CACHE_H

#include "fieldline/allocator.h"
#include "fieldline/api.h"
#include "fieldline/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

FL_BEGIN_DECLS

/* ---- the tag clock ------------------------------------------------------ */

/*
 * When did anything with this tag last change? A table of fixed size. A tag
 * that was forgotten counts as changed when it was forgotten: that costs a
 * reload and is never a wrong answer. Offsets are the caller's, growing; 0 is
 * before everything.
 */
struct fl_tagclock;

#define FL_TAGCLOCK_BYTES_DEFAULT ((size_t)16 << 20)
#define FL_TAGCLOCK_OFFSET_MAX    ((UINT64_C(1) << 44) - 1)

/* bytes: a power of two, 4 KB to 1 GB; touched as it is used. allocator: NULL
 * for malloc. FL_ERR_RANGE, FL_ERR_INVALID (an allocator that is none),
 * FL_ERR_NOMEM. */
FL_API int fl_tagclock_new(struct fl_tagclock **ret, size_t bytes,
                           const struct fl_allocator *allocator) FL_MUST_CHECK;
FL_API void fl_tagclock_free(struct fl_tagclock **clock); /* clears */

/* A tag is a number; for text, its hash, the same in every process. O(size). */
FL_API uint64_t fl_tag(const void *text, size_t size);

/* The tag changed at offset. Never goes back. O(1): a few loads, one store. */
FL_API void fl_tagclock_move(struct fl_tagclock *clock, uint64_t tag,
                             uint64_t offset);
/* Everything counts as changed at offset. O(1). */
FL_API void fl_tagclock_move_all(struct fl_tagclock *clock, uint64_t offset);
/* Not less than the offset of the tag's last move. O(1), no lock. */
FL_API uint64_t fl_tagclock_at(const struct fl_tagclock *clock, uint64_t tag);
/* All moves up to offset have been told to the clock. */
FL_API void fl_tagclock_advance(struct fl_tagclock *clock, uint64_t offset);
/* To be taken BEFORE what is cached is read from its source. */
FL_API uint64_t fl_tagclock_stamp(const struct fl_tagclock *clock);

/* ---- the cache ---------------------------------------------------------- */

struct fl_cache;
struct fl_cache_pin; /* a value that is held */

enum fl_cache_policy {
    FL_CACHE_TIDE,   /* the default: S3-FIFO whose main has a say in whom it
                        takes; docs/library/cache.md */
    FL_CACHE_S3FIFO, /* Yang et al., SOSP 2023 */
    FL_CACHE_SIEVE,  /* Zhang et al., NSDI 2024 */
    FL_CACHE_LRU     /* a hit takes the shard's lock if it is free */
};

#define FL_CACHE_KEY_MAX   ((size_t)UINT16_MAX)
#define FL_CACHE_VALUE_MAX ((size_t)UINT32_MAX)
#define FL_CACHE_TAGS_MAX  4u
#define FL_CACHE_NEVER     UINT64_MAX /* as a time to live */

struct fl_cache_options {
    size_t size;
    size_t entries_max;            /* 1,000; 1 to 2^31 */
    size_t bytes_max;              /* 64 MB; 4 KB to 2^46 */
    unsigned shards;               /* 16; a power of two up to 1,024; fewer are
                                      made where their shares would be small */
    enum fl_cache_policy policy;   /* FL_CACHE_TIDE */
    uint64_t ttl_ms;               /* 5 min; of entries that do not say */
    unsigned jitter_percent;       /* 10; times are shortened by up to this, so
                                      that what came together does not go so */
    struct fl_tagclock *clock;     /* borrowed; NULL: no tags */
    uint64_t (*now_ms)(void *ctx); /* never goes back, below 2^41; NULL: the
                                      kernel's coarse monotonic clock */
    void *now_ctx;
    const struct fl_allocator *allocator; /* NULL: malloc */
};

/* What goes with a value; NULL: the defaults. */
struct fl_cache_item {
    size_t size;
    uint64_t ttl_ms; /* FL_CACHE_NEVER; 0: already gone, which is no error */
    uint64_t scope;  /* 0: none. While it has not moved no tag below it has */
    uint64_t tags[FL_CACHE_TAGS_MAX];
    unsigned tag_count;
    /* fl_tagclock_stamp() from before the load. With one, or with a scope or a
     * tag, fl_tagclock_move_all() counts too; without all of them the entry
     * knows of no clock. */
    uint64_t stamp;
};

struct fl_cache_stats {
    uint64_t hits, misses; /* a miss may be absent, expired or outdated */
    uint64_t outdated;     /* misses because a tag had moved */
    uint64_t sets, deletes, evictions, expirations;
    uint64_t refused; /* too large for a shard */
    uint64_t loads, loads_failed, loads_joined;
    size_t entries, entries_max, bytes, bytes_max;
    double hit_rate; /* of all gets, 0 when there was none */
};

FL_API void fl_cache_options_init(struct fl_cache_options *o);
FL_API void fl_cache_item_init(struct fl_cache_item *item, /* of cache's ttl */
                               const struct fl_cache *cache);

/* FL_ERR_RANGE: a bound is 0 or gigantic; FL_ERR_INVALID: an allocator or a
 * policy that is none; FL_ERR_NOMEM. Memory: 8 bytes times entries_max, and
 * about 8 KB a shard, all touched as it is used. */
FL_API int fl_cache_new(struct fl_cache **ret,
                        const struct fl_cache_options *o) FL_MUST_CHECK;
/* No other thread may use it any more, and nothing may be pinned. Clears. */
FL_API void fl_cache_free(struct fl_cache **cache);

/* The value, pinned, or NULL. O(key). */
FL_API struct fl_cache_pin *fl_cache_get(struct fl_cache *cache,
                                         const void *key, size_t key_size);
/* Whether a get would hit; counts as none and uses nothing. */
FL_API bool fl_cache_has(struct fl_cache *cache, const void *key,
                         size_t key_size);
/* Copies both; replaces. FL_ERR_LIMIT: larger than a shard may hold, or than
 * the limits above; an older value is then gone. FL_ERR_NOMEM: likewise.
 * O(key + value), and O(1) amortised for who has to leave. */
FL_API int fl_cache_set(struct fl_cache *cache, const void *key,
                        size_t key_size, const void *value, size_t value_size,
                        const struct fl_cache_item *item) FL_MUST_CHECK;

/* A value that is not copied: an object of the caller's. */
struct fl_cache_object {
    size_t size;
    void *object;
    size_t weight; /* bytes it counts as, beside its key and bookkeeping */
    /* Once, when it is in the cache no more and nobody has it pinned. */
    void (*free_fn)(void *object);
    /* NULL, or: it leaves the cache, but may still be pinned. Once, before
     * free_fn, if it has ever been in. Under a lock: short, and not to use
     * the cache. */
    void (*leave_fn)(void *object);
};

/* As fl_cache_set(), but a pin's value is the object itself, its size the
 * weight. Takes the object over, also on failure. FL_ERR_INVALID: without
 * free_fn, and then the object stays the caller's. */
FL_API int fl_cache_set_object(struct fl_cache *cache, const void *key,
                               size_t key_size,
                               const struct fl_cache_object *object,
                               const struct fl_cache_item *item) FL_MUST_CHECK;
/* Whether it was there. */
FL_API bool fl_cache_delete(struct fl_cache *cache, const void *key,
                            size_t key_size);
FL_API void fl_cache_clear(struct fl_cache *cache); /* O(entries) */
/* Frees what is due, found by a timing wheel, not by a search: O(due). To be
 * called every minute or so; what is due is never served meanwhile. */
FL_API void fl_cache_expire(struct fl_cache *cache);
/* Not above what the cache was made with: FL_ERR_RANGE. 0 empties it. */
FL_API int fl_cache_bounds_set(struct fl_cache *cache, size_t entries_max,
                               size_t bytes_max) FL_MUST_CHECK;
FL_API void fl_cache_stats(struct fl_cache *cache, struct fl_cache_stats *ret);

FL_API const void *fl_cache_pin_value(const struct fl_cache_pin *pin);
FL_API size_t fl_cache_pin_size(const struct fl_cache_pin *pin);
FL_API const void *fl_cache_pin_key(const struct fl_cache_pin *pin,
                                    size_t *key_size);
/* pin may point to NULL; clears. In any thread. */
FL_API void fl_cache_unpin(struct fl_cache *cache, struct fl_cache_pin **pin);

/* ---- loading ------------------------------------------------------------ */

struct fl_cache_load; /* a load under way */

/* Where a load puts what it found: copies. index is 0 but in a load of many.
 * item may be NULL; its stamp is set by the cache, from before the load. */
FL_API int fl_cache_load_put(struct fl_cache_load *load, size_t index,
                             const void *value, size_t value_size,
                             const struct fl_cache_item *item) FL_MUST_CHECK;

/* 0 and a put, or 0 and none (there is no such thing), or an error. */
typedef int fl_cache_load_fn(struct fl_cache_load *load, const void *key,
                             size_t key_size, void *arg);

/*
 * Gets, or loads and sets. One load for any number of callers: who comes while
 * it runs waits for it and has its value, unless its time is over, or a tag of
 * it has moved since the load began, and he may have come later: then he asks
 * once more. When the load fails each who waits loads for himself. load_fn runs
 * without a lock; it must not load the same key. FL_ERR_NOT_FOUND: it put
 * nothing; else its error.
 */
FL_API int fl_cache_get_or_load(struct fl_cache *cache, const void *key,
                                size_t key_size, fl_cache_load_fn *load_fn,
                                void *arg,
                                struct fl_cache_pin **ret) FL_MUST_CHECK;

struct fl_cache_key {
    const void *key;
    size_t key_size;
};

/* missing: indices into keys. May put any of them, in any order. */
typedef int fl_cache_load_many_fn(struct fl_cache_load *load,
                                  const struct fl_cache_key *keys,
                                  const size_t *missing, size_t count,
                                  void *arg);

/*
 * Gets all; one call loads those that are missing, if any is. ret has room for
 * count pins; NULL where there is none. Loads of many are not joined. On an
 * error nothing is pinned.
 */
FL_API int fl_cache_get_many(struct fl_cache *cache,
                             const struct fl_cache_key *keys, size_t count,
                             fl_cache_load_many_fn *load_fn, void *arg,
                             struct fl_cache_pin **ret) FL_MUST_CHECK;

/* ---- looking in, and over a restart ------------------------------------- */

/* What an entry looks like from outside. */
struct fl_cache_look {
    size_t size;
    const void *key;
    size_t key_size, value_size;
    uint64_t ttl_ms; /* left; FL_CACHE_NEVER */
    unsigned used;   /* hits that the policy remembers, 0..3 */
    bool proven;     /* in the policy's main queue */
    const void *value;
    /* What it was set with, its time to live what is left: for a cache that
     * shares the clock. */
    struct fl_cache_item item;
};

/* False ends the walk. */
typedef bool fl_cache_each_fn(const struct fl_cache_look *look, void *arg);

/* Each entry that stays throughout is seen once. The callback may use the
 * cache. O(bounds). */
FL_API void fl_cache_each(struct fl_cache *cache, fl_cache_each_fn *fn,
                          void *arg);

typedef void fl_cache_key_fn(const void *key, size_t key_size, void *arg);

/*
 * Writes the keys of up to keys_max entries, the hottest, to a file that
 * replaces path only when it is whole; and reads one. Keys only: values are
 * loaded again, so nothing old comes back. FL_ERR_IO; on reading
 * FL_ERR_INVALID: not whole, not such a file, or of another version (and then
 * not one key is told); FL_ERR_LIMIT: over 256 MB.
 */
FL_API int fl_cache_snapshot_write(struct fl_cache *cache, const char *path,
                                   size_t keys_max) FL_MUST_CHECK;
FL_API int fl_cache_snapshot_read(const char *path, fl_cache_key_fn *fn,
                                  void *arg) FL_MUST_CHECK;
/* The same from memory. */
FL_API int fl_cache_snapshot_parse(const void *bytes, size_t size,
                                   fl_cache_key_fn *fn,
                                   void *arg) FL_MUST_CHECK;

FL_END_DECLS

#endif
