/* SPDX-License-Identifier: MIT */
/*
 * main - finds the subcommand.
 * Threads: the command's.
 */
#include "cli/command.h"

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

#define HELP_MAX (64u << 10)

static const struct command *const commands[] = {
    &command_serve, &command_demo, &command_check,
    &command_token, &command_db,   &command_docs,
};

static void help(FILE *out)
{
    fputs("usage: fieldline COMMAND ...\n\n", out);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (!commands[i]->hidden)
            fprintf(out, "  %-8s %s\n", commands[i]->name,
                    commands[i]->summary);
    fputs("\nfieldline COMMAND --help says more.\n", out);
}

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static int run(const struct command *command, int argc, char **argv)
{
    static struct line line;
    struct buf text;
    int status;

    buf_init(&text, HELP_MAX);
    if (line_read(&line, command, argc, argv, &text)) {
        report_print(&text);
        status = EXIT_USAGE;
    } else if (line.help) {
        command_help(command, &text);
        fwrite(text.at, 1, text.len, stdout);
        status = EXIT_SUCCESS;
    } else {
        status = command->run_fn(&line);
    }
    buf_fini(&text);
    return status;
}

int main(int argc, char **argv)
{
    const struct command *command;

    if (argc < 2) {
        help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        help(stdout);
        return EXIT_SUCCESS;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("fieldline " FIELDLINE_VERSION);
        return EXIT_SUCCESS;
    }
    command = find(argv[1]);
    if (!command) {
        fprintf(stderr, "fieldline: error: there is no command '%s'\n\n",
                argv[1]);
        help(stderr);
        return EXIT_USAGE;
    }
    return run(command, argc - 2, argv + 2);
}
