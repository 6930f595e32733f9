/* SPDX-License-Identifier: MIT */
/*
 * data - resources compiled against the database: read, write, see.
 *
 * Whoever reads or writes a resource (REST, hub, sync, live) does it here, so
 * that visibility is decided in one place. DATA is shared and immutable after
 * data_new(); DATA_WORKER is one worker's part (session, compiled shapes).
 * Requests and answers of reads and writes: query.h, write.h.
 * Owner: app. Threads: struct data any (immutable); data_worker loop.
 */
#ifndef FIELDLINE_DATA_DATA_H
#define FIELDLINE_DATA_DATA_H

#include "data/spec.h"
#include "store/change.h"

struct admin;
struct buf;
struct data;
struct data_resource;
struct data_worker;
struct publish_spec;
struct store;
struct store_detail;
struct store_session;
struct tagclock;

/* The published tables that a data_spec asks for: what migrate installs.
 * Borrows the spec's memory. */
size_t data_publish_specs(const struct data_spec *, struct publish_spec *ret,
                          size_t max);

/* Looks the tables up; borrows the spec's memory for good. ERR_INVALID with a
 * detail that names the resource, the column and what was expected. */
int data_new(struct data **ret, const struct data_spec *, struct store *,
             struct admin *, struct store_detail *) MUST_CHECK;
void data_free(struct data **);
/* Cursors are sealed with a key derived from this secret, so that they survive
 * a restart and pass between nodes. Before the first worker; without it, or
 * with an empty one, they last as long as the process. */
int data_cursor_key(struct data *, struct bytes secret) MUST_CHECK;
/* Zeroed memory that goes with the data; before the first worker. */
void *data_keep(struct data *, size_t size) MUST_CHECK;
int data_worker_new(struct data_worker **ret, struct data *,
                    struct store_session * /* borrowed */,
                    struct tagclock *) MUST_CHECK;
void data_worker_free(struct data_worker **);

const struct data_resource *data_resource_named(const struct data *,
                                                struct bytes name);
/* Does a reply depend on who the user is: by the resource's own rule, or by
 * that of one it has a relation to? */
bool data_resource_by_user(const struct data_resource *);
/* In the file's order; NULL past the last. */
const struct data_resource *data_resource_at(const struct data *, unsigned);
const struct resource_spec *data_resource_spec(const struct data_resource *);

/* A key in its canonical spelling, the arena's: "007" is 7, a UUID has small
 * letters. ERR_INVALID: it can be no key of this resource; ERR_NOMEM. */
struct arena;
int data_key_read(const struct data_resource *, struct bytes text,
                  struct arena *, struct bytes *ret) MUST_CHECK;
const char *data_key_expected(const struct data_resource *); /* "a number" */

/* Prepares, on this worker's connections, the item statement and the first
 * page of every resource for every role, by running each for nobody, a few in
 * each turn of the loop. */
typedef void data_warm_done_fn(unsigned statements, int error, void *arg);
void data_worker_warm(struct data_worker *, data_warm_done_fn *, void *arg);

/* Moves the clock by one change row: its key, its resource within the tenant,
 * the old and new values of its filter columns, the tenant's cell. */
void data_change_apply(const struct data *, struct tagclock *,
                       const struct change *);
/* A tenant's own cell in the clock (struct tagset.scope). */
uint64_t data_scope_tag(const struct data *, struct bytes tenant);

/* Whose a row is; what is empty there is nobody's. */
struct data_owner {
    struct bytes tenant;
    struct bytes user; /* VISIBLE_USER */
};

/* What a change means to those who listen to one resource. */
struct data_event {
    const struct data_resource *resource;
    struct bytes key;  /* canonical, unless it cannot be read as one */
    struct bytes type; /* message type by the publish rules; empty: none */
    /* For those whom the row has left; it says nothing of the row as it is.
     * Empty: its owner is the same, or the resource publishes nothing. */
    struct bytes left_type;
    struct data_owner now;    /* not of a deleted row */
    struct data_owner before; /* not of a new one */
    bool by_user;             /* VISIBLE_USER: only its user sees it */
};
/* One for each resource that serves the table, in the file's order; arena holds
 * them and their slices. ERR_NOT_FOUND: none does. */
int data_change_events(const struct data *, const struct change *,
                       struct arena *, struct data_event **ret,
                       unsigned *ret_count) MUST_CHECK;
/* Appends the change's row as a JSON object, cut to the columns that a holder
 * of these roles may read, values spelled as REST spells them; nothing and
 * ERR_DENIED when he may read none. */
int data_change_project(const struct data_event *, const struct change *,
                        role_mask, struct buf *) MUST_CHECK;
bool data_may_read(const struct data_resource *, role_mask);
bool data_may_read_key(const struct data_resource *, role_mask);

#endif
