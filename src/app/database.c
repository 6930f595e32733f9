/* SPDX-License-Identifier: MIT */
/*
 * database - open, migrate, verify, fill.
 * Threads: one at a time.
 */
#include "app/database.h"

#include "app/config.h"
#include "app/sample.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "data/data.h"

#include <errno.h>
#include <sys/stat.h>

#define DATA_DIR_MODE 0700

static int tell(const struct database *db, struct buf *report, int error,
                const struct store_detail *detail)
{
    buf_printf(report, BYTES_FMT ": error: %s%s%s\n",
               BYTES_ARG(db->config->store_url), error_text(error),
               detail->text[0] ? ": " : "", detail->text);
    return error;
}

/* As mkdir -p. */
static int make_dir(const char *path, struct buf *report)
{
    struct buf room;
    int error = 0;

    buf_init(&room, 4096);
    buf_append(&room, bytes_of(path));
    buf_append_char(&room, '\0');
    error = buf_error(&room);
    for (size_t i = 1; !error && i < room.len; i++) {
        char kept = room.at[i];

        if (kept != '/' && kept != '\0')
            continue;
        room.at[i] = '\0';
        if (mkdir(room.at, DATA_DIR_MODE) != 0 && errno != EEXIST)
            error = ERR_IO;
        room.at[i] = kept;
    }
    if (error)
        buf_printf(report, "%s: error: the data directory cannot be made: %s\n",
                   path, strerror(errno));
    buf_fini(&room);
    return error;
}

static int list_published(struct database *db)
{
    size_t max = db->config->data.resource_count;

    db->publish = mem_zalloc(max + 1, sizeof(*db->publish));
    if (!db->publish)
        return ERR_NOMEM;
    db->publish_count = data_publish_specs(&db->config->data, db->publish, max);
    return 0;
}

int database_open(struct database *db, struct config *config,
                  struct store_options *options, struct buf *report)
{
    struct store_detail detail = {.text = ""};
    int error = 0;

    *db = (struct database){.config = config,
                            .migrations = config_path(config, "migrations")};
    options->url = config->store_url;
    options->data_dir = config->data_dir;
    if (!db->migrations.at)
        error = ERR_NOMEM;
    if (!error && options->create &&
        bytes_starts(config->store_url, BYTES("sqlite:")))
        error = make_dir(config->data_dir.at, report);
    if (!error)
        error = list_published(db);
    if (!error) {
        error = store_open(&db->store, options, &detail);
        if (!error)
            error = admin_open(&db->admin, db->store, &detail);
        if (error)
            tell(db, report, error, &detail);
        if (error && !options->create)
            buf_printf(report,
                       "    a new one is made by: fieldline db %s "
                       "migrate\n",
                       config->dir.at);
    }
    if (error)
        database_close(db);
    return error;
}

void database_close(struct database *db)
{
    if (db->admin)
        admin_close(&db->admin);
    if (db->store)
        store_close(&db->store);
    mem_free(db->publish);
    db->publish = NULL;
}

int database_migrate(struct database *db, admin_progress_fn *progress,
                     void *arg, struct buf *report)
{
    struct store_detail detail = {.text = ""};
    int error = admin_migrate(db->admin, db->migrations.at, db->publish,
                              db->publish_count, progress, arg, &detail);

    return error ? tell(db, report, error, &detail) : 0;
}

int database_verify(struct database *db, struct buf *report)
{
    struct store_detail detail = {.text = ""};
    int error = admin_verify(db->admin, db->migrations.at, db->publish,
                             db->publish_count, &detail);

    if (!error)
        return 0;
    tell(db, report, error, &detail);
    buf_printf(report,
               "    what is missing is done by: fieldline db %s "
               "migrate\n",
               db->config->dir.at);
    return error;
}

int database_sample(struct database *db, unsigned scale,
                    admin_progress_fn *progress, void *arg, struct buf *report)
{
    struct store_detail detail = {.text = ""};
    struct sample *sample = NULL;
    int error = sample_load(&sample, db->config->dir.at, report);

    if (error)
        return error;
    error = sample_make(sample, scale, clock_wall_us());
    if (!error)
        error = sample_store(sample, db->admin, store_dialect(db->store),
                             progress, arg, &detail);
    if (error)
        tell(db, report, error, &detail);
    sample_free(&sample);
    return error;
}
