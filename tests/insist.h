/* SPDX-License-Identifier: MIT */
/*
 * insist - CHECK, for test programs that are one long run.
 * Threads: any.
 */
#ifndef FIELDLINE_TESTS_INSIST_H
#define FIELDLINE_TESTS_INSIST_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(x)                                                               \
    do {                                                                       \
        if (!(x)) {                                                            \
            (void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);      \
            abort();                                                           \
        }                                                                      \
    } while (0)

#endif
