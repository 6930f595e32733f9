/* SPDX-License-Identifier: MIT */
/*
 * postgres_array - one walk over {1,"a \"b\"",NULL,{...}}.
 * Threads: any, no state.
 */
#include "store/postgres_array.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "json/json.h"

#define JSON_MAX ((size_t)1 << 30)

/* pg_type.oid; these never change. */
static const struct {
    unsigned type;
    enum array_of of;
} arrays[] = {
    {1000, ARRAY_BOOLS},       /* bool */
    {1005, ARRAY_NUMBERS},     /* int2 */
    {1007, ARRAY_NUMBERS},     /* int4 */
    {1016, ARRAY_NUMBERS},     /* int8 */
    {1021, ARRAY_NUMBERS},     /* float4 */
    {1022, ARRAY_NUMBERS},     /* float8 */
    {1231, ARRAY_NUMBERS},     /* numeric */
    {1009, ARRAY_TEXTS},       /* text */
    {1014, ARRAY_TEXTS},       /* bpchar */
    {1015, ARRAY_TEXTS},       /* varchar */
    {1182, ARRAY_TEXTS},       /* date */
    {1183, ARRAY_TEXTS},       /* time */
    {2951, ARRAY_TEXTS},       /* uuid */
    {1115, ARRAY_TIMES},       /* timestamp */
    {1185, ARRAY_TIMES_ZONED}, /* timestamptz */
    {199, ARRAY_JSON},         /* json */
    {3807, ARRAY_JSON},        /* jsonb */
};

enum array_of pg_array_of(unsigned type)
{
    for (size_t i = 0; i < ARRAY_LEN(arrays); i++)
        if (arrays[i].type == type)
            return arrays[i].of;
    return ARRAY_NONE;
}

void pg_time_write(struct buf *b, struct bytes text, bool zoned)
{
    struct bytes date, rest;
    const char *zone;

    if (!bytes_cut(text, ' ', &date, &rest)) { /* infinity */
        buf_append(b, text);
        return;
    }
    zone = zoned ? memmem(rest.at, rest.len, "+00", 3) : NULL;
    buf_append(b, date);
    buf_append_char(b, 'T');
    if (zone) {
        size_t upto = (size_t)(zone - rest.at) + 3;

        buf_append(b, (struct bytes){rest.at, upto});
        buf_append(b, BYTES(":00"));
        rest = bytes_skip(rest, upto);
    }
    buf_append(b, rest);
}

/* --- elements ---------------------------------------------------------- */

static void write_time(struct buf *b, struct bytes text, bool zoned)
{
    struct buf time;

    buf_init(&time, b->max);
    pg_time_write(&time, text, zoned);
    if (buf_error(&time))
        b->error = buf_error(&time);
    else
        json_write_string(b, buf_bytes(&time));
    buf_fini(&time);
}

static void write_number(struct buf *b, struct bytes text)
{
    char last = text.len ? text.at[text.len - 1] : 'N';

    if (last >= '0' && last <= '9')
        buf_append(b, text);
    else /* NaN, Infinity */
        json_write_string(b, text);
}

static void write_element(struct buf *b, enum array_of of, struct bytes text)
{
    switch (of) {
    case ARRAY_NUMBERS:
        write_number(b, text);
        break;
    case ARRAY_BOOLS:
        json_write_bool(b, text.len && text.at[0] == 't');
        break;
    case ARRAY_TIMES:
    case ARRAY_TIMES_ZONED:
        write_time(b, text, of == ARRAY_TIMES_ZONED);
        break;
    case ARRAY_JSON:
        buf_append(b, text);
        break;
    case ARRAY_TEXTS:
    case ARRAY_NONE:
        json_write_string(b, text);
        break;
    }
}

/* "a \"b\"" or a bare word; rest begins behind it. */
static int element_read(struct bytes *rest, struct buf *ret, bool *quoted)
{
    size_t at = 0;

    buf_clear(ret);
    *quoted = rest->at[0] == '"';
    for (at = *quoted; at < rest->len; at++) {
        char c = rest->at[at];

        if (*quoted ? c == '"' : c == ',' || c == '}')
            break;
        if (c == '\\' && ++at == rest->len)
            break;
        buf_append_char(ret, rest->at[at]);
    }
    if (at >= rest->len)
        return ERR_INVALID;
    *rest = bytes_skip(*rest, at + *quoted);
    return buf_error(ret);
}

/* --- the array --------------------------------------------------------- */

static int array_write(struct buf *out, enum array_of of, struct bytes rest,
                       struct buf *element)
{
    bool quoted;

    while (rest.len) {
        char c = rest.at[0];
        int error = 0;

        if (c == '{' || c == '}' || c == ',') {
            buf_append_char(out, c == '{' ? '[' : c == '}' ? ']' : ',');
            rest = bytes_skip(rest, 1);
            continue;
        }
        error = element_read(&rest, element, &quoted);
        if (error)
            return error;
        if (!quoted && bytes_equal(buf_bytes(element), BYTES("NULL")))
            buf_append(out, BYTES("null"));
        else
            write_element(out, of, buf_bytes(element));
    }
    return buf_error(out);
}

int pg_array_read(struct arena *a, enum array_of of, struct bytes text,
                  struct bytes *ret)
{
    struct bytes dimensions, body = text;
    struct buf out, element;
    int error;

    /* "[0:1]={1,2}": where it begins is no part of its JSON. */
    if (text.len && text.at[0] == '[' &&
        !bytes_cut(text, '=', &dimensions, &body))
        return ERR_INVALID;
    buf_init(&out, JSON_MAX);
    buf_init(&element, JSON_MAX);
    error = array_write(&out, of, body, &element);
    if (!error) {
        struct bytes json = arena_copy(a, buf_bytes(&out));

        if (json.at)
            *ret = json;
        else
            error = ERR_NOMEM;
    }
    buf_fini(&element);
    buf_fini(&out);
    return error;
}
