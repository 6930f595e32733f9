/* SPDX-License-Identifier: MIT */
/*
 * hazard - slots for each thread, and one barrier for all of them.
 *
 * Why it is right. A reader stores a pointer in a slot and then loads the place
 * again; who frees unlinks (changes the place), then makes every running thread
 * pass a full barrier, then reads the slots. In each thread that barrier comes
 * before the reader's store or after it. Before: his second load comes after
 * the unlinking and tells him. After: the store is seen. A thread that does not
 * run has passed one when it was put aside.
 * Threads: any.
 */
#include "cache/hazard.h"

#include "base/hash.h"

#include <assert.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#define VIEW_BITS 256u

static struct hazard threads[HAZARD_THREADS];
static atomic_uint threads_used; /* the highest ever taken, and one */
static bool readers_fence;       /* the kernel does not do it for them */
_Thread_local struct hazard *hazard_own;

static pthread_key_t ended_key;
static bool ended_known;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* ThreadSanitizer does not know fences; its own order of slots and frees is
 * that of the release and acquire beside them. */
#pragma GCC diagnostic push
#ifdef __SANITIZE_THREAD__
#pragma GCC diagnostic ignored "-Wtsan"
#endif
void hazard_fence(void)
{
    atomic_thread_fence(memory_order_seq_cst);
}
#pragma GCC diagnostic pop

static bool membarrier_registered(void)
{
    return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0,
                   0) == 0;
}

static bool membarrier_passed(void)
{
    return syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
}

static void on_thread_end(void *hazard)
{
    struct hazard *h = hazard;

    hazard_own = NULL;
    atomic_store_explicit(&h->taken, false, memory_order_release);
}

static void on_first_use(void)
{
    ended_known = pthread_key_create(&ended_key, on_thread_end) == 0;
    readers_fence = !membarrier_registered();
}

void hazard_prepare(void)
{
    (void)pthread_once(&once, on_first_use);
}

static void used_raise(unsigned count)
{
    unsigned was = atomic_load(&threads_used);

    while (was < count &&
           !atomic_compare_exchange_weak(&threads_used, &was, count))
        ;
}

struct hazard *hazard_take(void)
{
    hazard_prepare();
    for (unsigned i = 0; ended_known && i < HAZARD_THREADS; i++) {
        struct hazard *h = &threads[i];

        if (atomic_load_explicit(&h->taken, memory_order_relaxed) ||
            atomic_exchange(&h->taken, true))
            continue;
        if (pthread_setspecific(ended_key, h) != 0) {
            atomic_store(&h->taken, false);
            return NULL;
        }
        used_raise(i + 1);
        h->index = i;
        h->fences = readers_fence;
        hazard_own = h;
        return h;
    }
    return NULL;
}

/* Where readers fence, the fence here is the other half of theirs. */
static void everybody_fences(void)
{
    hazard_prepare();
    hazard_fence();
    if (readers_fence || membarrier_passed())
        return;

    /* A child process of fork(2) may have to ask anew. */
    bool passed = membarrier_registered() && membarrier_passed();

    assert(passed); /* the kernel has granted it before */
}

/* --- views --- */

static unsigned bit_of(const void *what)
{
    return (unsigned)(hash_mix((uint64_t)(uintptr_t)what) % VIEW_BITS);
}

void hazard_look(struct hazard_view *ret)
{
    *ret = (struct hazard_view){0};
    everybody_fences();

    unsigned used = atomic_load(&threads_used);

    for (unsigned i = 0; i < used; i++)
        for (unsigned slot = 0; slot < HAZARD_SLOTS; slot++) {
            const void *what = atomic_load_explicit(&threads[i].slots[slot],
                                                    memory_order_acquire);
            unsigned bit = bit_of(what);

            if (what)
                ret->bits[bit / 64] |= UINT64_C(1) << bit % 64;
        }
}

/* Asks the slots themselves where the filter is not sure. */
bool hazard_is_held(const struct hazard_view *v, const void *what)
{
    unsigned bit = bit_of(what), used = atomic_load(&threads_used);

    if (!(v->bits[bit / 64] >> bit % 64 & 1))
        return false;
    for (unsigned i = 0; i < used; i++)
        for (unsigned slot = 0; slot < HAZARD_SLOTS; slot++)
            if (atomic_load_explicit(&threads[i].slots[slot],
                                     memory_order_acquire) == what)
                return true;
    return false;
}
