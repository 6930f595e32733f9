/* SPDX-License-Identifier: MIT */
/*
 * seed - random input that can be had again.
 *
 * The seed is drawn, or taken from FIELDLINE_SEED, and printed first.
 * Threads: a struct random belongs to one thread.
 */
#ifndef FIELDLINE_TESTS_SEED_H
#define FIELDLINE_TESTS_SEED_H

#include "../insist.h"
#include "base/bytes.h"
#include "base/hash.h"

#include <inttypes.h>

struct random {
    uint64_t state;
};

static inline uint64_t random_next(struct random *r)
{
    r->state += UINT64_C(0x9e3779b97f4a7c15);
    return hash_mix(r->state);
}

static inline uint64_t random_below(struct random *r, uint64_t bound)
{
    return random_next(r) % bound;
}

static inline struct random random_start(void)
{
    const char *given = getenv("FIELDLINE_SEED");
    struct random r;

    if (!given || bytes_to_u64(bytes_of(given), &r.state) < 0)
        random_bytes(&r.state, sizeof(r.state));
    printf("FIELDLINE_SEED=%" PRIu64 "\n", r.state);
    (void)fflush(stdout);
    return r;
}

#endif
