/* SPDX-License-Identifier: MIT */
/*
 * respond - a reply onto the wire, its head printed in the stream's own room.
 *
 * Here, once for every reply: conditions (304), HEAD, the coding, the lines
 * that differ from one sending to the next, and the counters.
 * Threads: loop.
 */
#ifndef FIELDLINE_EDGE_RESPOND_H
#define FIELDLINE_EDGE_RESPOND_H

#include "edge/internal.h"

struct reply;

struct serving {
    enum cache_outcome outcome;
    bool has_position;
    uint64_t stamp; /* what the reply covers */
    int64_t ttl_s;
};

/* The reply is borrowed. Does not end the request. */
void respond(struct request *, struct reply *, const struct serving *);
/* The head of a 101. */
void respond_upgrade(struct request *, struct bytes protocol);
/* The lines of a reply that are the same whoever it is sent to. */
void respond_lines(struct request *, unsigned status, const char *content_type,
                   struct buf *out);

#endif
