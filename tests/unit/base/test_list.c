/* SPDX-License-Identifier: MIT */
/* list - order, and removal while walking. Threads: loop. */
#include "base/list.h"
#include "../check.h"

struct item {
    int n;
    struct list link;
};

static void keeps_order(void **state)
{
    struct list head;
    struct item a = {.n = 1}, b = {.n = 2}, c = {.n = 3};
    int sum = 0, walked = 0;

    list_init(&head);
    assert_true(list_empty(&head));
    list_append(&head, &b.link);
    list_append(&head, &c.link);
    list_prepend(&head, &a.link);
    assert_int_equal(LIST_FIRST(&head, struct item, link)->n, 1);
    LIST_EACH_SAFE (&head, link, after) {
        sum = 10 * sum + CONTAINER_OF(link, struct item, link)->n;
        list_remove(link);
        walked++;
    }
    assert_int_equal(sum, 123);
    assert_int_equal(walked, 3);
    assert_true(list_empty(&head));
    list_remove(&a.link); /* in no list: harmless */
}

RUN(cmocka_unit_test(keeps_order))
