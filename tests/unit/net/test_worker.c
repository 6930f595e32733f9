/* SPDX-License-Identifier: MIT */
/*
 * test_worker - mail between threads, and how workers begin and end.
 * Run under ThreadSanitizer too.
 * Threads: several.
 */
#include "../check.h"

#include "net/loop.h"
#include "net/worker.h"

#include <pthread.h>
#include <stdlib.h>

#define PRODUCERS 4
#define LETTERS   20000

struct numbered {
    struct letter letter;
    unsigned producer, number;
};

struct post_office {
    struct worker *worker;
    unsigned next[PRODUCERS];
    unsigned received;
    unsigned stopped_at; /* received, when stop_fn ran */
    int start_error;
};

static void on_numbered(struct worker *w, struct letter *l)
{
    struct post_office *office = worker_arg(w);
    struct numbered *n = CONTAINER_OF(l, struct numbered, letter);

    assert_ptr_equal(worker_current(), w);
    assert_int_equal(n->number, office->next[n->producer]);
    office->next[n->producer]++;
    office->received++;
    free(n);
    if (office->received == PRODUCERS * LETTERS)
        worker_stop(w);
}

static int on_start(struct worker *w, void *arg)
{
    struct post_office *office = arg;

    assert_ptr_equal(worker_current(), w);
    return office->start_error;
}

static void on_stop(struct worker *w, void *arg)
{
    struct post_office *office = arg;
    office->stopped_at = office->received;
}

static const struct worker_events events = {on_start, on_stop};

static void post_one(struct worker *w, unsigned producer, unsigned number)
{
    struct numbered *n = malloc(sizeof(*n));

    assert_non_null(n);
    n->letter.fn = on_numbered;
    n->producer = producer;
    n->number = number;
    worker_post(w, &n->letter);
}

struct producer {
    struct post_office *office;
    unsigned number;
};

static void *produce(void *arg)
{
    struct producer *p = arg;

    for (unsigned i = 0; i < LETTERS; i++)
        post_one(p->office->worker, p->number, i);
    return NULL;
}

static void office_open(struct post_office *office)
{
    memset(office, 0, sizeof(*office));
    assert_int_equal(worker_new(&office->worker, "post", 3, &events, office),
                     0);
    assert_int_equal(worker_index(office->worker), 3);
    assert_non_null(worker_loop(office->worker));
    assert_null(worker_current());
}

static void letters_of_one_thread_arrive_in_order(void **state)
{
    struct post_office office;
    struct producer producers[PRODUCERS];
    pthread_t threads[PRODUCERS];

    office_open(&office);
    assert_int_equal(worker_start(office.worker), 0);
    for (unsigned i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){&office, i};
        assert_int_equal(
            pthread_create(&threads[i], NULL, produce, &producers[i]), 0);
    }
    for (unsigned i = 0; i < PRODUCERS; i++)
        pthread_join(threads[i], NULL);
    worker_join(office.worker);
    assert_int_equal(office.received, PRODUCERS * LETTERS);
    worker_free(&office.worker);
    assert_null(office.worker);
}

static void mail_is_delivered_before_the_end(void **state)
{
    struct post_office office;

    office_open(&office);
    post_one(office.worker, 0, 0); /* before it runs */
    assert_int_equal(worker_start(office.worker), 0);
    worker_stop(office.worker);
    for (unsigned i = 1; i < 100; i++)
        post_one(office.worker, 0, i);
    worker_join(office.worker);
    assert_int_equal(office.stopped_at, 100);
    worker_free(&office.worker);
}

static void a_start_that_fails_is_told(void **state)
{
    struct post_office office;

    office_open(&office);
    office.start_error = ERR_BUSY;
    assert_int_equal(worker_start(office.worker), ERR_BUSY);
    worker_join(office.worker); /* never started: returns */
    worker_free(&office.worker);
    worker_free(&office.worker);
}

/* ---- a ball that two workers throw while they are stopped ------------- */

struct player {
    struct worker *worker, *other;
    unsigned catches;
    bool gone;
};

static void on_ball(struct worker *w, struct letter *ball)
{
    struct player *p = worker_arg(w);

    assert_false(p->gone);
    p->catches++;
    if (p->catches < LETTERS)
        worker_post(p->other, ball);
}

static void on_player_gone(struct worker *w, void *arg)
{
    struct player *p = arg;
    p->gone = true;
}

static void workers_that_post_to_each_other_end_together(void **state)
{
    static const struct worker_events player_events = {NULL, on_player_gone};
    struct player a = {0}, b = {0};
    struct worker *both[2];
    struct letter ball = {.fn = on_ball};

    assert_int_equal(worker_new(&both[0], "a", 0, &player_events, &a), 0);
    assert_int_equal(worker_new(&both[1], "b", 1, &player_events, &b), 0);
    a.other = both[1];
    b.other = both[0];
    assert_int_equal(worker_start(both[0]), 0);
    assert_int_equal(worker_start(both[1]), 0);
    worker_post(both[0], &ball);
    workers_stop(both, 2);
    assert_true(a.gone && b.gone);
    worker_free(&both[0]);
    worker_free(&both[1]);
}

RUN(cmocka_unit_test(letters_of_one_thread_arrive_in_order),
    cmocka_unit_test(mail_is_delivered_before_the_end),
    cmocka_unit_test(a_start_that_fails_is_told),
    cmocka_unit_test(workers_that_post_to_each_other_end_together))
