/* SPDX-License-Identifier: MIT */
/*
 * hash - two hashes: one keyed by the process, one stable for ever.
 *
 * hash_keyed() is for tables that peers can fill: its secret is drawn from the
 * kernel at the first use. hash_stable() is for what leaves the process or
 * outlives it (row versions, file names). Both are XXH3 (xxhash 0.8).
 * Threads: any.
 */
#ifndef FIELDLINE_BASE_HASH_H
#define FIELDLINE_BASE_HASH_H

#include "base/bytes.h"

uint64_t hash_keyed(struct bytes);
uint64_t hash_keyed_seed(struct bytes, uint64_t seed); /* chains parts */
uint64_t hash_stable(struct bytes);
uint64_t hash_stable_seed(struct bytes, uint64_t seed);
static inline uint64_t hash_mix(uint64_t x) /* splitmix64 finaliser */
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9u;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}
static inline uint64_t hash_unmix(uint64_t x) /* the inverse of hash_mix() */
{
    x ^= x >> 31 ^ x >> 62;
    x *= 0x319642b2d24d8ec3u;
    x ^= x >> 27 ^ x >> 54;
    x *= 0x96de1b173f119089u;
    return x ^ x >> 30 ^ x >> 60;
}
void random_bytes(void *at, size_t len); /* getrandom(2), aborts on failure */

#endif
