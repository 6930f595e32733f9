/* SPDX-License-Identifier: MIT */
/*
 * bytes - comparing, cutting and reading runs of bytes.
 * Threads: immutable.
 */
#include "base/bytes.h"

#include "base/error.h"

#include <math.h>
#include <stdlib.h>

#define DOUBLE_TEXT_MAX 127

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool bytes_equal_nocase(struct bytes a, struct bytes b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.at[i]) != lower(b.at[i]))
            return false;
    return true;
}

/* Eight bytes at a time; the empty asm keeps the compiler from leaving early.
 */
bool bytes_equal_secret(struct bytes a, struct bytes b)
{
    uint64_t differs = 0, x, y;
    size_t i = 0;

    if (a.len != b.len)
        return false;
    for (; a.len - i >= sizeof(x); i += sizeof(x)) {
        memcpy(&x, a.at + i, sizeof(x));
        memcpy(&y, b.at + i, sizeof(y));
        differs |= x ^ y;
        __asm__ volatile("" : "+r"(differs));
    }
    for (; i < a.len; i++) {
        differs |= (unsigned char)(a.at[i] ^ b.at[i]);
        __asm__ volatile("" : "+r"(differs));
    }
    return differs == 0;
}

int bytes_compare(struct bytes a, struct bytes b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len ? memcmp(a.at, b.at, len) : 0;

    if (order)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

bool bytes_starts(struct bytes s, struct bytes prefix)
{
    return s.len >= prefix.len &&
           bytes_equal((struct bytes){s.at, prefix.len}, prefix);
}

bool bytes_ends(struct bytes s, struct bytes suffix)
{
    return s.len >= suffix.len &&
           bytes_equal(bytes_skip(s, s.len - suffix.len), suffix);
}

struct bytes bytes_skip(struct bytes s, size_t n)
{
    if (n == 0)
        return s;
    if (n > s.len)
        n = s.len;
    return (struct bytes){s.at + n, s.len - n};
}

struct bytes bytes_trim(struct bytes s)
{
    while (s.len && (s.at[0] == ' ' || s.at[0] == '\t'))
        s = bytes_skip(s, 1);
    while (s.len && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
        s.len--;
    return s;
}

bool bytes_cut(struct bytes s, char sep, struct bytes *left,
               struct bytes *right)
{
    const char *at = s.len ? memchr(s.at, sep, s.len) : NULL;

    if (!at) {
        *left = s;
        *right = (struct bytes){NULL, 0};
        return false;
    }
    *left = (struct bytes){s.at, (size_t)(at - s.at)};
    *right = bytes_skip(s, left->len + 1);
    return true;
}

int bytes_to_u64(struct bytes s, uint64_t *ret)
{
    uint64_t value = 0;
    bool over = false;

    if (s.len == 0)
        return ERR_INVALID;
    for (size_t i = 0; i < s.len; i++) {
        if (!is_digit(s.at[i]))
            return ERR_INVALID;
        over |= __builtin_mul_overflow(value, 10u, &value);
        over |=
            __builtin_add_overflow(value, (uint64_t)(s.at[i] - '0'), &value);
    }
    if (over)
        return ERR_RANGE;
    *ret = value;
    return 0;
}

int bytes_to_i64(struct bytes s, int64_t *ret)
{
    bool negative = s.len && s.at[0] == '-';
    uint64_t magnitude;
    int error = bytes_to_u64(bytes_skip(s, negative), &magnitude);

    if (error < 0)
        return error;
    if (magnitude > (uint64_t)INT64_MAX + negative)
        return ERR_RANGE;
    *ret = (int64_t)(negative ? 0 - magnitude : magnitude);
    return 0;
}

static size_t digits_at(struct bytes s, size_t i)
{
    size_t from = i;

    while (i < s.len && is_digit(s.at[i]))
        i++;
    return i - from;
}

/* -?digits[.digits][(e|E)[+-]digits], and nothing else. */
static bool is_decimal(struct bytes s)
{
    size_t i = s.len && s.at[0] == '-', n = digits_at(s, i);

    if (n == 0)
        return false;
    i += n;
    if (i < s.len && s.at[i] == '.') {
        n = digits_at(s, ++i);
        if (n == 0)
            return false;
        i += n;
    }
    if (i < s.len && (s.at[i] == 'e' || s.at[i] == 'E')) {
        i++;
        i += i < s.len && (s.at[i] == '+' || s.at[i] == '-');
        n = digits_at(s, i);
        if (n == 0)
            return false;
        i += n;
    }
    return i == s.len;
}

/* strtod() reads the "C" locale's point: the process never sets another. */
int bytes_to_double(struct bytes s, double *ret)
{
    char text[DOUBLE_TEXT_MAX + 1];

    if (!is_decimal(s))
        return ERR_INVALID;
    if (s.len > DOUBLE_TEXT_MAX)
        return ERR_RANGE;
    memcpy(text, s.at, s.len);
    text[s.len] = '\0';

    double value = strtod(text, NULL);

    if (!isfinite(value))
        return ERR_RANGE;
    *ret = value;
    return 0;
}

struct unit {
    struct bytes name;
    uint64_t times;
};

static int to_units(struct bytes s, const struct unit *units, size_t count,
                    uint64_t *ret)
{
    size_t digits = digits_at(s, 0);
    struct bytes name = bytes_skip(s, digits);
    uint64_t value;
    int error = bytes_to_u64((struct bytes){s.at, digits}, &value);

    if (error < 0)
        return error;
    for (size_t i = 0; i < count; i++) {
        if (!bytes_equal_nocase(name, units[i].name))
            continue;
        if (__builtin_mul_overflow(value, units[i].times, &value))
            return ERR_RANGE;
        *ret = value;
        return 0;
    }
    return ERR_INVALID;
}

int bytes_to_duration_ms(struct bytes s, uint64_t *ret)
{
    static const struct unit units[] = {
        {{"ms", 2}, 1},      {{"s", 1}, 1000},     {{"m", 1}, 60000},
        {{"h", 1}, 3600000}, {{"d", 1}, 86400000},
    };

    return to_units(s, units, ARRAY_LEN(units), ret);
}

int bytes_to_size(struct bytes s, uint64_t *ret)
{
    static const struct unit units[] = {
        {{"", 0}, 1},
        {{"B", 1}, 1},
        {{"KB", 2}, (uint64_t)1 << 10},
        {{"MB", 2}, (uint64_t)1 << 20},
        {{"GB", 2}, (uint64_t)1 << 30},
        {{"TB", 2}, (uint64_t)1 << 40},
    };

    return to_units(s, units, ARRAY_LEN(units), ret);
}

/* RFC 3629, section 4: what may follow which first byte. */
size_t bytes_utf8_at(struct bytes b)
{
    const unsigned char *s = (const unsigned char *)b.at;
    unsigned char low = 0x80, high = 0xbf;
    size_t n;

    if (b.len == 0)
        return 0;
    if (s[0] < 0x80)
        return 1;
    if (s[0] >= 0xc2 && s[0] <= 0xdf)
        n = 2;
    else if (s[0] >= 0xe0 && s[0] <= 0xef)
        n = 3;
    else if (s[0] >= 0xf0 && s[0] <= 0xf4)
        n = 4;
    else
        return 0;
    if (n > b.len)
        return 0;
    if (s[0] == 0xe0)
        low = 0xa0; /* overlong */
    else if (s[0] == 0xed)
        high = 0x9f; /* surrogates */
    else if (s[0] == 0xf0)
        low = 0x90; /* overlong */
    else if (s[0] == 0xf4)
        high = 0x8f; /* past U+10FFFF */
    if (s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

bool bytes_is_utf8(struct bytes s)
{
    while (s.len) {
        uint64_t eight;
        size_t n;

        if (s.len >= sizeof(eight)) {
            memcpy(&eight, s.at, sizeof(eight));
            if ((eight & 0x8080808080808080u) == 0) {
                s = bytes_skip(s, sizeof(eight));
                continue;
            }
        }
        n = bytes_utf8_at(s);
        if (n == 0)
            return false;
        s = bytes_skip(s, n);
    }
    return true;
}
