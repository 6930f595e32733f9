/* SPDX-License-Identifier: MIT */
/* arena - alignment, the limit, clearing and copies. Threads: loop. */
#include "base/arena.h"
#include "../check.h"

#include <stdlib.h>

static void pieces_are_aligned_and_apart(void **state)
{
    struct arena a;
    char *before = NULL;

    arena_init(&a, 1 << 20);
    for (size_t size = 1; size < 200; size++) {
        char *at = arena_alloc(&a, size);

        assert_non_null(at);
        assert_int_equal((uintptr_t)at & 15, 0);
        memset(at, 0xff, size);
        assert_true(at != before);
        before = at;
    }
    for (const char *z = arena_zalloc(&a, 64), *end = z + 64; z < end; z++)
        assert_int_equal(*z, 0);
    arena_fini(&a);
}

static void the_limit_holds(void **state)
{
    struct arena a;

    arena_init(&a, 10000);
    assert_null(arena_alloc(&a, 10000)); /* the header needs room too */
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_non_null(arena_alloc(&a, 9000));
    assert_true(a.used <= 10000);
    while (arena_bytes(&a, 16))
        assert_true(a.used <= 10000);
    arena_clear(&a);
    assert_non_null(arena_alloc(&a, 9000));
    arena_fini(&a);
}

static void a_small_limit_is_a_small_arena(void **state)
{
    struct arena a;

    arena_init(&a, 100);
    assert_non_null(arena_bytes(&a, 40));
    assert_null(arena_bytes(&a, 100));
    arena_fini(&a);
}

static void clearing_keeps_at_most_the_first_chunk(void **state)
{
    struct arena a;

    arena_init(&a, 1 << 20);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 100; i++)
            assert_non_null(arena_alloc(&a, 1000));
        arena_clear(&a);
        assert_true(a.used <= 4096);
    }
    arena_fini(&a);
    assert_int_equal(a.used, 0);
}

static void copies_end_in_nul(void **state)
{
    struct arena a;
    struct bytes empty, text, long_text;

    arena_init(&a, 1 << 20);
    empty = arena_copy(&a, (struct bytes){NULL, 0});
    assert_int_equal(empty.len, 0);
    assert_string_equal(empty.at, "");
    text = arena_printf(&a, "%s-%d", "stop", 7);
    check_bytes(text, "stop-7");
    assert_int_equal(text.at[text.len], 0);
    long_text = arena_printf(&a, "%09000d", 1);
    assert_int_equal(long_text.len, 9000);
    arena_fini(&a);

    arena_init(&a, 64);
    assert_null(arena_printf(&a, "%0100d", 1).at);
    assert_null(arena_copy(&a, (struct bytes){"x", SIZE_MAX}).at);
    arena_fini(&a);
}

RUN(cmocka_unit_test(pieces_are_aligned_and_apart),
    cmocka_unit_test(the_limit_holds),
    cmocka_unit_test(a_small_limit_is_a_small_arena),
    cmocka_unit_test(clearing_keeps_at_most_the_first_chunk),
    cmocka_unit_test(copies_end_in_nul))
