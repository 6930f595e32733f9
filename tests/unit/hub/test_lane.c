/* SPDX-License-Identifier: MIT */
/*
 * test_lane - a place is overwritten where it stands, and there is an end to
 * places.
 * Threads: loop.
 */
#include "../check.h"

#include "hub/lane.h"
#include "hub/note.h"
#include "hub/packet.h"

#include <stdio.h>

static struct note *note_about(const char *slot, const char *says)
{
    struct note like = {.latest = true, .slot = bytes_of(slot)};
    struct note *n;

    assert_int_equal(packet_new(&like.packet, bytes_of(says)), 0);
    assert_int_equal(note_new(&n, &like, 0), 0);
    packet_unref(&like.packet);
    return n;
}

static bool put(struct lane *l, const char *slot, const char *says)
{
    struct note *n = note_about(slot, says);
    bool replaced;

    assert_int_equal(lane_put(l, n, &replaced), 0);
    note_unref(&n);
    return replaced;
}

static void check_take(struct lane *l, const char *says)
{
    struct note *n = lane_take(l);

    assert_non_null(n);
    check_bytes(packet_json(n->packet), says);
    note_unref(&n);
}

static void test_the_last_value_in_the_first_ones_place(void **state)
{
    struct lane *l;

    assert_int_equal(lane_new(&l), 0);
    assert_false(put(l, "a", "a1"));
    assert_false(put(l, "b", "b1"));
    assert_true(put(l, "a", "a2"));
    assert_true(put(l, "a", "a3"));
    assert_int_equal(lane_count(l), 2);
    check_take(l, "a3");
    assert_false(put(l, "a", "a4"));
    check_take(l, "b1");
    check_take(l, "a4");
    assert_null(lane_take(l));
    lane_free(&l);
}

static void test_the_oldest_place_goes_when_all_are_taken(void **state)
{
    struct lane *l;
    char slot[16];

    assert_int_equal(lane_new(&l), 0);
    for (int i = 0; i < LANE_PLACES_MAX + 3; i++) {
        (void)snprintf(slot, sizeof(slot), "s%d", i);
        assert_int_equal(put(l, slot, slot), i >= LANE_PLACES_MAX);
    }
    assert_int_equal(lane_count(l), LANE_PLACES_MAX);
    check_take(l, "s3");
    lane_free(&l);
}

RUN(cmocka_unit_test(test_the_last_value_in_the_first_ones_place),
    cmocka_unit_test(test_the_oldest_place_goes_when_all_are_taken))
