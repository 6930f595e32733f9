/* SPDX-License-Identifier: MIT */
/*
 * index - what the parts of the index of moving points share.
 *
 * A point's KEY is its place on the Z-curve: 32 bits of longitude and 32 of
 * latitude, interleaved; its MARK is the key and, to tell points of one key
 * apart, the id. All marks there can be are cut into intervals without a gap;
 * each is a LEAF, which holds its points in no order, in columns. Leaves stand
 * in NODES by their first mark, nodes in one sorted array, the ROOT. NAMES
 * finds a point's leaf by its id.
 *
 *   X1  a leaf's points have marks from its first to its last; the next leaf
 *       begins right after its last.
 *   X2  leaves[number] is the leaf of that number, or NULL; number 0 is none.
 *   X3  names holds exactly one entry for each point, with its leaf's number.
 *   X4  no point of a leaf has a stamp earlier than its oldest.
 *
 * Owner: geo. Threads: any, locked by the gate.
 */
#ifndef FIELDLINE_GEO_INDEX_H
#define FIELDLINE_GEO_INDEX_H

#include "base/allocator.h"
#include "geo/gate.h"
#include "geo/window.h"

#define LEAF_POINTS 64u
#define NODE_LEAVES 128u

typedef unsigned __int128 mark;

struct leaf {
    mark first, last; /* both included */
    uint32_t number;
    uint32_t count;
    uint32_t oldest;
    double lat[LEAF_POINTS], lng[LEAF_POINTS];
    uint64_t id[LEAF_POINTS];
    uint32_t stamp[LEAF_POINTS];
};

struct node {
    uint32_t count; /* at least 1 */
    mark first[NODE_LEAVES];
    struct leaf *leaf[NODE_LEAVES];
};

/* Where a leaf stands. */
struct place {
    uint32_t node, at;
};

/*
 * A hash table of 32-bit entries: six bits of the id's hash and a leaf's
 * number. An entry that matches is confirmed in the leaf.
 */
struct names {
    uint32_t *entries;
    uint32_t cap;
    uint32_t used; /* entries that are not empty, the gone included */
    uint64_t seed;
};

struct fl_geo_index {
    struct gate gate;
    struct fl_allocator allocator;
    size_t points_max;
    size_t count;
    size_t bytes;

    mark *firsts; /* the root: of each node its first mark, and the node */
    struct node **nodes;
    uint32_t node_count, node_cap;

    struct leaf **leaves;         /* by number */
    uint32_t leaf_high, leaf_cap; /* numbers ever used, room */
    uint32_t leaf_free;           /* how many numbers below are free again */
    uint32_t *free_numbers;

    struct names names;
};

/* ---- keys --------------------------------------------------------------- */

static inline mark index_mark(struct fl_geo_point at, uint64_t id)
{
    return (mark)window_key(window_axis(at.lng, GRID_LNG_SPAN),
                            window_axis(at.lat, GRID_LAT_SPAN))
               << 64 |
           id;
}

static inline uint64_t mark_key(mark m)
{
    return (uint64_t)(m >> 64);
}

static inline struct fl_geo_point leaf_point(const struct leaf *l, uint32_t at)
{
    return (struct fl_geo_point){l->lat[at], l->lng[at]};
}

static inline mark leaf_mark(const struct leaf *l, uint32_t at)
{
    return index_mark(leaf_point(l, at), l->id[at]);
}

/* ---- memory that is counted ---------------------------------------------- */

void *index_alloc(struct fl_geo_index *, size_t count, size_t size) MUST_CHECK;
void index_release(struct fl_geo_index *, void *at, size_t count, size_t size);

/* ---- the tree ------------------------------------------------------------ */

/* The leaf of a mark. Only if there is one (node_count). */
struct place tree_find(const struct fl_geo_index *, mark);
static inline struct leaf *tree_leaf(const struct fl_geo_index *ix,
                                     struct place p)
{
    return ix->nodes[p.node]->leaf[p.at];
}
/* The first mark of its leaf, and the last; the leaf itself is not read. */
static inline mark tree_first(const struct fl_geo_index *ix, struct place p)
{
    return ix->nodes[p.node]->first[p.at];
}
static inline mark tree_last(const struct fl_geo_index *ix, struct place p)
{
    if (p.at + 1 < ix->nodes[p.node]->count)
        return ix->nodes[p.node]->first[p.at + 1] - 1;
    return p.node + 1 < ix->node_count ? ix->firsts[p.node + 1] - 1 : ~(mark)0;
}
/* False at the end. */
bool tree_next(const struct fl_geo_index *, struct place *);
bool tree_previous(const struct fl_geo_index *, struct place *);

/*
 * Sees to it that the mark's leaf has room for one point more; points may go
 * to other leaves. ERR_NOMEM leaves all as it was, but for spare memory.
 */
int tree_make_room(struct fl_geo_index *, mark, struct leaf **ret) MUST_CHECK;
/* A leaf that lost points joins one beside it if both are small enough. */
void tree_shrink(struct fl_geo_index *, struct leaf *);
void tree_free(struct fl_geo_index *);

void leaf_add(struct leaf *, struct fl_geo_point, uint64_t id, uint32_t stamp);
void leaf_drop(struct leaf *, uint32_t at);

/* ---- names --------------------------------------------------------------- */

/* The id's leaf and where in it; NULL: it is not there. */
struct leaf *names_find(const struct fl_geo_index *, uint64_t id,
                        uint32_t *ret_at);
/* Room for one more entry. ERR_NOMEM. */
int names_reserve(struct fl_geo_index *) MUST_CHECK;
/* After removing: gives back room that is far too much. */
void names_shrink(struct fl_geo_index *);
void names_add(struct fl_geo_index *, uint64_t id, uint32_t leaf);
void names_move(struct fl_geo_index *, uint64_t id, uint32_t from, uint32_t to);
void names_drop(struct fl_geo_index *, uint64_t id, uint32_t leaf);
void names_free(struct fl_geo_index *);

#endif
