/* SPDX-License-Identifier: MIT */
/*
 * postgres_admin - the blocking calls on a connection of their own.
 * Threads: one at a time.
 */
#ifndef FIELDLINE_STORE_POSTGRES_ADMIN_H
#define FIELDLINE_STORE_POSTGRES_ADMIN_H

#include "store/postgres_value.h"

struct pg_admin {
    struct admin base;
    PGconn *pg;
};

int pg_admin_open(struct admin *, struct store_detail *) MUST_CHECK;
void pg_admin_close(struct admin *);
int pg_admin_begin(struct admin *, struct store_detail *) MUST_CHECK;
int pg_admin_commit(struct admin *, struct store_detail *) MUST_CHECK;
void pg_admin_rollback(struct admin *);
int pg_admin_script(struct admin *, struct bytes sql,
                    struct store_detail *) MUST_CHECK;
int pg_admin_run(struct admin *, struct bytes sql, const struct value *,
                 unsigned param_count, store_row_fn *, void *arg,
                 struct store_detail *) MUST_CHECK;
int pg_admin_columns(struct admin *, struct bytes table, admin_column_fn *,
                     void *arg, struct store_detail *) MUST_CHECK;
bool pg_admin_has_table(struct admin *, const char *table);
int pg_admin_epoch(struct admin *, struct store_detail *) MUST_CHECK;
int pg_install(struct admin *, struct store_detail *) MUST_CHECK;

/* postgres_tell.c: the functions that triggers call */
struct buf;
#define PG_DIGEST_LEN 16
int pg_schema(struct admin *, struct buf *ret,
              struct store_detail *) MUST_CHECK;
int pg_functions_install(struct admin *, struct store_detail *) MUST_CHECK;
int pg_functions_verify(struct admin *, struct store_detail *) MUST_CHECK;

/* postgres_triggers.c */
int pg_publish(struct admin *, const struct publish_spec *, size_t count,
               struct store_detail *) MUST_CHECK;
int pg_unpublish(struct admin *, struct store_detail *) MUST_CHECK;
int pg_verify(struct admin *, const struct publish_spec *, size_t count,
              struct store_detail *) MUST_CHECK;

#endif
