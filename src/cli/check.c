/* SPDX-License-Identifier: MIT */
/*
 * check - is the application right? Nothing is changed.
 * Threads: the command's.
 */
#include "cli/command.h"

#include "app/database.h"
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

#define REPORT_MAX (1u << 20)

static int run(struct line *l)
{
    struct config *config;
    struct buf report;
    int error;

    if (line_config(l, &config))
        return EXIT_FAILURE;
    buf_init(&report, REPORT_MAX);
    error = database_check(config, &report);
    report_print(&report);
    if (!error)
        printf("%s: " BYTES_FMT " is right: %u resources, %u messages, %u "
               "roles\n",
               config->file_name.at, BYTES_ARG(config->app),
               config->data.resource_count, config->hub.message_count,
               config->edge.auth.role_count);
    buf_fini(&report);
    config_free(&config);
    return error ? EXIT_FAILURE : EXIT_SUCCESS;
}

const struct command command_check = {
    .name = "check",
    .arguments = "DIR",
    .summary = "Reports every mistake in an application, with its place",
    .takes_settings = true,
    .argument_count = 1,
    .run_fn = run,
};
