/* SPDX-License-Identifier: MIT */
/*
 * admin - the store by blocking calls: migrations, sample data, inspection.
 *
 * For commands and for start-up, never on a worker that serves.
 *
 * migrate runs migrations/NNNN_name.sql in order, each in one transaction;
 * NNNN_name.sqlite.sql and NNNN_name.postgres.sql stand for one dialect. What
 * ran is kept in fieldline_migrations with a digest: a file that was changed
 * after it ran is an error that names it. Then Fieldline's own tables and the
 * triggers of the published tables are installed or brought up to date.
 * Threads: one at a time.
 */
#ifndef FIELDLINE_STORE_ADMIN_H
#define FIELDLINE_STORE_ADMIN_H

#include "store/store.h"

struct admin;

int admin_open(struct admin **ret, struct store *,
               struct store_detail *) MUST_CHECK;
void admin_close(struct admin **);

typedef void admin_progress_fn(const char *what, void *arg);
int admin_migrate(struct admin *, const char *migrations_dir,
                  const struct publish_spec *, size_t publish_count,
                  admin_progress_fn *, void *arg,
                  struct store_detail *) MUST_CHECK;

/* Are Fieldline's tables there, every migration run, and is every spec's
 * trigger in place and up to date? 0, or ERR_NOT_FOUND / ERR_STALE with the
 * detail saying what is missing and which command mends it. */
int admin_verify(struct admin *, const char *migrations_dir,
                 const struct publish_spec *, size_t publish_count,
                 struct store_detail *) MUST_CHECK;

/* A script without parameters, or one statement with them. */
int admin_script(struct admin *, struct bytes sql,
                 struct store_detail *) MUST_CHECK;
int admin_run(struct admin *, struct bytes sql, const struct value *params,
              unsigned param_count, store_row_fn *, void *arg,
              struct store_detail *) MUST_CHECK;

enum column_kind {
    COLUMN_INT,
    COLUMN_REAL,
    COLUMN_NUMERIC,
    COLUMN_TEXT,
    COLUMN_BOOL,
    COLUMN_TIME,
    COLUMN_JSON,
    COLUMN_BLOB,
    /* One value, many spellings: only the canonical one is ever sent. SQLite,
     * which has no such type, would make a number of what looks like one. */
    COLUMN_UUID,
};
struct column_info {
    struct bytes name; /* valid during the callback */
    enum column_kind kind;
    bool not_null;
    bool has_default;
    unsigned key_part;   /* 0: not in the primary key, else 1, 2 ... */
    bool bytewise_equal; /* = compares bytes (no NOCASE, no ICU collation) */
};
typedef void admin_column_fn(const struct column_info *, void *arg);
/* ERR_NOT_FOUND when there is no such table. */
int admin_columns(struct admin *, struct bytes table, admin_column_fn *,
                  void *arg, struct store_detail *) MUST_CHECK;

#endif
