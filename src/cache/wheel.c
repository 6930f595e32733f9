/* SPDX-License-Identifier: MIT */
/*
 * wheel - a link stands in the level its distance fits, in the slot of its
 * due tick; when the lower levels have gone round once, a slot's links move
 * down.
 * Threads: any, locked by the shard.
 */
#include "cache/wheel.h"

#define TICKS_MAX (UINT64_C(1) << (WHEEL_LEVELS * WHEEL_SLOT_BITS))

void wheel_reset(struct wheel *w, wheel_due_fn *due_fn)
{
    w->due_fn = due_fn;
    w->tick = 0;
    w->count = 0;
    for (int level = 0; level < WHEEL_LEVELS; level++)
        for (int slot = 0; slot < WHEEL_SLOTS; slot++)
            list_init(&w->slots[level][slot]);
}

static struct list *slot_at(struct wheel *w, unsigned level, uint64_t tick)
{
    return &w->slots[level]
                    [(tick >> (level * WHEEL_SLOT_BITS)) & (WHEEL_SLOTS - 1)];
}

static void wheel_place(struct wheel *w, struct list *l, uint64_t earliest)
{
    uint64_t tick = (w->due_fn(l) >> WHEEL_TICK_BITS) + 1; /* never early */
    unsigned level = 0;

    if (tick < earliest)
        tick = earliest;
    if (tick - w->tick >= TICKS_MAX)
        tick = w->tick + TICKS_MAX - 1;
    while ((tick - w->tick) >> ((level + 1) * WHEEL_SLOT_BITS))
        level++;
    list_append(slot_at(w, level, tick), l);
}

void wheel_add(struct wheel *w, struct list *l, uint64_t now_ms)
{
    uint64_t now = now_ms >> WHEEL_TICK_BITS;

    if (w->count == 0 && w->tick < now)
        w->tick = now;
    wheel_place(w, l, w->tick + 1);
    w->count++;
}

void wheel_remove(struct wheel *w, struct list *l)
{
    if (list_empty(l))
        return;
    list_remove(l);
    w->count--;
}

/* The tick has come to where a level's slot begins: its links move down. */
static void wheel_cascade(struct wheel *w)
{
    for (unsigned level = 1; level < WHEEL_LEVELS; level++) {
        struct list *slot = slot_at(w, level, w->tick);
        uint64_t below = (UINT64_C(1) << (level * WHEEL_SLOT_BITS)) - 1;

        if (w->tick & below)
            return;
        LIST_EACH_SAFE (slot, link, after) {
            list_remove(link);
            wheel_place(w, link, w->tick);
        }
    }
}

struct list *wheel_due(struct wheel *w, uint64_t now_ms)
{
    uint64_t now = now_ms >> WHEEL_TICK_BITS;

    while (w->count) {
        struct list *slot = slot_at(w, 0, w->tick);

        if (!list_empty(slot)) {
            struct list *l = slot->next;

            wheel_remove(w, l);
            return l;
        }
        if (w->tick >= now)
            return NULL;
        w->tick++;
        wheel_cascade(w);
    }
    return NULL;
}
