/* SPDX-License-Identifier: MIT */
/*
 * pipeline - route, identify, answer from cache, handler: in this order, for
 * every request whatever carried it.
 *
 *   pipeline_open ---> (the session reads the body) ---> pipeline_run
 *        \--> answered                       /--> hit: answered
 *        run: position ahead? wait --> lookup --> joined: wait for the flight
 *                                            \--> handler --> pipeline_finish
 *
 * Threads: loop.
 */
#ifndef FIELDLINE_EDGE_PIPELINE_H
#define FIELDLINE_EDGE_PIPELINE_H

#include "edge/internal.h"

struct reply;

/* False: answered (no such route, no identity, too large). The head may still
 * borrow the read buffer. */
bool pipeline_open(struct request *, const struct http_head *);
/* The body is in r->body, as sent. Decodes it; false: answered. */
bool pipeline_body(struct request *);
void pipeline_run(struct request *);
/* The handler's answer, taken (NULL: out of memory). */
void pipeline_finish(struct request *, struct reply *);
/* A piece of body arrived. Answers when it is too much. */
void pipeline_body_piece(struct request *, struct bytes);
/* The feed has moved: whoever waits for a position looks again. */
void pipeline_positions_check(struct edge_worker *);

#endif
