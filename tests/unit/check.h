/* SPDX-License-Identifier: MIT */
/*
 * check - cmocka with the headers it forgets, and bytes compared as text.
 * Threads: loop.
 */
#ifndef FIELDLINE_TESTS_CHECK_H
#define FIELDLINE_TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bytes.h"
#include "base/error.h"

static inline void check_bytes(struct bytes got, const char *want)
{
    if (!bytes_equal(got, bytes_of(want)))
        fail_msg("got '" BYTES_FMT "', want '%s'", BYTES_ARG(got), want);
}

#define RUN(...)                                                               \
    int main(void)                                                             \
    {                                                                          \
        const struct CMUnitTest tests[] = {__VA_ARGS__};                       \
                                                                               \
        return cmocka_run_group_tests(tests, NULL, NULL);                      \
    }

#endif
