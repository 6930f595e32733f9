/* SPDX-License-Identifier: MIT */
/* read - what is refused, and where the mistake is. Threads: loop. */
#include "json/json.h"
#include "../check.h"

static int reads(struct bytes text)
{
    json_t *value = NULL;
    int error = json_read(text, &value, NULL);

    json_decref(value);
    return error;
}

static void reads_any_value(void **state)
{
    static const char *const good[] = {"{}",   "[1]",        "\"x\"",
                                       " 7 ",  "null",       "-1.5e3",
                                       "true", "{\"a\":{}}", "\"]]]\\\"[\""};

    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_int_equal(reads(bytes_of(good[i])), 0);
}

static void refuses_what_is_not_json(void **state)
{
    static const char *const bad[] = {"",
                                      "{",
                                      "{\"a\":1,\"a\":2}",
                                      "[1]x",
                                      "1 2",
                                      "{'a':1}",
                                      "[1,]",
                                      "\"\xff\"",
                                      "\"\\u0000\"",
                                      "{\"\\u0000\":1}",
                                      "99999999999999999999",
                                      "1e999",
                                      "NaN",
                                      "\"\\ud800\"",
                                      "\xef\xbb\xbf{}"};

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(reads(bytes_of(bad[i])), ERR_INVALID);
    assert_int_equal(reads((struct bytes){NULL, 0}), ERR_INVALID);
    assert_int_equal(reads((struct bytes){"1\0", 2}), ERR_INVALID);
}

static void says_where_the_mistake_is(void **state)
{
    struct json_mistake where;
    json_t *value = NULL;

    assert_int_equal(json_read(BYTES("{\n  \"a\": x}"), &value, &where),
                     ERR_INVALID);
    assert_null(value);
    assert_int_equal(where.line, 2);
    assert_true(where.column >= 8);
    assert_true(where.text[0]);
}

static void depth_is_bounded(void **state)
{
    char text[4 * JSON_DEPTH_MAX];
    struct json_mistake where;
    json_t *value = NULL;
    size_t d = JSON_DEPTH_MAX;

    memset(text, '[', d);
    memset(text + d, ']', d);
    assert_int_equal(reads((struct bytes){text, 2 * d}), 0);
    memset(text, '[', d + 1);
    memset(text + d + 1, ']', d + 1);
    text[0] = '\n';
    text[1] = '[';
    assert_int_equal(reads((struct bytes){text, 2 * d + 1}), 0);
    text[0] = '[';
    assert_int_equal(json_read((struct bytes){text, 2 * d + 2}, &value, &where),
                     ERR_INVALID);
    assert_int_equal(where.line, 1);
    assert_int_equal(where.column, d + 1);
    /* Brackets in a string are no depth; an odd text ends the scan. */
    memset(text, '[', sizeof(text));
    text[0] = text[sizeof(text) - 1] = '"';
    assert_int_equal(reads((struct bytes){text, sizeof(text)}), 0);
    assert_int_equal(reads(BYTES("\"\\")), ERR_INVALID);
}

static void members_are_strings_or_empty(void **state)
{
    json_t *value;

    assert_int_equal(
        json_read(BYTES("{\"a\":\"x\",\"b\":1,\"c\":\"\"}"), &value, NULL), 0);
    check_bytes(json_member_string(value, "a"), "x");
    check_bytes(json_member_string(value, "b"), "");
    check_bytes(json_member_string(value, "c"), "");
    check_bytes(json_member_string(value, "d"), "");
    check_bytes(json_member_string(NULL, "d"), "");
    json_decref(value);
}

RUN(cmocka_unit_test(reads_any_value),
    cmocka_unit_test(refuses_what_is_not_json),
    cmocka_unit_test(says_where_the_mistake_is),
    cmocka_unit_test(depth_is_bounded),
    cmocka_unit_test(members_are_strings_or_empty))
