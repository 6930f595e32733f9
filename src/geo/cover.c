/* SPDX-License-Identifier: MIT */
/*
 * cover - the cells that hold a shape.
 *
 * It begins with the 32 cells of precision 1 and goes down a precision at a
 * time. Of the cells on the shape's edge, each is replaced by those of its
 * children that meet the shape, the one with the fewest first, as long as
 * there is room; at the end 32 cells of one parent become the parent, and if
 * that made room, what had been left is tried again.
 * Threads: any.
 */
#include "geo/cover.h"

#include "base/error.h"
#include "base/options.h"
#include "geo/grid.h"

#include <stdlib.h>

enum state {
    EDGE, /* may be cut */
    LEFT, /* could have been cut, had there been room */
    DONE, /* inside, or as fine as is allowed, or put together */
};

struct piece {
    fl_geo_cell cell;
    uint32_t meets; /* which of its children meet the shape */
    uint32_t holds; /* which of them lie wholly in it */
    enum state state;
    bool inside;
};

struct cover {
    struct shape *shape;
    unsigned precision_min, precision_max;
    size_t cells_max;
    struct piece *pieces;
    size_t count;
};

static unsigned precision_of(fl_geo_cell cell)
{
    return cell & 15;
}

static fl_geo_cell child_of(fl_geo_cell cell, unsigned child)
{
    unsigned precision = precision_of(cell) + 1;

    return (cell - precision + 1) |
           (uint64_t)child << (64 - LETTER_BITS * precision) | precision;
}

static enum state state_of(const struct cover *c, fl_geo_cell cell, bool inside)
{
    unsigned precision = precision_of(cell);

    if (precision == c->precision_max ||
        (inside && precision >= c->precision_min))
        return DONE;
    return EDGE;
}

static void piece_set(const struct cover *c, struct piece *p, fl_geo_cell cell,
                      bool inside)
{
    *p = (struct piece){
        .cell = cell, .inside = inside, .state = state_of(c, cell, inside)};
}

/* ---- cutting ------------------------------------------------------------ */

static void piece_look(struct cover *c, struct piece *p)
{
    p->meets = p->holds = 0;
    if (p->inside) {
        p->meets = p->holds = UINT32_MAX;
        return;
    }
    if (c->shape->relate == polygon_relate) {
        struct fl_geo_box box = grid_box(p->cell);

        polygon_narrow(c->shape, &box);
    }
    for (unsigned child = 0; child < 32; child++) {
        struct fl_geo_box box = grid_box(child_of(p->cell, child));
        enum relation r = c->shape->relate(c->shape, &box);

        p->meets |= (uint32_t)(r != APART) << child;
        p->holds |= (uint32_t)(r == HOLDS) << child;
    }
}

/* The first child takes the piece's place, the others go to the end. */
static void piece_cut(struct cover *c, size_t at)
{
    const struct piece p = c->pieces[at];
    bool placed = false;

    for (unsigned child = 0; child < 32; child++) {
        if (!(p.meets >> child & 1))
            continue;
        piece_set(c, placed ? &c->pieces[c->count++] : &c->pieces[at],
                  child_of(p.cell, child), p.holds >> child & 1);
        placed = true;
    }
}

static void piece_drop(struct cover *c, size_t at)
{
    c->pieces[at] = c->pieces[--c->count];
}

static bool is_at(const struct piece *p, unsigned precision)
{
    return precision_of(p->cell) == precision && p->state == EDGE;
}

/* Cuts those of a precision that become so many. ERR_LIMIT: it had to. */
static int cut_into(struct cover *c, unsigned precision, unsigned children,
                    bool *ret_cut)
{
    const size_t count = c->count;

    for (size_t i = 0; i < count; i++) {
        struct piece *p = &c->pieces[i];

        if (!is_at(p, precision) ||
            (unsigned)__builtin_popcount(p->meets) != children)
            continue;
        if (c->count + children - 1 <= c->cells_max) {
            piece_cut(c, i);
            *ret_cut = true;
        } else if (precision < c->precision_min) {
            return ERR_LIMIT;
        } else {
            p->state = LEFT;
        }
    }
    return 0;
}

static int cut_precision(struct cover *c, unsigned precision, bool *ret_cut)
{
    int error = 0;

    for (size_t i = c->count; i-- > 0;) {
        struct piece *p = &c->pieces[i];

        if (!is_at(p, precision))
            continue;
        piece_look(c, p);
        /* A margin's width let it in, and none of its children. */
        if (!p->meets)
            piece_drop(c, i);
    }
    for (unsigned children = 1; children <= 32 && !error; children++)
        error = cut_into(c, precision, children, ret_cut);
    return error;
}

static int cut_all(struct cover *c, bool *ret_cut)
{
    int error = 0;

    for (unsigned p = 1; p < c->precision_max && !error; p++)
        error = cut_precision(c, p, ret_cut);
    return error;
}

/* ---- putting together --------------------------------------------------- */

static int in_order(const void *left, const void *right)
{
    const struct piece *a = left, *b = right;

    return (a->cell > b->cell) - (a->cell < b->cell);
}

/* 32 pieces in a row that are all children of one cell. */
static bool is_family(const struct piece *p, size_t count, unsigned precision)
{
    if (count < 32 || precision_of(p[0].cell) != precision ||
        precision_of(p[31].cell) != precision)
        return false;
    /* In order and without overlap, 31 steps are all the others. */
    uint64_t step = UINT64_C(1) << (64 - LETTER_BITS * precision);

    return p[31].cell - p[0].cell == 31 * step &&
           (p[0].cell & (32 * step - 1)) == precision;
}

static bool join_precision(struct cover *c, unsigned precision)
{
    size_t kept = 0, count = c->count;

    for (size_t i = 0; i < count; kept++) {
        const struct piece *p = &c->pieces[i];

        if (is_family(p, count - i, precision)) {
            c->pieces[kept] = (struct piece){
                .cell = p->cell - 1, /* the precision; the letter is 0 */
                .state = DONE,
            };
            i += 32;
        } else {
            c->pieces[kept] = c->pieces[i++];
        }
    }
    c->count = kept;
    return kept < count;
}

static bool join_all(struct cover *c)
{
    bool joined = false;

    qsort(c->pieces, c->count, sizeof(*c->pieces), in_order);
    for (unsigned p = c->precision_max; p > c->precision_min; p--)
        joined |= join_precision(c, p);
    return joined;
}

static bool retry_left(struct cover *c)
{
    bool any = false;

    for (size_t i = 0; i < c->count; i++)
        if (c->pieces[i].state == LEFT) {
            c->pieces[i].state = EDGE;
            any = true;
        }
    return any;
}

static int cover_find(struct cover *c)
{
    bool cut;
    int error;

    if (c->shape->relate == polygon_relate)
        polygon_narrow(c->shape, NULL);
    for (uint64_t i = 0; i < 32; i++) {
        fl_geo_cell cell = i << (64 - LETTER_BITS) | 1;
        struct fl_geo_box box = grid_box(cell);
        enum relation r = c->shape->relate(c->shape, &box);

        if (r != APART)
            piece_set(c, &c->pieces[c->count++], cell, r == HOLDS);
    }
    if (c->count > c->cells_max)
        return ERR_LIMIT;
    do {
        cut = false;
        error = cut_all(c, &cut);
    } while (!error && join_all(c) && retry_left(c) && cut);
    return error;
}

/* ---- the three shapes --------------------------------------------------- */

static int cover_options(const struct fl_geo_cover_options *given,
                         struct fl_geo_cover_options *ret)
{
    int error = options_read(ret, sizeof(*ret), given);

    if (error)
        return error;
    if (!ret->precision_min)
        ret->precision_min = 1;
    if (!ret->precision_max)
        ret->precision_max = FL_GEO_PRECISION_MAX;
    if (!ret->cells_max)
        ret->cells_max = FL_GEO_CELLS_DEFAULT;
    if (!grid_precision_valid(ret->precision_max) ||
        ret->precision_min > ret->precision_max ||
        ret->cells_max > FL_GEO_CELLS_MAX)
        return ERR_RANGE;
    return 0;
}

static int cover_run(struct shape *shape, const struct fl_geo_cover_options *o,
                     const struct fl_allocator *a, fl_geo_cell *ret,
                     size_t *ret_count)
{
    struct cover c = {.shape = shape,
                      .precision_min = o->precision_min,
                      .precision_max = o->precision_max,
                      .cells_max = o->cells_max};
    int error;

    /* 32 to begin with, whatever the limit. */
    c.pieces = allocator_alloc(a, c.cells_max + 32, sizeof(*c.pieces));
    if (!c.pieces)
        return ERR_NOMEM;
    error = cover_find(&c);
    for (size_t i = 0; i < c.count && !error; i++)
        ret[i] = c.pieces[i].cell;
    if (!error)
        *ret_count = c.count;
    allocator_free(a, c.pieces);
    return error;
}

/* The options, filled up, and the allocator that they name. */
static int cover_begin(const struct fl_geo_cover_options *options,
                       struct fl_geo_cover_options *ret_options,
                       struct fl_allocator *ret_allocator)
{
    int error = cover_options(options, ret_options);

    if (error)
        return error;
    return allocator_or_own(ret_allocator, ret_options->allocator)
               ? 0
               : FL_ERR_INVALID;
}

static int cover_shape(struct shape *shape,
                       const struct fl_geo_cover_options *options,
                       fl_geo_cell *ret, size_t *count)
{
    struct fl_geo_cover_options o;
    struct fl_allocator a;
    int error = cover_begin(options, &o, &a);

    return error ? error : cover_run(shape, &o, &a, ret, count);
}

int fl_geo_cover_circle(struct fl_geo_point center, double radius_m,
                        const struct fl_geo_cover_options *options,
                        fl_geo_cell *ret, size_t *count)
{
    struct shape shape = {.relate = circle_relate};

    if (!fl_geo_point_valid(center) || !(radius_m >= 0) || isinf(radius_m))
        return FL_ERR_RANGE;
    shape.circle.center = center;
    shape.circle.antipode = (struct fl_geo_point){
        -center.lat, center.lng > 0 ? center.lng - 180 : center.lng + 180};
    shape.circle.radius_m = radius_m;
    return cover_shape(&shape, options, ret, count);
}

int fl_geo_cover_box(const struct fl_geo_box *box,
                     const struct fl_geo_cover_options *options,
                     fl_geo_cell *ret, size_t *count)
{
    struct shape shape = {.relate = box_relate};

    if (!fl_geo_box_valid(box))
        return FL_ERR_RANGE;
    shape.box = *box;
    return cover_shape(&shape, options, ret, count);
}

int fl_geo_cover_polygon(const struct fl_geo_polygon *polygon,
                         const struct fl_geo_cover_options *options,
                         fl_geo_cell *ret, size_t *count)
{
    struct shape shape = {.relate = polygon_relate};
    struct fl_geo_cover_options o;
    struct fl_allocator a;
    int error = cover_begin(options, &o, &a);

    if (error)
        return error;
    shape.ring.polygon = polygon;
    shape.ring.sides =
        allocator_alloc(&a, polygon->count, sizeof(*shape.ring.sides));
    if (!shape.ring.sides)
        return FL_ERR_NOMEM;
    error = cover_run(&shape, &o, &a, ret, count);
    allocator_free(&a, shape.ring.sides);
    return error;
}
