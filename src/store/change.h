/* SPDX-License-Identifier: MIT */
/*
 * change - one row of the feed, and a place in it.
 *
 * A position is "epoch:offset". The epoch names one history of the table: a
 * restored backup has another.
 * Threads: immutable.
 */
#ifndef FIELDLINE_STORE_CHANGE_H
#define FIELDLINE_STORE_CHANGE_H

#include "base/bytes.h"

struct loop;
struct store;
struct store_session;
struct store_detail;

enum change_op {
    CHANGE_INSERT,
    CHANGE_UPDATE,
    CHANGE_DELETE,
    CHANGE_RESET, /* anything of the table (of the tenant, if one is named;
                     of every table, if none is) may have changed */
    CHANGE_PURGE, /* key is a tag or pattern to forget; no table changed */
};

struct change {
    uint64_t offset; /* 1 is the first */
    enum change_op op;
    struct bytes table;
    struct bytes key;    /* canonical text of the primary key */
    struct bytes tenant; /* canonical text; empty: the table has none */
    struct bytes row;    /* JSON object of own columns after; empty: deleted */
    struct bytes old;    /* JSON object of scope and filter columns before */
    struct bytes writer; /* message or action id, or empty */
    int64_t at_us;       /* wall clock of the writing statement */
};
typedef void change_fn(const struct change *, void *arg);

#define POSITION_EPOCH_MAX 32
#define POSITION_TEXT_MAX  (POSITION_EPOCH_MAX + 1 + 20)
struct position {
    char epoch[POSITION_EPOCH_MAX + 1];
    uint64_t offset;
};
size_t position_write(struct bytes epoch, uint64_t offset,
                      char ret[POSITION_TEXT_MAX + 1]);
int position_read(struct bytes text, struct position *ret) MUST_CHECK;

/* A table whose changes go into the feed. */
#define PUBLISH_COLUMNS_MAX 64
struct publish_spec {
    struct bytes table;
    struct bytes key;    /* its primary-key column */
    struct bytes tenant; /* its tenant column, or empty */
    unsigned old_count;  /* columns whose old values are kept */
    struct bytes old[PUBLISH_COLUMNS_MAX];
};

/*
 * Reading the feed. All on the session's loop, under store.h's callback rule.
 * ERR_LIMIT: the rows are too large to be held together; ask for fewer.
 * ERR_STALE: of the rows beyond after some have been trimmed away.
 * Rows come in offset order. On PostgreSQL a row above the horizon may be
 * followed later by a lower one; at or below it nothing new ever appears.
 */
struct changes_read;
typedef void changes_done_fn(struct changes_read *, int error);
struct changes_read {
    uint64_t after;      /* exclusive */
    uint64_t upto;       /* inclusive; UINT64_MAX for all that is visible */
    struct bytes tenant; /* of this tenant and of none; empty: all */
    unsigned limit;      /* rows, at most CHANGES_LIMIT_MAX */
    change_fn *change_fn;
    changes_done_fn *done_fn;
    void *arg;
    unsigned count; /* out: rows delivered */
    void *private_state;
};
#define CHANGES_LIMIT_MAX 1000
void store_changes_read(struct store_session *, struct changes_read *);

/* Where the feed stands. */
struct feed_state {
    uint64_t horizon;   /* every change up to it is visible */
    uint64_t low_water; /* changes up to it have been trimmed away */
    uint64_t head;      /* the newest offset handed out, >= horizon */
};
struct feed_state_read;
typedef void feed_state_done_fn(struct feed_state_read *, int error);
struct feed_state_read {
    feed_state_done_fn *done_fn;
    void *arg;
    bool unchanged; /* out: certainly nothing new since this session's last
                       state (SQLite: data_version); the rest is not set */
    struct feed_state state; /* out */
    void *private_state;
};
void store_feed_state(struct store_session *, struct feed_state_read *);

/* Deletes what is older than that or past so many bytes, in no case beyond
 * upto: what lies above the horizon not every reader has passed. Stores the new
 * low-water mark. A bounded number of rows a call; done gets 0 and whether more
 * is left. */
struct trim_bounds {
    int64_t older_than_us;
    uint64_t bytes_max;
    uint64_t upto;
};
typedef void changes_trim_done_fn(void *arg, int error, bool more);
void store_changes_trim(struct store_session *, const struct trim_bounds *,
                        changes_trim_done_fn *, void *arg);

#endif
