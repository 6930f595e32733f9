/* SPDX-License-Identifier: MIT */
/* mem - checked sizes and growth to a limit. Threads: loop. */
#include "base/mem.h"
#include "../check.h"

static void sizes_do_not_wrap(void **state)
{
    void *volatile none = NULL;
    size_t huge = SIZE_MAX / 2 + 2;

    none = mem_realloc(NULL, huge, 2);
    assert_null(none);
    assert_null(mem_copy((struct bytes){"", SIZE_MAX}));
    mem_free(NULL);
}

static void nothing_is_still_something(void **state)
{
    void *a = mem_alloc(0), *z = mem_zalloc(0, 8), *r = mem_realloc(NULL, 0, 8);

    assert_non_null(a);
    assert_non_null(z);
    assert_non_null(r);
    mem_free(a);
    mem_free(z);
    mem_free(r);
}

static void arrays_grow_to_their_limit(void **state)
{
    uint64_t *items = NULL;
    size_t cap = 0;

    for (size_t n = 0; n < 20; n++) {
        assert_int_equal(mem_grow(&items, &cap, n + 1, sizeof(*items), 20), 0);
        assert_true(cap >= n + 1 && cap <= 20);
        items[n] = n;
    }
    assert_int_equal(mem_grow(&items, &cap, 21, sizeof(*items), 20), ERR_LIMIT);
    assert_int_equal(cap, 20);
    for (size_t n = 0; n < 20; n++)
        assert_int_equal(items[n], n);
    mem_free(items);
}

RUN(cmocka_unit_test(sizes_do_not_wrap),
    cmocka_unit_test(nothing_is_still_something),
    cmocka_unit_test(arrays_grow_to_their_limit))
