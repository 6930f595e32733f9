/* SPDX-License-Identifier: MIT */
/*
 * shelf - how many stand on it, and who leaves for another.
 * Threads: loop.
 */
#include "edge/shelf.h"

#include "../check.h"

#include <stdlib.h>

static struct reply *reply_make(void)
{
    struct reply *r = NULL;

    assert_int_equal(reply_new(&r, 200, BYTES("\"e\""), BYTES(""), false, NULL),
                     0);
    return r;
}

static struct shelf *shelf_make(size_t entries_max)
{
    struct shelf *s = NULL;

    assert_int_equal(shelf_new(&s, entries_max), 0);
    return s;
}

static void put(struct shelf *s, struct reply *r)
{
    assert_int_equal(shelf_put(s, r, BYTES("key")), 0);
}

/* Whoever has to leave for it, without the reference. */
static struct reply *settle(struct reply *r)
{
    struct reply *victim = shelf_settle(r), *was = victim;

    reply_unref(&victim);
    return was;
}

static void leave(struct reply **r)
{
    shelf_leave(*r);
    reply_unref(r);
}

static void who_stands_longest_leaves_but_once_for_a_use(void **state)
{
    struct shelf *s = shelf_make(2);
    struct reply *r[4];

    for (unsigned i = 0; i < ARRAY_LEN(r); i++)
        r[i] = reply_make();
    put(s, r[0]);
    assert_null(settle(r[0]));
    put(s, r[1]);
    assert_null(settle(r[1]));
    atomic_store(&r[0]->place.used, true);
    put(s, r[2]);
    assert_ptr_equal(settle(r[2]), r[1]);
    assert_null(settle(r[2])); /* there is room */
    put(s, r[3]);
    assert_ptr_equal(settle(r[3]), r[2]); /* 0 stands behind it now */
    for (unsigned i = 0; i < ARRAY_LEN(r); i++)
        leave(&r[i]);
    shelf_free(&s);
}

/* All were used: one leaves all the same, and not the newcomer. */
static void a_newcomer_is_not_his_own_victim(void **state)
{
    struct shelf *s = shelf_make(100);
    struct reply *r[101], *victim;

    for (unsigned i = 0; i < ARRAY_LEN(r); i++) {
        r[i] = reply_make();
        put(s, r[i]);
        if (i < 100)
            assert_null(settle(r[i]));
        atomic_store(&r[i]->place.used, i < 100);
    }
    victim = settle(r[100]);
    assert_non_null(victim);
    assert_ptr_not_equal(victim, r[100]);
    for (unsigned i = 0; i < ARRAY_LEN(r); i++)
        leave(&r[i]);
    shelf_free(&s);
}

/* Two come at once: who is not in the cache yet cannot leave it, and what he
 * makes too many is seen to when he has come. */
static void only_the_settled_are_asked_to_leave(void **state)
{
    struct shelf *s = shelf_make(1);
    struct reply *slow = reply_make(), *quick = reply_make();

    put(s, slow);
    put(s, quick);
    assert_null(settle(quick));
    assert_ptr_equal(settle(slow), quick);
    assert_null(settle(slow));
    leave(&slow);
    leave(&quick);
    shelf_free(&s);
}

static void who_has_left_makes_room_and_may_come_again(void **state)
{
    struct shelf *s = shelf_make(1);
    struct reply *a = reply_make(), *b = reply_make();

    put(s, a);
    assert_null(settle(a));
    shelf_leave(a);
    shelf_leave(a);
    put(s, b);
    assert_null(settle(b));
    shelf_leave(b);
    put(s, a);
    assert_null(settle(a));
    leave(&a);
    leave(&b);
    shelf_free(&s);
}

static void a_class_without_a_bound_has_no_shelf(void **state)
{
    struct shelf *s = shelf_make(0);
    struct reply *a = reply_make();

    put(s, a);
    assert_null(a->place.shelf);
    assert_null(settle(a));
    leave(&a);
    shelf_free(&s);
}

RUN(cmocka_unit_test(who_stands_longest_leaves_but_once_for_a_use),
    cmocka_unit_test(a_newcomer_is_not_his_own_victim),
    cmocka_unit_test(only_the_settled_are_asked_to_leave),
    cmocka_unit_test(who_has_left_makes_room_and_may_come_again),
    cmocka_unit_test(a_class_without_a_bound_has_no_shelf))
