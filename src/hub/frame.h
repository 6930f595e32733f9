/* SPDX-License-Identifier: MIT */
/*
 * frame - one change of the feed, as the hub publishes it.
 *
 * A FRAME holds the change row with what it means (struct data_event) under
 * each resource of its table, in memory of its own. What a session may see of
 * an event is its VIEW, a question of identity alone and not of topics; the
 * packet for a view and a role mask is encoded when the first session needs it
 * and kept. The LAST packet that a session gets of a frame has the position,
 * so that nothing is lost to a connection that is cut between two. The table is
 * never read again, so a row that has moved on is not shown to the wrong
 * tenant.
 *
 *   where the row was seen   where it is now   view
 *   here                     here              FRAME_ROW, the change itself
 *   elsewhere                here              FRAME_ENTERED, with the row
 *   here                     elsewhere         FRAME_LEFT: that it went
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
    char position[POSITION_TEXT_MAX + 1];
    uint64_t received_ns;
    size_t bytes; /* what it costs, one packet included */
    _Atomic(struct variant *) variants;
    unsigned event_count; /* at least one */
    struct data_event events[];
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
/* Has it an event of no tenant in particular: of a resource that everyone
 * sees, or a reset of all? */
bool frame_is_everyones(const struct frame *);
bool frame_concerns(const struct frame *, struct bytes tenant);
bool frame_event_concerns(const struct frame *, const struct data_event *,
                          struct bytes tenant);

enum frame_view frame_view(const struct frame *, const struct data_event *,
                           const struct identity *);
/* Its message type by the publish rules; empty: none. */
static inline struct bytes frame_type(const struct data_event *e,
                                      enum frame_view view)
{
    return view == FRAME_LEFT ? e->left_type : e->type;
}
/* Borrowed; NULL when holders of these roles may not read the resource, or
 * memory is short. */
struct packet *frame_packet(struct frame *, const struct data_event *,
                            enum frame_view, role_mask, bool last);

#endif
