/* SPDX-License-Identifier: MIT */
/*
 * json - JSON text written straight into a buf, and read through jansson.
 *
 * The writer keeps no state but the buf: the caller puts commas and braces
 * where they belong. Strings are escaped per RFC 8259; bytes that are not
 * UTF-8 become U+FFFD. Numbers that JSON cannot hold (NaN, infinity) are null.
 * Threads: any, no shared state.
 */
#ifndef FIELDLINE_JSON_JSON_H
#define FIELDLINE_JSON_JSON_H

#include "base/bytes.h"

#include <jansson.h>

struct buf;

#define JSON_DEPTH_MAX 32

void json_write_string(struct buf *, struct bytes); /* with its quotes */
void json_write_key(struct buf *, struct bytes);    /* "name": */
void json_write_i64(struct buf *, int64_t);
void json_write_double(struct buf *, double); /* shortest that reads back */
void json_write_bool(struct buf *, bool);
void json_write_value(struct buf *, const json_t *);

/* Parses one whole text. Refuses duplicate keys, depth over JSON_DEPTH_MAX and
 * trailing bytes: ERR_INVALID, with where and why in detail (if not NULL).
 * The result is a reference for json_decref(). */
struct json_mistake {
    unsigned line, column;
    char text[120];
};
int json_read(struct bytes, json_t **ret,
              struct json_mistake *detail) MUST_CHECK;
/* The string member, or empty bytes when it is missing or not a string. */
struct bytes json_member_string(const json_t *object, const char *name);

/* Is the text one JSON value, shallow enough? No tree is built. */
bool json_is_valid(struct bytes);

#endif
