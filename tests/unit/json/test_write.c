/* SPDX-License-Identifier: MIT */
/* write - escapes, broken UTF-8, numbers that read back. Threads: loop. */
#include "base/buf.h"
#include "json/json.h"
#include "../check.h"

#include <math.h>
#include <stdlib.h>

static struct buf out;

static struct bytes string(struct bytes s)
{
    buf_clear(&out);
    json_write_string(&out, s);
    assert_int_equal(buf_error(&out), 0);
    return buf_bytes(&out);
}

static struct bytes number(double value)
{
    buf_clear(&out);
    json_write_double(&out, value);
    assert_int_equal(buf_error(&out), 0);
    return buf_bytes(&out);
}

static void escapes_what_must_be(void **state)
{
    buf_init(&out, 1 << 20);
    check_bytes(string((struct bytes){NULL, 0}), "\"\"");
    check_bytes(string(BYTES("plain text of more than eight")),
                "\"plain text of more than eight\"");
    check_bytes(string(BYTES("a\"b\\c\n\r\t\b\x1f\x7f/")),
                "\"a\\\"b\\\\c\\n\\r\\t\\u0008\\u001f\x7f/\"");
    check_bytes(string((struct bytes){"\0", 1}), "\"\\u0000\"");
    check_bytes(string(BYTES("Z\xc3\xbcrich \xf0\x9f\x9a\x9a")),
                "\"Z\xc3\xbcrich \xf0\x9f\x9a\x9a\"");
    buf_fini(&out);
}

/* The eight-at-a-time scan must see each byte at each place. */
static void every_byte_at_every_place(void **state)
{
    buf_init(&out, 1 << 20);
    for (int place = 0; place < 17; place++) {
        for (int byte = 0; byte < 128; byte++) {
            char text[17];

            memset(text, 'x', sizeof(text));
            text[place] = (char)byte;

            struct bytes got = string((struct bytes){text, sizeof(text)});
            bool escaped = byte < 0x20 || byte == '"' || byte == '\\';

            assert_int_equal(got.len > sizeof(text) + 2, escaped);
            assert_true(json_is_valid(got));
        }
    }
    buf_fini(&out);
}

static void broken_utf8_is_replaced(void **state)
{
    buf_init(&out, 1 << 20);
    check_bytes(string(BYTES("a\xff"
                             "b")),
                "\"a\xef\xbf\xbd"
                "b\"");
    check_bytes(string(BYTES("\xe2\x82")), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
    for (int i = 0; i < 20000; i++) {
        char text[24];
        size_t len = (size_t)(rand() % (int)sizeof(text));

        for (size_t n = 0; n < len; n++)
            text[n] = (char)rand();
        assert_true(json_is_valid(string((struct bytes){text, len})));
    }
    buf_fini(&out);
}

static void numbers_are_short(void **state)
{
    buf_init(&out, 1 << 20);
    check_bytes(number(0), "0");
    check_bytes(number(5), "5");
    check_bytes(number(-17), "-17");
    check_bytes(number(0.1), "0.1");
    check_bytes(number(-0.1), "-0.1");
    check_bytes(number(-47.376887), "-47.376887");
    check_bytes(number(8.541694123), "8.541694123");
    check_bytes(number(0.1 + 0.2), "0.30000000000000004");
    check_bytes(number(1e22), "1e+22");
    check_bytes(number(1e-7), "1e-07");
    check_bytes(number(9007199254740992.0), "9007199254740992");
    check_bytes(number((double)NAN), "null");
    check_bytes(number((double)INFINITY), "null");
    check_bytes(number((double)-INFINITY), "null");
    buf_fini(&out);
}

static void random_numbers_read_back(void **state)
{
    buf_init(&out, 1 << 20);
    for (int i = 0; i < 100000; i++) {
        uint64_t bits = (uint64_t)mrand48() << 32 ^ (uint64_t)mrand48();
        double any, back;

        memcpy(&any, &bits, sizeof(any));
        if (i % 2)
            any = (double)(rand() % 2000000000 - 1000000000) / 1e7;
        if (!isfinite(any))
            continue;
        assert_int_equal(bytes_to_double(number(any), &back), 0);
        assert_true(any == back);
        if (i % 2)
            assert_true(out.len <= 12); /* seven decimals stay seven */
    }
    buf_fini(&out);
}

static void values_come_out_as_they_went_in(void **state)
{
    static const char text[] =
        "{\"a\":[1,-2,2.5,true,false,null,\"x\\n\"],\"b\":{},\"c\":[],"
        "\"d\":{\"e\":{\"f\":[{}]}}}";
    json_t *value;

    buf_init(&out, 1 << 20);
    assert_int_equal(json_read(bytes_of(text), &value, NULL), 0);
    json_write_value(&out, value);
    check_bytes(buf_bytes(&out), text);
    json_decref(value);
    buf_clear(&out);
    json_write_key(&out, BYTES("n\"m"));
    json_write_i64(&out, INT64_MIN);
    json_write_bool(&out, true);
    json_write_value(&out, NULL);
    check_bytes(buf_bytes(&out), "\"n\\\"m\":-9223372036854775808truenull");
    buf_fini(&out);
}

RUN(cmocka_unit_test(escapes_what_must_be),
    cmocka_unit_test(every_byte_at_every_place),
    cmocka_unit_test(broken_utf8_is_replaced),
    cmocka_unit_test(numbers_are_short),
    cmocka_unit_test(random_numbers_read_back),
    cmocka_unit_test(values_come_out_as_they_went_in))
