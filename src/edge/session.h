/* SPDX-License-Identifier: MIT */
/*
 * session - one HTTP/1 connection: its stream, its parser, its time-outs.
 *
 * Exchanges go one at a time, in order; what is pipelined behind one that
 * runs is kept unread and, beyond one read, not read at all. Between requests
 * a session owns neither a parser nor a request: the worker lends them.
 * Owner: edge_worker. Threads: loop.
 */
#ifndef FIELDLINE_EDGE_SESSION_H
#define FIELDLINE_EDGE_SESSION_H

#include "edge/exchange.h"

struct edge_worker;
struct session;
struct stream;

void session_open(struct edge_worker *, struct stream *); /* owns the stream */
struct stream *session_stream(const struct session *);
/* Its exchange was answered; close: no further one on this connection. */
enum session_after { SESSION_KEEP, SESSION_CLOSE };
void session_answered(struct session *, enum session_after);
void session_upgrade(struct session *, struct identity *,
                     exchange_upgraded_fn *, void *arg);
/* For the worker: at the turn's end, when draining, and after its loop. */
void sessions_ready(struct edge_worker *);
void sessions_drain(struct edge_worker *);
void sessions_free(struct edge_worker *);

#endif
