/* SPDX-License-Identifier: MIT */
/*
 * oracle_tagclock - the clock against an array of each tag's last move.
 *
 * The clock may answer a later offset than the true one, never an earlier.
 * With several threads: a writer first moves the clock, then publishes the
 * offset in the array; a reader takes the array's value first, so whatever it
 * saw there had been moved before it asked.
 */
#include "cache/tagclock.h"
#include "seed.h"

#include <pthread.h>
#include <stdatomic.h>

#define TAGS         3000 /* far more than the table's 256 rows */
#define STEPS        500000
#define WRITERS      2
#define READERS      2
#define THREAD_STEPS 150000

static _Atomic uint64_t truth[TAGS];
static uint64_t names[TAGS];
static struct tagclock *tags;
static atomic_uint_fast64_t next_offset;
static atomic_uint writers_left;

static void tags_new(struct random *r)
{
    CHECK(tagclock_new(&tags, 4096) == 0);
    for (size_t i = 0; i < TAGS; i++) {
        names[i] = random_next(r);
        atomic_store(&truth[i], 0);
    }
    atomic_store(&next_offset, 1);
}

/* Some tags are hot, most are cold. */
static size_t random_tag(struct random *r)
{
    return random_below(r, 4) ? random_below(r, 50) : random_below(r, TAGS);
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

    tags_new(r);
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

        move(random_tag(r), offset);
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

static void run_threads(struct random *r)
{
    pthread_t threads[WRITERS + READERS];
    struct random own[WRITERS + READERS];

    tags_new(r);
    atomic_store(&writers_left, WRITERS);
    for (int i = 0; i < WRITERS + READERS; i++) {
        own[i].state = random_next(r);
        CHECK(pthread_create(&threads[i], NULL,
                             i < WRITERS ? write_many : read_many,
                             &own[i]) == 0);
    }
    for (int i = 0; i < WRITERS + READERS; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < TAGS; i++)
        CHECK(tagclock_at(tags, names[i]) >= atomic_load(&truth[i]));
    tagclock_free(&tags);
}

int main(void)
{
    struct random r = random_start();

    run_alone(&r);
    run_threads(&r);
    return 0;
}
