/* SPDX-License-Identifier: MIT */
/*
 * behind - positions written to the store after the fact, and read at start.
 *
 * Every flush_ms what has moved is written, one batch of BEHIND_BATCH at a
 * time, each one transaction, the next as soon as the last is durable. A batch
 * that fails is dirty again and waits for the next round. One write is in
 * flight at most.
 * Owner: the live_worker of worker 0. Threads: loop.
 */
#ifndef FIELDLINE_LIVE_BEHIND_H
#define FIELDLINE_LIVE_BEHIND_H

#include "live/live.h"

struct behind;
struct fleet;
struct loop;

#define BEHIND_BATCH 256

int behind_new(struct behind **ret, struct fleet *const *, unsigned fleet_count,
               const struct live_spec *, struct loop *,
               struct store_session *) MUST_CHECK;
void behind_free(struct behind **); /* the store session is closed */
void behind_restore(struct behind *, live_done_fn *, void *arg);
void behind_flush(struct behind *, live_done_fn *, void *arg);

#endif
