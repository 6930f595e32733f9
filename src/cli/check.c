/* SPDX-License-Identifier: MIT */
/*
 * check - is the application right? Nothing is changed.
 * Threads: the command's.
 */
#include "cli/command.h"

#include "app/database.h"

#include <stdio.h>

static int check(struct line *l, struct config *config, struct buf *report)
{
    int error = database_check(config, report);

    if (!error)
        printf("%s: " BYTES_FMT " is right: %u resources, %u messages, %u "
               "roles\n",
               config->file_name.at, BYTES_ARG(config->app),
               config->data.resource_count, config->hub.message_count,
               config->edge.auth.role_count);
    return error;
}

static int run(struct line *l)
{
    return line_run(l, check);
}

const struct command command_check = {
    .name = "check",
    .arguments = "DIR",
    .summary = "Reports every mistake in an application, with its place",
    .takes_settings = true,
    .argument_count = 1,
    .run_fn = run,
};
