/* SPDX-License-Identifier: MIT */
/*
 * test_codes - docs/protocol.md has every row of the tables, word for word, and
 * every type it has a heading for is the protocol's own.
 * Threads: loop.
 */
#include "../check.h"

#include "hub/codes.h"

#include <stdio.h>
#include <stdlib.h>

static char *doc;

static void check_row(const char *row)
{
    if (!strstr(doc, row))
        fail_msg("docs/protocol.md lacks: %s", row);
}

static void test_close_codes(void **state)
{
    char row[512];

#define X(id, code, name, when, then)                                          \
    (void)snprintf(row, sizeof(row), "\n| %d | `%s` | %s | %s |\n", code,      \
                   name, when, then);                                          \
    check_row(row);                                                            \
    assert_string_equal(close_name(CLOSE_##id), name);
    CLOSE_TABLE(X)
#undef X
}

static void test_error_codes(void **state)
{
    char row[512];

#define X(id, name, meaning)                                                   \
    (void)snprintf(row, sizeof(row), "\n| `%s` | %s |\n", name, meaning);      \
    check_row(row);                                                            \
    assert_string_equal(refusal_name(REFUSAL_##id), name);
    REFUSAL_TABLE(X)
#undef X
}

static bool is_type_char(char c)
{
    return (c >= 'A' && c <= 'Z') || c == '_';
}

static void test_types(void **state)
{
    unsigned headed = 0;

#define X(name)                                                                \
    assert_non_null(strstr(doc, #name));                                       \
    assert_true(protocol_type(BYTES(#name)));
    PROTOCOL_TYPE_TABLE(X)
#undef X
    assert_false(protocol_type(BYTES("CONNECTS")));
    for (const char *at = strstr(doc, "\n### "); at;
         at = strstr(at, "\n### ")) {
        at += strlen("\n### ");
        while (*at != '\n') {
            size_t len = 0;

            while (is_type_char(at[len]))
                len++;
            if (len > 1) {
                assert_true(protocol_type((struct bytes){at, len}));
                headed++;
            }
            at += len + (at[len] != '\n');
        }
    }
    assert_true(headed > 10);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_types),
                                       cmocka_unit_test(test_close_codes),
                                       cmocka_unit_test(test_error_codes)};
    FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
    size_t size = 1 << 20, len;

    if (!file) {
        fprintf(stderr, "usage: %s docs/protocol.md\n", argv[0]);
        return 1;
    }
    doc = calloc(1, size);
    len = fread(doc, 1, size - 1, file);
    fclose(file);
    return len == 0 || cmocka_run_group_tests(tests, NULL, NULL);
}
