/* SPDX-License-Identifier: MIT */
/*
 * larder - what is kept, for how long, how much of it, and over a resize.
 * Threads: some tests start their own.
 */
#include "edge/larder.h"

#include "../check.h"

#include "base/blob.h"
#include "base/error.h"
#include "base/hash.h"
#include "cache/tagclock.h"
#include "edge/edge.h"
#include "edge/reply.h"
#include "fieldline/cache.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define NARROW   0 /* classes */
#define WIDE     1
#define TTL_MS   60000
#define SHELF    8 /* entries of the narrow class */
#define MEGABYTE ((size_t)1 << 20)
#define LARGE    (8 << 10) /* 300 of them are more than a megabyte */
#define NOW_MS   123456u

static const struct cache_class_spec classes[] = {
    {BYTES("narrow"), TTL_MS, 0, SHELF}, {BYTES("wide"), TTL_MS, 30000, 0}};

static struct tagclock *tag_clock;
static struct larder *larder;

static int set_up(void **state)
{
    assert_int_equal(tagclock_new(&tag_clock, 1 << 16), 0);
    tagclock_restart(tag_clock, 10);
    assert_int_equal(
        larder_new(&larder, MEGABYTE, tag_clock, classes, ARRAY_LEN(classes)),
        0);
    return 0;
}

static int tear_down(void **state)
{
    larder_free(&larder);
    tagclock_free(&tag_clock);
    return 0;
}

static struct bytes key_of(unsigned class_index, unsigned n, char room[32])
{
    return (struct bytes){
        room, (size_t)snprintf(room, 32, "%u/items/%u", class_index, n)};
}

/* A reply whose ETag is its key. */
static struct reply *reply_make(struct bytes key, size_t size)
{
    struct blob *body = NULL;
    struct reply *r = NULL;

    if (size) {
        static const char zeros[2 * MEGABYTE];

        assert_int_equal(blob_new(&body, (struct bytes){zeros, size}), 0);
    }
    assert_int_equal(reply_new(&r, 200, key, BYTES(""), false, body), 0);
    r->stamp = tagclock_stamp(tag_clock);
    return r;
}

static int put_tagged(unsigned class_index, unsigned n, size_t size,
                      const struct tagset *tags)
{
    char room[32];
    struct bytes key = key_of(class_index, n, room);
    struct reply *r = reply_make(key, size);
    struct larder_item item = {class_index, tags, NOW_MS};
    int error = larder_put(larder, key, r, &item);

    reply_unref(&r);
    return error;
}

static int put(unsigned class_index, unsigned n)
{
    const struct tagset tags = {.tags = {n + 1}, .count = 1};

    return put_tagged(class_index, n, 0, &tags);
}

static bool has(unsigned class_index, unsigned n)
{
    char room[32];
    struct bytes key = key_of(class_index, n, room);
    struct reply *r = larder_get(larder, key);
    bool found = r != NULL;

    assert_true(!r || bytes_equal(r->etag, key));
    reply_unref(&r);
    return found;
}

static unsigned kept(unsigned class_index, unsigned count)
{
    unsigned found = 0;

    for (unsigned n = 0; n < count; n++)
        found += has(class_index, n);
    return found;
}

static struct fl_cache_stats stats(void)
{
    struct fl_cache_stats s;

    larder_stats(larder, &s);
    return s;
}

/* As if each worker had had its turn. */
static void resize(size_t bytes_max)
{
    struct fl_cache *old = NULL;

    assert_int_equal(larder_resize(larder, bytes_max, &old), 0);
    if (old)
        larder_carry(larder, &old);
    assert_null(old);
}

static void a_class_keeps_as_many_as_its_shelf_holds(void **state)
{
    for (unsigned n = 0; n < 100; n++) {
        assert_int_equal(put(NARROW, n), 0);
        assert_int_equal(put(WIDE, n), 0);
        assert_true(has(NARROW, n));
        assert_true(stats().entries <= SHELF + n + 1);
    }
    assert_int_equal(kept(NARROW, 100), SHELF);
    assert_int_equal(kept(WIDE, 100), 100);
    for (unsigned times = 0; times < 100; times++)
        assert_int_equal(put(NARROW, 99), 0);
    assert_int_equal(kept(NARROW, 100), SHELF); /* a renewal is one entry */
}

static void what_does_not_fit_stands_on_no_shelf(void **state)
{
    const struct tagset none = {0};

    for (unsigned n = 0; n < SHELF; n++)
        assert_int_equal(put(NARROW, n), 0);
    for (unsigned n = 0; n < SHELF; n++)
        assert_int_equal(put_tagged(NARROW, 50 + n, 2 * MEGABYTE, &none),
                         ERR_LIMIT);
    assert_int_equal(kept(NARROW, SHELF), SHELF);
    assert_int_equal(put(NARROW, 99), 0);
    assert_int_equal(kept(NARROW, SHELF), SHELF - 1);
}

static void a_reply_obeys_its_tags_and_the_clock(void **state)
{
    const struct tagset none = {0}, scope = {.scope = 77};

    assert_int_equal(put(WIDE, 0), 0);
    assert_int_equal(put_tagged(WIDE, 1, 0, &none), 0);
    assert_int_equal(put_tagged(WIDE, 2, 0, &scope), 0);
    tagclock_move(tag_clock, 1, 11);
    assert_false(has(WIDE, 0));
    assert_true(has(WIDE, 1) && has(WIDE, 2));
    tagclock_set_stale(tag_clock, true);
    assert_false(has(WIDE, 1) || has(WIDE, 2));
    tagclock_set_stale(tag_clock, false);
    assert_true(has(WIDE, 1) && has(WIDE, 2));
    tagclock_move_all(tag_clock, 12);
    assert_false(has(WIDE, 1) || has(WIDE, 2));
    assert_int_equal(put_tagged(WIDE, 1, 0, &none), 0); /* its stamp is 10 */
    assert_false(has(WIDE, 1));
    tagclock_advance(tag_clock, 12);
    assert_int_equal(put_tagged(WIDE, 1, 0, &none), 0);
    assert_true(has(WIDE, 1));
    tagclock_restart(tag_clock, 3); /* another history */
    assert_false(has(WIDE, 1));
}

static void freshness_is_only_shortened_and_by_a_tenth_at_most(void **state)
{
    uint64_t least = UINT64_MAX, most = 0, random = 1;

    for (unsigned i = 0; i < 10000; i++) {
        uint64_t fresh_ms = larder_fresh_ms(TTL_MS, random = hash_mix(random));

        least = fresh_ms < least ? fresh_ms : least;
        most = fresh_ms > most ? fresh_ms : most;
    }
    assert_int_equal(least, TTL_MS - TTL_MS / 10);
    assert_int_equal(most, TTL_MS);
    assert_int_equal(larder_fresh_ms(1, 100), 1);
    assert_int_equal(larder_fresh_ms(999, 100), 900); /* 99.9, rounded down */
    assert_int_equal(larder_fresh_ms(UINT64_MAX, 0), UINT64_MAX);
    assert_true(larder_fresh_ms(UINT64_MAX, 100) >= UINT64_MAX / 10 * 9);
}

static void what_came_together_is_not_renewed_together(void **state)
{
    uint64_t last = 0;
    unsigned others = 0;

    for (unsigned n = 0; n < 200; n++) {
        char room[32];
        struct bytes key = key_of(WIDE, n, room);
        struct reply *r;

        assert_int_equal(put(WIDE, n), 0);
        r = larder_get(larder, key);
        assert_non_null(r);
        assert_true(r->fresh_until_ms <= NOW_MS + TTL_MS);
        assert_true(r->fresh_until_ms >= NOW_MS + TTL_MS - TTL_MS / 10);
        others += r->fresh_until_ms != last;
        last = r->fresh_until_ms;
        reply_unref(&r);
    }
    assert_true(others > 100);
}

/* ---- another size ----------------------------------------------------- */

static void a_larder_grows_with_all_that_is_in_it(void **state)
{
    const struct tagset none = {0};
    struct fl_cache_stats before;

    for (unsigned n = 0; n < 500; n++)
        assert_int_equal(put_tagged(WIDE, n, 0, &none), 0);
    for (unsigned n = 0; n < 2 * SHELF; n++)
        assert_int_equal(put(NARROW, n), 0);
    before = stats();
    assert_int_equal(before.bytes_max, MEGABYTE);
    resize(8 * MEGABYTE);
    assert_int_equal(stats().bytes_max, 8 * MEGABYTE);
    assert_int_equal(stats().entries, before.entries);
    assert_int_equal(stats().bytes, before.bytes);
    assert_true(stats().evictions >= before.evictions);
    assert_int_equal(kept(WIDE, 500), 500);
    assert_int_equal(kept(NARROW, 2 * SHELF), SHELF);
    /* There is more room, and the old bounds of classes. */
    for (unsigned n = 0; n < 300; n++)
        assert_int_equal(put_tagged(WIDE, 1000 + n, LARGE, &none), 0);
    for (unsigned n = 0; n < 300; n++)
        assert_true(has(WIDE, 1000 + n));
    for (unsigned n = 50; n < 100; n++)
        assert_int_equal(put(NARROW, n), 0);
    assert_int_equal(kept(NARROW, 100), SHELF);
    /* They obey their tags and the clock as they did. */
    assert_true(has(NARROW, 99));
    resize(16 * MEGABYTE);
    tagclock_move(tag_clock, 100, 11);
    assert_false(has(NARROW, 99));
    assert_true(has(NARROW, 98));
    tagclock_move_all(tag_clock, 11);
    assert_int_equal(kept(WIDE, 500), 0);
}

static void what_is_not_valid_is_not_carried(void **state)
{
    for (unsigned n = 0; n < 100; n++)
        assert_int_equal(put(WIDE, n), 0);
    tagclock_move(tag_clock, 1, 11);
    resize(2 * MEGABYTE);
    assert_int_equal(stats().entries, 99);
}

/* Between resize and carry others have put what is newer. */
static void a_later_reply_is_not_overtaken_by_what_is_carried(void **state)
{
    struct fl_cache *old = NULL;
    char room[32];
    struct bytes key = key_of(WIDE, 0, room);
    struct reply *early, *late;

    assert_int_equal(put(WIDE, 0), 0);
    early = larder_get(larder, key);
    assert_int_equal(larder_resize(larder, 2 * MEGABYTE, &old), 0);
    assert_non_null(old);
    assert_false(has(WIDE, 0));
    assert_int_equal(put(WIDE, 0), 0);
    larder_carry(larder, &old);
    late = larder_get(larder, key);
    assert_non_null(late);
    assert_ptr_not_equal(late, early);
    reply_unref(&early);
    reply_unref(&late);
}

static void a_larder_shrinks_and_grows_again(void **state)
{
    const struct tagset none = {0};

    resize(8 * MEGABYTE);
    for (unsigned n = 0; n < 300; n++)
        assert_int_equal(put_tagged(WIDE, n, LARGE, &none), 0);
    assert_int_equal(kept(WIDE, 300), 300);

    uint64_t evictions = stats().evictions;

    resize(MEGABYTE);
    assert_int_equal(stats().bytes_max, MEGABYTE);
    assert_true(stats().bytes <= MEGABYTE);
    assert_true(stats().evictions > evictions);
    evictions = stats().evictions;
    resize(0);
    assert_int_equal(stats().entries, 0);
    resize(16 * MEGABYTE);
    assert_true(stats().evictions > evictions);
    assert_int_equal(put(WIDE, 0), 0);
    assert_true(has(WIDE, 0));
}

/* ---- threads ---------------------------------------------------------- */

#define THREADS 4
#define ROUNDS  20000
#define KEYS    40u

/* Puts, gets, moves of tags; the bound of bytes makes some leave as well. */
static void *use(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg;

    for (int i = 0; i < ROUNDS; i++) {
        unsigned n = (unsigned)rand_r(&seed) % KEYS;
        unsigned class_index = (unsigned)rand_r(&seed) % 16 ? NARROW : WIDE;
        const struct tagset tags = {.tags = {n + 1}, .count = 1};

        if (has(class_index, n))
            continue;
        if (put_tagged(class_index, n, n % 4 ? 0 : MEGABYTE / 16, &tags) < 0)
            return arg;
        if (i % 64 == 0)
            larder_sweep(larder);
    }
    return NULL;
}

static void threads_share_shelves(void **state)
{
    pthread_t threads[THREADS];

    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, use, (void *)(i + 1)), 0);
    for (int i = 0; i < THREADS; i++) {
        void *wrong;

        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    assert_true(kept(NARROW, KEYS) <= SHELF);
}

#define ONE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

RUN(ONE(a_class_keeps_as_many_as_its_shelf_holds),
    ONE(what_does_not_fit_stands_on_no_shelf),
    ONE(a_reply_obeys_its_tags_and_the_clock),
    ONE(freshness_is_only_shortened_and_by_a_tenth_at_most),
    ONE(what_came_together_is_not_renewed_together),
    ONE(a_larder_grows_with_all_that_is_in_it),
    ONE(what_is_not_valid_is_not_carried),
    ONE(a_later_reply_is_not_overtaken_by_what_is_carried),
    ONE(a_larder_shrinks_and_grows_again), ONE(threads_share_shelves))
