/* SPDX-License-Identifier: MIT */
/*
 * search - what lies within a radius or a box, and what is nearest.
 *
 * A walk goes from a window's first key to its last, leaf by leaf; after each
 * leaf it skips to the next key that lies in the window. So it meets each leaf
 * that reaches into the window once, and no other but by the points' own
 * unevenness.
 *
 * The nearest are first looked for in the point's own leaf and those beside it
 * on the curve, until there are enough: the farthest of them bounds a circle,
 * which is then walked and shrinks on the way.
 * Threads: any; a search holds the gate as a reader.
 */
#include "geo/index.h"
#include "base/options.h"
#include "geo/measure.h"
#include "geo/nearest.h"

#include <math.h>

#define HALF_ROUND_M (M_PI * FL_GEO_RADIUS_M)
/* A window is drawn anew once its circle is this much too large. */
#define SHRUNK       0.75

struct search {
    const struct fl_geo_index *index;
    struct fl_geo_query query;
    const struct window *only; /* if a leaf may reach into more than one */
    struct measure measure;    /* from where, and how far */
    double radius_m;
    bool shrinks; /* with the farthest that is kept */
    struct fl_geo_box box;
    double drawn_m;             /* the radius that the box was drawn for */
    mark seen_first, seen_last; /* leaves that were scanned before */
    bool seen;
    struct nearest nearest;
};

typedef bool leaf_fn(struct search *, const struct leaf *);

/* ---- circles --------------------------------------------------------- */

static void set_radius(struct search *s, double radius_m)
{
    s->radius_m = radius_m;
    s->measure.reach = kernel_reach(radius_m);
}

/* The box around the circle of the search. */
static void draw_circle(struct search *s)
{
    s->drawn_m = s->radius_m;
    if (s->radius_m >= HALF_ROUND_M ||
        fl_geo_circle_box(s->measure.from, s->radius_m, &s->box))
        s->box = (struct fl_geo_box){-90, -180, 90, 180};
}

/* ---- walking ------------------------------------------------------------ */

/* The next place whose leaf reaches into the window. */
static bool walk_on(const struct fl_geo_index *ix, const struct window *w,
                    struct place *p)
{
    const struct leaf *l;
    uint64_t key;

    if (!tree_next(ix, p))
        return false;
    l = tree_leaf(ix, *p);
    if (!window_next(w, mark_key(l->first), &key))
        return false;
    if (key > mark_key(l->last))
        *p = tree_find(ix, (mark)key << 64);
    return true;
}

/* A circle that has shrunk is drawn anew, if it stays one window. */
static void window_redraw(struct search *s, struct window *w)
{
    struct window drawn[2];

    if (s->only || !(s->radius_m < SHRUNK * s->drawn_m))
        return;
    draw_circle(s);
    if (windows_of(&s->box, drawn) == 1)
        *w = drawn[0];
}

/* A leaf_fn that returns false ends the walk. */
static void walk_window(struct search *s, struct window *w, leaf_fn *fn)
{
    const struct fl_geo_index *ix = s->index;
    mark first = (mark)window_key_min(w) << 64;
    struct place p = tree_find(ix, first);

    do {
        const struct leaf *l = tree_leaf(ix, p);

        if (s->seen && l->first >= s->seen_first && l->last <= s->seen_last)
            continue;
        if (!fn(s, l))
            return;
        window_redraw(s, w);
    } while (walk_on(ix, w, &p));
}

static void walk_box(struct search *s, leaf_fn *fn)
{
    struct window windows[2];
    unsigned count = windows_of(&s->box, windows);

    for (unsigned i = 0; i < count; i++) {
        s->only = count > 1 ? &windows[i] : NULL;
        walk_window(s, &windows[i], fn);
    }
    s->only = NULL;
}

/* ---- measuring ---------------------------------------------------------- */

static bool passes(const struct search *s, const struct leaf *l, uint32_t i)
{
    const struct fl_geo_query *q = &s->query;

    if (s->only) {
        uint32_t x = window_axis(l->lng[i], GRID_LNG_SPAN);

        if (x < s->only->x_min || x > s->only->x_max)
            return false;
    }
    return l->stamp[i] >= q->since &&
           (!q->filter || q->filter(l->id[i], leaf_point(l, i), q->arg));
}

static void offer(struct search *s, const struct leaf *l, uint32_t i,
                  double metres)
{
    struct fl_geo_found one = {.id = l->id[i],
                               .distance_m = metres,
                               .at = leaf_point(l, i),
                               .stamp = l->stamp[i]};

    if (nearest_offer(&s->nearest, &one) && s->shrinks)
        s->radius_m = nearest_farthest_m(&s->nearest);
}

/* Of one leaf's points no more than max can stay: others are not offered. */
static uint32_t cut_to(uint32_t count, size_t max, uint8_t *rows,
                       double *metres)
{
    uint64_t nearer[LEAF_POINTS];
    uint32_t kept = 0;

    measure_nearer(metres, count, nearer);
    for (uint32_t n = 0; n < count; n++) {
        rows[kept] = rows[n];
        metres[kept] = metres[n];
        kept += nearer[n] < max;
    }
    return kept;
}

static bool scan_circle(struct search *s, const struct leaf *l)
{
    const double radius_m = s->radius_m;
    uint8_t rows[MEASURE_ROWS];
    double metres[MEASURE_ROWS];
    uint32_t count =
        measure_within(&s->measure, l->lat, l->lng, l->count, rows, metres);
    uint32_t near = 0;

    for (uint32_t n = 0; n < count; n++)
        if (metres[n] <= radius_m && passes(s, l, rows[n])) {
            rows[near] = rows[n];
            metres[near++] = metres[n];
        }
    if (near > s->nearest.max)
        near = cut_to(near, s->nearest.max, rows, metres);
    for (uint32_t n = 0; n < near; n++)
        if (metres[n] <= s->radius_m)
            offer(s, l, rows[n], metres[n]);
    if (s->radius_m < radius_m)
        set_radius(s, s->radius_m);
    return true;
}

/* ---- the three questions ------------------------------------------------ */

static int search_begin(struct search *s, struct fl_geo_index *ix,
                        const struct fl_geo_query *query,
                        struct fl_geo_found *ret, size_t max)
{
    *s = (struct search){.index = ix, .nearest = {.found = ret, .max = max}};
    return options_read(&s->query, sizeof(s->query), query);
}

static int search_around(struct search *s, struct fl_geo_point from,
                         double radius_m)
{
    if (!fl_geo_point_valid(from) || !(radius_m >= 0))
        return FL_ERR_RANGE;
    s->measure.from = from;
    s->measure.cos_from = kernel_cos_lat(from.lat);
    set_radius(s, radius_m);
    draw_circle(s);
    return 0;
}

/* The point's own leaf: what lies there is likely to be near. */
static struct place scan_own(struct search *s)
{
    struct place p = tree_find(s->index, index_mark(s->measure.from, 0));
    const struct leaf *l = tree_leaf(s->index, p);

    scan_circle(s, l);
    s->seen = true;
    s->seen_first = l->first;
    s->seen_last = l->last;
    return p;
}

/* The circle need not reach beyond the farthest of max. */
static void bound(struct search *s)
{
    if (s->nearest.count < s->nearest.max)
        return;
    nearest_heap(&s->nearest);
    set_radius(s, nearest_farthest_m(&s->nearest));
    draw_circle(s);
}

/* From the point's own leaf outwards along the curve, until there are max. */
static void scan_beside(struct search *s)
{
    const struct fl_geo_index *ix = s->index;
    struct place back = scan_own(s), on = back;
    bool more_back = true, more_on = true;

    while (s->nearest.count < s->nearest.max && (more_back || more_on)) {
        more_on = more_on && tree_next(ix, &on);
        if (more_on) {
            scan_circle(s, tree_leaf(ix, on));
            s->seen_last = tree_leaf(ix, on)->last;
        }
        more_back = more_back && tree_previous(ix, &back);
        if (more_back) {
            scan_circle(s, tree_leaf(ix, back));
            s->seen_first = tree_leaf(ix, back)->first;
        }
    }
}

static void walk_nearest(struct search *s)
{
    scan_beside(s);
    if (s->nearest.count < s->nearest.max)
        return; /* that was all of them */
    bound(s);
    walk_box(s, scan_circle);
}

/* Of few, the own leaf's may already be all there can be. */
static void walk_circle(struct search *s)
{
    if (s->shrinks) {
        scan_own(s);
        bound(s);
    }
    walk_box(s, scan_circle);
}

int fl_geo_index_radius(struct fl_geo_index *ix, struct fl_geo_point from,
                        double radius_m, const struct fl_geo_query *query,
                        struct fl_geo_found *ret, size_t max, size_t *found)
{
    struct search s;
    int error = search_begin(&s, ix, query, ret, max);

    if (!error)
        error = search_around(&s, from, radius_m);
    if (error)
        return error;

    s.shrinks = max <= LEAF_POINTS;

    struct gate_stripe *stripe = gate_read(&ix->gate);

    if (ix->count && max)
        walk_circle(&s);
    gate_read_done(stripe);
    nearest_sort(&s.nearest);
    *found = s.nearest.count;
    return 0;
}

int fl_geo_index_nearest(struct fl_geo_index *ix, struct fl_geo_point from,
                         const struct fl_geo_query *query,
                         struct fl_geo_found *ret, size_t max, size_t *found)
{
    struct search s;
    int error = search_begin(&s, ix, query, ret, max);

    if (!error)
        error = search_around(&s, from, INFINITY);
    if (error)
        return error;

    s.shrinks = true;

    struct gate_stripe *stripe = gate_read(&ix->gate);

    if (ix->count && max)
        walk_nearest(&s);
    gate_read_done(stripe);
    nearest_sort(&s.nearest);
    *found = s.nearest.count;
    return 0;
}

static bool scan_box(struct search *s, const struct leaf *l)
{
    struct nearest *n = &s->nearest;

    for (uint32_t i = 0; i < l->count && n->count < n->max; i++)
        if (fl_geo_box_has(&s->box, leaf_point(l, i)) && passes(s, l, i))
            n->found[n->count++] = (struct fl_geo_found){
                .id = l->id[i], .at = leaf_point(l, i), .stamp = l->stamp[i]};
    return n->count < n->max;
}

int fl_geo_index_box(struct fl_geo_index *ix, const struct fl_geo_box *box,
                     const struct fl_geo_query *query, struct fl_geo_found *ret,
                     size_t max, size_t *found)
{
    struct search s;
    int error = fl_geo_box_valid(box) ? search_begin(&s, ix, query, ret, max)
                                      : FL_ERR_RANGE;

    if (error)
        return error;
    s.box = *box;

    struct gate_stripe *stripe = gate_read(&ix->gate);

    if (ix->count && max)
        walk_box(&s, scan_box);
    gate_read_done(stripe);
    *found = s.nearest.count;
    return 0;
}
