/* SPDX-License-Identifier: MIT */
/*
 * db - brings the database up to date, or fills it with sample data.
 * Threads: the command's.
 */
#include "cli/command.h"

#include "app/database.h"
#include "app/sample.h"
#include "base/error.h"

#include <stdio.h>

static void on_progress(const char *what, void *arg)
{
    printf("%s\n", what);
    fflush(stdout);
}

static int migrate(struct line *l, struct config *config, struct buf *report)
{
    struct store_options options = {.create = true};
    struct database db;
    int error = database_open(&db, config, &options, report);

    if (error)
        return error;
    error = database_migrate(&db, on_progress, NULL, report);
    database_close(&db);
    return error;
}

static bool read_scale(const struct line *l, uint64_t *ret)
{
    return bytes_to_u64(bytes_of(line_value(l, "--scale")), ret) == 0 &&
           *ret >= 1 && *ret <= SAMPLE_SCALE_MAX;
}

static int sample(struct line *l, struct config *config, struct buf *report)
{
    struct store_options options = {.create = false};
    struct database db;
    uint64_t scale = 1;
    int error = read_scale(l, &scale) ? 0 : ERR_RANGE;

    if (!error)
        error = database_open(&db, config, &options, report);
    if (error)
        return error;
    error = database_verify(&db, report);
    if (!error)
        error =
            database_sample(&db, (unsigned)scale, on_progress, NULL, report);
    database_close(&db);
    return error;
}

static int run(struct line *l)
{
    const char *what = l->arguments[1];
    uint64_t scale;

    if (!read_scale(l, &scale))
        return command_fail(l, EXIT_USAGE, "--scale: expected 1 to %d",
                            SAMPLE_SCALE_MAX);
    if (strcmp(what, "migrate") == 0)
        return line_run(l, migrate);
    if (strcmp(what, "sample") == 0)
        return line_run(l, sample);
    return command_fail(l, EXIT_USAGE,
                        "'%s' is not known; expected migrate or sample", what);
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
