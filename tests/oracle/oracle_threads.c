/* SPDX-License-Identifier: MIT */
/*
 * oracle_threads - the library's cache with readers and writers at once.
 *
 * The truth is an array of versions. Who changes a row writes it, then moves
 * its tag; the version is PUBLISHED when the move has ended. From then on no
 * get that begins may answer an older one, whatever loads, sets, expiry,
 * eviction and clearing go on beside it. Nor may a value be torn, past its
 * time, or change while it is pinned, and of one key there is one load at a
 * time. 200,000 steps a policy, or FIELDLINE_CASES.
 * Threads: two that change, three that read.
 */
#include "fieldline/cache.h"

#include "seed.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#define KEYS      400
#define TAGS      40 /* each is of ten keys */
#define SCOPES    4
#define CHANGERS  2
#define READERS   3
#define PINS      24 /* more than a thread has slots */
#define MANY      5
#define WORDS_MAX 40
#define STEPS     200000
#define CLOCK     4096

/* The rest of its words say the version again. */
struct row {
    uint64_t key, version, dead_at_ms;
    uint64_t words[WORDS_MAX];
};

static struct {
    struct fl_cache *cache;
    struct fl_tagclock *clock;
    pthread_mutex_t changing; /* changes have an order, as in a feed */
    pthread_rwlock_t time;    /* stands still while a row says when it ends */
    uint64_t offset;
    _Atomic uint64_t versions[KEYS], published[KEYS];
    atomic_uint loading[KEYS];
    _Atomic uint64_t now_ms;
    size_t entries_max, bytes_max, steps;
} world;

struct actor {
    pthread_t thread;
    struct random random;
    struct fl_cache_pin *pins[PINS];
    struct row held[PINS]; /* what each was when it was pinned */
};

static uint64_t on_now(void *ctx)
{
    return atomic_load(&world.now_ms);
}

static uint64_t tag_of(uint64_t key)
{
    return 1 + key % TAGS;
}

static uint64_t scope_of(uint64_t key)
{
    return 1 + TAGS + tag_of(key) % SCOPES;
}

/* --- values --- */

static size_t words_of(uint64_t key, uint64_t version)
{
    return hash_mix(key ^ version) % WORDS_MAX;
}

static size_t row_read(struct row *r, uint64_t key,
                       const struct fl_cache_item *item)
{
    size_t words;

    r->key = key;
    r->version = atomic_load(&world.versions[key]);
    r->dead_at_ms = item->ttl_ms == FL_CACHE_NEVER
                        ? UINT64_MAX
                        : atomic_load(&world.now_ms) + item->ttl_ms;
    words = words_of(key, r->version);
    for (size_t i = 0; i < words; i++)
        r->words[i] = r->version;
    return offsetof(struct row, words) + words * sizeof(uint64_t);
}

static void row_check(const struct fl_cache_pin *pin, uint64_t key)
{
    const struct row *r = fl_cache_pin_value(pin);
    size_t words = words_of(key, r->version);

    CHECK(r->key == key);
    CHECK(fl_cache_pin_size(pin) ==
          offsetof(struct row, words) + words * sizeof(uint64_t));
    for (size_t i = 0; i < words; i++)
        CHECK(r->words[i] == r->version);
}

static void item_draw(struct fl_cache_item *item, uint64_t key, uint64_t drawn)
{
    fl_cache_item_init(item, world.cache);
    item->ttl_ms = drawn % 4 ? drawn % 200 : FL_CACHE_NEVER;
    item->tags[item->tag_count++] = tag_of(key);
    if (drawn / 4 % 2)
        item->scope = scope_of(key);
    if (drawn / 8 % 2)
        item->tags[item->tag_count++] = scope_of(key);
}

/* --- changes --- */

static void change(struct random *r)
{
    uint64_t key = random_below(r, KEYS), version;

    pthread_mutex_lock(&world.changing);
    version = atomic_load(&world.versions[key]) + 1;
    atomic_store(&world.versions[key], version);
    world.offset++;
    /* The scope first: while it stands still its tags have not moved. */
    fl_tagclock_move(world.clock, scope_of(key), world.offset);
    if (random_below(r, 1000) == 0)
        fl_tagclock_move_all(world.clock, world.offset);
    else
        fl_tagclock_move(world.clock, tag_of(key), world.offset);
    fl_tagclock_advance(world.clock, world.offset);
    pthread_mutex_unlock(&world.changing);

    uint64_t was = atomic_load(&world.published[key]);

    while (was < version &&
           !atomic_compare_exchange_weak(&world.published[key], &was, version))
        ;
}

static void put(struct random *r)
{
    uint64_t key = random_below(r, KEYS), stamp;
    struct fl_cache_item item;
    struct row row;
    size_t size;
    int error;

    stamp = fl_tagclock_stamp(world.clock);
    item_draw(&item, key, random_next(r));
    item.stamp = stamp;
    (void)pthread_rwlock_rdlock(&world.time);
    size = row_read(&row, key, &item);
    error = fl_cache_set(world.cache, &key, sizeof(key), &row, size, &item);
    (void)pthread_rwlock_unlock(&world.time);
    CHECK(error == 0 || error == FL_ERR_LIMIT);
}

static void time_pass(struct random *r)
{
    (void)pthread_rwlock_wrlock(&world.time);
    atomic_fetch_add(&world.now_ms, random_below(r, 30));
    (void)pthread_rwlock_unlock(&world.time);
}

static void bounds_check(void)
{
    struct fl_cache_stats s;

    fl_cache_stats(world.cache, &s);
    CHECK(s.entries <= world.entries_max && s.bytes <= world.bytes_max);
}

static void *on_changer(void *arg)
{
    struct random *r = &((struct actor *)arg)->random;

    for (size_t i = 0; i < world.steps; i++) {
        uint64_t key = random_below(r, KEYS), drawn = random_below(r, 1000);

        if (drawn < 500)
            put(r);
        else if (drawn < 900)
            change(r);
        else if (drawn < 950)
            (void)fl_cache_delete(world.cache, &key, sizeof(key));
        else if (drawn < 990)
            time_pass(r);
        else if (drawn < 997)
            fl_cache_expire(world.cache);
        else if (drawn < 999)
            bounds_check();
        else
            fl_cache_clear(world.cache);
    }
    return NULL;
}

/* --- reads --- */

static int on_load(struct fl_cache_load *load, const void *key, size_t key_size,
                   void *arg)
{
    struct fl_cache_item item;
    struct row row;
    uint64_t k;
    size_t size;
    int error;

    memcpy(&k, key, sizeof(k));
    CHECK(atomic_fetch_add(&world.loading[k], 1) == 0);
    item_draw(&item, k, random_next(arg));
    (void)pthread_rwlock_rdlock(&world.time);
    size = row_read(&row, k, &item);
    for (uint64_t i = random_below(arg, 4); i; i--)
        (void)sched_yield(); /* others may join, and change it */
    error = fl_cache_load_put(load, 0, &row, size, &item);
    (void)pthread_rwlock_unlock(&world.time);
    CHECK(atomic_fetch_sub(&world.loading[k], 1) == 1);
    return error;
}

static int on_load_many(struct fl_cache_load *load,
                        const struct fl_cache_key *keys, const size_t *missing,
                        size_t count, void *arg)
{
    for (size_t i = 0; i < count; i++) {
        struct fl_cache_item item;
        struct row row;
        uint64_t k;
        size_t size;

        memcpy(&k, keys[missing[i]].key, sizeof(k));
        item_draw(&item, k, random_next(arg));

        (void)pthread_rwlock_rdlock(&world.time);
        size = row_read(&row, k, &item);
        CHECK(fl_cache_load_put(load, missing[i], &row, size, &item) == 0);
        (void)pthread_rwlock_unlock(&world.time);
    }
    return 0;
}

/* Takes the pin over; checks that nothing happened to what it held before. */
static void hold(struct actor *a, struct fl_cache_pin *pin)
{
    size_t at = random_below(&a->random, PINS);

    if (a->pins[at])
        CHECK(memcmp(fl_cache_pin_value(a->pins[at]), &a->held[at],
                     fl_cache_pin_size(a->pins[at])) == 0);
    fl_cache_unpin(world.cache, &a->pins[at]);
    a->pins[at] = pin;
    if (pin)
        memcpy(&a->held[at], fl_cache_pin_value(pin), fl_cache_pin_size(pin));
}

/* As the truth was before the get: nothing older, nothing past its time. */
static void answer_check(const struct fl_cache_pin *pin, uint64_t key,
                         uint64_t published, uint64_t now_ms)
{
    const struct row *r = fl_cache_pin_value(pin);

    row_check(pin, key);
    CHECK(r->version >= published);
    CHECK(r->version <= atomic_load(&world.versions[key]));
    CHECK(r->dead_at_ms >= now_ms);
}

static void get_many(struct actor *a)
{
    uint64_t keys[MANY], published[MANY], now_ms;
    struct fl_cache_key asked[MANY];
    struct fl_cache_pin *pins[MANY];

    for (size_t i = 0; i < MANY; i++) {
        keys[i] = random_below(&a->random, KEYS);
        asked[i] = (struct fl_cache_key){&keys[i], sizeof(keys[i])};
        published[i] = atomic_load(&world.published[keys[i]]);
    }
    now_ms = atomic_load(&world.now_ms);
    CHECK(fl_cache_get_many(world.cache, asked, MANY, on_load_many, &a->random,
                            pins) == 0);
    for (size_t i = 0; i < MANY; i++) {
        answer_check(pins[i], keys[i], published[i], now_ms);
        hold(a, pins[i]);
    }
}

static void get_one(struct actor *a)
{
    uint64_t key = random_below(&a->random, KEYS);
    uint64_t published = atomic_load(&world.published[key]);
    uint64_t now_ms = atomic_load(&world.now_ms);
    struct fl_cache_pin *pin = NULL;

    if (random_below(&a->random, 3) == 0)
        CHECK(fl_cache_get_or_load(world.cache, &key, sizeof(key), on_load,
                                   &a->random, &pin) == 0);
    else
        pin = fl_cache_get(world.cache, &key, sizeof(key));
    if (pin)
        answer_check(pin, key, published, now_ms);
    hold(a, pin);
}

static void *on_reader(void *arg)
{
    struct actor *a = arg;

    for (size_t i = 0; i < world.steps; i++)
        if (i % 16 == 0)
            get_many(a);
        else
            get_one(a);
    for (size_t i = 0; i < PINS; i++)
        fl_cache_unpin(world.cache, &a->pins[i]);
    return NULL;
}

/* --- runs --- */

static void run(struct random *r, enum fl_cache_policy policy, size_t steps)
{
    struct actor actors[CHANGERS + READERS] = {0};
    struct fl_cache_options o;
    struct fl_cache_stats s;

    world.steps = steps / ARRAY_LEN(actors);
    world.entries_max = 20 + random_below(r, 2 * KEYS);
    world.bytes_max = 10000 + random_below(r, (size_t)1 << 18);
    CHECK(fl_tagclock_new(&world.clock, CLOCK, NULL) == 0);
    fl_tagclock_move_all(world.clock, world.offset);
    fl_tagclock_advance(world.clock, world.offset);
    fl_cache_options_init(&o);
    o.entries_max = world.entries_max;
    o.bytes_max = world.bytes_max;
    o.policy = policy;
    o.jitter_percent = 0;
    o.clock = world.clock;
    o.now_ms = on_now;
    CHECK(fl_cache_new(&world.cache, &o) == 0);
    for (size_t i = 0; i < ARRAY_LEN(actors); i++) {
        actors[i].random.state = random_next(r);
        CHECK(pthread_create(&actors[i].thread, NULL,
                             i < CHANGERS ? on_changer : on_reader,
                             &actors[i]) == 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(actors); i++)
        CHECK(pthread_join(actors[i].thread, NULL) == 0);
    fl_cache_stats(world.cache, &s);
    printf("policy %d: %zu steps, %" PRIu64 " hits, %" PRIu64
           " outdated, %" PRIu64 " joined, %" PRIu64 " evicted\n",
           (int)policy, steps, s.hits, s.outdated, s.loads_joined, s.evictions);
    CHECK(s.hits > 0 && s.outdated > 0);
    fl_cache_free(&world.cache);
    fl_tagclock_free(&world.clock);
}

int main(void)
{
    struct random r = random_start();
    const char *cases = getenv("FIELDLINE_CASES");
    size_t steps = cases ? (size_t)strtoul(cases, NULL, 10) : STEPS;

    (void)pthread_mutex_init(&world.changing, NULL);
    (void)pthread_rwlock_init(&world.time, NULL);
    atomic_store(&world.now_ms, 1000);
    for (int policy = FL_CACHE_TIDE; policy <= FL_CACHE_LRU; policy++)
        run(&r, (enum fl_cache_policy)policy, steps);
    (void)pthread_rwlock_destroy(&world.time);
    (void)pthread_mutex_destroy(&world.changing);
    return 0;
}
