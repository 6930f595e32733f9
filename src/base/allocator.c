/* SPDX-License-Identifier: MIT */
/*
 * allocator - sizes multiplied with overflow checks, zero rounded up to one.
 * Threads: any.
 */
#include "base/allocator.h"

#include "base/mem.h"

#include <string.h>

static void *own_alloc(size_t size, void *ctx)
{
    return mem_alloc(size);
}

static void *own_realloc(void *at, size_t size, void *ctx)
{
    return mem_realloc(at, 1, size);
}

static void own_free(void *at, void *ctx)
{
    mem_free(at);
}

static const struct fl_allocator own = {own_alloc, own_realloc, own_free, NULL};

bool allocator_or_own(struct fl_allocator *ret,
                      const struct fl_allocator *given)
{
    if (given && (!given->alloc || !given->realloc || !given->free))
        return false;
    *ret = given ? *given : own;
    return true;
}

/* 0: the product does not fit. */
static size_t total_of(size_t count, size_t size)
{
    size_t total;

    if (__builtin_mul_overflow(count, size, &total))
        return 0;
    return total ? total : 1;
}

void *allocator_alloc(const struct fl_allocator *a, size_t count, size_t size)
{
    size_t total = total_of(count, size);

    return total ? a->alloc(total, a->ctx) : NULL;
}

void *allocator_zalloc(const struct fl_allocator *a, size_t count, size_t size)
{
    size_t total = total_of(count, size);
    void *at;

    if (!total)
        return NULL;
    if (a->alloc == own_alloc) /* the kernel's pages are zero already */
        return mem_zalloc(1, total);
    at = a->alloc(total, a->ctx);
    return at ? memset(at, 0, total) : NULL;
}

void *allocator_realloc(const struct fl_allocator *a, void *at, size_t count,
                        size_t size)
{
    size_t total = total_of(count, size);

    return total ? a->realloc(at, total, a->ctx) : NULL;
}

void allocator_free(const struct fl_allocator *a, void *at)
{
    if (at)
        a->free(at, a->ctx);
}
