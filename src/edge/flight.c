/* SPDX-License-Identifier: MIT */
/*
 * flight - keys in the air, in shards by hash.
 *
 * Invariant: a flight is in its shard's table from flight_enter() to
 * flight_end(); whoever finds it there is on its list before it ends.
 * Threads: any, locked by shard.
 */
#include "edge/flight.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/table.h"
#include "edge/reply.h"

#include <pthread.h>

#define FLIGHT_SHARDS 16
#define FLIGHTS_MAX   ((size_t)1 << 20) /* a shard; requests bound it first */

struct flight {
    struct bytes key; /* behind the struct */
    uint64_t stamp;
    unsigned shard;
    struct flight_waiter *waiters; /* the last to come first */
};

struct flights {
    struct tagclock *clock;
    struct shard {
        pthread_mutex_t lock;
        struct table *table;
    } shards[FLIGHT_SHARDS];
};

int flights_new(struct flights **ret, struct tagclock *clock)
{
    struct flights *f = mem_zalloc(1, sizeof(*f));

    if (!f)
        return ERR_NOMEM;
    f->clock = clock;
    for (unsigned i = 0; i < FLIGHT_SHARDS; i++)
        (void)pthread_mutex_init(&f->shards[i].lock, NULL);
    for (unsigned i = 0; i < FLIGHT_SHARDS; i++) {
        int error = table_new(&f->shards[i].table, FLIGHTS_MAX);

        if (error < 0) {
            flights_free(&f);
            return error;
        }
    }
    *ret = f;
    return 0;
}

void flights_free(struct flights **flights)
{
    struct flights *f = *flights;

    *flights = NULL;
    if (!f)
        return;
    for (unsigned i = 0; i < FLIGHT_SHARDS; i++) {
        struct table *table = f->shards[i].table;
        size_t cursor = 0;

        /* Those whose leaders went away with their worker. */
        for (void *lost; table && (lost = table_next(table, &cursor));)
            mem_free(lost);
        table_free(&f->shards[i].table);
        (void)pthread_mutex_destroy(&f->shards[i].lock);
    }
    mem_free(f);
}

static struct flight *flight_begin(struct flights *all, unsigned shard,
                                   struct bytes key)
{
    struct flight *f = mem_alloc(sizeof(*f) + key.len);

    if (!f)
        return NULL;
    memcpy(f + 1, key.at, key.len);
    *f = (struct flight){.key = {(char *)(f + 1), key.len},
                         .stamp = tagclock_stamp(all->clock),
                         .shard = shard};
    if (table_put(all->shards[shard].table, f->key, f) < 0) {
        mem_free(f);
        return NULL;
    }
    return f;
}

enum flight_part flight_enter(struct flights *all, struct bytes key,
                              uint64_t position, struct flight_waiter *w,
                              struct flight **ret, uint64_t *stamp)
{
    unsigned index = (unsigned)(hash_keyed(key) % FLIGHT_SHARDS);
    struct shard *shard = &all->shards[index];
    enum flight_part part = FLIGHT_ALONE;

    (void)pthread_mutex_lock(&shard->lock);

    struct flight *f = table_get(shard->table, key);

    if (!f) {
        f = flight_begin(all, index, key);
        if (f) {
            *stamp = f->stamp;
            *ret = f;
            part = FLIGHT_LEADS;
        }
    } else if (w && position <= f->stamp) {
        w->worker = worker_current();
        w->next = f->waiters;
        f->waiters = w;
        part = FLIGHT_JOINED;
    }
    (void)pthread_mutex_unlock(&shard->lock);
    return part;
}

bool flight_lead(struct flights *all, struct bytes key, struct flight **ret,
                 uint64_t *stamp)
{
    return flight_enter(all, key, 0, NULL, ret, stamp) == FLIGHT_LEADS;
}

unsigned flight_end(struct flights *all, struct flight **flight,
                    struct reply *reply, const struct tagset *tags)
{
    struct flight *f = *flight;
    struct shard *shard = &all->shards[f->shard];
    unsigned joined = 0;

    *flight = NULL;
    (void)pthread_mutex_lock(&shard->lock);
    (void)table_remove(shard->table, f->key);
    (void)pthread_mutex_unlock(&shard->lock);

    /* Looked at after the last joiner came: what he had seen is in it. */
    bool valid = reply && tagclock_valid(all->clock, tags, f->stamp);

    for (struct flight_waiter *w = f->waiters, *next; w; w = next) {
        next = w->next;
        w->reply = NULL;
        if (!reply)
            w->verdict = FLIGHT_BY_ITSELF;
        else if (!valid && !w->again)
            w->verdict = FLIGHT_AGAIN;
        else {
            w->verdict = FLIGHT_REPLY;
            w->reply = reply_ref(reply);
        }
        joined++;
        worker_post(w->worker, &w->letter);
    }
    mem_free(f);
    return joined;
}

static void flight_leave(struct flight *f, const struct worker *worker)
{
    for (struct flight_waiter **at = &f->waiters; *at;) {
        if ((*at)->worker == worker)
            *at = (*at)->next;
        else
            at = &(*at)->next;
    }
}

void flights_leave(struct flights *all, const struct worker *worker)
{
    for (unsigned i = 0; i < FLIGHT_SHARDS; i++) {
        struct shard *shard = &all->shards[i];
        size_t cursor = 0;

        (void)pthread_mutex_lock(&shard->lock);
        for (struct flight *f; (f = table_next(shard->table, &cursor));)
            flight_leave(f, worker);
        (void)pthread_mutex_unlock(&shard->lock);
    }
}
