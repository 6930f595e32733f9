/* SPDX-License-Identifier: MIT */
/*
 * hash - XXH3, with a seed of zero or one drawn from the kernel.
 *
 * The keyed hash uses a whole secret, not only a seed: with the public secret
 * XXH3's seeded collisions can be found without knowing the seed.
 * Threads: any; the secret is drawn under a once.
 */
#include "base/hash.h"

#include "base/attr.h"
#include "base/hash_secret.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/random.h>

static struct hash_secret secret;
static pthread_once_t secret_once = PTHREAD_ONCE_INIT;
static atomic_bool secret_drawn; /* looked at first: cheaper than the once */

static void secret_draw(void)
{
    hash_secret_draw(&secret);
    atomic_store_explicit(&secret_drawn, true, memory_order_release);
}

uint64_t hash_keyed(struct bytes b)
{
    if (UNLIKELY(!atomic_load_explicit(&secret_drawn, memory_order_acquire)))
        (void)pthread_once(&secret_once, secret_draw);
    return hash_secret(&secret, b.at, b.len);
}

uint64_t hash_keyed_seed(struct bytes b, uint64_t seed)
{
    return hash_mix(hash_keyed(b) ^ hash_mix(seed + 0x9e3779b97f4a7c15u));
}

uint64_t hash_stable(struct bytes b)
{
    return XXH3_64bits(b.at, b.len);
}

uint64_t hash_stable_seed(struct bytes b, uint64_t seed)
{
    return XXH3_64bits_withSeed(b.at, b.len, seed);
}

void random_bytes(void *at, size_t len)
{
    unsigned char *to = at;

    while (len) {
        ssize_t n = getrandom(to, len, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            abort();
        to += n;
        len -= (size_t)n;
    }
}
