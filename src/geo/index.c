/* SPDX-License-Identifier: MIT */
/*
 * index - moving points put, moved and removed.
 *
 * A point that stays within its leaf's marks is overwritten in place. What can
 * fail comes first: room in the leaf and in the names; then nothing fails.
 * Threads: any, locked by the gate.
 */
#include "geo/index.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/options.h"

int fl_geo_index_new(struct fl_geo_index **ret,
                     const struct fl_geo_index_options *options)
{
    struct fl_geo_index_options o;
    struct fl_allocator a;
    int error = options_read(&o, sizeof(o), options);

    if (error)
        return error;
    if (!allocator_or_own(&a, o.allocator))
        return FL_ERR_INVALID;
    if (o.points_max > FL_GEO_POINTS_MAX)
        return FL_ERR_RANGE;

    struct fl_geo_index *ix = allocator_zalloc(&a, 1, sizeof(*ix));

    if (!ix)
        return FL_ERR_NOMEM;
    error = gate_init(&ix->gate);
    if (error) {
        allocator_free(&a, ix);
        return error;
    }
    ix->allocator = a;
    ix->bytes = sizeof(*ix);
    ix->points_max = o.points_max ? o.points_max : FL_GEO_POINTS_MAX;
    random_bytes(&ix->names.seed, sizeof(ix->names.seed));
    *ret = ix;
    return 0;
}

void fl_geo_index_free(struct fl_geo_index **index)
{
    struct fl_geo_index *ix = *index;

    *index = NULL;
    if (!ix)
        return;
    tree_free(ix);
    names_free(ix);
    gate_fini(&ix->gate);
    allocator_free(&ix->allocator, ix);
}

static int insert(struct fl_geo_index *ix, uint64_t id, struct fl_geo_point at,
                  uint32_t stamp)
{
    struct leaf *l;
    int error = ix->count < ix->points_max ? names_reserve(ix) : ERR_LIMIT;

    if (!error)
        error = tree_make_room(ix, index_mark(at, id), &l);
    if (error)
        return error;
    leaf_add(l, at, id, stamp);
    names_add(ix, id, l->number);
    ix->count++;
    return 0;
}

/* To another leaf. Making room may have moved the point itself. */
static int move(struct fl_geo_index *ix, uint64_t id, struct fl_geo_point at,
                uint32_t stamp)
{
    struct leaf *from, *to;
    uint32_t i;
    int error = tree_make_room(ix, index_mark(at, id), &to);

    if (error)
        return error;
    from = names_find(ix, id, &i);
    leaf_drop(from, i);
    leaf_add(to, at, id, stamp);
    if (from != to) {
        names_move(ix, id, from->number, to->number);
        tree_shrink(ix, from);
    }
    return 0;
}

static int put(struct fl_geo_index *ix, uint64_t id, struct fl_geo_point at,
               uint32_t stamp)
{
    mark m = index_mark(at, id);
    uint32_t i;
    struct leaf *l = names_find(ix, id, &i);

    if (!l)
        return insert(ix, id, at, stamp);
    if (m < l->first || m > l->last)
        return move(ix, id, at, stamp);
    l->lat[i] = at.lat;
    l->lng[i] = at.lng;
    l->stamp[i] = stamp;
    if (stamp < l->oldest)
        l->oldest = stamp;
    return 0;
}

int fl_geo_index_put(struct fl_geo_index *ix, uint64_t id,
                     struct fl_geo_point at, uint32_t stamp)
{
    int error;

    if (!fl_geo_point_valid(at))
        return FL_ERR_RANGE;
    gate_write(&ix->gate);
    error = put(ix, id, at, stamp);
    gate_write_done(&ix->gate);
    return error;
}

static void drop(struct fl_geo_index *ix, struct leaf *l, uint32_t at)
{
    names_drop(ix, l->id[at], l->number);
    leaf_drop(l, at);
    ix->count--;
}

bool fl_geo_index_remove(struct fl_geo_index *ix, uint64_t id)
{
    uint32_t at;

    gate_write(&ix->gate);

    struct leaf *l = names_find(ix, id, &at);

    if (l) {
        drop(ix, l, at);
        tree_shrink(ix, l);
        names_shrink(ix);
    }
    gate_write_done(&ix->gate);
    return l != NULL;
}

int fl_geo_index_get(struct fl_geo_index *ix, uint64_t id,
                     struct fl_geo_found *ret)
{
    struct gate_stripe *stripe = gate_read(&ix->gate);
    uint32_t at;
    struct leaf *l = names_find(ix, id, &at);

    if (l)
        *ret = (struct fl_geo_found){
            .id = id, .at = leaf_point(l, at), .stamp = l->stamp[at]};
    gate_read_done(stripe);
    return l ? 0 : FL_ERR_NOT_FOUND;
}

static void leaf_expire(struct fl_geo_index *ix, struct leaf *l,
                        uint32_t before)
{
    uint32_t oldest = UINT32_MAX;

    for (uint32_t i = l->count; i-- > 0;) {
        if (l->stamp[i] < before)
            drop(ix, l, i);
        else if (l->stamp[i] < oldest)
            oldest = l->stamp[i];
    }
    l->oldest = oldest;
}

/* First all are dropped, then leaves joined: joining must not hide any. */
static void expire(struct fl_geo_index *ix, uint32_t before)
{
    for (uint32_t number = 1; number < ix->leaf_high; number++) {
        struct leaf *l = ix->leaves[number];

        if (l && l->oldest < before)
            leaf_expire(ix, l, before);
    }
    for (uint32_t number = 1; number < ix->leaf_high; number++)
        if (ix->leaves[number])
            tree_shrink(ix, ix->leaves[number]);
    names_shrink(ix);
}

size_t fl_geo_index_expire(struct fl_geo_index *ix, uint32_t before)
{
    size_t gone;

    gate_write(&ix->gate);
    gone = ix->count;
    expire(ix, before);
    gone -= ix->count;
    gate_write_done(&ix->gate);
    return gone;
}

size_t fl_geo_index_count(struct fl_geo_index *ix)
{
    struct gate_stripe *stripe = gate_read(&ix->gate);
    size_t count = ix->count;

    gate_read_done(stripe);
    return count;
}

size_t fl_geo_index_bytes(struct fl_geo_index *ix)
{
    struct gate_stripe *stripe = gate_read(&ix->gate);
    size_t bytes = ix->bytes;

    gate_read_done(stripe);
    return bytes;
}
