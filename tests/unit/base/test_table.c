/* SPDX-License-Identifier: MIT */
/* table - put, get, remove, the limit, walking. Threads: loop. */
#include "base/table.h"
#include "../check.h"

#include <stdio.h>

struct named {
    char name[24]; /* "key" and any size_t */
    bool walked;
};

static struct bytes name_of(const struct named *n)
{
    return bytes_of(n->name);
}

static struct named *make_names(size_t count)
{
    struct named *n = test_calloc(count, sizeof(*n));

    for (size_t i = 0; i < count; i++)
        (void)snprintf(n[i].name, sizeof(n[i].name), "key%zu", i);
    return n;
}

static void finds_what_was_put(void **state)
{
    struct named *names = make_names(1000);
    struct table *t;

    assert_int_equal(table_new(&t, 1000), 0);
    assert_null(table_get(t, BYTES("key1")));
    assert_null(table_remove(t, BYTES("key1")));
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(table_put(t, name_of(&names[i]), &names[i]), 0);
    assert_int_equal(table_put(t, BYTES("key7"), names), ERR_EXISTS);
    assert_int_equal(table_put(t, BYTES("more"), names), ERR_LIMIT);
    for (size_t i = 0; i < 1000; i++)
        assert_ptr_equal(table_get(t, name_of(&names[i])), &names[i]);
    assert_null(table_get(t, BYTES("key1000")));
    table_free(&t);
    assert_null(t);
    table_free(&t);
    test_free(names);
}

static void removes_while_walking(void **state)
{
    struct named *names = make_names(500), *n;
    struct table *t;
    size_t cursor = 0, walked = 0;

    assert_int_equal(table_new(&t, 1000), 0);
    for (size_t i = 0; i < 500; i++)
        assert_int_equal(table_put(t, name_of(&names[i]), &names[i]), 0);
    while ((n = table_next(t, &cursor))) {
        assert_false(n->walked);
        n->walked = true;
        if (walked++ % 2)
            assert_ptr_equal(table_remove(t, name_of(n)), n);
    }
    assert_int_equal(walked, 500);
    assert_int_equal(table_count(t), 250);
    table_free(&t);
    test_free(names);
}

/* A queue of keys passing through must not fill the table with marks. */
static void lasts_under_churn(void **state)
{
    struct named *names = make_names(5000);
    struct table *t;

    assert_int_equal(table_new(&t, 16), 0);
    for (size_t i = 0; i < 5000; i++) {
        assert_int_equal(table_put(t, name_of(&names[i]), &names[i]), 0);
        if (i >= 15)
            assert_ptr_equal(table_remove(t, name_of(&names[i - 15])),
                             &names[i - 15]);
    }
    assert_int_equal(table_count(t), 15);
    for (size_t i = 0; i < 4985; i++)
        assert_null(table_get(t, name_of(&names[i])));
    for (size_t i = 4985; i < 5000; i++)
        assert_ptr_equal(table_get(t, name_of(&names[i])), &names[i]);
    table_free(&t);
    test_free(names);
}

RUN(cmocka_unit_test(finds_what_was_put),
    cmocka_unit_test(removes_while_walking),
    cmocka_unit_test(lasts_under_churn))
