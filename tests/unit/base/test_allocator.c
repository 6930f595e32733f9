/* SPDX-License-Identifier: MIT */
/* allocator - sizes that do not fit, what is given, codes. Threads: loop. */
#include "base/allocator.h"
#include "../check.h"
#include "base/mem.h"

#include "fieldline/error.h"
#include "fieldline/version.h"

#include <stdio.h>

static void *given_alloc(size_t size, void *ctx)
{
    ++*(int *)ctx;
    return mem_alloc(size);
}

static void *given_realloc(void *at, size_t size, void *ctx)
{
    ++*(int *)ctx;
    return mem_realloc(at, 1, size);
}

static void given_free(void *at, void *ctx)
{
    --*(int *)ctx;
    mem_free(at);
}

static void what_does_not_fit_is_no_memory(void **state)
{
    struct fl_allocator a;

    assert_true(allocator_or_own(&a, NULL));
    assert_null(allocator_alloc(&a, SIZE_MAX, 2));
    assert_null(allocator_zalloc(&a, SIZE_MAX / 2, 3));
    assert_null(allocator_realloc(&a, NULL, SIZE_MAX, SIZE_MAX));
}

static void the_given_one_is_asked(void **state)
{
    int blocks = 0;
    struct fl_allocator a,
        given = {given_alloc, given_realloc, given_free, &blocks};

    assert_true(allocator_or_own(&a, &given));

    char *at = allocator_zalloc(&a, 3, 5);

    assert_non_null(at);
    for (int i = 0; i < 15; i++)
        assert_int_equal(at[i], 0);
    assert_int_equal(blocks, 1);
    allocator_free(&a, at);
    allocator_free(&a, NULL);
    assert_int_equal(blocks, 0);
    at = allocator_alloc(&a, 0, 5);
    assert_non_null(at);
    allocator_free(&a, at);
    given.free = NULL;
    assert_false(allocator_or_own(&a, &given));
}

static void the_library_names_its_errors(void **state)
{
    assert_string_equal(fl_error_name(FL_ERR_RANGE), "RANGE");
    assert_string_equal(fl_error_name(FL_OK), "OK");
    assert_string_equal(fl_error_text(FL_ERR_NOMEM), "out of memory");
    assert_string_equal(fl_error_name(-999), "UNKNOWN");
}

static void the_header_is_the_librarys(void **state)
{
    char text[32];

    assert_string_equal(fl_version(), FL_VERSION_STRING);
    (void)snprintf(text, sizeof(text), "%d.%d.%d", FL_VERSION_MAJOR,
                   FL_VERSION_MINOR, FL_VERSION_PATCH);
    assert_string_equal(text, FL_VERSION_STRING);
}

RUN(cmocka_unit_test(what_does_not_fit_is_no_memory),
    cmocka_unit_test(the_given_one_is_asked),
    cmocka_unit_test(the_library_names_its_errors),
    cmocka_unit_test(the_header_is_the_librarys))
