/* SPDX-License-Identifier: MIT */
/*
 * hazard - what a thread looks at, said so that nobody frees it.
 *
 * Hazard pointers (M. Michael, IEEE TPDS 2004). A thread has SLOTS; who finds
 * something in a shared structure without its lock stores the pointer in a
 * slot, and looks whether it still stands where it was found: if so, it stays
 * until the slot is cleared, which any thread may do. Who has unlinked things
 * calls hazard_look(), and may free those that no slot holds.
 *
 * The fence that this needs between a reader's store and his second look is
 * paid by who frees: membarrier(2) makes every running thread of the process
 * pass one. Where the kernel has no such call, readers fence for themselves.
 *
 * A thread takes its slots at its first use and gives them back when it ends;
 * a slot that is still held then is passed over by the next owner. There are
 * slots for HAZARD_THREADS; a thread without must take the lock instead.
 * Threads: any; there is one domain for the whole process.
 */
#ifndef FIELDLINE_CACHE_HAZARD_H
#define FIELDLINE_CACHE_HAZARD_H

#include "base/attr.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define HAZARD_THREADS 512u
#define HAZARD_SLOTS   16u
#define HAZARD_LINE    64 /* no line of the processor's cache is shared */

typedef _Atomic(const void *) hazard_slot;

struct hazard {
    /* NULL: free. Stored by its thread; cleared by any. */
    _Alignas(HAZARD_LINE) hazard_slot slots[HAZARD_SLOTS];
    _Alignas(HAZARD_LINE) bool fences; /* its thread must fence */
    unsigned index; /* below HAZARD_THREADS; no two that live have the same */
    atomic_bool taken;
};

/* Asks the kernel for membarrier(2), if that has not been done yet. With one
 * thread it grants it at once; with several it waits for a grace period of its
 * own, which takes milliseconds. */
void hazard_prepare(void);

/* Initial-exec: found by one load, without a call, in a shared library too. */
extern _Thread_local struct hazard *hazard_own
    __attribute__((tls_model("initial-exec")));
struct hazard *hazard_take(void); /* at its first use; or NULL */

/* This thread's, or NULL. */
static inline struct hazard *hazard_mine(void)
{
    struct hazard *own = hazard_own;

    return LIKELY(own != NULL) ? own : hazard_take();
}

/* A free slot, or NULL when all are held. */
static inline hazard_slot *hazard_free_slot(struct hazard *h)
{
    for (unsigned i = 0; i < HAZARD_SLOTS; i++)
        if (LIKELY(!atomic_load_explicit(&h->slots[i], memory_order_acquire)))
            return &h->slots[i];
    return NULL;
}

void hazard_fence(void);

/* What is loaded after this is as fresh as if a fence stood here. */
static inline void hazard_hold(const struct hazard *h, hazard_slot *slot,
                               const void *what)
{
    atomic_store_explicit(slot, what, memory_order_release);
    if (UNLIKELY(h->fences))
        hazard_fence();
    else
        atomic_signal_fence(memory_order_seq_cst);
}

static inline void hazard_clear(hazard_slot *slot)
{
    atomic_store_explicit(slot, NULL, memory_order_release);
}

/* What was held at a moment after everything that its caller unlinked. */
struct hazard_view {
    uint64_t bits[4]; /* of a Bloom filter; most are told free by it */
};

void hazard_look(struct hazard_view *ret);
bool hazard_is_held(const struct hazard_view *, const void *what);

#endif
