/* SPDX-License-Identifier: MIT */
/* tagclock - moves, floors, stamps, epochs. Threads: loop. */
#include "cache/tagclock.h"
#include "../check.h"

static struct tagclock *clock_new(void)
{
    struct tagclock *c = NULL;

    assert_int_equal(tagclock_new(&c, 4096), 0);
    return c;
}

static void sizes_are_powers_of_two(void **state)
{
    struct tagclock *c = NULL;

    assert_int_equal(tagclock_new(&c, 0), ERR_RANGE);
    assert_int_equal(tagclock_new(&c, 2048), ERR_RANGE);
    assert_int_equal(tagclock_new(&c, 5000), ERR_RANGE);
    assert_int_equal(tagclock_new(&c, (size_t)2 << 30), ERR_RANGE);
    assert_null(c);
    tagclock_free(&c);
}

static void a_tag_is_where_it_was_moved(void **state)
{
    struct tagclock *c = clock_new();

    assert_int_equal(tagclock_at(c, 7), 0);
    tagclock_move(c, 7, 10);
    assert_int_equal(tagclock_at(c, 7), 10);
    tagclock_move(c, 7, 5); /* a lower offset may come later */
    assert_int_equal(tagclock_at(c, 7), 10);
    tagclock_move(c, 0, 11);
    assert_int_equal(tagclock_at(c, 0), 11);
    tagclock_free(&c);
    assert_null(c);
}

static void a_stamp_dies_with_its_tags(void **state)
{
    struct tagclock *c = clock_new();
    struct tagset set = {.tags = {1, 2, 3, 4}, .count = 4};
    struct tagset none = {.count = 0};

    tagclock_advance(c, 100);

    uint64_t stamp = tagclock_stamp(c);

    assert_int_equal(tagclock_horizon(c), 100);
    tagclock_move(c, 4, 100); /* up to the stamp: it was seen */
    assert_true(tagclock_valid(c, &set, stamp));
    tagclock_move(c, 4, 101);
    assert_false(tagclock_valid(c, &set, stamp));
    assert_true(tagclock_valid(c, &none, stamp));
    tagclock_advance(c, 90); /* never goes back */
    assert_int_equal(tagclock_horizon(c), 100);
    tagclock_advance(c, 101);
    assert_true(tagclock_valid(c, &set, tagclock_stamp(c)));
    tagclock_free(&c);
}

static void a_quiet_scope_vouches_for_its_tags(void **state)
{
    struct tagclock *c = clock_new();
    struct tagset set = {.scope = 9, .tags = {1}, .count = 1};

    tagclock_move(c, 1, 50); /* seen only if the scope moves too */
    assert_true(tagclock_valid(c, &set, 10));
    tagclock_move(c, 9, 50);
    assert_false(tagclock_valid(c, &set, 10));
    assert_true(tagclock_valid(c, &set, 50));
    tagclock_free(&c);
}

static void forgetting_raises_the_floor(void **state)
{
    struct tagclock *c = clock_new();

    for (uint64_t i = 1; i <= 10000; i++)
        tagclock_move(c, i, i);
    for (uint64_t i = 1; i <= 10000; i++)
        assert_true(tagclock_at(c, i) >= i);
    assert_int_equal(tagclock_at(c, 10000), 10000);
    assert_true(tagclock_floor_max(c) > 0);
    assert_true(tagclock_floor_max(c) < 10000);
    /* Too old to be stored, it must not be lost either. */
    tagclock_move(c, 123456789, 1);
    assert_true(tagclock_at(c, 123456789) >= 1);
    tagclock_free(&c);
}

static void all_move_at_once(void **state)
{
    struct tagclock *c = clock_new();
    struct tagset set = {.scope = 9, .tags = {1}, .count = 1};

    tagclock_advance(c, 20);
    assert_true(tagclock_valid(c, &set, tagclock_stamp(c)));
    tagclock_move_all(c, 21);
    assert_false(tagclock_valid(c, &set, tagclock_stamp(c)));
    assert_int_equal(tagclock_at(c, 777), 21);
    assert_int_equal(tagclock_floor_max(c), 21);
    tagclock_advance(c, 21);
    assert_true(tagclock_valid(c, &set, tagclock_stamp(c)));
    tagclock_free(&c);
}

/* P60: after a restore offsets are lower and mean something else. */
static void no_stamp_survives_an_epoch(void **state)
{
    struct tagclock *c = clock_new();
    struct tagset set = {.tags = {1}, .count = 1};

    tagclock_advance(c, 1000000);
    tagclock_move(c, 1, 1000000);

    uint64_t old = tagclock_stamp(c);

    assert_true(tagclock_valid(c, &set, old));
    tagclock_restart(c, 50);
    assert_int_equal(tagclock_horizon(c), 50);
    assert_false(tagclock_valid(c, &set, old));
    assert_false(tagclock_valid(c, &set, 1000000));
    assert_true(tagclock_valid(c, &set, tagclock_stamp(c)));
    assert_int_equal(tagclock_at(c, 1), 50);
    tagclock_move(c, 1, 51);
    assert_false(tagclock_valid(c, &set, tagclock_stamp(c)));
    assert_int_equal(tagclock_at(c, 1), 51);
    tagclock_advance(c, 51);
    assert_true(tagclock_valid(c, &set, tagclock_stamp(c)));
    tagclock_free(&c);
}

static void nothing_is_valid_while_the_feed_is_blind(void **state)
{
    struct tagclock *c = clock_new();
    struct tagset none = {.count = 0};

    assert_true(tagclock_valid(c, &none, 0));
    tagclock_set_stale(c, true);
    assert_true(tagclock_is_stale(c));
    assert_false(tagclock_valid(c, &none, UINT64_MAX));
    tagclock_set_stale(c, false);
    assert_true(tagclock_valid(c, &none, 0));
    tagclock_free(&c);
}

static void an_offset_too_large_is_the_latest(void **state)
{
    struct tagclock *c = clock_new();
    struct tagset set = {.tags = {1}, .count = 1};

    tagclock_advance(c, 100);
    tagclock_move(c, 1, UINT64_MAX);
    assert_int_equal(tagclock_at(c, 1), TAGCLOCK_OFFSET_MAX);
    assert_false(tagclock_valid(c, &set, tagclock_stamp(c)));
    tagclock_restart(c, 1); /* it did not reach into the next epoch */
    assert_true(tagclock_valid(c, &set, tagclock_stamp(c)));
    tagclock_free(&c);
}

RUN(cmocka_unit_test(sizes_are_powers_of_two),
    cmocka_unit_test(a_tag_is_where_it_was_moved),
    cmocka_unit_test(a_stamp_dies_with_its_tags),
    cmocka_unit_test(a_quiet_scope_vouches_for_its_tags),
    cmocka_unit_test(forgetting_raises_the_floor),
    cmocka_unit_test(all_move_at_once),
    cmocka_unit_test(no_stamp_survives_an_epoch),
    cmocka_unit_test(nothing_is_valid_while_the_feed_is_blind),
    cmocka_unit_test(an_offset_too_large_is_the_latest))
