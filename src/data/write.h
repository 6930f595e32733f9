/* SPDX-License-Identifier: MIT */
/*
 * write - one row created, changed, replaced or removed, in one transaction:
 *
 *   precondition -> references -> the statement itself
 *
 * The caller embeds a data_write, fills in the first part and starts it; until
 * done_fn is entered its memory is the data room's. done_fn may come before
 * the call returns. Afterwards data_write_fini().
 *
 * A body may name only columns that the writer's roles may write. The tenant
 * comes from the writer and is never another's; what a relation's column
 * points to has to be visible to the writer, and is looked for in the same
 * transaction. A key of text that is not given is made (UUID version 7), one
 * of a number is the database's to make.
 * Threads: loop; what runs inside the transaction touches only the write.
 */
#ifndef FIELDLINE_DATA_WRITE_H
#define FIELDLINE_DATA_WRITE_H

#include "base/buf.h"
#include "data/query.h"
#include "data/schema.h"

#include <jansson.h>

#define WRITE_STEPS_MAX   (RELATIONS_MAX + 2)
#define WRITE_MATCHES_MAX 16
#define WRITE_BODY_MAX    (16u << 20)

enum write_op { WRITE_CREATE, WRITE_PATCH, WRITE_REPLACE, WRITE_REMOVE };

struct data_write;
/*
 * ERR_DENIED, ERR_INVALID, ERR_CONFLICT (all with the mistake), ERR_NOT_FOUND,
 * ERR_PRECONDITION, or what the store says.
 */
typedef void data_write_done_fn(struct data_write *, int error);

struct data_write {
    enum write_op op;
    struct query query;    /* after query_init(): resource and writer */
    struct bytes key;      /* as in the path; not for WRITE_CREATE */
    const json_t *body;    /* an object; not for WRITE_REMOVE */
    struct bytes if_match; /* the header's value, or empty */
    struct bytes writer;   /* stands in the change rows, or empty */
    data_write_done_fn *done_fn;
    void *arg;

    /* out */
    struct mistake mistake;
    struct buf body_out; /* the row, cut to what the writer may read */
    struct buf key_out;  /* canonical text of its key */
    uint64_t version;    /* of the row as it is now */
    uint64_t offset;     /* of the write in the feed */
    uint64_t db_ns;

    /* the room's own */
    struct data_worker *worker;
    uint64_t named;       /* columns that get a value */
    struct value *values; /* by column */
    uint64_t matches[WRITE_MATCHES_MAX];
    unsigned match_count;
    bool match_any;
    struct buf scratch;
    uint64_t seen_version;                              /* before the write */
    const struct relation *references[WRITE_STEPS_MAX]; /* by step */
    struct store_step steps[WRITE_STEPS_MAX];
    unsigned step_count;
    uint64_t started_ns;
    struct store_write store;
};

void data_write(struct data_worker *, struct data_write *);
void data_write_fini(struct data_write *);

/* A row version as it stands in an ETag. */
void version_append(struct buf *, uint64_t version);

#endif
