/* SPDX-License-Identifier: MIT */
/*
 * native - Fieldline's own protocol: JSON texts over WebSocket frames.
 *
 * docs/protocol.md is its description. Here the messages of clients are read
 * and dispatched, and what is said to ONE session is written; what goes to
 * many is a frame or a note.
 * Threads: loop.
 */
#ifndef FIELDLINE_HUB_NATIVE_H
#define FIELDLINE_HUB_NATIVE_H

#include "hub/codes.h"
#include "hub/topic.h"

#include <jansson.h>

struct buf;
struct data_event;
struct frame;
struct session;

#define NATIVE_ID_MAX 128 /* bytes of a message's id */

/* One message of the client. */
void native_message(struct session *, struct bytes text);

/* An ERROR. The id is that of the message; empty for none. */
void native_refuse(struct session *, enum refusal, struct bytes id,
                   const char *text);
void native_ack(struct session *, struct bytes id);
/* What the session had before its present position may be incomplete. */
void native_must_reload(struct session *, const char *reason,
                        struct bytes resource /* empty: all */);
void native_reset(struct session *, const struct frame *,
                  const struct data_event *, bool last);
/* The server is going away: DISCONNECT, then 4009. */
void native_goodbye(struct session *);
/* SUBSCRIBED or UNSUBSCRIBED. topics is a list of JSON strings; what lies
 * beyond the offset follows. */
void native_subscribed(struct session *, const char *type, struct bytes topics,
                       uint64_t offset, struct bytes id);
/* text: empty for the refusal's usual one. */
void native_topic_refused(struct session *, enum refusal, struct bytes text,
                          struct bytes topic, struct bytes id);

/* ",name":"value" */
void native_member(struct buf *, const char *name, struct bytes value);

#endif
