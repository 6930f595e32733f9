/* SPDX-License-Identifier: MIT */
/* clock - known instants in both spellings. Threads: loop. */
#include "base/clock.h"
#include "../check.h"

static void writes_known_instants(void **state)
{
    char iso[CLOCK_RFC3339_LEN + 1], http[CLOCK_HTTP_LEN + 1];

    clock_rfc3339(784111777000000 + 123999, iso);
    assert_string_equal(iso, "1994-11-06T08:49:37.123Z");
    clock_http(784111777000000, http);
    assert_string_equal(http, "Sun, 06 Nov 1994 08:49:37 GMT");
    clock_rfc3339(951782400000000, iso);
    assert_string_equal(iso, "2000-02-29T00:00:00.000Z");
}

static void clamps_what_four_digits_cannot_hold(void **state)
{
    char iso[CLOCK_RFC3339_LEN + 1];

    clock_rfc3339(INT64_MIN, iso);
    assert_string_equal(iso, "1970-01-01T00:00:00.000Z");
    clock_rfc3339(INT64_MAX, iso);
    assert_memory_equal(iso, "9999-12-31T23:59:59", 19);
}

static void moves_forward(void **state)
{
    uint64_t before = clock_mono_ns();

    assert_true(clock_mono_ns() >= before);
    assert_true(clock_wall_us() > 784111777000000);
}

RUN(cmocka_unit_test(writes_known_instants),
    cmocka_unit_test(clamps_what_four_digits_cannot_hold),
    cmocka_unit_test(moves_forward))
