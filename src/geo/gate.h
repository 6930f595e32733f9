/* SPDX-License-Identifier: MIT */
/*
 * gate - many readers beside one writer, readers without a shared line.
 *
 * A reader counts itself in on one of a few counters, each on a cache line of
 * its own wherever the gate lies, so that readers on different processors
 * write nothing in common, nor where others read.
 * The writer shuts the gate, waits until every counter is zero, and works; a
 * reader that finds it shut steps back and waits on the writers' mutex. A
 * writer thus never starves, and a reader waits for at most the writers that
 * came before it.
 * Threads: any.
 */
#ifndef FIELDLINE_GEO_GATE_H
#define FIELDLINE_GEO_GATE_H

#include "base/attr.h"

#include <pthread.h>
#include <stdatomic.h>

#define GATE_STRIPES 16
#define GATE_LINE    128 /* two lines: processors fetch them in pairs */

struct gate_stripe {
    atomic_uint readers;
    char apart[GATE_LINE - sizeof(atomic_uint)];
};

/* All readers read what stands before the stripes and behind them. */
struct gate {
    pthread_mutex_t writers;
    atomic_uint shut;
    char apart[GATE_LINE];
    struct gate_stripe stripes[GATE_STRIPES];
};

int gate_init(struct gate *) MUST_CHECK; /* ERR_NOMEM */
void gate_fini(struct gate *);

struct gate_stripe *gate_read(struct gate *);
void gate_read_done(struct gate_stripe *);
void gate_write(struct gate *);
void gate_write_done(struct gate *);

#endif
