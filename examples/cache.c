/* SPDX-License-Identifier: MIT */
/*
 * cache - a cache in front of something slow, told when that changes.
 *
 *   cc cache.c $(pkg-config --cflags --libs fieldline)
 *
 * Threads: loop.
 */
#include <fieldline/cache.h>

#include <stdio.h>
#include <string.h>

static int loads;

/* What is slow: here it only says how often it was asked. */
static int load_route(struct fl_cache_load *load, const void *key,
                      size_t key_size, void *arg)
{
    struct fl_cache_item item;
    char text[64];
    int size = snprintf(text, sizeof(text), "%.*s, load %d", (int)key_size,
                        (const char *)key, ++loads);

    fl_cache_item_init(&item, arg);
    item.tags[0] = fl_tag(key, key_size); /* what it was made from */
    item.tag_count = 1;
    return fl_cache_load_put(load, 0, text, (size_t)size + 1, &item);
}

static int show(struct fl_cache *cache, const char *key)
{
    struct fl_cache_pin *pin;
    int error =
        fl_cache_get_or_load(cache, key, strlen(key), load_route, cache, &pin);

    if (error < 0) {
        fprintf(stderr, "%s: %s\n", key, fl_error_text(error));
        return error;
    }
    printf("%s\n", (const char *)fl_cache_pin_value(pin));
    fl_cache_unpin(cache, &pin);
    return 0;
}

int main(void)
{
    struct fl_tagclock *clock = NULL;
    struct fl_cache *cache = NULL;
    struct fl_cache_options options;
    struct fl_cache_stats stats;
    int error = fl_tagclock_new(&clock, 1 << 20, NULL);

    fl_cache_options_init(&options);
    options.entries_max = 10000;
    options.clock = clock;
    if (error == 0)
        error = fl_cache_new(&cache, &options);
    if (error == 0)
        error = show(cache, "route-1"); /* loads */
    if (error == 0)
        error = show(cache, "route-1"); /* hits */
    if (error == 0) {
        /* Change number 1: whatever was made from route-1 is outdated. */
        fl_tagclock_move(clock, fl_tag("route-1", 7), 1);
        fl_tagclock_advance(clock, 1);
        error = show(cache, "route-1"); /* loads again */
    }
    if (error == 0) {
        fl_cache_stats(cache, &stats);
        printf("%d loads, %zu entry, %zu bytes\n", loads, stats.entries,
               stats.bytes);
    }
    if (error < 0)
        fprintf(stderr, "%s\n", fl_error_text(error));
    fl_cache_free(&cache);
    fl_tagclock_free(&clock);
    return error < 0 || loads != 2;
}
