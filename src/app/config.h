/* SPDX-License-Identifier: MIT */
/*
 * config - the application file as plain structs.
 *
 * Everything lives in the configuration's own arena, for as long as the
 * process. config_load() reports every mistake of the file at once, each with
 * its place and what was expected; where there is one, there is no
 * configuration.
 *
 * A value may also come from a flag or an environment variable; the flag wins
 * over the variable, the variable over the file.
 * Threads: immutable.
 */
#ifndef FIELDLINE_APP_CONFIG_H
#define FIELDLINE_APP_CONFIG_H

#include "app/mistakes.h"
#include "base/arena.h"
#include "base/log.h"
#include "data/spec.h"
#include "edge/edge.h"
#include "feed/feed.h"
#include "hub/spec.h"

struct buf;
struct setting;
struct setting_group;

#define CONFIG_FILE           "app.yaml"
#define CONFIG_SECRET_LEN_MIN 32
#define CONFIG_ENV_MAX        64 /* bytes of FIELDLINE_... and NUL */

struct config_address {
    struct bytes host; /* NUL-terminated */
    unsigned port;     /* 0: any free one */
};

/* Where the file names a column, or a table (the column is empty), to be
 * checked against the database. at is 0 for a default. */
struct config_column {
    struct config_column *next;
    struct bytes resource;
    struct bytes column;
    size_t at;
};

struct config {
    struct arena arena;
    struct bytes dir; /* the application's; NUL-terminated */
    struct bytes file_name;
    struct bytes text; /* the file, for later mistakes */

    struct bytes app;
    struct config_address listen;
    unsigned workers; /* 0: one a core */
    enum log_level log;
    struct bytes store_url;
    struct bytes data_dir;   /* NUL-terminated */
    struct bytes pages_dir;  /* NUL-terminated; empty: none */
    struct bytes secret_env; /* the variable's name */
    struct bytes secret_file;
    uint64_t clock_bytes;
    uint64_t drain_ms;
    struct edge_spec edge;
    struct feed_options feed;
    struct data_spec data;
    struct hub_spec hub;
    struct config_column *columns;
};

/* A value from outside the file. */
struct config_override {
    const struct setting *setting;
    const char *source; /* "--listen", "FIELDLINE_LISTEN" */
    const char *value;
};
#define CONFIG_OVERRIDES_MAX 128

/*
 * dir is the application's directory, or the file itself. The report gets the
 * mistakes, in full lines. ERR_INVALID, ERR_NOMEM, ERR_NOT_FOUND, ERR_IO.
 */
int config_load(struct config **ret, const char *dir,
                const struct config_override *, size_t count,
                struct buf *report) MUST_CHECK;
/* The same from a text, without touching the disk. */
int config_parse(struct config **ret, const char *name, struct bytes text,
                 const char *dir, const struct config_override *, size_t count,
                 struct buf *report) MUST_CHECK;
void config_free(struct config **);

/* Fetches the key for tokens from the environment or its file, if the file
 * asks for one. What is wrong goes to the report. */
int config_secret_load(struct config *, struct buf *report) MUST_CHECK;

/* "DIR/migrations", NUL-terminated, in the configuration's arena. */
struct bytes config_path(struct config *, const char *name);

/* The settings that have a flag and a variable: "--feed-poll" is
 * FIELDLINE_FEED_POLL. Reads what the environment sets into ret. */
const struct setting *config_setting_of_flag(struct bytes flag);
size_t config_env_overrides(struct config_override *ret, size_t max,
                            char (*names)[CONFIG_ENV_MAX]);
void config_flag_name(const struct setting *, char ret[CONFIG_ENV_MAX]);
void config_env_name(const struct setting *, char ret[CONFIG_ENV_MAX]);

/* The whole table, for the reference. */
extern const struct setting_group config_group;

#endif
