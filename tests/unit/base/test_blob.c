/* SPDX-License-Identifier: MIT */
/* blob - copies, adoption, references across threads. Threads: any. */
#include "base/blob.h"
#include "base/mem.h"
#include "../check.h"

#include <pthread.h>

static void copies_and_fills(void **state)
{
    struct blob *b, *e;
    char *at;

    assert_int_equal(blob_new(&b, BYTES("hello")), 0);
    check_bytes(blob_bytes(b), "hello");
    blob_unref(&b);
    assert_null(b);
    blob_unref(&b);
    assert_int_equal(blob_bytes(NULL).len, 0);

    assert_int_equal(blob_new_empty(&e, 3, &at), 0);
    memcpy(at, "abc", 3);
    check_bytes(blob_bytes(e), "abc");
    blob_unref(&e);
    assert_int_equal(blob_new_empty(&e, SIZE_MAX, &at), ERR_NOMEM);
    assert_int_equal(blob_new(&e, (struct bytes){NULL, 0}), 0);
    blob_unref(&e);
}

static void adopts(void **state)
{
    struct blob *b, *other;
    char *taken = mem_copy(BYTES("taken"));

    assert_int_equal(blob_adopt(&b, taken, 5), 0);
    assert_ptr_equal(b->at, taken);
    other = blob_ref(b);
    blob_unref(&b);
    check_bytes(blob_bytes(other), "taken");
    blob_unref(&other);
}

static void *reference_many(void *arg)
{
    for (int i = 0; i < 20000; i++) {
        struct blob *mine = blob_ref(arg);

        blob_unref(&mine);
    }
    return NULL;
}

static void references_are_counted_across_threads(void **state)
{
    pthread_t threads[4];
    struct blob *b;

    assert_int_equal(blob_new(&b, BYTES("shared")), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, reference_many, b),
                         0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&b->refs), 1);
    blob_unref(&b);
}

RUN(cmocka_unit_test(copies_and_fills), cmocka_unit_test(adopts),
    cmocka_unit_test(references_are_counted_across_threads))
