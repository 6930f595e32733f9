/* SPDX-License-Identifier: MIT */
/* buf - growth, the limit that sticks, numbers, taking. Threads: loop. */
#include "base/blob.h"
#include "base/buf.h"
#include "../check.h"

static void appends_what_it_is_given(void **state)
{
    struct buf b;

    buf_init(&b, 1 << 20);
    buf_append(&b, (struct bytes){NULL, 0});
    assert_int_equal(b.len, 0);
    buf_append(&b, BYTES("a"));
    buf_append_char(&b, '/');
    buf_append_i64(&b, INT64_MIN);
    buf_append_char(&b, '/');
    buf_append_u64(&b, UINT64_MAX);
    buf_append_char(&b, '/');
    buf_append_i64(&b, 0);
    buf_printf(&b, "/%s/%d", "x", 5);
    assert_int_equal(buf_error(&b), 0);
    check_bytes(buf_bytes(&b),
                "a/-9223372036854775808/18446744073709551615/0/x/5");
    buf_consume(&b, 2);
    buf_consume(&b, 0);
    assert_int_equal(buf_bytes(&b).at[0], '-');
    buf_consume(&b, 1000);
    assert_int_equal(b.len, 0);
    buf_fini(&b);
}

static void the_exact_limit_passes_and_the_next_byte_sticks(void **state)
{
    struct buf b;

    buf_init(&b, 1000);
    buf_printf(&b, "%0400d", 1);
    buf_printf(&b, "%0600d", 1);
    buf_clear(&b);
    for (int i = 0; i < 1000; i++)
        buf_append_char(&b, 'x');
    assert_int_equal(buf_error(&b), 0);
    assert_int_equal(b.len, 1000);
    buf_append_char(&b, 'y');
    assert_int_equal(buf_error(&b), ERR_LIMIT);
    buf_consume(&b, 500);
    buf_append_char(&b, 'z'); /* later appends do nothing */
    assert_int_equal(b.len, 500);
    assert_null(buf_reserve(&b, 1));
    buf_clear(&b);
    assert_null(buf_reserve(&b, SIZE_MAX));
    assert_int_equal(buf_error(&b), ERR_LIMIT);
    buf_fini(&b);
}

static void long_lines_are_whole(void **state)
{
    struct buf b;

    buf_init(&b, 1 << 20);
    buf_printf(&b, "%0511d", 7);
    buf_printf(&b, "%0512d", 7);
    buf_printf(&b, "%09000d", 7);
    assert_int_equal(buf_error(&b), 0);
    assert_int_equal(b.len, 511 + 512 + 9000);
    assert_int_equal(b.at[b.len - 1], '7');
    buf_fini(&b);
}

static void a_taken_buf_is_a_blob(void **state)
{
    struct buf b;
    struct blob *blob;

    buf_init(&b, 100);
    assert_int_equal(buf_take(&b, &blob), 0);
    assert_int_equal(blob->len, 0);
    blob_unref(&blob);

    buf_append(&b, BYTES("bytes"));
    assert_int_equal(buf_take(&b, &blob), 0);
    assert_int_equal(b.len, 0);
    check_bytes(blob_bytes(blob), "bytes");
    blob_unref(&blob);

    for (int i = 0; i < 101; i++)
        buf_append_char(&b, 'x');
    assert_int_equal(buf_take(&b, &blob), ERR_LIMIT);
    buf_fini(&b);
}

RUN(cmocka_unit_test(appends_what_it_is_given),
    cmocka_unit_test(the_exact_limit_passes_and_the_next_byte_sticks),
    cmocka_unit_test(long_lines_are_whole),
    cmocka_unit_test(a_taken_buf_is_a_blob))
