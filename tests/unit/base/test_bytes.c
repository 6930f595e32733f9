/* SPDX-License-Identifier: MIT */
/* bytes - comparing, cutting, numbers, units, UTF-8. Threads: loop. */
#include "base/bytes.h"
#include "../check.h"

static void compares(void **state)
{
    struct bytes none = {NULL, 0};

    assert_true(bytes_equal(none, BYTES("")));
    assert_false(bytes_equal(BYTES("a"), BYTES("b")));
    assert_true(
        bytes_equal_nocase(BYTES("Content-Type"), BYTES("cONTENT-tYPE")));
    assert_false(bytes_equal_nocase(BYTES("a@"), BYTES("a`")));
    assert_false(bytes_equal_nocase(BYTES("a"), BYTES("ab")));
    assert_true(bytes_equal_secret(BYTES("key"), BYTES("key")));
    assert_false(bytes_equal_secret(BYTES("key"), BYTES("kez")));
    assert_false(bytes_equal_secret(BYTES("key"), BYTES("ke")));
    assert_true(bytes_compare(BYTES("a"), BYTES("ab")) < 0);
    assert_true(bytes_compare(BYTES("b"), BYTES("ab")) > 0);
    assert_int_equal(bytes_compare(none, BYTES("")), 0);
    assert_true(bytes_starts(BYTES("/api/v1"), BYTES("/api")));
    assert_true(bytes_starts(BYTES("x"), none));
    assert_false(bytes_starts(BYTES("/a"), BYTES("/api")));
    assert_true(bytes_ends(BYTES("lab.db"), BYTES(".db")));
    assert_false(bytes_ends(BYTES("db"), BYTES(".db")));
}

static void cuts(void **state)
{
    struct bytes left, right;

    assert_true(bytes_cut(BYTES("a=b=c"), '=', &left, &right));
    check_bytes(left, "a");
    check_bytes(right, "b=c");
    assert_true(bytes_cut(BYTES("a="), '=', &left, &right));
    check_bytes(right, "");
    assert_false(bytes_cut(BYTES("abc"), '=', &left, &right));
    check_bytes(left, "abc");
    assert_int_equal(right.len, 0);
    assert_false(bytes_cut((struct bytes){NULL, 0}, '=', &left, &right));
    check_bytes(bytes_trim(BYTES(" \t a b\t ")), "a b");
    check_bytes(bytes_trim(BYTES(" \t ")), "");
    check_bytes(bytes_skip(BYTES("abc"), 9), "");
}

static void reads_integers(void **state)
{
    int64_t i = 42;
    uint64_t u = 42;

    assert_int_equal(bytes_to_i64(BYTES("-9223372036854775808"), &i), 0);
    assert_true(i == INT64_MIN);
    assert_int_equal(bytes_to_i64(BYTES("9223372036854775807"), &i), 0);
    assert_true(i == INT64_MAX);
    assert_int_equal(bytes_to_i64(BYTES("9223372036854775808"), &i), ERR_RANGE);
    assert_int_equal(bytes_to_i64(BYTES("-9223372036854775809"), &i),
                     ERR_RANGE);
    assert_true(i == INT64_MAX); /* untouched */
    assert_int_equal(bytes_to_u64(BYTES("18446744073709551615"), &u), 0);
    assert_true(u == UINT64_MAX);
    assert_int_equal(bytes_to_u64(BYTES("18446744073709551616"), &u),
                     ERR_RANGE);
    /* 3 * 2^64 + 1: a wrapped product must not be taken for a small number */
    assert_int_equal(bytes_to_u64(BYTES("55340232221128654849"), &u),
                     ERR_RANGE);

    static const char *const bad[] = {"",   "-",   "--1", "+1", " 1",
                                      "1 ", "1.0", "0x1", "1a"};

    for (size_t n = 0; n < ARRAY_LEN(bad); n++)
        assert_int_equal(bytes_to_i64(bytes_of(bad[n]), &i), ERR_INVALID);
    assert_int_equal(bytes_to_u64(BYTES("-1"), &u), ERR_INVALID);
}

static void reads_doubles(void **state)
{
    double d = 0;

    assert_int_equal(bytes_to_double(BYTES("-12.5e-1"), &d), 0);
    assert_true(d == -1.25);
    assert_int_equal(bytes_to_double(BYTES("1e400"), &d), ERR_RANGE);

    static const char *const bad[] = {"",   "nan", "inf", "0x1p3", "1.",
                                      ".5", "1e",  " 1",  "1 ",    "1e+",
                                      "-",  "+1",  "1,5", "1..2",  "Infinity"};

    for (size_t n = 0; n < ARRAY_LEN(bad); n++)
        assert_int_equal(bytes_to_double(bytes_of(bad[n]), &d), ERR_INVALID);
    assert_true(d == -1.25);

    char zeros[200];

    memset(zeros, '0', sizeof(zeros));
    assert_int_equal(bytes_to_double((struct bytes){zeros, sizeof(zeros)}, &d),
                     ERR_RANGE);
}

static void reads_units(void **state)
{
    uint64_t v = 0;

    assert_int_equal(bytes_to_duration_ms(BYTES("250ms"), &v), 0);
    assert_int_equal(v, 250);
    assert_int_equal(bytes_to_duration_ms(BYTES("7d"), &v), 0);
    assert_int_equal(v, 7 * 86400000);
    assert_int_equal(bytes_to_duration_ms(BYTES("5"), &v), ERR_INVALID);
    assert_int_equal(bytes_to_duration_ms(BYTES("s"), &v), ERR_INVALID);
    assert_int_equal(bytes_to_duration_ms(BYTES("-1s"), &v), ERR_INVALID);
    assert_int_equal(bytes_to_duration_ms(BYTES("999999999999999999d"), &v),
                     ERR_RANGE);
    assert_int_equal(bytes_to_size(BYTES("16MB"), &v), 0);
    assert_int_equal(v, 16 << 20);
    assert_int_equal(bytes_to_size(BYTES("512"), &v), 0);
    assert_int_equal(v, 512);
    assert_int_equal(bytes_to_size(BYTES("1 GB"), &v), ERR_INVALID);
    assert_int_equal(bytes_to_size(BYTES("99999999999TB"), &v), ERR_RANGE);
}

static void knows_utf8(void **state)
{
    static const char *const good[] = {"",
                                       "plain ascii text",
                                       "\xc2\x80",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf",
                                       "01234567\xc3\xa4 89abcde"};
    static const char *const bad[] = {"\x80",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xc2",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xe2\x82",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "01234567\xc3",
                                      "\xe2\x28\xa1",
                                      "\xf0\x9f\x98\x28"};

    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(bytes_is_utf8(bytes_of(good[i])));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(bytes_is_utf8(bytes_of(bad[i])));
    assert_true(bytes_is_utf8((struct bytes){"\0\0", 2}));
}

RUN(cmocka_unit_test(compares), cmocka_unit_test(cuts),
    cmocka_unit_test(reads_integers), cmocka_unit_test(reads_doubles),
    cmocka_unit_test(reads_units), cmocka_unit_test(knows_utf8))
