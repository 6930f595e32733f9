/* SPDX-License-Identifier: MIT */
/* hash - stable for ever, keyed by the process. Threads: loop. */
#include "base/hash.h"
#include "../check.h"

static void the_stable_hash_never_changes(void **state)
{
    /* XXH3's published values: a change here breaks what is stored. */
    assert_true(hash_stable(BYTES("")) == 0x2d06800538d394c2u);
    assert_true(hash_stable((struct bytes){NULL, 0}) == 0x2d06800538d394c2u);
    assert_true(hash_stable_seed(BYTES("a"), 0) == hash_stable(BYTES("a")));
    assert_true(hash_stable_seed(BYTES("a"), 1) != hash_stable(BYTES("a")));
}

static void the_keyed_hash_is_ours(void **state)
{
    assert_true(hash_keyed(BYTES("a")) == hash_keyed(BYTES("a")));
    assert_true(hash_keyed(BYTES("a")) != hash_keyed(BYTES("b")));
    assert_true(hash_keyed(BYTES("a")) != hash_stable(BYTES("a")));
    assert_true(hash_keyed_seed(BYTES("a"), 1) !=
                hash_keyed_seed(BYTES("a"), 2));
    assert_true(hash_keyed_seed(BYTES("a"), 0) != hash_keyed(BYTES("a")));
}

static void unmixing_undoes_mixing(void **state)
{
    for (unsigned bit = 0; bit < 64; bit++) {
        assert_true(hash_unmix(hash_mix(UINT64_C(1) << bit)) == UINT64_C(1)
                                                                    << bit);
        assert_true(hash_mix(hash_unmix(UINT64_MAX << bit)) == UINT64_MAX
                                                                   << bit);
    }
}

static void random_bytes_differ(void **state)
{
    unsigned char a[32] = {0}, b[32] = {0};

    random_bytes(a, sizeof(a));
    random_bytes(b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
}

RUN(cmocka_unit_test(the_stable_hash_never_changes),
    cmocka_unit_test(the_keyed_hash_is_ours),
    cmocka_unit_test(unmixing_undoes_mixing),
    cmocka_unit_test(random_bytes_differ))
