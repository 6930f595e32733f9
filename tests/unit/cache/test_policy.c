/* SPDX-License-Identifier: MIT */
/* policy - what is used stays, what passes through leaves. Threads: loop. */
#include "base/hash.h"
#include "cache/policy.h"
#include "../check.h"

#define CAPACITY 1000
#define KEYS     60000

/* A cache of keys alone: links[k] stands for key k. */
static struct policy policy;
static struct policy_link links[KEYS];
static bool inside[KEYS];
static size_t count, weight;

static void start(void)
{
    policy_init(&policy);
    policy_bounds_set(&policy, CAPACITY, (size_t)CAPACITY * 100);
    count = weight = 0;
    memset(inside, 0, sizeof(inside));
}

static bool touch(size_t key, size_t key_weight)
{
    struct policy_link *l = &links[key];

    if (inside[key]) {
        policy_hit(l);
        return true;
    }
    while (count >= CAPACITY || weight + key_weight > policy.weight_max) {
        struct policy_link *victim = policy_evict(&policy);

        assert_non_null(victim);
        inside[victim - links] = false;
        count--;
        weight -= victim->weight;
    }
    l->hash = hash_mix(key + 1);
    l->weight = key_weight;
    policy_add(&policy, l, NULL);
    inside[key] = true;
    count++;
    weight += key_weight;
    return false;
}

static void a_scan_does_not_wash_out_what_is_used(void **state)
{
    size_t kept = 0;

    start();
    for (int round = 0; round < 3; round++)
        for (size_t k = 0; k < 500; k++)
            touch(k, 100);
    for (size_t k = 1000; k < 1000 + 20 * CAPACITY; k++)
        touch(k, 100);
    for (size_t k = 0; k < 500; k++)
        kept += inside[k];
    assert_true(kept >= 490);
    policy_fini(&policy);
}

static void who_returns_soon_goes_to_main(void **state)
{
    start();
    touch(0, 100);
    for (size_t k = 1; inside[0]; k++)
        touch(k, 100);
    assert_false(touch(0, 100));
    assert_int_equal(links[0].queue, POLICY_MAIN);
    policy_fini(&policy);
}

/* Without fading, a ghost of long ago would pass for a recent visitor. */
static void ghosts_fade(void **state)
{
    start();
    touch(0, 100);
    for (size_t k = 1; k < 20 * CAPACITY; k++)
        touch(k, 100);
    assert_false(touch(0, 100));
    assert_int_equal(links[0].queue, POLICY_SMALL);
    policy_fini(&policy);
}

static void large_ones_do_not_push_out_many_small(void **state)
{
    size_t kept = 0;

    start();
    for (int round = 0; round < 3; round++)
        for (size_t k = 0; k < 800; k++)
            touch(k, 100);
    for (size_t k = 1000; k < 1200; k++)
        touch(k, 5000);
    for (size_t k = 0; k < 800; k++)
        kept += inside[k];
    assert_true(kept >= 780);
    policy_fini(&policy);
}

/* All of main has been hit often: one eviction still ends soon. */
static void an_eviction_is_bounded(void **state)
{
    start();
    for (int round = 0; round < 5; round++)
        for (size_t k = 0; k < CAPACITY; k++)
            touch(k, 100);
    for (size_t k = CAPACITY; k < 3 * CAPACITY; k++) {
        touch(k, 100);
        assert_int_equal(count, CAPACITY);
    }
    policy_fini(&policy);
}

static void empties_to_nothing(void **state)
{
    start();
    for (size_t k = 0; k < 100; k++)
        touch(k, k);
    policy_remove(&policy, &links[50]);
    for (size_t k = 0; k < 99; k++)
        assert_non_null(policy_evict(&policy));
    assert_null(policy_evict(&policy));
    for (int q = 0; q < POLICY_QUEUES; q++) {
        assert_int_equal(policy.queues[q].count, 0);
        assert_int_equal(policy.queues[q].weight, 0);
    }
    policy_fini(&policy);
}

RUN(cmocka_unit_test(a_scan_does_not_wash_out_what_is_used),
    cmocka_unit_test(who_returns_soon_goes_to_main),
    cmocka_unit_test(ghosts_fade),
    cmocka_unit_test(large_ones_do_not_push_out_many_small),
    cmocka_unit_test(an_eviction_is_bounded),
    cmocka_unit_test(empties_to_nothing))
