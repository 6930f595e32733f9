/* SPDX-License-Identifier: MIT */
/*
 * core - what the library's cache promises, one claim a test.
 * Threads: any; some tests start their own.
 */
#include "cache/core.h"

#include "text.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int new_with(size_t entries, size_t bytes, unsigned shards)
{
    struct fl_cache_options o;
    struct fl_cache *c = NULL;
    int error;

    fl_cache_options_init(&o);
    o.entries_max = entries;
    o.bytes_max = bytes;
    o.shards = shards;
    error = fl_cache_new(&c, &o);
    assert_true((error == 0) == (c != NULL));
    fl_cache_free(&c);
    return error;
}

static void capacities_that_cannot_be_are_refused(void **state)
{
    struct fl_cache_options o;
    struct fl_cache *c = NULL;

    assert_int_equal(new_with(0, 1 << 20, 16), FL_ERR_RANGE);
    assert_int_equal(new_with(SIZE_MAX, 1 << 20, 16), FL_ERR_RANGE);
    assert_int_equal(new_with(100, 0, 16), FL_ERR_RANGE);
    assert_int_equal(new_with(100, SIZE_MAX, 16), FL_ERR_RANGE);
    assert_int_equal(new_with(100, 1 << 20, 0), FL_ERR_RANGE);
    assert_int_equal(new_with(100, 1 << 20, 3), FL_ERR_RANGE);
    assert_int_equal(new_with(100, 1 << 20, 1 << 20), FL_ERR_RANGE);
    assert_int_equal(new_with(1, 4096, 1024), 0);
    assert_int_equal(fl_cache_new(&c, NULL), 0);
    fl_cache_free(&c);
    fl_cache_options_init(&o);
    o.policy = (enum fl_cache_policy)77;
    assert_int_equal(fl_cache_new(&c, &o), FL_ERR_INVALID);
    assert_null(c);
}

static void bounds_only_shrink_from_what_was_given(void **state)
{
    struct fl_cache *c = cache_of(10, NULL);

    set(c, "a", "1", NULL);
    assert_int_equal(fl_cache_bounds_set(c, 11, 100), FL_ERR_RANGE);
    assert_int_equal(fl_cache_bounds_set(c, 0, 0), 0);
    assert_false(has(c, "a"));
    assert_int_equal(fl_cache_set(c, "a", 1, "1", 1, NULL), FL_ERR_LIMIT);
    fl_cache_free(&c);
}

static void what_is_too_large_takes_the_older_value_with_it(void **state)
{
    struct fl_cache_options o;
    struct fl_cache *c = NULL;
    static char large[FL_CACHE_KEY_MAX + 1];

    fl_cache_options_init(&o);
    o.bytes_max = 4096;
    assert_int_equal(fl_cache_new(&c, &o), 0);
    set(c, "a", "1", NULL);
    assert_int_equal(fl_cache_set(c, "a", 1, large, sizeof(large), NULL),
                     FL_ERR_LIMIT);
    assert_false(has(c, "a"));
    set(c, "a", "1", NULL);
    assert_int_equal(fl_cache_set(c, large, sizeof(large), "", 0, NULL),
                     FL_ERR_LIMIT);
    fl_cache_free(&c);
}

struct thing {
    int left, freed;
};

static void on_leave(void *object)
{
    struct thing *t = object;

    assert_int_equal(t->freed, 0);
    t->left++;
}

static void on_free(void *object)
{
    ((struct thing *)object)->freed++;
}

static int set_thing(struct fl_cache *c, const char *key, struct thing *t,
                     size_t weight)
{
    struct fl_cache_object o = {sizeof(o), t, weight, on_free, on_leave};

    return fl_cache_set_object(c, key, strlen(key), &o, NULL);
}

static void an_object_leaves_once_and_is_freed_when_nobody_holds_it(
    void **state)
{
    struct fl_cache *c = cache_of(10, NULL);
    struct thing first = {0, 0}, second = {0, 0};
    struct fl_cache_pin *pin;

    assert_int_equal(set_thing(c, "a", &first, 1000), 0);
    pin = fl_cache_get(c, "a", 1);
    assert_ptr_equal(fl_cache_pin_value(pin), &first);
    assert_int_equal(fl_cache_pin_size(pin), 1000);
    assert_int_equal(set_thing(c, "a", &second, 10), 0);
    assert_int_equal(first.left, 1);
    fl_cache_clear(c);
    assert_int_equal(second.left, 1);
    assert_int_equal(second.freed, 1);
    assert_int_equal(first.freed, 0);
    fl_cache_unpin(c, &pin);
    fl_cache_clear(c);
    assert_int_equal(first.left, 1);
    assert_int_equal(first.freed, 1);
    fl_cache_free(&c);
}

static void an_object_that_cannot_be_kept_is_freed_and_never_left(void **state)
{
    struct fl_cache *c = cache_of(10, NULL);
    struct thing large = {0, 0}, gigantic = {0, 0}, lost = {0, 0};
    struct fl_cache_object o = {.size = sizeof(o), .object = &lost};

    assert_int_equal(set_thing(c, "a", &large, (size_t)1 << 40), FL_ERR_LIMIT);
    assert_int_equal(set_thing(c, "a", &gigantic, SIZE_MAX), FL_ERR_LIMIT);
    assert_int_equal(large.freed + gigantic.freed, 2);
    assert_int_equal(large.left + gigantic.left, 0);
    assert_int_equal(fl_cache_set_object(c, "a", 1, &o, NULL), FL_ERR_INVALID);
    fl_cache_free(&c);
}

static void a_pinned_value_outlives_its_entry(void **state)
{
    struct fl_cache *c = cache_of(10, NULL);
    struct fl_cache_pin *pin;
    size_t key_size;

    set(c, "a", "held", NULL);
    pin = fl_cache_get(c, "a", 1);
    set(c, "a", "other", NULL);
    assert_true(fl_cache_delete(c, "a", 1));
    assert_false(fl_cache_delete(c, "a", 1));
    fl_cache_clear(c);
    fl_cache_expire(c);
    assert_string_equal(fl_cache_pin_value(pin), "held");
    assert_memory_equal(fl_cache_pin_key(pin, &key_size), "a", 1);
    assert_int_equal(key_size, 1);
    fl_cache_unpin(c, &pin);
    assert_null(pin);
    fl_cache_unpin(c, &pin);
    fl_cache_free(&c);
}

static void what_was_done_is_counted(void **state)
{
    struct fl_cache *c = cache_of(10, NULL);
    struct fl_cache_stats s;
    struct fl_cache_pin *pin;

    assert_null(fl_cache_get(c, "a", 1));
    set(c, "a", "1", NULL);
    set(c, "a", "2", NULL);
    set(c, "", "the empty key", NULL);
    for (int i = 0; i < 2; i++) {
        pin = fl_cache_get(c, i ? "" : "a", i ? 0 : 1);
        assert_string_equal(fl_cache_pin_value(pin), i ? "the empty key" : "2");
        fl_cache_unpin(c, &pin);
    }
    assert_true(fl_cache_delete(c, "a", 1));
    assert_false(fl_cache_delete(c, "a", 1));
    assert_null(fl_cache_get(c, "a", 1));
    assert_int_equal(fl_cache_set(c, "b", 1, &s, (size_t)1 << 33, NULL),
                     FL_ERR_LIMIT);
    fl_cache_stats(c, &s);
    assert_int_equal(s.hits, 2);
    assert_int_equal(s.misses, 2);
    assert_true(s.hit_rate > 0.49 && s.hit_rate < 0.51);
    assert_int_equal(s.sets, 3);
    assert_int_equal(s.deletes, 1);
    assert_int_equal(s.entries, 1);
    assert_int_equal(s.entries_max, 10);
    fl_cache_free(&c);
    fl_cache_free(&c);
}

/* P12: a key is its bytes, not their beginning, even if hashes collide. */
static void equal_hashes_are_not_equal_keys(void **state)
{
    static const char *const keys[] = {"a", "a/b",           "ab",
                                       "",  "a long one: 1", "a long one: 2"};
    struct fl_cache *c = cache_of(10, NULL);
    struct entry *e = NULL;

    for (unsigned i = 0; i < ARRAY_LEN(keys); i++) {
        assert_int_equal(
            core_entry_new(c, &e, keys[i], strlen(keys[i]), 7, sizeof(i), NULL),
            0);
        memcpy((char *)e + entry_value_at(e), &i, sizeof(i));
        assert_int_equal(core_insert(c, e, 7), 0);
    }
    for (unsigned i = 0; i < ARRAY_LEN(keys); i++) {
        struct fl_cache_pin *pin = core_get(c, keys[i], strlen(keys[i]), 7);

        assert_non_null(pin);
        assert_int_equal(*(const unsigned *)fl_cache_pin_value(pin), i);
        fl_cache_unpin(c, &pin);
    }
    assert_null(core_get(c, "a/", 2, 7));
    assert_null(core_get(c, "a long one: 3", 13, 7));
    fl_cache_free(&c);
}

static void an_entry_is_gone_after_its_time(void **state)
{
    struct fl_cache *c = cache_of(10, NULL);
    struct fl_cache_item item;
    struct fl_cache_stats s;

    fl_cache_item_init(&item, c);
    item.ttl_ms = 500;
    set(c, "short", "1", &item);
    item.ttl_ms = FL_CACHE_NEVER;
    set(c, "long", "1", &item);
    now += 500;
    assert_true(has(c, "short"));
    now += 1;
    assert_false(has(c, "short"));
    now += 1000;
    fl_cache_expire(c);
    fl_cache_stats(c, &s);
    assert_int_equal(s.expirations, 1);
    assert_int_equal(s.entries, 1);
    assert_true(has(c, "long"));
    fl_cache_free(&c);
}

static void a_moved_tag_is_a_miss_and_a_still_scope_a_hit(void **state)
{
    struct fl_tagclock *clock = NULL;
    struct fl_cache_item item;
    struct fl_cache_stats s;

    const struct fl_allocator none = {.alloc = NULL};

    assert_int_equal(fl_tagclock_new(&clock, 1, NULL), FL_ERR_RANGE);
    assert_int_equal(fl_tagclock_new(&clock, 4096, &none), FL_ERR_INVALID);
    assert_int_equal(fl_tagclock_new(&clock, 4096, NULL), 0);

    struct fl_cache *c = cache_of(10, clock);

    fl_tagclock_move(clock, fl_tag("route:1", 7), 5);
    fl_tagclock_advance(clock, 5);
    fl_cache_item_init(&item, c);
    item.tags[0] = fl_tag("route:1", 7);
    item.tag_count = 1;
    item.stamp = 4;
    set(c, "dead on arrival", "", &item);
    assert_false(has(c, "dead on arrival"));
    item.stamp = fl_tagclock_stamp(clock);
    set(c, "a", "1", &item);
    item.scope = fl_tag("tenant:1", 8);
    set(c, "b", "1", &item);
    assert_true(has(c, "a"));
    fl_tagclock_move(clock, fl_tag("route:1", 7), 6);
    assert_null(fl_cache_get(c, "a", 1));
    assert_true(has(c, "b"));
    fl_tagclock_move(clock, fl_tag("tenant:1", 8), 7);
    assert_false(has(c, "b"));
    fl_cache_stats(c, &s);
    assert_int_equal(s.outdated, 1);
    item.tag_count = FL_CACHE_TAGS_MAX + 1;
    assert_int_equal(fl_cache_set(c, "c", 1, "", 0, &item), FL_ERR_LIMIT);
    fl_cache_free(&c);
    fl_tagclock_free(&clock);
}

static void what_has_no_tag_obeys_the_clock_if_it_has_a_stamp(void **state)
{
    struct fl_tagclock *clock = NULL;
    struct fl_cache_item item;

    assert_int_equal(fl_tagclock_new(&clock, 4096, NULL), 0);
    fl_tagclock_advance(clock, 5);

    struct fl_cache *c = cache_of(10, clock);

    fl_cache_item_init(&item, c);
    set(c, "knows no clock", "1", &item);
    item.stamp = fl_tagclock_stamp(clock);
    set(c, "stamp", "1", &item);
    item.stamp = 0;
    item.scope = fl_tag("tenant:1", 8);
    set(c, "scope", "1", &item);
    assert_true(has(c, "stamp") && has(c, "scope"));
    tagclock_set_stale((struct tagclock *)clock, true);
    assert_false(has(c, "stamp") || has(c, "scope"));
    assert_true(has(c, "knows no clock"));
    tagclock_set_stale((struct tagclock *)clock, false);
    assert_true(has(c, "stamp") && has(c, "scope"));
    fl_tagclock_move_all(clock, 6);
    assert_false(has(c, "stamp") || has(c, "scope"));
    assert_null(fl_cache_get(c, "stamp", 5));
    fl_cache_free(&c);
    fl_tagclock_free(&clock);
}

#define FULL 5000

/* Some buckets overflow into the next, and empty again. */
static void a_full_cache_finds_everyone_beside_full_buckets(void **state)
{
    struct fl_cache_options o;
    struct fl_cache *c = NULL;

    fl_cache_options_init(&o);
    o.entries_max = FULL;
    o.shards = 1;
    assert_int_equal(fl_cache_new(&c, &o), 0);
    for (uint64_t key = 0; key < FULL; key++)
        assert_int_equal(fl_cache_set(c, &key, sizeof(key), NULL, 0, NULL), 0);
    for (uint64_t key = 0; key < FULL; key++)
        assert_true(fl_cache_has(c, &key, sizeof(key)));
    for (uint64_t key = 0; key < FULL; key += 2)
        assert_true(fl_cache_delete(c, &key, sizeof(key)));
    for (uint64_t key = 0; key < FULL; key++)
        assert_true(fl_cache_has(c, &key, sizeof(key)) == (key % 2 == 1));
    fl_cache_clear(c);
    for (size_t i = 0; i < c->shards[0].buckets.count; i++)
        assert_int_equal(c->shards[0].buckets.at[i].prints, 0);
    fl_cache_free(&c);
}

/* --- loads --- */

#define CALLERS 8

struct crowd {
    struct fl_cache *cache;
    struct fl_tagclock *clock;
    atomic_int loads, fails;     /* loads that still have to fail */
    int joined;                  /* how many a load waits for */
    bool moves;                  /* the first load is overtaken by a change */
    struct fl_cache_stats stats; /* in the end */
};

static int on_crowd_load(struct fl_cache_load *load, const void *key,
                         size_t key_size, void *arg)
{
    struct crowd *crowd = arg;
    int number = atomic_fetch_add(&crowd->loads, 1) + 1;
    struct fl_cache_item item;
    struct fl_cache_stats s;

    do /* a barrier: the others have come */
        fl_cache_stats(crowd->cache, &s);
    while (number == 1 && s.loads_joined < (uint64_t)crowd->joined);
    fl_cache_item_init(&item, crowd->cache);
    item.tags[0] = 1;
    item.tag_count = 1;
    if (crowd->moves && number == 1) {
        fl_tagclock_move(crowd->clock, 1, 9);
        fl_tagclock_advance(crowd->clock, 9);
    }
    if (atomic_fetch_sub(&crowd->fails, 1) > 0)
        return FL_ERR_IO;
    return fl_cache_load_put(load, 0, &number, sizeof(number), &item);
}

static void *on_caller(void *arg)
{
    struct crowd *crowd = arg;
    struct fl_cache_pin *pin = NULL;
    int error =
        fl_cache_get_or_load(crowd->cache, "k", 1, on_crowd_load, crowd, &pin);
    intptr_t value = error;

    if (error == 0)
        value = *(const int *)fl_cache_pin_value(pin);
    fl_cache_unpin(crowd->cache, &pin);
    return (void *)value;
}

static void crowd_run(struct crowd *crowd, intptr_t values[CALLERS])
{
    pthread_t threads[CALLERS];

    assert_int_equal(fl_tagclock_new(&crowd->clock, 4096, NULL), 0);
    crowd->cache = cache_of(100, crowd->clock);
    crowd->joined = CALLERS - 1;
    for (int i = 0; i < CALLERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, on_caller, crowd),
                         0);
    for (int i = 0; i < CALLERS; i++) {
        void *value;

        assert_int_equal(pthread_join(threads[i], &value), 0);
        values[i] = (intptr_t)value;
    }
    fl_cache_stats(crowd->cache, &crowd->stats);
    fl_cache_free(&crowd->cache);
    fl_tagclock_free(&crowd->clock);
}

static void any_number_of_callers_are_one_load(void **state)
{
    struct crowd crowd = {0};
    intptr_t values[CALLERS];

    crowd_run(&crowd, values);
    assert_int_equal(atomic_load(&crowd.loads), 1);
    for (int i = 0; i < CALLERS; i++)
        assert_int_equal(values[i], 1);
}

static void who_waited_for_a_load_that_failed_loads_himself(void **state)
{
    struct crowd crowd = {0};
    intptr_t values[CALLERS];
    int failed = 0;

    atomic_init(&crowd.fails, 1);
    crowd_run(&crowd, values);
    for (int i = 0; i < CALLERS; i++)
        failed += values[i] == FL_ERR_IO;
    assert_int_equal(failed, 1);
}

static void a_load_that_fails_for_all_tells_each_why(void **state)
{
    struct crowd crowd = {0};
    intptr_t values[CALLERS];

    atomic_init(&crowd.fails, 10 * CALLERS);
    crowd_run(&crowd, values);
    assert_int_equal(atomic_load(&crowd.loads), CALLERS);
    assert_int_equal(crowd.stats.loads, 1); /* nobody waits a second time */
    for (int i = 0; i < CALLERS; i++)
        assert_int_equal(values[i], FL_ERR_IO);
}

static void who_waited_for_a_load_that_was_overtaken_asks_again(void **state)
{
    struct crowd crowd = {.moves = true};
    intptr_t values[CALLERS];
    int old = 0;

    crowd_run(&crowd, values);
    for (int i = 0; i < CALLERS; i++)
        old += values[i] == 1;
    assert_int_equal(old, 1); /* its leader's, who came before the change */
    assert_true(atomic_load(&crowd.loads) >= 2);
}

static int on_nothing(struct fl_cache_load *load, const void *key,
                      size_t key_size, void *arg)
{
    assert_int_equal(fl_cache_load_put(load, 1, "", 0, NULL), FL_ERR_RANGE);
    return 0;
}

static int on_many(struct fl_cache_load *load, const struct fl_cache_key *keys,
                   const size_t *missing, size_t count, void *arg)
{
    assert_int_equal(count, 2);
    assert_int_equal(missing[0], 0);
    assert_int_equal(missing[1], 2);
    return arg ? FL_ERR_IO : fl_cache_load_put(load, 2, "loaded", 7, NULL);
}

static void only_the_missing_of_many_are_loaded(void **state)
{
    static const struct fl_cache_key keys[] = {{"a", 1}, {"b", 1}, {"c", 1}};
    struct fl_cache *c = cache_of(10, NULL);
    struct fl_cache_pin *pins[3], *none = NULL;

    set(c, "b", "cached", NULL);
    assert_int_equal(fl_cache_get_many(c, keys, 3, on_many, c, pins),
                     FL_ERR_IO);
    assert_int_equal(fl_cache_get_many(c, keys, 3, on_many, NULL, pins), 0);
    assert_null(pins[0]);
    assert_string_equal(fl_cache_pin_value(pins[1]), "cached");
    assert_string_equal(fl_cache_pin_value(pins[2]), "loaded");
    for (int i = 0; i < 3; i++)
        fl_cache_unpin(c, &pins[i]);
    assert_int_equal(fl_cache_get_or_load(c, "z", 1, on_nothing, NULL, &none),
                     FL_ERR_NOT_FOUND);
    assert_null(none);
    fl_cache_free(&c);
}

/* --- snapshots --- */

static void on_key(const void *key, size_t key_size, void *arg)
{
    (*(size_t *)arg)++;
}

static void hot_keys_survive_and_a_broken_file_is_refused(void **state)
{
    char path[] = "/tmp/fieldline-snapshot-XXXXXX";
    char bytes[4096];
    int fd = mkstemp(path);
    struct fl_cache *c = cache_of(100, NULL);
    size_t seen = 0;
    char key[] = "key-0";

    assert_true(fd >= 0);
    for (; key[4] <= '9'; key[4]++)
        set(c, key, "value", NULL);
    assert_int_equal(fl_cache_snapshot_write(c, path, 7), 0);
    assert_int_equal(fl_cache_snapshot_read(path, on_key, &seen), 0);
    assert_int_equal(seen, 7);
    close(fd);

    FILE *f = fopen(path, "rb");
    size_t size = fread(bytes, 1, sizeof(bytes), f);

    fclose(f);
    seen = 0;
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= 1;
        assert_int_equal(fl_cache_snapshot_parse(bytes, size, on_key, &seen),
                         FL_ERR_INVALID);
        bytes[i] ^= 1;
        assert_int_equal(fl_cache_snapshot_parse(bytes, i, on_key, &seen),
                         FL_ERR_INVALID);
    }
    assert_int_equal(seen, 0);
    unlink(path);
    assert_int_equal(fl_cache_snapshot_read(path, on_key, &seen), FL_ERR_IO);
    assert_int_equal(fl_cache_snapshot_write(c, "/nowhere/x", 7), FL_ERR_IO);
    fl_cache_free(&c);
}

/* --- readers beside writers --- */

#define SHARED_KEYS 300
#define SHARED_OPS  30000

static void *on_reader(void *arg)
{
    unsigned seed = 7;

    for (int i = 0; i < SHARED_OPS; i++) {
        uint64_t key = (uint64_t)rand_r(&seed) % SHARED_KEYS;
        struct fl_cache_pin *pin = fl_cache_get(arg, &key, sizeof(key));

        if (pin && *(const uint64_t *)fl_cache_pin_value(pin) != key)
            return arg;
        fl_cache_unpin(arg, &pin);
    }
    return NULL;
}

static void *on_writer(void *arg)
{
    unsigned seed = 11;
    struct fl_cache_item item;

    fl_cache_item_init(&item, arg);
    for (int i = 0; i < SHARED_OPS; i++) {
        uint64_t key = (uint64_t)rand_r(&seed) % SHARED_KEYS;

        item.ttl_ms = key % 3 ? FL_CACHE_NEVER : key % 2;
        if (i % 16 == 0)
            (void)fl_cache_delete(arg, &key, sizeof(key));
        else if (i % 64 == 2)
            fl_cache_expire(arg);
        else if (i % 4096 == 1)
            fl_cache_clear(arg);
        else if (fl_cache_set(arg, &key, sizeof(key), &key, sizeof(key),
                              &item) < 0)
            return arg;
    }
    return NULL;
}

static void readers_beside_writers_see_whole_values(void **state)
{
    for (int policy = FL_CACHE_TIDE; policy <= FL_CACHE_LRU; policy++) {
        struct fl_cache_options o;
        struct fl_cache *c = NULL;
        pthread_t threads[4];

        fl_cache_options_init(&o);
        o.entries_max = SHARED_KEYS / 2;
        o.policy = (enum fl_cache_policy)policy;
        assert_int_equal(fl_cache_new(&c, &o), 0);
        for (int i = 0; i < 4; i++)
            assert_int_equal(pthread_create(&threads[i], NULL,
                                            i % 2 ? on_writer : on_reader, c),
                             0);
        for (int i = 0; i < 4; i++) {
            void *wrong;

            assert_int_equal(pthread_join(threads[i], &wrong), 0);
            assert_null(wrong);
        }
        fl_cache_free(&c);
    }
}

RUN(cmocka_unit_test(capacities_that_cannot_be_are_refused),
    cmocka_unit_test(bounds_only_shrink_from_what_was_given),
    cmocka_unit_test(what_is_too_large_takes_the_older_value_with_it),
    cmocka_unit_test(an_object_leaves_once_and_is_freed_when_nobody_holds_it),
    cmocka_unit_test(an_object_that_cannot_be_kept_is_freed_and_never_left),
    cmocka_unit_test(a_pinned_value_outlives_its_entry),
    cmocka_unit_test(what_was_done_is_counted),
    cmocka_unit_test(equal_hashes_are_not_equal_keys),
    cmocka_unit_test(an_entry_is_gone_after_its_time),
    cmocka_unit_test(a_moved_tag_is_a_miss_and_a_still_scope_a_hit),
    cmocka_unit_test(any_number_of_callers_are_one_load),
    cmocka_unit_test(who_waited_for_a_load_that_failed_loads_himself),
    cmocka_unit_test(a_load_that_fails_for_all_tells_each_why),
    cmocka_unit_test(what_has_no_tag_obeys_the_clock_if_it_has_a_stamp),
    cmocka_unit_test(a_full_cache_finds_everyone_beside_full_buckets),
    cmocka_unit_test(who_waited_for_a_load_that_was_overtaken_asks_again),
    cmocka_unit_test(only_the_missing_of_many_are_loaded),
    cmocka_unit_test(hot_keys_survive_and_a_broken_file_is_refused),
    cmocka_unit_test(readers_beside_writers_see_whole_values))
