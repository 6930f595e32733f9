/* SPDX-License-Identifier: MIT */
/* valid - the grammar, also against jansson. Threads: loop. */
#include "json/json.h"
#include "../check.h"

#include <stdlib.h>

static void knows_the_grammar(void **state)
{
    static const char *const good[] = {"0",
                                       "-0.5E+10",
                                       " [ ] ",
                                       "{ }",
                                       "[1,\t2\r\n]",
                                       "\"\\u00e4\\/\"",
                                       "{\"a\":[{\"b\":null}],\"c\":false}",
                                       "1e5",
                                       "\"\\u0000\""};
    static const char *const bad[] = {"",
                                      " ",
                                      "01",
                                      "-",
                                      "1.",
                                      ".5",
                                      "+1",
                                      "1e",
                                      "[1,]",
                                      "[,1]",
                                      "{,}",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{\"a\":1,}",
                                      "{a:1}",
                                      "tru",
                                      "nul",
                                      "truex",
                                      "[1 2]",
                                      "[",
                                      "]",
                                      "{",
                                      "\"",
                                      "\"\\x\"",
                                      "\"\\u12g4\"",
                                      "\"\\u123",
                                      "\"\n\"",
                                      "\"\xc3\"",
                                      "1 1",
                                      "[1}",
                                      "NaN",
                                      "\xef\xbb\xbf{}"};

    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(json_is_valid(bytes_of(good[i])));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (json_is_valid(bytes_of(bad[i])))
            fail_msg("accepted: %s", bad[i]);
    assert_false(json_is_valid((struct bytes){NULL, 0}));
    assert_false(json_is_valid((struct bytes){"1\0", 2}));
    assert_false(json_is_valid((struct bytes){"\0", 1}));
}

static void depth_is_bounded(void **state)
{
    char text[2 * JSON_DEPTH_MAX + 2];
    size_t d = JSON_DEPTH_MAX;

    memset(text, '[', d);
    memset(text + d, ']', d);
    assert_true(json_is_valid((struct bytes){text, 2 * d}));
    memset(text, '[', d + 1);
    memset(text + d + 1, ']', d + 1);
    assert_false(json_is_valid((struct bytes){text, 2 * d + 2}));
}

/* Broken copies of a good text: jansson and the scanner say the same. */
static void agrees_with_jansson(void **state)
{
    static const char good[] =
        "{\"a\":[1,-2.5e3,\"x\\n\\u00e4\"],\"b\":{\"c\":null,\"d\":true}}";
    static const char mutants[] = "{}[]\",:\\0123x \n.-eEtfn";

    for (int i = 0; i < 200000; i++) {
        char text[sizeof(good)];
        size_t len = sizeof(good) - 1;
        json_t *value = NULL;

        memcpy(text, good, sizeof(good));
        for (int n = rand() % 4; n >= 0; n--)
            text[(size_t)rand() % len] =
                mutants[(size_t)rand() % (sizeof(mutants) - 1)];

        struct bytes b = {text, len};
        bool read =
            (value = json_loadb(text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL,
                                NULL)) != NULL;

        json_decref(value);
        /* jansson also refuses lone surrogates and numbers out of range. */
        if (json_is_valid(b) != read && !strstr(text, "\\u") &&
            !strchr(text, 'e') && !strchr(text, 'E'))
            fail_msg("differ on: %s", text);
        if (read)
            assert_true(json_is_valid(b));
    }
}

RUN(cmocka_unit_test(knows_the_grammar), cmocka_unit_test(depth_is_bounded),
    cmocka_unit_test(agrees_with_jansson))
