/* SPDX-License-Identifier: MIT */
/*
 * sample - rows for an application, made from a description and a seed.
 *
 * sample.yaml says how many rows each table gets and what makes each column's
 * values; docs/application-file.md names the makers. The same file, scale and
 * time make the same rows: a value depends on the seed, its column, its row
 * and nothing else.
 *
 *   sample_load() -> sample_make() -> sample_store()
 *
 * Threads: loop.
 */
#ifndef FIELDLINE_APP_SAMPLE_H
#define FIELDLINE_APP_SAMPLE_H

#include "store/admin.h"

struct buf;
struct sample;

#define SAMPLE_FILE      "sample.yaml"
#define SAMPLE_SCALE_MAX 100

/* dir is the application's. What is wrong goes to the report. */
int sample_load(struct sample **ret, const char *dir,
                struct buf *report) MUST_CHECK;
/* The same from a text; files that it names lie in dir. */
int sample_parse(struct sample **ret, const char *name, struct bytes text,
                 const char *dir, struct buf *report) MUST_CHECK;
void sample_free(struct sample **);

/* Makes every row, counts multiplied by scale. Once. */
int sample_make(struct sample *, unsigned scale, int64_t now_us) MUST_CHECK;

/* The rows of one entry of the file, for the store and for tests. */
struct sample_table {
    struct bytes name; /* the entry's */
    struct bytes into; /* the database's table */
    size_t rows;
    unsigned columns;
};
size_t sample_count(const struct sample *);
void sample_table(const struct sample *, size_t index,
                  struct sample_table *ret);
struct bytes sample_column(const struct sample *, size_t index,
                           unsigned column);
struct value sample_value(const struct sample *, size_t index, size_t row,
                          unsigned column);

/* Inserts everything in one transaction. ERR_EXISTS: a table has rows. */
int sample_store(const struct sample *, struct admin *, enum store_dialect,
                 admin_progress_fn *, void *arg,
                 struct store_detail *) MUST_CHECK;

#endif
