/* SPDX-License-Identifier: MIT */
/*
 * names - from an id to the leaf that holds it, four bytes an entry.
 *
 * Open addressing, linear probing. Two ids of one leaf whose six bits agree
 * have the same entry; which of them it is whose does not matter, since both
 * lie on one run without an empty entry and stand for the same leaf. So an
 * entry needs no id, and the table is built anew out of the leaves.
 * Threads: as the index.
 */
#include "geo/index.h"

#include "base/error.h"
#include "base/hash.h"

#define EMPTY     0u
#define GONE      1u /* no leaf has the number 0 */
#define TAG_BITS  6u
#define TAG_MASK  ((1u << TAG_BITS) - 1)
#define NAMES_MIN 32u
#define SHRUNK    3u /* times what is needed: made smaller */
#define NAMES_MAX UINT32_MAX

/* Full at seven eighths; grown by a half, so at least 7/12 are used. */
static bool is_full(const struct names *n)
{
    return (uint64_t)(n->used + 1) * 8 > (uint64_t)n->cap * 7;
}

static uint32_t home_of(const struct names *n, uint64_t hash)
{
    return (uint32_t)((hash >> 32) * n->cap >> 32);
}

static uint32_t entry_of(uint64_t hash, uint32_t leaf)
{
    return leaf << TAG_BITS | (hash & TAG_MASK);
}

static uint32_t after(const struct names *n, uint32_t i)
{
    return i + 1 < n->cap ? i + 1 : 0;
}

struct leaf *names_find(const struct fl_geo_index *ix, uint64_t id,
                        uint32_t *ret_at)
{
    const struct names *n = &ix->names;
    uint64_t hash = hash_mix(id ^ n->seed);

    if (!n->cap)
        return NULL;
    for (uint32_t i = home_of(n, hash); n->entries[i]; i = after(n, i)) {
        uint32_t entry = n->entries[i];

        if ((entry & TAG_MASK) != (hash & TAG_MASK) || entry == GONE)
            continue;

        struct leaf *l = ix->leaves[entry >> TAG_BITS];

        for (uint32_t at = 0; at < l->count; at++)
            if (l->id[at] == id) {
                *ret_at = at;
                return l;
            }
    }
    return NULL;
}

static void put(struct names *n, uint64_t id, uint32_t leaf)
{
    uint64_t hash = hash_mix(id ^ n->seed);
    uint32_t i = home_of(n, hash);

    while (n->entries[i] > GONE)
        i = after(n, i);
    n->used += n->entries[i] == EMPTY;
    n->entries[i] = entry_of(hash, leaf);
}

static uint32_t cap_for(size_t count)
{
    size_t cap = count + count / 2 + NAMES_MIN;

    return cap < NAMES_MAX ? (uint32_t)cap : NAMES_MAX;
}

/* Anew, out of the leaves, for as many points as there are. */
static int rebuild(struct fl_geo_index *ix)
{
    struct names *old = &ix->names;
    struct names n = {.cap = cap_for(ix->count), .seed = old->seed};

    n.entries = index_alloc(ix, n.cap, sizeof(*n.entries));
    if (!n.entries)
        return ERR_NOMEM;
    for (uint32_t number = 1; number < ix->leaf_high; number++) {
        const struct leaf *l = ix->leaves[number];

        for (uint32_t at = 0; l && at < l->count; at++)
            put(&n, l->id[at], number);
    }
    names_free(ix);
    *old = n;
    return 0;
}

int names_reserve(struct fl_geo_index *ix)
{
    return is_full(&ix->names) ? rebuild(ix) : 0;
}

/* If there is no memory for a smaller one, the large one does as well. */
void names_shrink(struct fl_geo_index *ix)
{
    if (ix->names.cap / SHRUNK > cap_for(ix->count))
        (void)!rebuild(ix);
}

void names_add(struct fl_geo_index *ix, uint64_t id, uint32_t leaf)
{
    put(&ix->names, id, leaf);
}

static uint32_t *entry_at(const struct names *n, uint64_t id, uint32_t leaf)
{
    uint64_t hash = hash_mix(id ^ n->seed);
    uint32_t want = entry_of(hash, leaf), i = home_of(n, hash);

    while (n->entries[i] != want) /* it is there (X3) */
        i = after(n, i);
    return &n->entries[i];
}

void names_move(struct fl_geo_index *ix, uint64_t id, uint32_t from,
                uint32_t to)
{
    uint32_t *entry = entry_at(&ix->names, id, from);

    *entry = to << TAG_BITS | (*entry & TAG_MASK);
}

void names_drop(struct fl_geo_index *ix, uint64_t id, uint32_t leaf)
{
    struct names *n = &ix->names;
    uint32_t *entry = entry_at(n, id, leaf);
    uint32_t next = after(n, (uint32_t)(entry - n->entries));

    /* At a run's end nothing behind it is looked for. */
    *entry = n->entries[next] == EMPTY ? EMPTY : GONE;
    n->used -= *entry == EMPTY;
}

void names_free(struct fl_geo_index *ix)
{
    struct names *n = &ix->names;

    index_release(ix, n->entries, n->cap, sizeof(*n->entries));
    *n = (struct names){.seed = n->seed};
}
