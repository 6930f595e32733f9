/* SPDX-License-Identifier: MIT */
/*
 * tagclock_read - the quick half of asking the tag clock, for whoever asks at
 * every hit.
 *
 * A SET knows the latest moment anything in it has, its floor included. Most
 * sets have not moved since an entry was made; then nothing else is looked at.
 * Not here: how a set answers for one of its tags (tagclock.c).
 * Threads: any.
 */
#ifndef FIELDLINE_CACHE_TAGCLOCK_READ_H
#define FIELDLINE_CACHE_TAGCLOCK_READ_H

#include "base/attr.h"
#include "base/hash.h"
#include "cache/tagclock.h"

#include <stdatomic.h>

#define TAGCLOCK_WAYS 8
#define TAGCLOCK_LINE 64 /* of the processor's cache */

/* What a tag that has not moved needs stands in the first line. */
struct tagclock_set {
    _Alignas(TAGCLOCK_LINE) _Atomic uint32_t locked;
    _Atomic uint64_t latest; /* not below the floor and any moment here */
    _Atomic uint64_t floor;
    /* Two in a word, the even way lower. */
    _Atomic uint64_t prints[TAGCLOCK_WAYS / 2];
    /* 0: the way is empty. */
    _Alignas(TAGCLOCK_LINE) _Atomic uint64_t moments[TAGCLOCK_WAYS];
};

struct tagclock {
    struct tagclock_set *sets;
    uint64_t mask;
    void *memory; /* what this and its sets are aligned in */
    struct fl_allocator allocator;
    _Atomic uint64_t all;
    atomic_bool stale;
    /* Written often: a line apart. */
    _Alignas(TAGCLOCK_LINE) _Atomic uint64_t horizon;
    _Atomic uint64_t floor_max;
};

/* A tag's own moment, by its set. */
uint64_t tagclock_moment(const struct tagclock_set *, uint64_t mixed);

/* What a tag is looked up by; kept by who asks for it often. */
static inline uint64_t tagclock_mixed(uint64_t tag)
{
    return hash_mix(tag);
}

static inline uint64_t tagclock_unmixed(uint64_t mixed)
{
    return hash_unmix(mixed);
}

static inline struct tagclock_set *tagclock_set_of(const struct tagclock *c,
                                                   uint64_t mixed)
{
    return &c->sets[mixed & c->mask];
}

static inline bool tagclock_moved(const struct tagclock *c, uint64_t mixed,
                                  uint64_t stamp)
{
    const struct tagclock_set *s = tagclock_set_of(c, mixed);

    return UNLIKELY(atomic_load_explicit(&s->latest, memory_order_acquire) >
                    stamp) &&
           tagclock_moment(s, mixed) > stamp;
}

/* Whether one of many has moved, the first left out. */
bool tagclock_rest_moved(const struct tagclock *, const uint64_t *mixed,
                         unsigned count, uint64_t stamp);

/* No tag has moved past the stamp. If the first is a scope that has not moved
 * the others are not looked at. All are mixed. */
static inline bool tagclock_holds(const struct tagclock *c,
                                  const uint64_t *mixed, unsigned count,
                                  bool has_scope, uint64_t stamp)
{
    if (UNLIKELY(atomic_load_explicit(&c->stale, memory_order_acquire) ||
                 atomic_load_explicit(&c->all, memory_order_acquire) > stamp))
        return false;
    if (!count)
        return true;
    if (UNLIKELY(tagclock_moved(c, mixed[0], stamp)))
        return has_scope && !tagclock_rest_moved(c, mixed, count, stamp);
    return has_scope || count == 1 ||
           !tagclock_rest_moved(c, mixed, count, stamp);
}

#endif
