/* SPDX-License-Identifier: MIT */
/*
 * rig - a whole edge on real workers and sockets, for the tests to talk to.
 *
 * The test's own thread is the client, with blocking sockets; what handlers
 * do is counted in atomics, and what they hold back is let go by a letter, so
 * no test waits for a time to pass.
 * Threads: the fields stated as atomic any; the rest the test's.
 */
#ifndef FIELDLINE_TESTS_EDGE_RIG_H
#define FIELDLINE_TESTS_EDGE_RIG_H

#include "../check.h"

#include "base/buf.h"
#include "cache/tagclock.h"
#include "edge/edge.h"
#include "metrics/metrics.h"
#include "net/loop.h"
#include "net/worker.h"

#include <pthread.h>
#include <stdatomic.h>

#define RIG_WORKERS_MAX 2
#define RIG_HELD_MAX    256
#define RIG_SECRET      "a secret of thirty-two bytes or more!"
#define RIG_EPOCH       "e1"

struct held {
    struct exchange *x;
    struct edge_worker *ew;
};

struct rig {
    unsigned workers;
    struct edge_spec spec;
    struct cache_class_spec classes[2];
    struct bytes roles[2];
    struct tagclock *clock;
    struct metrics *metrics;
    struct metrics_shard *shards[RIG_WORKERS_MAX];
    struct edge *edge;
    struct worker *worker[RIG_WORKERS_MAX];
    struct edge_worker *ew[RIG_WORKERS_MAX];
    unsigned port[RIG_WORKERS_MAX];
    void (*routes_fn)(struct rig *); /* more routes, before the start */
    atomic_uint calls;               /* of handlers */
    atomic_uint slow_status;         /* what /slow answers when let go */
    atomic_uint upgraded;
    atomic_uint drained;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct held held[RIG_HELD_MAX]; /* by lock */
    unsigned held_count;
    struct held going[RIG_HELD_MAX]; /* while they are let go */
    unsigned going_count;
};

/* Defaults; the test may change spec and workers before rig_start(). */
void rig_init(struct rig *);
void rig_start(struct rig *);
void rig_stop(struct rig *);
/* Waits until that many exchanges are held by /slow. */
void rig_held_wait(struct rig *, unsigned count);
void rig_held_release(struct rig *); /* all of them, on their workers */
/* Runs fn on a worker and waits for its end. */
void rig_on_worker(struct rig *, unsigned worker,
                   void (*fn)(struct rig *, struct edge_worker *));
/* Waits, by turns of the worker, until the series' metric has this total. */
void rig_total_wait(struct rig *, enum metric, uint64_t total);
void rig_gauge_wait(struct rig *, enum metric, double value);

/* A header line "Authorization: Bearer …\r\n" in a buffer of its own. */
const char *rig_token(struct rig *, const char *user, const char *tenant,
                      const char *role);

/* ---- the client ---- */

struct client {
    int fd;
    char in[1 << 20];
    size_t len; /* read, not yet taken */
};
struct answer {
    unsigned status;
    char head[16384];
    char body[1 << 20];
    size_t body_len;
};

struct client *client_open(struct rig *, unsigned worker);
void client_close(struct client **);
void client_send(struct client *, const char *text);
void client_send_bytes(struct client *, struct bytes);
/* The next whole answer; no_body: to a HEAD. Fails the test at the end of the
 * stream. */
enum client_body { CLIENT_BODY, CLIENT_NO_BODY };
const struct answer *client_answer(struct client *, enum client_body);
bool client_at_end(struct client *); /* reads until the peer closes */
/* Sends "GET target" with the extra header lines and returns the answer. */
const struct answer *client_get(struct client *, const char *target,
                                const char *lines);
/* The value of a header, NUL-terminated, or NULL; valid until the next call. */
const char *answer_header(const struct answer *, const char *name);

#endif
