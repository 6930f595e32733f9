/* SPDX-License-Identifier: MIT */
/*
 * worker - a thread with a loop and a mailbox; workers - all of them.
 *
 * A connection lives and dies on its worker. Others speak to a worker only by
 * post: an intrusive, lock-free, many-producer queue and one wake-up. Letters
 * from one thread arrive in the order they were posted.
 * Owner: app. Threads: worker_post() any; the rest as stated.
 */
#ifndef FIELDLINE_NET_WORKER_H
#define FIELDLINE_NET_WORKER_H

#include "base/attr.h"

#include <stdatomic.h>
#include <stddef.h>

struct loop;
struct worker;

struct letter;
typedef void letter_fn(struct worker *, struct letter *); /* owns the letter */
struct letter {
    _Atomic(struct letter *) next;
    letter_fn *fn;
};

/* Runs on the new thread: before its loop starts, and after it ended. A start
 * that fails makes worker_start(), or worker_up(), return its error. */
struct worker_events {
    int (*start_fn)(struct worker *, void *arg);
    void (*stop_fn)(struct worker *, void *arg);
};

#define WORKERS_MAX 64

int worker_new(struct worker **ret, const char *name, unsigned index,
               const struct worker_events *, void *arg) MUST_CHECK;
int worker_start(struct worker *) MUST_CHECK; /* returns once start_fn did */
/* The two halves of it, for who starts several at once: after a launch that
 * returned 0 an up must follow. */
int worker_launch(struct worker *) MUST_CHECK;
int worker_up(struct worker *) MUST_CHECK;
void worker_stop(struct worker *);  /* asks the loop to end; any thread */
void worker_join(struct worker *);  /* waits; mail still queued is delivered
                                       before stop_fn */
void worker_free(struct worker **); /* after join; closes what is left open */

/* Stops and joins all of them as one: the last mail is delivered and stop_fn
 * called only after the last loop has ended, so none of them posts to one that
 * is gone. stop_fn and letters delivered then post no more. */
void workers_stop(struct worker *const *, size_t count);

void worker_post(struct worker *, struct letter * /* taken */);
struct loop *worker_loop(struct worker *);
unsigned worker_index(const struct worker *);
void *worker_arg(const struct worker *); /* as given to worker_new */
struct worker *worker_current(void);     /* of this thread, or NULL */

#endif
