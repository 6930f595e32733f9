/* SPDX-License-Identifier: MIT */
/*
 * gate - a counter per stripe, a flag and a mutex.
 *
 * The reader writes its counter and then reads the flag, the writer the other
 * way round, all sequentially consistent: at least one of them sees the other.
 * Threads: any.
 */
#include "geo/gate.h"

#include "base/error.h"

#include <sched.h>

#define SPINS 200 /* looks at a counter before the processor is given away */

static unsigned own_stripe(void)
{
    static atomic_uint threads;
    static _Thread_local unsigned stripe_1; /* 0: not chosen yet */

    if (!stripe_1)
        stripe_1 =
            1 + atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed) %
                    GATE_STRIPES;
    return stripe_1 - 1;
}

int gate_init(struct gate *g)
{
    *g = (struct gate){0};
    return pthread_mutex_init(&g->writers, NULL) ? ERR_NOMEM : 0;
}

void gate_fini(struct gate *g)
{
    pthread_mutex_destroy(&g->writers);
}

struct gate_stripe *gate_read(struct gate *g)
{
    struct gate_stripe *s = &g->stripes[own_stripe()];

    atomic_fetch_add(&s->readers, 1);
    if (LIKELY(!atomic_load(&g->shut)))
        return s;
    gate_read_done(s);
    pthread_mutex_lock(&g->writers);
    atomic_fetch_add(&s->readers, 1);
    pthread_mutex_unlock(&g->writers);
    return s;
}

void gate_read_done(struct gate_stripe *s)
{
    atomic_fetch_sub_explicit(&s->readers, 1, memory_order_release);
}

static void wait_for_none(struct gate_stripe *s)
{
    for (unsigned looks = 0; atomic_load(&s->readers); looks++)
        if (looks >= SPINS)
            sched_yield();
}

void gate_write(struct gate *g)
{
    pthread_mutex_lock(&g->writers);
    atomic_store(&g->shut, 1);
    for (unsigned i = 0; i < GATE_STRIPES; i++)
        wait_for_none(&g->stripes[i]);
}

void gate_write_done(struct gate *g)
{
    atomic_store_explicit(&g->shut, 0, memory_order_release);
    pthread_mutex_unlock(&g->writers);
}
