/* SPDX-License-Identifier: MIT */
/*
 * shelf - a list of replies under one mutex, second chance for the used.
 * Threads: any, locked by mutex.
 */
#include "edge/shelf.h"

#include "base/error.h"
#include "base/mem.h"

#include <pthread.h>

#define SPARED_MAX 64 /* at a time: all may have been used */

struct shelf {
    pthread_mutex_t mutex;
    struct list replies; /* the first leaves first */
    size_t count, entries_max;
};

int shelf_new(struct shelf **ret, size_t entries_max)
{
    struct shelf *s = mem_zalloc(1, sizeof(*s));

    if (!s)
        return ERR_NOMEM;
    (void)pthread_mutex_init(&s->mutex, NULL);
    list_init(&s->replies);
    s->entries_max = entries_max;
    *ret = s;
    return 0;
}

void shelf_free(struct shelf **shelf)
{
    struct shelf *s = *shelf;

    *shelf = NULL;
    if (!s)
        return;
    (void)pthread_mutex_destroy(&s->mutex);
    mem_free(s);
}

int shelf_put(struct shelf *s, struct reply *r, struct bytes key)
{
    struct place *place = &r->place;

    if (!s->entries_max)
        return 0;
    if (!place->key) {
        place->key = mem_copy(key);
        if (!place->key)
            return ERR_NOMEM;
        place->key_len = key.len;
    }
    place->shelf = s;
    (void)pthread_mutex_lock(&s->mutex);
    place->settled = false;
    list_append(&s->replies, &place->link);
    s->count++;
    (void)pthread_mutex_unlock(&s->mutex);
    return 0;
}

/* Locked. The first that may be asked to leave for another; or NULL. */
static struct reply *victim_find(struct shelf *s, const struct reply *other)
{
    unsigned spared = 0;

    for (size_t looked = 0; looked < s->count + SPARED_MAX; looked++) {
        struct reply *r = LIST_FIRST(&s->replies, struct reply, place.link);
        bool used = atomic_exchange_explicit(&r->place.used, false,
                                             memory_order_relaxed);

        if (r->place.settled && r != other && !(used && spared++ < SPARED_MAX))
            return r;
        list_remove(&r->place.link);
        list_append(&s->replies, &r->place.link);
    }
    return NULL;
}

/* Locked. */
static void take_off(struct shelf *s, struct reply *r)
{
    list_remove(&r->place.link);
    s->count--;
}

struct reply *shelf_settle(struct reply *r)
{
    struct shelf *s = r->place.shelf;
    struct reply *victim = NULL;

    if (!s)
        return NULL;
    (void)pthread_mutex_lock(&s->mutex);
    r->place.settled = true;
    if (s->count > s->entries_max)
        victim = victim_find(s, r);
    if (victim) {
        take_off(s, victim);
        reply_ref(victim); /* the cache, which has one, cannot have let go */
    }
    (void)pthread_mutex_unlock(&s->mutex);
    return victim;
}

void shelf_leave(struct reply *r)
{
    struct shelf *s = r->place.shelf;

    if (!s)
        return;
    (void)pthread_mutex_lock(&s->mutex);
    if (!list_empty(&r->place.link))
        take_off(s, r);
    (void)pthread_mutex_unlock(&s->mutex);
}
