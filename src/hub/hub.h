/* SPDX-License-Identifier: MIT */
/*
 * hub - sessions, topics and what is published to them.
 *
 * HUB is shared; HUB_WORKER is one worker's sessions and topics. The feed's
 * rows reach every worker by mail, encoded once (struct frame); each worker
 * walks its own topics. Recent frames stand in a bounded ring for catch-up.
 * The wire is in docs/protocol.md.
 * Owner: app. Threads: hub_feed_reader's functions on the feed's thread,
 * hub_worker loop.
 */
#ifndef FIELDLINE_HUB_HUB_H
#define FIELDLINE_HUB_HUB_H

#include "hub/spec.h"

struct data;
struct edge;
struct edge_worker;
struct feed;
struct feed_reader;
struct hub;
struct hub_worker;
struct metrics;
struct metrics_shard;
struct store_session;
struct tagclock;
struct worker;

/* A declared message that moves an object, given to live/ by app/. Returns 0
 * or an error that is told to the sender. On the sender's worker. */
typedef int hub_moved_fn(struct worker *, const struct message_spec *,
                         struct bytes tenant, struct bytes key, double lat,
                         double lng, struct bytes payload, void *arg);

int hub_new(struct hub **ret, const struct hub_spec *, struct data *,
            struct feed *, struct metrics *) MUST_CHECK;
void hub_free(struct hub **);
void hub_moved_set(struct hub *, hub_moved_fn *, void *arg);
void hub_feed_reader(struct hub *, struct feed_reader *ret);
/* GET /ws */
int hub_routes(struct hub *, struct edge *) MUST_CHECK;

int hub_worker_new(struct hub_worker **ret, struct hub *, struct edge_worker *,
                   struct store_session *, struct metrics_shard *) MUST_CHECK;
/* Tells every session to come back elsewhere, spread over spread_ms. */
void hub_worker_drain(struct hub_worker *, uint64_t spread_ms);
/* After its loop ended and its store session was closed; the feed, which
 * wakes workers, stopped before. */
void hub_worker_free(struct hub_worker **);
size_t hub_worker_sessions(const struct hub_worker *);

/* To a tenant's holders of any of these roles, on every worker; any thread. */
int hub_publish(struct hub *, struct bytes tenant, role_mask to,
                struct bytes type, struct bytes payload) MUST_CHECK;

#endif
