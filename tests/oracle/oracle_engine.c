/* SPDX-License-Identifier: MIT */
/*
 * oracle_engine - the library's cache against an array of what was last set.
 *
 * A cache may forget, so a miss is right unless there is room for everything;
 * a hit must be the last value set, alive, with no tag moved since its stamp.
 * The bounds hold after every step, and what is pinned stays whole. Some values
 * are objects: each leaves once, if it ever came in, is freed once, and not
 * while it is pinned. Each policy
 * runs 400,000 steps, or ten times FIELDLINE_CASES (10,000,000 in the long
 * tests), half of them with room for everything.
 * Threads: loop.
 */
#include "fieldline/cache.h"

#include "seed.h"

#define KEYS       2000
#define TAGS       50
#define PINS       64
#define SIZE_LARGE 20000
#define STEPS      400000
#define CASE_STEPS 10

#define THING_ALIVE 0x600dda7au
#define THING_DEAD  0xdeadda7au

/* What is set as an object. */
struct thing {
    unsigned state;
    bool has_left;
    uint64_t version;
};

struct model {
    uint64_t version; /* 0: nothing is there */
    uint64_t dead_at_ms;
    uint64_t stamp;
    uint64_t tag; /* 0: none */
    size_t size;
    bool is_object;
};

struct oracle {
    struct fl_cache *cache;
    struct fl_tagclock *clock;
    struct random *random;
    struct model model[KEYS];
    struct fl_cache_pin *pins[PINS];
    uint64_t pinned[PINS]; /* the version */
    bool pinned_objects[PINS];
    uint64_t tag_at[TAGS + 1];
    uint64_t now_ms, offset, version;
    size_t entries_max, bytes_max, loads;
    bool roomy;
};

static size_t living, inside; /* things */
static struct thing *setting; /* it is not known yet whether it comes in */

static uint64_t on_now(void *ctx)
{
    return ((struct oracle *)ctx)->now_ms;
}

static size_t key_of(size_t key, char text[32])
{
    return (size_t)snprintf(text, 32, "/api/v1/stops/%zu", key);
}

/* A value of size bytes that says its version again and again. */
static const char *value_of(uint64_t version, size_t size)
{
    static char bytes[SIZE_LARGE + sizeof(version)];

    for (size_t at = 0; at < size; at += sizeof(version))
        memcpy(bytes + at, &version, sizeof(version));
    return bytes;
}

static void check_value(const struct fl_cache_pin *pin, uint64_t version,
                        bool is_object)
{
    size_t size = fl_cache_pin_size(pin);

    if (is_object) {
        const struct thing *t = fl_cache_pin_value(pin);

        CHECK(t->state == THING_ALIVE && t->version == version);
        return;
    }
    CHECK((uintptr_t)fl_cache_pin_value(pin) % 8 == 0);
    CHECK(memcmp(fl_cache_pin_value(pin), value_of(version, size), size) == 0);
}

static bool is_alive(const struct oracle *o, const struct model *m)
{
    return m->version && o->now_ms <= m->dead_at_ms &&
           !(m->tag && o->tag_at[m->tag] > m->stamp);
}

static size_t random_size(struct random *r)
{
    switch (random_below(r, 50)) {
    case 0:
        return random_below(r, SIZE_LARGE);
    case 1:
        return 0;
    default:
        return random_below(r, 300);
    }
}

/* A new version of a key: what the model and the cache are told. */
static struct fl_cache_item version_next(struct oracle *o, size_t key)
{
    struct model *m = &o->model[key];
    struct fl_cache_item item;

    fl_cache_item_init(&item, o->cache);
    item.ttl_ms = random_below(o->random, 2) ? FL_CACHE_NEVER
                                             : random_below(o->random, 20000);
    item.stamp = fl_tagclock_stamp(o->clock);
    *m = (struct model){.version = ++o->version,
                        .stamp = item.stamp,
                        .size = random_size(o->random)};
    m->dead_at_ms =
        item.ttl_ms == FL_CACHE_NEVER ? UINT64_MAX : o->now_ms + item.ttl_ms;
    if (random_below(o->random, 3) == 0) {
        m->tag = 1 + random_below(o->random, TAGS);
        item.tags[0] = m->tag;
        item.tags[1] = TAGS + 1 + random_below(o->random, TAGS); /* rests */
        item.tag_count = 2;
    }
    return item;
}

static void pin_keep(struct oracle *o, struct fl_cache_pin *pin,
                     const struct model *m)
{
    size_t at = random_below(o->random, PINS);

    check_value(pin, m->version, m->is_object);
    if (o->pins[at])
        check_value(o->pins[at], o->pinned[at], o->pinned_objects[at]);
    fl_cache_unpin(o->cache, &o->pins[at]);
    o->pins[at] = pin;
    o->pinned[at] = m->version;
    o->pinned_objects[at] = m->is_object;
}

static void step_set(struct oracle *o)
{
    size_t key = random_below(o->random, KEYS);
    char text[32];
    size_t size = key_of(key, text);
    struct fl_cache_item item = version_next(o, key);
    struct model *m = &o->model[key];
    int error = fl_cache_set(o->cache, text, size,
                             value_of(m->version, m->size), m->size, &item);

    CHECK(error == 0 || (error == FL_ERR_LIMIT && !o->roomy));
    if (error < 0)
        m->version = 0;
}

static void on_leave(void *object)
{
    struct thing *t = object;

    CHECK(t->state == THING_ALIVE && !t->has_left && t != setting);
    t->has_left = true;
    inside--;
}

/* What does not come in is freed while it is set, and has never left. */
static void on_free(void *object)
{
    struct thing *t = object;

    CHECK(t->state == THING_ALIVE && t->has_left == (t != setting));
    if (t == setting)
        setting = NULL;
    t->state = THING_DEAD;
    living--;
    free(t);
}

static void step_set_object(struct oracle *o)
{
    size_t key = random_below(o->random, KEYS);
    char text[32];
    size_t size = key_of(key, text);
    bool too_large = random_below(o->random, 100) == 0;
    struct fl_cache_item item = version_next(o, key);
    struct model *m = &o->model[key];
    struct thing *t = malloc(sizeof(*t));
    struct fl_cache_object object = {.size = sizeof(object),
                                     .object = t,
                                     .weight = m->size,
                                     .free_fn = on_free,
                                     .leave_fn = on_leave};

    CHECK(t);
    *t = (struct thing){.state = THING_ALIVE, .version = m->version};
    if (too_large)
        object.weight = o->bytes_max;
    m->size = object.weight;
    m->is_object = true;
    living++;
    setting = t;

    int error = fl_cache_set_object(o->cache, text, size, &object, &item);

    CHECK(error == 0 || (error == FL_ERR_LIMIT && (!o->roomy || too_large)));
    CHECK(setting == (error == 0 ? t : NULL));
    setting = NULL;
    if (error == 0)
        inside++;
    else
        m->version = 0;
}

static void step_get(struct oracle *o)
{
    size_t key = random_below(o->random, KEYS);
    char text[32];
    size_t size = key_of(key, text);
    const struct model *m = &o->model[key];
    bool has = fl_cache_has(o->cache, text, size);
    struct fl_cache_pin *pin = fl_cache_get(o->cache, text, size);

    CHECK(has == (pin != NULL));
    if (!pin) {
        CHECK(!o->roomy || !is_alive(o, m));
        return;
    }
    CHECK(is_alive(o, m) && fl_cache_pin_size(pin) == m->size);
    pin_keep(o, pin, m);
}

static size_t load_key(const void *text, size_t size)
{
    return (size_t)strtoul((const char *)text + sizeof("/api/v1/stops/") - 1,
                           NULL, 10);
}

static int on_load(struct fl_cache_load *load, const void *key, size_t size,
                   void *arg)
{
    struct oracle *o = arg;
    char text[32] = {0};

    memcpy(text, key, size);

    size_t number = load_key(text, size);
    struct fl_cache_item item = version_next(o, number);
    const struct model *m = &o->model[number];

    o->loads++;
    item.stamp = 0; /* the cache knows it */
    return fl_cache_load_put(load, 0, value_of(m->version, m->size), m->size,
                             &item);
}

static void step_load(struct oracle *o)
{
    size_t key = random_below(o->random, KEYS), before = o->loads;
    char text[32];
    size_t size = key_of(key, text);
    bool alive = is_alive(o, &o->model[key]);
    struct fl_cache_pin *pin = NULL;

    CHECK(fl_cache_get_or_load(o->cache, text, size, on_load, o, &pin) == 0);
    CHECK(o->loads == before + 1 || alive);
    CHECK(!(o->roomy && alive) || o->loads == before);
    pin_keep(o, pin, &o->model[key]);
}

static int on_load_many(struct fl_cache_load *load,
                        const struct fl_cache_key *keys, const size_t *missing,
                        size_t count, void *arg)
{
    struct oracle *o = arg;

    CHECK(count > 0);
    for (size_t i = 0; i < count; i++) {
        char text[32] = {0};

        memcpy(text, keys[missing[i]].key, keys[missing[i]].key_size);

        size_t number = load_key(text, 0);
        struct fl_cache_item item = version_next(o, number);
        const struct model *m = &o->model[number];

        CHECK(fl_cache_load_put(load, missing[i], value_of(m->version, m->size),
                                m->size, &item) == 0);
    }
    return 0;
}

static void step_many(struct oracle *o)
{
    char texts[8][32] = {{0}};
    struct fl_cache_key keys[8];
    struct fl_cache_pin *pins[8];
    size_t first = random_below(o->random, KEYS - 8);

    for (size_t i = 0; i < 8; i++)
        keys[i] = (struct fl_cache_key){texts[i], key_of(first + i, texts[i])};
    CHECK(fl_cache_get_many(o->cache, keys, 8, on_load_many, o, pins) == 0);
    for (size_t i = 0; i < 8; i++) {
        check_value(pins[i], o->model[first + i].version,
                    o->model[first + i].is_object);
        fl_cache_unpin(o->cache, &pins[i]);
    }
}

static void step_move(struct oracle *o)
{
    uint64_t tag = 1 + random_below(o->random, TAGS);

    o->offset++;
    fl_tagclock_move(o->clock, tag, o->offset);
    fl_tagclock_advance(o->clock, o->offset);
    o->tag_at[tag] = o->offset;
}

static void step_delete(struct oracle *o)
{
    size_t key = random_below(o->random, KEYS);
    char text[32];

    if (fl_cache_delete(o->cache, text, key_of(key, text)))
        CHECK(o->model[key].version);
    o->model[key].version = 0;
}

static void step_rare(struct oracle *o)
{
    if (random_below(o->random, 50) == 0) {
        fl_cache_clear(o->cache);
        for (size_t i = 0; i < KEYS; i++)
            o->model[i].version = 0;
    }
    if (!o->roomy) {
        size_t entries = random_below(o->random, o->entries_max + 1);
        size_t bytes = random_below(o->random, o->bytes_max + 1);

        CHECK(fl_cache_bounds_set(o->cache, entries, bytes) == 0);
    }
}

static void check_bounds(const struct oracle *o)
{
    struct fl_cache_stats s;

    fl_cache_stats(o->cache, &s);
    CHECK(s.entries <= s.entries_max && s.bytes <= s.bytes_max);
    CHECK(s.entries_max <= o->entries_max && s.bytes_max <= o->bytes_max);
    CHECK(inside <= s.entries && inside <= living);
}

static void step(struct oracle *o)
{
    switch (random_below(o->random, 16)) {
    case 0:
    case 1:
        step_set(o);
        break;
    case 2:
        step_set_object(o);
        break;
    case 3:
        step_delete(o);
        break;
    case 4:
        step_load(o);
        break;
    case 5:
        step_move(o);
        break;
    default:
        step_get(o);
    }
    if (random_below(o->random, 20) == 0)
        o->now_ms += random_below(o->random, 300);
    if (random_below(o->random, 100) == 0)
        fl_cache_expire(o->cache);
    if (random_below(o->random, 100) == 0)
        step_many(o);
    if (random_below(o->random, 20000) == 0)
        step_rare(o);
    check_bounds(o);
}

static void run(struct random *r, enum fl_cache_policy policy, bool roomy,
                size_t steps)
{
    static struct oracle oracle;
    struct oracle *o = &oracle;
    struct fl_cache_options options;

    *o = (struct oracle){.random = r, .roomy = roomy};
    o->now_ms = 1000 + random_below(r, 1000000000);
    o->entries_max = roomy ? 8 * KEYS : 1 + random_below(r, KEYS);
    o->bytes_max =
        roomy ? (size_t)1 << 30 : 10000 + random_below(r, (size_t)1 << 20);
    CHECK(fl_tagclock_new(&o->clock, 4096, NULL) == 0);
    fl_cache_options_init(&options);
    options.entries_max = o->entries_max;
    options.bytes_max = o->bytes_max;
    options.policy = policy;
    options.jitter_percent = 0;
    options.shards = 8;
    options.clock = o->clock;
    options.now_ms = on_now;
    options.now_ctx = o;
    CHECK(fl_cache_new(&o->cache, &options) == 0);
    for (size_t i = 0; i < steps; i++)
        step(o);
    for (size_t i = 0; i < PINS; i++)
        fl_cache_unpin(o->cache, &o->pins[i]);
    fl_cache_free(&o->cache);
    fl_tagclock_free(&o->clock);
    CHECK(living == 0 && inside == 0);
}

static size_t steps_of(void)
{
    const char *cases = getenv("FIELDLINE_CASES");

    return cases ? CASE_STEPS * (size_t)strtoul(cases, NULL, 10) : STEPS;
}

int main(void)
{
    struct random r = random_start();
    size_t steps = steps_of();

    for (int policy = FL_CACHE_TIDE; policy <= FL_CACHE_LRU; policy++) {
        run(&r, (enum fl_cache_policy)policy, true, steps / 2);
        run(&r, (enum fl_cache_policy)policy, false, steps / 2);
        printf("policy %d: %zu steps\n", policy, steps);
    }
    return 0;
}
