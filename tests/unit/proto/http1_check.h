/* SPDX-License-Identifier: MIT */
/*
 * http1_check - says what a parser must answer, however its bytes are cut.
 * Threads: loop.
 */
#ifndef FIELDLINE_TESTS_HTTP1_CHECK_H
#define FIELDLINE_TESTS_HTTP1_CHECK_H

#include "../check.h"
#include "transcript.h"

static inline size_t cut_fixed(void *arg, size_t left)
{
    size_t len = *(size_t *)arg;

    return len < left ? len : left;
}

/* Whole, byte by byte, and in pieces of some sizes between. */
static inline void check_http1_bytes(enum http1_role role,
                                     const struct http1_limits *limits,
                                     struct bytes in, const char *want)
{
    static const size_t sizes[] = {SIZE_MAX, 1, 2, 3, 7, 31, 100};

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct buf got;
        size_t size = sizes[i];

        transcript(role, limits, in, cut_fixed, &size, &got);
        if (!bytes_equal(buf_bytes(&got), bytes_of(want)))
            fail_msg("in pieces of %zu of '" BYTES_FMT "'\n got: " BYTES_FMT
                     "\nwant: %s",
                     size, BYTES_ARG(in), BYTES_ARG(buf_bytes(&got)), want);
        buf_fini(&got);
    }
}

static inline void check_server(const char *in, const char *want)
{
    check_http1_bytes(HTTP1_SERVER, NULL, bytes_of(in), want);
}

static inline void check_client(const char *in, const char *want)
{
    check_http1_bytes(HTTP1_CLIENT, NULL, bytes_of(in), want);
}

#endif
