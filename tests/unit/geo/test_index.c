/* SPDX-License-Identifier: MIT */
/* index - put, move, remove, expire, find, many threads. Threads: several. */
#include "fieldline/geo.h"
#include "../check.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

#define HERE ((struct fl_geo_point){52.5, 13.4})

static struct fl_geo_index *index_of(size_t points_max)
{
    struct fl_geo_index_options o = {.size = sizeof(o),
                                     .points_max = points_max};
    struct fl_geo_index *ix;

    assert_int_equal(fl_geo_index_new(&ix, &o), 0);
    return ix;
}

static size_t find(struct fl_geo_index *ix, struct fl_geo_point at,
                   double radius_m, struct fl_geo_found *ret, size_t max)
{
    size_t found = 999;

    assert_int_equal(
        fl_geo_index_radius(ix, at, radius_m, NULL, ret, max, &found), 0);
    return found;
}

static void points_move_and_go(void **state)
{
    struct fl_geo_found got[4];
    struct fl_geo_index *ix = index_of(10);

    assert_int_equal(find(ix, HERE, 100, got, 4), 0);
    assert_int_equal(fl_geo_index_put(ix, 7, HERE, 1), 0);
    assert_int_equal(find(ix, HERE, 0, got, 4), 1);
    assert_int_equal(got[0].id, 7);
    assert_int_equal(got[0].stamp, 1);
    assert_true(got[0].distance_m == 0);
    assert_int_equal(
        fl_geo_index_put(ix, 7, (struct fl_geo_point){-33, 151}, 2), 0);
    assert_int_equal(fl_geo_index_count(ix), 1);
    assert_int_equal(find(ix, HERE, 1000, got, 4), 0);
    assert_int_equal(find(ix, (struct fl_geo_point){-33, 151}, 1, got, 4), 1);
    assert_int_equal(fl_geo_index_get(ix, 7, got), 0);
    assert_true(got[0].at.lat == -33 && got[0].stamp == 2);
    assert_true(fl_geo_index_remove(ix, 7));
    assert_false(fl_geo_index_remove(ix, 7));
    assert_int_equal(fl_geo_index_get(ix, 7, got), FL_ERR_NOT_FOUND);
    assert_int_equal(fl_geo_index_count(ix), 0);
    assert_int_equal(find(ix, (struct fl_geo_point){-33, 151}, 1, got, 4), 0);
    fl_geo_index_free(&ix);
    assert_null(ix);
    fl_geo_index_free(&ix);
}

static void the_nearest_are_kept_and_sorted(void **state)
{
    struct fl_geo_found got[5];
    struct fl_geo_index *ix = index_of(1000);
    size_t found;

    for (uint64_t i = 0; i < 200; i++) {
        double off = (double)(i * 37 % 200 + 1) * 1e-4;

        assert_int_equal(
            fl_geo_index_put(ix, i, (struct fl_geo_point){52.5 + off, 13.4}, 0),
            0);
    }
    assert_int_equal(find(ix, HERE, 1e5, got, 5), 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(got[i].id * 37 % 200, i);
        assert_true(got[i].distance_m == fl_geo_distance_m(HERE, got[i].at));
    }
    assert_int_equal(find(ix, HERE, 1e5, got, 0), 0);
    assert_int_equal(fl_geo_index_nearest(ix, HERE, NULL, got, 3, &found), 0);
    assert_int_equal(found, 3);
    assert_int_equal(got[2].id * 37 % 200, 2);
    assert_int_equal(fl_geo_index_nearest(ix, HERE, NULL, got, 0, &found), 0);
    assert_int_equal(found, 0);
    fl_geo_index_free(&ix);
}

static void a_full_index_refuses(void **state)
{
    struct fl_geo_index *ix = index_of(100);

    for (uint64_t i = 0; i < 100; i++)
        assert_int_equal(fl_geo_index_put(ix, i, HERE, 0), 0);
    assert_int_equal(fl_geo_index_put(ix, 100, HERE, 0), FL_ERR_LIMIT);
    assert_int_equal(fl_geo_index_put(ix, 5, (struct fl_geo_point){0, 0}, 0),
                     0);
    assert_true(fl_geo_index_remove(ix, 50));
    assert_int_equal(fl_geo_index_put(ix, 100, HERE, 0), 0);
    assert_int_equal(fl_geo_index_count(ix), 100);
    fl_geo_index_free(&ix);
}

static void a_crowd_in_one_spot(void **state)
{
    static struct fl_geo_found got[5000];
    struct fl_geo_index *ix = index_of(0);

    for (uint64_t i = 0; i < 5000; i++)
        assert_int_equal(fl_geo_index_put(ix, i, HERE, 0), 0);
    assert_int_equal(find(ix, HERE, 0, got, 5000), 5000);
    for (uint64_t i = 0; i < 5000; i++)
        assert_int_equal(got[i].id, i);
    assert_int_equal(find(ix, HERE, 0, got, 10), 10);
    assert_int_equal(got[9].id, 9);
    for (uint64_t i = 0; i < 5000; i++)
        assert_true(fl_geo_index_remove(ix, i));
    assert_int_equal(fl_geo_index_count(ix), 0);
    fl_geo_index_free(&ix);
}

static void what_is_old_goes(void **state)
{
    struct fl_geo_found got[4];
    struct fl_geo_index *ix = index_of(0);
    struct fl_geo_query q = {.size = sizeof(q), .since = 996};
    size_t before = fl_geo_index_bytes(ix), found;

    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(
            fl_geo_index_put(ix, i, (struct fl_geo_point){0, i * 0.1}, i), 0);
    assert_int_equal(fl_geo_index_radius(ix, (struct fl_geo_point){0, 98.5},
                                         1e5, &q, got, 4, &found),
                     0);
    assert_int_equal(found, 0);
    assert_int_equal(fl_geo_index_expire(ix, 0), 0);
    assert_int_equal(fl_geo_index_expire(ix, 997), 997);
    assert_int_equal(fl_geo_index_expire(ix, 997), 0);
    assert_int_equal(find(ix, HERE, 2e7, got, 4), 3);
    assert_true(fl_geo_index_bytes(ix) < before + 65536);
    fl_geo_index_free(&ix);
}

static void no_position_is_refused(void **state)
{
    static const struct fl_geo_box box = {1, 0, 0, 1};
    struct fl_geo_found got[1];
    struct fl_geo_index *ix = index_of(10);
    size_t found = 42;

    assert_int_equal(fl_geo_index_put(ix, 1, (struct fl_geo_point){NAN, 0}, 0),
                     FL_ERR_RANGE);
    assert_int_equal(fl_geo_index_put(ix, 1, (struct fl_geo_point){0, 181}, 0),
                     FL_ERR_RANGE);
    assert_int_equal(fl_geo_index_count(ix), 0);
    assert_int_equal(fl_geo_index_radius(ix, (struct fl_geo_point){0, NAN}, 1,
                                         NULL, got, 1, &found),
                     FL_ERR_RANGE);
    assert_int_equal(fl_geo_index_radius(ix, HERE, NAN, NULL, got, 1, &found),
                     FL_ERR_RANGE);
    assert_int_equal(fl_geo_index_radius(ix, HERE, -1, NULL, got, 1, &found),
                     FL_ERR_RANGE);
    assert_int_equal(fl_geo_index_box(ix, &box, NULL, got, 1, &found),
                     FL_ERR_RANGE);
    assert_int_equal(found, 42);
    fl_geo_index_free(&ix);
}

static void odd_options_are_refused(void **state)
{
    struct fl_geo_index_options o = {.size = 3};
    struct fl_allocator nothing = {0};
    struct fl_geo_index *ix = NULL;

    assert_int_equal(fl_geo_index_new(&ix, &o), FL_ERR_INVALID);
    o = (struct fl_geo_index_options){.size = sizeof(o) + 8};
    assert_int_equal(fl_geo_index_new(&ix, &o), FL_ERR_INVALID);
    o = (struct fl_geo_index_options){.size = sizeof(o),
                                      .points_max = SIZE_MAX};
    assert_int_equal(fl_geo_index_new(&ix, &o), FL_ERR_RANGE);
    o = (struct fl_geo_index_options){.size = sizeof(o), .allocator = &nothing};
    assert_int_equal(fl_geo_index_new(&ix, &o), FL_ERR_INVALID);
    assert_null(ix);
    o = (struct fl_geo_index_options){.size = sizeof(size_t)};
    assert_int_equal(fl_geo_index_new(&ix, &o), 0);
    fl_geo_index_free(&ix);
}

/* ---- threads ------------------------------------------------------------ */

#define MOVERS 40
#define MOVES  3000

struct shared {
    struct fl_geo_index *ix;
    atomic_bool done;
};

/* Each point walks to and fro over a leaf's edge, never out of the circle. */
static void *mover(void *arg)
{
    struct shared *s = arg;

    for (uint64_t i = 0; i < MOVES; i++) {
        struct fl_geo_point at = {(double)(i % 7) * 1e-3, i & 1 ? 0.01 : -0.01};

        assert_int_equal(fl_geo_index_put(s->ix, i % MOVERS, at, (uint32_t)i),
                         0);
        /* Strangers make leaves split and join. */
        at.lat = 40 + (double)(i % 500) * 1e-3;
        assert_int_equal(fl_geo_index_put(s->ix, 1000 + i % 500, at, 0), 0);
        if (i % 3 == 0)
            (void)fl_geo_index_remove(s->ix, 1000 + (i * 7) % 500);
    }
    return NULL;
}

/* Whoever moves within the circle is found by every search, once. */
static void *reader(void *arg)
{
    struct fl_geo_found got[2 * MOVERS];
    struct shared *s = arg;
    size_t max = MOVERS; /* so few are kept aside, more are not */

    while (!atomic_load(&s->done)) {
        max = 3 * MOVERS - max;
        assert_int_equal(
            find(s->ix, (struct fl_geo_point){0, 0}, 1e4, got, max), MOVERS);
        for (uint64_t seen = 0, i = 0; i < MOVERS; i++) {
            assert_false(seen >> got[i].id & 1);
            seen |= UINT64_C(1) << got[i].id;
        }
    }
    return NULL;
}

static void readers_see_one_state(void **state)
{
    struct shared s = {.ix = index_of(0)};
    pthread_t readers[3], writer;

    for (uint64_t i = 0; i < MOVERS; i++)
        assert_int_equal(
            fl_geo_index_put(s.ix, i, (struct fl_geo_point){0, 0}, 0), 0);
    for (size_t i = 0; i < ARRAY_LEN(readers); i++)
        assert_int_equal(pthread_create(&readers[i], NULL, reader, &s), 0);
    assert_int_equal(pthread_create(&writer, NULL, mover, &s), 0);
    pthread_join(writer, NULL);
    atomic_store(&s.done, true);
    for (size_t i = 0; i < ARRAY_LEN(readers); i++)
        pthread_join(readers[i], NULL);
    fl_geo_index_free(&s.ix);
}

RUN(cmocka_unit_test(points_move_and_go),
    cmocka_unit_test(the_nearest_are_kept_and_sorted),
    cmocka_unit_test(a_full_index_refuses),
    cmocka_unit_test(a_crowd_in_one_spot), cmocka_unit_test(what_is_old_goes),
    cmocka_unit_test(no_position_is_refused),
    cmocka_unit_test(odd_options_are_refused),
    cmocka_unit_test(readers_see_one_state))
