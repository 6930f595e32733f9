/* SPDX-License-Identifier: MIT */
/*
 * options - an option struct of a program that may be older than the library.
 *
 * A public option struct begins with its size. Fields that the caller's is too
 * short for are zero, which stands for their defaults; one that is longer than
 * ours asks for what this library does not know.
 * Threads: any.
 */
#ifndef FIELDLINE_BASE_OPTIONS_H
#define FIELDLINE_BASE_OPTIONS_H

#include "base/attr.h"
#include "base/error.h"

#include <string.h>

/* given may be NULL. ERR_INVALID: its size is none. */
static inline int options_read(void *ret, size_t size, const void *given)
{
    size_t given_size = size;

    if (given)
        memcpy(&given_size, given, sizeof(given_size));
    if (given_size < sizeof(given_size) || given_size > size)
        return ERR_INVALID;
    memset(ret, 0, size);
    if (given)
        memcpy(ret, given, given_size);
    return 0;
}

#endif
