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

/* ---- two that start side by side -------------------------------------- */

static int on_meet(struct worker *w, void *arg)
{
    pthread_barrier_wait(arg); /* returns only when both are here */
    return worker_index(w) == 1 ? ERR_BUSY : 0;
}

static void launched_workers_start_side_by_side(void **state)
{
    static const struct worker_events meeting = {.start_fn = on_meet};
    struct worker *both[2];
    pthread_barrier_t meet;

    pthread_barrier_init(&meet, NULL, 2);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(worker_new(&both[i], "meets", i, &meeting, &meet), 0);
        assert_int_equal(worker_launch(both[i]), 0);
    }
    assert_int_equal(worker_up(both[0]), 0);
    assert_int_equal(worker_up(both[1]), ERR_BUSY);
    workers_stop(both, 2);
    worker_free(&both[0]);
    worker_free(&both[1]);
    pthread_barrier_destroy(&meet);
}

/* ---- a worker that is posted to until the other's loop ends ----------- */

#define ROUNDS 50

struct player {
    struct worker *worker, *other;
    struct loop_turn turn;
    unsigned thrown, caught;
    bool gone;
};

static void on_ball(struct worker *w, struct letter *ball)
{
    struct player *p = worker_arg(w);

    assert_false(p->gone);
    p->caught++;
    free(ball);
}

static void on_throw(void *arg)
{
    struct player *p = arg;
    struct letter *ball = malloc(sizeof(*ball));

    assert_non_null(ball);
    ball->fn = on_ball;
    p->thrown++;
    worker_post(p->other, ball);
    loop_turn_ask(worker_loop(p->worker), &p->turn);
}

static int on_player_start(struct worker *w, void *arg)
{
    struct player *p = arg;

    loop_turn_init(&p->turn, on_throw, p);
    if (p->other)
        loop_turn_ask(worker_loop(w), &p->turn);
    return 0;
}

static void on_player_gone(struct worker *w, void *arg)
{
    struct player *p = arg;
    p->gone = true;
}

static void workers_that_end_together_lose_no_mail(void **state)
{
    static const struct worker_events player_events = {on_player_start,
                                                       on_player_gone};

    for (unsigned round = 0; round < ROUNDS; round++) {
        struct player players[3] = {0};
        struct worker *all[3];

        for (unsigned i = 0; i < 3; i++) {
            assert_int_equal(
                worker_new(&all[i], "player", i, &player_events, &players[i]),
                0);
            players[i].worker = all[i];
        }
        players[1].other = all[0];
        assert_int_equal(worker_start(all[0]), 0);
        assert_int_equal(worker_start(all[1]), 0);
        workers_stop(all, 3); /* the third was never started */
        assert_true(players[0].gone && players[1].gone);
        assert_int_equal(players[0].caught, players[1].thrown);
        for (unsigned i = 0; i < 3; i++)
            worker_free(&all[i]);
    }
}

RUN(cmocka_unit_test(letters_of_one_thread_arrive_in_order),
    cmocka_unit_test(mail_is_delivered_before_the_end),
    cmocka_unit_test(a_start_that_fails_is_told),
    cmocka_unit_test(launched_workers_start_side_by_side),
    cmocka_unit_test(workers_that_end_together_lose_no_mail))
