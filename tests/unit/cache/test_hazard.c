/* SPDX-License-Identifier: MIT */
/*
 * hazard - what is held stays, whoever fences.
 *
 * The first test runs in a child that may not call membarrier(2), as in a
 * strict container; it comes before the parent has asked the kernel.
 * Threads: each test its own.
 */
#include "cache/core.h"

#include "../check.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- a reader beside one who replaces and looks --- */

#define ROUNDS 200000
#define LOOKS  4

struct thing {
    atomic_bool alive;
};

static struct {
    _Atomic(struct thing *) place;
    struct thing things[2];
    atomic_bool done, wrong, reads;
    bool fences; /* what the reader's hazard says */
    /* Both write here, so the reader's stores wait for the line: what he holds
     * is seen late where nothing makes him wait too. */
    _Alignas(HAZARD_LINE) atomic_uint shared;
} stage;

static void *on_reader(void *arg)
{
    struct hazard *h = hazard_mine();
    hazard_slot *slot = hazard_free_slot(h);

    stage.fences = h->fences;
    while (!atomic_load_explicit(&stage.done, memory_order_relaxed)) {
        struct thing *t =
            atomic_load_explicit(&stage.place, memory_order_acquire);

        atomic_store_explicit(&stage.shared, 0, memory_order_relaxed);
        hazard_hold(h, slot, t);
        if (atomic_load_explicit(&stage.place, memory_order_acquire) != t)
            continue;
        for (unsigned i = 0; i < LOOKS; i++)
            if (!atomic_load_explicit(&t->alive, memory_order_relaxed))
                atomic_store(&stage.wrong, true);
        hazard_clear(slot);
        atomic_store_explicit(&stage.reads, true, memory_order_relaxed);
    }
    hazard_clear(slot);
    return NULL;
}

/* Whether a reader ever held what was not alive: it dies only unheld. */
static bool held_was_dead(void)
{
    pthread_t reader;

    stage.done = stage.wrong = stage.reads = false;
    stage.things[0].alive = true;
    stage.place = &stage.things[0];
    if (pthread_create(&reader, NULL, on_reader, NULL) != 0)
        return true;
    while (!stage.reads)
        ;
    for (unsigned i = 1; i <= ROUNDS && !stage.wrong; i++) {
        struct thing *old = &stage.things[(i + 1) % 2], *t;
        struct hazard_view view;

        t = &stage.things[i % 2];
        atomic_store_explicit(&t->alive, true, memory_order_relaxed);
        atomic_store_explicit(&stage.shared, i, memory_order_relaxed);
        atomic_store_explicit(&stage.place, t, memory_order_release);
        do
            hazard_look(&view);
        while (hazard_is_held(&view, old));
        atomic_store_explicit(&old->alive, false, memory_order_relaxed);
    }
    atomic_store(&stage.done, true);
    (void)pthread_join(reader, NULL);
    return stage.wrong;
}

static bool membarrier_forbid(void)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {ARRAY_LEN(rules), rules};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static void where_membarrier_is_forbidden_readers_fence(void **state)
{
    enum { RIGHT, NO_FILTER, DEAD, NO_FENCE };
    pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0)
        _exit(!membarrier_forbid() ? NO_FILTER
              : held_was_dead()    ? DEAD
              : stage.fences       ? RIGHT
                                   : NO_FENCE);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), RIGHT);
}

static void what_is_held_stays(void **state)
{
    assert_false(held_was_dead());
}

/* --- pins, which are slots --- */

static struct fl_cache *cache_new(void)
{
    struct fl_cache_options o;
    struct fl_cache *c = NULL;

    fl_cache_options_init(&o);
    o.entries_max = 1000;
    o.shards = 1;
    assert_int_equal(fl_cache_new(&c, &o), 0);
    return c;
}

static void set(struct fl_cache *c, unsigned key, unsigned value)
{
    assert_int_equal(
        fl_cache_set(c, &key, sizeof(key), &value, sizeof(value), NULL), 0);
}

static struct fl_cache_pin *get(struct fl_cache *c, unsigned key)
{
    return fl_cache_get(c, &key, sizeof(key));
}

static unsigned value_of(const struct fl_cache_pin *pin)
{
    assert_non_null(pin);
    assert_int_equal(fl_cache_pin_size(pin), sizeof(unsigned));
    return *(const unsigned *)fl_cache_pin_value(pin);
}

/* All that left so far and nobody holds is freed by this. */
static void leave_behind(struct fl_cache *c, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        set(c, i, ~i);
    fl_cache_expire(c);
}

static void a_thread_may_hold_more_than_it_has_slots(void **state)
{
    enum { PINS = 5 * HAZARD_SLOTS };
    struct fl_cache *c = cache_new();
    struct fl_cache_pin *pins[PINS], *last;

    for (unsigned i = 0; i < PINS; i++)
        set(c, i, i);
    for (unsigned i = 0; i < PINS; i++)
        pins[i] = get(c, i);
    leave_behind(c, PINS);
    for (unsigned i = 0; i < PINS; i++)
        assert_int_equal(value_of(pins[i]), i);
    last = get(c, 3);
    assert_int_equal(value_of(last), ~3u);
    fl_cache_unpin(c, &last);
    for (unsigned i = 0; i < PINS; i++)
        fl_cache_unpin(c, &pins[i]);
    fl_cache_free(&c);
}

static void *on_getter(void *arg)
{
    struct fl_cache *c = arg;

    return get(c, 1);
}

/* Its slots go to the next thread, but not the one that is still held. */
static void a_pin_outlives_its_thread(void **state)
{
    struct fl_cache *c = cache_new();
    struct fl_cache_pin *pins[2 * HAZARD_SLOTS];

    for (unsigned i = 0; i < ARRAY_LEN(pins); i++) {
        pthread_t thread;
        void *pin;

        set(c, 1, i);
        assert_int_equal(pthread_create(&thread, NULL, on_getter, c), 0);
        assert_int_equal(pthread_join(thread, &pin), 0);
        pins[i] = pin;
    }
    leave_behind(c, 100);
    for (unsigned i = 0; i < ARRAY_LEN(pins); i++) {
        assert_int_equal(value_of(pins[i]), i);
        fl_cache_unpin(c, &pins[i]);
    }
    fl_cache_free(&c);
}

struct crowd {
    struct fl_cache *cache;
    pthread_barrier_t holding, changed;
};

static void *on_one_of_many(void *arg)
{
    struct crowd *crowd = arg;
    struct fl_cache_pin *pin = get(crowd->cache, 1);

    (void)pthread_barrier_wait(&crowd->holding);
    (void)pthread_barrier_wait(&crowd->changed);

    bool right = pin && *(const unsigned *)fl_cache_pin_value(pin) == 7;

    fl_cache_unpin(crowd->cache, &pin);
    return right ? NULL : arg;
}

static void threads_beyond_all_slots_take_the_lock(void **state)
{
    enum { THREADS = HAZARD_THREADS + 8 };
    static pthread_t threads[THREADS];
    struct crowd crowd = {cache_new()};
    struct fl_cache_stats stats;
    pthread_attr_t attr;

    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstacksize(&attr, (size_t)256 << 10), 0);
    assert_int_equal(pthread_barrier_init(&crowd.holding, NULL, THREADS + 1),
                     0);
    assert_int_equal(pthread_barrier_init(&crowd.changed, NULL, THREADS + 1),
                     0);
    set(crowd.cache, 1, 7);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(
            pthread_create(&threads[i], &attr, on_one_of_many, &crowd), 0);
    (void)pthread_barrier_wait(&crowd.holding);
    leave_behind(crowd.cache, 100);
    (void)pthread_barrier_wait(&crowd.changed);
    for (unsigned i = 0; i < THREADS; i++) {
        void *wrong;

        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    fl_cache_stats(crowd.cache, &stats);
    assert_int_equal(stats.hits, THREADS);
    (void)pthread_barrier_destroy(&crowd.holding);
    (void)pthread_barrier_destroy(&crowd.changed);
    (void)pthread_attr_destroy(&attr);
    fl_cache_free(&crowd.cache);
}

RUN(cmocka_unit_test(where_membarrier_is_forbidden_readers_fence),
    cmocka_unit_test(what_is_held_stays),
    cmocka_unit_test(a_thread_may_hold_more_than_it_has_slots),
    cmocka_unit_test(a_pin_outlives_its_thread),
    cmocka_unit_test(threads_beyond_all_slots_take_the_lock))
