/* SPDX-License-Identifier: MIT */
/* test_convert - times, and texts to values and back. Threads: the test's. */
#include "../check.h"

#include "base/buf.h"
#include "data/convert.h"

static void check_time(const char *text, unsigned digits, const char *want)
{
    char got[TIME_TEXT_MAX + 1] = "";
    size_t len = time_canonical(bytes_of(text), digits, got);

    got[len] = '\0';
    if (strcmp(got, want))
        fail_msg("'%s': got '%s', want '%s'", text, got, want);
}

static void times_become_utc(void **state)
{
    check_time("2026-11-20T18:44:25Z", 6, "2026-11-20T18:44:25.000Z");
    check_time("2026-11-20 18:44:25", 6, "2026-11-20T18:44:25.000Z");
    check_time("2026-11-20t18:44:25z", 6, "2026-11-20T18:44:25.000Z");
    check_time("2026-11-20T18:44:25.5+02:00", 6, "2026-11-20T16:44:25.500Z");
    check_time("2026-11-20T18:44:25+02", 6, "2026-11-20T16:44:25.000Z");
    check_time("2026-11-20T18:44:25 02:00", 6, "2026-11-20T16:44:25.000Z");
    check_time("2026-11-20T18:44:25-0530", 6, "2026-11-21T00:14:25.000Z");
    check_time("2026-11-20T18:44:25.123456Z", 6, "2026-11-20T18:44:25.123456Z");
    check_time("2026-11-20T18:44:25.123456Z", 3, "2026-11-20T18:44:25.123Z");
    check_time("2026-11-20T18:44:25.1234567891Z", 6,
               "2026-11-20T18:44:25.123456Z");
    check_time("2026-11-20T18:44:25.120000Z", 6, "2026-11-20T18:44:25.120Z");
    check_time("2024-02-29T23:59:60Z", 6, "2024-03-01T00:00:00.000Z");
    check_time("9999-12-31T23:59:59-01:00", 6, "");
    check_time("0001-01-01T00:00:00+01:00", 6, "");
}

static void what_is_no_time_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "now",
        "2026-11-20",
        "2026-11-20T18:44",
        "2026-11-20T18:44:25.Z",
        "2026-11-20T18:44:25X",
        "2026-11-20T18:44:25+",
        "2026-11-20T18:44:25+1",
        "2026-11-20T18:44:25+24:00",
        "2026-11-20T18:44:25+02:60",
        "2026-11-20T18:44:25+02:0",
        "2026-11-20T18:44:25+02:000",
        "2026-11-20T24:00:00Z",
        "2026-11-20T18:60:00Z",
        "2026-00-20T18:00:00Z",
        "2026-11-32T18:00:00Z",
        "2026/11/20T18:00:00Z",
        "0000-11-20T18:00:00Z",
        "2026-11-20T18:44:25ZZ",
    };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        check_time(texts[i], 6, "");
}

static void texts_become_values_of_their_kind(void **state)
{
    static const struct {
        enum column_kind kind;
        const char *text;
        const char *canonical; /* NULL: refused */
    } cases[] = {
        {COLUMN_INT, "7", "7"},
        {COLUMN_INT, "-0", "0"},
        {COLUMN_INT, "007", "7"},
        {COLUMN_INT, "9223372036854775807", "9223372036854775807"},
        {COLUMN_INT, "9223372036854775808", NULL},
        {COLUMN_INT, "1e3", NULL},
        {COLUMN_INT, "", NULL},
        {COLUMN_REAL, "1.50", "1.5"},
        {COLUMN_REAL, "2.0", "2"},
        {COLUMN_REAL, "inf", NULL},
        {COLUMN_REAL, "1,5", NULL},
        {COLUMN_NUMERIC, "12345678901234567890.10", "12345678901234567890.10"},
        {COLUMN_NUMERIC, "\"1\"", NULL},
        {COLUMN_NUMERIC, "true", NULL},
        {COLUMN_BOOL, "true", "true"},
        {COLUMN_BOOL, "false", "false"},
        {COLUMN_BOOL, "TRUE", NULL},
        {COLUMN_BOOL, "", NULL},
        {COLUMN_TEXT, "", ""},
        {COLUMN_TEXT, "a\xc3\xa4", "a\xc3\xa4"},
        {COLUMN_TEXT, "\xc3", NULL},
        {COLUMN_TIME, "2026-11-20", "2026-11-20"},
        {COLUMN_TIME, "2026-02-30x", NULL},
        {COLUMN_JSON, "{\"a\":1}", "{\"a\":1}"},
        {COLUMN_JSON, "{a:1}", NULL},
        {COLUMN_BLOB, "00", NULL},
        {COLUMN_UUID, "0198F3C2-7b8c-7e6D-9a01-23456789ABCD",
         "0198f3c2-7b8c-7e6d-9a01-23456789abcd"},
        {COLUMN_UUID, "0198f3c2-7b8c-7e6d-9a01-23456789abc", NULL},
        {COLUMN_UUID, "0198f3c2-7b8c-7e6d-9a01-23456789abcg", NULL},
        {COLUMN_UUID, "0198f3c207b8c07e6d09a01023456789abcd", NULL},
    };
    struct arena a;

    arena_init(&a, 1 << 16);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct column c = {.kind = cases[i].kind};
        struct value v;
        struct buf b;
        int error = convert_text(cases[i].kind, STORE_SQLITE,
                                 bytes_of(cases[i].text), &a, &v);

        if (error != (cases[i].canonical ? 0 : ERR_INVALID))
            fail_msg("%s: %s", cases[i].text, error_name(error));
        if (error)
            continue;
        buf_init(&b, 1000);
        convert_write_text(&b, &c, v);
        check_bytes(buf_bytes(&b), cases[i].canonical);
        buf_fini(&b);
    }
    arena_fini(&a);
}

static void a_nul_is_no_text(void **state)
{
    struct value v;
    struct arena a;

    arena_init(&a, 1 << 16);
    assert_int_equal(
        convert_text(COLUMN_TEXT, STORE_SQLITE, BYTES("a\0b"), &a, &v),
        ERR_INVALID);
    arena_fini(&a);
}

/* A row and a change image of the same value have the same canonical text. */
static void rows_and_images_agree(void **state)
{
    static const struct {
        enum column_kind kind;
        struct value value;
        const char *image;
        const char *text, *json;
    } cases[] = {
        {COLUMN_BOOL, {VALUE_INT, .integer = 1}, "1", "true", "true"},
        {COLUMN_BOOL,
         {VALUE_BOOL, .boolean = false},
         "false",
         "false",
         "false"},
        {COLUMN_INT, {VALUE_INT, .integer = -5}, "-5", "-5", "-5"},
        {COLUMN_TEXT,
         {VALUE_TEXT, .bytes = {"a\n\"\\", 4}},
         "\"a\\n\\\"\\\\\"",
         "a\n\"\\",
         "\"a\\n\\\"\\\\\""},
        {COLUMN_TEXT,
         {VALUE_TEXT, .bytes = {"\xc3\xa4", 2}},
         "\"\\u00e4\"",
         "\xc3\xa4",
         NULL},
        {COLUMN_TIME,
         {VALUE_TEXT, .bytes = {"2026-11-20T08:00:00Z", 20}},
         "\"2026-11-20T10:00:00+02:00\"",
         "2026-11-20T08:00:00.000Z",
         "\"2026-11-20T08:00:00.000Z\""},
        {COLUMN_JSON,
         {VALUE_TEXT, .bytes = {"{\"a\":1}", 7}},
         "{\"a\":1}",
         "{\"a\":1}",
         "{\"a\":1}"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct column c = {.kind = cases[i].kind};
        struct bytes image = bytes_of(cases[i].image);
        struct buf b;

        buf_init(&b, 1000);
        convert_write_text(&b, &c, cases[i].value);
        check_bytes(buf_bytes(&b), cases[i].text);
        buf_clear(&b);
        if (cases[i].kind != COLUMN_TIME && cases[i].kind != COLUMN_JSON) {
            assert_true(convert_image_write_text(&b, &c, image));
            check_bytes(buf_bytes(&b), cases[i].text);
        }
        if (cases[i].json) {
            buf_clear(&b);
            convert_write_json(&b, &c, cases[i].value);
            check_bytes(buf_bytes(&b), cases[i].json);
            buf_clear(&b);
            convert_image_write_json(&b, &c, image);
            check_bytes(buf_bytes(&b), cases[i].json);
        }
        buf_fini(&b);
    }
}

RUN(cmocka_unit_test(times_become_utc),
    cmocka_unit_test(what_is_no_time_is_refused),
    cmocka_unit_test(texts_become_values_of_their_kind),
    cmocka_unit_test(a_nul_is_no_text), cmocka_unit_test(rows_and_images_agree))
