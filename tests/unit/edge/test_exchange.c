/* SPDX-License-Identifier: MIT */
/*
 * The values of a query, as a handler sees them.
 * Threads: loop.
 */
#include "../check.h"

#include "edge/exchange.h"

/* Joins what comes as "name=value;" and says how it ended. */
static int walk(const char *query, struct bytes *ret)
{
    static char text[512];
    struct exchange x = {.magic = EXCHANGE_MAGIC, .query = bytes_of(query)};
    struct bytes name, value;
    size_t cursor = 0, len = 0;
    int error;

    arena_init(&x.arena, 1 << 16);
    while (exchange_query_next(&x, &cursor, &name, &value, &error)) {
        assert_true(len + name.len + value.len + 2 <= sizeof(text));
        memcpy(text + len, name.at, name.len);
        len += name.len;
        text[len++] = '=';
        if (value.len)
            memcpy(text + len, value.at, value.len);
        len += value.len;
        text[len++] = ';';
    }
    arena_fini(&x.arena);
    *ret = (struct bytes){text, len};
    return error;
}

static void test_parameters_come_in_order_and_decoded(void **state)
{
    static const struct {
        const char *query, *want;
        int error;
    } rows[] = {
        {"", "", 0},
        {"a=1&b=2&a=3", "a=1;b=2;a=3;", 0},
        {"&&a&&b=&", "a=;b=;", 0},
        {"a=b=c", "a=b=c;", 0},
        {"a+b=c%20d%2Be", "a b=c d+e;", 0},
        {"a=%C3%A9", "a=\xC3\xA9;", 0},
        {"a=1&b=%", "a=1;", ERR_INVALID},
        {"a=%g0", "", ERR_INVALID},
        {"a=%00", "", ERR_INVALID},
        {"%ff=1", "", ERR_INVALID},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bytes got;

        assert_int_equal(walk(rows[i].query, &got), rows[i].error);
        check_bytes(got, rows[i].want);
    }
}

RUN(cmocka_unit_test(test_parameters_come_in_order_and_decoded))
