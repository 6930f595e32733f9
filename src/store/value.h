/* SPDX-License-Identifier: MIT */
/*
 * value - one SQL value, as a parameter or as a column of a row.
 *
 * Bytes are borrowed: a parameter's until the statement is done, a column's
 * until the row callback returns.
 * Threads: immutable.
 */
#ifndef FIELDLINE_STORE_VALUE_H
#define FIELDLINE_STORE_VALUE_H

#include "base/bytes.h"

enum value_kind {
    VALUE_NULL,
    VALUE_BOOL,
    VALUE_INT,
    VALUE_DOUBLE,
    VALUE_NUMBER, /* bytes: a decimal that is valid JSON (numeric columns) */
    VALUE_TEXT,   /* bytes: UTF-8; times are RFC 3339 in UTC */
    VALUE_BLOB,
    VALUE_JSON, /* bytes: one JSON value */
};

struct value {
    enum value_kind kind;
    union {
        bool boolean;
        int64_t integer;
        double real;
        struct bytes bytes;
    };
};

static inline struct value value_null(void)
{
    return (struct value){.kind = VALUE_NULL};
}
static inline struct value value_int(int64_t i)
{
    return (struct value){.kind = VALUE_INT, .integer = i};
}
static inline struct value value_double(double d)
{
    return (struct value){.kind = VALUE_DOUBLE, .real = d};
}
static inline struct value value_bool(bool b)
{
    return (struct value){.kind = VALUE_BOOL, .boolean = b};
}
static inline struct value value_text(struct bytes b)
{
    return (struct value){.kind = VALUE_TEXT, .bytes = b};
}

struct buf;
/* Canonical text, the same for the same SQL value on both stores: what tags
 * are hashed from and keys are printed as. Booleans are true/false, integers
 * and whole doubles without a point. NULL appends nothing. */
void value_write_text(struct buf *, const struct value *);
void value_write_json(struct buf *, const struct value *);

#endif
