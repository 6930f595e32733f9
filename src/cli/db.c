/* SPDX-License-Identifier: MIT */
/*
 * db - brings the database up to date, or fills it with sample data.
 * Threads: the command's.
 */
#include "cli/command.h"

#include "app/database.h"
#include "app/sample.h"
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

#define REPORT_MAX (1u << 20)

static void on_progress(const char *what, void *arg)
{
    printf("%s\n", what);
    fflush(stdout);
}

static int run_on(struct database *db, bool migrate, unsigned scale,
                  struct buf *report)
{
    int error;

    if (migrate)
        return database_migrate(db, on_progress, NULL, report);
    error = database_verify(db, report);
    return error ? error
                 : database_sample(db, scale, on_progress, NULL, report);
}

static int run(struct line *l)
{
    const char *what = l->arguments[1];
    bool migrate = strcmp(what, "migrate") == 0;
    struct store_options options = {.create = migrate};
    struct config *config;
    struct database db;
    struct buf report;
    uint64_t scale;
    int error;

    if (!migrate && strcmp(what, "sample") != 0)
        return command_fail(l, EXIT_USAGE,
                            "'%s' is not known; expected migrate or sample",
                            what);
    if (bytes_to_u64(bytes_of(line_value(l, "--scale")), &scale) || scale < 1 ||
        scale > SAMPLE_SCALE_MAX)
        return command_fail(l, EXIT_USAGE, "--scale: expected 1 to %d",
                            SAMPLE_SCALE_MAX);
    if (line_config(l, &config))
        return EXIT_FAILURE;
    buf_init(&report, REPORT_MAX);
    error = database_open(&db, config, &options, &report);
    if (!error) {
        error = run_on(&db, migrate, (unsigned)scale, &report);
        database_close(&db);
    }
    report_print(&report);
    buf_fini(&report);
    config_free(&config);
    return error ? EXIT_FAILURE : EXIT_SUCCESS;
}

const struct command command_db = {
    .name = "db",
    .arguments = "DIR migrate|sample",
    .summary = "Runs the migrations, or fills an empty database with a day",
    .takes_settings = true,
    .argument_count = 2,
    .options =
        {
            {"--scale", "N", "1", false,
             "sample: multiplies every count of sample.yaml"},
        },
    .run_fn = run,
};
