/* SPDX-License-Identifier: MIT */
/*
 * error - every code has a name, and no number is without one.
 * Threads: loop.
 */
#include "../check.h"

static void every_code_has_a_name_and_a_text(void **state)
{
    assert_string_equal(error_name(0), "OK");
    assert_string_equal(error_name(ERR_NOMEM), "NOMEM");
    assert_string_equal(error_name(ERR_INTERNAL), "INTERNAL");
    assert_string_equal(error_text(ERR_NOT_FOUND), "not found");
    for (int e = 0; e >= -ERROR_COUNT; e--) {
        assert_true(error_name(e)[0]);
        assert_true(error_text(e)[0]);
    }
    assert_int_equal(ERR_UNSURE, -ERROR_COUNT);
}

static void unknown_codes_are_named_too(void **state)
{
    assert_string_equal(error_name(1), "UNKNOWN");
    assert_string_equal(error_name(-ERROR_COUNT - 1), "UNKNOWN");
    assert_string_equal(error_name(INT32_MIN), "UNKNOWN");
    assert_true(error_text(INT32_MIN)[0]);
}

RUN(cmocka_unit_test(every_code_has_a_name_and_a_text),
    cmocka_unit_test(unknown_codes_are_named_too))
