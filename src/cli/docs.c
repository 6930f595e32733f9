/* SPDX-License-Identifier: MIT */
/*
 * docs - prints the reference pages that tables generate.
 * Threads: the command's.
 */
#include "cli/command.h"

#include "app/reference.h"
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

#define PAGE_MAX (1u << 20)

static int run(struct line *l)
{
    const char *what = l->arguments[0];
    struct buf page;
    int error;

    buf_init(&page, PAGE_MAX);
    if (strcmp(what, "settings") == 0)
        reference_settings(&page);
    else if (strcmp(what, "metrics") == 0)
        reference_metrics(&page);
    else
        return command_fail(l, EXIT_USAGE,
                            "'%s' is not known; expected settings or metrics",
                            what);
    error = buf_error(&page);
    if (!error)
        fwrite(page.at, 1, page.len, stdout);
    buf_fini(&page);
    return error ? EXIT_FAILURE : EXIT_SUCCESS;
}

const struct command command_docs = {
    .name = "docs",
    .arguments = "settings|metrics",
    .summary = "Prints a reference page in Markdown",
    .hidden = true,
    .argument_count = 1,
    .run_fn = run,
};
