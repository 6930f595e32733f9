/* SPDX-License-Identifier: MIT */
/*
 * postgres_horizon - up to which offset every change is visible.
 *
 *   H1  A transaction that has drawn an offset holds RowExclusiveLock on
 *       fieldline_changes: an INSERT locks its table when it is parsed or its
 *       cached plan is taken up, before the identity's nextval() is evaluated.
 *       The lock is let go only after the commit is visible to new snapshots,
 *       after a rollback, or with the savepoint that took it.
 *   H2  The sequence has CACHE 1: an offset is drawn when nextval() is called
 *       and nobody holds a lower one back. Its last value S is read by no
 *       snapshot: it is the newest offset handed out at that moment.
 *   H3  S is read BEFORE the locks. So who drew an offset <= S and has not
 *       ended by then is among the holders seen (H1, H2).
 *   H4  Hence: when all holders seen after S was read have ended, every
 *       offset <= S is visible to any snapshot taken from now on, or was
 *       rolled back and never will be.
 *   H5  A transaction is named by its virtual id, which PREPARE TRANSACTION
 *       changes to "-1/xid". When one that a candidate waits for is gone, a
 *       prepared one it has not seen before may be the same: the candidate
 *       waits for it too. Its unprepared ones only get fewer, so this ends.
 *   H6  An offset follows the row's lock: triggers are AFTER triggers, so a
 *       transaction draws a row's offset while it holds the row, and the next
 *       writer of that row draws his after it has ended. Per row, the order
 *       of offsets is the order of commits.
 *   H7  A row's at_us is read after its offset was drawn. So a row that was
 *       told before every holder's transaction began has a lower offset than
 *       any of theirs: with S, the newest such row is a horizon too. It is
 *       what a session begins with that finds a transaction open for long.
 *       (Clocks are stepped: 5 s are let be.)
 *
 * A CANDIDATE is (S, the holders then). Candidates are kept in order; a later
 * one's holders include every earlier one's that are still there, so they
 * pass in order. When too many wait the newest is replaced.
 * Owner: a session. Threads: loop.
 */
#ifndef FIELDLINE_STORE_POSTGRES_HORIZON_H
#define FIELDLINE_STORE_POSTGRES_HORIZON_H

#include "base/bytes.h"

#define HORIZON_CANDIDATES  8
#define HORIZON_HOLDERS_MAX 65536

/* "3/45", or "-1/789" for a prepared one. */
struct holder {
    int64_t backend;
    uint64_t number;
};

struct holders {
    struct holder *all; /* in order, once each */
    size_t count, cap;
};
void holders_fini(struct holders *);
/* ERR_INVALID, ERR_NOMEM, ERR_LIMIT. */
int holders_add(struct holders *, struct bytes virtual_id) MUST_CHECK;

struct candidate {
    uint64_t offset;
    struct holders holders;
};

struct pg_horizon {
    bool known;
    uint64_t at;
    struct candidate waiting[HORIZON_CANDIDATES]; /* in order */
    unsigned count;
};
void horizon_fini(struct pg_horizon *);
void horizon_forget(struct pg_horizon *); /* another history begins */
/* Known without a candidate: H7, or what was trimmed. */
void horizon_begin(struct pg_horizon *, uint64_t at);
/* S as read before the holders were seen. ERR_NOMEM leaves it where it was. */
int horizon_see(struct pg_horizon *, uint64_t last,
                const struct holders *now) MUST_CHECK;

#endif
