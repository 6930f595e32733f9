/* SPDX-License-Identifier: MIT */
/*
 * wheel - the timing wheel behind struct timer, with the time passed in.
 *
 * Ten levels of 64 slots. A slot of level k is 4^k ticks of 10 ms wide. A
 * timer is put once, into the finest level whose reach covers its delay,
 * behind its due time: it is never early, is late by at most the slot's width,
 * and never moves between levels. A delay that level k takes is at least
 * 63 * 4^(k-1) ticks, so the lateness stays under 10 ms or 1/15 of the delay.
 *
 *   W1  tick is the last tick that was run; every timer waits in a slot whose
 *       tick lies after it, at most 64 slots of its level ahead.
 *   W2  due is never after the tick of the first slot that holds a timer.
 *   W3  a slot that holds a timer has its bit set. A bit may outlive its
 *       timers (timer_stop() does not know the wheel); the scan clears it.
 *
 * Owner: loop. Threads: loop.
 * Not here: waking up in time (loop.c).
 */
#ifndef FIELDLINE_NET_WHEEL_H
#define FIELDLINE_NET_WHEEL_H

#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

#define WHEEL_TICK_MS    10
#define WHEEL_SLOTS      64
#define WHEEL_LEVEL_BITS 2 /* a level's slots are 4 times the one's below */
#define WHEEL_LEVELS     10
#define WHEEL_NEVER      UINT64_MAX
#define WHEEL_MS_MAX     (UINT64_C(1) << 50) /* the longest delay; 35,000 years */

struct timer;

struct wheel {
    uint64_t tick;
    uint64_t due;
    uint64_t bits[WHEEL_LEVELS];
    struct list slots[WHEEL_LEVELS][WHEEL_SLOTS];
};

void wheel_init(struct wheel *, uint64_t now_ms);
void wheel_fini(struct wheel *); /* stops all timers */

/* Puts a timer, in no list and with at_ms set. True: due came nearer. */
bool wheel_put(struct wheel *, struct timer *, uint64_t now_ms);
void wheel_run(struct wheel *, uint64_t now_ms); /* calls what is due */
/* When wheel_run() has to be called next, or WHEEL_NEVER. */
uint64_t wheel_due_ms(const struct wheel *);

#endif
