/* SPDX-License-Identifier: MIT */
/*
 * read - a list or an item, from the driver's rows to JSON in one pass.
 *
 * The caller embeds a data_read, fills in the query (query.h), done_fn and
 * arg, and starts it; until done_fn is entered its memory is the data room's.
 * done_fn may come before the call returns. Afterwards data_read_fini().
 * Threads: loop.
 */
#ifndef FIELDLINE_DATA_READ_H
#define FIELDLINE_DATA_READ_H

#include "base/buf.h"
#include "cache/tagclock.h"
#include "data/query.h"

struct data_table;
struct data_worker;
struct many;

#define READ_BODY_MAX    (16u << 20)
#define READ_RELATED_MAX 1000 /* rows of one to-many relation in a reply */

struct data_read;
/* ERR_NOT_FOUND; ERR_INVALID with query.mistake; ERR_STORE and the like. */
typedef void data_read_done_fn(struct data_read *, int error);

struct data_read {
    struct query query;
    data_read_done_fn *done_fn;
    void *arg;

    /* out */
    struct buf body;
    struct buf next;  /* the next page's cursor; empty: the last page */
    uint64_t version; /* of an item: a hash of all its own columns */
    struct buf key;   /* of an item: its own, in the canonical spelling */
    struct tagset tags;
    bool cacheable;
    uint64_t horizon; /* every change up to it is in the answer */
    uint64_t db_ns;
    struct store_detail detail; /* with ERR_STORE: for the log */

    /* the room's own */
    struct data_worker *worker;
    struct store_statement *statement;
    struct store_read store;
    struct value *params;
    bool item, more;
    unsigned rows, many_at;
    uint64_t started_ns, total;
    struct buf last; /* the order's values of the page's last row */
    struct buf scratch;
    struct many *many; /* what to-many relations need, or NULL */
};

/* body: {"data":[...],"next":...}. */
void data_list(struct data_worker *, struct data_read *);
/* body: the object. key as in the path; the query's columns and relations
 * count, its filters, order and page do not. */
void data_item(struct data_worker *, struct data_read *, struct bytes key);
void data_read_fini(struct data_read *);

/* A row's version: a hash of its own columns' canonical texts, which are the
 * first of the row. scratch is cleared. */
uint64_t data_row_version(const struct data_table *, const struct store_row *,
                          struct buf *scratch);
/* The columns of the mask as members: "a":1,"b":2. Returns the next column. */
unsigned data_row_write(struct buf *, const struct data_table *, uint64_t mask,
                        const struct store_row *, unsigned at);

#endif
