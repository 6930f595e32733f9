/* SPDX-License-Identifier: MIT */
/*
 * relay - declared messages: may he send it, to whom does it go.
 *
 * What is passed on is written by the server: the payload again as JSON, and
 * who sent it and when, which the sender cannot choose.
 * Threads: loop; relay_publish any.
 */
#ifndef FIELDLINE_HUB_RELAY_H
#define FIELDLINE_HUB_RELAY_H

#include "hub/spec.h"

#include <jansson.h>

struct hub_worker;
struct note;
struct session;

#define RELAY_KEY_MAX 128 /* bytes of an object's key */

void relay_message(struct session *, const struct message_spec *,
                   const json_t *message, struct bytes id);
/* To this worker's sessions, and by mail to the other workers'. */
void relay_out(struct note *, void *worker);

#endif
