/* SPDX-License-Identifier: MIT */
/*
 * ring - a circular array of frames under one mutex.
 * Threads: any, locked by mutex.
 */
#include "hub/ring.h"

#include "base/error.h"
#include "base/mem.h"
#include "hub/frame.h"

#include <pthread.h>

struct ring {
    pthread_mutex_t mutex;
    struct frame **frames; /* frames_max of them */
    size_t frames_max, bytes_max;
    size_t first, count, bytes;
    bool begun;
    bool replaying; /* state.floor is not yet for others */
    struct ring_state state;
};

int ring_new(struct ring **ret, size_t frames_max, size_t bytes_max)
{
    struct ring *r = mem_zalloc(1, sizeof(*r));

    if (!r)
        return ERR_NOMEM;
    r->frames = mem_zalloc(frames_max, sizeof(struct frame *));
    if (!r->frames) {
        mem_free(r);
        return ERR_NOMEM;
    }
    pthread_mutex_init(&r->mutex, NULL);
    r->frames_max = frames_max;
    r->bytes_max = bytes_max;
    *ret = r;
    return 0;
}

static struct frame **ring_at(const struct ring *r, size_t i)
{
    size_t at = r->first + i;

    return &r->frames[at < r->frames_max ? at : at - r->frames_max];
}

static void ring_drop_first(struct ring *r)
{
    struct frame **f = ring_at(r, 0);

    r->state.floor = (*f)->change.offset;
    r->bytes -= (*f)->bytes;
    frame_unref(f);
    r->first = r->first + 1 < r->frames_max ? r->first + 1 : 0;
    r->count--;
}

void ring_free(struct ring **ring)
{
    struct ring *r = *ring;

    *ring = NULL;
    if (!r)
        return;
    while (r->count)
        ring_drop_first(r);
    pthread_mutex_destroy(&r->mutex);
    mem_free(r->frames);
    mem_free(r);
}

static void ring_begin(struct ring *r, uint64_t floor)
{
    if (r->begun)
        return;
    r->begun = true;
    r->state.floor = r->state.upto = floor;
}

void ring_push(struct ring *r, struct frame *frame)
{
    uint64_t offset = frame->change.offset;
    bool replayed;

    pthread_mutex_lock(&r->mutex);
    ring_begin(r, offset - 1);
    replayed = offset <= r->state.upto;
    if (r->count == 0 && replayed) {
        r->state.floor = offset - 1;
        r->replaying = true;
    }
    if (r->count == r->frames_max || (replayed && r->count == RING_REPLAY_MAX))
        ring_drop_first(r);
    *ring_at(r, r->count++) = frame;
    r->bytes += frame->bytes;
    if (offset > r->state.upto)
        r->state.upto = offset;
    while (r->bytes > r->bytes_max && r->count > 1)
        ring_drop_first(r);
    pthread_mutex_unlock(&r->mutex);
}

void ring_replayed(struct ring *r)
{
    pthread_mutex_lock(&r->mutex);
    r->replaying = false;
    pthread_mutex_unlock(&r->mutex);
}

static void ring_epoch_set(struct ring *r, struct bytes epoch)
{
    size_t len =
        epoch.len < POSITION_EPOCH_MAX ? epoch.len : POSITION_EPOCH_MAX;

    if (len)
        memcpy(r->state.epoch, epoch.at, len);
    r->state.epoch[len] = '\0';
}

void ring_advance(struct ring *r, struct bytes epoch, uint64_t upto)
{
    pthread_mutex_lock(&r->mutex);
    ring_epoch_set(r, epoch);
    ring_begin(r, upto);
    if (upto > r->state.upto)
        r->state.upto = upto;
    pthread_mutex_unlock(&r->mutex);
}

void ring_restart(struct ring *r, struct bytes epoch, uint64_t horizon)
{
    pthread_mutex_lock(&r->mutex);
    while (r->count)
        ring_drop_first(r);
    r->begun = true;
    r->replaying = false;
    r->state.floor = r->state.upto = horizon;
    r->state.generation++;
    ring_epoch_set(r, epoch);
    pthread_mutex_unlock(&r->mutex);
}

void ring_forget(struct ring *r, uint64_t offset)
{
    pthread_mutex_lock(&r->mutex);
    while (r->count)
        ring_drop_first(r);
    r->begun = true;
    r->state.floor = r->state.upto = offset;
    pthread_mutex_unlock(&r->mutex);
}

static uint64_t ring_floor(const struct ring *r)
{
    return r->replaying ? r->state.upto : r->state.floor;
}

void ring_state(struct ring *r, struct ring_state *ret)
{
    pthread_mutex_lock(&r->mutex);
    *ret = r->state;
    ret->floor = ring_floor(r);
    pthread_mutex_unlock(&r->mutex);
}

/* The index of the first frame beyond after. */
static size_t ring_search(const struct ring *r, uint64_t after)
{
    size_t low = 0, high = r->count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if ((*ring_at(r, middle))->change.offset <= after)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void take(struct ring *r, uint64_t after, uint64_t upto,
                 struct bytes tenant, struct frame **ret, size_t max,
                 size_t *ret_count, uint64_t *ret_after)
{
    size_t n = 0, i = ring_search(r, after);

    *ret_after = after;
    for (; i < r->count && n < max; i++) {
        struct frame *f = *ring_at(r, i);

        if (f->change.offset > upto)
            break;
        *ret_after = f->change.offset;
        if (!tenant.at || frame_concerns(f, tenant))
            ret[n++] = frame_ref(f);
    }
    if (n < max) { /* nothing more lies in reach */
        uint64_t end = upto < r->state.upto ? upto : r->state.upto;

        if (end > after)
            *ret_after = end;
    }
    *ret_count = n;
}

int ring_take(struct ring *r, uint64_t after, uint64_t upto,
              struct bytes tenant, struct frame **ret, size_t max,
              size_t *ret_count, uint64_t *ret_after)
{
    int error = 0;

    pthread_mutex_lock(&r->mutex);
    if (after < ring_floor(r))
        error = ERR_STALE;
    else
        take(r, after, upto, tenant, ret, max, ret_count, ret_after);
    pthread_mutex_unlock(&r->mutex);
    return error;
}
