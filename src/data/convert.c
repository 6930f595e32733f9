/* SPDX-License-Identifier: MIT */
/*
 * convert - one switch over the kinds for each direction.
 * Threads: any, no shared state.
 */
#include "data/convert.h"

#include "base/buf.h"
#include "base/error.h"
#include "json/json.h"

#include <ctype.h>
#include <stdio.h>
#include <time.h>

#define NUMERIC_TEXT_MAX     200
#define SQLITE_TIME_DIGITS   3
#define POSTGRES_TIME_DIGITS 6
#define JSON_VALUE_MAX       (1u << 20)

const char *convert_expected(enum column_kind kind)
{
    switch (kind) {
    case COLUMN_INT:
        return "a whole number";
    case COLUMN_REAL:
    case COLUMN_NUMERIC:
        return "a number";
    case COLUMN_BOOL:
        return "true or false";
    case COLUMN_TIME:
        return "a time as in 2026-11-20T18:44:25Z";
    case COLUMN_JSON:
        return "JSON";
    case COLUMN_BLOB:
        return "nothing: bytes are read only";
    case COLUMN_UUID:
        return "a UUID as in 0198f3c2-7b8c-7e6d-9a01-23456789abcd";
    case COLUMN_TEXT:
        break;
    }
    return "text in UTF-8";
}

/* Times. */

static bool digits_at(struct bytes text, size_t at, size_t n, int *ret)
{
    int number = 0;

    if (text.len < at + n)
        return false;
    for (size_t i = at; i < at + n; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        number = number * 10 + (text.at[i] - '0');
    }
    *ret = number;
    return true;
}

static bool is_date(struct bytes text, struct tm *tm)
{
    int year, month, day;

    if (!digits_at(text, 0, 4, &year) || !digits_at(text, 5, 2, &month) ||
        !digits_at(text, 8, 2, &day) || text.at[4] != '-' ||
        text.at[7] != '-' || year < 1 || month < 1 || month > 12 || day < 1 ||
        day > 31)
        return false;
    *tm = (struct tm){
        .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
    return true;
}

/* "Z", "+00", "+02:00", "-0530", or nothing. A URL may have made a space of the
 * plus. */
static bool offset_read(struct bytes text, int *seconds)
{
    int hours, minutes = 0;
    struct bytes rest = bytes_skip(text, 3);

    *seconds = 0;
    if (text.len == 0 || bytes_equal_nocase(text, BYTES("z")))
        return true;
    if (!strchr("+- ", text.at[0]) || text.at[0] == '\0' ||
        !digits_at(text, 1, 2, &hours))
        return false;
    if (rest.len && rest.at[0] == ':')
        rest = bytes_skip(rest, 1);
    if (rest.len && (rest.len != 2 || !digits_at(rest, 0, 2, &minutes)))
        return false;
    if (hours > 23 || minutes > 59)
        return false;
    *seconds = (hours * 60 + minutes) * 60 * (text.at[0] == '-' ? -1 : 1);
    return true;
}

/* The decimals after the second, as microseconds; *at moves behind them. */
static bool fraction_read(struct bytes text, size_t *at, int *micros)
{
    int scale = 100000;
    size_t from = *at + 1;

    *micros = 0;
    if (*at >= text.len || text.at[*at] != '.')
        return true;
    for (*at = from; *at < text.len; (*at)++) {
        char c = text.at[*at];

        if (c < '0' || c > '9')
            break;
        *micros += (c - '0') * scale;
        scale /= 10;
    }
    return *at > from;
}

static bool is_canonical(struct bytes t)
{
    return t.len == 24 && t.at[10] == 'T' && t.at[19] == '.' && t.at[23] == 'Z';
}

size_t time_canonical(struct bytes text, unsigned digits_max,
                      char ret[TIME_TEXT_MAX + 1])
{
    int hour, minute, second, micros, offset;
    size_t at = 19;
    struct tm tm;
    time_t seconds;
    int n;

    if (!is_date(text, &tm) || text.len < at ||
        (text.at[10] != 'T' && text.at[10] != 't' && text.at[10] != ' ') ||
        !digits_at(text, 11, 2, &hour) || !digits_at(text, 14, 2, &minute) ||
        !digits_at(text, 17, 2, &second) || text.at[13] != ':' ||
        text.at[16] != ':' || hour > 23 || minute > 59 || second > 60 ||
        !fraction_read(text, &at, &micros) ||
        !offset_read(bytes_skip(text, at), &offset))
        return 0;
    tm.tm_hour = hour;
    tm.tm_min = minute;
    tm.tm_sec = second;
    seconds = timegm(&tm) - offset;
    if (!gmtime_r(&seconds, &tm) || tm.tm_year + 1900 < 1 ||
        tm.tm_year + 1900 > 9999)
        return 0;
    n = snprintf(ret, TIME_TEXT_MAX + 1, "%04d-%02d-%02dT%02d:%02d:%02d.",
                 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
                 tm.tm_min, tm.tm_sec);
    if (digits_max > 3 && micros % 1000)
        n += snprintf(ret + n, TIME_TEXT_MAX + 1 - (size_t)n, "%06dZ", micros);
    else
        n += snprintf(ret + n, TIME_TEXT_MAX + 1 - (size_t)n, "%03dZ",
                      micros / 1000);
    return (size_t)n;
}

static unsigned time_digits(enum store_dialect dialect)
{
    return dialect == STORE_SQLITE ? SQLITE_TIME_DIGITS : POSTGRES_TIME_DIGITS;
}

static int convert_time(enum store_dialect dialect, struct bytes text,
                        struct arena *a, struct value *ret)
{
    char time[TIME_TEXT_MAX + 1];
    size_t len = time_canonical(text, time_digits(dialect), time);
    struct tm tm;

    if (len == 0 && (text.len != 10 || !is_date(text, &tm)))
        return ERR_INVALID;
    *ret = value_text(arena_copy(a, len ? (struct bytes){time, len} : text));
    return ret->bytes.at ? 0 : ERR_NOMEM;
}

/* UUIDs. */

#define UUID_TEXT_LEN 36

static bool is_uuid(struct bytes text)
{
    if (text.len != UUID_TEXT_LEN)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? text.at[i] != '-' : !isxdigit((unsigned char)text.at[i]))
            return false;
    }
    return true;
}

/* In small letters, as the database prints it. */
static int convert_uuid(struct bytes text, struct arena *a, struct value *ret)
{
    char *to;

    if (!is_uuid(text))
        return ERR_INVALID;
    to = arena_bytes(a, text.len);
    if (!to)
        return ERR_NOMEM;
    for (size_t i = 0; i < text.len; i++)
        to[i] = (char)tolower((unsigned char)text.at[i]);
    *ret = value_text((struct bytes){to, text.len});
    return 0;
}

/* Into values. */

static bool is_text(struct bytes b)
{
    return bytes_is_utf8(b) && (b.len == 0 || !memchr(b.at, '\0', b.len));
}

static bool is_numeric(struct bytes b)
{
    return b.len > 0 && b.len <= NUMERIC_TEXT_MAX && json_is_valid(b) &&
           (b.at[0] == '-' || (b.at[0] >= '0' && b.at[0] <= '9'));
}

static int convert_bytes(enum value_kind kind, struct bytes b, bool good,
                         struct value *ret)
{
    if (!good)
        return ERR_INVALID;
    *ret = (struct value){.kind = kind, .bytes = b};
    return 0;
}

int convert_text(enum column_kind kind, enum store_dialect dialect,
                 struct bytes text, struct arena *a, struct value *ret)
{
    bool yes = bytes_equal(text, BYTES("true"));

    switch (kind) {
    case COLUMN_INT:
        ret->kind = VALUE_INT;
        return bytes_to_i64(text, &ret->integer) ? ERR_INVALID : 0;
    case COLUMN_REAL:
        ret->kind = VALUE_DOUBLE;
        return bytes_to_double(text, &ret->real) ? ERR_INVALID : 0;
    case COLUMN_BOOL:
        *ret = value_bool(yes);
        return yes || bytes_equal(text, BYTES("false")) ? 0 : ERR_INVALID;
    case COLUMN_TIME:
        return convert_time(dialect, text, a, ret);
    case COLUMN_NUMERIC:
        return convert_bytes(VALUE_NUMBER, text, is_numeric(text), ret);
    case COLUMN_JSON:
        return convert_bytes(VALUE_JSON, text,
                             is_text(text) && json_is_valid(text), ret);
    case COLUMN_BLOB:
        return ERR_INVALID;
    case COLUMN_UUID:
        return convert_uuid(text, a, ret);
    case COLUMN_TEXT:
        break;
    }
    return convert_bytes(VALUE_TEXT, text, is_text(text), ret);
}

static int convert_dumped(enum value_kind kind, const json_t *json,
                          struct arena *a, struct value *ret)
{
    struct buf b;
    int error;

    buf_init(&b, JSON_VALUE_MAX);
    json_write_value(&b, json);
    error = buf_error(&b);
    if (!error) {
        *ret =
            (struct value){.kind = kind, .bytes = arena_copy(a, buf_bytes(&b))};
        error = ret->bytes.at ? 0 : ERR_NOMEM;
    }
    buf_fini(&b);
    return error;
}

int convert_json(enum column_kind kind, enum store_dialect dialect,
                 const json_t *json, struct arena *a, struct value *ret)
{
    struct bytes text = {json_string_value(json), json_string_length(json)};

    if (kind == COLUMN_JSON && !json_is_null(json))
        return convert_dumped(VALUE_JSON, json, a, ret);
    switch (json_typeof(json)) {
    case JSON_NULL:
        *ret = value_null();
        return 0;
    case JSON_STRING:
        if (kind != COLUMN_TEXT && kind != COLUMN_TIME &&
            kind != COLUMN_NUMERIC && kind != COLUMN_UUID)
            return ERR_INVALID;
        return convert_text(kind, dialect, text, a, ret);
    case JSON_TRUE:
    case JSON_FALSE:
        *ret = value_bool(json_is_true(json));
        return kind == COLUMN_BOOL ? 0 : ERR_INVALID;
    case JSON_INTEGER:
    case JSON_REAL:
        if (kind == COLUMN_NUMERIC)
            return convert_dumped(VALUE_NUMBER, json, a, ret);
        if (kind == COLUMN_REAL)
            *ret = value_double(json_number_value(json));
        else
            *ret = value_int(json_integer_value(json));
        return kind == COLUMN_REAL ||
                       (kind == COLUMN_INT && json_is_integer(json))
                   ? 0
                   : ERR_INVALID;
    default:
        return ERR_INVALID;
    }
}

/* Out of rows. */

struct value convert_sql(const struct column *c, struct value v)
{
    if (c->kind == COLUMN_BOOL && v.kind == VALUE_INT &&
        (v.integer == 0 || v.integer == 1))
        return value_bool(v.integer == 1);
    if (c->kind == COLUMN_JSON && v.kind == VALUE_TEXT &&
        json_is_valid(v.bytes))
        v.kind = VALUE_JSON;
    return v;
}

/* Times are few and mostly canonical as they stand. */
static struct value time_value(struct value v, char text[TIME_TEXT_MAX + 1])
{
    size_t len;

    if (v.kind != VALUE_TEXT || is_canonical(v.bytes))
        return v;
    len = time_canonical(v.bytes, POSTGRES_TIME_DIGITS, text);
    return len ? value_text((struct bytes){text, len}) : v;
}

/* What clients are shown; a time is written into room. */
static struct value shown(const struct column *c, struct value v,
                          char room[TIME_TEXT_MAX + 1])
{
    v = convert_sql(c, v);
    return c->kind == COLUMN_TIME ? time_value(v, room) : v;
}

void convert_write_json(struct buf *b, const struct column *c, struct value v)
{
    char room[TIME_TEXT_MAX + 1];

    v = shown(c, v, room);
    value_write_json(b, &v);
}

void convert_write_text(struct buf *b, const struct column *c, struct value v)
{
    char room[TIME_TEXT_MAX + 1];

    v = shown(c, v, room);
    value_write_text(b, &v);
}

/* Out of change images. */

static bool image_text(struct buf *b, struct bytes raw)
{
    struct bytes inner;
    json_t *string = NULL;

    if (raw.len < 2 || raw.at[0] != '"')
        return false;
    inner = (struct bytes){raw.at + 1, raw.len - 2};
    if (!inner.len || !memchr(inner.at, '\\', inner.len)) {
        buf_append(b, inner);
        return true;
    }
    if (json_read(raw, &string, NULL) == 0)
        buf_append(b, (struct bytes){json_string_value(string),
                                     json_string_length(string)});
    json_decref(string);
    return true;
}

static struct value image_scalar(struct bytes raw)
{
    int64_t integer;
    double real;

    if (bytes_equal(raw, BYTES("true")) || bytes_equal(raw, BYTES("false")))
        return value_bool(raw.len == 4);
    if (bytes_to_i64(raw, &integer) == 0)
        return value_int(integer);
    if (bytes_to_double(raw, &real) == 0)
        return value_double(real);
    return (struct value){.kind = VALUE_JSON, .bytes = raw};
}

bool convert_image_write_text(struct buf *b, const struct column *c,
                              struct bytes raw)
{
    if (raw.len == 0 || bytes_equal(raw, BYTES("null")))
        return false;
    if (!image_text(b, raw))
        convert_write_text(b, c, image_scalar(raw));
    return true;
}

/* What PostgreSQL writes for a number that JSON has none for. */
static bool is_not_finite(const struct column *c, struct bytes raw)
{
    static const char *const spellings[] = {"\"NaN\"", "\"Infinity\"",
                                            "\"-Infinity\""};

    if (c->kind != COLUMN_REAL && c->kind != COLUMN_NUMERIC)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(spellings); i++)
        if (bytes_equal(raw, bytes_of(spellings[i])))
            return true;
    return false;
}

void convert_image_write_json(struct buf *b, const struct column *c,
                              struct bytes raw)
{
    struct buf text;

    if (is_not_finite(c, raw)) {
        buf_append(b, BYTES("null"));
        return;
    }
    if (raw.len == 0 || (c->kind != COLUMN_TIME && c->kind != COLUMN_BOOL &&
                         c->kind != COLUMN_REAL)) {
        buf_append(b, raw);
        return;
    }
    if (raw.at[0] != '"') {
        convert_write_json(b, c, image_scalar(raw));
        return;
    }
    buf_init(&text, b->max);
    if (image_text(&text, raw) && !buf_error(&text))
        convert_write_json(b, c, value_text(buf_bytes(&text)));
    buf_fini(&text);
}
