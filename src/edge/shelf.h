/* SPDX-License-Identifier: MIT */
/*
 * shelf - the replies of one cache class that are kept, and how many may be.
 *
 * The cache bounds all classes together, by bytes; a SHELF bounds the entries
 * of one. A reply comes onto it before it comes into the cache and is taken off
 * when it leaves that, so what stands here has a reference: first its maker's,
 * then the cache's. Once it is in the cache it has SETTLED; only the settled
 * are asked to leave for others. The one that stands longest leaves; who was
 * used since it was looked at last is passed over once.
 *
 * Invariant: when nobody is between put and settle there are no more than may
 * be.
 * Owner: the larder. Threads: any, locked by the shelf; a hit takes no lock.
 * The cache tells under a lock of its own that something leaves, so the cache
 * is never called under the shelf's.
 */
#ifndef FIELDLINE_EDGE_SHELF_H
#define FIELDLINE_EDGE_SHELF_H

#include "edge/reply.h"

struct shelf;

int shelf_new(struct shelf **ret,
              size_t entries_max /* 0: no bound */) MUST_CHECK;
void shelf_free(struct shelf **); /* nothing stands on it any more */

/* Before it comes into the cache under this key. ERR_NOMEM: it may not. */
int shelf_put(struct shelf *, struct reply *, struct bytes key) MUST_CHECK;
/* It has come into the cache. To be called until it returns NULL: who has to
 * leave the cache for it, off the shelf already, with a reference. */
struct reply *shelf_settle(struct reply *) MUST_CHECK;
/* It leaves the cache, or has not come into it. */
void shelf_leave(struct reply *);

#endif
