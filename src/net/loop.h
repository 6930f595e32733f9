/* SPDX-License-Identifier: MIT */
/*
 * loop - one thread's event loop over libuv: timers, deferred frees, turns.
 *
 * A TURN is one pass of the loop. What is written to streams during a turn is
 * sent together at its end, so an idle system adds no delay and a busy one
 * makes fewer system calls. Nothing is freed inside its own callback:
 * loop_defer_free() frees at the turn's end.
 * Owner: worker. Threads: loop.
 */
#ifndef FIELDLINE_NET_LOOP_H
#define FIELDLINE_NET_LOOP_H

#include "base/attr.h"
#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct uv_loop_s;

typedef void loop_free_fn(void *);
typedef void loop_turn_fn(void *arg);

int loop_new(struct loop **ret) MUST_CHECK;
void loop_free(struct loop **); /* after loop_run() returned */
int loop_run(struct loop *) MUST_CHECK;
void loop_stop(struct loop *); /* after this turn; on the loop's thread */

uint64_t loop_now_ns(struct loop *);       /* monotonic, taken once a turn */
uint64_t loop_now_ms(const struct loop *); /* the clock of the timers */
struct uv_loop_s *loop_uv(struct loop *);

void loop_defer_free(struct loop *, void *at, loop_free_fn *);

/* Called at the end of each turn in which loop_turn_ask() was called for it. */
struct loop_turn {
    struct list link;
    loop_turn_fn *fn;
    void *arg;
};
void loop_turn_init(struct loop_turn *, loop_turn_fn *, void *arg);
void loop_turn_ask(struct loop *, struct loop_turn *); /* idempotent */
void loop_turn_drop(struct loop_turn *);

/*
 * Timers on one timing wheel: never early by the loop's clock, late by at most
 * 10 ms or 1/15 of the delay, whichever is more. Embedded, 48 bytes or less;
 * starting, restarting and stopping are O(1), and a loop without timers never
 * wakes for them. fn runs on the loop and may start, stop or free (through
 * loop_defer_free()) any timer, its own too.
 */
struct timer;
typedef void timer_fn(struct timer *, void *arg);
struct timer {
    struct list link;
    timer_fn *fn;
    void *arg;
    uint64_t at_ms;
};
void timer_init(struct timer *, timer_fn *, void *arg);
void timer_start(struct loop *, struct timer *, uint64_t after_ms);
void timer_stop(struct timer *);
bool timer_is_active(const struct timer *);

#endif
