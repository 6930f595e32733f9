/* SPDX-License-Identifier: MIT */
/*
 * serve - the application over HTTP and WebSocket, until a signal.
 * Threads: the command's.
 */
#include "cli/command.h"

#include "app/app.h"
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

#define REPORT_MAX (64u << 10)

static int on_reload(struct config **ret, void *arg)
{
    return line_config(arg, ret);
}

static int serve(struct line *l, struct config *config, struct buf *report)
{
    struct app *app = NULL;
    int error = config_secret_load(config, report);

    if (!error)
        error = app_new(&app, config, NULL, report);
    if (!error)
        error = app_start(app, report);
    if (!error) {
        printf("listening on %s\n", app_url(app));
        fflush(stdout);
        app_wait(app, on_reload, l);
    }
    app_free(&app);
    return error;
}

static int run(struct line *l)
{
    struct config *config;
    struct buf report;
    int error;

    if (line_config(l, &config))
        return EXIT_FAILURE;
    buf_init(&report, REPORT_MAX);
    error = serve(l, config, &report);
    report_print(&report);
    buf_fini(&report);
    config_free(&config);
    return error ? EXIT_FAILURE : EXIT_SUCCESS;
}

const struct command command_serve = {
    .name = "serve",
    .arguments = "DIR",
    .summary = "Serves an application",
    .takes_settings = true,
    .argument_count = 1,
    .run_fn = run,
};
