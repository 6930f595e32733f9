/* SPDX-License-Identifier: MIT */
/* http - field numbers, names, reasons, lists. Threads: loop. */
#include "proto/http.h"
#include "../check.h"

static const char *const names[] = {
#define X(id, name) name,
    HTTP_FIELD_TABLE(X)
#undef X
};

static void every_known_field_has_its_number(void **state)
{
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        char upper[32] = {0};
        size_t len = strlen(names[i]);

        assert_int_equal(http_field_id_of(bytes_of(names[i])), i + 1);
        for (size_t k = 0; k < len; k++)
            upper[k] = (char)(names[i][k] - (names[i][k] >= 'a' ? 32 : 0));
        assert_int_equal(http_field_id_of(bytes_of(upper)), i + 1);
    }
}

/* Any change but of a letter's case makes it another name. */
static void no_other_name_has_a_number(void **state)
{
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        char other[32] = {0};
        size_t len = strlen(names[i]);

        memcpy(other, names[i], len);
        assert_int_equal(http_field_id_of((struct bytes){other, len - 1}), 0);
        assert_int_equal(http_field_id_of((struct bytes){other, len + 1}), 0);
        for (size_t k = 0; k < len; k++) {
            for (int c = 0; c < 256; c++) {
                bool same = c == names[i][k] ||
                            (names[i][k] >= 'a' && c == names[i][k] - 32);

                other[k] = (char)c;
                if (!same)
                    assert_int_not_equal(
                        http_field_id_of((struct bytes){other, len}), i + 1);
            }
            other[k] = names[i][k];
        }
    }
    assert_int_equal(http_field_id_of(BYTES("")), HTTP_FIELD_NONE);
    assert_int_equal(http_field_id_of(BYTES("x-forwarded-for")), 0);
}

static void methods_and_reasons_have_names(void **state)
{
    assert_string_equal(http_method_name(HTTP_DELETE), "DELETE");
    assert_string_equal(http_method_name(HTTP_OTHER), "OTHER");
    assert_string_equal(http_reason(404), "Not Found");
    assert_string_equal(http_reason(999), "");
}

static void a_list_has_its_tokens(void **state)
{
    assert_true(http_list_has(BYTES("close"), BYTES("close")));
    assert_true(http_list_has(BYTES("Keep-Alive , UPGRADE"), BYTES("upgrade")));
    assert_true(http_list_has(BYTES(",, a\t,b"), BYTES("a")));
    assert_false(http_list_has(BYTES("closed, disclose"), BYTES("close")));
    assert_false(http_list_has(BYTES(""), BYTES("a")));
    assert_false(http_list_has(BYTES("a,,b"), BYTES("")));
}

static void a_field_is_found_by_name(void **state)
{
    static struct http_head h = {
        .field_count = 2,
        .fields = {{{"X-One", 5}, {"1", 1}}, {{"x-two", 5}, {"2", 1}}},
    };

    check_bytes(http_head_find(&h, BYTES("x-one")), "1");
    check_bytes(http_head_find(&h, BYTES("X-TWO")), "2");
    assert_int_equal(http_head_find(&h, BYTES("x-three")).len, 0);
}

RUN(cmocka_unit_test(every_known_field_has_its_number),
    cmocka_unit_test(no_other_name_has_a_number),
    cmocka_unit_test(methods_and_reasons_have_names),
    cmocka_unit_test(a_list_has_its_tokens),
    cmocka_unit_test(a_field_is_found_by_name))
