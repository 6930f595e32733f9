/* SPDX-License-Identifier: MIT */
/*
 * search - what lies within a radius or a box, and what is nearest.
 *
 * A walk goes from a window's first key to its last, leaf by leaf; after each
 * leaf it skips to the next key that lies in the window. So it meets each leaf
 * that reaches into the window once, and no other but by the points' own
 * unevenness. It reads nodes only: the leaves it meets are STOPS, gathered and
 * fetched into the cache together before any is looked at, since waiting for
 * one after the other costs more than looking.
 *
 * The nearest are first looked for in the point's own leaf and those beside it
 * on the curve, until there are enough: the farthest of them bounds a circle,
 * which is then walked and shrinks on the way.
 * Threads: any; a search holds the gate as a reader.
 */
#include "geo/index.h"
#include "base/options.h"
#include "geo/catch.h"
#include "geo/screen.h"

#include <math.h>

/* A window is drawn anew once its circle is this much too large. */
#define SHRUNK     0.75
#define STOPS      32u /* gathered at once */
#define AHEAD      4u  /* leaves on their way into the cache */
#define FEW_STOPS  2u  /* so few are looked at without a bound */
#define LINE_BYTES 64

_Static_assert(LEAF_POINTS == SCREEN_ROWS, "a leaf's rows are bits of a word");

struct search {
    const struct fl_geo_index *index;
    struct fl_geo_query query;
    bool shrinks; /* with the farthest that is kept */
    bool seen;
    mark seen_first, seen_last; /* leaves that were scanned before */
    double drawn_m;             /* the radius that the window was drawn for */
    struct screen screen;
    struct nearest nearest; /* of what is too much for the catch */
    struct catch catch;
};

/* ---- walking ------------------------------------------------------------ */

/* A leaf, and its first and last key. */
struct stop {
    const struct leaf *leaf;
    uint64_t first, last;
};

struct walk {
    const struct fl_geo_index *index;
    const struct window *window; /* may become smaller on the way */
    struct place at;
    bool more;
};

/* What is looked at of every row. */
static void leaf_fetch(const struct leaf *l)
{
    const char *at = (const char *)l, *end = (const char *)l->id;

    for (; at < end; at += LINE_BYTES)
        __builtin_prefetch(at);
}

static struct walk walk_begin(const struct fl_geo_index *ix,
                              const struct window *w)
{
    return (struct walk){ix, w, tree_find(ix, (mark)window_key_min(w) << 64),
                         true};
}

/* To the next place whose leaf reaches into the window. */
static void walk_on(struct walk *k)
{
    uint64_t first, key;

    k->more = false;
    if (!tree_next(k->index, &k->at))
        return;
    first = mark_key(tree_first(k->index, k->at));
    if (first > window_key_max(k->window) ||
        !window_next(k->window, first, &key))
        return;
    if (key > mark_key(tree_last(k->index, k->at)))
        k->at = tree_find(k->index, (mark)key << 64);
    k->more = true;
}

/* The next stops, the first few of them fetched; how many. */
static uint32_t walk_some(struct walk *k, uint32_t fetched,
                          struct stop ret[STOPS])
{
    uint32_t count = 0;

    for (; k->more && count < STOPS; walk_on(k)) {
        ret[count] = (struct stop){tree_leaf(k->index, k->at),
                                   mark_key(tree_first(k->index, k->at)),
                                   mark_key(tree_last(k->index, k->at))};
        if (count < fetched)
            leaf_fetch(ret[count].leaf);
        count++;
    }
    return count;
}

/* ---- circles ------------------------------------------------------------ */

static void set_radius(struct search *s, double radius_m)
{
    struct catch *c = &s->catch;

    c->radius_m = radius_m;
    screen_circle(&s->screen, c->measure.from, c->measure.cos_from, radius_m);
}

static unsigned draw_windows(struct search *s, struct window ret[2])
{
    const struct fl_geo_box box = screen_box(&s->screen);

    s->drawn_m = s->catch.radius_m;
    return windows_of(&box, ret);
}

/* A circle that has shrunk is drawn anew, if it stays one window. */
static bool window_redraw(struct search *s, struct window *w)
{
    struct window drawn[2];

    if (s->catch.only || !(s->catch.radius_m < SHRUNK * s->drawn_m) ||
        draw_windows(s, drawn) > 1)
        return false;
    *w = drawn[0];
    return true;
}

/* ---- looking at leaves -------------------------------------------------- */

/* How many are known; what was picked is not. */
static size_t found_count(const struct search *s)
{
    return s->catch.kept + s->nearest.count;
}

/* The circle need not reach beyond the farthest of max. */
static void bound(struct search *s)
{
    struct nearest *n = &s->nearest;

    if (found_count(s) < n->max)
        return;
    if (n->max <= LEAF_POINTS) {
        set_radius(s, catch_cut(&s->catch, (uint32_t)n->max));
        return;
    }
    catch_spill(&s->catch, n);
    nearest_heap(n);
    set_radius(s, nearest_farthest_m(n));
}

/* Measures what was picked. */
static void settle(struct search *s)
{
    struct catch *c = &s->catch;
    const uint32_t before = c->kept;

    catch_measure(c);
    if (s->shrinks && c->kept > before)
        bound(s);
    if (c->kept > CATCH_KEPT - CATCH_PICKED)
        catch_spill(c, &s->nearest);
}

static void scan(struct search *s, const struct leaf *l)
{
    struct catch *c = &s->catch;

    if (l->count)
        catch_pick(c, l, screen_rows(&s->screen, l->lat, l->lng, l->count));
    if (!catch_has_room(c) ||
        (s->shrinks && c->picked + found_count(s) >= s->nearest.max))
        settle(s);
}

/* The point's own leaf: what lies there is likely to be near. */
static struct place scan_own(struct search *s)
{
    struct place p = tree_find(s->index, index_mark(s->catch.measure.from, 0));
    const struct leaf *l = tree_leaf(s->index, p);

    scan(s, l);
    settle(s);
    s->seen = true;
    s->seen_first = l->first;
    s->seen_last = l->last;
    return p;
}

static void visit(struct search *s, struct window *w, const struct stop *stops,
                  uint32_t count)
{
    bool redrawn = s->seen && window_redraw(s, w);
    uint64_t key;

    for (uint32_t i = 0; i < count; i++) {
        const struct leaf *l = stops[i].leaf;

        if (!s->shrinks && i + AHEAD < count)
            leaf_fetch(stops[i + AHEAD].leaf);
        if (redrawn &&
            (!window_next(w, stops[i].first, &key) || key > stops[i].last))
            continue;
        if (s->seen && l->first >= s->seen_first && l->last <= s->seen_last)
            continue;
        scan(s, l);
        redrawn = window_redraw(s, w) || redrawn;
    }
}

/* Of few, if many leaves are met, the own leaf's may be all there can be. */
static void walk_window(struct search *s, struct window *w)
{
    const uint32_t fetched = s->shrinks ? FEW_STOPS : AHEAD;
    struct stop stops[STOPS];
    struct walk k = walk_begin(s->index, w);

    while (k.more) {
        uint32_t count = walk_some(&k, fetched, stops);

        if (s->shrinks && !s->seen && !s->catch.only &&
            (count > FEW_STOPS || k.more))
            scan_own(s);
        visit(s, w, stops, count);
    }
}

static void walk_circle(struct search *s)
{
    struct window windows[2];
    unsigned count = draw_windows(s, windows);

    if (count > 1 && s->shrinks && !s->seen)
        scan_own(s); /* it may reach into both */
    for (unsigned i = 0; i < count; i++) {
        s->catch.only = count > 1 ? &windows[i] : NULL;
        walk_window(s, &windows[i]);
        settle(s);
    }
    s->catch.only = NULL;
}

/* From the point's own leaf outwards along the curve, until there are max. */
static void scan_beside(struct search *s)
{
    const struct fl_geo_index *ix = s->index;
    struct place back = scan_own(s), on = back;
    bool more_back = true, more_on = true;

    while (found_count(s) < s->nearest.max && (more_back || more_on)) {
        more_on = more_on && tree_next(ix, &on);
        if (more_on) {
            scan(s, tree_leaf(ix, on));
            s->seen_last = tree_leaf(ix, on)->last;
        }
        more_back = more_back && tree_previous(ix, &back);
        if (more_back) {
            scan(s, tree_leaf(ix, back));
            s->seen_first = tree_leaf(ix, back)->first;
        }
        settle(s);
    }
}

static void walk_nearest(struct search *s)
{
    scan_beside(s);
    if (found_count(s) >= s->nearest.max) /* else that was all of them */
        walk_circle(s);
}

/* ---- the three questions ------------------------------------------------ */

static int search_begin(struct search *s, struct fl_geo_index *ix,
                        const struct fl_geo_query *query, struct nearest n,
                        bool shrinks)
{
    s->index = ix;
    s->nearest = n;
    s->shrinks = shrinks;
    s->seen = false;
    s->catch.query = &s->query;
    s->catch.only = NULL;
    s->catch.picked = s->catch.kept = 0;
    return options_read(&s->query, sizeof(s->query), query);
}

static int search_around(struct search *s, struct fl_geo_point from,
                         double radius_m)
{
    if (!fl_geo_point_valid(from) || !(radius_m >= 0))
        return FL_ERR_RANGE;
    s->catch.measure.from = from;
    s->catch.measure.cos_from = kernel_cos_lat(from.lat);
    set_radius(s, radius_m);
    return 0;
}

typedef void walk_fn(struct search *);

/* Few are written at once; others were collected and are sorted. */
static size_t answer(struct search *s, struct fl_geo_index *ix, walk_fn *walk)
{
    struct nearest *n = &s->nearest;
    struct catch *c = &s->catch;
    struct gate_stripe *stripe = gate_read(&ix->gate);

    if (ix->count && n->max)
        walk(s);
    if (!n->count && c->kept <= CATCH_RANKED) {
        size_t count = catch_write(c, n->found, n->max);

        gate_read_done(stripe);
        return count;
    }
    catch_spill(c, n);
    gate_read_done(stripe);
    nearest_sort(n);
    return n->count;
}

int fl_geo_index_radius(struct fl_geo_index *ix, struct fl_geo_point from,
                        double radius_m, const struct fl_geo_query *query,
                        struct fl_geo_found *ret, size_t max, size_t *found)
{
    struct search s;
    int error =
        search_begin(&s, ix, query, (struct nearest){.found = ret, .max = max},
                     max <= LEAF_POINTS);

    if (!error)
        error = search_around(&s, from, radius_m);
    if (!error)
        *found = answer(&s, ix, walk_circle);
    return error;
}

int fl_geo_index_nearest(struct fl_geo_index *ix, struct fl_geo_point from,
                         const struct fl_geo_query *query,
                         struct fl_geo_found *ret, size_t max, size_t *found)
{
    struct search s;
    int error = search_begin(&s, ix, query,
                             (struct nearest){.found = ret, .max = max}, true);

    if (!error)
        error = search_around(&s, from, INFINITY);
    if (!error)
        *found = answer(&s, ix, walk_nearest);
    return error;
}

/* ---- boxes -------------------------------------------------------------- */

struct box_search {
    struct fl_geo_query query;
    const struct fl_geo_box *box;
    const struct window *only; /* if a leaf may reach into more than one */
    struct fl_geo_found *ret;
    size_t max, count;
};

static void scan_box(struct box_search *b, const struct leaf *l)
{
    for (uint32_t i = 0; i < l->count && b->count < b->max; i++)
        if (fl_geo_box_has(b->box, leaf_point(l, i)) &&
            catch_passes(&b->query, b->only, l, i))
            b->ret[b->count++] = (struct fl_geo_found){
                .id = l->id[i], .at = leaf_point(l, i), .stamp = l->stamp[i]};
}

static void walk_box(struct box_search *b, const struct fl_geo_index *ix)
{
    struct window windows[2];
    struct stop stops[STOPS];
    unsigned count = windows_of(b->box, windows);

    for (unsigned i = 0; i < count; i++) {
        struct walk k = walk_begin(ix, &windows[i]);

        b->only = count > 1 ? &windows[i] : NULL;
        while (k.more && b->count < b->max) {
            uint32_t met = walk_some(&k, AHEAD, stops);

            for (uint32_t at = 0; at < met; at++)
                scan_box(b, stops[at].leaf);
        }
    }
    b->only = NULL;
}

int fl_geo_index_box(struct fl_geo_index *ix, const struct fl_geo_box *box,
                     const struct fl_geo_query *query, struct fl_geo_found *ret,
                     size_t max, size_t *found)
{
    struct box_search b = {.box = box, .ret = ret, .max = max};
    int error = fl_geo_box_valid(box)
                    ? options_read(&b.query, sizeof(b.query), query)
                    : FL_ERR_RANGE;

    if (error)
        return error;

    struct gate_stripe *stripe = gate_read(&ix->gate);

    if (ix->count && max)
        walk_box(&b, ix);
    gate_read_done(stripe);
    *found = b.count;
    return 0;
}
