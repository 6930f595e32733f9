/* SPDX-License-Identifier: MIT */
/*
 * fault_geo - each allocation of the geo engine fails in turn.
 *
 * The allocator is given, counts, and fails at one call. Whatever fails must
 * say so, change nothing, and leak nothing; the index is compared with a plain
 * array afterwards, and goes on working.
 * Threads: loop.
 */
#include "allocator.h"

#include <fieldline/geo.h>

#include <string.h>

#define POINTS 3000

/* ---- the index ---------------------------------------------------------- */

struct truth {
    struct fl_geo_point at;
    bool there;
};

static struct truth truth[POINTS];

static void put(struct fl_geo_index *ix, uint64_t id, struct fl_geo_point at)
{
    int error = fl_geo_index_put(ix, id, at, (uint32_t)id);

    CHECK(is_clean(error));
    if (!error)
        truth[id] = (struct truth){at, true};
}

static void check_index(struct fl_geo_index *ix)
{
    static struct fl_geo_found found[POINTS];
    size_t count = 0, got;

    for (uint64_t id = 0; id < POINTS; id++) {
        struct fl_geo_found one;
        int error = fl_geo_index_get(ix, id, &one);

        CHECK(error == (truth[id].there ? 0 : FL_ERR_NOT_FOUND));
        CHECK(error || (one.at.lat == truth[id].at.lat &&
                        one.at.lng == truth[id].at.lng));
        count += truth[id].there;
    }
    CHECK(fl_geo_index_count(ix) == count);
    CHECK(fl_geo_index_nearest(ix, (struct fl_geo_point){0, 0}, NULL, found,
                               POINTS, &got) == 0);
    CHECK(got == count);
}

static struct fl_geo_point place(uint64_t id, uint64_t round)
{
    uint64_t mixed = (id * 7919 + round * 104729) % 100003;

    return (struct fl_geo_point){(double)(mixed % 179) - 89,
                                 (double)(mixed * 31 % 359) - 179};
}

static void scenario_index(void)
{
    struct fl_geo_index_options o = {.size = sizeof(o),
                                     .allocator = &allocator};
    struct fl_geo_index *ix = NULL;

    memset(truth, 0, sizeof(truth));
    CHECK(is_clean(fl_geo_index_new(&ix, &o)));
    if (!ix)
        return;
    for (uint64_t round = 0; round < 2; round++)
        for (uint64_t id = 0; id < POINTS; id++)
            put(ix, id, place(id, round));
    check_index(ix);
    for (uint64_t id = 0; id < POINTS; id += 2) {
        CHECK(fl_geo_index_remove(ix, id) == truth[id].there);
        truth[id].there = false;
    }
    check_index(ix);
    fl_geo_index_free(&ix);
    CHECK(!ix);
}

/* ---- the rest ----------------------------------------------------------- */

static const struct fl_geo_point ring[] = {{50, 13}, {50, 14}, {51, 15},
                                           {52, 14}, {52, 13}, {51, 13.5}};

static void scenario_polygon(void)
{
    struct fl_geo_cover_options o = {.size = sizeof(o),
                                     .allocator = &allocator};
    struct fl_geo_polygon *p = NULL;
    fl_geo_cell cells[FL_GEO_CELLS_DEFAULT];
    size_t count = 99;
    int error = fl_geo_polygon_new(&p, ring, 6, &allocator);

    CHECK(is_clean(error) && !error == (p != NULL));
    if (!p)
        return;
    error = fl_geo_cover_polygon(p, &o, cells, &count);
    CHECK(is_clean(error) && !error == (count != 99));
    fl_geo_polygon_free(&p);
}

static void scenario_cover(void)
{
    const struct fl_geo_box box = {50, 13, 51, 14};
    struct fl_geo_cover_options o = {.size = sizeof(o),
                                     .allocator = &allocator};
    fl_geo_cell cells[FL_GEO_CELLS_DEFAULT];
    size_t count;

    CHECK(is_clean(fl_geo_cover_circle(ring[0], 5000, &o, cells, &count)));
    CHECK(is_clean(fl_geo_cover_box(&box, &o, cells, &count)));
}

static void scenario_plan(void)
{
    struct fl_geo_plan_options o = {.size = sizeof(o), .allocator = &allocator};
    struct fl_geo_range ranges[FL_GEO_CELLS_DEFAULT];
    size_t count;

    CHECK(is_clean(fl_geo_plan_circle(ring[0], 5000, &o, ranges, &count)));
}

static const struct {
    const char *name;
    void (*run)(void);
} scenarios[] = {
    {"index", scenario_index},
    {"polygon", scenario_polygon},
    {"cover", scenario_cover},
    {"plan", scenario_plan},
};

int main(void)
{
    for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
        calls = fail_at = 0;
        scenarios[i].run();

        unsigned long all = calls;

        CHECK(all > 0 && blocks == 0);
        for (unsigned long at = 1; at <= all; at++) {
            calls = 0;
            fail_at = at;
            scenarios[i].run();
            CHECK(blocks == 0);
        }
        printf("%s: %lu allocations\n", scenarios[i].name, all);
    }
    return 0;
}
