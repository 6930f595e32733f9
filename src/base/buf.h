/* SPDX-License-Identifier: MIT */
/*
 * buf - bytes that grow at the end, up to a stated limit.
 *
 * Appending does not return an error: the first failure sticks, later appends
 * do nothing, and the owner asks buf_error() once before it uses the bytes.
 * Threads: loop.
 */
#ifndef FIELDLINE_BASE_BUF_H
#define FIELDLINE_BASE_BUF_H

#include "base/bytes.h"

struct blob;

struct buf {
    char *at;
    size_t len;
    size_t cap;
    size_t max; /* never holds more than this many bytes */
    int error;  /* 0, ERR_NOMEM or ERR_LIMIT; sticks until buf_clear() */
};

void buf_init(struct buf *, size_t max);
void buf_fini(struct buf *);
void buf_clear(struct buf *);              /* keeps the memory */
char *buf_reserve(struct buf *, size_t n); /* room for n more, or NULL */
void buf_append(struct buf *, struct bytes);
void buf_append_char(struct buf *, char);
void buf_append_i64(struct buf *, int64_t);
void buf_append_u64(struct buf *, uint64_t);
void buf_printf(struct buf *, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_consume(struct buf *, size_t n); /* drops n bytes from the front */
int buf_error(const struct buf *) MUST_CHECK;
static inline struct bytes buf_bytes(const struct buf *b)
{
    return (struct bytes){b->at, b->len};
}

/* Moves the bytes into a blob without copying; the buf is empty after. */
int buf_take(struct buf *, struct blob **ret) MUST_CHECK;

#endif
