/* SPDX-License-Identifier: MIT */
/*
 * oracle_geo_threads - the index of moving points with readers beside a writer.
 *
 * The changes are drawn before; what a reader finds must be, to the last bit,
 * what an array of points gives after some change between the last that had
 * ended when he began and the last that had begun when he ended. Each reader
 * keeps an array of his own and plays the changes on it. A tenth of
 * FIELDLINE_CASES searches, by two readers.
 * Threads: the writer and the readers.
 */
#include "geo_draw.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#define POINTS       600 /* a dozen leaves */
#define CHANGES      400000
#define LEAD         32 /* changes that the writer is ahead of a reader */
#define READERS      2
#define CASES_SHARE  10
#define REMOVED_STEP 16 /* one change in so many */

struct change {
    uint32_t id, stamp;
    bool removes;
    struct fl_geo_point at;
};

struct truth {
    struct fl_geo_point at;
    uint32_t stamp;
    bool there;
};

static struct {
    struct fl_geo_index *ix;
    struct change changes[CHANGES];
    atomic_size_t begun, ended;    /* changes */
    atomic_size_t played[READERS]; /* by each reader */
    atomic_uint reading;           /* readers that have not done */
    uint64_t cases;                /* of each */
} world;

struct reader {
    pthread_t thread;
    struct random random;
    size_t index;
    struct truth truth[POINTS];
    size_t played;
    struct fl_geo_found want[POINTS], got[POINTS];
};

static void changes_draw(struct random *r)
{
    for (uint32_t i = 0; i < CHANGES; i++)
        world.changes[i] = (struct change){
            .id = (uint32_t)random_below(r, POINTS),
            .stamp = i,
            .removes = random_below(r, REMOVED_STEP) == 0,
            .at = draw_point(r),
        };
}

static void change_do(const struct change *c)
{
    if (c->removes)
        (void)fl_geo_index_remove(world.ix, c->id);
    else
        CHECK(fl_geo_index_put(world.ix, c->id, c->at, c->stamp) == 0);
}

static size_t slowest(void)
{
    size_t least = CHANGES;

    for (size_t i = 0; i < READERS; i++) {
        size_t played = atomic_load(&world.played[i]);

        least = played < least ? played : least;
    }
    return least;
}

/* Not far ahead, so that few states have to be tried. */
static void *on_writer(void *arg)
{
    for (size_t i = 0; i < CHANGES && atomic_load(&world.reading);) {
        if (i >= slowest() + LEAD) {
            (void)sched_yield();
            continue;
        }
        atomic_store(&world.begun, i + 1);
        change_do(&world.changes[i++]);
        atomic_store(&world.ended, i);
    }
    return NULL;
}

/* --- what it should be --- */

static void play_to(struct reader *r, size_t count)
{
    for (; r->played < count; r->played++) {
        const struct change *c = &world.changes[r->played];

        r->truth[c->id] = (struct truth){c->at, c->stamp, !c->removes};
    }
}

static int nearest_first(const void *left, const void *right)
{
    const struct fl_geo_found *a = left, *b = right;

    if (a->distance_m != b->distance_m)
        return a->distance_m < b->distance_m ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

static bool is_state(struct reader *r, struct fl_geo_point from,
                     double radius_m, size_t found)
{
    size_t n = 0;

    for (uint64_t id = 0; id < POINTS; id++) {
        const struct truth *t = &r->truth[id];
        double m = t->there ? fl_geo_distance_m(from, t->at) : INFINITY;

        if (t->there && m <= radius_m)
            r->want[n++] = (struct fl_geo_found){id, m, t->at, t->stamp};
    }
    if (n != found)
        return false;
    qsort(r->want, n, sizeof(r->want[0]), nearest_first);
    for (size_t i = 0; i < n; i++)
        if (r->got[i].id != r->want[i].id ||
            r->got[i].distance_m != r->want[i].distance_m ||
            r->got[i].stamp != r->want[i].stamp ||
            r->got[i].at.lat != r->want[i].at.lat ||
            r->got[i].at.lng != r->want[i].at.lng)
            return false;
    return true;
}

static void search(struct reader *r)
{
    if (atomic_load(&world.ended) == r->played)
        (void)sched_yield(); /* the writer may be without a processor */

    struct fl_geo_point from = draw_point(&r->random);
    double radius_m = draw_radius(&r->random);
    size_t first = atomic_load(&world.ended), found;

    CHECK(fl_geo_index_radius(world.ix, from, radius_m, NULL, r->got, POINTS,
                              &found) == 0);

    size_t last = atomic_load(&world.begun);

    play_to(r, first);
    while (!is_state(r, from, radius_m, found)) {
        CHECK(r->played < last);
        play_to(r, r->played + 1);
    }
    atomic_store(&world.played[r->index], r->played);
}

static void *on_reader(void *arg)
{
    struct reader *r = arg;

    for (uint64_t i = 0; i < world.cases; i++)
        search(r);
    atomic_store(&world.played[r->index], CHANGES);
    atomic_fetch_sub(&world.reading, 1);
    return NULL;
}

int main(void)
{
    static struct reader readers[READERS];
    struct random r = random_start();
    pthread_t writer;

    world.cases = draw_cases() / CASES_SHARE / READERS;
    changes_draw(&r);
    CHECK(fl_geo_index_new(&world.ix, NULL) == 0);
    atomic_store(&world.reading, READERS);
    for (size_t i = 0; i < READERS; i++) {
        readers[i].index = i;
        readers[i].random.state = random_next(&r);
        CHECK(pthread_create(&readers[i].thread, NULL, on_reader,
                             &readers[i]) == 0);
    }
    CHECK(pthread_create(&writer, NULL, on_writer, NULL) == 0);
    for (size_t i = 0; i < READERS; i++)
        CHECK(pthread_join(readers[i].thread, NULL) == 0);
    CHECK(pthread_join(writer, NULL) == 0);
    printf("%" PRIu64 " searches beside %zu changes\n", READERS * world.cases,
           atomic_load(&world.ended));
    CHECK(atomic_load(&world.ended) > 0);
    fl_geo_index_free(&world.ix);
    return 0;
}
