/* SPDX-License-Identifier: MIT */
/*
 * flight - one load for any number of requests of the same thing.
 *
 * The first request for a key that is not cached LEADS; those that come
 * meanwhile, on any worker, JOIN and wait for a letter. What a joiner gets:
 *
 *   reply    the leader's, when nothing it depends on has moved since its
 *            stamp up to its end (so nothing the joiner had seen is missing),
 *            or when the flight began after the joiner had arrived
 *   AGAIN    a change passed meanwhile: ask again; the next flight began
 *            after the joiner came, so there is no third time
 *   ALONE    there is nothing to share (an error, not cacheable): the joiner
 *            runs by itself, and does not wait behind the others
 *
 * Owner: edge. Threads: any, locked by shard.
 */
#ifndef FIELDLINE_EDGE_FLIGHT_H
#define FIELDLINE_EDGE_FLIGHT_H

#include "cache/tagclock.h"
#include "net/worker.h"

#include "base/bytes.h"

struct flight;
struct flights;
struct reply;

enum flight_part { FLIGHT_LEADS, FLIGHT_JOINED, FLIGHT_ALONE };
enum flight_verdict { FLIGHT_REPLY, FLIGHT_AGAIN, FLIGHT_BY_ITSELF };

/* A joiner. Embedded, its owner's memory until the letter has come. */
struct flight_waiter {
    struct letter letter; /* first; its fn is set by the owner */
    struct flight_waiter *next;
    struct worker *worker;
    bool again; /* has been told AGAIN before: any flight will do */
    enum flight_verdict verdict;
    struct reply *reply; /* with FLIGHT_REPLY: a reference of its own */
};

int flights_new(struct flights **ret, struct tagclock *) MUST_CHECK;
void flights_free(struct flights **);

/* position: the stamp that covers what the joiner must see. LEADS sets *ret and
 * *stamp, the clock's stamp from before; ALONE is also the answer when memory
 * is out. */
enum flight_part flight_enter(struct flights *, struct bytes key,
                              uint64_t position, struct flight_waiter *,
                              struct flight **ret, uint64_t *stamp);
/* Leads or does nothing: for a renewal that nobody waits for. */
bool flight_lead(struct flights *, struct bytes key, struct flight **ret,
                 uint64_t *stamp);
/* By the leader, after what may be cached is in the cache. reply may be NULL;
 * it is borrowed. Returns how many had joined. */
unsigned flight_end(struct flights *, struct flight **, struct reply *,
                    const struct tagset *);
/* A worker ends: none of its joiners is told any more. While no other runs. */
void flights_leave(struct flights *, const struct worker *);

#endif
