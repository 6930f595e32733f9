/* SPDX-License-Identifier: MIT */
/*
 * cache_speed - what a hit of the library's cache costs, and an entry.
 *
 *   cache_speed KEYS THREADS [lru|sieve|s3fifo|tide] [many]
 *
 * Keys are texts, looked up at random; each entry has a time to live and one
 * tag, so a hit looks at the policy, the expiry and the tag clock, reads the
 * value and lets it go; many gets 16 at a time. Prints one line of JSON:
 * nanoseconds a hit (all threads together, so fewer with more), and what malloc
 * gave for an entry beyond its key and value. Threads: THREADS readers.
 */
#include "fieldline/cache.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KEY_SIZE    ((size_t)16)
#define VALUE_SIZE  ((size_t)64)
#define HITS        4000000
#define ROUNDS      5
#define THREADS_MAX 16
#define NS_PER_S    1e9
#define TAGS        100
#define MANY        ((size_t)16)
#define SPARE       ((size_t)400)

struct bench {
    struct fl_cache *cache;
    size_t keys;
    char (*texts)[KEY_SIZE]; /* in the order they are asked for */
    atomic_uint ready;
    unsigned threads;
    bool many;
};

static void fail(const char *what)
{
    fprintf(stderr, "cache_speed: %s\n", what);
    exit(1);
}

static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * NS_PER_S + (double)t.tv_nsec;
}

static int on_missing(struct fl_cache_load *load,
                      const struct fl_cache_key *keys, const size_t *missing,
                      size_t count, void *arg)
{
    return FL_ERR_NOT_FOUND;
}

static size_t get_many(const struct bench *b, size_t at)
{
    struct fl_cache_key keys[MANY];
    struct fl_cache_pin *pins[MANY];
    size_t sum = 0;

    for (size_t i = 0; i < MANY; i++)
        keys[i] = (struct fl_cache_key){b->texts[(at + i) % b->keys], KEY_SIZE};
    if (fl_cache_get_many(b->cache, keys, MANY, on_missing, NULL, pins) < 0)
        fail("a miss");
    for (size_t i = 0; i < MANY; i++) {
        sum += *(const unsigned char *)fl_cache_pin_value(pins[i]);
        fl_cache_unpin(b->cache, &pins[i]);
    }
    return sum;
}

static size_t get_one(const struct bench *b, size_t at)
{
    struct fl_cache_pin *pin = fl_cache_get(b->cache, b->texts[at], KEY_SIZE);
    size_t sum;

    if (!pin)
        fail("a miss");
    sum = *(const unsigned char *)fl_cache_pin_value(pin);
    fl_cache_unpin(b->cache, &pin);
    return sum;
}

static void *on_thread(void *arg)
{
    struct bench *b = arg;
    size_t at = (size_t)random() % b->keys, sum = 0;

    atomic_fetch_add(&b->ready, 1);
    while (atomic_load(&b->ready) < b->threads)
        ;
    for (size_t i = 0, step = b->many ? MANY : 1; i < HITS; i += step) {
        sum += b->many ? get_many(b, at) : get_one(b, at);
        at += step;
        if (at >= b->keys)
            at = 0;
    }
    return sum == 1 ? b : NULL;
}

static double round_ns(struct bench *b)
{
    pthread_t threads[THREADS_MAX];
    double began;

    atomic_store(&b->ready, 0);
    began = now_ns();
    for (unsigned i = 1; i < b->threads; i++)
        if (pthread_create(&threads[i], NULL, on_thread, b) != 0)
            fail("no thread");
    (void)on_thread(b);
    for (unsigned i = 1; i < b->threads; i++)
        (void)pthread_join(threads[i], NULL);
    return (now_ns() - began) / HITS / b->threads;
}

static void fill(struct bench *b, struct fl_tagclock *clock)
{
    char value[VALUE_SIZE];

    memset(value, 'x', sizeof(value));
    b->texts = calloc(b->keys, KEY_SIZE);
    if (!b->texts)
        fail("out of memory");
    for (size_t i = 0; i < b->keys; i++)
        (void)snprintf(b->texts[i], KEY_SIZE, "/v1/stops/%05zu", i % 100000);
    for (size_t i = 0; i < b->keys; i++) {
        struct fl_cache_item item;

        fl_cache_item_init(&item, b->cache);
        item.tags[0] = 1 + i % TAGS;
        item.tag_count = 1;
        item.stamp = fl_tagclock_stamp(clock);
        if (fl_cache_set(b->cache, b->texts[i], KEY_SIZE, value, VALUE_SIZE,
                         &item) < 0)
            fail("cannot set");
    }
    for (size_t i = b->keys - 1; i > 0; i--) {
        size_t other = (size_t)random() % (i + 1);
        char text[KEY_SIZE];

        memcpy(text, b->texts[i], KEY_SIZE);
        memcpy(b->texts[i], b->texts[other], KEY_SIZE);
        memcpy(b->texts[other], text, KEY_SIZE);
    }
}

static enum fl_cache_policy policy_of(const char *name)
{
    static const char *const names[] = {"tide", "s3fifo", "sieve", "lru"};

    for (int i = 0; i < 4; i++)
        if (strcmp(name, names[i]) == 0)
            return (enum fl_cache_policy)i;
    fail("no such policy");
    return FL_CACHE_TIDE;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
    struct bench b = {0};
    struct fl_cache_options o;
    struct fl_tagclock *clock;
    double rounds[ROUNDS];
    size_t before;

    if (argc < 3)
        fail("usage: cache_speed KEYS THREADS [POLICY]");
    b.keys = strtoul(argv[1], NULL, 10);
    b.threads = (unsigned)strtoul(argv[2], NULL, 10);
    b.many = argc > 4;
    if (b.keys == 0 || b.keys > 100000 || b.threads == 0 ||
        b.threads > THREADS_MAX)
        fail("1 to 100000 keys, 1 to 16 threads");
    fl_cache_options_init(&o);
    o.entries_max = b.keys + b.keys / 8 + SPARE; /* shards differ */
    o.bytes_max = (size_t)1 << 30;
    o.policy = policy_of(argc > 3 ? argv[3] : "tide");
    if (fl_tagclock_new(&clock, FL_TAGCLOCK_BYTES_DEFAULT, NULL) < 0)
        fail("no clock");
    o.clock = clock;
    before = mallinfo2().uordblks + mallinfo2().hblkhd;
    if (fl_cache_new(&b.cache, &o) < 0)
        fail("no cache");
    fill(&b, clock);

    double bytes = (double)(mallinfo2().uordblks + mallinfo2().hblkhd - before -
                            malloc_usable_size(b.texts)) /
                   (double)b.keys;

    for (int i = 0; i < ROUNDS; i++)
        rounds[i] = round_ns(&b);
    qsort(rounds, ROUNDS, sizeof(*rounds), by_value);
    printf("{\"keys\":%zu,\"threads\":%u,\"ns\":%.2f,\"overhead\":%.1f}\n",
           b.keys, b.threads, rounds[ROUNDS / 2],
           bytes - (double)(KEY_SIZE + VALUE_SIZE));
    fl_cache_free(&b.cache);
    fl_tagclock_free(&clock);
    free(b.texts);
    return 0;
}
