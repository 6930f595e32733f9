/* SPDX-License-Identifier: MIT */
/*
 * Entity tags, accepted codings and targets, by table.
 * Threads: loop.
 */
#include "../check.h"

#include "base/arena.h"
#include "edge/conditional.h"
#include "edge/encode.h"
#include "edge/target.h"
#include "edge/trace.h"

static void test_if_none_match_compares_weakly(void **state)
{
    static const struct {
        const char *list, *etag;
        bool has;
    } rows[] = {
        {"\"a\"", "\"a\"", true},        {"W/\"a\"", "\"a\"", true},
        {"\"a\"", "W/\"a\"", true},      {"\"x\" , W/\"a\"", "\"a\"", true},
        {"\"a.gz\"", "\"a\"", true},     {"*", "\"a\"", true},
        {"\"b\"", "\"a\"", false},       {"\"a", "\"a\"", false},
        {"a", "\"a\"", false},           {"", "\"a\"", false},
        {"junk, \"a\"", "\"a\"", false}, {"\"a\"", "", false},
        {"\"x,\\\"a\"", "\"a\"", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(
            etag_list_has(bytes_of(rows[i].list), bytes_of(rows[i].etag)),
            rows[i].has);
}

static void test_if_match_compares_versions_strongly(void **state)
{
    static const struct {
        const char *list;
        bool has;
    } rows[] = {
        {"\"v1\"", true},          {"\"v1.r1\"", true}, {"\"v1.r1.gz\"", true},
        {"\"x\", \"v1.q\"", true}, {"*", true},         {"W/\"v1\"", false},
        {"\"v10\"", false},        {"\"v\"", false},    {"\"\"", false},
        {"\".v1\"", false},        {"", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(
            etag_list_has_version(bytes_of(rows[i].list), BYTES("v1")),
            rows[i].has);
}

static void test_gzip_is_accepted_by_its_weight(void **state)
{
    static const struct {
        const char *list;
        bool accepts;
    } rows[] = {
        {"gzip", true},
        {"br, GZIP", true},
        {"gzip;q=0.001", true},
        {"x-gzip", true},
        {"*", true},
        {"gzip;q=0", false},
        {"gzip; q=0.000, *", false},
        {"*;q=0", false},
        {"identity", false},
        {"gzippy", false},
        {"", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(encode_accepts_gzip(bytes_of(rows[i].list)),
                         rows[i].accepts);
}

static void test_targets_mean_one_thing_or_are_refused(void **state)
{
    static const struct {
        const char *text, *path, *query; /* path NULL: refused */
    } rows[] = {
        {"/", "/", ""},
        {"/a/b?c=d?e", "/a/b", "c=d?e"},
        {"/a/", "/a/", ""},
        {"/caf%C3%A9", "/caf\xC3\xA9", ""},
        {"http://h", "/", ""},
        {"HTTPS://h:1/a?b", "/a", "b"},
        {"*", "*", ""},
        {"", NULL, NULL},
        {"a", NULL, NULL},
        {"ftp://h/", NULL, NULL},
        {"http://h?a", NULL, NULL},
        {"//a", NULL, NULL},
        {"/a//b", NULL, NULL},
        {"/a//", NULL, NULL},
        {"/.", NULL, NULL},
        {"/a/..", NULL, NULL},
        {"/a/%2E%2E/b", NULL, NULL},
        {"/a%2Fb", NULL, NULL},
        {"/a%5cb", NULL, NULL},
        {"/a%00", NULL, NULL},
        {"/a%0d%0a", NULL, NULL},
        {"/a%FF", NULL, NULL},
        {"/a%", NULL, NULL},
        {"/a%4", NULL, NULL},
        {"/a%4g", NULL, NULL},
        {"/a b", NULL, NULL},
        {"/\xC3\xA9", NULL, NULL},
        {"/a#b", NULL, NULL},
    };
    struct arena arena;
    struct target t;

    arena_init(&arena, 1 << 16);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int error = target_parse(&t, bytes_of(rows[i].text), &arena);

        if ((error == 0) != (rows[i].path != NULL))
            fail_msg("%d for '%s'", error, rows[i].text);
        if (error == 0) {
            check_bytes(t.path, rows[i].path);
            check_bytes(t.query, rows[i].query);
        }
    }
    arena_fini(&arena);
}

static void test_only_a_whole_traceparent_is_gone_on_with(void **state)
{
    static const char good[] =
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    static const char *const bad[] = {
        "",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0x",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
    };
    uint64_t random = 1;
    struct trace t;

    trace_begin(&t, bytes_of(good), &random);
    assert_memory_equal(t.text, good, 36);
    assert_memory_equal(t.text + 52, "-01", 3);
    assert_memory_not_equal(t.text + 36, good + 36, 16);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        trace_begin(&t, bytes_of(bad[i]), &random);
        assert_memory_not_equal(t.text + 3, good + 3, 32);
        assert_memory_equal(t.text + 52, "-00", 3);
    }
}

static void test_trace_ids_are_lower_case_hexadecimal(void **state)
{
    uint64_t random = 7;

    for (int i = 0; i < 1000; i++) {
        char text[TRACE_TEXT_LEN + 1];
        struct trace t;

        trace_begin(&t, BYTES(""), &random);
        memcpy(text, t.text, TRACE_TEXT_LEN);
        text[TRACE_TEXT_LEN] = '\0';
        assert_int_equal(strspn(text + 3, "0123456789abcdef"), 32);
        assert_int_equal(strspn(text + 36, "0123456789abcdef"), 16);
    }
}

RUN(cmocka_unit_test(test_if_none_match_compares_weakly),
    cmocka_unit_test(test_if_match_compares_versions_strongly),
    cmocka_unit_test(test_gzip_is_accepted_by_its_weight),
    cmocka_unit_test(test_targets_mean_one_thing_or_are_refused),
    cmocka_unit_test(test_only_a_whole_traceparent_is_gone_on_with),
    cmocka_unit_test(test_trace_ids_are_lower_case_hexadecimal))
