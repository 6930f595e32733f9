/* SPDX-License-Identifier: MIT */
/* index - put, move, remove, find, by group. Threads: loop. */
#include "geo/geo.h"
#include "../check.h"

#include <math.h>
#include <pthread.h>

#define HERE ((struct geo_point){52.5, 13.4})

static size_t find(struct geo_index *g, uint64_t group, struct geo_point at,
                   double radius_m, struct geo_found *ret, size_t max)
{
    size_t found = 999;

    assert_int_equal(geo_index_radius(g, group, at, radius_m, ret, max, &found),
                     0);
    return found;
}

static void points_move_and_go(void **state)
{
    struct geo_found got[4];
    struct geo_index *g;

    assert_int_equal(geo_index_new(&g, 10), 0);
    assert_int_equal(find(g, 0, HERE, 100, got, 4), 0);
    assert_int_equal(geo_index_put(g, 7, 0, HERE), 0);
    assert_int_equal(find(g, 0, HERE, 0, got, 4), 1);
    assert_int_equal(got[0].id, 7);
    assert_true(got[0].distance_m == 0);
    assert_int_equal(geo_index_put(g, 7, 0, (struct geo_point){-33, 151}), 0);
    assert_int_equal(geo_index_count(g), 1);
    assert_int_equal(find(g, 0, HERE, 1000, got, 4), 0);
    assert_int_equal(find(g, 0, (struct geo_point){-33, 151}, 1, got, 4), 1);
    assert_true(geo_index_remove(g, 7));
    assert_false(geo_index_remove(g, 7));
    assert_int_equal(geo_index_count(g), 0);
    assert_int_equal(find(g, 0, (struct geo_point){-33, 151}, 1, got, 4), 0);
    geo_index_free(&g);
    assert_null(g);
}

static void a_group_sees_its_own(void **state)
{
    struct geo_found got[4];
    struct geo_index *g;

    assert_int_equal(geo_index_new(&g, 10), 0);
    assert_int_equal(geo_index_put(g, 1, 100, HERE), 0);
    assert_int_equal(geo_index_put(g, 2, 200, HERE), 0);
    assert_int_equal(find(g, 100, HERE, 3e7, got, 4), 1);
    assert_int_equal(got[0].id, 1);
    assert_int_equal(find(g, 200, HERE, 1, got, 4), 1);
    assert_int_equal(got[0].id, 2);
    assert_int_equal(find(g, 0, HERE, 3e7, got, 4), 0);
    /* Who changes groups is gone from the old one. */
    assert_int_equal(geo_index_put(g, 1, 200, HERE), 0);
    assert_int_equal(find(g, 100, HERE, 3e7, got, 4), 0);
    assert_int_equal(find(g, 200, HERE, 1, got, 4), 2);
    geo_index_free(&g);
}

static void the_nearest_are_kept_and_sorted(void **state)
{
    struct geo_found got[5];
    struct geo_index *g;

    assert_int_equal(geo_index_new(&g, 1000), 0);
    for (uint64_t i = 0; i < 200; i++) {
        double off = (double)(i * 37 % 200 + 1) * 1e-4;

        assert_int_equal(
            geo_index_put(g, i, 1, (struct geo_point){52.5 + off, 13.4}), 0);
    }
    assert_int_equal(find(g, 1, HERE, 1e5, got, 5), 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(got[i].id * 37 % 200, i);
        assert_true(got[i].distance_m == geo_distance_m(HERE, got[i].at));
    }
    assert_int_equal(find(g, 1, HERE, 1e5, got, 0), 0);
    geo_index_free(&g);
}

static void a_full_index_refuses(void **state)
{
    struct geo_index *g;

    assert_int_equal(geo_index_new(&g, 100), 0);
    for (uint64_t i = 0; i < 100; i++)
        assert_int_equal(geo_index_put(g, i, 0, HERE), 0);
    assert_int_equal(geo_index_put(g, 100, 0, HERE), ERR_LIMIT);
    assert_int_equal(geo_index_put(g, 5, 0, (struct geo_point){0, 0}), 0);
    assert_true(geo_index_remove(g, 50));
    assert_int_equal(geo_index_put(g, 100, 0, HERE), 0);
    assert_int_equal(geo_index_count(g), 100);
    geo_index_free(&g);
}

static void no_position_is_refused(void **state)
{
    struct geo_found got[1];
    struct geo_index *g;
    size_t found = 42;

    assert_int_equal(geo_index_new(&g, 10), 0);
    assert_int_equal(geo_index_put(g, 1, 0, (struct geo_point){NAN, 0}),
                     ERR_RANGE);
    assert_int_equal(geo_index_put(g, 1, 0, (struct geo_point){0, 181}),
                     ERR_RANGE);
    assert_int_equal(geo_index_count(g), 0);
    assert_int_equal(
        geo_index_radius(g, 0, (struct geo_point){0, NAN}, 1, got, 1, &found),
        ERR_RANGE);
    assert_int_equal(geo_index_radius(g, 0, HERE, NAN, got, 1, &found),
                     ERR_RANGE);
    assert_int_equal(found, 42);
    geo_index_free(&g);
}

#define ROUNDS 2000

static void *mover(void *arg)
{
    struct geo_index *g = arg;

    for (uint64_t i = 0; i < ROUNDS; i++)
        assert_int_equal(geo_index_put(g, i % 50, 1, HERE), 0);
    return NULL;
}

static void threads_share_it(void **state)
{
    struct geo_found got[100];
    struct geo_index *g;
    pthread_t one, two;

    assert_int_equal(geo_index_new(&g, 100), 0);
    assert_int_equal(pthread_create(&one, NULL, mover, g), 0);
    assert_int_equal(pthread_create(&two, NULL, mover, g), 0);
    for (int i = 0; i < ROUNDS; i++)
        assert_true(find(g, 1, HERE, 10, got, 100) <= 50);
    pthread_join(one, NULL);
    pthread_join(two, NULL);
    assert_int_equal(find(g, 1, HERE, 10, got, 100), 50);
    geo_index_free(&g);
}

RUN(cmocka_unit_test(points_move_and_go),
    cmocka_unit_test(a_group_sees_its_own),
    cmocka_unit_test(the_nearest_are_kept_and_sorted),
    cmocka_unit_test(a_full_index_refuses),
    cmocka_unit_test(no_position_is_refused),
    cmocka_unit_test(threads_share_it))
