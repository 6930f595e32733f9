/* SPDX-License-Identifier: MIT */
/*
 * subscribe - who may hear what: SUBSCRIBE and UNSUBSCRIBE, in order.
 *
 * Each is a JOB of its session. The first job is under way, the others wait:
 * a job waits for the rows of record topics to be looked up, and after it
 * until its past has been caught up with. So the order of messages holds.
 * Owner: session. Threads: loop.
 */
#ifndef FIELDLINE_HUB_SUBSCRIBE_H
#define FIELDLINE_HUB_SUBSCRIBE_H

#include "base/bytes.h"

#include <jansson.h>

struct session;

void subscribe_message(struct session *, const json_t *, struct bytes id);
void unsubscribe_message(struct session *, const json_t *, struct bytes id);
/* The session is LIVE again: the next job. */
void subscribe_next(struct session *);
/* The session ends. */
void subscribe_forget(struct session *);

#endif
