/* SPDX-License-Identifier: MIT */
/*
 * fault_tags - each allocation fails in turn while a change moves its tags.
 *
 * A tag that is not known for want of memory may be anyone's: then everything
 * has moved, or a cached reply would be served for what is no longer true.
 * Threads: the test's.
 */
#include "../unit/data/fixture.h"

#include "base/fault.h"
#include "cache/tagclock.h"
#include "data/data.h"

#define OFFSET       7
#define CLOCK_BYTES  4096
#define NOBODYS_TAG  UINT64_C(0x5eed5eed5eed5eed)
#define PASSES_NEVER UINT64_MAX

/* A stop as the triggers say it. */
#define STOP(lab, driver, status)                                              \
    BYTES("{\"id\":1,\"lab_id\":" lab ",\"route_id\":3,\"clinic_id\":4,"       \
          "\"driver_id\":" driver ",\"status\":\"" status                      \
          "\",\"notes\":\"a note\","                                           \
          "\"weight\":1.5,\"urgent\":0,\"due_at\":null,\"proof\":null,"        \
          "\"position\":2,\"secret\":null}")

static const struct change change = {
    .offset = OFFSET,
    .op = CHANGE_UPDATE,
    .table = BYTES("route_stops"),
    .key = BYTES("1"),
    .tenant = BYTES("2"),
    .row = STOP("2", "12", "done"),
    .old = STOP("1", "11", "pending"),
};

/* Applies the change, the nth allocation failing; how many there were. */
static uint64_t apply(struct fixture *f, uint64_t nth, bool *ret_all)
{
    struct tagclock *clock;
    uint64_t passes;

    assert_int_equal(tagclock_new(&clock, CLOCK_BYTES), 0);
    fault_arm(FAULT_ALLOC, nth);
    data_change_apply(fixture_data(f), clock, &change);
    passes = fault_passes(FAULT_ALLOC);
    fault_arm(FAULT_ALLOC, 0);
    *ret_all = tagclock_at(clock, NOBODYS_TAG) == OFFSET;
    tagclock_free(&clock);
    return passes;
}

static void what_is_not_known_moves_everything(void **state)
{
    struct fixture *f = lab_new();
    bool all;
    uint64_t passes = apply(f, PASSES_NEVER, &all);

    assert_true(passes > 0);
    assert_false(all);
    for (uint64_t nth = 1; nth <= passes; nth++) {
        (void)apply(f, nth, &all);
        assert_true(all);
    }
    fixture_free(f);
}

RUN(cmocka_unit_test(what_is_not_known_moves_everything))
