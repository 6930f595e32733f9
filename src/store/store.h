/* SPDX-License-Identifier: MIT */
/*
 * store - the database of record behind one driver interface.
 *
 * Nouns: a STORE is the database (one a process); a SESSION is one worker's
 * own connections to it; a STATEMENT is SQL text known to the store, prepared
 * once per connection at its first use; a READ runs one statement; a WRITE
 * runs steps in one transaction.
 *
 * Parameters are spelled $1, $2 ... on both drivers. Text never carries values.
 *
 * Callbacks of a session come on its own loop. They may come BEFORE the call
 * that started them returns (a short SQLite read runs on the spot): the caller
 * keeps no state between the call and the callback. The memory of a read or a
 * write belongs to the store until its done_fn is entered.
 * Owner: app. Threads: store_* any, store_session_* loop.
 */
#ifndef FIELDLINE_STORE_STORE_H
#define FIELDLINE_STORE_STORE_H

#include "base/list.h"
#include "store/change.h"
#include "store/value.h"

struct loop;
struct metrics;
struct metrics_shard;
struct store;
struct store_row;
struct store_session;
struct store_statement;

enum store_dialect { STORE_SQLITE, STORE_POSTGRES };
enum store_class { STORE_CLASS_READ, STORE_CLASS_WRITE, STORE_CLASS_ANALYTICS };

struct store_options {
    struct bytes url;        /* "sqlite:lab.db" or "postgres://..." */
    struct bytes data_dir;   /* where a relative SQLite file lies */
    bool create;             /* SQLite: make the file if it is missing */
    struct metrics *metrics; /* or NULL */
    /* Each change row of this process's own committed writes, on the thread
     * that committed, BEFORE the write is answered. */
    change_fn *on_commit;
    /* Something was committed by this process: the feed should look. Any
     * thread. */
    void (*on_wake)(void *arg);
    void *arg;
    unsigned busy_ms; /* how long a write waits for a lock that another
                         process holds before ERR_BUSY; 0: 5,000 */
};

#define STORE_DETAIL_MAX 512
struct store_detail { /* what the database said, for logs and operators */
    char text[STORE_DETAIL_MAX];
    char sqlstate[6];
};

int store_open(struct store **ret, const struct store_options *,
               struct store_detail *) MUST_CHECK;
void store_close(struct store **); /* after every session is closed */
enum store_dialect store_dialect(const struct store *);
/* The feed's epoch: short, printable, no colon. Empty before migrate. */
struct bytes store_epoch(const struct store *);
/* The newest offset this process knows of: its own commits, what it read. */
uint64_t store_newest(const struct store *);

int store_session_open(struct store_session **ret, struct store *,
                       struct loop *, struct metrics_shard *) MUST_CHECK;
/* Everything in flight is called back with ERR_CLOSED first. */
void store_session_close(struct store_session **);
struct store *store_session_store(const struct store_session *);

/* Counted. ERR_STORE with the detail when it does not compile (SQLite: at once;
 * PostgreSQL: at its first use), or when it would begin or end a transaction,
 * or when its class is not WRITE and it writes. On SQLite what is to run on
 * the spot goes by key or has a LIMIT. */
int store_statement_new(struct store_statement **ret, struct store *,
                        enum store_class, struct bytes sql,
                        struct store_detail *) MUST_CHECK;
struct store_statement *store_statement_ref(struct store_statement *);
void store_statement_unref(struct store_statement **);

/* The current row, inside a row callback. */
unsigned store_row_count(const struct store_row *);
struct value store_row_get(const struct store_row *, unsigned column);
struct bytes store_row_name(const struct store_row *, unsigned column);

typedef void store_row_fn(const struct store_row *, void *arg);

struct store_read;
typedef void store_read_done_fn(struct store_read *, int error);
struct store_read {
    struct store_statement *statement; /* borrowed until done */
    const struct value *params;
    unsigned param_count;
    store_row_fn *row_fn;
    store_read_done_fn *done_fn;
    void *arg;
    struct store_detail *detail; /* or NULL */
    struct list link;            /* the store's */
};
void store_read(struct store_session *, struct store_read *);

/*
 * One step of a write. row_fn and check_fn run on the thread that holds the
 * transaction (not necessarily the worker): they touch only the write's own
 * memory. check_fn sees how many rows the statement returned or changed; if
 * it returns an error the whole write is undone and fails with it.
 */
typedef int store_check_fn(void *arg, uint64_t rows);
struct store_step {
    struct store_statement *statement;
    const struct value *params;
    unsigned param_count;
    store_row_fn *row_fn;     /* or NULL */
    store_check_fn *check_fn; /* or NULL */
};

struct store_write;
typedef void store_write_done_fn(struct store_write *, int error);
struct store_write {
    const struct store_step *steps;
    unsigned step_count;
    struct bytes writer; /* stands in the change rows: message or action id */
    store_write_done_fn *done_fn;
    /* Or NULL. Its transaction was lost to a neighbour or a lock and it runs
     * again from its first step: forget what row_fn and check_fn were told.
     * Called where they are. */
    void (*restart_fn)(void *arg);
    void *arg; /* for all of these */
    /* filled before done_fn: */
    uint64_t offset; /* of its last change row; 0 when it changed nothing */
    unsigned failed_step;
    struct store_detail detail;
    struct list link;              /* the store's */
    struct store_session *session; /* the store's */
    uint64_t started_ns;           /* the store's */
    int error;                     /* the store's */
};
/* Answered only after the commit is durable. ERR_CONSTRAINT (unique, foreign
 * key, check, not null), ERR_BUSY, ERR_TIMEOUT, ERR_STORE, or check_fn's: then
 * nothing of it stands. ERR_UNSURE: the connection was lost while it was being
 * committed, and it may stand. */
void store_write(struct store_session *, struct store_write *);

#endif
