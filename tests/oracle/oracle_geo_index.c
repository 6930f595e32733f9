/* SPDX-License-Identifier: MIT */
/*
 * oracle_geo_index - the index of moving points against a plain array.
 *
 * A case is one search after a few changes: radius, nearest, box, a plain
 * list; with a filter and a stamp now and then. Not one point missed, none
 * extra, in the right order, to the last bit of the distance.
 * Threads: loop.
 */
#include "geo_draw.h"

#include <string.h>

#define POINTS_MAX  12000 /* leaves for several nodes; seldom */
#define POINTS_MANY 3000
#define POINTS_FEW  40
#define ROUND       2000 /* cases before a new index with other places */

struct truth {
    struct fl_geo_point at;
    uint32_t stamp;
    bool there;
};

static struct random rng;
static struct truth truth[POINTS_MAX];
static struct fl_geo_found want[POINTS_MAX], got[POINTS_MAX];
static uint64_t ids;    /* of this round */
static uint64_t spread; /* how an id is written: dense, or anything */
static size_t count;

static uint64_t id_of(uint64_t i)
{
    return spread ? hash_mix(i ^ spread) : i;
}

static bool odd_only(uint64_t id, struct fl_geo_point at, void *arg)
{
    CHECK(arg == &rng);
    return id & 1;
}

static int nearest_first(const void *left, const void *right)
{
    const struct fl_geo_found *a = left, *b = right;

    if (a->distance_m != b->distance_m)
        return a->distance_m < b->distance_m ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

static int by_id(const void *left, const void *right)
{
    const struct fl_geo_found *a = left, *b = right;

    return (a->id > b->id) - (a->id < b->id);
}

static struct fl_geo_query draw_query(void)
{
    struct fl_geo_query q = {.size = sizeof(q)};

    if (!random_below(&rng, 4)) {
        q.filter = odd_only;
        q.arg = &rng;
    }
    if (!random_below(&rng, 4))
        q.since = (uint32_t)random_below(&rng, 1000);
    return q;
}

static bool asked_for(const struct fl_geo_query *q, uint64_t i)
{
    return truth[i].there && truth[i].stamp >= q->since &&
           (!q->filter || id_of(i) & 1);
}

static void check_same(size_t n, size_t found)
{
    CHECK(found == n);
    for (size_t i = 0; i < n; i++) {
        CHECK(got[i].id == want[i].id);
        CHECK(got[i].distance_m == want[i].distance_m);
        CHECK(got[i].stamp == want[i].stamp);
        CHECK(got[i].at.lat == want[i].at.lat);
        CHECK(got[i].at.lng == want[i].at.lng);
    }
}

/* All; a few; about as many as a leaf or two hold. */
static size_t draw_max(void)
{
    static const size_t most[] = {30, 200};

    return random_below(&rng, 2)
               ? POINTS_MAX
               : random_below(&rng, most[random_below(&rng, 2)]);
}

static void check_around(struct fl_geo_index *ix)
{
    struct fl_geo_query q = draw_query();
    struct fl_geo_point from = random_below(&rng, 2)
                                   ? draw_point(&rng)
                                   : truth[random_below(&rng, ids)].at;
    bool nearest = random_below(&rng, 2);
    double radius_m = nearest ? INFINITY : draw_radius(&rng);
    size_t max = draw_max();
    size_t n = 0, found;

    if (!random_below(&rng, 8)) /* exactly to a point */
        radius_m = fl_geo_distance_m(from, truth[random_below(&rng, ids)].at);
    for (uint64_t i = 0; i < ids; i++) {
        double m = fl_geo_distance_m(from, truth[i].at);

        if (asked_for(&q, i) && m <= radius_m)
            want[n++] =
                (struct fl_geo_found){id_of(i), m, truth[i].at, truth[i].stamp};
    }
    qsort(want, n, sizeof(want[0]), nearest_first);
    if (isinf(radius_m))
        CHECK(fl_geo_index_nearest(ix, from, &q, got, max, &found) == 0);
    else
        CHECK(fl_geo_index_radius(ix, from, radius_m, &q, got, max, &found) ==
              0);
    check_same(n < max ? n : max, found);
}

static struct fl_geo_box draw_box(void)
{
    struct fl_geo_point a = draw_point(&rng), b = draw_point(&rng);
    struct fl_geo_box box = {fmin(a.lat, b.lat), a.lng, fmax(a.lat, b.lat),
                             b.lng};

    if (!random_below(&rng, 8))
        box.east = box.west;
    if (!random_below(&rng, 8))
        box.east = 180;
    if (!random_below(&rng, 8))
        box.west = -180;
    return box;
}

static void check_box(struct fl_geo_index *ix)
{
    struct fl_geo_query q = draw_query();
    struct fl_geo_box box = draw_box();
    size_t n = 0, found;

    for (uint64_t i = 0; i < ids; i++)
        if (asked_for(&q, i) && fl_geo_box_has(&box, truth[i].at))
            want[n++] =
                (struct fl_geo_found){id_of(i), 0, truth[i].at, truth[i].stamp};
    CHECK(fl_geo_index_box(ix, &box, &q, got, POINTS_MAX, &found) == 0);
    qsort(want, n, sizeof(want[0]), by_id);
    qsort(got, found, sizeof(got[0]), by_id);
    check_same(n, found);
    if (n) { /* a smaller room is filled */
        size_t room = 1 + random_below(&rng, n);

        CHECK(fl_geo_index_box(ix, &box, &q, got, room, &found) == 0);
        CHECK(found == room);
    }
}

static void check_list(void)
{
    static double lat[POINTS_MAX], lng[POINTS_MAX];
    struct fl_geo_point from = draw_point(&rng);
    double radius_m = random_below(&rng, 4) ? draw_radius(&rng) : INFINITY;
    size_t max = draw_max();
    size_t n = 0, found;

    for (uint64_t i = 0; i < ids; i++) {
        double m = fl_geo_distance_m(from, truth[i].at);

        lat[i] = truth[i].there ? truth[i].at.lat : (double)NAN;
        lng[i] = truth[i].at.lng;
        if (truth[i].there && m <= radius_m)
            want[n++] = (struct fl_geo_found){i, m, truth[i].at, 0};
    }
    qsort(want, n, sizeof(want[0]), nearest_first);
    CHECK(fl_geo_within(from, radius_m, lat, lng, ids, got, max, &found) == 0);
    check_same(n < max ? n : max, found);
}

static void change(struct fl_geo_index *ix)
{
    uint64_t i = random_below(&rng, ids);
    uint32_t stamp = (uint32_t)random_below(&rng, 1000);

    if (random_below(&rng, 5) == 0) {
        CHECK(fl_geo_index_remove(ix, id_of(i)) == truth[i].there);
        count -= truth[i].there;
        truth[i].there = false;
        return;
    }

    struct fl_geo_point at = draw_point(&rng);

    if (truth[i].there && random_below(&rng, 3)) { /* a short way */
        at.lat =
            draw_clamp(truth[i].at.lat + draw_between(&rng, -1e-3, 1e-3), 90);
        at.lng =
            draw_clamp(truth[i].at.lng + draw_between(&rng, -1e-3, 1e-3), 180);
    }
    if (!random_below(&rng, 6)) /* a crowd in one spot */
        at = (struct fl_geo_point){52.5, 13.4};
    CHECK(fl_geo_index_put(ix, id_of(i), at, stamp) == 0);
    count += !truth[i].there;
    truth[i] = (struct truth){at, stamp, true};
}

static void expire(struct fl_geo_index *ix)
{
    uint32_t before = (uint32_t)random_below(&rng, 300);
    size_t gone = 0;

    for (uint64_t i = 0; i < ids; i++)
        if (truth[i].there && truth[i].stamp < before) {
            truth[i].there = false;
            gone++;
        }
    count -= gone;
    CHECK(fl_geo_index_expire(ix, before) == gone);
}

static uint64_t draw_size(void)
{
    if (!random_below(&rng, 16))
        return POINTS_MAX;
    return random_below(&rng, 2) ? POINTS_FEW : POINTS_MANY;
}

static void check_round(uint64_t cases)
{
    struct fl_geo_index *ix;
    struct fl_geo_found one;

    ids = 1 + random_below(&rng, draw_size());
    spread = random_below(&rng, 2) ? random_next(&rng) : 0;
    count = 0;
    memset(truth, 0, sizeof(truth));
    CHECK(fl_geo_index_new(&ix, NULL) == 0);
    for (uint64_t i = 0; i < ids; i++)
        change(ix);
    for (uint64_t i = 0; i < cases; i++) {
        for (uint64_t steps = random_below(&rng, 8); steps; steps--)
            change(ix);
        if (!random_below(&rng, 500))
            expire(ix);
        switch (random_below(&rng, 8)) {
        case 0:
            check_list();
            break;
        case 1:
        case 2:
            check_box(ix);
            break;
        default:
            check_around(ix);
        }
        CHECK(fl_geo_index_count(ix) == count);

        uint64_t any = random_below(&rng, ids);

        CHECK(fl_geo_index_get(ix, id_of(any), &one) ==
              (truth[any].there ? 0 : FL_ERR_NOT_FOUND));
    }
    fl_geo_index_free(&ix);
}

int main(void)
{
    uint64_t cases = draw_cases();

    rng = random_start();
    for (uint64_t done = 0; done < cases; done += ROUND)
        check_round(cases - done < ROUND ? cases - done : ROUND);
    return 0;
}
