/* SPDX-License-Identifier: MIT */
/*
 * test_loop - turns and deferred frees.
 * Threads: loop.
 */
#include "../check.h"

#include "net/loop.h"

struct scene {
    struct loop *loop;
    struct loop_turn first, second;
    struct timer timer;
    unsigned first_ran, second_ran, freed;
    bool alive;
};

static void scene_begin(struct scene *s)
{
    memset(s, 0, sizeof(*s));
    assert_int_equal(loop_new(&s->loop), 0);
}

static void on_first(void *arg)
{
    struct scene *s = arg;

    s->first_ran++;
    if (s->first_ran < 3)
        loop_turn_ask(s->loop, &s->first); /* in the next turn, at once */
    else
        loop_stop(s->loop);
}

static void a_turn_asked_for_in_a_turn_runs_in_the_next(void **state)
{
    struct scene s;

    scene_begin(&s);
    loop_turn_init(&s.first, on_first, &s);
    loop_turn_ask(s.loop, &s.first);
    loop_turn_ask(s.loop, &s.first); /* idempotent */
    assert_int_equal(loop_run(s.loop), 0);
    assert_int_equal(s.first_ran, 3);
    loop_free(&s.loop);
}

static void on_drop_second(void *arg)
{
    struct scene *s = arg;

    loop_turn_drop(&s->second);
    loop_stop(s->loop);
}

static void on_second(void *arg)
{
    struct scene *s = arg;
    s->second_ran++;
}

static void a_dropped_turn_does_not_run(void **state)
{
    struct scene s;

    scene_begin(&s);
    loop_turn_init(&s.first, on_drop_second, &s);
    loop_turn_init(&s.second, on_second, &s);
    loop_turn_ask(s.loop, &s.first);
    loop_turn_ask(s.loop, &s.second);
    assert_int_equal(loop_run(s.loop), 0);
    assert_int_equal(s.second_ran, 0);
    loop_free(&s.loop);
}

static void free_second(void *at)
{
    struct scene *s = at;
    s->freed++;
}

static void free_first(void *at)
{
    struct scene *s = at;

    assert_false(s->alive);
    s->freed++;
    loop_defer_free(s->loop, s, free_second);
}

static void on_timer(struct timer *t, void *arg)
{
    struct scene *s = arg;

    s->alive = true;
    loop_defer_free(s->loop, s, free_first);
    assert_int_equal(s->freed, 0);
    s->alive = false;
    loop_stop(s->loop);
}

static void what_is_deferred_is_freed_at_the_end_of_the_turn(void **state)
{
    struct scene s;

    scene_begin(&s);
    timer_init(&s.timer, on_timer, &s);
    timer_start(s.loop, &s.timer, 0);
    assert_int_equal(loop_run(s.loop), 0);
    assert_int_equal(s.freed, 2);
    loop_free(&s.loop);
}

static void what_is_deferred_is_freed_with_the_loop(void **state)
{
    struct scene s;

    scene_begin(&s);
    loop_defer_free(s.loop, &s, free_first);
    loop_free(&s.loop);
    assert_int_equal(s.freed, 2);
    loop_free(&s.loop); /* NULL */
}

static void on_clock(struct timer *t, void *arg)
{
    struct scene *s = arg;
    uint64_t now_ns = loop_now_ns(s->loop);

    assert_true(now_ns > 0);
    assert_int_equal(loop_now_ns(s->loop), now_ns); /* once a turn */
    loop_stop(s->loop);
}

static void the_clock_stands_still_within_a_turn(void **state)
{
    struct scene s;

    scene_begin(&s);
    timer_init(&s.timer, on_clock, &s);
    timer_start(s.loop, &s.timer, 0);
    assert_int_equal(loop_run(s.loop), 0);
    loop_free(&s.loop);
}

RUN(cmocka_unit_test(a_turn_asked_for_in_a_turn_runs_in_the_next),
    cmocka_unit_test(a_dropped_turn_does_not_run),
    cmocka_unit_test(what_is_deferred_is_freed_at_the_end_of_the_turn),
    cmocka_unit_test(what_is_deferred_is_freed_with_the_loop),
    cmocka_unit_test(the_clock_stands_still_within_a_turn))
