/* SPDX-License-Identifier: MIT */
/*
 * worker - one worker's part: its session, its statements, its cursor box.
 *
 * Statements are found by their text and bounded in number: the one not used
 * for the longest goes first. A read or a write in flight holds its own
 * reference.
 * Owner: app. Threads: loop.
 */
#ifndef FIELDLINE_DATA_WORKER_H
#define FIELDLINE_DATA_WORKER_H

#include "data/cursor.h"
#include "data/sql.h"
#include "store/store.h"

struct data_worker {
    struct data *data;
    struct store_session *session;
    struct store *store;
    struct tagclock *clock;
    struct cursor_box *cursor;
    struct table *statements;
    struct list recent; /* the latest used first */
    struct sql sql;     /* scratch: one statement is written at a time */
};

#define WORKER_STATEMENTS_MAX 512

/* The statement of worker->sql's text. The reference is the caller's. */
int data_worker_statement(struct data_worker *, enum store_class,
                          struct store_statement **ret,
                          struct store_detail *) MUST_CHECK;
/* A copy of worker->sql's parameters. */
int data_worker_params(struct data_worker *, struct arena *,
                       struct value **ret) MUST_CHECK;

#endif
