/* SPDX-License-Identifier: MIT */
/*
 * shelf - a list of replies under one mutex, second chance for the used.
 *
 * The cache's locks are never taken under a shelf's, nor the other way round:
 * the cache frees what it drops outside of its locks.
 * Threads: any, locked by mutex.
 */
#include "edge/shelf.h"

#include "base/error.h"
#include "base/mem.h"

#include <pthread.h>

#define SPARED_MAX 64 /* at a time: all may have been used */

struct shelf {
    pthread_mutex_t mutex;
    struct cache *cache;
    struct list replies; /* the first leaves first */
    size_t count, entries_max;
};

int shelf_new(struct shelf **ret, struct cache *cache, size_t entries_max)
{
    struct shelf *s = mem_zalloc(1, sizeof(*s));

    if (!s)
        return ERR_NOMEM;
    pthread_mutex_init(&s->mutex, NULL);
    s->cache = cache;
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
    pthread_mutex_destroy(&s->mutex);
    mem_free(s);
}

/* A reference, unless its last one has just been given up. */
static bool reply_try_ref(struct reply *r)
{
    unsigned refs = atomic_load(&r->value.refs);

    while (refs &&
           !atomic_compare_exchange_weak(&r->value.refs, &refs, refs + 1))
        continue;
    return refs > 0;
}

/* Who has to go for one more, taken off, with a reference; or NULL. */
static struct reply *shelf_victim(struct shelf *s)
{
    unsigned spared = 0;

    while (s->count >= s->entries_max) {
        struct reply *r = LIST_FIRST(&s->replies, struct reply, place.link);

        list_remove(&r->place.link);
        if (atomic_exchange_explicit(&r->place.used, false,
                                     memory_order_relaxed) &&
            spared++ < SPARED_MAX) {
            list_append(&s->replies, &r->place.link);
            continue;
        }
        s->count--;
        if (reply_try_ref(r))
            return r;
    }
    return NULL;
}

int shelf_put(struct shelf *s, struct reply *r, struct bytes key, uint64_t hash)
{
    struct place *place = &r->place;
    struct reply *victim;

    if (!s->entries_max)
        return 0;
    place->key = mem_alloc(key.len);
    if (!place->key) {
        (void)cache_delete(s->cache, key, hash);
        return ERR_NOMEM;
    }
    memcpy(place->key, key.at, key.len);
    place->key_len = key.len;
    place->hash = hash;
    place->shelf = s;
    pthread_mutex_lock(&s->mutex);
    victim = shelf_victim(s);
    list_append(&s->replies, &place->link);
    s->count++;
    pthread_mutex_unlock(&s->mutex);
    if (!victim)
        return 0;
    place = &victim->place;
    (void)cache_delete(s->cache, (struct bytes){place->key, place->key_len},
                       place->hash);
    reply_unref(&victim);
    return 0;
}

void shelf_leave(struct reply *r)
{
    struct shelf *s = r->place.shelf;

    if (!s)
        return;
    pthread_mutex_lock(&s->mutex);
    if (!list_empty(&r->place.link)) {
        list_remove(&r->place.link);
        s->count--;
    }
    pthread_mutex_unlock(&s->mutex);
    mem_free(r->place.key);
}
