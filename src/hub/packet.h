/* SPDX-License-Identifier: MIT */
/*
 * packet - one message of the server, encoded once for all who get it.
 *
 * A PACKET holds the complete WebSocket frame as a blob, and its compressed
 * form from the first time that a session with permessage-deflate needs it.
 * Where compression does not pay both are the same blob.
 * Owner: whoever holds a reference. Threads: any; the forms are immutable, the
 * compressed one is published once, atomically.
 */
#ifndef FIELDLINE_HUB_PACKET_H
#define FIELDLINE_HUB_PACKET_H

#include "base/bytes.h"

struct blob;
struct packet;
struct ws_deflate;

/* Shorter messages are not worth a compressor's time. */
#define PACKET_DEFLATE_MIN 256

int packet_new(struct packet **ret, struct bytes json) MUST_CHECK;
struct packet *packet_ref(struct packet *);
void packet_unref(struct packet **); /* NULL-safe, clears */

/* The frame to send, borrowed. deflate NULL: the session did not negotiate. */
struct blob *packet_frame(struct packet *, struct ws_deflate *);
struct bytes packet_json(const struct packet *);

#endif
