/* SPDX-License-Identifier: MIT */
/*
 * reclaim - one counter, and a place for each thread.
 *
 * Why it is right. A reader stores the epoch in its place and then loads
 * pointers; a writer unlinks, then raises the epoch from e to e + 1, then
 * reads the places, all in one order of all of them. If the writer finds the
 * place empty, the reader's store comes later, and its loads with it: they see
 * the unlinking. If it finds more than e, the reader read the raised epoch,
 * which came after the unlinking. Else the writer waits for another time.
 * Threads: any.
 */
#include "cache/reclaim.h"

#include "base/attr.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define PLACE_GAP 64 /* no line of the processor's cache is shared */

struct reclaim_place {
    _Alignas(PLACE_GAP) _Atomic uint64_t epoch; /* 0: outside */
    atomic_bool taken;
};

static struct reclaim_place places[RECLAIM_PLACES];
static _Atomic uint64_t current = 1;
static _Thread_local struct reclaim_place *mine
    __attribute__((tls_model("initial-exec")));

static atomic_uint places_used; /* the highest ever taken, and one */
static pthread_key_t ended_key;
static bool ended_known;
static pthread_once_t ended_once = PTHREAD_ONCE_INIT;

static void on_thread_end(void *place)
{
    struct reclaim_place *p = place;

    mine = NULL;
    atomic_store_explicit(&p->taken, false, memory_order_release);
}

static void ended_init(void)
{
    ended_known = pthread_key_create(&ended_key, on_thread_end) == 0;
}

static void used_raise(unsigned count)
{
    unsigned was = atomic_load(&places_used);

    while (was < count &&
           !atomic_compare_exchange_weak(&places_used, &was, count))
        ;
}

static struct reclaim_place *place_take(void)
{
    (void)pthread_once(&ended_once, ended_init);
    for (unsigned i = 0; ended_known && i < RECLAIM_PLACES; i++) {
        struct reclaim_place *p = &places[i];

        if (atomic_load_explicit(&p->taken, memory_order_relaxed) ||
            atomic_exchange(&p->taken, true))
            continue;
        if (pthread_setspecific(ended_key, p) != 0) {
            atomic_store(&p->taken, false);
            return NULL;
        }
        used_raise(i + 1);
        mine = p;
        return p;
    }
    return NULL;
}

struct reclaim_place *reclaim_enter(void)
{
    struct reclaim_place *p = LIKELY(mine) ? mine : place_take();

    /* Sequentially consistent: no later load may come before this store. */
    if (LIKELY(p))
        atomic_store(&p->epoch,
                     atomic_load_explicit(&current, memory_order_acquire));
    return p;
}

void reclaim_leave(struct reclaim_place *p)
{
    atomic_store_explicit(&p->epoch, 0, memory_order_release);
}

unsigned reclaim_index(const struct reclaim_place *p)
{
    return (unsigned)(p - places);
}

uint64_t reclaim_retire(void)
{
    return atomic_fetch_add(&current, 1);
}

uint64_t reclaim_oldest(void)
{
    uint64_t oldest = UINT64_MAX;
    unsigned used = atomic_load(&places_used);

    for (unsigned i = 0; i < used; i++) {
        uint64_t epoch = atomic_load(&places[i].epoch);

        if (epoch && epoch < oldest)
            oldest = epoch;
    }
    return oldest;
}
