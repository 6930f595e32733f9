/* SPDX-License-Identifier: MIT */
/*
 * database - the application's store together with what administers it.
 *
 * For commands and start-up: blocking. What goes wrong is told in the report,
 * with the command that mends it.
 * Threads: one at a time.
 */
#ifndef FIELDLINE_APP_DATABASE_H
#define FIELDLINE_APP_DATABASE_H

#include "store/admin.h"

struct buf;
struct config;

struct database {
    struct config *config; /* borrowed */
    struct store *store;
    struct admin *admin;
    struct publish_spec *publish; /* the tables whose changes are told */
    size_t publish_count;
    struct bytes migrations; /* the directory, NUL-terminated */
};

/* Fills in the store's url and directory; the rest is the caller's. With
 * create a missing data directory and SQLite file are made. */
int database_open(struct database *ret, struct config *, struct store_options *,
                  struct buf *report) MUST_CHECK;
void database_close(struct database *); /* what is open of it */

int database_migrate(struct database *, admin_progress_fn *, void *arg,
                     struct buf *report) MUST_CHECK;
/* Is it ready to be served? */
int database_verify(struct database *, struct buf *report) MUST_CHECK;
/* Sample data from the application's sample.yaml. */
int database_sample(struct database *, unsigned scale, admin_progress_fn *,
                    void *arg, struct buf *report) MUST_CHECK;

/* The application file against a database made from its migrations, in memory
 * of this call only: every column that the file names exists. */
int database_check(struct config *, struct buf *report) MUST_CHECK;

#endif
