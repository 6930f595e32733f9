/* SPDX-License-Identifier: MIT */
/*
 * convert - between the four spellings of a column's value: query text, JSON
 * of a body, SQL, and JSON of a reply.
 *
 * CANONICAL text is the same for one value whichever store it came from and
 * whether it came as a row or as a change image: keys, tags and row versions
 * are made of it. Times are RFC 3339 in UTC with three decimals, or six where
 * they are needed; SQLite compares them as text and holds three.
 * Threads: any, no shared state.
 */
#ifndef FIELDLINE_DATA_CONVERT_H
#define FIELDLINE_DATA_CONVERT_H

#include "data/schema.h"
#include "store/value.h"

#include <jansson.h>

/* "a whole number": for messages. */
const char *convert_expected(enum column_kind);

/* ERR_INVALID. The value borrows the text or the arena. */
int convert_text(enum column_kind, enum store_dialect, struct bytes text,
                 struct arena *, struct value *ret) MUST_CHECK;
int convert_json(enum column_kind, enum store_dialect, const json_t *,
                 struct arena *, struct value *ret) MUST_CHECK;

/* What the driver gave, in the column's own kind (a 1 in a BOOL column). */
struct value convert_sql(const struct column *, struct value);
void convert_write_json(struct buf *, const struct column *, struct value);
void convert_write_text(struct buf *, const struct column *, struct value);

/* From a change image: raw is the member's JSON text. write_text is false and
 * appends nothing for null. */
void convert_image_write_json(struct buf *, const struct column *,
                              struct bytes raw);
bool convert_image_write_text(struct buf *, const struct column *,
                              struct bytes raw);

#define TIME_TEXT_MAX 27 /* "2026-11-20T18:44:25.123456Z" */
/* Its length, or 0 when text is no point in time. Without an offset it is
 * taken as UTC. */
size_t time_canonical(struct bytes text, unsigned digits_max,
                      char ret[TIME_TEXT_MAX + 1]);

#endif
