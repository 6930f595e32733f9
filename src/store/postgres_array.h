/* SPDX-License-Identifier: MIT */
/*
 * postgres_array - an array as JSON, spelled as PostgreSQL's row_to_json()
 * spells it, so that a read says what the change row says.
 * Threads: any, no state.
 */
#ifndef FIELDLINE_STORE_POSTGRES_ARRAY_H
#define FIELDLINE_STORE_POSTGRES_ARRAY_H

#include "base/bytes.h"

struct arena;
struct buf;

/* How row_to_json() writes one element. */
enum array_of {
    ARRAY_NONE,    /* no array, or one of a type we do not know */
    ARRAY_NUMBERS, /* as they are; NaN and infinities are strings */
    ARRAY_BOOLS,
    ARRAY_TEXTS,
    ARRAY_TIMES,
    ARRAY_TIMES_ZONED,
    ARRAY_JSON,
};
enum array_of pg_array_of(unsigned type /* pg_type.oid */);
/* ERR_NOMEM; text that is no array is ERR_INVALID. */
int pg_array_read(struct arena *, enum array_of, struct bytes text,
                  struct bytes *ret) MUST_CHECK;

/* "2026-11-20 18:44:25.5+00" with the T and the +00:00 of to_json(). */
void pg_time_write(struct buf *, struct bytes text, bool zoned);

#endif
