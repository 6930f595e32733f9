/* SPDX-License-Identifier: MIT */
/*
 * larder - the replies that are kept: one cache for all, a shelf for a class.
 *
 * The cache is the library's (fieldline/cache.h) and its values are replies,
 * of each of which it has a reference. It holds at most so many bytes of all
 * classes and no more of a class than its shelf has room for; the tag clock
 * tells what is still true. A get takes a reference and no lock.
 *
 * A cache cannot grow beyond what it was made with. A larder that has to is
 * given a NEW cache: larder_resize() makes it and returns the old one, and
 * once nobody can be using that any more larder_carry() moves what is in it.
 * Owner: edge. Threads: any; but resize and carry are one thread's, and
 * between them every other has to have been outside of larder_get(),
 * larder_put() and larder_sweep() once.
 */
#ifndef FIELDLINE_EDGE_LARDER_H
#define FIELDLINE_EDGE_LARDER_H

#include "base/bytes.h"

#include <stdint.h>

struct cache_class_spec;
struct fl_cache;
struct fl_cache_stats;
struct larder;
struct reply;
struct tagclock;
struct tagset;

/* What goes with a reply. */
struct larder_item {
    unsigned class_index;
    const struct tagset *tags;
    uint64_t now_ms; /* of the clock that fresh_until_ms is compared with */
};

int larder_new(struct larder **ret, size_t bytes_max, struct tagclock *,
               const struct cache_class_spec *classes /* borrowed */,
               unsigned class_count) MUST_CHECK;
void larder_free(struct larder **); /* NULL-safe, clears */

/* A reference, or NULL. Nothing that it depends on has changed: a stamp that
 * was read before the call covers it. */
struct reply *larder_get(struct larder *, struct bytes key);
/* Its stamp is set, and from before it was made. Sets fresh_until_ms, takes a
 * reference of its own. ERR_LIMIT: it is too large; ERR_NOMEM. */
int larder_put(struct larder *, struct bytes key, struct reply *,
               const struct larder_item *) MUST_CHECK;
void larder_sweep(struct larder *); /* what is due goes: once a second or so */
void larder_stats(struct larder *, struct fl_cache_stats *ret);

/* How long a reply is fresh: up to a tenth less than its class says, by a
 * random number, so that what was loaded together is not renewed together. */
uint64_t larder_fresh_ms(uint64_t ttl_ms, uint64_t random);

/* *old is set if there is a new cache. ERR_NOMEM: all is as it was. */
int larder_resize(struct larder *, size_t bytes_max,
                  struct fl_cache **old) MUST_CHECK;
void larder_carry(struct larder *, struct fl_cache **old); /* clears */

#endif
