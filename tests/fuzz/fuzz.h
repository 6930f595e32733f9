/* SPDX-License-Identifier: MIT */
/*
 * fuzz - what every target shares.
 *
 * A target must not keep anything from one input to the next and must answer
 * an input the same way each time: cuts come from the input itself.
 * Threads: loop.
 */
#ifndef FIELDLINE_TESTS_FUZZ_H
#define FIELDLINE_TESTS_FUZZ_H

#include "base/bytes.h"
#include "base/hash.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(what)                                                       \
    do {                                                                       \
        if (!(what)) {                                                         \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__,       \
                    #what);                                                    \
            abort();                                                           \
        }                                                                      \
    } while (0)

/* Takes the first byte as options, so that a corpus stays readable. */
static inline unsigned fuzz_options(struct bytes *in)
{
    unsigned options = in->len ? (unsigned char)in->at[0] : 0;

    *in = bytes_skip(*in, 1);
    return options;
}

/* Lengths of pieces, drawn from a state that began as the input's hash. */
static inline size_t fuzz_cut(void *state, size_t left)
{
    uint64_t *s = state;

    *s += UINT64_C(0x9e3779b97f4a7c15);

    uint64_t r = hash_mix(*s);
    size_t len = 1 + (size_t)(r >> 8) % (r & 0x80 ? 300 : 5);

    return len < left ? len : left;
}

static inline size_t fuzz_cut_bytewise(void *state, size_t left)
{
    return 1;
}

#endif
