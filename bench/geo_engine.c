/* SPDX-License-Identifier: MIT */
/*
 * geo_engine - the geo engine measured in process, for bench/geo.js.
 *
 *   geo_engine FILE POINTS QUERIES ANSWERS
 *
 * FILE holds POINTS and then QUERIES positions, as pairs of doubles (latitude,
 * longitude). ANSWERS is written, in doubles: of each query how many points lie
 * within the radius, and of each its number and metres; the same of the
 * nearest. Prints "name value" lines; times are of one core unless their
 * name says otherwise, the least of three rounds.
 * Threads: loop, and now and then two readers.
 */
#include "base/attr.h"
#include "base/clock.h"
#include "base/hash.h"
#include "fieldline/geo.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS        3
#define SMALL         4096 /* points of a loop that stays in the first cache */
#define LIST          1000
#define RADIUS_M      5000.0
#define FOUND_MAX     65536
#define NEAREST       10
#define READERS_MAX   2
#define READER_PASSES 4      /* over all queries */
#define STEP_DEG      0.0005 /* about 50 m: one report of a moving car */

static struct fl_geo_point *points, *queries;
static size_t point_count, query_count;
static volatile uint64_t sink; /* results are used */

static void die(const char *what)
{
    (void)fprintf(stderr, "geo_engine: %s\n", what);
    exit(1);
}

static void *room(size_t count, size_t size)
{
    void *at = calloc(count, size);

    if (!at)
        die("out of memory");
    return at;
}

static void print(const char *name, double value)
{
    printf("%s %.6g\n", name, value);
}

typedef uint64_t work_fn(void *arg);

/* What this thread was given of a processor. */
static double processor_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Nanoseconds of the best round. */
static double best_ns(work_fn *work, void *arg)
{
    double best = 1e18;

    for (int i = 0; i < ROUNDS; i++) {
        double began = processor_ns();

        sink += work(arg);

        double took = processor_ns() - began;

        best = took < best ? took : best;
    }
    return best;
}

/* ---- cells, one at a time ----------------------------------------------- */

#define REPEATS 200

static fl_geo_cell small_cells[SMALL];
static char small_texts[SMALL][FL_GEO_TEXT];

static uint64_t encode_work(void *arg)
{
    uint64_t failed = 0;

    for (int r = 0; r < REPEATS; r++)
        for (size_t i = 0; i < SMALL; i++)
            failed += fl_geo_encode(points[i], 12, &small_cells[i]) != 0;
    return failed;
}

static uint64_t encode_text_work(void *arg)
{
    uint64_t failed = 0;

    for (int r = 0; r < REPEATS; r++)
        for (size_t i = 0; i < SMALL; i++)
            failed += fl_geo_encode_text(points[i], 12, small_texts[i]) != 0;
    return failed;
}

static uint64_t decode_work(void *arg)
{
    static struct fl_geo_area areas[SMALL];
    uint64_t failed = 0;

    for (int r = 0; r < REPEATS; r++)
        for (size_t i = 0; i < SMALL; i++)
            failed += fl_geo_decode(small_cells[i], &areas[i]) != 0;
    return failed;
}

static uint64_t decode_text_work(void *arg)
{
    static struct fl_geo_area areas[SMALL];
    uint64_t failed = 0;

    for (int r = 0; r < REPEATS; r++)
        for (size_t i = 0; i < SMALL; i++)
            failed += fl_geo_decode_text(small_texts[i], 12, &areas[i]) != 0;
    return failed;
}

static uint64_t distance_work(void *arg)
{
    double sum = 0;

    for (int r = 0; r < REPEATS; r++)
        for (size_t i = 1; i < SMALL; i++)
            sum += fl_geo_distance_m(points[i - 1], points[i]);
    return (uint64_t)sum;
}

static uint64_t neighbors_work(void *arg)
{
    fl_geo_cell ring[8];
    uint64_t sum = 0;

    for (int r = 0; r < REPEATS / 4; r++)
        for (size_t i = 0; i < SMALL; i++) {
            sum += (uint64_t)fl_geo_neighbors(small_cells[i], ring);
            sum += ring[3];
        }
    return sum;
}

static void cells(void)
{
    const double times = (double)REPEATS * SMALL;

    print("encode_ns", best_ns(encode_work, NULL) / times);
    print("encode_text_ns", best_ns(encode_text_work, NULL) / times);
    print("decode_ns", best_ns(decode_work, NULL) / times);
    print("decode_text_ns", best_ns(decode_text_work, NULL) / times);
    print("distance_ns", best_ns(distance_work, NULL) / times);
    print("neighbors_ns", best_ns(neighbors_work, NULL) / (times / 4));
}

/* ---- columns ------------------------------------------------------------ */

struct columns {
    double *lat, *lng, *metres;
    fl_geo_cell *cells;
};

static uint64_t encode_many_work(void *arg)
{
    struct columns *c = arg;

    return fl_geo_encode_many(c->lat, c->lng, point_count, 12, c->cells);
}

static uint64_t decode_many_work(void *arg)
{
    struct columns *c = arg;

    return fl_geo_decode_many(c->cells, point_count, c->lat, c->lng);
}

static uint64_t distance_many_work(void *arg)
{
    struct columns *c = arg;

    return fl_geo_distance_many(queries[0], c->lat, c->lng, point_count,
                                c->metres);
}

/* What memory allows: as many bytes read and written, nothing computed. */
static uint64_t bandwidth_work(void *arg)
{
    struct columns *c = arg;

    for (size_t i = 0; i < point_count; i++) {
        uint64_t lat, lng;

        memcpy(&lat, &c->lat[i], sizeof(lat));
        memcpy(&lng, &c->lng[i], sizeof(lng));
        c->cells[i] = lat ^ lng;
    }
    return c->cells[point_count / 2];
}

static void columns(void)
{
    struct columns c = {room(point_count, sizeof(double)),
                        room(point_count, sizeof(double)),
                        room(point_count, sizeof(double)),
                        room(point_count, sizeof(fl_geo_cell))};

    for (size_t i = 0; i < point_count; i++) {
        c.lat[i] = points[i].lat;
        c.lng[i] = points[i].lng;
    }

    double copy = best_ns(bandwidth_work, &c);
    double encode = best_ns(encode_many_work, &c);
    double distance = best_ns(distance_many_work, &c);
    double decode = best_ns(decode_many_work, &c);

    print("copy_many_ns", copy / (double)point_count);
    print("encode_many_ns", encode / (double)point_count);
    print("encode_many_bandwidth_share", copy / encode);
    print("decode_many_ns", decode / (double)point_count);
    print("distance_many_ns", distance / (double)point_count);
    free(c.lat);
    free(c.lng);
    free(c.metres);
    free(c.cells);
}

/* ---- a plain list ------------------------------------------------------- */

static uint64_t list_work(void *arg)
{
    struct columns *c = arg;
    static struct fl_geo_found found[LIST];
    size_t count, sum = 0;

    for (size_t i = 0; i < LIST; i++) {
        if (fl_geo_within((struct fl_geo_point){c->lat[i], c->lng[i]}, RADIUS_M,
                          c->lat, c->lng, LIST, found, LIST, &count))
            die("within");
        sum += count;
    }
    return sum;
}

/* A thousand points within some kilometres of the first query. */
static void list(void)
{
    static double lat[LIST], lng[LIST];
    struct columns c = {.lat = lat, .lng = lng};

    for (size_t i = 0; i < LIST; i++) {
        uint64_t r = hash_mix(i + 1);

        lat[i] = 48.85 + ((double)(r & 0xffff) / 65536 - 0.5) * 0.15;
        lng[i] = 2.35 + ((double)(r >> 16 & 0xffff) / 65536 - 0.5) * 0.2;
    }
    print("within_list_us", best_ns(list_work, &c) / LIST / 1000);
    print("within_list_found", (double)list_work(&c) / LIST);
}

/* ---- the index ---------------------------------------------------------- */

static uint64_t radius_work(void *arg)
{
    static _Thread_local struct fl_geo_found found[FOUND_MAX];
    size_t count, sum = 0;

    for (size_t i = 0; i < query_count; i++) {
        if (fl_geo_index_radius(arg, queries[i], RADIUS_M, NULL, found,
                                FOUND_MAX, &count))
            die("radius");
        sum += count;
    }
    return sum;
}

static uint64_t nearest_within_work(void *arg)
{
    struct fl_geo_found found[NEAREST];
    size_t count, sum = 0;

    for (size_t i = 0; i < query_count; i++) {
        if (fl_geo_index_radius(arg, queries[i], RADIUS_M, NULL, found, NEAREST,
                                &count))
            die("radius");
        sum += count;
    }
    return sum;
}

static uint64_t nearest_work(void *arg)
{
    struct fl_geo_found found[NEAREST];
    size_t count, sum = 0;

    for (size_t i = 0; i < query_count; i++) {
        if (fl_geo_index_nearest(arg, queries[i], NULL, found, NEAREST, &count))
            die("nearest");
        sum += count;
    }
    return sum;
}

static uint64_t walk_work(void *arg)
{
    static uint64_t draw;

    for (size_t i = 0; i < query_count; i++) {
        uint64_t r = hash_mix(++draw), id = (r >> 32) % point_count;
        struct fl_geo_point *p = &points[id];
        double lat = p->lat + ((double)(r & 0xffff) / 65536 - 0.5) * STEP_DEG;
        double lng =
            p->lng + ((double)(r >> 16 & 0xffff) / 65536 - 0.5) * STEP_DEG;

        if (lat > -90 && lat < 90 && lng > -180 && lng < 180)
            *p = (struct fl_geo_point){lat, lng};
        if (fl_geo_index_put(arg, id, *p, 1))
            die("put");
    }
    return 0;
}

/* Anywhere to anywhere: always another leaf. */
static uint64_t jump_work(void *arg)
{
    static uint64_t draw;

    for (size_t i = 0; i < query_count; i++) {
        uint64_t r = hash_mix(++draw), id = (r >> 32) % point_count;

        points[id] = points[(r & UINT32_MAX) % point_count];
        points[id].lat += 1e-7;
        if (fl_geo_index_put(arg, id, points[id], 1))
            die("put");
    }
    return 0;
}

struct reader {
    pthread_t thread;
    struct fl_geo_index *ix;
    uint64_t found;
    double processor_ns; /* what it was given */
};

static void *reader(void *arg)
{
    struct reader *r = arg;
    double began = processor_ns();

    for (int i = 0; i < READER_PASSES; i++)
        r->found += radius_work(r->ix);
    r->processor_ns = processor_ns() - began;
    return NULL;
}

/* Each on a processor of its own, whatever this program was pinned to. */
static void reader_start(struct reader *r, unsigned processor)
{
    pthread_attr_t attr;
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    pthread_attr_init(&attr);
    if (pthread_attr_setaffinity_np(&attr, sizeof(set), &set) ||
        pthread_create(&r->thread, &attr, reader, r))
        die("a reader needs a processor");
    pthread_attr_destroy(&attr);
}

/* Queries of so many threads at once: a second, and a second of processor. */
struct rate {
    double wall, processor;
};

static struct rate readers(struct fl_geo_index *ix, unsigned count)
{
    const double queries_each = (double)query_count * READER_PASSES;
    struct reader all[READERS_MAX] = {{0}};
    struct rate rate = {0, 0};
    uint64_t began = clock_mono_ns();

    for (unsigned i = 0; i < count; i++) {
        all[i].ix = ix;
        reader_start(&all[i], i);
    }
    for (unsigned i = 0; i < count; i++) {
        pthread_join(all[i].thread, NULL);
        sink += all[i].found;
        rate.processor += queries_each / (all[i].processor_ns / 1e9);
    }
    rate.wall =
        count * queries_each / ((double)(clock_mono_ns() - began) / 1e9);
    return rate;
}

/*
 * How many times one reader's queries two readers answer: by the clock, which
 * shows any waiting but needs an idle machine, and by the processor time they
 * were given, which shows cache lines that they take from each other.
 */
static void two_readers(struct fl_geo_index *ix)
{
    struct rate best[READERS_MAX] = {{0, 0}};

    if (sysconf(_SC_NPROCESSORS_ONLN) < READERS_MAX)
        die("two readers need two processors");
    for (int i = 0; i < ROUNDS; i++)
        for (unsigned count = 1; count <= READERS_MAX; count++) {
            struct rate r = readers(ix, count), *b = &best[count - 1];

            b->wall = fmax(b->wall, r.wall);
            b->processor = fmax(b->processor, r.processor);
        }
    print("readers_2_times_1", best[1].wall / best[0].wall);
    print("readers_2_times_1_processor", best[1].processor / best[0].processor);
}

static void write_answer(FILE *f, const struct fl_geo_found *found,
                         size_t count)
{
    double number = (double)count;

    if (fwrite(&number, sizeof(number), 1, f) != 1)
        die("the file of answers cannot be written");
    for (size_t i = 0; i < count; i++) {
        double pair[] = {(double)found[i].id, found[i].distance_m};

        if (fwrite(pair, sizeof(pair), 1, f) != 1)
            die("the file of answers cannot be written");
    }
}

static void write_answers(struct fl_geo_index *ix, const char *path)
{
    static struct fl_geo_found found[FOUND_MAX];
    FILE *f = fopen(path, "wb");
    size_t count;

    if (!f)
        die("the file of answers cannot be opened");
    for (size_t i = 0; i < query_count; i++) {
        if (fl_geo_index_radius(ix, queries[i], RADIUS_M, NULL, found,
                                FOUND_MAX, &count))
            die("radius");
        write_answer(f, found, count);
        if (fl_geo_index_radius(ix, queries[i], RADIUS_M, NULL, found, NEAREST,
                                &count))
            die("radius");
        write_answer(f, found, count);
    }
    if (fclose(f))
        die("the file of answers cannot be written");
}

static void index_part(const char *answers)
{
    const double queries_n = (double)query_count;
    struct fl_geo_index *ix;
    double began = processor_ns();

    if (fl_geo_index_new(&ix, NULL))
        die("index");
    for (size_t i = 0; i < point_count; i++)
        if (fl_geo_index_put(ix, i, points[i], 0))
            die("put");
    print("insert_us", (processor_ns() - began) / 1000 / (double)point_count);
    print("bytes_a_point",
          (double)fl_geo_index_bytes(ix) / (double)point_count);
    write_answers(ix, answers);
    print("radius_found", (double)radius_work(ix) / queries_n);
    print("radius_us", best_ns(radius_work, ix) / queries_n / 1000);
    print("nearest_within_found", (double)nearest_within_work(ix) / queries_n);
    print("nearest_within_us",
          best_ns(nearest_within_work, ix) / queries_n / 1000);
    print("nearest_us", best_ns(nearest_work, ix) / queries_n / 1000);
    two_readers(ix);
    print("move_us", best_ns(walk_work, ix) / queries_n / 1000);
    print("jump_us", best_ns(jump_work, ix) / queries_n / 1000);
    for (int i = 0; i < 5; i++) {
        sink += walk_work(ix);
        sink += jump_work(ix);
    }
    print("bytes_a_point_after_moves",
          (double)fl_geo_index_bytes(ix) / (double)point_count);
    fl_geo_index_free(&ix);
}

static void read_points(const char *path)
{
    FILE *f = fopen(path, "rb");

    points = room(point_count, sizeof(*points));
    queries = room(query_count, sizeof(*queries));
    if (!f || fread(points, sizeof(*points), point_count, f) != point_count ||
        fread(queries, sizeof(*queries), query_count, f) != query_count)
        die("the file of positions is too short");
    (void)fclose(f);
}

int main(int argc, char **argv)
{
    if (argc != 5)
        die("usage: geo_engine FILE POINTS QUERIES ANSWERS");
    point_count = strtoull(argv[2], NULL, 10);
    query_count = strtoull(argv[3], NULL, 10);
    if (point_count < SMALL || !query_count)
        die("at least 4096 points and one query");
    read_points(argv[1]);
    cells();
    columns();
    list();
    index_part(argv[4]);
    free(points);
    free(queries);
    return 0;
}
