/* SPDX-License-Identifier: MIT */
/*
 * driver - what a database engine gives the store; for this room only.
 *
 * A driver is one constant table of functions. Its own structs begin with the
 * ones below (struct sqlite_store { struct store base; ... }); store.c makes
 * them, zeroed and of the size the table names, and fills the base, so every
 * closing function copes with the half-built.
 *
 * Dialect-neutral, in files of their own: statements and sessions (store.c),
 * positions, change rows and trimming (change.c), values (value.c), the
 * blocking calls and the migrations (admin.c, migrate.c). They see the engine
 * only through this table, and the feed's tables only through SQL that both
 * dialects understand:
 *
 *   fieldline_changes("offset", tbl, "key", op, tenant, "row", old, writer,
 *                     at_us)       op is one of I U D R P (enum change_op)
 *   fieldline_meta(name, value)    epoch, low_water: text
 *   fieldline_migrations(name, digest, at_us)
 *   fieldline_receipts(scope, id, digest, answer, at_us)
 *   fieldline_positions(resource, tenant, "key", lat, lng, at_us, payload)
 *
 * Threads: as store.h has it, unless a line says otherwise.
 */
#ifndef FIELDLINE_STORE_DRIVER_H
#define FIELDLINE_STORE_DRIVER_H

#include "metrics/metrics.h"
#include "store/admin.h"
#include "store/store.h"

#include <pthread.h>
#include <stdatomic.h>

struct worker;

struct driver {
    enum store_dialect dialect;
    size_t store_size, session_size, statement_size, admin_size;

    /* After open the epoch is known, if there is one. */
    int (*open)(struct store *, struct store_detail *);
    void (*close)(struct store *);
    /* On the session's thread. session_close answers what is in flight and
     * frees the session, at once or when the last letter to it has come. */
    int (*session_open)(struct store_session *);
    void (*session_close)(struct store_session *);
    /* Checks the statement's text as far as that is possible at once. Any
     * thread. */
    int (*statement_check)(struct store_statement *, struct store_detail *);
    void (*read)(struct store_session *, struct store_read *);
    void (*write)(struct store_session *, struct store_write *);
    /* Calls store_seen() with the head and store_epoch_set(). */
    void (*feed_state)(struct store_session *, struct feed_state_read *);

    int (*admin_open)(struct admin *, struct store_detail *);
    void (*admin_close)(struct admin *);
    int (*admin_begin)(struct admin *, struct store_detail *);
    int (*admin_commit)(struct admin *, struct store_detail *);
    void (*admin_rollback)(struct admin *);
    /* Inside the caller's transaction; ERR_STORE if the script ended it. */
    int (*admin_script)(struct admin *, struct bytes sql,
                        struct store_detail *);
    int (*admin_run)(struct admin *, struct bytes sql, const struct value *,
                     unsigned param_count, store_row_fn *, void *arg,
                     struct store_detail *);
    int (*admin_columns)(struct admin *, struct bytes table, admin_column_fn *,
                         void *arg, struct store_detail *);
    bool (*admin_has_table)(struct admin *, const char *table);
    /* Sets the store's epoch; NULL where it is fieldline_meta's as it is. */
    int (*admin_epoch)(struct admin *, struct store_detail *);
    /* Fieldline's own tables, their first rows included; idempotent. */
    int (*install)(struct admin *, struct store_detail *);
    /* Brings the triggers of these tables up to date and removes those of any
     * other; a table whose triggers were not in place gets a reset row. */
    int (*publish)(struct admin *, const struct publish_spec *, size_t count,
                   struct store_detail *);
    /* Before a migration: removes every trigger of ours, or where a migration
     * does not mind them marks each, so that publish makes it anew. */
    int (*unpublish)(struct admin *, struct store_detail *);
    int (*verify)(struct admin *, const struct publish_spec *, size_t count,
                  struct store_detail *);
};

extern const struct driver sqlite_driver, postgres_driver;

/* The statements of change.c, made at their first use. */
enum store_own {
    OWN_CHANGES,
    OWN_CHANGES_TENANT,
    OWN_TRIM_AGE,
    OWN_TRIM_SIZE,
    OWN_TRIM_MARK,
    OWN_TRIM_DELETE,
    OWN_COUNT
};

struct store_epoch_node {
    struct store_epoch_node *older;
    char text[POSITION_EPOCH_MAX + 1];
};

struct store {
    const struct driver *driver;
    struct store_options options; /* its bytes are the store's own copies */
    char *url, *data_dir;
    _Atomic(struct store_epoch_node *) epoch; /* old ones live until close */
    _Atomic uint64_t newest;
    _Atomic uint64_t statements; /* made so far: the last id given */
    pthread_mutex_t lock;        /* guards own[] and the epoch's writers */
    struct store_statement *own[OWN_COUNT];
    metrics_series durations[3], errors[3], commits, writes;
};

struct store_session {
    struct store *store;
    struct loop *loop;
    struct worker *worker; /* of the thread that opened it */
    struct metrics_shard *shard;
};

struct store_statement {
    struct store *store;
    uint64_t id; /* never used twice: what connections remember it by */
    enum store_class work;
    atomic_uint refs;
    struct bytes sql; /* ends in a NUL that is not counted */
};

struct admin {
    struct store *store;
};

/* The current row as a driver shows it. */
struct store_row {
    unsigned count;
    const struct value *values;
    const struct bytes *names;
};

void store_epoch_set(struct store *, struct bytes epoch); /* any thread */
void store_seen(struct store *, uint64_t offset); /* newest; any thread */
int store_own_statement(struct store *, enum store_own,
                        struct store_statement **ret /* borrowed */,
                        struct store_detail *) MUST_CHECK;
/* Counts a statement that was answered. On the session's thread. */
void store_count(struct store_session *, enum store_class, uint64_t started_ns,
                 int error);
/* NULL-safe. */
void store_detail_set(struct store_detail *, const char *sqlstate,
                      const char *fmt, ...) PRINTF_LIKE(3, 4);

char change_op_letter(enum change_op);
int change_op_of(struct bytes letter, enum change_op *ret) MUST_CHECK;
#define CHANGE_COLUMNS                                                         \
    "\"offset\", tbl, \"key\", op, tenant, \"row\", old, writer, at_us"
/* A row of those columns. A letter that we do not know may mean anything: it is
 * taken for a reset. */
void change_of_row(const struct store_row *, struct change *ret);
/* This process has committed changes up to offset that it cannot read: they
 * may have been anything. On the thread that committed. */
void change_unread(struct store *, uint64_t offset, const char *why);

#endif
