/* SPDX-License-Identifier: MIT */
/*
 * policies - what is used stays, what passes through leaves; of each policy.
 * Threads: loop.
 */
#include "fieldline/cache.h"

#include "../check.h"

#define CAPACITY 1000
#define LIGHT    50 /* bytes of a value */
#define HEAVY    5000

static struct fl_cache *cache_of(enum fl_cache_policy policy, size_t bytes)
{
    struct fl_cache_options o;
    struct fl_cache *c = NULL;

    fl_cache_options_init(&o);
    o.entries_max = CAPACITY;
    o.bytes_max = bytes;
    o.shards = 1;
    o.policy = policy;
    assert_int_equal(fl_cache_new(&c, &o), 0);
    return c;
}

/* Gets, or sets. */
static bool touch(struct fl_cache *c, uint64_t key, size_t size)
{
    static const char value[HEAVY];
    struct fl_cache_pin *pin = fl_cache_get(c, &key, sizeof(key));
    bool hit = pin != NULL;

    fl_cache_unpin(c, &pin);
    if (!hit)
        assert_int_equal(fl_cache_set(c, &key, sizeof(key), value, size, NULL),
                         0);
    return hit;
}

static bool has(struct fl_cache *c, uint64_t key)
{
    return fl_cache_has(c, &key, sizeof(key));
}

static size_t kept(struct fl_cache *c, uint64_t keys)
{
    size_t count = 0;

    for (uint64_t key = 0; key < keys; key++)
        count += has(c, key);
    return count;
}

/* Touches each of the first keys so many times. */
static void use(struct fl_cache *c, uint64_t keys, int rounds)
{
    for (int round = 0; round < rounds; round++)
        for (uint64_t key = 0; key < keys; key++)
            touch(c, key, LIGHT);
}

static void scan(struct fl_cache *c, uint64_t count)
{
    for (uint64_t key = 0; key < count; key++)
        touch(c, 1000000 + key, LIGHT);
}

static struct fl_cache_look looked;

static bool on_look(const struct fl_cache_look *look, void *arg)
{
    if (memcmp(look->key, arg, sizeof(uint64_t)) == 0)
        looked = *look;
    return true;
}

static bool is_proven(struct fl_cache *c, uint64_t key)
{
    looked = (struct fl_cache_look){0};
    fl_cache_each(c, on_look, &key);
    assert_non_null(looked.key);
    return looked.proven;
}

static const enum fl_cache_policy proving[] = {FL_CACHE_TIDE, FL_CACHE_S3FIFO};

static void a_scan_does_not_wash_out_what_is_used(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(proving); i++) {
        struct fl_cache *c = cache_of(proving[i], 64 << 20);

        use(c, CAPACITY / 2, 3);
        scan(c, (uint64_t)20 * CAPACITY);
        assert_true(kept(c, CAPACITY / 2) >= CAPACITY / 2 - 10);
        fl_cache_free(&c);
    }
}

/* One use is not enough for them. */
static void large_ones_do_not_push_out_many_small(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(proving); i++) {
        struct fl_cache *c = cache_of(proving[i], (size_t)CAPACITY * 150);

        use(c, 800, 3);
        for (uint64_t key = CAPACITY; key < CAPACITY + 200; key++)
            for (int times = 0; times < 2; times++)
                touch(c, key, HEAVY);
        assert_true(kept(c, 800) >= 780);
        fl_cache_free(&c);
    }
}

static void who_returns_soon_goes_to_main(void **state)
{
    struct fl_cache *c = cache_of(FL_CACHE_S3FIFO, 64 << 20);

    touch(c, 0, LIGHT);
    for (uint64_t key = 1; has(c, 0); key++)
        touch(c, key, LIGHT);
    assert_false(touch(c, 0, LIGHT));
    assert_true(is_proven(c, 0));
    fl_cache_free(&c);
}

/* Without fading, a ghost of long ago would pass for a recent visitor; though
 * there may still be room to remember it. */
static void ghosts_fade(void **state)
{
    for (uint64_t times = 3; times <= 20; times += 17) {
        struct fl_cache *c = cache_of(FL_CACHE_S3FIFO, 64 << 20);

        touch(c, 0, LIGHT);
        scan(c, times * CAPACITY);
        assert_false(touch(c, 0, LIGHT));
        assert_false(is_proven(c, 0));
        fl_cache_free(&c);
    }
}

/* All have been hit often: an eviction still ends, and the newcomer, who has
 * not been hit at all, is not his own victim. */
static void a_newcomer_finds_room_among_the_used(void **state)
{
    for (int policy = FL_CACHE_TIDE; policy <= FL_CACHE_LRU; policy++) {
        struct fl_cache *c = cache_of((enum fl_cache_policy)policy, 64 << 20);
        struct fl_cache_stats s;

        use(c, CAPACITY, 5);
        for (uint64_t key = CAPACITY; key < 3 * CAPACITY; key++) {
            assert_false(touch(c, key, LIGHT));
            assert_true(has(c, key));
            fl_cache_stats(c, &s);
            assert_int_equal(s.entries, CAPACITY);
        }
        assert_int_equal(s.evictions, 2 * CAPACITY);
        fl_cache_free(&c);
    }
}

static void a_cache_empties_to_nothing(void **state)
{
    for (int policy = FL_CACHE_TIDE; policy <= FL_CACHE_LRU; policy++) {
        struct fl_cache *c = cache_of((enum fl_cache_policy)policy, 1 << 20);
        uint64_t key = 50;
        struct fl_cache_stats s;

        for (uint64_t k = 0; k < 2 * CAPACITY; k++)
            touch(c, k, k % HEAVY);
        touch(c, key, LIGHT);
        assert_true(fl_cache_delete(c, &key, sizeof(key)));
        fl_cache_clear(c);
        fl_cache_stats(c, &s);
        assert_int_equal(s.entries, 0);
        assert_int_equal(s.bytes, 0);
        assert_int_equal(s.entries_max, CAPACITY);
        use(c, CAPACITY, 1);
        assert_int_equal(fl_cache_bounds_set(c, 10, 1 << 20), 0);
        fl_cache_stats(c, &s);
        assert_true(s.entries <= 10);
        fl_cache_free(&c);
    }
}

RUN(cmocka_unit_test(a_scan_does_not_wash_out_what_is_used),
    cmocka_unit_test(large_ones_do_not_push_out_many_small),
    cmocka_unit_test(who_returns_soon_goes_to_main),
    cmocka_unit_test(ghosts_fade),
    cmocka_unit_test(a_newcomer_finds_room_among_the_used),
    cmocka_unit_test(a_cache_empties_to_nothing))
