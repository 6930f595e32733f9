/* SPDX-License-Identifier: MIT */
/*
 * rig - a store on a real file in a directory of its own, driven in step.
 *
 * A RIG runs one worker with one session. The rig's calls are made on the
 * worker and return on the test's thread when they are answered, so a test
 * reads from top to bottom. rig_on_worker() runs anything else there.
 * Owner: the test. Threads: the test's, but for rig_on_worker()'s function.
 */
#ifndef FIELDLINE_TESTS_STORE_RIG_H
#define FIELDLINE_TESTS_STORE_RIG_H

#include "../check.h"

#include "net/worker.h"
#include "store/admin.h"
#include "store/store.h"

#include <pthread.h>

#define RIG_TEXT_MAX (1 << 16)

struct rig {
    char dir[64];
    char url[256]; /* empty: an SQLite file in dir */
    struct store *store;
    struct store_session *session; /* the worker's */
    struct worker *worker;
    struct store_detail detail; /* of the last call */
    char text[RIG_TEXT_MAX];    /* rows of the last read: a|b\n */
    size_t text_len;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t turned;
    bool turn_done;
    unsigned wakes;
    void (*wake_fn)(void *); /* or NULL: called by on_wake */
    void *wake_arg;
    unsigned commits; /* calls of on_commit */
    uint64_t committed_offset;
    enum change_op committed_op;
};

/* schema runs as a script before the triggers of specs are installed. */
void rig_open(struct rig *, const char *schema, const struct publish_spec *,
              size_t spec_count);
void rig_reopen(struct rig *, unsigned busy_ms); /* the same file */
void rig_close(struct rig *);
/* The same directory from another process. */
void rig_open_at(struct rig *, const char *dir, unsigned busy_ms);
void rig_shut(struct rig *); /* keeps the file */
/* A database that is there, closed by rig_shut(). */
void rig_open_url(struct rig *, const char *url, const char *schema,
                  const struct publish_spec *, size_t spec_count);

typedef void rig_fn(struct rig *, void *arg);
/* Runs fn on the worker and waits until rig_turn() is called from there. */
void rig_on_worker(struct rig *, rig_fn *, void *arg);
void rig_turn(struct rig *);

struct store_statement *rig_statement(struct rig *, enum store_class,
                                      const char *sql);
/* The rows stand in text. */
int rig_read(struct rig *, struct store_statement *, const struct value *,
             unsigned param_count);
int rig_query(struct rig *, const char *sql); /* one read by its text */
/* One write of one step. */
int rig_write(struct rig *, const char *sql, const struct value *,
              unsigned param_count, uint64_t *offset);
/* As another process would: the sqlite3 shell on the same file. */
int rig_shell(struct rig *, const char *sql);
/* The change rows after an offset: "I route_stops 7 t=1 {row} {old} w=x\n". */
void rig_changes(struct rig *, uint64_t after);
void rig_shows(struct rig *, const char *want);
int rig_feed_state(struct rig *, struct feed_state *, bool *unchanged);

void rig_row_text(const struct store_row *, void *rig); /* a store_row_fn */

#endif
