/* SPDX-License-Identifier: MIT */
/*
 * attr - compiler attributes and the three macros C lacks.
 * Threads: immutable.
 */
#ifndef FIELDLINE_BASE_ATTR_H
#define FIELDLINE_BASE_ATTR_H

#include <stddef.h>

#define MUST_CHECK              __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
#define COLD                    __attribute__((cold, noinline))
#define INLINED                 inline __attribute__((always_inline))
#define LIKELY(x)               __builtin_expect(!!(x), 1)
#define UNLIKELY(x)             __builtin_expect(!!(x), 0)
#define ARRAY_LEN(a)            (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(ptr, type, member)                                        \
    ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif
