/* SPDX-License-Identifier: MIT */
/*
 * sql - statement text and its parameters, written by one walk of the query.
 *
 * The text holds names of the schema and $1, $2 ..., never a value; because
 * the same walk numbers the text and pushes the values they cannot disagree,
 * and the text itself is the shape: it finds the prepared statement.
 *
 * The columns of a row, in order:
 *   own columns of the mask | per to-one relation its key, its columns |
 *   the order's columns (lists) or the key (items and many)
 * Threads: loop.
 */
#ifndef FIELDLINE_DATA_SQL_H
#define FIELDLINE_DATA_SQL_H

#include "base/buf.h"
#include "data/query.h"
#include "data/schema.h"

#define SQL_BYTES_MAX  (64u << 10)
#define SQL_PARAMS_MAX 512
#define SQL_KEYS_MAX   256 /* of one to-many query */

struct sql {
    struct buf text;
    unsigned count;
    bool overflow; /* a bug of ours: the query's limits keep below */
    struct value params[SQL_PARAMS_MAX];
};

void sql_start(struct sql *);
void sql_put(struct sql *, const char *text);
void sql_name(struct sql *, struct bytes quoted);
void sql_param(struct sql *, struct value);
/* " AND tenant = $n ..." of what the viewer may see; the alias may be empty. */
void sql_visible(struct sql *, struct bytes alias, const struct data_resource *,
                 const struct query *);
/* own "a", "b" of the mask */
void sql_columns(struct sql *, struct bytes alias, const struct data_table *,
                 uint64_t mask);

void sql_list(struct sql *, const struct query *);
void sql_count(struct sql *, const struct query *);
/* All own columns: the row's version is made of them. */
void sql_item(struct sql *, const struct query *, struct value key);
/* The rows of a to-many relation that belong to these keys. The mask's
 * columns, then the one that points to us. */
void sql_many(struct sql *, const struct query *, const struct query_relation *,
              const struct value *keys, unsigned count, unsigned limit);

#endif
