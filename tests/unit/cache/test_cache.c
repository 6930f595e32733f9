/* SPDX-License-Identifier: MIT */
/* cache - pins, bounds, expiry, replacement, threads. Threads: any. */
#include "cache/cache.h"
#include "../check.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static atomic_int living;

struct text {
    struct cache_value value;
    int n;
};

static void text_free(struct cache_value *v)
{
    atomic_fetch_sub(&living, 1);
    free(v);
}

static struct cache_value *text_new(int n, uint32_t weight)
{
    struct text *t = malloc(sizeof(*t));

    assert_non_null(t);
    atomic_init(&t->value.refs, 1);
    t->value.weight = weight;
    t->value.free_fn = text_free;
    t->n = n;
    atomic_fetch_add(&living, 1);
    return &t->value;
}

static int put(struct cache *c, const char *key, int n, uint64_t dead_at_ms,
               uint64_t now_ms)
{
    struct cache_meta meta = {.stamp = (uint64_t)n,
                              .fresh_until_ms = dead_at_ms / 2,
                              .dead_at_ms = dead_at_ms};
    struct cache_value *v = text_new(n, 100);
    int error = cache_set(c, bytes_of(key), cache_hash(bytes_of(key)), v, &meta,
                          now_ms);

    cache_unpin(&v);
    return error;
}

static int look(struct cache *c, const char *key, uint64_t now_ms)
{
    struct cache_meta meta;
    struct cache_value *v =
        cache_get(c, bytes_of(key), cache_hash(bytes_of(key)), now_ms, &meta);
    int n = v ? ((struct text *)v)->n : -1;

    if (v)
        assert_int_equal(meta.stamp, n);
    cache_unpin(&v);
    assert_null(v);
    return n;
}

static void keeps_replaces_deletes(void **state)
{
    struct cache *c;
    struct cache_stats s;

    assert_int_equal(cache_new(&c, NULL), 0);
    assert_int_equal(look(c, "a", 0), -1);
    assert_int_equal(put(c, "a", 1, CACHE_NEVER, 0), 0);
    assert_int_equal(put(c, "b", 2, CACHE_NEVER, 0), 0);
    assert_int_equal(look(c, "a", UINT64_MAX), 1);
    assert_int_equal(put(c, "a", 3, CACHE_NEVER, 0), 0);
    assert_int_equal(look(c, "a", 0), 3);
    assert_int_equal(atomic_load(&living), 2);
    assert_true(cache_delete(c, BYTES("a"), cache_hash(BYTES("a"))));
    assert_false(cache_delete(c, BYTES("a"), cache_hash(BYTES("a"))));
    assert_int_equal(look(c, "a", 0), -1);
    assert_int_equal(put(c, "", 4, CACHE_NEVER, 0), 0);
    assert_int_equal(look(c, "", 0), 4);
    cache_stats(c, &s);
    assert_int_equal(s.entries, 2);
    assert_int_equal(s.hits, 3);
    assert_int_equal(s.misses, 2);
    assert_int_equal(s.sets, 4);
    assert_int_equal(s.deletes, 1);
    assert_int_equal(s.entries_max, 100000);
    cache_clear(c);
    cache_stats(c, &s);
    assert_int_equal(s.entries, 0);
    assert_int_equal(s.bytes, 0);
    cache_free(&c);
    cache_free(&c);
    assert_int_equal(atomic_load(&living), 0);
}

/* P12: a key is its bytes, not their beginning, even if hashes collide. */
static void equal_hashes_are_not_equal_keys(void **state)
{
    static const char *const keys[] = {"a", "a/b", "ab", ""};
    struct cache_meta meta = {.dead_at_ms = CACHE_NEVER};
    struct cache *c;

    assert_int_equal(cache_new(&c, NULL), 0);
    for (int i = 0; i < 4; i++) {
        struct cache_value *v = text_new(i, 10);

        assert_int_equal(cache_set(c, bytes_of(keys[i]), 7, v, &meta, 0), 0);
        cache_unpin(&v);
    }
    assert_true(cache_delete(c, BYTES("a"), 7));
    for (int i = 0; i < 4; i++) {
        struct cache_value *v = cache_get(c, bytes_of(keys[i]), 7, 0, &meta);

        assert_int_equal(v ? ((struct text *)v)->n : -1, i ? i : -1);
        cache_unpin(&v);
    }
    cache_free(&c);
    assert_int_equal(atomic_load(&living), 0);
}

static void a_pinned_value_outlives_its_entry(void **state)
{
    struct cache *c;
    struct cache_meta meta;
    struct cache_value *v;

    assert_int_equal(cache_new(&c, NULL), 0);
    assert_int_equal(put(c, "a", 1, CACHE_NEVER, 0), 0);
    v = cache_get(c, BYTES("a"), cache_hash(BYTES("a")), 0, &meta);
    assert_non_null(v);
    assert_int_equal(put(c, "a", 2, CACHE_NEVER, 0), 0);
    cache_free(&c);
    assert_int_equal(atomic_load(&living), 1);
    assert_int_equal(((struct text *)v)->n, 1);
    cache_unpin(&v);
    cache_unpin(&v);
    assert_int_equal(atomic_load(&living), 0);
}

static void what_is_due_is_gone(void **state)
{
    struct cache *c;
    struct cache_stats s;

    assert_int_equal(cache_new(&c, NULL), 0);
    for (int i = 0; i < 1000; i++) {
        char key[16];

        (void)snprintf(key, sizeof(key), "k%d", i);
        assert_int_equal(put(c, key, i, 1000 + (uint64_t)i % 2 * 9000, 5), 0);
    }
    assert_int_equal(look(c, "k0", 1000), 0);
    assert_int_equal(look(c, "k0", 1001), -1); /* before any sweep */
    cache_expire(c, 900);
    cache_stats(c, &s);
    assert_int_equal(s.expirations, 0);
    cache_expire(c, 2000);
    cache_stats(c, &s);
    assert_int_equal(s.expirations, 500);
    assert_int_equal(s.entries, 500);
    assert_int_equal(atomic_load(&living), 500);
    assert_int_equal(look(c, "k1", 2000), 1);
    cache_free(&c);
    assert_int_equal(atomic_load(&living), 0);
}

static void jitter_only_shortens(void **state)
{
    struct cache_options o = {.size = sizeof(o), .jitter_percent = 20};
    struct cache *c;
    size_t different = 0;
    uint64_t last = 0;

    assert_int_equal(cache_new(&c, &o), 0);
    for (int i = 0; i < 200; i++) {
        char key[16];
        struct cache_meta meta;
        struct cache_value *v;

        (void)snprintf(key, sizeof(key), "k%d", i);
        assert_int_equal(put(c, key, i, 11000, 1000), 0);
        v = cache_get(c, bytes_of(key), cache_hash(bytes_of(key)), 1000, &meta);
        assert_non_null(v);
        assert_true(meta.dead_at_ms >= 9000 && meta.dead_at_ms <= 11000);
        assert_true(meta.fresh_until_ms <= 5500);
        different += meta.dead_at_ms != last;
        last = meta.dead_at_ms;
        cache_unpin(&v);
    }
    assert_true(different > 100);
    assert_int_equal(put(c, "always", 1, CACHE_NEVER, 1000), 0);
    assert_int_equal(look(c, "always", UINT64_MAX), 1);
    cache_free(&c);
}

static void bounds_hold(void **state)
{
    struct cache_options o = {
        .size = sizeof(o), .entries_max = 50, .bytes_max = 20000};
    struct cache *c;
    struct cache_stats s;
    struct cache_meta meta = {.dead_at_ms = CACHE_NEVER};
    struct cache_value *big = text_new(0, 20000);

    assert_int_equal(cache_new(&c, &o), 0);
    for (int i = 0; i < 2000; i++) {
        char key[16];

        (void)snprintf(key, sizeof(key), "k%d", i);
        assert_int_equal(put(c, key, i, CACHE_NEVER, 0), 0);
        assert_int_equal(look(c, key, 0), i); /* never its own victim */
        cache_stats(c, &s);
        assert_true(s.entries <= 50 && s.bytes <= 20000);
    }
    assert_true(s.evictions > 0);
    assert_int_equal(cache_set(c, BYTES("big"), 1, big, &meta, 0), ERR_LIMIT);
    cache_unpin(&big);
    cache_stats(c, &s);
    assert_int_equal(s.refused, 1);
    cache_bounds_set(c, 10, 20000);
    cache_stats(c, &s);
    assert_true(s.entries <= 10);
    cache_bounds_set(c, 0, 0);
    cache_stats(c, &s);
    assert_int_equal(s.entries, 0);
    assert_int_equal(put(c, "a", 1, CACHE_NEVER, 0), ERR_LIMIT);
    cache_free(&c);
    assert_int_equal(atomic_load(&living), 0);
}

#define THREADS 4
#define ROUNDS  20000

static void *use(void *arg)
{
    struct cache *c = arg;
    unsigned x = (unsigned)(uintptr_t)&x;

    for (int i = 0; i < ROUNDS; i++) {
        char key[16];
        int n = (int)((x = x * 1664525u + 1013904223u) >> 16) % 400;

        (void)snprintf(key, sizeof(key), "k%d", n);
        if (i % 3 == 0 && put(c, key, n, (uint64_t)i + 300, (uint64_t)i) < 0)
            return NULL;
        if (i % 50 == 0)
            cache_expire(c, (uint64_t)i);
        if (i % 17 == 0)
            (void)cache_delete(c, bytes_of(key), cache_hash(bytes_of(key)));

        int got = look(c, key, (uint64_t)i);

        if (got != -1 && got != n)
            return NULL;
    }
    return arg;
}

static void threads_share_it(void **state)
{
    struct cache_options o = {.size = sizeof(o), .entries_max = 600};
    struct cache *c;
    pthread_t threads[THREADS];

    assert_int_equal(cache_new(&c, &o), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use, c), 0);
    for (int i = 0; i < THREADS; i++) {
        void *ended_well;

        pthread_join(threads[i], &ended_well);
        assert_non_null(ended_well);
    }
    cache_free(&c);
    assert_int_equal(atomic_load(&living), 0);
}

RUN(cmocka_unit_test(keeps_replaces_deletes),
    cmocka_unit_test(equal_hashes_are_not_equal_keys),
    cmocka_unit_test(a_pinned_value_outlives_its_entry),
    cmocka_unit_test(what_is_due_is_gone),
    cmocka_unit_test(jitter_only_shortens), cmocka_unit_test(bounds_hold),
    cmocka_unit_test(threads_share_it))
