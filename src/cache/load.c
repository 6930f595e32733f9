/* SPDX-License-Identifier: MIT */
/*
 * load - one load for any number of callers.
 *
 * A FLIGHT is a load under way, on its shard's list from before it begins
 * until its result is known. Who finds it there waits on it; the last to have
 * used it frees it.
 * Threads: any, locked by the shard; loads run without the lock.
 */
#include "cache/core.h"

#include "base/allocator.h"

#include <string.h>

struct flight {
    struct flight *next;
    uint64_t hash;
    const void *key; /* its leader's */
    size_t key_size;
    unsigned users; /* the leader and who waits */
    bool done;
    int error;
    struct entry *result; /* a reference; NULL: there is none */
    pthread_cond_t ended;
};

struct fl_cache_load {
    struct fl_cache *cache;
    const struct fl_cache_key *keys;
    struct fl_cache_pin **pins; /* what was put, one for each key */
    size_t count;
    uint64_t stamp;
};

int fl_cache_load_put(struct fl_cache_load *load, size_t index,
                      const void *value, size_t value_size,
                      const struct fl_cache_item *given)
{
    struct fl_cache *c = load->cache;
    struct fl_cache_item item;
    struct entry *e;

    if (index >= load->count)
        return FL_ERR_RANGE;
    fl_cache_item_init(&item, c);
    if (given)
        memcpy(&item, given,
               given->size < sizeof(item) ? given->size : sizeof(item));
    item.stamp = load->stamp;

    const struct fl_cache_key *k = &load->keys[index];
    uint64_t hash = core_hash(c, k->key, k->key_size);
    int error =
        core_entry_new(c, &e, k->key, k->key_size, hash, value_size, &item);

    if (error < 0)
        return error;
    if (value_size)
        memcpy((char *)e + entry_value_at(e), value, value_size);
    fl_cache_unpin(c, &load->pins[index]);
    load->pins[index] = core_pin(core_ref(e));
    /* Too large to be kept: it is the callers' all the same. */
    (void)!core_insert(c, e, hash);
    return 0;
}

static struct fl_cache_load load_of(struct fl_cache *c,
                                    const struct fl_cache_key *keys,
                                    size_t count, struct fl_cache_pin **pins)
{
    return (struct fl_cache_load){c, keys, pins, count,
                                  c->clock ? tagclock_stamp(c->clock) : 0};
}

/* A load by oneself. */
static int load_run(struct fl_cache *c, struct fl_cache_key key,
                    fl_cache_load_fn *load_fn, void *arg,
                    struct fl_cache_pin **ret)
{
    struct fl_cache_load load = load_of(c, &key, 1, ret);
    int error;

    *ret = NULL;
    error = load_fn(&load, key.key, key.key_size, arg);
    if (error < 0)
        fl_cache_unpin(c, ret);
    return error < 0 ? error : *ret ? 0 : FL_ERR_NOT_FOUND;
}

/* --- flights, locked --- */

static struct flight *flight_find(const struct shard *s,
                                  struct fl_cache_key key, uint64_t hash)
{
    struct flight *f = s->flights;

    while (f && !(f->hash == hash && f->key_size == key.key_size &&
                  memcmp(f->key, key.key, key.key_size) == 0))
        f = f->next;
    return f;
}

/* NULL without memory: then there is one load more. */
static struct flight *flight_begin(struct shard *s, struct fl_cache_key key,
                                   uint64_t hash)
{
    struct flight *f = allocator_zalloc(s->allocator, 1, sizeof(*f));

    if (!f)
        return NULL;
    (void)pthread_cond_init(&f->ended, NULL);
    f->hash = hash;
    f->key = key.key;
    f->key_size = key.key_size;
    f->users = 1;
    f->next = s->flights;
    s->flights = f;
    return f;
}

static struct entry *flight_leave(struct shard *s, struct flight *f)
{
    struct entry *result = f->result ? core_ref(f->result) : NULL;

    if (--f->users > 0)
        return result;
    if (result) /* the flight's own reference ends, but not the last */
        atomic_fetch_sub_explicit(&result->refs, 1, memory_order_relaxed);
    (void)pthread_cond_destroy(&f->ended);
    allocator_free(s->allocator, f);
    return result;
}

static struct entry *flight_end(struct shard *s, struct flight *f, int error,
                                struct entry *result)
{
    struct flight **at = &s->flights;

    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    f->done = true;
    f->error = error;
    f->result = result;
    (void)pthread_cond_broadcast(&f->ended);
    return flight_leave(s, f);
}

/* --- joining --- */

enum part { HAS_IT, LEADS, SHARED, ALONE };

/* What one has to do. With HAS_IT and SHARED *ret is a reference or NULL. */
static enum part flight_enter(struct fl_cache *c, struct fl_cache_key key,
                              uint64_t hash, struct flight **flight,
                              struct entry **ret)
{
    struct shard *s = core_shard(c, hash);
    enum part part = HAS_IT;

    shard_lock(s);
    *ret = core_peek(c, s, key.key, key.key_size, hash);

    struct flight *f = *ret ? NULL : flight_find(s, key, hash);

    if (f) {
        f->users++;
        s->counts.loads_joined++;
        while (!f->done)
            (void)pthread_cond_wait(&f->ended, &s->lock);
        part = f->error < 0 && f->error != FL_ERR_NOT_FOUND ? ALONE : SHARED;
        *ret = flight_leave(s, f);
    } else if (!*ret) {
        *flight = flight_begin(s, key, hash);
        s->counts.loads++;
        part = *flight ? LEADS : ALONE;
    }
    shard_unlock(s);
    return part;
}

static int flight_lead(struct fl_cache *c, struct fl_cache_key key,
                       struct flight *f, fl_cache_load_fn *load_fn, void *arg,
                       struct fl_cache_pin **ret)
{
    struct shard *s = core_shard(c, f->hash);
    int error = load_run(c, key, load_fn, arg, ret);

    shard_lock(s);
    if (error < 0 && error != FL_ERR_NOT_FOUND)
        s->counts.loads_failed++;
    *ret = core_pin(flight_end(s, f, error, core_entry(*ret)));
    shard_unlock(s);
    return error;
}

int fl_cache_get_or_load(struct fl_cache *c, const void *key, size_t key_size,
                         fl_cache_load_fn *load_fn, void *arg,
                         struct fl_cache_pin **ret)
{
    struct fl_cache_key k = {key, key_size};
    uint64_t hash = core_hash(c, key, key_size);
    struct fl_cache_pin *pin = core_get(c, key, key_size, hash);
    struct flight *flight = NULL;
    struct entry *e = NULL;
    int error = 0;

    if (pin) {
        *ret = pin;
        return 0;
    }
    for (bool again = false; !e; again = true) {
        enum part part = flight_enter(c, k, hash, &flight, &e);

        if (part == SHARED && !again && (!e || !core_holds(c, e))) {
            if (e) /* he may have come after that: once more */
                core_unref(c, e);
            e = NULL;
            continue;
        }
        if (part == LEADS)
            error = flight_lead(c, k, flight, load_fn, arg, &pin);
        else if (part == ALONE)
            error = load_run(c, k, load_fn, arg, &pin);
        else if (!e)
            error = FL_ERR_NOT_FOUND;
        if (error < 0)
            return error;
        if (!e)
            e = core_entry(pin);
    }
    *ret = core_pin(e);
    return 0;
}

int fl_cache_get_many(struct fl_cache *c, const struct fl_cache_key *keys,
                      size_t count, fl_cache_load_many_fn *load_fn, void *arg,
                      struct fl_cache_pin **ret)
{
    /* The stamp before the gets: it is older, which is never wrong. */
    struct fl_cache_load load = load_of(c, keys, count, ret);
    size_t *missing = NULL, missing_count = 0;
    int error = 0;

    core_get_each(c, keys, count, ret);
    for (size_t i = 0; i < count; i++)
        missing_count += !ret[i];
    if (missing_count == 0)
        return 0;
    missing = allocator_alloc(&c->allocator, missing_count, sizeof(*missing));
    if (missing) {
        for (size_t i = 0, at = 0; i < count; i++)
            if (!ret[i])
                missing[at++] = i;
        error = load_fn(&load, keys, missing, missing_count, arg);
        allocator_free(&c->allocator, missing);
    } else {
        error = FL_ERR_NOMEM;
    }
    for (size_t i = 0; error < 0 && i < count; i++)
        fl_cache_unpin(c, &ret[i]);
    return error;
}
