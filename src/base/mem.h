/* SPDX-License-Identifier: MIT */
/*
 * mem - the process's allocator, with a fault point at every call.
 *
 * Sizes are multiplied with overflow checks. mem_free accepts NULL.
 * Threads: any.
 */
#ifndef FIELDLINE_BASE_MEM_H
#define FIELDLINE_BASE_MEM_H

#include "base/attr.h"
#include "base/bytes.h"

#include <stddef.h>

void *mem_alloc(size_t size) MUST_CHECK;
void *mem_zalloc(size_t count, size_t size) MUST_CHECK;
void *mem_realloc(void *, size_t count, size_t size) MUST_CHECK;
char *mem_copy(struct bytes) MUST_CHECK; /* NUL-terminated */
void mem_free(void *);

/*
 * Grows an array for one more element: doubles *cap from 8 up to max.
 * items is the address of the array pointer. ERR_NOMEM or ERR_LIMIT.
 */
int mem_grow(void *items, size_t *cap, size_t need, size_t size,
             size_t max) MUST_CHECK;

#endif
