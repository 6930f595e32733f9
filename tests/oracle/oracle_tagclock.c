/* SPDX-License-Identifier: MIT */
/*
 * oracle_tagclock - the clock against an array of each tag's last move.
 *
 * The clock may answer a later offset than the true one, never an earlier.
 * With several threads: a writer first moves the clock, then publishes the
 * offset in the array; a reader takes the array's value first, so whatever it
 * saw there had been moved before it asked.
 * Threads: one moves the clock, the others ask it.
 */
#include "cache/tagclock.h"
#include "seed.h"

#include <pthread.h>
#include <stdatomic.h>

#define TAGS           3000 /* far more than the table's 256 rows */
#define STEPS          500000
#define WRITERS        2
#define READERS        2
#define CROWDED_ROUNDS 8
#define THREAD_STEPS   300000

static _Atomic uint64_t truth[TAGS];
static uint64_t names[TAGS];
static struct tagclock *tags;
static size_t tag_count; /* of TAGS, those in use */
static atomic_uint_fast64_t next_offset;
static atomic_uint writers_left;

/* crowded: few tags that meet in one of the 32 sets, so that moves contend. */
static void tags_new(struct random *r, bool crowded)
{
    CHECK(tagclock_new(&tags, 4096) == 0);
    tag_count = crowded ? 20 : TAGS;
    for (size_t i = 0; i < TAGS; i++) {
        do
            names[i] = random_next(r);
        while (crowded && hash_mix(names[i]) % 32);
        atomic_store(&truth[i], 0);
    }
    atomic_store(&next_offset, 1);
}

/* Some tags are hot, most are cold. */
static size_t random_tag(struct random *r)
{
    return random_below(r, 4) ? random_below(r, 20)
                              : random_below(r, tag_count);
}

static void move(size_t tag, uint64_t offset)
{
    uint64_t was = atomic_load(&truth[tag]);

    tagclock_move(tags, names[tag], offset);
    while (was < offset &&
           !atomic_compare_exchange_weak(&truth[tag], &was, offset))
        ;
}

static void check_set(struct random *r)
{
    struct tagset set = {.count = 1 + (unsigned)random_below(r, 4)};
    uint64_t stamp = tagclock_stamp(tags);
    uint64_t newest = 0;

    stamp -= random_below(r, stamp / 8 + 1);
    for (unsigned i = 0; i < set.count; i++) {
        size_t tag = random_tag(r);
        uint64_t at = atomic_load(&truth[tag]);

        set.tags[i] = names[tag];
        newest = at > newest ? at : newest;
    }
    if (tagclock_valid(tags, &set, stamp))
        CHECK(newest <= stamp);
}

/* One thread: offsets come out of order, as PostgreSQL shows them. */
static void run_alone(struct random *r)
{
    uint64_t exact = 0, asked = 0;

    tags_new(r, false);
    for (uint64_t i = 1; i <= STEPS; i++) {
        size_t tag = random_tag(r);
        uint64_t back = random_below(r, 3) ? 0 : random_below(r, 200);

        move(tag, i > back ? i - back : 1);
        tagclock_advance(tags, i > 200 ? i - 200 : 1);

        size_t other = random_tag(r);
        uint64_t at = tagclock_at(tags, names[other]);

        CHECK(at >= atomic_load(&truth[other]));
        CHECK(at <= i);
        exact += at == atomic_load(&truth[other]);
        asked++;
        check_set(r);
        if (i % 100000 == 0) {
            tagclock_move_all(tags, i);
            CHECK(tagclock_at(tags, 1) == i);
        }
    }
    CHECK(exact > asked / 4); /* it must also remember something */
    tagclock_free(&tags);
}

static void *write_many(void *arg)
{
    struct random *r = arg;

    for (int i = 0; i < THREAD_STEPS; i++) {
        uint64_t offset = atomic_fetch_add(&next_offset, 1);
        size_t tag = random_tag(r);

        move(tag, offset);
        CHECK(tagclock_at(tags, names[tag]) >= offset);
        tagclock_advance(tags, offset);
    }
    atomic_fetch_sub(&writers_left, 1);
    return NULL;
}

static void *read_many(void *arg)
{
    struct random *r = arg;

    while (atomic_load(&writers_left)) {
        size_t tag = random_tag(r);
        uint64_t at = atomic_load(&truth[tag]);

        CHECK(tagclock_at(tags, names[tag]) >= at);
        check_set(r);
    }
    return NULL;
}

/* Readers would only slow the writers down where these shall collide. */
static void run_threads(struct random *r, bool crowded)
{
    int count = crowded ? WRITERS : WRITERS + READERS;
    pthread_t threads[WRITERS + READERS];
    struct random own[WRITERS + READERS];

    tags_new(r, crowded);
    atomic_store(&writers_left, WRITERS);
    for (int i = 0; i < count; i++) {
        own[i].state = random_next(r);
        CHECK(pthread_create(&threads[i], NULL,
                             i < WRITERS ? write_many : read_many,
                             &own[i]) == 0);
    }
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < TAGS; i++)
        CHECK(tagclock_at(tags, names[i]) >= atomic_load(&truth[i]));
    tagclock_free(&tags);
}

int main(void)
{
    struct random r = random_start();

    run_alone(&r);
    run_threads(&r, false);
    for (int round = 0; round < CROWDED_ROUNDS; round++)
        run_threads(&r, true);
    return 0;
}
