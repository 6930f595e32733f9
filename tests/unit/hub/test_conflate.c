/* SPDX-License-Identifier: MIT */
/*
 * test_conflate - the first value at once, then the last of each window, and
 * nothing is kept when a key falls silent.
 * Threads: loop.
 */
#include "../check.h"

#include "hub/conflate.h"
#include "hub/note.h"
#include "hub/packet.h"
#include "net/loop.h"

#define WINDOW_MS 20
#define OUT_MAX   16

struct script {
    struct loop *loop;
    struct conflate *conflate;
    struct timer later;
    char out[OUT_MAX][8];
    unsigned count, quiet;
};

static bool put(struct script *s, const char *slot, const char *says,
                unsigned window_ms)
{
    struct note like = {.latest = true, .slot = bytes_of(slot)};
    struct note *n;
    bool replaced;

    assert_int_equal(packet_new(&like.packet, bytes_of(says)), 0);
    assert_int_equal(note_new(&n, &like, 0), 0);
    packet_unref(&like.packet);
    replaced = conflate_put(s->conflate, n, window_ms);
    note_unref(&n);
    return replaced;
}

static void on_out(struct note *n, void *arg)
{
    struct script *s = arg;
    struct bytes json = packet_json(n->packet);

    assert_true(s->count < OUT_MAX);
    memcpy(s->out[s->count++], json.at, json.len);
}

static void begin(struct script *s, timer_fn *later)
{
    *s = (struct script){0};
    assert_int_equal(loop_new(&s->loop), 0);
    assert_int_equal(conflate_new(&s->conflate, s->loop, on_out, s), 0);
    timer_init(&s->later, later, s);
}

static void end(struct script *s)
{
    conflate_free(&s->conflate);
    loop_free(&s->loop);
}

/* Turns until what is due has come out and no window is open any more. */
static void on_later_until_two(struct timer *t, void *arg)
{
    struct script *s = arg;

    if (s->count < 2) {
        timer_start(s->loop, t, 1);
        return;
    }
    loop_stop(s->loop);
}

static void test_the_last_of_a_window(void **state)
{
    struct script s;

    begin(&s, on_later_until_two);
    assert_false(put(&s, "a", "a1", WINDOW_MS));
    assert_int_equal(s.count, 1); /* idle: no delay */
    assert_false(put(&s, "a", "a2", WINDOW_MS));
    assert_true(put(&s, "a", "a3", WINDOW_MS));
    assert_true(put(&s, "a", "a4", WINDOW_MS));
    assert_int_equal(s.count, 1);
    timer_start(s.loop, &s.later, 1);
    assert_int_equal(loop_run(s.loop), 0);
    assert_int_equal(s.count, 2);
    assert_string_equal(s.out[0], "a1");
    assert_string_equal(s.out[1], "a4");
    end(&s);
}

static void test_slots_and_no_window(void **state)
{
    struct script s;

    begin(&s, on_later_until_two);
    (void)put(&s, "a", "a1", WINDOW_MS);
    (void)put(&s, "b", "b1", WINDOW_MS); /* another slot */
    (void)put(&s, "c", "c1", 0);
    (void)put(&s, "c", "c2", 0);
    assert_int_equal(s.count, 4);
    end(&s);
}

/* A value is sent at once when the key's window has ended without one. */
static void on_later_silent(struct timer *t, void *arg)
{
    struct script *s = arg;
    unsigned before = s->count;

    (void)put(s, "a", "a2", WINDOW_MS);
    if (s->count > before) {
        loop_stop(s->loop);
        return;
    }
    s->quiet++;
    timer_start(s->loop, t, 4 * WINDOW_MS);
}

static void test_a_silent_key_is_forgotten(void **state)
{
    struct script s;

    begin(&s, on_later_silent);
    (void)put(&s, "a", "a1", WINDOW_MS);
    timer_start(s.loop, &s.later, 4 * WINDOW_MS);
    assert_int_equal(loop_run(s.loop), 0);
    assert_string_equal(s.out[s.count - 1], "a2");
    end(&s);
}

RUN(cmocka_unit_test(test_the_last_of_a_window),
    cmocka_unit_test(test_slots_and_no_window),
    cmocka_unit_test(test_a_silent_key_is_forgotten))
