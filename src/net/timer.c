/* SPDX-License-Identifier: MIT */
/*
 * timer - the timing wheel and what is put on it; see wheel.h and loop.h.
 * Owner: loop. Threads: loop.
 */
#include "net/wheel.h"

#include "net/loop.h"
#include "net/loop_private.h"

#include <assert.h>

#define SLOT_MASK (WHEEL_SLOTS - 1)

static unsigned level_shift(unsigned level)
{
    return level * WHEEL_LEVEL_BITS;
}

/* ---- the wheel -------------------------------------------------------- */

void wheel_init(struct wheel *w, uint64_t now_ms)
{
    w->tick = now_ms / WHEEL_TICK_MS;
    w->due = WHEEL_NEVER;
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        w->bits[level] = 0;
        for (unsigned slot = 0; slot < WHEEL_SLOTS; slot++)
            list_init(&w->slots[level][slot]);
    }
}

void wheel_fini(struct wheel *w)
{
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        for (unsigned slot = 0; slot < WHEEL_SLOTS; slot++) {
            while (!list_empty(&w->slots[level][slot]))
                list_remove(w->slots[level][slot].next);
        }
    }
}

/*
 * The first tick after w->tick at which a slot of this level holds a timer.
 * Rotating the bits puts the next slot to be run at bit 0.
 */
static uint64_t level_next(struct wheel *w, unsigned level)
{
    uint64_t first = (w->tick >> level_shift(level)) + 1;
    unsigned turn = (unsigned)(first & SLOT_MASK);

    while (w->bits[level]) {
        uint64_t bits = w->bits[level];
        uint64_t turned =
            turn ? bits >> turn | bits << (WHEEL_SLOTS - turn) : bits;
        uint64_t number = first + (unsigned)__builtin_ctzll(turned);

        if (!list_empty(&w->slots[level][number & SLOT_MASK]))
            return number << level_shift(level);
        w->bits[level] &= ~(UINT64_C(1) << (number & SLOT_MASK));
    }
    return WHEEL_NEVER;
}

static uint64_t wheel_next(struct wheel *w)
{
    uint64_t next = WHEEL_NEVER;

    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        uint64_t tick = level_next(w, level);
        if (tick < next)
            next = tick;
    }
    return next;
}

bool wheel_put(struct wheel *w, struct timer *t, uint64_t now_ms)
{
    uint64_t now = now_ms / WHEEL_TICK_MS;
    uint64_t at = t->at_ms / WHEEL_TICK_MS;
    uint64_t far, number, tick;
    unsigned level = 0;

    /* Nothing is due before w->due: an idle wheel jumps ahead (W1, W2). */
    if (now >= w->due)
        now = w->due - 1;
    if (now > w->tick)
        w->tick = now;

    far = at > w->tick ? at - w->tick : 0;
    while (level < WHEEL_LEVELS - 1 && far >= (uint64_t)(WHEEL_SLOTS - 1)
                                                  << level_shift(level))
        level++;
    number = (w->tick + far) >> level_shift(level);
    if (number - (w->tick >> level_shift(level)) >= WHEEL_SLOTS)
        number = (w->tick >> level_shift(level)) + WHEEL_SLOTS - 1;
    number++; /* the slot behind the due time: never early */

    list_append(&w->slots[level][number & SLOT_MASK], &t->link);
    w->bits[level] |= UINT64_C(1) << (number & SLOT_MASK);
    tick = number << level_shift(level);
    if (tick >= w->due)
        return false;
    w->due = tick;
    return true;
}

/* All that one tick has; a fn may start, restart and stop any timer. */
static void tick_run(struct wheel *w, uint64_t tick, uint64_t now_ms)
{
    struct list due;

    list_init(&due);
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        uint64_t number = tick >> level_shift(level);

        if (number << level_shift(level) != tick)
            break;
        list_splice(&due, &w->slots[level][number & SLOT_MASK]);
    }
    while (!list_empty(&due)) {
        struct timer *t = LIST_FIRST(&due, struct timer, link);

        list_remove(&t->link);
        if (t->at_ms > now_ms)
            wheel_put(w, t, now_ms); /* was beyond the last level's reach */
        else
            t->fn(t, t->arg);
    }
}

void wheel_run(struct wheel *w, uint64_t now_ms)
{
    uint64_t now = now_ms / WHEEL_TICK_MS;

    while ((w->due = wheel_next(w)) <= now) {
        w->tick = w->due;
        tick_run(w, w->tick, now_ms);
    }
}

uint64_t wheel_due_ms(const struct wheel *w)
{
    return w->due == WHEEL_NEVER ? WHEEL_NEVER : w->due * WHEEL_TICK_MS;
}

/* ---- timers ----------------------------------------------------------- */

void timer_init(struct timer *t, timer_fn *fn, void *arg)
{
    list_init(&t->link);
    t->fn = fn;
    t->arg = arg;
    t->at_ms = 0;
}

void timer_start(struct loop *loop, struct timer *t, uint64_t after_ms)
{
    uint64_t now_ms = loop_now_ms(loop);

    assert(t->fn != NULL);
    list_remove(&t->link);
    if (after_ms > WHEEL_MS_MAX)
        after_ms = WHEEL_MS_MAX;
    t->at_ms = now_ms + after_ms;
    if (wheel_put(&loop->wheel, t, now_ms))
        loop_alarm_set(loop);
}

void timer_stop(struct timer *t)
{
    list_remove(&t->link);
}

bool timer_is_active(const struct timer *t)
{
    return !list_empty(&t->link);
}
