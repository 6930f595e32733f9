/* SPDX-License-Identifier: MIT */
/*
 * hash_secret - a keyed hash with a secret of one's own, in the caller's code.
 *
 * XXH3 (xxhash 0.8) with a whole secret: with the public one and a seed,
 * collisions can be found without knowing the seed. For who hashes at every
 * step; others use hash.h.
 * Threads: any; the secret is drawn once and then only read.
 */
#ifndef FIELDLINE_BASE_HASH_SECRET_H
#define FIELDLINE_BASE_HASH_SECRET_H

#include "base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define HASH_SECRET_SIZE 192

struct hash_secret {
    unsigned char bytes[HASH_SECRET_SIZE];
};
_Static_assert(HASH_SECRET_SIZE >= XXH3_SECRET_SIZE_MIN, "a whole secret");

static inline void hash_secret_draw(struct hash_secret *s)
{
    random_bytes(s->bytes, sizeof(s->bytes));
}

static inline uint64_t hash_secret(const struct hash_secret *s, const void *at,
                                   size_t len)
{
    return XXH3_64bits_withSecret(at, len, s->bytes, sizeof(s->bytes));
}

#endif
