/* SPDX-License-Identifier: MIT */
/*
 * lane - places in a table and in the order they were taken.
 *
 * A place keeps its rank when it is overwritten: a key that changes often is
 * not sent less often than one that does not.
 * Threads: loop.
 */
#include "hub/lane.h"

#include "base/error.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/table.h"
#include "hub/note.h"

struct lane {
    struct table *places;
    struct list order;
};

struct place {
    struct list link;
    struct note *note;
    struct bytes key;
};

int lane_new(struct lane **ret)
{
    struct lane *l = mem_zalloc(1, sizeof(*l));
    int error = l ? table_new(&l->places, LANE_PLACES_MAX) : ERR_NOMEM;

    if (error < 0) {
        mem_free(l);
        return error;
    }
    list_init(&l->order);
    *ret = l;
    return 0;
}

struct note *lane_take(struct lane *l)
{
    struct place *p;
    struct note *note;

    if (list_empty(&l->order))
        return NULL;
    p = LIST_FIRST(&l->order, struct place, link);
    note = p->note;
    list_remove(&p->link);
    (void)table_remove(l->places, p->key);
    mem_free(p);
    return note;
}

void lane_free(struct lane **lane)
{
    struct lane *l = *lane;
    struct note *note;

    *lane = NULL;
    if (!l)
        return;
    while ((note = lane_take(l)))
        note_unref(&note);
    table_free(&l->places);
    mem_free(l);
}

size_t lane_count(const struct lane *l)
{
    return table_count(l->places);
}

static int place_new(struct lane *l, struct note *note)
{
    struct place *p = mem_alloc(sizeof(*p) + note->slot.len);
    int error;

    if (!p)
        return ERR_NOMEM;
    memcpy(p + 1, note->slot.at, note->slot.len);
    p->key = (struct bytes){(const char *)(p + 1), note->slot.len};
    error = table_put(l->places, p->key, p);
    if (error < 0) {
        mem_free(p);
        return error;
    }
    p->note = note_ref(note);
    list_append(&l->order, &p->link);
    return 0;
}

int lane_put(struct lane *l, struct note *note, bool *replaced)
{
    struct place *p = table_get(l->places, note->slot);

    *replaced = p != NULL;
    if (p) {
        note_unref(&p->note);
        p->note = note_ref(note);
        return 0;
    }
    if (table_count(l->places) == LANE_PLACES_MAX) {
        struct note *oldest = lane_take(l);

        note_unref(&oldest);
        *replaced = true;
    }
    return place_new(l, note);
}
