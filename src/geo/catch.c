/* SPDX-License-Identifier: MIT */
/*
 * catch - picking, measuring, ranking.
 * Threads: a struct catch belongs to one.
 */
#include "geo/catch.h"

bool catch_passes(const struct fl_geo_query *q, const struct window *only,
                  const struct leaf *l, uint32_t row)
{
    if (only) {
        uint32_t x = window_axis(l->lng[row], GRID_LNG_SPAN);

        if (x < only->x_min || x > only->x_max)
            return false;
    }
    return l->stamp[row] >= q->since &&
           (!q->filter || q->filter(l->id[row], leaf_point(l, row), q->arg));
}

void catch_pick(struct catch *c, const struct leaf *l, uint64_t rows)
{
    uint32_t n = c->picked;

    for (; rows; rows &= rows - 1, n++) {
        uint32_t row = (uint32_t)__builtin_ctzll(rows);

        c->picked_at[n] = (struct spot){l, row};
        c->lat[n] = l->lat[row];
        c->lng[n] = l->lng[row];
        /* Most are found: these come while distances are computed. */
        __builtin_prefetch(&l->id[row]);
        __builtin_prefetch(&l->stamp[row]);
    }
    c->picked = n;
}

void catch_measure(struct catch *c)
{
    const bool all = !c->only && !c->query->filter && !c->query->since;
    double metres[CATCH_PICKED];
    uint32_t kept = c->kept;

    measure_picked(&c->measure, c->lat, c->lng, c->picked, metres);
    for (uint32_t i = 0; i < c->picked; i++) {
        const struct spot at = c->picked_at[i];
        bool within = metres[i] <= c->radius_m;

        if (!all && within)
            within = catch_passes(c->query, c->only, at.leaf, at.row);
        c->kept_at[kept] = at;
        c->metres[kept] = metres[i];
        kept += within;
    }
    c->kept = kept;
    c->picked = 0;
}

/* Each one's place in the order; ids are read only if distances are equal. */
static void rank(struct catch *c, uint64_t ranks[CATCH_KEPT])
{
    uint64_t ids[CATCH_KEPT];

    if (measure_nearer(c->metres, c->kept, ranks))
        return;
    for (uint32_t i = 0; i < c->kept; i++)
        ids[i] = c->kept_at[i].leaf->id[c->kept_at[i].row];
    measure_ranks(c->metres, ids, c->kept, ranks);
}

double catch_cut(struct catch *c, uint32_t max)
{
    uint64_t ranks[CATCH_KEPT];
    uint32_t kept = 0;
    double farthest_m = 0;

    rank(c, ranks);
    for (uint32_t i = 0; i < c->kept; i++) {
        if (ranks[i] == max - 1)
            farthest_m = c->metres[i];
        c->kept_at[kept] = c->kept_at[i];
        c->metres[kept] = c->metres[i];
        kept += ranks[i] < max;
    }
    c->kept = kept;
    return farthest_m;
}

static struct fl_geo_found found_at(struct spot at, double metres)
{
    const struct leaf *l = at.leaf;

    return (struct fl_geo_found){.id = l->id[at.row],
                                 .distance_m = metres,
                                 .at = leaf_point(l, at.row),
                                 .stamp = l->stamp[at.row]};
}

size_t catch_write(struct catch *c, struct fl_geo_found *ret, size_t max)
{
    uint64_t ranks[CATCH_KEPT];

    rank(c, ranks);
    for (uint32_t i = 0; i < c->kept; i++)
        if (ranks[i] < max)
            ret[ranks[i]] = found_at(c->kept_at[i], c->metres[i]);
    return c->kept < max ? c->kept : max;
}

void catch_spill(struct catch *c, struct nearest *n)
{
    for (uint32_t i = 0; i < c->kept; i++) {
        struct fl_geo_found one = found_at(c->kept_at[i], c->metres[i]);

        nearest_offer(n, &one);
    }
    c->kept = 0;
}
