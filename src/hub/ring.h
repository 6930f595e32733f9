/* SPDX-License-Identifier: MIT */
/*
 * ring - the newest frames of the feed, for live delivery and catch-up.
 *
 * The feed's thread pushes; every worker takes what lies beyond the place it
 * has reached, so a wake-up carries nothing and a worker that is behind costs
 * no memory. A storm of reconnects is answered from here too.
 *
 *   R1  frames stand in offset order; every change in (floor, upto] that a
 *       resource serves is in the ring.
 *       While old rows are replayed, floor is upto: nobody takes what is not
 *       whole yet.
 *   R2  frames and bytes never pass their bounds: the oldest goes, and floor
 *       rises to its offset.
 *
 * Owner: hub. Threads: any, locked by its own lock.
 */
#ifndef FIELDLINE_HUB_RING_H
#define FIELDLINE_HUB_RING_H

#include "store/change.h"

struct frame;
struct ring;

struct ring_state {
    uint64_t floor, upto;
    unsigned generation; /* grows with every new epoch */
    char epoch[POSITION_EPOCH_MAX + 1];
};

int ring_new(struct ring **ret, size_t frames_max, size_t bytes_max) MUST_CHECK;
void ring_free(struct ring **);

/* In offset order. What was before the start may be replayed after the first
 * ring_advance() and before anything newer is pushed: the ring begins earlier
 * once ring_replayed() says that it is all. At most RING_REPLAY_MAX of it are
 * kept, so that an idle server is small. */
#define RING_REPLAY_MAX 1024
void ring_push(struct ring *, struct frame * /* taken */);
void ring_replayed(struct ring *);
void ring_advance(struct ring *, struct bytes epoch, uint64_t upto);
/* Drops all: nothing from before horizon is known in this epoch. */
void ring_restart(struct ring *, struct bytes epoch, uint64_t horizon);

/* A change up to offset is missing here: the ring begins anew behind it. */
void ring_forget(struct ring *, uint64_t offset);

void ring_state(struct ring *, struct ring_state *ret);

/* References to the frames beyond after and up to upto that concern tenant
 * (at NULL: any), at most max of them; *ret_after: everything up to it has
 * been looked at. ERR_STALE: the ring no longer reaches back to after. */
int ring_take(struct ring *, uint64_t after, uint64_t upto, struct bytes tenant,
              struct frame **ret, size_t max, size_t *ret_count,
              uint64_t *ret_after) MUST_CHECK;

#endif
