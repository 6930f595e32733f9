/* SPDX-License-Identifier: MIT */
/*
 * text - a cache of texts whose clock the test turns.
 * Threads: loop.
 */
#ifndef FIELDLINE_TESTS_CACHE_TEXT_H
#define FIELDLINE_TESTS_CACHE_TEXT_H

#include "../check.h"
#include "fieldline/cache.h"

static uint64_t now = 1000000;

static uint64_t on_now(void *ctx)
{
    return now;
}

static struct fl_cache *cache_of(size_t entries, struct fl_tagclock *clock)
{
    struct fl_cache_options o;
    struct fl_cache *c = NULL;

    fl_cache_options_init(&o);
    o.entries_max = entries;
    o.jitter_percent = 0;
    o.clock = clock;
    o.now_ms = on_now;
    assert_int_equal(fl_cache_new(&c, &o), 0);
    return c;
}

static void set(struct fl_cache *c, const char *key, const char *value,
                const struct fl_cache_item *item)
{
    assert_int_equal(
        fl_cache_set(c, key, strlen(key), value, strlen(value) + 1, item), 0);
}

static bool has(struct fl_cache *c, const char *key)
{
    return fl_cache_has(c, key, strlen(key));
}

#endif
