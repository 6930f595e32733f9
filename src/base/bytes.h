/* SPDX-License-Identifier: MIT */
/*
 * bytes - a borrowed run of bytes: where it is and how long.
 *
 * Not terminated, may hold NUL. The empty one is {NULL or anything, 0}.
 * Threads: immutable.
 */
#ifndef FIELDLINE_BASE_BYTES_H
#define FIELDLINE_BASE_BYTES_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const char *at;
    size_t len;
};

#define BYTES(literal) ((struct bytes){"" literal, sizeof(literal) - 1})
#define BYTES_FMT      "%.*s"
#define BYTES_ARG(b)   (int)(b).len, (b).at

static inline struct bytes bytes_of(const char *cstr) /* NULL is empty */
{
    return (struct bytes){cstr, cstr ? strlen(cstr) : 0};
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

bool bytes_equal_nocase(struct bytes a, struct bytes b); /* ASCII */
bool bytes_equal_secret(struct bytes a, struct bytes b); /* constant time */
int bytes_compare(struct bytes a, struct bytes b);       /* memcmp, then len */
bool bytes_starts(struct bytes s, struct bytes prefix);
bool bytes_ends(struct bytes s, struct bytes suffix);
struct bytes bytes_skip(struct bytes s, size_t n); /* n > len gives empty */
struct bytes bytes_trim(struct bytes s);           /* spaces and tabs */

/* Splits at the first sep. Without one: *left is s, *right empty, false. */
bool bytes_cut(struct bytes s, char sep, struct bytes *left,
               struct bytes *right);

/* The whole of s must be the number: ERR_INVALID, or ERR_RANGE. */
int bytes_to_i64(struct bytes s, int64_t *ret) MUST_CHECK;
int bytes_to_u64(struct bytes s, uint64_t *ret) MUST_CHECK;
int bytes_to_double(struct bytes s, double *ret) MUST_CHECK; /* finite only */

/* "250ms", "30s", "5m", "1h", "7d" to milliseconds; "1KB", "16MB" to bytes. */
int bytes_to_duration_ms(struct bytes s, uint64_t *ret) MUST_CHECK;
int bytes_to_size(struct bytes s, uint64_t *ret) MUST_CHECK;

bool bytes_is_utf8(struct bytes s); /* RFC 3629, no surrogates */
/* The length of the character that s begins with, 0 when malformed. */
size_t bytes_utf8_at(struct bytes s);

#endif
