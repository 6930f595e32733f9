/* SPDX-License-Identifier: MIT */
/*
 * tags - what a reply depends on; the mirror of data_change_apply().
 *
 * Four kinds of tag for a table:
 *   key       one row, whoever it belongs to
 *   value     rows of a tenant that hold a value in a filter column
 *   resource  all rows of a tenant
 *   reset     moves when all of a tenant's rows may have changed at once:
 *             stands beside key and value tags, which cannot be enumerated
 * An unscoped resource has its tags under the empty tenant. A change moves all
 * of them, under its tenant before and after, and under the empty tenant where
 * the table is unscoped.
 *
 * Invariant: when the answer to a query changes, a tag of its set moves.
 * Threads: any, no state.
 */
#ifndef FIELDLINE_DATA_TAGS_H
#define FIELDLINE_DATA_TAGS_H

#include "cache/tagclock.h"
#include "data/query.h"

/* False when it depends on more than a tagset holds: not to be cached. */
bool tags_of_list(const struct query *, struct tagset *ret);
bool tags_of_item(const struct query *, struct value key, struct tagset *ret);

#endif
