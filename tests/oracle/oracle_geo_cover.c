/* SPDX-License-Identifier: MIT */
/*
 * oracle_geo_cover - polygons and covers against slow and plain geometry.
 *
 * Vertices lie on a grid of 1/1024 degree, so that the reference decides with
 * whole numbers. Every point of a shape must lie in its cover; every cell of a
 * cover must meet the shape; of a box, at one precision, the very cells that
 * their numbers say; where there is room to cut a cell, it was cut.
 * Threads: loop.
 */
#include "geo_draw.h"

#include <string.h>

#define GRID       1024
#define ROUND      (360 * GRID)
#define VERTICES   40
#define CELLS_MAX  4096
#define NEAR_M     1e-3
#define COVER_EACH 20 /* polygon points for each cover: covers are slow */

static struct random rng;

/* ---- rings -------------------------------------------------------------- */

struct ring {
    int64_t lat[VERTICES + 3], lng[VERTICES + 3]; /* unwound, grid units */
    uint32_t count;                               /* of the plane's polygon */
    struct fl_geo_point vertices[VERTICES + 1];
    uint32_t vertex_count;
};

static double wound(int64_t lng)
{
    int64_t turn = (lng + ROUND / 2) % ROUND;

    if (turn < 0)
        turn += ROUND;
    if (turn == 0 && random_below(&rng, 2))
        return 180;
    return (double)(turn - ROUND / 2) / GRID;
}

static void ring_vertices(struct ring *r, uint32_t count)
{
    bool backwards = random_below(&rng, 2);

    for (uint32_t i = 0; i < count; i++) {
        uint32_t from = backwards ? count - 1 - i : i;

        r->vertices[i] = (struct fl_geo_point){(double)r->lat[from] / GRID,
                                               wound(r->lng[from])};
    }
    r->vertex_count = count;
    if (random_below(&rng, 2)) { /* closed, as GeoJSON has it */
        r->vertices[count] = r->vertices[0];
        r->vertex_count++;
    }
}

static int by_number(const void *left, const void *right)
{
    const double *a = left, *b = right;

    return (*a > *b) - (*a < *b);
}

/* A star around a centre: rays in order, so no sides cross. */
static bool draw_star(struct ring *r)
{
    double angle[VERTICES], size = pow(10, draw_between(&rng, -1, 1.8));
    uint32_t n = 3 + (uint32_t)random_below(&rng, VERTICES - 3);
    struct fl_geo_point at = draw_point(&rng);

    for (uint32_t i = 0; i < n; i++)
        angle[i] = draw_between(&rng, 0, 2 * M_PI);
    qsort(angle, n, sizeof(angle[0]), by_number);
    for (uint32_t i = 0; i < n; i++) {
        double reach = size * draw_between(&rng, 0.3, 1);

        if (angle[(i + 1) % n] - angle[i] + (i + 1 < n ? 0 : 2 * M_PI) > 3)
            return false; /* the centre would be outside */
        r->lat[i] = (int64_t)round((at.lat + reach * sin(angle[i])) * GRID);
        r->lng[i] = (int64_t)round((at.lng + reach * cos(angle[i])) * GRID);
        if (r->lat[i] > 90 * GRID || r->lat[i] < -90 * GRID)
            return false;
    }
    r->count = n;
    ring_vertices(r, n);
    return true;
}

/* Once round, from west to east; the plane's polygon goes over the pole. */
static void draw_turn(struct ring *r)
{
    uint32_t n = 5 + (uint32_t)random_below(&rng, VERTICES - 5);
    double low = draw_between(&rng, -89, 80), mean = 0;
    int64_t west = (int64_t)random_below(&rng, ROUND) - ROUND / 2;

    for (uint32_t i = 0; i < n; i++) {
        r->lat[i] = (int64_t)(draw_between(&rng, low, low + 9) * GRID);
        r->lng[i] = west + ROUND * (int64_t)i / n;
    }
    for (uint32_t i = 0; i < n; i++) {
        int64_t next = i + 1 < n ? r->lng[i + 1] : west + ROUND;

        mean += (double)(r->lat[i] + r->lat[(i + 1) % n]) *
                (double)(next - r->lng[i]);
    }
    ring_vertices(r, n);

    int64_t pole = mean >= 0 ? 90 * GRID : -90 * GRID;

    r->lat[n] = r->lat[0];
    r->lng[n] = west + ROUND;
    r->lat[n + 1] = pole;
    r->lng[n + 1] = west + ROUND;
    r->lat[n + 2] = pole;
    r->lng[n + 2] = west;
    r->count = n + 3;
}

enum where { OUTSIDE, INSIDE, ON_IT };

/* In the plane, along a parallel: whole numbers are never wrong. */
static enum where plane_has(const struct ring *r, int64_t lat, int64_t lng)
{
    bool inside = false;

    for (uint32_t i = 0; i < r->count; i++) {
        uint32_t j = i + 1 < r->count ? i + 1 : 0;
        int64_t dy = r->lat[j] - r->lat[i], dx = r->lng[j] - r->lng[i];
        int64_t y = lat - r->lat[i], x = lng - r->lng[i];
        int64_t side = dx * y - dy * x;

        if (side == 0 && x * (x - dx) <= 0 && y * (y - dy) <= 0)
            return ON_IT;
        if ((r->lat[i] <= lat) != (r->lat[j] <= lat) && (side > 0) == (dy > 0))
            inside = !inside;
    }
    return inside ? INSIDE : OUTSIDE;
}

static enum where ring_has(const struct ring *r, int64_t lat, int64_t lng)
{
    enum where best = OUTSIDE;

    for (int turn = -2; turn <= 2; turn++) {
        enum where w = plane_has(r, lat, lng + turn * ROUND);

        if (w == ON_IT)
            return ON_IT;
        if (w == INSIDE)
            best = INSIDE;
    }
    return best;
}

/* ---- what holds of every cover ------------------------------------------ */

static fl_geo_cell cells[CELLS_MAX];
static size_t cell_count;

static struct fl_geo_cover_options draw_options(void)
{
    struct fl_geo_cover_options o = {.size = sizeof(o)};

    if (random_below(&rng, 2))
        o.precision_max = 1 + (unsigned)random_below(&rng, 12);
    if (!random_below(&rng, 4)) {
        unsigned max = o.precision_max ? o.precision_max : 12;

        o.precision_min = 1 + (unsigned)random_below(&rng, max < 3 ? max : 3);
    }
    if (random_below(&rng, 2))
        o.cells_max = 1 + random_below(&rng, random_below(&rng, 2) ? 40 : 400);
    return o;
}

static bool covered(struct fl_geo_point p)
{
    fl_geo_cell own;

    CHECK(fl_geo_encode(p, 12, &own) == 0);
    for (size_t i = 0; i < cell_count; i++) {
        fl_geo_cell up;

        CHECK(fl_geo_parent(own, fl_geo_cell_precision(cells[i]), &up) == 0);
        if (up == cells[i])
            return true;
    }
    return false;
}

static void check_form(const struct fl_geo_cover_options *o)
{
    unsigned run = 0;

    CHECK(cell_count <= (o->cells_max ? o->cells_max : FL_GEO_CELLS_DEFAULT));
    for (size_t i = 0; i < cell_count; i++) {
        unsigned p = fl_geo_cell_precision(cells[i]);
        fl_geo_cell a, b;

        CHECK(p >= (o->precision_min ? o->precision_min : 1));
        CHECK(p <= (o->precision_max ? o->precision_max : 12));
        if (!i) {
            run = 1;
            continue;
        }

        unsigned q = fl_geo_cell_precision(cells[i - 1]);

        CHECK(cells[i - 1] < cells[i]);
        if (q <= p) { /* not one inside the other */
            CHECK(fl_geo_parent(cells[i], q, &a) == 0);
            CHECK(a != cells[i - 1]);
        }
        if (p == q && p > (o->precision_min ? o->precision_min : 1)) {
            CHECK(fl_geo_parent(cells[i], p - 1, &a) == 0);
            CHECK(fl_geo_parent(cells[i - 1], p - 1, &b) == 0);
            run = a == b ? run + 1 : 1;
            CHECK(run < 32); /* they would be their parent */
        } else {
            run = 1;
        }
    }
}

/* ---- circles ------------------------------------------------------------ */

/* By narrowing an edge down around its nearest of eleven points. */
static double edge_m(struct fl_geo_point from, struct fl_geo_point a,
                     struct fl_geo_point b)
{
    double best_m = INFINITY;

    for (int step = 0; step < 60; step++) {
        double step_m = INFINITY, t_best = 0;

        for (int k = 0; k <= 10; k++) {
            double t = k / 10.0;
            struct fl_geo_point p = {a.lat + (b.lat - a.lat) * t,
                                     a.lng + (b.lng - a.lng) * t};
            double m = fl_geo_distance_m(from, p);

            if (m < step_m) {
                step_m = m;
                t_best = t;
            }
        }
        best_m = fmin(best_m, step_m);

        struct fl_geo_point near = {a.lat + (b.lat - a.lat) * t_best,
                                    a.lng + (b.lng - a.lng) * t_best};
        struct fl_geo_point reach = {(b.lat - a.lat) / 8, (b.lng - a.lng) / 8};

        a = (struct fl_geo_point){fmax(fmin(near.lat - reach.lat, 90), -90),
                                  fmax(fmin(near.lng - reach.lng, 180), -180)};
        b = (struct fl_geo_point){fmax(fmin(near.lat + reach.lat, 90), -90),
                                  fmax(fmin(near.lng + reach.lng, 180), -180)};
        if (step > 12 && fl_geo_distance_m(a, b) < 1e-6)
            break;
    }
    return best_m;
}

static double cell_m(struct fl_geo_point from, fl_geo_cell cell)
{
    struct fl_geo_area a;

    CHECK(fl_geo_decode(cell, &a) == 0);
    if (fl_geo_box_has(&a.box, from))
        return 0;

    const struct fl_geo_point sw = {a.box.south, a.box.west},
                              nw = {a.box.north, a.box.west},
                              se = {a.box.south, a.box.east},
                              ne = {a.box.north, a.box.east};

    return fmin(fmin(edge_m(from, sw, nw), edge_m(from, se, ne)),
                fmin(edge_m(from, sw, se), edge_m(from, nw, ne)));
}

static void check_circle(void)
{
    struct fl_geo_point center = draw_point(&rng), p;
    double radius_m = draw_radius(&rng);
    struct fl_geo_cover_options o = draw_options();
    int error = fl_geo_cover_circle(center, radius_m, &o, cells, &cell_count);

    CHECK(error == 0 || error == FL_ERR_LIMIT);
    if (error)
        return;
    check_form(&o);
    for (int i = 0; i < 30; i++) {
        double far = random_below(&rng, 2) ? 1 : draw_between(&rng, 0, 1);

        CHECK(fl_geo_destination(center, draw_between(&rng, 0, 360),
                                 radius_m * far, &p) == 0);
        if (fl_geo_distance_m(center, p) <= radius_m)
            CHECK(covered(p));
    }
    if (!random_below(&rng, 8))
        for (size_t i = 0; i < cell_count; i++)
            CHECK(cell_m(center, cells[i]) <= radius_m + NEAR_M);
}

/* Where there is room for one more cut, all that can be cut are whole. */
static void check_fine(void)
{
    struct fl_geo_point center = draw_point(&rng);
    double radius_m = pow(10, draw_between(&rng, 1, 6));
    struct fl_geo_cover_options o = draw_options();
    size_t max = o.cells_max ? o.cells_max : FL_GEO_CELLS_DEFAULT;

    if (fl_geo_cover_circle(center, radius_m, &o, cells, &cell_count) != 0 ||
        cell_count + 31 > max)
        return;
    for (size_t i = 0; i < cell_count; i++) {
        fl_geo_cell children[32];

        if (fl_geo_cell_precision(cells[i]) ==
            (o.precision_max ? o.precision_max : 12))
            continue;
        CHECK(fl_geo_children(cells[i], children) == 0);
        for (unsigned k = 0; k < 32; k++)
            CHECK(cell_m(center, children[k]) <= radius_m + NEAR_M);
    }
}

/* ---- boxes -------------------------------------------------------------- */

static bool lng_in(const struct fl_geo_box *box, double lng)
{
    const struct fl_geo_box band = {-90, box->west, 90, box->east};

    return fl_geo_box_has(&band, (struct fl_geo_point){0, lng});
}

/* A cell holds its southern and western edge; the last ones their ends. */
static bool reference_meets(const struct fl_geo_box *box, fl_geo_cell cell)
{
    struct fl_geo_area a;
    bool lat, lng;

    CHECK(fl_geo_decode(cell, &a) == 0);
    lat = a.box.south <= box->north &&
          (a.box.north > box->south || a.box.north == 90);
    /* Either begins within the other. */
    lng = lng_in(box, a.box.west) ||
          (box->west >= a.box.west && box->west < a.box.east) ||
          (a.box.east == 180 && lng_in(box, 180));
    return lat && lng;
}

static void check_box(void)
{
    unsigned precision = 1 + (unsigned)random_below(&rng, 3);
    struct fl_geo_cover_options o = {.size = sizeof(o),
                                     .precision_min = precision,
                                     .precision_max = precision,
                                     .cells_max = CELLS_MAX};
    struct fl_geo_point a = draw_point(&rng), b = draw_point(&rng), p;
    struct fl_geo_box box = {fmin(a.lat, b.lat), a.lng, fmax(a.lat, b.lat),
                             b.lng};
    uint64_t all = UINT64_C(1) << 5 * precision;
    size_t want = 0;
    int error = fl_geo_cover_box(&box, &o, cells, &cell_count);

    CHECK(error == 0 || error == FL_ERR_LIMIT);
    for (uint64_t bits = 0; bits < all; bits++) {
        fl_geo_cell cell;

        CHECK(fl_geo_cell_of_bits(bits, precision, &cell) == 0);
        if (!reference_meets(&box, cell))
            continue;
        CHECK(error || want >= cell_count || cells[want] == cell);
        want++;
    }
    CHECK(error ? want > CELLS_MAX : want == cell_count);
    o = draw_options();
    if (fl_geo_cover_box(&box, &o, cells, &cell_count) != 0)
        return;
    check_form(&o);
    for (int i = 0; i < 20; i++) {
        p = random_below(&rng, 2) ? draw_point(&rng)
                                  : (struct fl_geo_point){a.lat, b.lng};
        if (fl_geo_box_has(&box, p))
            CHECK(covered(p));
    }
}

/* ---- polygons ----------------------------------------------------------- */

static void draw_grid_point(const struct ring *r, int64_t *lat, int64_t *lng)
{
    uint32_t i = (uint32_t)random_below(&rng, r->count);

    *lat = r->lat[i];
    *lng = r->lng[i];
    if (random_below(&rng, 4)) {
        double spread = pow(10, draw_between(&rng, 0, 4.5));

        *lat += (int64_t)draw_between(&rng, -spread, spread);
        *lng += (int64_t)draw_between(&rng, -spread, spread);
    }
    if (*lat > 90 * GRID || *lat < -90 * GRID)
        *lat = 0;
}

static void check_polygon(void)
{
    struct ring r;
    struct fl_geo_polygon *polygon = NULL;
    struct fl_geo_box box;
    bool have_cover;
    struct fl_geo_cover_options o = draw_options();

    if (random_below(&rng, 4) == 0)
        draw_turn(&r);
    else if (!draw_star(&r))
        return;

    int error = fl_geo_polygon_new(&polygon, r.vertices, r.vertex_count, NULL);

    if (error) { /* the grid made it flat, or its sides meet */
        CHECK(error == FL_ERR_INVALID && !polygon);
        return;
    }
    fl_geo_polygon_box(polygon, &box);
    CHECK(fl_geo_box_valid(&box));
    have_cover = random_below(&rng, COVER_EACH) == 0 &&
                 fl_geo_cover_polygon(polygon, &o, cells, &cell_count) == 0;
    if (have_cover)
        check_form(&o);
    for (int i = 0; i < COVER_EACH; i++) {
        int64_t lat, lng;

        draw_grid_point(&r, &lat, &lng);

        enum where want = ring_has(&r, lat, lng);
        struct fl_geo_point p = {(double)lat / GRID, wound(lng)};
        bool got = fl_geo_polygon_has(polygon, p);

        if (want != ON_IT)
            CHECK(got == (want == INSIDE));
        if (got || want == ON_IT) {
            CHECK(fl_geo_box_has(&box, p));
            CHECK(!have_cover || covered(p));
        }
    }
    fl_geo_polygon_free(&polygon);
}

/* ---- plans -------------------------------------------------------------- */

static void check_plan(void)
{
    static struct fl_geo_range ranges[FL_GEO_CELLS_DEFAULT];
    struct fl_geo_plan_options o = {.size = sizeof(o)};
    struct fl_geo_point center = draw_point(&rng), p;
    double radius_m = pow(10, draw_between(&rng, -1, 6));
    size_t count;

    o.stored = 1 + (unsigned)random_below(&rng, 12);
    o.partition = (unsigned)random_below(&rng, o.stored < 5 ? o.stored : 5);
    o.ranges_max = 1 + random_below(&rng, FL_GEO_CELLS_DEFAULT);
    if (fl_geo_plan_circle(center, radius_m, &o, ranges, &count) != 0)
        return;
    CHECK(count <= o.ranges_max);
    for (int i = 0; i < 20; i++) {
        char key[FL_GEO_TEXT];
        fl_geo_cell cell;
        bool found = false;

        CHECK(fl_geo_destination(center, draw_between(&rng, 0, 360),
                                 radius_m * draw_between(&rng, 0, 1), &p) == 0);
        if (fl_geo_distance_m(center, p) > radius_m)
            continue;
        CHECK(fl_geo_encode(p, o.stored, &cell) == 0);
        CHECK(fl_geo_cell_to_text(cell, key) == 0);
        for (size_t k = 0; k < count; k++) {
            uint64_t bits = fl_geo_cell_to_bits(cell);
            bool text = strcmp(key, ranges[k].first) >= 0 &&
                        strcmp(key, ranges[k].last) <= 0 &&
                        strncmp(key, ranges[k].partition, o.partition) == 0;

            CHECK(text == (bits >= ranges[k].first_bits &&
                           bits <= ranges[k].last_bits));
            CHECK(strlen(ranges[k].partition) == o.partition);
            found |= text;
        }
        CHECK(found);
    }
}

int main(void)
{
    uint64_t cases = draw_cases();

    rng = random_start();
    for (uint64_t i = 0; i < cases; i++) {
        switch (random_below(&rng, 16)) {
        case 0:
            check_circle();
            break;
        case 1:
            check_plan();
            break;
        case 2:
            if (!random_below(&rng, 20))
                check_fine();
            break;
        case 3:
            if (!random_below(&rng, 8))
                check_box();
            break;
        default:
            check_polygon();
        }
    }
    return 0;
}
