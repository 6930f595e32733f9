/* SPDX-License-Identifier: MIT */
/*
 * allocator - one to give to the library: it counts, and fails at one call.
 *
 * calls counts since it was last set to 0, blocks are those that nobody gave
 * back. The call whose number is fail_at fails; 0: none.
 * Threads: one at a time.
 */
#ifndef FIELDLINE_TESTS_FAULT_ALLOCATOR_H
#define FIELDLINE_TESTS_FAULT_ALLOCATOR_H

#include "../insist.h"

#include <fieldline/allocator.h>
#include <fieldline/error.h>

#include <stdbool.h>
#include <stdlib.h>

static unsigned long calls, fail_at, blocks;

static bool fails(void)
{
    return ++calls == fail_at;
}

static void *take(size_t size, void *ctx)
{
    void *at = fails() ? NULL : malloc(size);

    CHECK(size > 0 && ctx == &blocks);
    blocks += at != NULL;
    return at;
}

static void *take_again(void *at, size_t size, void *ctx)
{
    void *moved = fails() ? NULL : realloc(at, size);

    CHECK(size > 0 && ctx == &blocks);
    blocks += !at && moved;
    return moved;
}

static void give(void *at, void *ctx)
{
    CHECK(ctx == &blocks);
    blocks -= at != NULL;
    free(at);
}

static const struct fl_allocator allocator = {take, take_again, give, &blocks};

static bool is_clean(int error)
{
    return error == 0 || error == FL_ERR_NOMEM;
}

#endif
