/* SPDX-License-Identifier: MIT */
/*
 * allocator - where the library takes its memory from.
 *
 * Wherever an allocator can be given, NULL means the C library's malloc,
 * realloc and free. The struct is copied; ctx must outlive what was made with
 * it. All three functions must be there, may be called from any thread that
 * calls the library, and must return memory aligned as malloc's is.
 * Threads: as ctx has it.
 */
#ifndef FIELDLINE_ALLOCATOR_H
#define FIELDLINE_ALLOCATOR_H

#include "fieldline/api.h"

#include <stddef.h>

struct fl_allocator {
    /* size is never 0. NULL: out of memory, which the caller reports. */
    void *(*alloc)(size_t size, void *ctx);
    /* As realloc(3): at may be NULL; on failure the old block stands. */
    void *(*realloc)(void *at, size_t size, void *ctx);
    void (*free)(void *at, void *ctx); /* at may be NULL */
    void *ctx;
};

#endif
