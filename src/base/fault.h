/* SPDX-License-Identifier: MIT */
/*
 * fault - places where a test can make a call fail.
 *
 * Compiled in by -Dfaults=true. Each pass through a point counts; the test
 * says which pass of which kind fails. In a release build it is constant 0.
 * Threads: any, the counters are atomic.
 */
#ifndef FIELDLINE_BASE_FAULT_H
#define FIELDLINE_BASE_FAULT_H

#include <stdbool.h>
#include <stdint.h>

enum fault_kind {
    FAULT_ALLOC,
    FAULT_READ,
    FAULT_WRITE,
    FAULT_STORE,
    FAULT_KINDS
};

#ifdef FIELDLINE_FAULTS
bool fault_hit(enum fault_kind);
void fault_arm(enum fault_kind, uint64_t pass /* 1 is the next; 0 disarms */);
uint64_t fault_passes(enum fault_kind); /* since the last fault_arm */
#else
#define fault_hit(kind) (false)
#endif

#endif
