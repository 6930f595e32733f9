/* SPDX-License-Identifier: MIT */
/*
 * buf - one run of memory that doubles.
 *
 * Invariant: len <= cap <= max, and at is NULL only while cap is 0.
 * Threads: loop.
 */
#include "base/buf.h"

#include "base/blob.h"
#include "base/error.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>

#define BUF_CAP_FIRST  ((size_t)256)
#define BUF_SLACK_MAX  ((size_t)64) /* what a blob may waste, plus an eighth */
#define BUF_LINE_MAX   512
#define U64_DIGITS_MAX 20

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void buf_fini(struct buf *b)
{
    mem_free(b->at);
    buf_init(b, b->max);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->error = 0;
}

static char *buf_grow(struct buf *b, size_t n)
{
    if (b->error)
        return NULL;
    if (n > b->max - b->len) {
        b->error = ERR_LIMIT;
        return NULL;
    }

    size_t need = b->len + n;
    size_t cap = b->cap > b->max / 2 ? b->max : 2 * b->cap;

    if (cap < BUF_CAP_FIRST)
        cap = BUF_CAP_FIRST < b->max ? BUF_CAP_FIRST : b->max;
    if (cap < need)
        cap = need;

    char *at = mem_realloc(b->at, cap, 1);

    if (!at) {
        b->error = ERR_NOMEM;
        return NULL;
    }
    b->at = at;
    b->cap = cap;
    return at + b->len;
}

char *buf_reserve(struct buf *b, size_t n)
{
    if (LIKELY(b->at && n <= b->cap - b->len && !b->error))
        return b->at + b->len;
    return buf_grow(b, n);
}

void buf_append(struct buf *b, struct bytes s)
{
    char *at = s.len ? buf_reserve(b, s.len) : NULL;

    if (!at)
        return;
    memcpy(at, s.at, s.len);
    b->len += s.len;
}

void buf_append_char(struct buf *b, char c)
{
    char *at = buf_reserve(b, 1);

    if (!at)
        return;
    *at = c;
    b->len++;
}

static void append_digits(struct buf *b, uint64_t value, bool negative)
{
    char digits[U64_DIGITS_MAX + 1];
    char *end = digits + sizeof(digits), *at = end;

    do
        *--at = (char)('0' + value % 10);
    while (value /= 10);
    if (negative)
        *--at = '-';
    buf_append(b, (struct bytes){at, (size_t)(end - at)});
}

void buf_append_i64(struct buf *b, int64_t value)
{
    append_digits(b, value < 0 ? 0 - (uint64_t)value : (uint64_t)value,
                  value < 0);
}

void buf_append_u64(struct buf *b, uint64_t value)
{
    append_digits(b, value, false);
}

/* Most lines are short: they are formatted once, on the stack. */
void buf_printf(struct buf *b, const char *fmt, ...)
{
    char line[BUF_LINE_MAX];
    va_list args, again;

    va_start(args, fmt);
    va_copy(again, args);

    int len = vsnprintf(line, sizeof(line), fmt, args);

    if (len < 0) {
        b->error = b->error ? b->error : ERR_LIMIT;
    } else if ((size_t)len < sizeof(line)) {
        buf_append(b, (struct bytes){line, (size_t)len});
    } else {
        char *at = buf_reserve(b, (size_t)len + 1); /* and a NUL */

        if (at) {
            (void)vsnprintf(at, (size_t)len + 1, fmt, again);
            b->len += (size_t)len;
        }
    }
    va_end(again);
    va_end(args);
}

void buf_consume(struct buf *b, size_t n)
{
    if (n >= b->len) {
        b->len = 0;
        return;
    }
    if (n) {
        b->len -= n;
        memmove(b->at, b->at + n, b->len);
    }
}

int buf_error(const struct buf *b)
{
    return b->error;
}

int buf_take(struct buf *b, struct blob **ret)
{
    if (b->error)
        return b->error;
    if (b->cap - b->len > b->len / 8 + BUF_SLACK_MAX) {
        char *at = mem_realloc(b->at, b->len, 1);

        if (at) {
            b->at = at;
            b->cap = b->len;
        }
    }

    int error = blob_adopt(ret, b->at, b->len);

    if (error == 0)
        buf_init(b, b->max);
    return error;
}
