/* SPDX-License-Identifier: MIT */
/*
 * mem - malloc with a fault point and checked sizes.
 * Threads: any.
 */
#include "base/mem.h"

#include "base/error.h"
#include "base/fault.h"

#include <stdlib.h>

#define GROW_FIRST ((size_t)8)

void *mem_alloc(size_t size)
{
    if (fault_hit(FAULT_ALLOC))
        return NULL;
    return malloc(size ? size : 1);
}

void *mem_zalloc(size_t count, size_t size)
{
    if (fault_hit(FAULT_ALLOC))
        return NULL;
    return count && size ? calloc(count, size) : calloc(1, 1);
}

void *mem_realloc(void *old, size_t count, size_t size)
{
    size_t total;

    if (__builtin_mul_overflow(count, size, &total) || fault_hit(FAULT_ALLOC))
        return NULL;
    return realloc(old, total ? total : 1);
}

char *mem_copy(struct bytes b)
{
    char *copy = b.len < SIZE_MAX ? mem_alloc(b.len + 1) : NULL;

    if (!copy)
        return NULL;
    if (b.len)
        memcpy(copy, b.at, b.len);
    copy[b.len] = '\0';
    return copy;
}

void mem_free(void *at)
{
    free(at);
}

int mem_grow(void *items, size_t *cap, size_t need, size_t size, size_t max)
{
    size_t grown = *cap > max / 2 ? max : 2 * *cap;
    void *old;

    if (need <= *cap)
        return 0;
    if (need > max)
        return ERR_LIMIT;
    if (grown < GROW_FIRST)
        grown = GROW_FIRST < max ? GROW_FIRST : max;
    if (grown < need)
        grown = need;
    memcpy(&old, items, sizeof(old)); /* an array of any type */

    void *at = mem_realloc(old, grown, size);

    if (!at)
        return ERR_NOMEM;
    memcpy(items, &at, sizeof(at));
    *cap = grown;
    return 0;
}
