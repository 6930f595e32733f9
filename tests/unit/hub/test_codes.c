/* SPDX-License-Identifier: MIT */
/*
 * test_codes - docs/protocol.md has every row of the two tables, word for word.
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

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_close_codes),
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
