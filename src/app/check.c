/* SPDX-License-Identifier: MIT */
/*
 * check - does every column that the application file names exist?
 *
 * The migrations are run on a fresh SQLite file in a directory of its own,
 * which is gone afterwards; the application's database is not touched.
 * Threads: one at a time.
 */
#include "app/database.h"

#include "app/config.h"
#include "app/setting.h"
#include "base/buf.h"
#include "base/error.h"
#include "data/data.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define COLUMNS_MAX 256 /* of a table, that are known */
#define SCRATCH_URL "sqlite:check.db"

struct columns {
    struct arena *arena;
    size_t count;
    struct bytes names[COLUMNS_MAX];
};

static void on_column(const struct column_info *info, void *arg)
{
    struct columns *c = arg;

    if (c->count < COLUMNS_MAX)
        c->names[c->count++] = arena_copy(c->arena, info->name);
}

static bool has_column(const struct columns *c, struct bytes name)
{
    for (size_t i = 0; i < c->count; i++)
        if (bytes_equal(c->names[i], name))
            return true;
    return false;
}

/* One mention in the file, of a table or of one of its columns. */
static void check_mention(struct reader *r, const struct columns *c,
                          struct bytes table, const struct config_column *one)
{
    bool of_table = one->column.len == 0;

    if (of_table && c->count == 0)
        mistakes_add(r->mistakes, one->at, table.len,
                     BYTES("a table that the migrations make"),
                     "there is no table '" BYTES_FMT "'", BYTES_ARG(table));
    if (of_table || c->count == 0 || has_column(c, one->column))
        return;
    mistakes_add(r->mistakes, one->at, one->at > 0 ? one->column.len : 1,
                 reader_suggest(r, one->column, c->names, c->count),
                 "the table '" BYTES_FMT "' has no column '" BYTES_FMT "'%s",
                 BYTES_ARG(table), BYTES_ARG(one->column),
                 one->at > 0 ? "" : ", the key by default");
}

static int check_resource(struct reader *r, struct database *db,
                          const struct resource_spec *resource)
{
    struct columns *c = reader_alloc(r, 1, sizeof(*c));
    struct store_detail detail = {.text = ""};
    int error;

    if (!c)
        return ERR_NOMEM;
    c->arena = r->arena;
    error = admin_columns(db->admin, resource->table, on_column, c, &detail);
    if (error && error != ERR_NOT_FOUND)
        return error;
    for (const struct config_column *one = r->config->columns; one;
         one = one->next)
        if (bytes_equal(one->resource, resource->name))
            check_mention(r, c, resource->table, one);
    return 0;
}

static int check_columns(struct database *db, struct buf *report)
{
    struct config *config = db->config;
    struct mistakes *mistakes = arena_zalloc(&config->arena, sizeof(*mistakes));
    struct reader r = {
        .arena = &config->arena, .mistakes = mistakes, .config = config};
    int error = 0;

    if (!mistakes)
        return ERR_NOMEM;
    mistakes->name = config->file_name.at;
    mistakes->text = config->text;
    mistakes->arena = &config->arena;
    for (unsigned i = 0; i < config->data.resource_count && !error; i++)
        error = check_resource(&r, db, &config->data.resources[i]);
    mistakes_write(mistakes, report);
    return error ? error : mistakes->count > 0 ? ERR_INVALID : 0;
}

/* The triggers name columns too, so they come after the check. */
static int check_scratch(struct database *db, struct buf *report)
{
    struct store_detail detail = {.text = ""};
    size_t count = db->publish_count;
    struct data *data = NULL;
    int error;

    db->publish_count = 0;
    error = database_migrate(db, NULL, NULL, report);
    db->publish_count = count;
    if (!error)
        error = check_columns(db, report);
    if (!error)
        error = database_migrate(db, NULL, NULL, report);
    if (error)
        return error;
    error = data_new(&data, &db->config->data, db->store, db->admin, &detail);
    if (error)
        buf_printf(report, "%s: error: %s\n", db->config->file_name.at,
                   detail.text);
    data_free(&data);
    return error;
}

static void remove_scratch(const char *dir)
{
    DIR *d = opendir(dir);
    const struct dirent *one;

    while (d && (one = readdir(d)))
        (void)unlinkat(dirfd(d), one->d_name, 0);
    if (d)
        closedir(d);
    (void)rmdir(dir);
}

int database_check(struct config *config, struct buf *report)
{
    char dir[] = "/tmp/fieldline-check-XXXXXX";
    struct store_options options = {.create = true};
    struct bytes url = config->store_url, data_dir = config->data_dir;
    struct database db;
    int error;

    if (!mkdtemp(dir)) {
        buf_printf(report, "%s: error: it cannot be made\n", dir);
        return ERR_IO;
    }
    config->store_url = BYTES(SCRATCH_URL);
    config->data_dir = bytes_of(dir);
    error = database_open(&db, config, &options, report);
    if (!error) {
        error = check_scratch(&db, report);
        database_close(&db);
    }
    config->store_url = url;
    config->data_dir = data_dir;
    remove_scratch(dir);
    return error;
}
