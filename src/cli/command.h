/* SPDX-License-Identifier: MIT */
/*
 * command - a subcommand of fieldline, and what was typed behind it.
 *
 * Each subcommand is one file with one struct command; main.c lists them.
 * Any setting of the application file is a flag too (--feed-poll 50ms).
 * Exit codes: 0 done, 1 it failed, 2 it was typed wrongly.
 * Threads: immutable; a line belongs to its command.
 */
#ifndef FIELDLINE_CLI_COMMAND_H
#define FIELDLINE_CLI_COMMAND_H

#include "app/config.h"

#define EXIT_USAGE        2
#define COMMAND_OPTIONS   8
#define COMMAND_ARGUMENTS 3

struct option_spec {
    const char *flag;     /* "--user" */
    const char *value;    /* "USER", for the help; NULL ends the list */
    const char *standard; /* the default, or NULL */
    bool required;
    const char *help;
};

struct line;

struct command {
    const char *name;
    const char *arguments; /* "DIR migrate|sample" */
    const char *summary;   /* one line */
    bool hidden;           /* not listed */
    bool takes_settings;   /* settings are flags */
    unsigned argument_count;
    struct option_spec options[COMMAND_OPTIONS];
    int (*run_fn)(struct line *);
};

struct line {
    const struct command *command;
    const char *arguments[COMMAND_ARGUMENTS];
    unsigned argument_count;
    const char *values[COMMAND_OPTIONS]; /* as in command->options */
    struct config_override overrides[CONFIG_OVERRIDES_MAX];
    size_t override_count;
    char env_names[CONFIG_OVERRIDES_MAX][CONFIG_ENV_MAX];
    bool help;
};

/* Reads argv behind the command's name. What is wrong goes to the report:
 * ERR_INVALID. */
int line_read(struct line *, const struct command *, int argc, char **argv,
              struct buf *report) MUST_CHECK;
const char *line_value(const struct line *, const char *flag);
void command_help(const struct command *, struct buf *out);

/* Runs fn on the line's application, with its flags, and prints what it
 * reports. Returns the exit code. */
typedef int application_fn(struct line *, struct config *, struct buf *report);
int line_run(struct line *, application_fn *);
/* An app_reload_fn: the same application anew. What is wrong is printed. */
int line_reload(struct config **ret, void *line);

/* Prints a report to standard error and gives it back empty. */
void report_print(struct buf *report);
/* "fieldline CMD: error: ...", to standard error; returns the exit code. */
int command_fail(const struct line *, int exit_code, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

extern const struct command command_serve, command_check, command_token,
    command_db, command_demo, command_docs;

#endif
