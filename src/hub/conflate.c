/* SPDX-License-Identifier: MIT */
/*
 * conflate - a table of slots, each with its own timer.
 * Threads: loop.
 */
#include "hub/conflate.h"

#include "base/error.h"
#include "base/mem.h"
#include "base/table.h"
#include "hub/note.h"
#include "net/loop.h"

struct conflate {
    struct loop *loop;
    struct table *slots; /* by note->slot */
    conflate_out_fn *out_fn;
    void *arg;
};

struct slot {
    struct conflate *conflate;
    struct timer timer;
    struct note *held;
    unsigned window_ms;
    struct bytes key;
};

int conflate_new(struct conflate **ret, struct loop *loop,
                 conflate_out_fn *out_fn, void *arg)
{
    struct conflate *c = mem_zalloc(1, sizeof(*c));
    int error = c ? table_new(&c->slots, CONFLATE_SLOTS_MAX) : ERR_NOMEM;

    if (error < 0) {
        mem_free(c);
        return error;
    }
    c->loop = loop;
    c->out_fn = out_fn;
    c->arg = arg;
    *ret = c;
    return 0;
}

static void slot_close(struct slot *s)
{
    (void)table_remove(s->conflate->slots, s->key);
    timer_stop(&s->timer);
    note_unref(&s->held);
    loop_defer_free(s->conflate->loop, s, mem_free);
}

void conflate_free(struct conflate **conflate)
{
    struct conflate *c = *conflate;
    struct slot *s;

    *conflate = NULL;
    if (!c)
        return;
    for (size_t cursor = 0; (s = table_next(c->slots, &cursor));)
        slot_close(s);
    table_free(&c->slots);
    mem_free(c);
}

static void on_window(struct timer *t, void *arg)
{
    struct slot *s = arg;
    struct note *held = s->held;

    if (!held) {
        slot_close(s);
        return;
    }
    s->held = NULL;
    timer_start(s->conflate->loop, &s->timer, s->window_ms);
    s->conflate->out_fn(held, s->conflate->arg);
    note_unref(&held);
}

/* Without memory or room for a slot the value is merely not conflated. */
static void slot_open(struct conflate *c, struct bytes key, unsigned window_ms)
{
    struct slot *s = mem_alloc(sizeof(*s) + key.len);

    if (!s)
        return;
    memcpy(s + 1, key.at, key.len);
    *s = (struct slot){.conflate = c,
                       .window_ms = window_ms,
                       .key = {(const char *)(s + 1), key.len}};
    if (table_put(c->slots, s->key, s) != 0) {
        mem_free(s);
        return;
    }
    timer_init(&s->timer, on_window, s);
    timer_start(c->loop, &s->timer, window_ms);
}

bool conflate_put(struct conflate *c, struct note *note, unsigned window_ms)
{
    struct slot *s = window_ms ? table_get(c->slots, note->slot) : NULL;
    bool replaced = s && s->held;

    if (s) {
        note_unref(&s->held);
        s->held = note_ref(note);
        return replaced;
    }
    if (window_ms)
        slot_open(c, note->slot, window_ms);
    c->out_fn(note, c->arg);
    return false;
}
