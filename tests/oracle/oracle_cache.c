/* SPDX-License-Identifier: MIT */
/*
 * oracle_cache - the cache against an array of what was last set.
 *
 * A cache may forget, so a miss is right unless nothing could have been
 * forgotten; a hit must be the last value set, alive, with its own meta. The
 * bounds hold after every step, pinned values stay whole, and in the end every
 * value has been freed once.
 * Threads: loop.
 */
#include "base/error.h"
#include "cache/cache.h"
#include "seed.h"

#define KEYS  2000
#define STEPS 400000
#define PINS  64

#define VALUE_ALIVE 0x600dda7au
#define VALUE_DEAD  0xdeadda7au

struct item {
    struct cache_value value;
    unsigned state;
    size_t key;
    uint64_t version;
};

struct model {
    uint64_t version; /* 0: nothing is there */
    uint64_t dead_at_ms;
};

static struct model model[KEYS];
static struct cache_value *pins[PINS];
static size_t living;

static void on_free(struct cache_value *v)
{
    struct item *item = (struct item *)v;

    CHECK(item->state == VALUE_ALIVE);
    item->state = VALUE_DEAD;
    living--;
    free(item);
}

static struct bytes key_of(size_t key, char text[32])
{
    int len = snprintf(text, 32, "/api/v1/stops/%zu", key);

    return (struct bytes){text, (size_t)len};
}

static struct cache_value *item_new(size_t key, uint64_t version,
                                    uint32_t weight)
{
    struct item *item = malloc(sizeof(*item));

    CHECK(item);
    atomic_init(&item->value.refs, 1);
    item->value.weight = weight;
    item->value.free_fn = on_free;
    item->state = VALUE_ALIVE;
    item->key = key;
    item->version = version;
    living++;
    return &item->value;
}

/* Most are small, some are large, a few are larger than the whole. */
static uint32_t random_weight(struct random *r)
{
    switch (random_below(r, 50)) {
    case 0:
        return (uint32_t)random_below(r, 400000);
    case 1:
    case 2:
        return (uint32_t)random_below(r, 30000);
    default:
        return (uint32_t)random_below(r, 1000);
    }
}

static void step_set(struct cache *c, struct random *r, uint64_t now,
                     uint64_t version)
{
    size_t key = random_below(r, KEYS);
    char text[32];
    struct bytes k = key_of(key, text);
    struct cache_meta meta = {.stamp = version, .dead_at_ms = CACHE_NEVER};
    struct cache_value *v = item_new(key, version, random_weight(r));

    if (random_below(r, 2))
        meta.dead_at_ms = now + random_below(r, 20000);

    int error = cache_set(c, k, cache_hash(k), v, &meta, now);

    CHECK(error == 0 || error == ERR_LIMIT);
    if (error == 0)
        model[key] = (struct model){version, meta.dead_at_ms};
    cache_unpin(&v);
}

static void step_get(struct cache *c, struct random *r, uint64_t now,
                     bool may_forget)
{
    size_t key = random_below(r, KEYS);
    char text[32];
    struct bytes k = key_of(key, text);
    struct cache_meta meta;
    struct cache_value *v = cache_get(c, k, cache_hash(k), now, &meta);
    bool alive = model[key].version && now <= model[key].dead_at_ms;

    if (!v) {
        CHECK(may_forget || !alive);
        return;
    }

    struct item *item = (struct item *)v;
    size_t pin = random_below(r, PINS);

    CHECK(alive && item->state == VALUE_ALIVE && item->key == key);
    CHECK(item->version == model[key].version);
    CHECK(meta.stamp == item->version);
    CHECK(meta.dead_at_ms == model[key].dead_at_ms);
    cache_unpin(&pins[pin]);
    pins[pin] = v;
}

static void step_delete(struct cache *c, struct random *r)
{
    size_t key = random_below(r, KEYS);
    char text[32];
    struct bytes k = key_of(key, text);

    if (cache_delete(c, k, cache_hash(k)))
        CHECK(model[key].version);
    model[key].version = 0;
}

static void check_bounds(struct cache *c, size_t entries_max, size_t bytes_max)
{
    struct cache_stats s;

    cache_stats(c, &s);
    CHECK(s.entries <= entries_max && s.bytes <= bytes_max);
    CHECK(s.entries_max == entries_max && s.bytes_max == bytes_max);
    CHECK(s.entries <= living && living <= s.entries + PINS);
}

static void clear(struct cache *c)
{
    cache_clear(c);
    for (size_t i = 0; i < KEYS; i++)
        model[i].version = 0;
}

static void run(struct random *r, bool roomy)
{
    struct cache_options o = {.size = sizeof(o), .shards = 8};
    struct cache *c;
    uint64_t now = random_below(r, 1000000000);

    o.entries_max = roomy ? 8 * KEYS : 1 + random_below(r, KEYS);
    o.bytes_max =
        roomy ? (size_t)1 << 30 : 10000 + random_below(r, (size_t)1 << 20);
    CHECK(cache_new(&c, &o) == 0);
    for (uint64_t i = 1; i <= STEPS; i++) {
        switch (random_below(r, 10)) {
        case 0:
        case 1:
        case 2:
            step_set(c, r, now, i);
            break;
        case 3:
            step_delete(c, r);
            break;
        default:
            step_get(c, r, now, !roomy);
        }
        if (random_below(r, 20) == 0)
            now += random_below(r, 300);
        if (random_below(r, 100) == 0)
            cache_expire(c, now);
        if (random_below(r, 50000) == 0)
            clear(c);
        if (!roomy && random_below(r, 10000) == 0) {
            o.entries_max = random_below(r, KEYS);
            o.bytes_max = random_below(r, (size_t)1 << 20);
            cache_bounds_set(c, o.entries_max, o.bytes_max);
        }
        check_bounds(c, o.entries_max, o.bytes_max);
    }
    clear(c);
    cache_free(&c);
    for (size_t i = 0; i < PINS; i++)
        cache_unpin(&pins[i]);
    CHECK(living == 0);
}

int main(void)
{
    struct random r = random_start();

    run(&r, true);
    run(&r, false);
    run(&r, false);
    return 0;
}
