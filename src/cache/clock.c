/* SPDX-License-Identifier: MIT */
/*
 * clock - the tag clock under its public names.
 * Threads: any.
 */
#include "base/hash.h"
#include "cache/tagclock.h"
#include "fieldline/cache.h"

static struct tagclock *inside(struct fl_tagclock *c)
{
    return (struct tagclock *)c;
}

static const struct tagclock *inside_const(const struct fl_tagclock *c)
{
    return (const struct tagclock *)c;
}

int fl_tagclock_new(struct fl_tagclock **ret, size_t bytes,
                    const struct fl_allocator *allocator)
{
    struct tagclock *c;
    int error = tagclock_new_with(&c, bytes, allocator);

    if (error == 0)
        *ret = (struct fl_tagclock *)c;
    return error;
}

void fl_tagclock_free(struct fl_tagclock **clock)
{
    struct tagclock *c = inside(*clock);

    *clock = NULL;
    tagclock_free(&c);
}

uint64_t fl_tag(const void *text, size_t size)
{
    return hash_stable((struct bytes){text, size});
}

void fl_tagclock_move(struct fl_tagclock *c, uint64_t tag, uint64_t offset)
{
    tagclock_move(inside(c), tag, offset);
}

void fl_tagclock_move_all(struct fl_tagclock *c, uint64_t offset)
{
    tagclock_move_all(inside(c), offset);
}

uint64_t fl_tagclock_at(const struct fl_tagclock *c, uint64_t tag)
{
    return tagclock_at(inside_const(c), tag);
}

void fl_tagclock_advance(struct fl_tagclock *c, uint64_t offset)
{
    tagclock_advance(inside(c), offset);
}

uint64_t fl_tagclock_stamp(const struct fl_tagclock *c)
{
    return tagclock_stamp(inside_const(c));
}
