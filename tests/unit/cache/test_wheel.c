/* SPDX-License-Identifier: MIT */
/*
 * wheel - never early, at most two ticks late, at every distance.
 * Threads: loop.
 */
#include "cache/wheel.h"
#include "../check.h"

#include <stdlib.h>

#define TICK ((uint64_t)1 << WHEEL_TICK_BITS)

static void due_within_two_ticks_at_every_distance(void **state)
{
    static const uint64_t days = 86400000;
    static const uint64_t distances[] = {
        0,    1,      127,    128,    129,      8191,     8192,
        8193, 524287, 524288, 600000, 33554431, 33554432, 40000000};
    struct wheel w;
    struct wheel_link l;

    for (size_t i = 0; i < ARRAY_LEN(distances); i++) {
        uint64_t now = 3 * days + 77, due = now + distances[i];

        wheel_reset(&w);
        wheel_link_init(&l);
        wheel_add(&w, &l, due, now);
        assert_int_equal(w.count, 1);
        assert_null(wheel_due(&w, due));
        assert_ptr_equal(wheel_due(&w, due + 2 * TICK), &l);
        assert_int_equal(w.count, 0);
        assert_null(wheel_due(&w, due + days));
    }
}

static void what_lies_beyond_the_wheel_waits(void **state)
{
    const uint64_t far = (uint64_t)60 * 86400000; /* the wheel holds 24 days */
    struct wheel w;
    struct wheel_link l;

    wheel_reset(&w);
    wheel_link_init(&l);
    wheel_add(&w, &l, far, 0);
    assert_null(wheel_due(&w, far - 1));
    assert_ptr_equal(wheel_due(&w, far + 2 * TICK), &l);
}

static void the_past_is_due_at_the_next_tick(void **state)
{
    struct wheel w;
    struct wheel_link late, other;

    wheel_reset(&w);
    wheel_link_init(&late);
    wheel_link_init(&other);
    wheel_add(&w, &other, 1000000, 500000);
    wheel_add(&w, &late, 3, 500000);
    assert_ptr_equal(wheel_due(&w, 500000 + TICK), &late);
    assert_null(wheel_due(&w, 500000 + TICK));
    wheel_remove(&w, &other);
    wheel_remove(&w, &other); /* in no wheel: harmless */
    assert_int_equal(w.count, 0);
}

#define LINKS 2000

static void many_come_out_once_each(void **state)
{
    static struct wheel w;
    static struct wheel_link links[LINKS];
    uint64_t now = 12345, end = now + 3000000;
    size_t seen = 0;

    wheel_reset(&w);
    for (size_t i = 0; i < LINKS; i++) {
        wheel_link_init(&links[i]);
        wheel_add(&w, &links[i], now + (uint64_t)rand() % 3000000, now);
    }
    for (size_t i = 0; i < LINKS; i += 4)
        wheel_remove(&w, &links[i]);
    while (now < end + 2 * TICK) {
        struct wheel_link *l;

        now += (uint64_t)rand() % 5000;
        while ((l = wheel_due(&w, now))) {
            assert_true(l->due_ms < now);
            assert_true(now - l->due_ms <= 5000 + 2 * TICK);
            assert_true((l - links) % 4 != 0);
            seen++;
        }
    }
    assert_int_equal(seen, LINKS - LINKS / 4);
    assert_int_equal(w.count, 0);
}

RUN(cmocka_unit_test(due_within_two_ticks_at_every_distance),
    cmocka_unit_test(what_lies_beyond_the_wheel_waits),
    cmocka_unit_test(the_past_is_due_at_the_next_tick),
    cmocka_unit_test(many_come_out_once_each))
