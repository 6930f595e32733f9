/* SPDX-License-Identifier: MIT */
/* evict - who is remembered, and whom main takes back. Threads: loop. */
#include "base/allocator.h"
#include "base/hash.h"
#include "cache/evict.h"
#include "../check.h"

#define CAPACITY 100
#define MAIN     90 /* of them; small has the rest */
#define KEYS     100000
#define NEW      1000 /* the first key that nobody has used before */

/* A cache of keys alone: entries[k] stands for key k. */
static struct fl_allocator allocator;
static struct evict policy;
static struct entry entries[KEYS];
static bool inside[KEYS];
static size_t count, fresh;

static void start(enum fl_cache_policy which)
{
    assert_true(allocator_or_own(&allocator, NULL));
    evict_init(&policy, which, &allocator);
    evict_bounds_set(&policy, CAPACITY, SIZE_MAX);
    memset(entries, 0, sizeof(entries));
    memset(inside, 0, sizeof(inside));
    count = 0;
    fresh = NEW;
}

/* The queue it stands in afterwards. */
static int use(size_t key)
{
    struct entry *e = &entries[key];

    if (inside[key]) {
        entry_hit(e, evict_used_max(policy.policy), evict_now(&policy));
        return e->queue;
    }
    while (count >= CAPACITY) {
        struct entry *left = evict_next(&policy);

        assert_non_null(left);
        inside[left - entries] = false;
        count--;
    }
    e->hash = (uint32_t)hash_mix(key + 1);
    evict_add(&policy, e, NULL);
    inside[key] = true;
    count++;
    return e->queue;
}

static void use_range(size_t from, size_t to)
{
    for (size_t key = from; key < to; key++)
        use(key);
}

static void use_new(size_t many)
{
    use_range(fresh, fresh + many);
    fresh += many;
}

/* Keys 0 to MAIN are in main, small is at its share. */
static void main_fill(enum fl_cache_policy which)
{
    start(which);
    use_range(0, CAPACITY);
    use_range(0, MAIN);
    use_new(1);
    assert_int_equal(policy.queues[ENTRY_MAIN].count, MAIN);
}

/* A newcomer that has left small again. */
static size_t passer_by(void)
{
    size_t key = fresh;

    use_new(1);
    while (inside[key])
        use_new(1);
    return key;
}

/* Those that returned do not count: of 139 that left 80 are remembered. */
static void as_many_are_remembered_as_main_holds(void **state)
{
    for (int policies = 0; policies < 2; policies++) {
        for (size_t more = 20; more <= 40; more += 20) {
            start(policies ? FL_CACHE_TIDE : FL_CACHE_S3FIFO);
            use_range(0, CAPACITY);
            use_new(60);
            use_range(1, 60);
            use_new(more);
            assert_int_equal(use(0), more == 20 ? ENTRY_MAIN : ENTRY_SMALL);
            evict_fini(&policy);
        }
    }
}

static void main_used_lately_refuses_who_was_long_away(void **state)
{
    for (int policies = 0; policies < 2; policies++) {
        main_fill(policies ? FL_CACHE_TIDE : FL_CACHE_S3FIFO);

        size_t key = passer_by();

        use_range(0, MAIN);
        assert_int_equal(use(key), policies ? ENTRY_SMALL : ENTRY_MAIN);
        evict_fini(&policy);
    }
}

static void main_unused_for_long_takes_him(void **state)
{
    main_fill(FL_CACHE_TIDE);
    use_new(MAIN);
    assert_int_equal(use(passer_by()), ENTRY_MAIN);
    evict_fini(&policy);
}

/* Key 0 leaves main, as one of small takes its place. */
static void main_loses_one(enum fl_cache_policy which)
{
    main_fill(which);
    use_new(MAIN);
    assert_int_equal(use(passer_by()), ENTRY_MAIN);
    use_new(1);
    assert_false(inside[0]);
}

static void who_left_main_may_return_to_it(void **state)
{
    main_loses_one(FL_CACHE_TIDE);
    use_new(3);
    assert_int_equal(use(0), ENTRY_MAIN);
    evict_fini(&policy);
    main_loses_one(FL_CACHE_S3FIFO);
    use_new(3);
    assert_int_equal(use(0), ENTRY_SMALL);
    evict_fini(&policy);
}

/* Main would change its members among themselves: a loop would thrash it. */
static void but_not_in_the_place_of_another_of_main(void **state)
{
    main_loses_one(FL_CACHE_TIDE);
    assert_int_equal(use(0), ENTRY_SMALL);
    evict_fini(&policy);
}

static size_t loop_misses(enum fl_cache_policy which, size_t length)
{
    size_t misses = 0;

    start(which);
    use_range(10000, 20000); /* what it held before is of no use */
    for (size_t round = 0; round < 100; round++)
        for (size_t key = 0; key < length; key++) {
            misses += !inside[key];
            use(key);
        }
    evict_fini(&policy);
    return misses;
}

static void a_loop_finds_a_part_of_itself(void **state)
{
    size_t tide = loop_misses(FL_CACHE_TIDE, CAPACITY + 5);

    assert_true(tide < 100 * (CAPACITY + 5) / 2);
    assert_true(tide <= loop_misses(FL_CACHE_S3FIFO, CAPACITY + 5));
}

/* How many of 100 that left main takes. */
static size_t in_main(size_t first)
{
    size_t taken = 0;

    for (size_t key = first; key < first + 100; key++) {
        evict_add(&policy, &entries[key], NULL);
        taken += entries[key].queue == ENTRY_MAIN;
    }
    return taken;
}

/* A tick is several entries then, and the bins have several ticks. */
static void a_large_cache_remembers_as_many(void **state)
{
    start(FL_CACHE_S3FIFO);
    evict_bounds_set(&policy, 20000, SIZE_MAX);
    for (size_t key = 0; key < 20000; key++) {
        entries[key].hash = (uint32_t)hash_mix(key + 1);
        evict_add(&policy, &entries[key], NULL);
    }
    for (size_t key = 20000; key < 57900; key++) {
        (void)evict_next(&policy);
        entries[key].hash = (uint32_t)hash_mix(key + 1);
        evict_add(&policy, &entries[key], NULL);
    }
    /* 37,900 have left; the last 18,000 are remembered. */
    assert_int_equal(in_main(19600), 0);
    assert_true(in_main(20100) > 90);
    evict_fini(&policy);
}

RUN(cmocka_unit_test(as_many_are_remembered_as_main_holds),
    cmocka_unit_test(main_used_lately_refuses_who_was_long_away),
    cmocka_unit_test(main_unused_for_long_takes_him),
    cmocka_unit_test(who_left_main_may_return_to_it),
    cmocka_unit_test(but_not_in_the_place_of_another_of_main),
    cmocka_unit_test(a_loop_finds_a_part_of_itself),
    cmocka_unit_test(a_large_cache_remembers_as_many))
