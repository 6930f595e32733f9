/* SPDX-License-Identifier: MIT */
/*
 * tagclock - when did anything with this tag last change?
 *
 * A fixed, set-associative table (8 ways). A tag's 64-bit hash picks a set, in
 * which a fingerprint of it stands with the offset of the tag's last change.
 * When a set is full its oldest row is overwritten and the set's FLOOR rises
 * to the offset lost; a tag that is not found counts as changed at its set's
 * floor. So forgetting costs a reload and never a stale answer, and
 * invalidation is one store. Two tags that share a fingerprint share a row:
 * that too only costs reloads.
 *
 * Invariant: for every tag, tagclock_at(tag) >= the offset of its last move.
 *
 * The clock also carries the node's HORIZON: every change up to it has been
 * applied to the clock. A loader takes its STAMP BEFORE it reads: the horizon
 * joined with the number of restarts, so that a stamp of an earlier epoch is
 * never valid again. The same node's clock must check what it stamped.
 * Threads: any. Moves to one set are serialised by its lock bit; readers never
 * wait, never retry, never write.
 */
#ifndef FIELDLINE_CACHE_TAGCLOCK_H
#define FIELDLINE_CACHE_TAGCLOCK_H

#include "base/attr.h"
#include "fieldline/allocator.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tagclock;

#define TAGCLOCK_TAGS_MAX   4
#define TAGCLOCK_OFFSET_MAX ((UINT64_C(1) << 44) - 1)

/* The same for whom it has a public name. */
struct fl_tagclock;
static inline struct fl_tagclock *tagclock_public(struct tagclock *c)
{
    return (struct fl_tagclock *)c;
}

/* What a cached thing depends on. */
struct tagset {
    uint64_t scope; /* the tenant's tag: if it has not moved since the stamp
                       nothing below it has. 0: there is no such cell. */
    uint64_t tags[TAGCLOCK_TAGS_MAX];
    unsigned count;
};

/* bytes: the table's size, a power of two from 4 KB to 1 GB (16 MB usual).
 * Memory is touched as it is used. ERR_RANGE, ERR_NOMEM. */
int tagclock_new(struct tagclock **ret, size_t bytes) MUST_CHECK;
/* In memory of a given allocator, NULL for the own. ERR_INVALID: it is none. */
int tagclock_new_with(struct tagclock **ret, size_t bytes,
                      const struct fl_allocator *) MUST_CHECK;
void tagclock_free(struct tagclock **); /* NULL-safe, clears */

/* The tag changed at offset. Never goes back. */
void tagclock_move(struct tagclock *, uint64_t tag, uint64_t offset);
/* Everything counts as changed at offset (start, reset). */
void tagclock_move_all(struct tagclock *, uint64_t offset);
uint64_t tagclock_at(const struct tagclock *, uint64_t tag);
/* No tag of the set has moved past the stamp. */
bool tagclock_valid(const struct tagclock *, const struct tagset *,
                    uint64_t stamp);

/* Set by the feed after it applied everything up to offset. A smaller value is
 * taken only with tagclock_restart (a new epoch), which also moves all. */
void tagclock_advance(struct tagclock *, uint64_t horizon);
uint64_t tagclock_horizon(const struct tagclock *);
uint64_t tagclock_stamp(const struct tagclock *); /* for tagclock_valid */
void tagclock_restart(struct tagclock *, uint64_t horizon);

/* While set, nothing counts as valid: the feed cannot be read. */
void tagclock_set_stale(struct tagclock *, bool stale);
bool tagclock_is_stale(const struct tagclock *);

/* The largest floor: what changed before it may have been forgotten. */
uint64_t tagclock_floor_max(const struct tagclock *);

#endif
