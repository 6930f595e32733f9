/* SPDX-License-Identifier: MIT */
/*
 * value - a value as canonical text and as JSON.
 *
 * A blob is hex in text (so a blob can be a key) and null in JSON, here as in
 * the change rows: binaries travel through files/.
 * Threads: any, no state.
 */
#include "store/value.h"

#include "base/buf.h"
#include "json/json.h"

#include <math.h>

/* Below this every whole double is an exact int64. */
#define WHOLE_MAX 9007199254740992.0

static bool is_whole(double d)
{
    return d == trunc(d) && fabs(d) <= WHOLE_MAX;
}

static void write_double(struct buf *b, double d)
{
    if (is_whole(d))
        buf_append_i64(b, (int64_t)d);
    else
        json_write_double(b, d);
}

static void write_hex(struct buf *b, struct bytes s)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < s.len; i++) {
        buf_append_char(b, digits[(unsigned char)s.at[i] >> 4]);
        buf_append_char(b, digits[(unsigned char)s.at[i] & 15]);
    }
}

void value_write_text(struct buf *b, const struct value *v)
{
    switch (v->kind) {
    case VALUE_NULL:
        break;
    case VALUE_BOOL:
        buf_append(b, v->boolean ? BYTES("true") : BYTES("false"));
        break;
    case VALUE_INT:
        buf_append_i64(b, v->integer);
        break;
    case VALUE_DOUBLE:
        write_double(b, v->real);
        break;
    case VALUE_NUMBER:
    case VALUE_TEXT:
    case VALUE_JSON:
        buf_append(b, v->bytes);
        break;
    case VALUE_BLOB:
        write_hex(b, v->bytes);
        break;
    }
}

void value_write_json(struct buf *b, const struct value *v)
{
    switch (v->kind) {
    case VALUE_NULL:
    case VALUE_BLOB:
        buf_append(b, BYTES("null"));
        break;
    case VALUE_BOOL:
        json_write_bool(b, v->boolean);
        break;
    case VALUE_INT:
        json_write_i64(b, v->integer);
        break;
    case VALUE_DOUBLE:
        write_double(b, v->real);
        break;
    case VALUE_NUMBER:
    case VALUE_JSON:
        buf_append(b, v->bytes);
        break;
    case VALUE_TEXT:
        json_write_string(b, v->bytes);
        break;
    }
}
