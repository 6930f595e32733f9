/* SPDX-License-Identifier: MIT */
/*
 * command - what is typed becomes values, or a line that says what was
 * expected.
 * Threads: loop.
 */
#include "cli/command.h"
#include "../check.h"
#include "app/setting.h"
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

#define REPORT_MAX (64 << 10)
#define WORDS_MAX  12

static int run_nothing(struct line *l)
{
    return EXIT_SUCCESS;
}

static const struct command paint = {
    .name = "paint",
    .arguments = "DIR COLOUR",
    .summary = "Paints a directory",
    .takes_settings = true,
    .argument_count = 2,
    .options =
        {
            {"--brush", "NAME", NULL, true, "What to paint with"},
            {"--coats", "N", "2", false, "How often"},
        },
    .run_fn = run_nothing,
};

/* Reads a line of words apart by spaces, as a shell would give them. */
static int read_line(struct line *l, const char *typed, struct buf *report)
{
    static char room[256];
    char *argv[WORDS_MAX], *rest = room;
    int argc = 0;

    snprintf(room, sizeof(room), "%s", typed);
    for (char *word; (word = strtok_r(rest, " ", &rest));)
        argv[argc++] = word;
    return line_read(l, &paint, argc, argv, report);
}

static void typed(struct line *l, const char *words)
{
    struct buf report;

    buf_init(&report, REPORT_MAX);
    if (read_line(l, words, &report))
        fail_msg("%s: " BYTES_FMT, words, BYTES_ARG(report));
    assert_int_equal(report.len, 0);
    buf_fini(&report);
}

static void refused(const char *words, const char *says)
{
    static struct line l;
    struct buf report;

    buf_init(&report, REPORT_MAX);
    assert_int_equal(read_line(&l, words, &report), ERR_INVALID);
    check_bytes(buf_bytes(&report), says);
    buf_fini(&report);
}

static void words_become_values(void **state)
{
    static struct line l;

    typed(&l, "wall --brush wide red --coats=3 --workers 4");
    assert_string_equal(l.arguments[0], "wall");
    assert_string_equal(l.arguments[1], "red");
    assert_string_equal(line_value(&l, "--brush"), "wide");
    assert_string_equal(line_value(&l, "--coats"), "3");
    assert_int_equal(l.override_count, 1);
    assert_string_equal(l.overrides[0].setting->path, "workers");
    assert_string_equal(l.overrides[0].source, "--workers");
    assert_string_equal(l.overrides[0].value, "4");
    assert_null(line_value(&l, "--nothing"));
}

static void what_is_not_typed_has_its_default(void **state)
{
    static struct line l;

    typed(&l, "wall red --brush=");
    assert_string_equal(line_value(&l, "--brush"), "");
    assert_string_equal(line_value(&l, "--coats"), "2");
}

static void every_spelling_of_a_setting_is_one(void **state)
{
    static const struct {
        const char *flag, *path, *env;
    } all[] = {
        {"--listen", "listen", "FIELDLINE_LISTEN"},
        {"--data", "data", "FIELDLINE_DATA"},
        {"--store", "store.url", "FIELDLINE_STORE"},
        {"--workers", "workers", "FIELDLINE_WORKERS"},
        {"--hub-message-limit", "hub.message_limit",
         "FIELDLINE_HUB_MESSAGE_LIMIT"},
    };

    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        const struct setting *s = config_setting_of_flag(bytes_of(all[i].flag));
        char name[CONFIG_ENV_MAX];

        assert_non_null(s);
        assert_string_equal(s->path, all[i].path);
        config_flag_name(s, name);
        assert_string_equal(name, all[i].flag);
        config_env_name(s, name);
        assert_string_equal(name, all[i].env);
    }
}

static void variables_come_before_flags(void **state)
{
    static struct line l;

    setenv("FIELDLINE_WORKERS", "7", 1);
    typed(&l, "wall red --brush b --workers 4");
    unsetenv("FIELDLINE_WORKERS");
    assert_int_equal(l.override_count, 2); /* the later one wins */
    assert_string_equal(l.overrides[0].source, "FIELDLINE_WORKERS");
    assert_string_equal(l.overrides[1].value, "4");
}

static void mistakes_say_what_was_expected(void **state)
{
    refused("wall red", "fieldline paint: error: --brush NAME is missing: "
                        "What to paint with\n");
    refused("wall --brush b", "fieldline paint: error: expected: fieldline "
                              "paint DIR COLOUR\n");
    refused("wall red blue --brush b",
            "fieldline paint: error: 'blue' is one too many; expected: "
            "fieldline paint DIR COLOUR\n");
    refused("wall red --brsh b", "fieldline paint: error: unknown option "
                                 "--brsh; did you mean --brush?\n");
    refused("wall red --wrokers=1", "fieldline paint: error: unknown option "
                                    "--wrokers; did you mean --workers?\n");
    refused("wall red --zzzzzzzzzzzz 1",
            "fieldline paint: error: unknown option --zzzzzzzzzzzz; see: "
            "fieldline paint --help\n");
    refused("wall red --brush", "fieldline paint: error: --brush needs a "
                                "value\n");
}

static void help_needs_nothing_else(void **state)
{
    static struct line l;
    struct buf out;

    typed(&l, "--help");
    assert_true(l.help);
    buf_init(&out, REPORT_MAX);
    command_help(&paint, &out);
    assert_true(bytes_starts(buf_bytes(&out),
                             BYTES("usage: fieldline paint DIR COLOUR "
                                   "[OPTION VALUE]...\n\nPaints a directory\n"
                                   "\noptions:\n"
                                   "  --brush NAME              What to paint "
                                   "with\n"
                                   "  --coats N                 How often "
                                   "[2]\n")));
    assert_non_null(memmem(out.at, out.len, "--store", 7));
    buf_fini(&out);
}

static void more_flags_than_fit_are_refused_not_lost(void **state)
{
    static struct line l;
    static char room[CONFIG_OVERRIDES_MAX + 8][16];
    static char *argv[CONFIG_OVERRIDES_MAX + 8];
    struct buf report;

    buf_init(&report, REPORT_MAX);
    for (size_t i = 0; i < ARRAY_LEN(argv); i++) {
        snprintf(room[i], sizeof(room[i]), "--workers=1");
        argv[i] = room[i];
    }
    assert_int_equal(line_read(&l, &paint, (int)ARRAY_LEN(argv), argv, &report),
                     ERR_INVALID);
    assert_non_null(memmem(report.at, report.len, "too many", 8));
    buf_fini(&report);
}

RUN(cmocka_unit_test(words_become_values),
    cmocka_unit_test(what_is_not_typed_has_its_default),
    cmocka_unit_test(every_spelling_of_a_setting_is_one),
    cmocka_unit_test(variables_come_before_flags),
    cmocka_unit_test(mistakes_say_what_was_expected),
    cmocka_unit_test(help_needs_nothing_else),
    cmocka_unit_test(more_flags_than_fit_are_refused_not_lost))
