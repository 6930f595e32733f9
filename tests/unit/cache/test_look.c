/* SPDX-License-Identifier: MIT */
/*
 * look - what a walk sees, and what can be told by it.
 * Threads: loop.
 */
#include "text.h"

#include <stdio.h>

static bool on_look(const struct fl_cache_look *look, void *arg)
{
    (*(size_t *)arg)++;
    assert_int_equal(look->value_size, 2);
    return *(size_t *)arg < 150;
}

static void a_walk_sees_each_entry_once_and_can_end(void **state)
{
    struct fl_cache *c = cache_of(1000, NULL);
    size_t seen = 0;

    for (int i = 0; i < 100; i++) {
        char key[16];

        (void)snprintf(key, sizeof(key), "%d", i);
        set(c, key, "v", NULL);
    }
    fl_cache_each(c, on_look, &seen);
    assert_int_equal(seen, 100);
    seen = 149;
    fl_cache_each(c, on_look, &seen);
    assert_int_equal(seen, 150);
    fl_cache_free(&c);
}

static bool on_copy(const struct fl_cache_look *look, void *arg)
{
    assert_int_equal(fl_cache_set(arg, look->key, look->key_size, look->value,
                                  look->value_size, &look->item),
                     0);
    return true;
}

static void a_walk_can_fill_another_cache_of_the_same_clock(void **state)
{
    struct fl_tagclock *clock = NULL;
    struct fl_cache_item item;

    assert_int_equal(fl_tagclock_new(&clock, 4096, NULL), 0);

    struct fl_cache *from = cache_of(10, clock), *to = cache_of(20, clock);

    fl_cache_item_init(&item, from);
    item.ttl_ms = 500;
    set(from, "short", "1", &item);
    item.ttl_ms = FL_CACHE_NEVER;
    item.stamp = 1;
    set(from, "stamp", "1", &item);
    item.tags[0] = 7;
    item.tag_count = 1;
    set(from, "tag", "1", &item);
    item.scope = 8;
    set(from, "scope", "1", &item);
    now += 400;
    fl_cache_each(from, on_copy, to);
    now += 100;
    assert_true(has(to, "short") && has(to, "stamp") && has(to, "tag"));
    now += 1;
    assert_false(has(to, "short"));
    fl_tagclock_move(clock, 7, 2);
    assert_false(has(to, "tag"));
    assert_true(has(to, "scope"));
    fl_tagclock_move(clock, 8, 2);
    assert_false(has(to, "scope"));
    fl_tagclock_move_all(clock, 2);
    assert_false(has(to, "stamp"));
    fl_cache_free(&from);
    fl_cache_free(&to);
    fl_tagclock_free(&clock);
}

static bool on_ttl(const struct fl_cache_look *look, void *arg)
{
    uint64_t *seen = arg; /* the last, and how many were another */

    if (look->ttl_ms == FL_CACHE_NEVER)
        return true;
    assert_true(look->ttl_ms >= 8000 && look->ttl_ms <= 10000);
    seen[1] += look->ttl_ms != seen[0];
    seen[0] = look->ttl_ms;
    return true;
}

static void jitter_only_shortens(void **state)
{
    struct fl_cache_options o;
    struct fl_cache *c = NULL;
    struct fl_cache_item item;
    uint64_t seen[2] = {0, 0};

    fl_cache_options_init(&o);
    o.jitter_percent = 20;
    o.now_ms = on_now;
    assert_int_equal(fl_cache_new(&c, &o), 0);
    fl_cache_item_init(&item, c);
    item.ttl_ms = 10000;
    for (int i = 0; i < 200; i++)
        assert_int_equal(fl_cache_set(c, &i, sizeof(i), "", 0, &item), 0);
    item.ttl_ms = FL_CACHE_NEVER;
    set(c, "always", "1", &item);
    fl_cache_each(c, on_ttl, seen);
    assert_true(seen[1] > 100);
    now += 10001;
    for (int i = 0; i < 200; i++)
        assert_false(fl_cache_has(c, &i, sizeof(i)));
    assert_true(has(c, "always"));
    fl_cache_free(&c);
}

RUN(cmocka_unit_test(a_walk_sees_each_entry_once_and_can_end),
    cmocka_unit_test(a_walk_can_fill_another_cache_of_the_same_clock),
    cmocka_unit_test(jitter_only_shortens))
