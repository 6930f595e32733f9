/* SPDX-License-Identifier: MIT */
/*
 * lane - a session's second lane: one place per slot, overwritten in place.
 *
 * It exists only while the session's stream is behind: what comes while the
 * kernel is full waits here, and a newer value takes the older one's place.
 * Places are emptied oldest first. Past LANE_PLACES_MAX the oldest place is
 * given up, so a reader that never reads costs a bounded amount.
 * Owner: session. Threads: loop.
 */
#ifndef FIELDLINE_HUB_LANE_H
#define FIELDLINE_HUB_LANE_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>

struct lane;
struct note;

#define LANE_PLACES_MAX 2048

int lane_new(struct lane **ret) MUST_CHECK;
void lane_free(struct lane **); /* NULL-safe, clears */
size_t lane_count(const struct lane *);
/* *replaced: a value that was not sent has gone. */
int lane_put(struct lane *, struct note * /* takes a reference */,
             bool *replaced) MUST_CHECK;
/* The oldest place's note, which the caller now owns; NULL when empty. */
struct note *lane_take(struct lane *);

#endif
