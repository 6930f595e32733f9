/* SPDX-License-Identifier: MIT */
/*
 * frame - one change of the feed, as the hub publishes it.
 *
 * A FRAME holds the change row with what it means (struct data_event), in
 * memory of its own. What a session may see of it is its VIEW, a question of
 * identity alone and not of topics; the packet for a view and a role mask is
 * encoded when the first session needs it and kept. The table is never read
 * again, so a row that has moved on is not shown to the wrong tenant.
 *
 *   where the row was seen   where it is now   view
 *   here                     here              FRAME_ROW, the change itself
 *   elsewhere                here              FRAME_ENTERED, with the row
 *   here                     elsewhere         FRAME_LEFT, without it
 *   elsewhere                elsewhere         FRAME_HIDDEN
 *
 * Owner: whoever holds a reference. Threads: any; packets are published
 * atomically, the rest is immutable.
 */
#ifndef FIELDLINE_HUB_FRAME_H
#define FIELDLINE_HUB_FRAME_H

#include "data/data.h"

#include <stdatomic.h>

struct identity;
struct packet;
struct variant;

enum frame_view { FRAME_HIDDEN, FRAME_ROW, FRAME_ENTERED, FRAME_LEFT };

struct frame {
    atomic_uint refs;
    struct change change;
    struct data_event event;
    char position[POSITION_TEXT_MAX + 1];
    uint64_t received_ns;
    size_t bytes; /* what it costs, one packet included */
    _Atomic(struct variant *) variants;
    char text[];
};

/* ERR_NOT_FOUND: no resource serves the table. */
int frame_new(struct frame **ret, const struct data *, const struct change *,
              struct bytes epoch) MUST_CHECK;
struct frame *frame_ref(struct frame *);
void frame_unref(struct frame **); /* NULL-safe, clears */

/* Anything of the resource may have changed: there is no row to tell. */
static inline bool frame_is_reset(const struct frame *f)
{
    return f->change.op == CHANGE_RESET;
}
/* No tenant's in particular: a table that everyone sees, or a reset of all. */
bool frame_is_everyones(const struct frame *);
bool frame_concerns(const struct frame *, struct bytes tenant);

enum frame_view frame_view(const struct frame *, const struct identity *);
/* Borrowed; NULL when holders of these roles may not read the resource, or
 * memory is short. */
struct packet *frame_packet(struct frame *, enum frame_view, role_mask);

#endif
