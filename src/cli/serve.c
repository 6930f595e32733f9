/* SPDX-License-Identifier: MIT */
/*
 * serve - the application over HTTP and WebSocket, until a signal.
 * Threads: the command's.
 */
#include "cli/command.h"

#include "app/app.h"

#include <stdio.h>

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
        app_wait(app, line_reload, l);
    }
    app_free(&app);
    return error;
}

static int run(struct line *l)
{
    return line_run(l, serve);
}

const struct command command_serve = {
    .name = "serve",
    .arguments = "DIR",
    .summary = "Serves an application",
    .takes_settings = true,
    .argument_count = 1,
    .run_fn = run,
};
