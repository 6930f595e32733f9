/* SPDX-License-Identifier: MIT */
/*
 * shelf - the replies of one cache class that are kept, and how many may be.
 *
 * The cache bounds all classes together, by bytes; a SHELF bounds the entries
 * of one. A reply stands on it from when it is cached until it is freed, so for
 * a little longer while it is still being sent. When there is one too many, the
 * one that stands there longest leaves the cache; who was used since it was
 * looked at last is passed over once. Owner: edge. Threads: any, locked by the
 * shelf; a hit takes no lock.
 */
#ifndef FIELDLINE_EDGE_SHELF_H
#define FIELDLINE_EDGE_SHELF_H

#include "edge/reply.h"

struct shelf;

int shelf_new(struct shelf **ret, struct cache *,
              size_t entries_max /* 0: no bound */) MUST_CHECK;
void shelf_free(struct shelf **); /* nothing stands on it any more */
/* The reply has just been cached under this key: another may have to leave the
 * cache for it. ERR_NOMEM: it has left itself. */
int shelf_put(struct shelf *, struct reply *, struct bytes key,
              uint64_t hash) MUST_CHECK;
/* By the reply's end; does nothing when it stands on none. */
void shelf_leave(struct reply *);

#endif
