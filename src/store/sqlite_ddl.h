/* SPDX-License-Identifier: MIT */
/*
 * sqlite_ddl - what a published table is like, and its triggers as SQL.
 *
 * A SUBJECT is the table as the file has it now. What the triggers do is told
 * in sqlite_triggers.c.
 * Threads: one at a time.
 */
#ifndef FIELDLINE_STORE_SQLITE_DDL_H
#define FIELDLINE_STORE_SQLITE_DDL_H

#include "base/buf.h"
#include "store/sqlite_conn.h"

#define DDL_MAX          ((size_t)1 << 20)
#define DDL_COLUMNS_MAX  2000
#define DDL_UNIQUES_MAX  64
#define DDL_UNIQUE_PARTS 16
#define DDL_TRIGGERS     5

struct column {
    char *name;
    enum column_kind kind;
    bool is_text;  /* of text affinity: it holds no number */
    bool is_rowid; /* it holds an integer, whatever is written */
};

struct unique {
    unsigned count;
    const struct column *columns[DDL_UNIQUE_PARTS];
    char *collations[DDL_UNIQUE_PARTS];
    char *predicate; /* of a partial index, in terms of the table; or NULL */
};

struct subject {
    const struct publish_spec *spec;
    struct column *columns;
    size_t count, cap;
    struct unique uniques[DDL_UNIQUES_MAX];
    unsigned unique_count;
    const struct column *key, *tenant;
    char *quoted; /* the table's name as an identifier */
    int error;
};

/* subject is zeroed; fini copes with the half-read. ERR_INVALID when the table
 * or a column of spec is not there. */
int subject_read(struct subject *, const struct publish_spec *spec,
                 struct conn *, struct store_detail *) MUST_CHECK;
void subject_fini(struct subject *);
const struct column *subject_column(const struct subject *, struct bytes name);

void ddl_put(struct buf *, const char *text);
void ddl_put_quoted(struct buf *, struct bytes name, char quote);
/* The name and the whole text of one of the DDL_TRIGGERS, both cleared
 * first. */
int ddl_trigger(const struct subject *, unsigned which, struct buf *name,
                struct buf *ddl) MUST_CHECK;

#endif
