/* SPDX-License-Identifier: MIT */
/*
 * app - every capability wired together, and its life cycle.
 *
 *   new --app_start()--> SERVING --signal--> DRAINING --app_wait()--> DRAINED
 *
 * app_new() opens and checks everything; app_start() starts the feed and the
 * workers and returns once all of them listen; app_wait() handles signals
 * until the last connection has been let go.
 * Owner: the command. Threads: the one that made it.
 */
#ifndef FIELDLINE_APP_APP_H
#define FIELDLINE_APP_APP_H

#include "base/attr.h"

struct app;
struct buf;
struct config;
struct edge;

/* Routes that the command adds to the application's own. */
struct app_extra {
    int (*routes_fn)(struct edge *, void *arg);
    void *arg;
};

/* Borrows the configuration, whose secret is loaded. What is wrong goes to the
 * report, with what mends it. */
int app_new(struct app **ret, struct config *,
            const struct app_extra * /* or NULL */,
            struct buf *report) MUST_CHECK;
int app_start(struct app *, struct buf *report) MUST_CHECK;
const char *app_url(const struct app *); /* "http://127.0.0.1:8080" */

/* SIGTERM and SIGINT drain, a second one ends the process at once. SIGHUP asks
 * reload_fn for the application file anew: the settings that can change while
 * serving do, the rest waits for a restart; when the file is wrong nothing
 * changes. */
typedef int app_reload_fn(struct config **ret, void *arg);
void app_wait(struct app *, app_reload_fn *, void *arg);
void app_drain(struct app *); /* as a signal would */
void app_free(struct app **);

#endif
