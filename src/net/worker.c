/* SPDX-License-Identifier: MIT */
/*
 * worker - a thread, its loop, and the mailbox other threads reach it by.
 *
 * The mailbox is a stack that producers push on with one compare-and-swap and
 * the worker takes whole with one exchange; reversed, it is in order. Who
 * pushes on an empty stack wakes the loop, so a burst costs one wake-up. There
 * is no pop of a single letter, hence no ABA.
 *
 *   new --worker_start()--> RUNNING --worker_stop()--> ENDED --join--> gone
 *
 * ENDED: the loop has stopped, the thread waits for leave to deliver the last
 * mail and call stop_fn. workers_stop() gives it once all have ended.
 * Threads: worker_post(), worker_stop() any; on the worker the rest.
 */
#include "net/worker.h"

#include "net/loop.h"

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <uv.h>

#define WORKER_NAME_MAX 16 /* the kernel's, with the NUL */

struct worker {
    _Atomic(struct letter *) mail; /* the newest first */
    uv_async_t bell;
    struct loop *loop;
    const struct worker_events *events;
    void *arg;
    unsigned index;
    bool started;
    int start_error;
    atomic_bool stopping;
    pthread_t thread;
    uv_sem_t up, ended, leave;
    char name[WORKER_NAME_MAX];
};

static _Thread_local struct worker *current;

/* ---- mail ------------------------------------------------------------- */

void worker_post(struct worker *w, struct letter *letter)
{
    struct letter *newest =
        atomic_load_explicit(&w->mail, memory_order_relaxed);

    do
        atomic_store_explicit(&letter->next, newest, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(
        &w->mail, &newest, letter, memory_order_release, memory_order_relaxed));
    if (!newest)
        uv_async_send(&w->bell);
}

/* All that has come, oldest first. */
static struct letter *mail_take(struct worker *w)
{
    struct letter *newest =
        atomic_exchange_explicit(&w->mail, NULL, memory_order_acquire);
    struct letter *oldest = NULL;

    while (newest) {
        struct letter *next =
            atomic_load_explicit(&newest->next, memory_order_relaxed);

        atomic_store_explicit(&newest->next, oldest, memory_order_relaxed);
        oldest = newest;
        newest = next;
    }
    return oldest;
}

static bool mail_deliver(struct worker *w)
{
    struct letter *letter = mail_take(w);
    bool any = letter != NULL;

    while (letter) {
        struct letter *next =
            atomic_load_explicit(&letter->next, memory_order_relaxed);

        letter->fn(w, letter);
        letter = next;
    }
    return any;
}

static void on_bell(uv_async_t *bell)
{
    struct worker *w = CONTAINER_OF(bell, struct worker, bell);

    mail_deliver(w);
    if (atomic_load_explicit(&w->stopping, memory_order_acquire))
        loop_stop(w->loop);
}

/* ---- the thread ------------------------------------------------------- */

static void *worker_main(void *arg)
{
    struct worker *w = arg;

    current = w;
    pthread_setname_np(pthread_self(), w->name);
    w->start_error = w->events->start_fn ? w->events->start_fn(w, w->arg) : 0;
    uv_sem_post(&w->up);
    if (w->start_error)
        return NULL;
    if (loop_run(w->loop) != 0)
        log_error("net.worker.loop_failed", "worker=%s", w->name);
    uv_sem_post(&w->ended);
    uv_sem_wait(&w->leave);
    while (mail_deliver(w))
        ;
    if (w->events->stop_fn)
        w->events->stop_fn(w, w->arg);
    return NULL;
}

/* ---- life cycle ------------------------------------------------------- */

int worker_new(struct worker **ret, const char *name, unsigned index,
               const struct worker_events *events, void *arg)
{
    struct worker *w = mem_zalloc(1, sizeof(*w));
    int error;

    if (!w)
        return ERR_NOMEM;
    atomic_init(&w->mail, NULL);
    atomic_init(&w->stopping, false);
    w->events = events;
    w->arg = arg;
    w->index = index;
    snprintf(w->name, sizeof(w->name), "%s", name);
    error = loop_new(&w->loop);
    if (error)
        goto fail;
    if (uv_async_init(loop_uv(w->loop), &w->bell, on_bell) != 0) {
        error = ERR_LIMIT;
        goto fail;
    }
    if (uv_sem_init(&w->up, 0) != 0 || uv_sem_init(&w->ended, 0) != 0 ||
        uv_sem_init(&w->leave, 0) != 0) {
        error = ERR_LIMIT;
        goto fail;
    }
    *ret = w;
    return 0;
fail:
    loop_free(&w->loop);
    mem_free(w);
    return error;
}

/* Signals are the main thread's: a worker is never interrupted. */
static int thread_create(struct worker *w)
{
    sigset_t all, before;
    int error;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&w->thread, NULL, worker_main, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error ? ERR_LIMIT : 0;
}

int worker_launch(struct worker *w)
{
    assert(!w->started);
    return thread_create(w);
}

int worker_up(struct worker *w)
{
    uv_sem_wait(&w->up);
    if (w->start_error) {
        pthread_join(w->thread, NULL);
        return w->start_error;
    }
    w->started = true;
    return 0;
}

int worker_start(struct worker *w)
{
    int error = worker_launch(w);

    return error ? error : worker_up(w);
}

void worker_stop(struct worker *w)
{
    atomic_store_explicit(&w->stopping, true, memory_order_release);
    uv_async_send(&w->bell);
}

void worker_join(struct worker *w)
{
    if (!w->started)
        return;
    w->started = false;
    uv_sem_post(&w->leave);
    pthread_join(w->thread, NULL);
}

void workers_stop(struct worker *const *workers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        worker_stop(workers[i]);
    for (size_t i = 0; i < count; i++) {
        if (workers[i]->started)
            uv_sem_wait(&workers[i]->ended);
    }
    for (size_t i = 0; i < count; i++)
        worker_join(workers[i]);
}

void worker_free(struct worker **ret)
{
    struct worker *w = *ret;

    if (!w)
        return;
    assert(!w->started);
    *ret = NULL;
    loop_free(&w->loop); /* closes the bell too */
    uv_sem_destroy(&w->up);
    uv_sem_destroy(&w->ended);
    uv_sem_destroy(&w->leave);
    mem_free(w);
}

/* ---- what it is ------------------------------------------------------- */

struct loop *worker_loop(struct worker *w)
{
    return w->loop;
}

unsigned worker_index(const struct worker *w)
{
    return w->index;
}

void *worker_arg(const struct worker *w)
{
    return w->arg;
}

struct worker *worker_current(void)
{
    return current;
}
