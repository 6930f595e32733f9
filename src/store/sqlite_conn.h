/* SPDX-License-Identifier: MIT */
/*
 * sqlite_conn - one connection to the SQLite file, with what it prepared.
 *
 * A statement is prepared at its first use and kept by its id; past
 * CONN_PREPARED_MAX the one unused for longest goes. Rows are copied out and
 * the statement is reset before anybody sees them, so a read leaves no
 * transaction open and a row callback may use the connection again.
 *
 * A GUARD bounds one run: by steps, by time, by somebody's wish.
 * Owner: a session, a reader, the writer, the store. Threads: one at a time.
 */
#ifndef FIELDLINE_STORE_SQLITE_CONN_H
#define FIELDLINE_STORE_SQLITE_CONN_H

#include "base/arena.h"
#include "store/driver.h"

#include <sqlite3.h>

#define CONN_PREPARED_MAX 128
#define CONN_PARAMS_MAX   1000

enum conn_role {
    CONN_WORKER, /* reads on the spot: never waits for a lock */
    CONN_READER, /* reads on a thread of its own */
    CONN_WRITER,
    CONN_COMMON, /* checks and admins; makes the file a write-ahead one */
};

enum guard_hit { GUARD_NONE, GUARD_STEPS, GUARD_TIME, GUARD_CANCELLED };

struct guard {
    unsigned steps;       /* in GUARD_STEP instructions; 0: any number */
    uint64_t deadline_ns; /* 0: none */
    const atomic_bool *cancelled; /* or NULL */
    enum guard_hit hit;           /* out */
};
#define GUARD_STEP 1000

/* The columns of one prepared statement, shared by the rows it gave. */
struct columns {
    atomic_uint refs;
    unsigned count;
    struct bytes *names;
    bool *is_bool;
    bool *is_json;
};
void columns_unref(struct columns **);

/* Rows that were copied out. */
struct rows {
    struct arena memory;
    struct columns *columns;
    struct rows_row *first, **next;
    uint64_t count;
};
void rows_init(struct rows *, size_t bytes_max);
void rows_clear(struct rows *);
void rows_fini(struct rows *);
void rows_deliver(const struct rows *, store_row_fn *, void *arg);

struct conn;
struct prepared;

int conn_open(struct conn **ret, const char *path, enum conn_role,
              unsigned busy_ms, struct store_detail *) MUST_CHECK;
void conn_close(struct conn **);
sqlite3 *conn_db(struct conn *);
/* What rc means, with what the database says in the detail (may be NULL). */
int conn_error(struct conn *, int rc, struct store_detail *);
int conn_exec(struct conn *, const char *sql, struct store_detail *) MUST_CHECK;
/* Of this connection until the next call with NULL. */
void conn_guard(struct conn *, struct guard *);

/* Runs a statement to its end. rows (cleared first) takes what it returns;
 * ERR_LIMIT when they do not fit. */
int conn_read(struct conn *, const struct store_statement *,
              const struct value *params, unsigned param_count,
              struct rows *rows, struct store_detail *) MUST_CHECK;
/* The same, each row shown as it comes; ret_rows: returned, else changed. */
int conn_run(struct conn *, const struct store_statement *,
             const struct value *params, unsigned param_count, store_row_fn *,
             void *arg, uint64_t *ret_rows, struct store_detail *) MUST_CHECK;

/* One that is not kept. The text must not come from a peer. */
int conn_once(struct conn *, struct bytes sql, const struct value *params,
              unsigned param_count, store_row_fn *, void *arg,
              struct store_detail *) MUST_CHECK;

/* By the type a column was declared with. */
enum column_kind column_kind_of(struct bytes declared);
/* Of text affinity: what is not a blob or NULL is text. */
bool column_is_text(struct bytes declared);

#endif
