/* SPDX-License-Identifier: MIT */
/*
 * catchup - what a session missed, exactly once and in order.
 *
 *   cursor < ring's floor    the change table, in one scan shared by all who
 *                            are that far back (scan.waiting, scan.members)
 *   cursor < delivered       the ring
 *   cursor = delivered       LIVE, unless a subscription begins later still
 *
 * While CATCHING the worker's live delivery passes the session by, and the
 * catch-up covers old and new subscriptions alike. A change at offset o is
 * sent when
 *   o >  sent   any subscription with since < o carries it;
 *   o <= sent   a fresh one with since < o carries it, and no old one with
 *               since < o does, for then it was sent already.
 * A session whose queue is half full is passed over until it has drained.
 * Threads: loop.
 */
#ifndef FIELDLINE_HUB_CATCHUP_H
#define FIELDLINE_HUB_CATCHUP_H

#include "base/bytes.h"

struct hub_worker;
struct session;

void catchup_init(struct hub_worker *);
void catchup_fini(struct hub_worker *); /* the store session is closed */

/* Fresh subscriptions were added to a LIVE session. */
void catchup_begin(struct session *);
/* As far as it goes now. */
void catchup_pump(struct session *);
/* The worker has delivered more. */
void catchup_pump_all(struct hub_worker *);
/* The ring ran away from the worker: every LIVE session catches up. */
void catchup_begin_all(struct hub_worker *);
/* What was before is unknown; what comes from now on is told. */
void catchup_reload(struct session *, const char *reason);
/* May a session begin there? 0, or ERR_STALE and why. */
int catchup_check(struct hub_worker *, struct bytes position,
                  uint64_t *ret_offset, const char **ret_reason) MUST_CHECK;

#endif
