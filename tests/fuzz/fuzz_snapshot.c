/* SPDX-License-Identifier: MIT */
/*
 * fuzz_snapshot - a file of hot keys is read whole or not at all.
 *
 * The input as it is, and again with the sum that it ought to have, so that
 * what stands behind the sum is reached too. No key lies outside the input,
 * and none is told of an input that is refused.
 * Threads: loop.
 */
#include "fuzz.h"

#include "base/hash.h"
#include "fieldline/cache.h"

#define SUM_SIZE ((size_t)8)

struct seen {
    const uint8_t *from, *to;
    size_t keys;
};

static void on_key(const void *key, size_t key_size, void *arg)
{
    struct seen *seen = arg;
    const uint8_t *at = key;

    if (at < seen->from || key_size > (size_t)(seen->to - at))
        abort();
    seen->keys++;
}

static void read_it(const uint8_t *data, size_t size)
{
    struct seen seen = {data, data + size, 0};

    if (fl_cache_snapshot_parse(data, size, on_key, &seen) < 0 && seen.keys)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = calloc(size ? size : 1, 1);

    if (!copy)
        return 0;
    if (size)
        memcpy(copy, data, size);
    read_it(copy, size);
    if (size >= SUM_SIZE) {
        uint64_t sum =
            hash_stable((struct bytes){(char *)copy, size - SUM_SIZE});

        for (size_t i = 0; i < SUM_SIZE; i++)
            copy[size - SUM_SIZE + i] = (uint8_t)(sum >> 8 * i);
        read_it(copy, size);
    }
    free(copy);
    return 0;
}
