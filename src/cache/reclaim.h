/* SPDX-License-Identifier: MIT */
/*
 * reclaim - when nobody can be looking at what has been unlinked.
 *
 * Epochs (K. Fraser, Practical lock-freedom, 2004). Who walks a shared
 * structure without its lock enters first, which notes the epoch in a place of
 * his thread's own, and leaves after. Who has unlinked something retires the
 * epoch: once every thread that is inside has entered after that, nobody holds
 * a pointer to it. Sections are short and never wait.
 *
 * A thread takes its place at its first entry and gives it back when it ends.
 * There are RECLAIM_PLACES; a thread without one must take the lock instead.
 * Threads: any; there is one domain for the whole process.
 */
#ifndef FIELDLINE_CACHE_RECLAIM_H
#define FIELDLINE_CACHE_RECLAIM_H

#include "base/attr.h"

#include <stdint.h>

#define RECLAIM_PLACES 512u

struct reclaim_place;

struct reclaim_place *reclaim_enter(void); /* NULL: no place is left */
void reclaim_leave(struct reclaim_place *);
/* Below RECLAIM_PLACES; no two threads that live have the same. */
unsigned reclaim_index(const struct reclaim_place *);

/* After unlinking. What it returns is compared with reclaim_oldest(). */
uint64_t reclaim_retire(void);
/* The oldest epoch that somebody may still be in: what was retired before it
 * is nobody's. */
uint64_t reclaim_oldest(void);

#endif
