/* SPDX-License-Identifier: MIT */
/*
 * shard - who comes, who stays, who leaves.
 *
 * The gone wait until there are enough of them for a look at what all threads
 * hold; then those that nobody holds are let go.
 * Threads: any, locked by the shard.
 */
#include "cache/shard.h"

#include "base/allocator.h"
#include "base/error.h"

#define GONE_MAX   32 /* entries that wait before it is looked who may go */
#define GONE_SHARE 32 /* or this share of the bounds' bytes */

#define LOAD       ((size_t)3) /* of LOAD_OF places are taken at most */
#define LOAD_OF    4
#define PASSED_MAX 255

static uint64_t due_of(const struct list *link)
{
    return CONTAINER_OF(link, const struct entry, expiry)->dead_at_ms;
}

int shard_init(struct shard *s, size_t entries, enum fl_cache_policy policy,
               const struct fl_allocator *allocator)
{
    size_t count = entries * LOAD_OF / (LOAD * BUCKET_PLACES) + 1;

    s->memory = allocator_zalloc(allocator, count + 1, sizeof(struct bucket));
    if (!s->memory)
        return ERR_NOMEM;
    s->buckets.at =
        (struct bucket *)(((uintptr_t)s->memory + sizeof(struct bucket) - 1) &
                          ~(sizeof(struct bucket) - 1));
    s->buckets.count = count;
    s->allocator = allocator;
    (void)pthread_mutex_init(&s->lock, NULL);
    evict_init(&s->evict, policy, allocator);
    wheel_reset(&s->wheel, due_of);
    list_init(&s->gone.links);
    list_init(&s->gone.held);
    return 0;
}

void shard_fini(struct shard *s)
{
    if (!s->buckets.at)
        return;
    evict_fini(&s->evict);
    (void)pthread_mutex_destroy(&s->lock);
    allocator_free(s->allocator, s->memory);
    s->buckets.at = NULL;
}

struct entry *shard_at(const struct shard *s, size_t bucket, size_t place)
{
    return bucket_place(&s->buckets.at[bucket], place);
}

struct entry *shard_find(const struct shard *s, const void *key,
                         size_t key_size, uint32_t hash)
{
    return bucket_find(&s->buckets, key, key_size, hash, NULL, NULL);
}

/* --- places, locked --- */

static void print_set(struct bucket *b, unsigned place, uint64_t print)
{
    unsigned shift = place * BUCKET_PRINT_BITS;
    uint64_t prints = bucket_prints(b) & ~(UINT64_C(0xff) << shift);

    atomic_store_explicit(&b->prints, prints | print << shift,
                          memory_order_release);
}

/* A count that has reached its end is not known any more, and stays. */
static void passed_add(struct bucket *b, int more)
{
    uint64_t prints = bucket_prints(b);
    unsigned passed = (unsigned)(prints >> BUCKET_PASSED_SHIFT);

    if (passed < PASSED_MAX)
        atomic_store_explicit(
            &b->prints,
            prints + ((uint64_t)(int64_t)more << BUCKET_PASSED_SHIFT),
            memory_order_release);
}

/* From the hash's home to the first bucket where this entry stands, or NULL;
 * those passed by count by more or less one. There is such a place. */
static struct bucket *place_seek(const struct shard *s, uint32_t hash,
                                 const struct entry *e, int more,
                                 unsigned *place)
{
    for (size_t at = bucket_home(&s->buckets, hash);;
         at = bucket_after(&s->buckets, at)) {
        for (*place = 0; *place < BUCKET_PLACES; ++*place)
            if (shard_at(s, at, *place) == e)
                return &s->buckets.at[at];
        if (more)
            passed_add(&s->buckets.at[at], more);
    }
}

static void place_set(struct bucket *b, unsigned place, struct entry *e)
{
    atomic_store_explicit(&b->places[place], e, memory_order_release);
}

static void place_take(struct shard *s, struct entry *e)
{
    unsigned place;
    struct bucket *b = place_seek(s, e->hash, NULL, 1, &place);

    place_set(b, place, e);
    print_set(b, place, bucket_print(e->hash));
}

static void place_leave(struct shard *s, const struct entry *e)
{
    unsigned place;
    struct bucket *b = place_seek(s, e->hash, e, -1, &place);

    print_set(b, place, 0);
    place_set(b, place, NULL);
}

static void place_change(struct shard *s, const struct entry *from,
                         struct entry *to)
{
    unsigned place;
    struct bucket *b = place_seek(s, from->hash, from, 0, &place);

    place_set(b, place, to);
}

/* --- those that left --- */

static void gone_add(struct shard *s, struct entry *e)
{
    list_append(&s->gone.links, &e->order);
    e->queue = ENTRY_LEFT;
    if (e->is_object && entry_object(e)->leave_fn)
        entry_object(e)->leave_fn(entry_object(e)->object);
    s->gone.count++;
    s->gone.bytes += entry_weight(e);
}

static void links_sift(struct list *links, const struct hazard_view *view,
                       struct list *free)
{
    LIST_EACH_SAFE (links, link, after) {
        if (hazard_is_held(view, CONTAINER_OF(link, struct entry, order)))
            continue;
        list_remove(link);
        list_append(free, link);
    }
}

void shard_collect(struct shard *s, struct list *free, bool must)
{
    struct hazard_view view;

    if (!must && s->gone.count <= GONE_MAX &&
        s->gone.bytes <= s->bytes_max / GONE_SHARE)
        return;
    list_splice(&s->gone.held, &s->gone.links);
    s->gone.count = s->gone.bytes = 0;
    if (list_empty(&s->gone.held))
        return;
    hazard_look(&view);
    links_sift(&s->gone.held, &view, free);
}

/* --- coming and leaving --- */

/* Out of everything but the policy and its bucket. */
static void shard_detach(struct shard *s, struct entry *e)
{
    wheel_remove(&s->wheel, &e->expiry);
    s->entries--;
    s->bytes -= entry_weight(e);
}

static void shard_unlink(struct shard *s, struct entry *e)
{
    place_leave(s, e);
    gone_add(s, e);
}

void shard_remove(struct shard *s, struct entry *e)
{
    evict_remove(&s->evict, e);
    shard_detach(s, e);
    shard_unlink(s, e);
}

static void shard_make_room(struct shard *s, size_t entries, size_t bytes)
{
    while (s->entries && (s->entries + entries > s->entries_max ||
                          s->bytes + bytes > s->bytes_max)) {
        struct entry *victim = evict_next(&s->evict);

        shard_detach(s, victim);
        shard_unlink(s, victim);
        s->counts.evictions++;
    }
}

void shard_bounds_set(struct shard *s, size_t entries_max, size_t bytes_max)
{
    s->entries_max = entries_max;
    s->bytes_max = bytes_max;
    evict_bounds_set(&s->evict, entries_max, bytes_max);
    shard_make_room(s, 0, 0);
}

bool shard_put(struct shard *s, struct entry *e, uint64_t now_ms)
{
    struct entry *old = shard_find(s, entry_key(e), e->key_size, e->hash);
    size_t weight = entry_weight(e);

    if (weight > s->bytes_max || s->entries_max == 0) {
        if (old)
            shard_remove(s, old);
        s->counts.refused++;
        return false;
    }
    if (old) {
        evict_remove(&s->evict, old);
        shard_detach(s, old);
    }
    shard_make_room(s, 1, weight);

    evict_add(&s->evict, e, old);
    if (old)
        place_change(s, old, e);
    else
        place_take(s, e);
    if (old)
        gone_add(s, old);
    s->entries++;
    s->bytes += weight;
    if (e->dead_at_ms != ENTRY_DEAD_NEVER)
        wheel_add(&s->wheel, &e->expiry, now_ms);
    s->counts.sets++;
    return true;
}

void shard_clear(struct shard *s)
{
    for (size_t i = 0; s->entries && i < s->buckets.count; i++)
        for (size_t place = 0; place < BUCKET_PLACES; place++) {
            struct entry *e = shard_at(s, i, place);

            if (e)
                shard_remove(s, e);
        }
}

unsigned shard_expire(struct shard *s, uint64_t now_ms, unsigned max)
{
    unsigned count = 0;

    for (struct list *due; count < max && (due = wheel_due(&s->wheel, now_ms));
         count++) {
        shard_remove(s, CONTAINER_OF(due, struct entry, expiry));
        s->counts.expirations++;
    }
    return count;
}
