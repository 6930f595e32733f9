/* SPDX-License-Identifier: MIT */
/*
 * table - linear probing; a removed entry leaves a mark that is swept away as
 * soon as nothing is probed past it.
 *
 * A slot is free (value NULL), removed (value is &removed_mark) or taken.
 * Invariant: at least a quarter of the slots is free, so every probe ends.
 * Threads: loop (lock it outside where several threads use it).
 */
#include "base/table.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"

#define TABLE_CAP_FIRST ((size_t)8)

struct slot {
    uint64_t hash;
    struct bytes key;
    void *value;
};

struct table {
    struct slot *slots;
    size_t cap; /* 0 or a power of two */
    size_t count;
    size_t removed;
    size_t max;
};

static char removed_mark;

int table_new(struct table **ret, size_t max)
{
    struct table *t = mem_zalloc(1, sizeof(*t));

    if (!t)
        return ERR_NOMEM;
    t->max = max;
    *ret = t;
    return 0;
}

void table_free(struct table **table)
{
    if (*table) {
        mem_free((*table)->slots);
        mem_free(*table);
    }
    *table = NULL;
}

static bool is_taken(const struct slot *s)
{
    return s->value && s->value != &removed_mark;
}

static struct slot *slot_find(const struct table *t, struct bytes key,
                              uint64_t hash)
{
    if (t->cap == 0)
        return NULL;
    for (size_t i = (size_t)hash & (t->cap - 1);; i = (i + 1) & (t->cap - 1)) {
        struct slot *s = &t->slots[i];

        if (!s->value)
            return NULL;
        if (s->hash == hash && s->value != &removed_mark &&
            bytes_equal(s->key, key))
            return s;
    }
}

/* Where a key that is not in the table goes. */
static struct slot *slot_vacant(struct slot *slots, size_t cap, uint64_t hash)
{
    size_t i = (size_t)hash & (cap - 1);

    while (is_taken(&slots[i]))
        i = (i + 1) & (cap - 1);
    return &slots[i];
}

static int table_rehash(struct table *t, size_t cap)
{
    struct slot *slots = mem_zalloc(cap, sizeof(*slots));

    if (!slots)
        return ERR_NOMEM;
    for (size_t i = 0; i < t->cap; i++)
        if (is_taken(&t->slots[i]))
            *slot_vacant(slots, cap, t->slots[i].hash) = t->slots[i];
    mem_free(t->slots);
    t->slots = slots;
    t->cap = cap;
    t->removed = 0;
    return 0;
}

static int table_room(struct table *t)
{
    if (t->cap == 0)
        return table_rehash(t, TABLE_CAP_FIRST);
    if (t->count + t->removed + 1 <= t->cap / 4 * 3)
        return 0;
    /* Marks alone are swept at the same size. */
    return table_rehash(t, t->count < t->cap / 2 ? t->cap : 2 * t->cap);
}

void *table_get(const struct table *t, struct bytes key)
{
    struct slot *s = t->count ? slot_find(t, key, hash_keyed(key)) : NULL;

    return s ? s->value : NULL;
}

int table_put(struct table *t, struct bytes key, void *value)
{
    uint64_t hash = hash_keyed(key);

    if (slot_find(t, key, hash))
        return ERR_EXISTS;
    if (t->count >= t->max)
        return ERR_LIMIT;

    int error = table_room(t);

    if (error < 0)
        return error;

    struct slot *s = slot_vacant(t->slots, t->cap, hash);

    t->removed -= s->value == &removed_mark;
    *s = (struct slot){.hash = hash, .key = key, .value = value};
    t->count++;
    return 0;
}

/* Marks right before a free slot keep no probe going: they become free. */
static void marks_sweep(struct table *t, size_t i)
{
    if (t->slots[(i + 1) & (t->cap - 1)].value)
        return;
    while (t->slots[i].value == &removed_mark) {
        t->slots[i].value = NULL;
        t->removed--;
        i = (i - 1) & (t->cap - 1);
    }
}

void *table_remove(struct table *t, struct bytes key)
{
    struct slot *s = t->count ? slot_find(t, key, hash_keyed(key)) : NULL;

    if (!s)
        return NULL;

    void *value = s->value;

    s->value = &removed_mark;
    t->count--;
    t->removed++;
    marks_sweep(t, (size_t)(s - t->slots));
    return value;
}

size_t table_count(const struct table *t)
{
    return t->count;
}

void *table_next(const struct table *t, size_t *cursor)
{
    while (*cursor < t->cap) {
        const struct slot *s = &t->slots[(*cursor)++];

        if (is_taken(s))
            return s->value;
    }
    return NULL;
}
