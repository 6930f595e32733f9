/* SPDX-License-Identifier: MIT */
/*
 * wheel - never early, at most two ticks late, at every distance.
 * Threads: loop.
 */
#include "cache/wheel.h"
#include "../check.h"

#include <stdlib.h>

#define TICK ((uint64_t)1 << WHEEL_TICK_BITS)

struct link {
    struct list link;
    uint64_t due_ms;
};

static uint64_t due_of(const struct list *link)
{
    return ((const struct link *)link)->due_ms;
}

static void add(struct wheel *w, struct link *l, uint64_t due, uint64_t now)
{
    list_init(&l->link);
    l->due_ms = due;
    wheel_add(w, &l->link, now);
}

static void due_within_two_ticks_at_every_distance(void **state)
{
    static const uint64_t days = 86400000;
    static const uint64_t distances[] = {
        0,    1,      127,    128,    129,      8191,     8192,
        8193, 524287, 524288, 600000, 33554431, 33554432, 40000000};
    struct wheel w;
    struct link l;

    for (size_t i = 0; i < ARRAY_LEN(distances); i++) {
        uint64_t now = 3 * days + 77, due = now + distances[i];

        wheel_reset(&w, due_of);
        add(&w, &l, due, now);
        assert_int_equal(w.count, 1);
        assert_null(wheel_due(&w, due));
        assert_ptr_equal(wheel_due(&w, due + 2 * TICK), &l.link);
        assert_int_equal(w.count, 0);
        assert_null(wheel_due(&w, due + days));
    }
}

static void what_lies_beyond_the_wheel_waits(void **state)
{
    const uint64_t far = (uint64_t)60 * 86400000; /* the wheel holds 24 days */
    struct wheel w;
    struct link l;

    wheel_reset(&w, due_of);
    add(&w, &l, far, 0);
    assert_null(wheel_due(&w, far - 1));
    assert_ptr_equal(wheel_due(&w, far + 2 * TICK), &l.link);
}

static void the_past_is_due_at_the_next_tick(void **state)
{
    struct wheel w;
    struct link late, other;

    wheel_reset(&w, due_of);
    add(&w, &other, 1000000, 500000);
    add(&w, &late, 3, 500000);
    assert_ptr_equal(wheel_due(&w, 500000 + TICK), &late.link);
    assert_null(wheel_due(&w, 500000 + TICK));
    wheel_remove(&w, &other.link);
    wheel_remove(&w, &other.link); /* in no wheel: harmless */
    assert_int_equal(w.count, 0);
}

#define LINKS 2000

static void many_come_out_once_each(void **state)
{
    static struct wheel w;
    static struct link links[LINKS];
    uint64_t now = 12345, end = now + 3000000;
    size_t seen = 0;

    wheel_reset(&w, due_of);
    for (size_t i = 0; i < LINKS; i++) {
        add(&w, &links[i], now + (uint64_t)rand() % 3000000, now);
    }
    for (size_t i = 0; i < LINKS; i += 4)
        wheel_remove(&w, &links[i].link);
    while (now < end + 2 * TICK) {
        struct link *l;

        now += (uint64_t)rand() % 5000;
        while ((l = (struct link *)wheel_due(&w, now))) {
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
