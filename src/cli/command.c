/* SPDX-License-Identifier: MIT */
/*
 * command - options out of argv, and help out of the tables.
 * Threads: immutable; a line belongs to its command.
 */
#include "cli/command.h"

#include "app/setting.h"
#include "base/buf.h"
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define REPORT_MAX  (1u << 20)
#define HELP_COLUMN 28

static size_t option_count(const struct command *c)
{
    size_t n = 0;

    while (n < COMMAND_OPTIONS && c->options[n].flag)
        n++;
    return n;
}

static void refuse(struct line *l, struct buf *report, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
static void refuse(struct line *l, struct buf *report, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    buf_printf(report, "fieldline %s: error: %s\n", l->command->name, text);
}

/* What an unknown flag was probably meant to be. */
static void refuse_flag(struct line *l, struct bytes flag, struct buf *report)
{
    struct bytes words[COMMAND_OPTIONS + CONFIG_OVERRIDES_MAX], near;
    char names[CONFIG_OVERRIDES_MAX][CONFIG_ENV_MAX];
    size_t count = 0, named = 0;

    while (count < option_count(l->command)) {
        words[count] = bytes_of(l->command->options[count].flag);
        count++;
    }
    for (size_t i = 0; l->command->takes_settings && i < config_group.count;
         i++) {
        if (!config_group.rows[i].kind->simple)
            continue;
        config_flag_name(&config_group.rows[i], names[named]);
        words[count++] = bytes_of(names[named++]);
    }
    near = mistakes_nearest(flag, words, count);
    if (near.len > 0)
        refuse(l, report,
               "unknown option " BYTES_FMT "; did you mean " BYTES_FMT "?",
               BYTES_ARG(flag), BYTES_ARG(near));
    else
        refuse(l, report,
               "unknown option " BYTES_FMT "; see: fieldline %s --help",
               BYTES_ARG(flag), l->command->name);
}

/* Takes a flag's value. False: the flag is not known. */
static bool take(struct line *l, struct bytes flag, const char *source,
                 const char *value)
{
    const struct setting *s =
        l->command->takes_settings ? config_setting_of_flag(flag) : NULL;

    for (size_t i = 0; i < option_count(l->command); i++)
        if (bytes_equal(flag, bytes_of(l->command->options[i].flag))) {
            l->values[i] = value;
            return true;
        }
    if (!s)
        return false;
    l->overrides[l->override_count++] =
        (struct config_override){s, source, value};
    return true;
}

/* "--flag VALUE" or "--flag=VALUE"; the number of words used, 0: wrong. */
static int take_option(struct line *l, int argc, char **argv,
                       struct buf *report)
{
    char *equals = strchr(argv[0], '=');
    const char *value = equals ? equals + 1 : argc > 1 ? argv[1] : NULL;
    struct bytes flag = bytes_of(argv[0]);

    if (equals) {
        flag.len = (size_t)(equals - argv[0]);
        *equals = '\0'; /* the flag names its own mistakes */
    }
    if (l->override_count == CONFIG_OVERRIDES_MAX) {
        refuse(l, report, "too many options; expected at most %d",
               CONFIG_OVERRIDES_MAX);
        return 0;
    }
    if (!take(l, flag, argv[0], value ? value : "")) {
        refuse_flag(l, flag, report);
        return 0;
    }
    if (!value) {
        refuse(l, report, BYTES_FMT " needs a value", BYTES_ARG(flag));
        return 0;
    }
    return equals ? 1 : 2;
}

static int check_complete(struct line *l, struct buf *report)
{
    const struct command *c = l->command;

    if (l->argument_count < c->argument_count) {
        refuse(l, report, "expected: fieldline %s %s", c->name, c->arguments);
        return ERR_INVALID;
    }
    for (size_t i = 0; i < option_count(c); i++) {
        if (!l->values[i])
            l->values[i] = c->options[i].standard;
        if (c->options[i].required && !l->values[i]) {
            refuse(l, report, "%s %s is missing: %s", c->options[i].flag,
                   c->options[i].value, c->options[i].help);
            return ERR_INVALID;
        }
    }
    return 0;
}

int line_read(struct line *l, const struct command *command, int argc,
              char **argv, struct buf *report)
{
    memset(l, 0, sizeof(*l));
    l->command = command;
    if (command->takes_settings) /* flags come after and win */
        l->override_count = config_env_overrides(
            l->overrides, CONFIG_OVERRIDES_MAX / 2, l->env_names);
    for (int i = 0; i < argc;) {
        int used = 1;

        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            l->help = true;
            return 0;
        }
        if (argv[i][0] == '-' && argv[i][1] != '\0') {
            used = take_option(l, argc - i, argv + i, report);
            if (used == 0)
                return ERR_INVALID;
        } else if (l->argument_count < command->argument_count) {
            l->arguments[l->argument_count++] = argv[i];
        } else {
            refuse(l, report, "'%s' is one too many; expected: fieldline %s %s",
                   argv[i], command->name, command->arguments);
            return ERR_INVALID;
        }
        i += used;
    }
    return check_complete(l, report);
}

const char *line_value(const struct line *l, const char *flag)
{
    for (size_t i = 0; i < option_count(l->command); i++)
        if (strcmp(l->command->options[i].flag, flag) == 0)
            return l->values[i];
    return NULL;
}

static void help_option(struct buf *out, const char *flag, const char *value,
                        const char *help, const char *standard)
{
    size_t start = out->len;

    buf_printf(out, "  %s %s ", flag, value);
    while (out->len - start < HELP_COLUMN && !buf_error(out))
        buf_append_char(out, ' ');
    buf_append(out, bytes_of(help));
    if (standard)
        buf_printf(out, " [%s]", standard);
    buf_append_char(out, '\n');
}

static void help_settings(struct buf *out)
{
    buf_append(out, BYTES("\nsettings of the application file, each also an "
                          "environment variable\n(--feed-poll is "
                          "FIELDLINE_FEED_POLL):\n"));
    for (size_t i = 0; i < config_group.count; i++) {
        const struct setting *s = &config_group.rows[i];
        char flag[CONFIG_ENV_MAX];

        if (!s->kind->simple)
            continue;
        config_flag_name(s, flag);
        help_option(out, flag, s->kind->name, s->help, s->standard);
    }
}

void command_help(const struct command *c, struct buf *out)
{
    buf_printf(out, "usage: fieldline %s %s%s\n\n%s\n", c->name, c->arguments,
               c->takes_settings || option_count(c) ? " [OPTION VALUE]..." : "",
               c->summary);
    if (option_count(c) > 0)
        buf_append(out, BYTES("\noptions:\n"));
    for (size_t i = 0; i < option_count(c); i++)
        help_option(out, c->options[i].flag, c->options[i].value,
                    c->options[i].help, c->options[i].standard);
    if (c->takes_settings)
        help_settings(out);
}

int line_reload(struct config **ret, void *arg)
{
    const struct line *l = arg;
    struct buf report;
    int error;

    buf_init(&report, REPORT_MAX);
    error = config_load(ret, l->arguments[0], l->overrides, l->override_count,
                        &report);
    if (error && report.len == 0)
        buf_printf(&report, "fieldline %s: error: %s\n", l->command->name,
                   error_text(error));
    report_print(&report);
    buf_fini(&report);
    return error;
}

int line_run(struct line *l, application_fn *fn)
{
    struct config *config;
    struct buf report;
    int error;

    if (line_reload(&config, l))
        return EXIT_FAILURE;
    buf_init(&report, REPORT_MAX);
    error = fn(l, config, &report);
    report_print(&report);
    buf_fini(&report);
    config_free(&config);
    return error ? EXIT_FAILURE : EXIT_SUCCESS;
}

void report_print(struct buf *report)
{
    if (report->len > 0)
        fwrite(report->at, 1, report->len, stderr);
    buf_clear(report);
}

int command_fail(const struct line *l, int exit_code, const char *fmt, ...)
{
    va_list ap;

    fprintf(stderr, "fieldline %s: error: ", l->command->name);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    return exit_code;
}
