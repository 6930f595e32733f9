/* SPDX-License-Identifier: MIT */
/*
 * look - a walk over all entries, a few at a time.
 *
 * Under a shard's lock some are pinned; the callback sees them without it.
 * Threads: any.
 */
#include "cache/core.h"
#include "cache/tagclock_read.h"

#define LOOK_BATCH 64

struct walk {
    struct fl_cache *cache;
    struct shard *shard;
    size_t bucket; /* the next to look into */
    size_t count;
    struct entry *batch[LOOK_BATCH];
    struct fl_cache_look looks[LOOK_BATCH];
};

static struct fl_cache_item item_of(const struct entry *e, uint64_t ttl_ms)
{
    const uint64_t *meta = entry_meta(e);
    struct fl_cache_item item = {.size = sizeof(item), .ttl_ms = ttl_ms};
    unsigned at = 0;

    if (!e->meta_count)
        return item;
    item.stamp = meta[at++];
    if (e->has_scope)
        item.scope = tagclock_unmixed(meta[at++]);
    while (at < e->meta_count)
        item.tags[item.tag_count++] = tagclock_unmixed(meta[at++]);
    return item;
}

static void look_at(struct walk *w, struct entry *e)
{
    struct fl_cache_look *look = &w->looks[w->count];
    uint64_t now_ms = core_now_ms(w->cache);

    *look = (struct fl_cache_look){
        .size = sizeof(*look),
        .key = entry_key(e),
        .key_size = e->key_size,
        .value_size = e->is_object ? entry_object(e)->weight : e->value_size,
        .ttl_ms = FL_CACHE_NEVER,
        .used = atomic_load_explicit(&e->used, memory_order_relaxed),
        .proven = e->queue == ENTRY_MAIN,
    };
    if (e->dead_at_ms != ENTRY_DEAD_NEVER)
        look->ttl_ms = e->dead_at_ms > now_ms ? e->dead_at_ms - now_ms : 0;
    look->value = fl_cache_pin_value(core_pin(e));
    look->item = item_of(e, look->ttl_ms);
    w->batch[w->count++] = core_ref(e);
}

/* Locked. */
static void batch_fill(struct walk *w)
{
    for (; w->bucket < w->shard->buckets.count &&
           w->count <= LOOK_BATCH - BUCKET_PLACES;
         w->bucket++)
        for (size_t i = 0; i < BUCKET_PLACES; i++) {
            struct entry *e = shard_at(w->shard, w->bucket, i);

            if (e)
                look_at(w, e);
        }
}

static bool shard_walk(struct walk *w, fl_cache_each_fn *fn, void *arg)
{
    bool on = true;

    do {
        w->count = 0;
        shard_lock(w->shard);
        batch_fill(w);
        shard_unlock(w->shard);
        for (size_t i = 0; i < w->count; i++) {
            on = on && fn(&w->looks[i], arg);
            core_unref(w->cache, w->batch[i]);
        }
    } while (on && w->bucket < w->shard->buckets.count);
    return on;
}

void fl_cache_each(struct fl_cache *c, fl_cache_each_fn *fn, void *arg)
{
    struct walk w = {.cache = c};
    bool on = true;

    for (unsigned i = 0; on && i < c->shard_count; i++) {
        w.shard = &c->shards[i];
        w.bucket = 0;
        on = shard_walk(&w, fn, arg);
    }
}
