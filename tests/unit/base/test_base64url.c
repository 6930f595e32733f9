/* SPDX-License-Identifier: MIT */
/*
 * base64url - RFC 4648's own vectors, and one spelling for each value.
 * Threads: loop.
 */
#include "base/base64url.h"

#include "../check.h"
#include "base/arena.h"
#include "base/buf.h"

#define ALL_BYTES 256

static void check_both_ways(struct arena *arena, struct bytes value,
                            const char *text)
{
    struct bytes back;
    struct buf b;

    buf_init(&b, ALL_BYTES * 2);
    base64url_append(&b, value);
    assert_int_equal(buf_error(&b), 0);
    if (text)
        check_bytes(buf_bytes(&b), text);
    assert_int_equal(base64url_decode(arena, buf_bytes(&b), &back), 0);
    assert_true(bytes_equal(back, value));
    buf_fini(&b);
}

static void what_is_written_reads_back(void **state)
{
    static const struct {
        struct bytes value;
        const char *text;
    } rows[] = {
        {BYTES(""), ""},
        {BYTES("f"), "Zg"},
        {BYTES("fo"), "Zm8"},
        {BYTES("foo"), "Zm9v"},
        {BYTES("foob"), "Zm9vYg"},
        {BYTES("fooba"), "Zm9vYmE"},
        {BYTES("foobar"), "Zm9vYmFy"},
        {BYTES("\xff\xef"), "_-8"},
    };
    char every[ALL_BYTES];
    struct arena arena;

    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check_both_ways(&arena, rows[i].value, rows[i].text);
    for (size_t i = 0; i < ALL_BYTES; i++)
        every[i] = (char)i;
    for (size_t len = 0; len <= ALL_BYTES; len++)
        check_both_ways(&arena, (struct bytes){every, len}, NULL);
    arena_fini(&arena);
}

static void each_value_has_one_spelling(void **state)
{
    static const char *const bad[] = {
        "A",                      /* six bits are no byte */
        "AB",                     /* unused bits that are not zero */
        "AAB",  "AA=",    "AA==", /* padding */
        "A+",   "A/AA",           /* the other alphabet */
        "AA A", "AAAA\n", "\xc3\xa4",
    };
    struct arena arena;
    struct bytes out;

    arena_init(&arena, 1 << 16);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(base64url_decode(&arena, bytes_of(bad[i]), &out),
                         ERR_INVALID);
    arena_fini(&arena);
}

static void an_arena_that_is_full_is_told(void **state)
{
    struct arena arena;
    struct bytes out;

    arena_init(&arena, 1);
    assert_int_equal(base64url_decode(&arena, BYTES("AAAAAAAA"), &out),
                     ERR_NOMEM);
    arena_fini(&arena);
}

RUN(cmocka_unit_test(what_is_written_reads_back),
    cmocka_unit_test(each_value_has_one_spelling),
    cmocka_unit_test(an_arena_that_is_full_is_told))
