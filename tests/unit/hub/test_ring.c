/* SPDX-License-Identifier: MIT */
/*
 * test_ring - order, bounds, where it begins, and what has gone.
 * Threads: loop.
 */
#include "../check.h"

#include "data/schema.h"
#include "hub/frame.h"
#include "hub/ring.h"

#include <stdlib.h>

static const struct bytes any = {NULL, 0};
static const struct resource_spec spec = {.tenant_column = BYTES("lab")};
static struct data_resource resource = {.spec = &spec};

static struct frame *frame_at(uint64_t offset, const char *tenant)
{
    struct frame *f = calloc(1, sizeof(*f) + sizeof(f->events[0]));

    atomic_init(&f->refs, 1);
    f->change.offset = offset;
    f->change.op = CHANGE_INSERT;
    f->event_count = 1;
    f->events[0].resource = &resource;
    f->events[0].now.tenant = bytes_of(tenant);
    f->bytes = 100;
    return f;
}

static void check_taken(struct ring *r, uint64_t after, uint64_t upto,
                        struct bytes tenant, size_t max, size_t want,
                        uint64_t want_after)
{
    struct frame *frames[16];
    uint64_t last = after;
    size_t count;

    assert_int_equal(
        ring_take(r, after, upto, tenant, frames, max, &count, &after), 0);
    assert_int_equal(count, want);
    assert_int_equal(after, want_after);
    for (size_t i = 0; i < count; i++) {
        uint64_t offset = frames[i]->change.offset;

        assert_true(offset > last);
        last = offset;
        frame_unref(&frames[i]);
    }
}

static void check_stale(struct ring *r, uint64_t after)
{
    struct frame *frames[1];
    size_t count;

    assert_int_equal(
        ring_take(r, after, UINT64_MAX, any, frames, 1, &count, &after),
        ERR_STALE);
}

static void test_taking(void **state)
{
    struct ring *r;

    assert_int_equal(ring_new(&r, 8, 10000), 0);
    ring_advance(r, BYTES("e"), 10);
    check_taken(r, 10, UINT64_MAX, any, 4, 0, 10);
    check_stale(r, 9);
    ring_push(r, frame_at(11, "1"));
    ring_push(r, frame_at(13, "2"));
    ring_push(r, frame_at(14, "1"));
    ring_advance(r, BYTES("e"), 20);
    check_taken(r, 10, UINT64_MAX, any, 4, 3, 20);
    check_taken(r, 11, UINT64_MAX, any, 4, 2, 20);
    check_taken(r, 10, UINT64_MAX, any, 2, 2, 13);
    check_taken(r, 10, 13, any, 4, 2, 13);
    check_taken(r, 10, 12, any, 4, 1, 12);
    check_taken(r, 10, UINT64_MAX, BYTES("2"), 4, 1, 20);
    check_taken(r, 25, UINT64_MAX, any, 4, 0, 25); /* ahead of the ring */
    ring_free(&r);
}

static void test_bounds_move_the_floor(void **state)
{
    struct ring_state s;
    struct ring *r;

    assert_int_equal(ring_new(&r, 4, 10000), 0);
    for (uint64_t i = 1; i <= 6; i++)
        ring_push(r, frame_at(i, "1"));
    ring_state(r, &s);
    assert_int_equal(s.floor, 2);
    assert_int_equal(s.upto, 6);
    check_stale(r, 1);
    check_taken(r, 2, UINT64_MAX, any, 16, 4, 6);
    ring_free(&r);
    assert_int_equal(ring_new(&r, 100, 250), 0);
    for (uint64_t i = 1; i <= 6; i++)
        ring_push(r, frame_at(i, "1"));
    ring_state(r, &s);
    assert_int_equal(s.floor, 4); /* two of 100 bytes */
    ring_free(&r);
}

static void test_a_replay_makes_it_begin_earlier(void **state)
{
    struct ring_state s;
    struct ring *r;

    assert_int_equal(ring_new(&r, 8, 10000), 0);
    ring_advance(r, BYTES("e"), 100);
    ring_push(r, frame_at(40, "1"));
    ring_push(r, frame_at(70, "1"));
    ring_state(r, &s);
    assert_int_equal(s.floor, 100); /* half of it is nobody's */
    check_stale(r, 39);
    check_taken(r, 100, UINT64_MAX, any, 8, 0, 100);
    ring_replayed(r);
    ring_state(r, &s);
    assert_int_equal(s.floor, 39);
    assert_int_equal(s.upto, 100);
    ring_push(r, frame_at(101, "1"));
    check_taken(r, 39, UINT64_MAX, any, 8, 3, 101);
    check_taken(r, 70, UINT64_MAX, any, 8, 1, 101);
    ring_free(&r);
}

static void test_restart_and_a_hole(void **state)
{
    struct ring_state s;
    struct ring *r;

    assert_int_equal(ring_new(&r, 8, 10000), 0);
    ring_advance(r, BYTES("old"), 1);
    ring_push(r, frame_at(2, "1"));
    ring_restart(r, BYTES("new"), 1);
    ring_state(r, &s);
    assert_int_equal(s.generation, 1);
    assert_string_equal(s.epoch, "new");
    check_taken(r, 1, UINT64_MAX, any, 8, 0, 1);
    ring_push(r, frame_at(2, "1"));
    ring_forget(r, 3);
    ring_push(r, frame_at(4, "1"));
    check_stale(r, 2);
    check_taken(r, 3, UINT64_MAX, any, 8, 1, 4);
    ring_free(&r);
}

RUN(cmocka_unit_test(test_taking), cmocka_unit_test(test_bounds_move_the_floor),
    cmocka_unit_test(test_a_replay_makes_it_begin_earlier),
    cmocka_unit_test(test_restart_and_a_hole))
