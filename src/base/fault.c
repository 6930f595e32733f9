/* SPDX-License-Identifier: MIT */
/*
 * fault - a counter and a target for each kind.
 * Threads: any, the counters are atomic.
 */
#include "base/fault.h"

#ifdef FIELDLINE_FAULTS

#include <stdatomic.h>

static atomic_uint_fast64_t passes[FAULT_KINDS];
static atomic_uint_fast64_t targets[FAULT_KINDS];

bool fault_hit(enum fault_kind kind)
{
    return atomic_fetch_add(&passes[kind], 1) + 1 ==
           atomic_load(&targets[kind]);
}

void fault_arm(enum fault_kind kind, uint64_t pass)
{
    atomic_store(&targets[kind], pass);
    atomic_store(&passes[kind], 0);
}

uint64_t fault_passes(enum fault_kind kind)
{
    return atomic_load(&passes[kind]);
}

#endif
