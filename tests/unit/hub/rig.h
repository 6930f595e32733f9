/* SPDX-License-Identifier: MIT */
/*
 * rig - the hub over a real store, edge, workers and sockets; the feed is the
 * test's own hand.
 *
 * The test's thread is the client, with blocking sockets. A change reaches the
 * hub when rig_round() says so, with whatever epoch, horizon and low-water
 * mark the test has set: rig.c stands in for the feed room.
 * Threads: the test's.
 */
#ifndef FIELDLINE_TESTS_HUB_RIG_H
#define FIELDLINE_TESTS_HUB_RIG_H

#include "../check.h"

#include "hub/hub.h"
#include "live/live.h"
#include "net/worker.h"
#include "proto/ws.h"

#include <jansson.h>

#define RIG_WORKERS 2

/* The roles of the rig's application. CLINIC may read no stops. */
#define MANAGE 1u
#define DRIVE  2u
#define CLINIC 4u

struct rig;
struct ws;

/* hub: NULL for the defaults. */
struct rig *rig_new(const struct hub_spec *hub);
void rig_free(struct rig *);
const struct hub_spec *rig_hub_spec(void); /* the defaults, to copy */
struct hub *rig_hub(struct rig *);
struct metrics *rig_metrics(struct rig *);
unsigned rig_port(struct rig *, unsigned worker);

void rig_sql(struct rig *, const char *sql);
/* Everything committed so far goes through the hub's feed reader; returns when
 * the workers have delivered it. */
void rig_round(struct rig *);
/* A round that finds another history: the epoch changes. */
void rig_restart(struct rig *, const char *epoch);
void rig_low_water(struct rig *, uint64_t offset);
uint64_t rig_horizon(struct rig *);
/* "epoch:offset", in one of a few buffers that are used in turn. */
const char *rig_position(struct rig *, uint64_t offset);
/* Runs fn on the worker and waits for its end. */
void rig_on_worker(struct rig *, unsigned worker,
                   void (*fn)(struct hub_worker *, void *arg), void *arg);
void rig_settle(struct rig *); /* every worker has had a turn */
/* Keeps worker 1 from its mail, so that it falls behind, until released; what
 * waits for every worker then waits for the others. */
void rig_hold(struct rig *);
void rig_release(struct rig *);
/* Reads the live positions back, as at start; or writes them, as at stop. */
void rig_live_restore(struct rig *);
void rig_live_flush(struct rig *);
struct live *rig_live(struct rig *);

/* The body of GET target with a token; the caller frees it. */
char *rig_get(struct rig *, const char *token, const char *target,
              unsigned *status);
const char *rig_token(struct rig *, const char *user, const char *tenant,
                      const char *role, unsigned ttl_s);

/* ---- a client --------------------------------------------------------- */

/* Sends a handshake with these more header lines; the status of the answer. */
unsigned ws_handshake_status(struct rig *, const char *lines);
struct ws *ws_open(struct rig *, unsigned worker, const char *lines);
void ws_free(struct ws *);
void ws_send(struct ws *, const char *fmt, ...) PRINTF_LIKE(2, 3);
void ws_send_frame(struct ws *, enum ws_opcode, struct bytes payload);
void ws_send_raw(struct ws *, struct bytes bytes);
/* The next message, borrowed until the next call; control frames are answered
 * or passed over. Fails the test when the connection ends. */
const json_t *ws_next(struct ws *);
/* NULL when the server closes. */
const json_t *ws_next_or_close(struct ws *);
size_t ws_received(const struct ws *); /* bytes */
/* As ws_next(), and it must have this type. */
const json_t *ws_expect(struct ws *, const char *type);
/* Nothing but what was asked for has come: a PING's PONG is next. */
void ws_expect_nothing(struct ws *);
/* The code the server closes with; messages before it are passed over. */
unsigned ws_close_code(struct ws *);
unsigned ws_pings(const struct ws *); /* WebSocket pings seen */

/* Opened, CONNECTed (position NULL: none) and CONNECTED read. */
struct ws *ws_session(struct rig *, unsigned worker, const char *user,
                      const char *tenant, const char *role,
                      const char *position);
/* topics: JSON strings between commas; the SUBSCRIBED is read. */
void ws_subscribe(struct ws *, const char *topics, const char *position);

const char *text_of(const json_t *, const char *name); /* "" if missing */
void check_change(const json_t *, const char *type, const char *op,
                  const char *key);

#endif
