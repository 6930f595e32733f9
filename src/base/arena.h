/* SPDX-License-Identifier: MIT */
/*
 * arena - memory that goes at once.
 *
 * A request's small things live here. Chunks double from the first size; the
 * total never passes max, and past it every call returns NULL. Under
 * AddressSanitizer each piece is its own malloc, so overruns show.
 * Threads: loop.
 */
#ifndef FIELDLINE_BASE_ARENA_H
#define FIELDLINE_BASE_ARENA_H

#include "base/bytes.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *chunk;
    char *at; /* the next free byte */
    size_t left;
    size_t used; /* over all chunks */
    size_t max;
};

void arena_init(struct arena *, size_t max);
void arena_fini(struct arena *);
void arena_clear(struct arena *); /* may keep one chunk for reuse */
void *arena_alloc(struct arena *, size_t size) MUST_CHECK; /* 16-aligned */
void *arena_zalloc(struct arena *, size_t size) MUST_CHECK;
char *arena_bytes(struct arena *, size_t size) MUST_CHECK; /* unaligned */
/* Copies end in a NUL that is not counted. On failure: at NULL, len 0. */
struct bytes arena_copy(struct arena *, struct bytes);
struct bytes arena_printf(struct arena *, const char *fmt, ...)
    PRINTF_LIKE(2, 3);

#endif
