/* SPDX-License-Identifier: MIT */
/*
 * cache_traces - miss ratios of the library's policies on recorded traces.
 *
 *   cache_traces SHARDS (oracle|words) FILE...
 *
 * oracle: records of 24 bytes, the object at byte 4 in 8 bytes; words: 4 bytes
 * an object; little-endian. Each request is a get, and a set if that missed,
 * on the real library, sizes all the same. A small cache makes fewer shards of
 * itself than it is given. Prints a line of JSON for each capacity; Belady's is
 * what no policy can go below.
 * Threads: loop.
 */
#include "fieldline/cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORACLE_RECORD ((size_t)24)
#define ORACLE_OBJECT ((size_t)4)
#define WORD_RECORD   ((size_t)4)
#define BYTES_MAX     ((size_t)1 << 40)

static const double shares[] = {0.01, 0.05, 0.1, 0.2, 0.4};

static const struct {
    const char *name;
    enum fl_cache_policy policy;
} policies[] = {{"lru", FL_CACHE_LRU},
                {"sieve", FL_CACHE_SIEVE},
                {"s3fifo", FL_CACHE_S3FIFO},
                {"tide", FL_CACHE_TIDE}};

struct trace {
    uint32_t *requests; /* objects numbered from 0 */
    size_t count;
    uint32_t objects;
};

static void fail(const char *what)
{
    fprintf(stderr, "cache_traces: %s\n", what);
    exit(1);
}

static void *must_alloc(size_t count, size_t size)
{
    void *at = calloc(count ? count : 1, size);

    if (!at)
        fail("out of memory");
    return at;
}

struct numbered {
    uint64_t object;
    size_t at;
};

static int by_object(const void *a, const void *b)
{
    const struct numbered *x = a, *y = b;

    if (x->object != y->object)
        return x->object < y->object ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

static struct trace trace_read(const char *path, size_t record, size_t offset)
{
    FILE *f = fopen(path, "rb");
    struct trace t = {0};
    char bytes[ORACLE_RECORD];
    struct numbered *all = NULL;

    if (!f)
        fail("cannot open the trace");
    while (fread(bytes, record, 1, f) == 1) {
        if ((t.count & (t.count - 1)) == 0) {
            all = realloc(all, (t.count ? 2 * t.count : 1) * sizeof(*all));
            if (!all)
                fail("out of memory");
        }
        all[t.count] = (struct numbered){0, t.count};
        memcpy(&all[t.count].object, bytes + offset, offset ? 8 : 4);
        t.count++;
    }
    fclose(f);
    qsort(all, t.count, sizeof(*all), by_object);
    t.requests = must_alloc(t.count, sizeof(*t.requests));
    for (size_t i = 0; i < t.count; i++) {
        if (i && all[i].object != all[i - 1].object)
            t.objects++;
        t.requests[all[i].at] = t.objects;
    }
    t.objects += t.count != 0;
    free(all);
    return t;
}

static double miss_ratio(const struct trace *t, enum fl_cache_policy policy,
                         size_t capacity, unsigned shards)
{
    struct fl_cache_options o;
    struct fl_cache_stats stats;
    struct fl_cache *c;

    fl_cache_options_init(&o);
    o.entries_max = capacity;
    o.bytes_max = BYTES_MAX;
    o.shards = shards;
    o.policy = policy;
    o.ttl_ms = FL_CACHE_NEVER;
    if (fl_cache_new(&c, &o) < 0)
        fail("no cache");
    for (size_t i = 0; i < t->count; i++) {
        uint32_t key = t->requests[i];
        struct fl_cache_pin *pin = fl_cache_get(c, &key, sizeof(key));

        if (!pin && fl_cache_set(c, &key, sizeof(key), NULL, 0, NULL) < 0)
            fail("cannot set");
        fl_cache_unpin(c, &pin);
    }
    fl_cache_stats(c, &stats);
    fl_cache_free(&c);
    return (double)stats.misses / (double)t->count;
}

/* Belady's MIN that may also pass an object by: the ones that are kept are
 * those needed soonest. A heap by the next use, the latest on top. */
struct heap {
    size_t *next; /* of each object that is kept */
    uint32_t *at; /* objects, in heap order */
    uint32_t *where;
    size_t count;
};

static void heap_swap(struct heap *h, size_t a, size_t b)
{
    uint32_t object = h->at[a];

    h->at[a] = h->at[b];
    h->at[b] = object;
    h->where[h->at[a]] = (uint32_t)a;
    h->where[h->at[b]] = (uint32_t)b;
}

static void heap_up(struct heap *h, size_t i)
{
    while (i && h->next[h->at[(i - 1) / 2]] < h->next[h->at[i]]) {
        heap_swap(h, i, (i - 1) / 2);
        i = (i - 1) / 2;
    }
}

static void heap_down(struct heap *h, size_t i)
{
    for (;;) {
        size_t top = i, left = 2 * i + 1;

        for (size_t child = left; child < left + 2 && child < h->count; child++)
            if (h->next[h->at[child]] > h->next[h->at[top]])
                top = child;
        if (top == i)
            return;
        heap_swap(h, i, top);
        i = top;
    }
}

static double belady(const struct trace *t, size_t capacity)
{
    size_t *uses = must_alloc(t->count, sizeof(*uses));
    size_t *last = must_alloc(t->objects, sizeof(*last)), misses = 0;
    bool *kept = must_alloc(t->objects, sizeof(*kept));
    struct heap h = {must_alloc(t->objects, sizeof(*h.next)),
                     must_alloc(t->objects, sizeof(*h.at)),
                     must_alloc(t->objects, sizeof(*h.where)), 0};

    for (uint32_t i = 0; i < t->objects; i++)
        last[i] = SIZE_MAX;
    for (size_t i = t->count; i-- > 0;) {
        uses[i] = last[t->requests[i]];
        last[t->requests[i]] = i;
    }
    for (size_t i = 0; i < t->count; i++) {
        uint32_t object = t->requests[i];

        if (kept[object]) {
            h.next[object] = uses[i];
            heap_up(&h, h.where[object]);
            continue;
        }
        misses++;
        if (h.count == capacity && h.next[h.at[0]] <= uses[i])
            continue;
        h.next[object] = uses[i];
        kept[object] = true;
        if (h.count < capacity) {
            h.at[h.count] = object;
            h.where[object] = (uint32_t)h.count;
            heap_up(&h, h.count++);
        } else {
            kept[h.at[0]] = false;
            h.at[0] = object;
            h.where[object] = 0;
            heap_down(&h, 0);
        }
    }
    free(uses);
    free(last);
    free(kept);
    free(h.next);
    free(h.at);
    free(h.where);
    return (double)misses / (double)t->count;
}

static void trace_print(const char *path, size_t record, size_t offset,
                        unsigned shards)
{
    struct trace t = trace_read(path, record, offset);

    for (size_t i = 0; i < sizeof(shares) / sizeof(*shares); i++) {
        size_t capacity = (size_t)(shares[i] * t.objects);

        if (capacity == 0)
            capacity = 1;
        printf("{\"shards\":%u,\"share\":%.2f,\"capacity\":%zu", shards,
               shares[i], capacity);
        for (size_t p = 0; p < sizeof(policies) / sizeof(*policies); p++)
            printf(",\"%s\":%.4f", policies[p].name,
                   miss_ratio(&t, policies[p].policy, capacity, shards));
        printf(",\"belady\":%.4f}\n", belady(&t, capacity));
        (void)fflush(stdout);
    }
    free(t.requests);
}

int main(int argc, char **argv)
{
    unsigned shards = argc > 3 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;

    if (shards == 0)
        fail("usage: cache_traces SHARDS (oracle|words) FILE...");

    bool oracle = strcmp(argv[2], "oracle") == 0;

    for (int i = 3; i < argc; i++)
        trace_print(argv[i], oracle ? ORACLE_RECORD : WORD_RECORD,
                    oracle ? ORACLE_OBJECT : 0, shards);
    return 0;
}
