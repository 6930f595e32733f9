/* SPDX-License-Identifier: MIT */
/*
 * fault_cache - each allocation of the cache engine fails in turn.
 *
 * The allocator is given, counts, and fails at one call. Whatever fails says
 * so, leaves nothing old behind, leaks nothing, and the cache goes on.
 * Threads: loop.
 */
#include "allocator.h"

#include <fieldline/cache.h>

#include <string.h>
#include <unistd.h>

#define KEYS        60
#define ENTRIES     20
#define CLOCK_BYTES 4096

static int on_load(struct fl_cache_load *load, const void *key, size_t key_size,
                   void *arg)
{
    return fl_cache_load_put(load, 0, key, key_size, NULL);
}

static int on_load_many(struct fl_cache_load *load,
                        const struct fl_cache_key *keys, const size_t *missing,
                        size_t count, void *arg)
{
    int error = 0;

    for (size_t i = 0; i < count && error == 0; i++)
        error = fl_cache_load_put(load, missing[i], "m", 1, NULL);
    return error;
}

static void on_free(void *object)
{
    ++*(unsigned *)object;
}

static void object_use(struct fl_cache *c)
{
    unsigned freed = 0;
    struct fl_cache_object o = {
        .size = sizeof(o), .object = &freed, .free_fn = on_free};
    int error = fl_cache_set_object(c, "object", 6, &o, NULL);

    CHECK(is_clean(error));
    CHECK(freed == (error < 0));
    fl_cache_clear(c);
    CHECK(freed == 1);
}

static void key_use(struct fl_cache *c, uint64_t key, const char *path)
{
    struct fl_cache_key keys[2] = {{&key, sizeof(key)}, {"other", 5}};
    struct fl_cache_pin *pins[2] = {NULL, NULL};
    int error = fl_cache_set(c, &key, sizeof(key), &key, sizeof(key), NULL);

    CHECK(is_clean(error));
    CHECK(fl_cache_has(c, &key, sizeof(key)) == (error == 0));
    if (error == 0) { /* a set that fails leaves nothing old */
        error = fl_cache_set(c, &key, sizeof(key), "new", 3, NULL);
        CHECK(is_clean(error));
        CHECK(fl_cache_has(c, &key, sizeof(key)) == (error == 0));
    }
    error = fl_cache_get_or_load(c, "loaded", 6, on_load, NULL, &pins[0]);
    CHECK(is_clean(error) && (error == 0) == (pins[0] != NULL));
    fl_cache_unpin(c, &pins[0]);
    error = fl_cache_get_many(c, keys, 2, on_load_many, NULL, pins);
    CHECK(is_clean(error) && (error == 0) == (pins[0] != NULL));
    fl_cache_unpin(c, &pins[0]);
    fl_cache_unpin(c, &pins[1]);
    (void)fl_cache_delete(c, "loaded", 6);
    if (key == KEYS - 1) {
        CHECK(is_clean(fl_cache_snapshot_write(c, path, KEYS)));
        object_use(c);
    }
}

static void run(enum fl_cache_policy policy, const char *path)
{
    struct fl_cache_options o;
    struct fl_tagclock *clock = NULL;
    struct fl_cache *c = NULL;
    int error = fl_tagclock_new(&clock, CLOCK_BYTES, &allocator);

    CHECK(is_clean(error) && (error == 0) == (clock != NULL));
    fl_cache_options_init(&o);
    o.entries_max = ENTRIES;
    o.policy = policy;
    o.clock = clock; /* or none */
    o.allocator = &allocator;
    CHECK(is_clean(fl_cache_new(&c, &o)));
    for (uint64_t key = 0; c && key < KEYS; key++)
        key_use(c, key, path);
    fl_cache_free(&c);
    fl_tagclock_free(&clock);
    CHECK(blocks == 0);
}

int main(void)
{
    char path[] = "/tmp/fieldline-fault-XXXXXX";
    int fd = mkstemp(path);

    CHECK(fd >= 0);
    for (int policy = FL_CACHE_TIDE; policy <= FL_CACHE_LRU; policy++) {
        unsigned long count;

        calls = fail_at = 0;
        run((enum fl_cache_policy)policy, path);
        count = calls;
        CHECK(count > KEYS);
        for (unsigned long at = 1; at <= count; at++) {
            calls = 0;
            fail_at = at;
            run((enum fl_cache_policy)policy, path);
        }
        printf("policy %d: %lu allocations\n", policy, count);
    }
    (void)close(fd);
    (void)unlink(path);
    return 0;
}
