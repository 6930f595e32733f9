/* SPDX-License-Identifier: MIT */
/*
 * table - a hash table from bytes to a pointer.
 *
 * Keys are borrowed: they must live as long as their entry (usually they are
 * a field of the value). Open addressing, keyed hash, at most max entries.
 * Removing while walking with table_next() is allowed for the current entry.
 * Threads: loop (lock it outside where several threads use it).
 */
#ifndef FIELDLINE_BASE_TABLE_H
#define FIELDLINE_BASE_TABLE_H

#include "base/bytes.h"

struct table;

int table_new(struct table **ret, size_t max) MUST_CHECK;
void table_free(struct table **); /* NULL-safe, clears; values are borrowed */
void *table_get(const struct table *, struct bytes key); /* or NULL */
/* ERR_EXISTS, ERR_LIMIT, ERR_NOMEM. value is never NULL. */
int table_put(struct table *, struct bytes key, void *value) MUST_CHECK;
void *table_remove(struct table *, struct bytes key); /* the value, or NULL */
size_t table_count(const struct table *);
/* Walks: *cursor starts at 0; NULL at the end. */
void *table_next(const struct table *, size_t *cursor);

#endif
