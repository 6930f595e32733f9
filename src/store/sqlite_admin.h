/* SPDX-License-Identifier: MIT */
/*
 * sqlite_admin - the blocking calls, on the connection in common.
 * Threads: one at a time.
 */
#ifndef FIELDLINE_STORE_SQLITE_ADMIN_H
#define FIELDLINE_STORE_SQLITE_ADMIN_H

#include "store/sqlite_conn.h"

struct sqlite_admin {
    struct admin base;
    struct conn *conn;
};

static inline struct conn *sqlite_admin_conn(struct admin *a)
{
    return ((struct sqlite_admin *)(void *)a)->conn;
}

int sqlite_admin_open(struct admin *, struct store_detail *) MUST_CHECK;
void sqlite_admin_close(struct admin *);
int sqlite_admin_begin(struct admin *, struct store_detail *) MUST_CHECK;
int sqlite_admin_commit(struct admin *, struct store_detail *) MUST_CHECK;
void sqlite_admin_rollback(struct admin *);
int sqlite_admin_script(struct admin *, struct bytes sql,
                        struct store_detail *) MUST_CHECK;
int sqlite_admin_run(struct admin *, struct bytes sql, const struct value *,
                     unsigned param_count, store_row_fn *, void *arg,
                     struct store_detail *) MUST_CHECK;
int sqlite_admin_columns(struct admin *, struct bytes table, admin_column_fn *,
                         void *arg, struct store_detail *) MUST_CHECK;
bool sqlite_admin_has_table(struct admin *, const char *table);
int sqlite_install(struct admin *, struct store_detail *) MUST_CHECK;

/* sqlite_triggers.c */
int sqlite_publish(struct admin *, const struct publish_spec *, size_t count,
                   struct store_detail *) MUST_CHECK;
int sqlite_unpublish(struct admin *, struct store_detail *) MUST_CHECK;
int sqlite_verify(struct admin *, const struct publish_spec *, size_t count,
                  struct store_detail *) MUST_CHECK;

#endif
