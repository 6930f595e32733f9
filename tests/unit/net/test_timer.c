/* SPDX-License-Identifier: MIT */
/*
 * test_timer - the wheel under a clock of its own, and timers on a loop.
 * Threads: loop.
 */
#include "../check.h"

#include "base/hash.h"
#include "net/loop.h"
#include "net/wheel.h"

#include <stdlib.h>

#define MANY 4000

struct probe {
    struct timer timer;
    uint64_t asked_ms;
    unsigned fired;
};

static uint64_t clock_ms;
static unsigned fired_in_all;

static void on_probe(struct timer *t, void *arg)
{
    struct probe *p = arg;
    uint64_t delay = t->at_ms - p->asked_ms;
    uint64_t late = delay / 15 > WHEEL_TICK_MS ? delay / 15 : WHEEL_TICK_MS;

    assert_ptr_equal(t, &p->timer);
    assert_true(clock_ms >= t->at_ms);
    assert_true(clock_ms <= t->at_ms + late);
    p->fired++;
    fired_in_all++;
}

static void probe_put(struct wheel *w, struct probe *p, uint64_t delay)
{
    list_remove(&p->timer.link);
    p->asked_ms = clock_ms;
    p->timer.at_ms = clock_ms + delay;
    wheel_put(w, &p->timer, clock_ms);
}

/* Runs the wheel as a loop does: only when it says that it is due. */
static void run_until(struct wheel *w, uint64_t end_ms)
{
    for (uint64_t due; (due = wheel_due_ms(w)) < end_ms;) {
        assert_true(due >= clock_ms);
        clock_ms = due;
        wheel_run(w, clock_ms);
    }
    if (end_ms != WHEEL_NEVER)
        clock_ms = end_ms;
}

static void run_until_empty(struct wheel *w)
{
    run_until(w, WHEEL_NEVER);
}

static void never_early_and_hardly_late(void **state)
{
    struct probe *probes = calloc(MANY, sizeof(*probes));
    uint64_t seed = 20261120;
    struct wheel w;

    clock_ms = 12345678;
    fired_in_all = 0;
    wheel_init(&w, clock_ms);
    for (unsigned i = 0; i < MANY; i++) {
        uint64_t r = hash_mix(seed + i);
        timer_init(&probes[i].timer, on_probe, &probes[i]);
        /* delays of every size, up to 12 days */
        probe_put(&w, &probes[i], (r >> 32) & ((1u << (r % 31)) - 1));
        run_until(&w, clock_ms + (r >> 16 & 3));
    }
    run_until_empty(&w);
    assert_int_equal(fired_in_all, MANY);
    free(probes);
}

static void an_idle_wheel_jumps_ahead(void **state)
{
    struct probe p;
    struct wheel w;

    clock_ms = 0;
    wheel_init(&w, clock_ms);
    timer_init(&p.timer, on_probe, &p);
    for (unsigned i = 1; i <= 5; i++) {
        p.fired = 0;
        clock_ms += UINT64_C(86400000) * i; /* days with no timer at all */
        probe_put(&w, &p, 25);
        run_until_empty(&w);
        assert_int_equal(p.fired, 1);
    }
}

static void a_stopped_timer_is_forgotten(void **state)
{
    struct probe p = {0};
    struct wheel w;

    clock_ms = 500;
    wheel_init(&w, clock_ms);
    timer_init(&p.timer, on_probe, &p);
    probe_put(&w, &p, 100);
    assert_true(timer_is_active(&p.timer));
    timer_stop(&p.timer);
    assert_false(timer_is_active(&p.timer));
    run_until_empty(&w);
    assert_int_equal(p.fired, 0);
    assert_int_equal(wheel_due_ms(&w), WHEEL_NEVER);
}

static void the_farthest_delay_is_clamped_and_not_early(void **state)
{
    struct probe p = {0};
    struct wheel w;
    unsigned wakes = 0;

    clock_ms = 7;
    wheel_init(&w, clock_ms);
    timer_init(&p.timer, on_probe, &p);
    probe_put(&w, &p, UINT64_C(1) << 40);
    while (!p.fired) {
        clock_ms = wheel_due_ms(&w);
        wheel_run(&w, clock_ms);
        assert_true(++wakes < 10000);
    }
    assert_true(wakes > 1);
}

/* ---- on a loop -------------------------------------------------------- */

struct scene {
    struct loop *loop;
    struct timer timers[8];
    unsigned order[8];
    unsigned count;
};

static void scene_begin(struct scene *s)
{
    memset(s, 0, sizeof(*s));
    assert_int_equal(loop_new(&s->loop), 0);
}

static void on_ordered(struct timer *t, void *arg)
{
    struct scene *s = arg;

    s->order[s->count++] = (unsigned)(t - s->timers);
    if (s->count == 4)
        loop_stop(s->loop);
}

static void timers_fire_in_order_of_their_times(void **state)
{
    static const uint64_t after[] = {60, 20, 0, 40};
    static const unsigned want[] = {2, 1, 3, 0};
    struct scene s;

    scene_begin(&s);
    for (unsigned i = 0; i < 4; i++) {
        timer_init(&s.timers[i], on_ordered, &s);
        timer_start(s.loop, &s.timers[i], after[i]);
    }
    assert_int_equal(loop_run(s.loop), 0);
    assert_memory_equal(s.order, want, sizeof(want));
    loop_free(&s.loop);
}

static void on_again(struct timer *t, void *arg)
{
    struct scene *s = arg;

    if (++s->count < 3) {
        timer_start(s->loop, t, 0);
        return;
    }
    timer_stop(t); /* not active any more: nothing happens */
    timer_stop(&s->timers[1]);
    timer_start(s->loop, &s->timers[2], 0);
}

static void on_stop(struct timer *t, void *arg)
{
    struct scene *s = arg;
    loop_stop(s->loop);
}

static void on_never(struct timer *t, void *arg)
{
    fail_msg("a stopped timer fired");
}

static void a_callback_restarts_itself_and_stops_another(void **state)
{
    struct scene s;

    scene_begin(&s);
    timer_init(&s.timers[0], on_again, &s);
    timer_init(&s.timers[1], on_never, &s);
    timer_init(&s.timers[2], on_stop, &s);
    timer_start(s.loop, &s.timers[1], 3600000);
    timer_start(s.loop, &s.timers[0], 0);
    assert_int_equal(loop_run(s.loop), 0);
    assert_int_equal(s.count, 3);
    assert_false(timer_is_active(&s.timers[0]));
    assert_false(timer_is_active(&s.timers[1]));
    loop_free(&s.loop);
}

/* Two timers of one slot: the first to fire stops the second. */
static void on_stop_neighbour(struct timer *t, void *arg)
{
    struct scene *s = arg;

    s->count++;
    timer_stop(&s->timers[0]);
    timer_stop(&s->timers[1]);
    timer_start(s->loop, &s->timers[2], 0);
}

static void a_callback_stops_one_that_is_due_with_it(void **state)
{
    struct scene s;

    scene_begin(&s);
    timer_init(&s.timers[0], on_stop_neighbour, &s);
    timer_init(&s.timers[1], on_stop_neighbour, &s);
    timer_init(&s.timers[2], on_stop, &s);
    timer_start(s.loop, &s.timers[0], 5);
    timer_start(s.loop, &s.timers[1], 5);
    assert_int_equal(loop_run(s.loop), 0);
    assert_int_equal(s.count, 1);
    loop_free(&s.loop);
}

struct heap_timer {
    struct timer timer;
    struct loop *loop;
};

static void on_free_self(struct timer *t, void *arg)
{
    struct heap_timer *h = arg;

    loop_defer_free(h->loop, h, free);
    loop_stop(h->loop);
}

static void a_callback_frees_its_own_timer(void **state)
{
    struct heap_timer *h = calloc(1, sizeof(*h));
    struct loop *loop;

    assert_int_equal(loop_new(&loop), 0);
    h->loop = loop;
    timer_init(&h->timer, on_free_self, h);
    timer_start(loop, &h->timer, 0);
    assert_int_equal(loop_run(loop), 0);
    loop_free(&loop);
}

static void a_loop_that_is_freed_lets_go_of_its_timers(void **state)
{
    struct scene s;

    scene_begin(&s);
    timer_init(&s.timers[0], on_never, &s);
    timer_start(s.loop, &s.timers[0], 1000);
    loop_free(&s.loop);
    assert_null(s.loop);
    assert_false(timer_is_active(&s.timers[0]));
    timer_stop(&s.timers[0]);
}

static void a_timer_is_small(void **state)
{
    assert_true(sizeof(struct timer) <= 48);
}

RUN(cmocka_unit_test(never_early_and_hardly_late),
    cmocka_unit_test(an_idle_wheel_jumps_ahead),
    cmocka_unit_test(a_stopped_timer_is_forgotten),
    cmocka_unit_test(the_farthest_delay_is_clamped_and_not_early),
    cmocka_unit_test(timers_fire_in_order_of_their_times),
    cmocka_unit_test(a_callback_restarts_itself_and_stops_another),
    cmocka_unit_test(a_callback_stops_one_that_is_due_with_it),
    cmocka_unit_test(a_callback_frees_its_own_timer),
    cmocka_unit_test(a_loop_that_is_freed_lets_go_of_its_timers),
    cmocka_unit_test(a_timer_is_small))
