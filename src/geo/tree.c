/* SPDX-License-Identifier: MIT */
/*
 * tree - the leaves of the index, kept at least half full by and large.
 *
 * Three storeys: the root, nodes, leaves. A full leaf first gives points to
 * the leaf before or behind it, and is cut in two only if both are well
 * filled; so memory stays near what the points need (D. Knuth's B*-tree). What
 * is given goes by a pivot, the mark that so many points lie below; a leaf
 * itself is never sorted. Leaves give and join within their node only: the
 * first mark of a node changes only when nodes are cut or joined.
 * Threads: as the index.
 */
#include "geo/index.h"

#include "base/error.h"

#include <string.h>

#define LEAF_GIVE    (LEAF_POINTS * 7 / 8) /* gets points while it holds less */
#define LEAF_SMALL   (LEAF_POINTS * 5 / 8) /* looks for one to join */
#define LEAF_JOINED  (LEAF_POINTS * 7 / 8) /* at most so many together */
#define NODE_SMALL   (NODE_LEAVES / 4)
#define NODE_JOINED  (NODE_LEAVES * 3 / 4)
#define ROOT_FIRST   4u
#define LEAVES_FIRST 16u
#define LEAVES_MAX   (1u << 26) /* what names has bits for */

/* ---- memory ------------------------------------------------------------- */

void *index_alloc(struct fl_geo_index *ix, size_t count, size_t size)
{
    void *at = allocator_zalloc(&ix->allocator, count, size);

    if (at)
        ix->bytes += count * size;
    return at;
}

void index_release(struct fl_geo_index *ix, void *at, size_t count, size_t size)
{
    if (at)
        ix->bytes -= count * size;
    allocator_free(&ix->allocator, at);
}

/* A larger copy of an array, in its place. */
static int grow(struct fl_geo_index *ix, void *array, uint32_t old,
                uint32_t cap, size_t size)
{
    void *from, *to = index_alloc(ix, cap, size);

    if (!to)
        return ERR_NOMEM;
    memcpy(&from, array, sizeof(from)); /* an array of any type */
    if (old)
        memcpy(to, from, old * size);
    index_release(ix, from, old, size);
    memcpy(array, &to, sizeof(to));
    return 0;
}

/* ---- leaves ------------------------------------------------------------- */

void leaf_add(struct leaf *l, struct fl_geo_point at, uint64_t id,
              uint32_t stamp)
{
    uint32_t i = l->count++;

    l->lat[i] = at.lat;
    l->lng[i] = at.lng;
    l->id[i] = id;
    l->stamp[i] = stamp;
    if (i == 0 || stamp < l->oldest)
        l->oldest = stamp;
}

void leaf_drop(struct leaf *l, uint32_t at)
{
    uint32_t last = --l->count;

    l->lat[at] = l->lat[last];
    l->lng[at] = l->lng[last];
    l->id[at] = l->id[last];
    l->stamp[at] = l->stamp[last];
}

static int leaves_reserve(struct fl_geo_index *ix)
{
    uint32_t cap = ix->leaf_cap ? 2 * ix->leaf_cap : LEAVES_FIRST;

    if (ix->leaf_free || ix->leaf_high < ix->leaf_cap)
        return 0;
    if (cap > LEAVES_MAX)
        return ERR_LIMIT;

    uint32_t *numbers = index_alloc(ix, cap, sizeof(*numbers));
    int error = numbers ? grow(ix, &ix->leaves, ix->leaf_cap, cap,
                               sizeof(struct leaf *))
                        : ERR_NOMEM;

    if (error) {
        index_release(ix, numbers, cap, sizeof(*numbers));
        return error;
    }
    index_release(ix, ix->free_numbers, ix->leaf_cap, sizeof(*numbers));
    ix->free_numbers = numbers; /* none is free, or there would be room */
    ix->leaf_cap = cap;
    if (!ix->leaf_high)
        ix->leaf_high = 1;
    return 0;
}

static int leaf_new(struct fl_geo_index *ix, mark first, mark last,
                    struct leaf **ret)
{
    int error = leaves_reserve(ix);
    struct leaf *l = error ? NULL : index_alloc(ix, 1, sizeof(*l));

    if (error)
        return error;
    if (!l)
        return ERR_NOMEM;
    l->number =
        ix->leaf_free ? ix->free_numbers[--ix->leaf_free] : ix->leaf_high++;
    l->first = first;
    l->last = last;
    ix->leaves[l->number] = l;
    *ret = l;
    return 0;
}

static void leaf_free(struct fl_geo_index *ix, struct leaf *l)
{
    ix->leaves[l->number] = NULL;
    ix->free_numbers[ix->leaf_free++] = l->number;
    index_release(ix, l, 1, sizeof(*l));
}

/* The mark that n of the leaf's points lie below (C. Hoare, Find, 1961). */
static mark leaf_pivot(const struct leaf *l, uint32_t n)
{
    mark marks[LEAF_POINTS] = {0};
    int low = 0, high = (int)l->count - 1, wanted = (int)n;

    for (uint32_t i = 0; i < l->count; i++)
        marks[i] = leaf_mark(l, i);
    while (low < high) {
        const mark pivot = marks[wanted];
        int i = low, j = high;

        while (i <= j) {
            while (marks[i] < pivot)
                i++;
            while (marks[j] > pivot)
                j--;
            if (i > j)
                break;

            mark kept = marks[i];

            marks[i++] = marks[j];
            marks[j--] = kept;
        }
        low = j < wanted ? i : low;
        high = wanted < i ? j : high;
    }
    return marks[wanted];
}

/* Moves the points from first to last into another leaf. */
static void leaf_give(struct fl_geo_index *ix, struct leaf *from,
                      struct leaf *to, mark first, mark last)
{
    for (uint32_t i = from->count; i-- > 0;) {
        mark m = leaf_mark(from, i);

        if (m < first || m > last)
            continue;
        leaf_add(to, leaf_point(from, i), from->id[i], from->stamp[i]);
        names_move(ix, from->id[i], from->number, to->number);
        leaf_drop(from, i);
    }
}

/* ---- finding ------------------------------------------------------------ */

/* How many of the marks are not beyond m; the first never is. */
static uint32_t not_beyond(const mark *marks, uint32_t count, mark m)
{
    uint32_t low = 0;

    while (count > 1) {
        uint32_t half = count / 2;

        low = marks[low + half] <= m ? low + half : low;
        count -= half;
    }
    return low + 1;
}

struct place tree_find(const struct fl_geo_index *ix, mark m)
{
    struct place p;

    p.node = not_beyond(ix->firsts, ix->node_count, m) - 1;

    const struct node *n = ix->nodes[p.node];

    p.at = not_beyond(n->first, n->count, m) - 1;
    return p;
}

bool tree_next(const struct fl_geo_index *ix, struct place *p)
{
    if (++p->at < ix->nodes[p->node]->count)
        return true;
    p->at = 0;
    return ++p->node < ix->node_count;
}

bool tree_previous(const struct fl_geo_index *ix, struct place *p)
{
    if (p->at-- > 0)
        return true;
    if (p->node-- == 0)
        return false;
    p->at = ix->nodes[p->node]->count - 1;
    return true;
}

/* ---- nodes -------------------------------------------------------------- */

static void node_insert(struct node *n, uint32_t at, struct leaf *l)
{
    uint32_t behind = n->count++ - at;

    memmove(&n->first[at + 1], &n->first[at], behind * sizeof(n->first[0]));
    memmove(&n->leaf[at + 1], &n->leaf[at], behind * sizeof(n->leaf[0]));
    n->first[at] = l->first;
    n->leaf[at] = l;
}

static void node_remove(struct node *n, uint32_t at)
{
    uint32_t behind = --n->count - at;

    memmove(&n->first[at], &n->first[at + 1], behind * sizeof(n->first[0]));
    memmove(&n->leaf[at], &n->leaf[at + 1], behind * sizeof(n->leaf[0]));
}

/* Moves the leaves of a node from at on to the end of another. */
static void node_give(struct node *from, uint32_t at, struct node *to)
{
    uint32_t count = from->count - at;

    memcpy(&to->first[to->count], &from->first[at],
           count * sizeof(to->first[0]));
    memcpy(&to->leaf[to->count], &from->leaf[at], count * sizeof(to->leaf[0]));
    to->count += count;
    from->count = at;
}

static int root_reserve(struct fl_geo_index *ix)
{
    uint32_t cap = ix->node_cap ? 2 * ix->node_cap : ROOT_FIRST;
    int error;

    if (ix->node_count < ix->node_cap)
        return 0;
    mark *firsts = index_alloc(ix, cap, sizeof(*firsts));

    if (!firsts)
        return ERR_NOMEM;
    error = grow(ix, &ix->nodes, ix->node_cap, cap, sizeof(struct node *));
    if (error) {
        index_release(ix, firsts, cap, sizeof(*firsts));
        return error;
    }
    if (ix->node_count)
        memcpy(firsts, ix->firsts, ix->node_count * sizeof(*firsts));
    index_release(ix, ix->firsts, ix->node_cap, sizeof(*firsts));
    ix->firsts = firsts;
    ix->node_cap = cap;
    return 0;
}

static void root_insert(struct fl_geo_index *ix, uint32_t at, struct node *n)
{
    uint32_t behind = ix->node_count++ - at;

    memmove(&ix->firsts[at + 1], &ix->firsts[at], behind * sizeof(mark));
    memmove(&ix->nodes[at + 1], &ix->nodes[at], behind * sizeof(n));
    ix->firsts[at] = n->first[0];
    ix->nodes[at] = n;
}

static void root_remove(struct fl_geo_index *ix, uint32_t at)
{
    uint32_t behind = --ix->node_count - at;

    index_release(ix, ix->nodes[at], 1, sizeof(struct node));
    memmove(&ix->firsts[at], &ix->firsts[at + 1], behind * sizeof(mark));
    memmove(&ix->nodes[at], &ix->nodes[at + 1], behind * sizeof(struct node *));
}

/* Room for one leaf more in the node of p; p still names the same leaf. */
static int node_reserve(struct fl_geo_index *ix, struct place *p)
{
    struct node *n = ix->nodes[p->node], *upper;
    int error;

    if (n->count < NODE_LEAVES)
        return 0;
    error = root_reserve(ix);
    upper = error ? NULL : index_alloc(ix, 1, sizeof(*upper));
    if (!upper)
        return error ? error : ERR_NOMEM;
    node_give(n, NODE_LEAVES / 2, upper);
    root_insert(ix, p->node + 1, upper);
    if (p->at >= NODE_LEAVES / 2) {
        p->node++;
        p->at -= NODE_LEAVES / 2;
    }
    return 0;
}

static void node_shrink(struct fl_geo_index *ix, uint32_t at)
{
    if (ix->nodes[at]->count > NODE_SMALL)
        return;
    for (uint32_t left = at ? at - 1 : 0;
         left <= at && left + 1 < ix->node_count; left++) {
        struct node *to = ix->nodes[left], *from = ix->nodes[left + 1];

        if (to->count + from->count <= NODE_JOINED) {
            node_give(from, 0, to);
            root_remove(ix, left + 1);
            return;
        }
    }
}

/* ---- growing ------------------------------------------------------------ */

static int first_leaf(struct fl_geo_index *ix)
{
    int error = root_reserve(ix);
    struct node *n = error ? NULL : index_alloc(ix, 1, sizeof(*n));
    struct leaf *l;

    if (!n)
        return error ? error : ERR_NOMEM;
    error = leaf_new(ix, 0, ~(mark)0, &l);
    if (error) {
        index_release(ix, n, 1, sizeof(*n));
        return error;
    }
    node_insert(n, 0, l);
    root_insert(ix, 0, n);
    return 0;
}

/* The full leaf gives half of what the one behind or before it lacks. */
static bool give_beside(struct fl_geo_index *ix, struct place p)
{
    struct node *n = ix->nodes[p.node];
    struct leaf *l = n->leaf[p.at];
    struct leaf *next = p.at + 1 < n->count ? n->leaf[p.at + 1] : NULL;
    struct leaf *before = p.at ? n->leaf[p.at - 1] : NULL;
    mark pivot;

    if (next && next->count < LEAF_GIVE) {
        pivot = leaf_pivot(l, LEAF_POINTS - (LEAF_POINTS - next->count) / 2);
        leaf_give(ix, l, next, pivot, l->last);
        l->last = pivot - 1;
        next->first = n->first[p.at + 1] = pivot;
        return true;
    }
    if (before && before->count < LEAF_GIVE) {
        pivot = leaf_pivot(l, (LEAF_POINTS - before->count) / 2);
        leaf_give(ix, l, before, l->first, pivot - 1);
        before->last = pivot - 1;
        l->first = n->first[p.at] = pivot;
        return true;
    }
    return false;
}

static int split(struct fl_geo_index *ix, struct place p)
{
    struct leaf *l = tree_leaf(ix, p), *upper;
    mark pivot = leaf_pivot(l, LEAF_POINTS / 2);
    int error = node_reserve(ix, &p);

    if (!error)
        error = leaf_new(ix, pivot, l->last, &upper);
    if (error)
        return error;
    leaf_give(ix, l, upper, pivot, l->last);
    l->last = pivot - 1;
    node_insert(ix->nodes[p.node], p.at + 1, upper);
    return 0;
}

int tree_make_room(struct fl_geo_index *ix, mark m, struct leaf **ret)
{
    int error = ix->node_count ? 0 : first_leaf(ix);

    if (error)
        return error;

    struct place p = tree_find(ix, m);

    if (tree_leaf(ix, p)->count == LEAF_POINTS) {
        if (!give_beside(ix, p)) {
            error = split(ix, p);
            if (error)
                return error;
        }
        p = tree_find(ix, m);
    }
    *ret = tree_leaf(ix, p);
    return 0;
}

/* ---- shrinking ---------------------------------------------------------- */

/* Joins the leaves at and at + 1; the larger one stays. */
static void join(struct fl_geo_index *ix, struct node *n, uint32_t at)
{
    struct leaf *left = n->leaf[at], *right = n->leaf[at + 1];
    struct leaf *stays = left->count >= right->count ? left : right;
    struct leaf *goes = stays == left ? right : left;
    mark first = left->first, last = right->last;

    leaf_give(ix, goes, stays, first, last);
    stays->first = first;
    stays->last = last;
    n->leaf[at] = stays;
    node_remove(n, at + 1);
    leaf_free(ix, goes);
}

void tree_shrink(struct fl_geo_index *ix, struct leaf *l)
{
    if (l->count > LEAF_SMALL)
        return;

    struct place p = tree_find(ix, l->first);
    struct node *n = ix->nodes[p.node];

    for (uint32_t left = p.at ? p.at - 1 : 0;
         left <= p.at && left + 1 < n->count; left++)
        if (n->leaf[left]->count + n->leaf[left + 1]->count <= LEAF_JOINED) {
            join(ix, n, left);
            node_shrink(ix, p.node);
            return;
        }
}

void tree_free(struct fl_geo_index *ix)
{
    for (uint32_t i = 0; i < ix->node_count; i++) {
        struct node *n = ix->nodes[i];

        for (uint32_t at = 0; at < n->count; at++)
            index_release(ix, n->leaf[at], 1, sizeof(struct leaf));
        index_release(ix, n, 1, sizeof(*n));
    }
    index_release(ix, ix->firsts, ix->node_cap, sizeof(mark));
    index_release(ix, ix->nodes, ix->node_cap, sizeof(struct node *));
    index_release(ix, ix->leaves, ix->leaf_cap, sizeof(struct leaf *));
    index_release(ix, ix->free_numbers, ix->leaf_cap, sizeof(uint32_t));
}
