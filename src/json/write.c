/* SPDX-License-Identifier: MIT */
/*
 * write - JSON into a buf: most strings are clean and are copied whole, most
 * numbers have few decimals and need no search for the shortest text.
 * Threads: any, no shared state.
 */
#include "json/json.h"

#include "base/buf.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define REPLACEMENT        BYTES("\xef\xbf\xbd") /* U+FFFD */
#define DOUBLE_TEXT_MAX    32
#define DECIMALS           9
#define DECIMALS_SCALE     1e9
#define DECIMALS_VALUE_MAX 1e6 /* times the scale: 15 digits are exact */
#define DECIMALS_VALUE_MIN 1e-4
#define WHOLE_MAX          9007199254740992.0 /* 2^53 */

#define EACH_BYTE(b) (UINT64_C(0x0101010101010101) * (b))

/* Is a byte of the eight a control, a quote, a backslash or not ASCII? */
static bool eight_need_care(uint64_t x)
{
    uint64_t quote = x ^ EACH_BYTE('"'), slash = x ^ EACH_BYTE('\\');

    return ((x | (x - EACH_BYTE(0x20)) | (quote - EACH_BYTE(1)) |
             (slash - EACH_BYTE(1))) &
            EACH_BYTE(0x80)) != 0;
}

static bool needs_care(char c)
{
    return (unsigned char)c < 0x20 || c == '"' || c == '\\' ||
           (unsigned char)c >= 0x80;
}

/* How many bytes at the front are plain ASCII that stands for itself. */
static size_t plain_run(struct bytes s)
{
    size_t n = 0;
    uint64_t eight;

    for (; s.len - n >= sizeof(eight); n += sizeof(eight)) {
        memcpy(&eight, s.at + n, sizeof(eight));
        if (eight_need_care(eight))
            break;
    }
    while (n < s.len && !needs_care(s.at[n]))
        n++;
    return n;
}

static void write_control(struct buf *b, char c)
{
    static const char hex[] = "0123456789abcdef";
    char text[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

    buf_append(b, (struct bytes){text, sizeof(text)});
}

/* One character that needs care; returns how long it was. */
static size_t write_careful(struct buf *b, struct bytes s)
{
    size_t n = bytes_utf8_at(s);

    if (n == 0) {
        buf_append(b, REPLACEMENT);
        return 1;
    }
    if (n > 1) {
        buf_append(b, (struct bytes){s.at, n});
        return n;
    }
    switch (s.at[0]) {
    case '"':
        buf_append(b, BYTES("\\\""));
        break;
    case '\\':
        buf_append(b, BYTES("\\\\"));
        break;
    case '\n':
        buf_append(b, BYTES("\\n"));
        break;
    case '\r':
        buf_append(b, BYTES("\\r"));
        break;
    case '\t':
        buf_append(b, BYTES("\\t"));
        break;
    default:
        write_control(b, s.at[0]);
    }
    return 1;
}

void json_write_string(struct buf *b, struct bytes s)
{
    buf_append_char(b, '"');
    while (s.len) {
        size_t n = plain_run(s);

        buf_append(b, (struct bytes){s.at, n});
        s = bytes_skip(s, n);
        if (s.len)
            s = bytes_skip(s, write_careful(b, s));
    }
    buf_append_char(b, '"');
}

void json_write_key(struct buf *b, struct bytes name)
{
    json_write_string(b, name);
    buf_append_char(b, ':');
}

void json_write_i64(struct buf *b, int64_t value)
{
    buf_append_i64(b, value);
}

/*
 * Up to nine decimals: n / 10^9 is the correctly rounded quotient, so if it
 * equals the value, the text n * 10^-9 reads back as it; and since n has at
 * most 15 digits, no shorter decimal does.
 */
static bool write_decimals(struct buf *b, double value)
{
    double size = fabs(value);

    if (size >= DECIMALS_VALUE_MAX || size < DECIMALS_VALUE_MIN)
        return false;

    int64_t n = llrint(size * DECIMALS_SCALE);
    char text[DECIMALS + 1];
    size_t len = sizeof(text);

    if ((double)n / DECIMALS_SCALE != size)
        return false;
    if (value < 0)
        buf_append_char(b, '-');
    for (int i = DECIMALS; i > 0; i--, n /= 10)
        text[i] = (char)('0' + n % 10);
    text[0] = '.';
    while (text[len - 1] == '0')
        len--;
    buf_append_i64(b, n);
    buf_append(b, (struct bytes){text, len});
    return true;
}

void json_write_double(struct buf *b, double value)
{
    char text[DOUBLE_TEXT_MAX];
    int len = 0;

    if (!isfinite(value)) {
        buf_append(b, BYTES("null"));
        return;
    }
    if (value == trunc(value) && fabs(value) <= WHOLE_MAX) {
        buf_append_i64(b, (int64_t)value);
        return;
    }
    if (write_decimals(b, value))
        return;
    for (int digits = 15; digits <= 17; digits++) {
        len = snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    buf_append(b, (struct bytes){text, (size_t)len});
}

void json_write_bool(struct buf *b, bool value)
{
    buf_append(b, value ? BYTES("true") : BYTES("false"));
}

static void write_array(struct buf *b, const json_t *array)
{
    buf_append_char(b, '[');
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (i)
            buf_append_char(b, ',');
        json_write_value(b, json_array_get(array, i));
    }
    buf_append_char(b, ']');
}

static void write_object(struct buf *b, const json_t *object)
{
    /* Iteration does not change the object; jansson's type forgot const. */
    json_t *o = (json_t *)(uintptr_t)object;
    bool first = true;

    buf_append_char(b, '{');
    for (void *i = json_object_iter(o); i; i = json_object_iter_next(o, i)) {
        if (!first)
            buf_append_char(b, ',');
        first = false;
        json_write_key(b, (struct bytes){json_object_iter_key(i),
                                         json_object_iter_key_len(i)});
        json_write_value(b, json_object_iter_value(i));
    }
    buf_append_char(b, '}');
}

void json_write_value(struct buf *b, const json_t *value)
{
    if (!value) {
        buf_append(b, BYTES("null"));
        return;
    }
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        write_object(b, value);
        break;
    case JSON_ARRAY:
        write_array(b, value);
        break;
    case JSON_STRING:
        json_write_string(b, (struct bytes){json_string_value(value),
                                            json_string_length(value)});
        break;
    case JSON_INTEGER:
        buf_append_i64(b, json_integer_value(value));
        break;
    case JSON_REAL:
        json_write_double(b, json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        json_write_bool(b, json_is_true(value));
        break;
    case JSON_NULL:
        buf_append(b, BYTES("null"));
        break;
    }
}
