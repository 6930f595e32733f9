/* SPDX-License-Identifier: MIT */
/*
 * test_queue - a stream's queue against a plain string, and its references.
 * Threads: loop.
 */
#include "../check.h"

#include "base/blob.h"
#include "base/hash.h"
#include "net/queue.h"

#include <stdlib.h>

#define MODEL_MAX ((size_t)1 << 22)
#define BUFS_MAX  64

struct scene {
    struct queue_pool pool;
    struct queue *q;
};

static void scene_begin(struct scene *s)
{
    memset(s, 0, sizeof(*s));
    s->q = queue_new(&s->pool);
    assert_non_null(s->q);
}

static void scene_end(struct scene *s)
{
    queue_free(&s->q, &s->pool);
    assert_null(s->q);
    queue_pool_fini(&s->pool);
}

static void copy_in(struct scene *s, struct bytes bytes)
{
    char *room = queue_room(s->q, &s->pool, bytes.len);

    assert_non_null(room);
    memcpy(room, bytes.at, bytes.len);
    assert_int_equal(queue_room_used(s->q, bytes.len), 0);
}

static void copies_that_follow_each_other_join(void **state)
{
    struct scene s;
    uv_buf_t bufs[BUFS_MAX];
    size_t all;

    scene_begin(&s);
    copy_in(&s, BYTES("one "));
    copy_in(&s, BYTES("two "));
    copy_in(&s, BYTES("three"));
    assert_int_equal(queue_front(s.q, bufs, BUFS_MAX, &all), 1);
    assert_int_equal(all, 13);
    assert_memory_equal(bufs[0].base, "one two three", 13);
    scene_end(&s);
}

static void a_blob_is_held_until_it_is_sent(void **state)
{
    struct scene s;
    struct blob *blob;

    scene_begin(&s);
    assert_int_equal(blob_new(&blob, BYTES("0123456789")), 0);
    assert_int_equal(queue_blob(s.q, blob, blob_bytes(blob)), 0);
    assert_int_equal(queue_blob(s.q, blob, (struct bytes){blob->at, 0}), 0);
    assert_int_equal(atomic_load(&blob->refs), 2); /* nothing of length 0 */
    queue_advance(s.q, &s.pool, 9);
    assert_int_equal(atomic_load(&blob->refs), 2);
    queue_advance(s.q, &s.pool, 1);
    assert_int_equal(atomic_load(&blob->refs), 1);
    assert_int_equal(queue_blob(s.q, blob, blob_bytes(blob)), 0);
    queue_free(&s.q, &s.pool);
    assert_int_equal(atomic_load(&blob->refs), 1);
    blob_unref(&blob);
    scene_end(&s);
}

static void room_that_is_not_used_costs_nothing(void **state)
{
    struct scene s;
    uv_buf_t bufs[BUFS_MAX];
    size_t all;

    scene_begin(&s);
    copy_in(&s, BYTES("a"));
    for (unsigned i = 0; i < 3; i++)
        assert_non_null(queue_room(s.q, &s.pool, QUEUE_CHUNK_LARGE - i));
    assert_non_null(queue_room(s.q, &s.pool, 100000));
    copy_in(&s, BYTES("b"));
    memcpy(queue_room(s.q, &s.pool, 1), "c", 1);
    check_bytes((struct bytes){queue_room_spoil(s.q, 1), 1}, "c");
    copy_in(&s, BYTES("d"));
    assert_int_equal(queue_front(s.q, bufs, BUFS_MAX, &all), 3);
    assert_int_equal(all, 3);
    queue_advance(s.q, &s.pool, 3);
    assert_int_equal(s.q->bytes, 0);
    scene_end(&s);
}

static void what_is_sent_does_not_pile_up(void **state)
{
    struct scene s;

    scene_begin(&s);
    for (unsigned i = 0; i < 100; i++) {
        assert_non_null(queue_room(s.q, &s.pool, QUEUE_CHUNK_LARGE));
        assert_int_equal(queue_room_used(s.q, QUEUE_CHUNK_LARGE), 0);
        queue_advance(s.q, &s.pool, QUEUE_CHUNK_LARGE);
    }
    queue_free(&s.q, &s.pool);
    assert_true(s.pool.chunk_count <= 2); /* no more were ever alive */
    scene_end(&s);
}

/* What the queue shows at its front is what the model holds next. */
static void check_front(struct scene *s, const char *model, size_t len)
{
    uv_buf_t bufs[BUFS_MAX];
    size_t all, at = 0;
    unsigned n = queue_front(s->q, bufs, BUFS_MAX, &all);

    assert_int_equal(s->q->bytes, len);
    assert_true(all <= len);
    assert_true(all == len || n == BUFS_MAX);
    for (unsigned i = 0; i < n; i++) {
        assert_true(bufs[i].len > 0);
        assert_memory_equal(bufs[i].base, model + at, bufs[i].len);
        at += bufs[i].len;
    }
    assert_int_equal(at, all);
}

static void any_mixture_comes_out_as_it_went_in(void **state)
{
    char *model = malloc(MODEL_MAX), letters[6000];
    size_t from = 0, to = 0;
    struct scene s;
    struct blob *blob;

    scene_begin(&s);
    for (size_t i = 0; i < sizeof(letters); i++)
        letters[i] = (char)('a' + hash_mix(i) % 26);
    assert_int_equal(blob_new(&blob, (struct bytes){letters, 6000}), 0);
    for (uint64_t i = 0; i < 6000; i++) {
        uint64_t r = hash_mix(i + 1000000);
        size_t n = (r >> 8) % (r % 16 == 0 ? 6000 : 60), held = to - from;
        struct bytes part = {blob->at + (r >> 40) % (6000 - n), n};

        if (r % 3 == 0 && held) {
            size_t taken = (r >> 16) % (held < 5000 ? held : 5000) + 1;
            queue_advance(s.q, &s.pool, taken);
            from += taken;
        } else if (to + n <= MODEL_MAX) {
            if (r % 3 == 1 && n)
                copy_in(&s, part);
            else
                assert_int_equal(queue_blob(s.q, blob, part), 0);
            memcpy(model + to, part.at, n);
            to += n;
        }
        check_front(&s, model + from, to - from);
    }
    queue_advance(s.q, &s.pool, to - from);
    assert_int_equal(atomic_load(&blob->refs), 1);
    blob_unref(&blob);
    scene_end(&s);
    free(model);
}

RUN(cmocka_unit_test(copies_that_follow_each_other_join),
    cmocka_unit_test(a_blob_is_held_until_it_is_sent),
    cmocka_unit_test(room_that_is_not_used_costs_nothing),
    cmocka_unit_test(what_is_sent_does_not_pile_up),
    cmocka_unit_test(any_mixture_comes_out_as_it_went_in))
