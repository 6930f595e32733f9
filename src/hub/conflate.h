/* SPDX-License-Identifier: MIT */
/*
 * conflate - the last value wins, once for each slot and not for each session.
 *
 * A slot is a type and a key within a tenant. Its first value goes out at
 * once and opens a window; later values wait for the window's end and only
 * the last of them goes out, which opens the next window. A window that ends
 * without a value closes the slot, so idle keys cost nothing.
 *
 *   (none) --value: sent--> OPEN --value--> HELD --end: sent--> OPEN
 *                             \--end--> (none)
 *
 * Owner: hub_worker. Threads: loop.
 */
#ifndef FIELDLINE_HUB_CONFLATE_H
#define FIELDLINE_HUB_CONFLATE_H

#include "base/bytes.h"

struct conflate;
struct loop;
struct note;

#define CONFLATE_SLOTS_MAX 65536 /* past it a value goes out at once */

typedef void conflate_out_fn(struct note * /* borrowed */, void *arg);

int conflate_new(struct conflate **ret, struct loop *, conflate_out_fn *,
                 void *arg) MUST_CHECK;
void conflate_free(struct conflate **);
/* True: it took the place of one that was not sent. */
bool conflate_put(struct conflate *, struct note * /* takes a reference */,
                  unsigned window_ms);

#endif
