/* SPDX-License-Identifier: MIT */
/*
 * loop - libuv's loop, and what Fieldline does at the end of each turn.
 *
 * libuv runs: timers, PREPARE, poll and its callbacks, CHECK, closing. A turn
 * ends twice in a pass: at CHECK, for what arrived, and at PREPARE, for what
 * timers and closing left behind, so nothing waits while the loop sleeps.
 * Threads: loop.
 */
#include "net/loop.h"
#include "net/loop_private.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>

#define LOOP_DEFERRED_MAX ((size_t)1 << 24)

/* ---- the end of a turn ------------------------------------------------ */

static void turns_run(struct loop *loop)
{
    struct list asked;

    list_init(&asked);
    list_splice(&asked, &loop->turns); /* who asks again is in the next turn */
    while (!list_empty(&asked)) {
        struct loop_turn *turn = LIST_FIRST(&asked, struct loop_turn, link);

        list_remove(&turn->link);
        turn->fn(turn->arg);
    }
}

static void deferred_run(struct loop *loop)
{
    for (size_t i = 0; i < loop->deferred_count; i++) {
        struct deferred d = loop->deferred[i]; /* free_fn may add others */
        d.free_fn(d.at);
    }
    loop->deferred_count = 0;
}

static void on_unfinished(uv_idle_t *idle)
{
}

static void turn_end(struct loop *loop)
{
    turns_run(loop);
    streams_flush(loop);
    deferred_run(loop);
    loop->now_ns = 0;
    if (list_empty(&loop->turns) && list_empty(&loop->flushes))
        uv_idle_stop(&loop->unfinished);
    else
        uv_idle_start(&loop->unfinished, on_unfinished);
}

static void on_before_poll(uv_prepare_t *h)
{
    turn_end(loop_of(h->loop));
}

static void on_after_poll(uv_check_t *h)
{
    turn_end(loop_of(h->loop));
}

void loop_turn_init(struct loop_turn *turn, loop_turn_fn *fn, void *arg)
{
    list_init(&turn->link);
    turn->fn = fn;
    turn->arg = arg;
}

void loop_turn_ask(struct loop *loop, struct loop_turn *turn)
{
    if (list_empty(&turn->link))
        list_append(&loop->turns, &turn->link);
}

void loop_turn_drop(struct loop_turn *turn)
{
    list_remove(&turn->link);
}

static int deferred_reserve(struct loop *loop)
{
    return mem_grow(&loop->deferred, &loop->deferred_cap,
                    loop->deferred_count + 1, sizeof(*loop->deferred),
                    LOOP_DEFERRED_MAX);
}

void loop_defer_free(struct loop *loop, void *at, loop_free_fn *free_fn)
{
    int error =
        mem_grow(&loop->deferred, &loop->deferred_cap, loop->deferred_count + 1,
                 sizeof(*loop->deferred), LOOP_DEFERRED_MAX);
    if (error) {
        log_error("net.loop.defer_failed", "error=%s", error_name(error));
        abort(); /* small, ours, and without it memory is used after free */
    }
    loop->deferred[loop->deferred_count++] = (struct deferred){at, free_fn};
}

/* ---- timers ----------------------------------------------------------- */

static void on_alarm(uv_timer_t *h)
{
    struct loop *loop = loop_of(h->loop);

    wheel_run(&loop->wheel, uv_now(&loop->uv));
    loop_alarm_set(loop);
}

void loop_alarm_set(struct loop *loop)
{
    uint64_t due_ms = wheel_due_ms(&loop->wheel);
    uint64_t now_ms = uv_now(&loop->uv);

    if (due_ms == WHEEL_NEVER)
        return;
    uv_timer_start(&loop->alarm, on_alarm,
                   due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

uint64_t loop_now_ms(const struct loop *loop)
{
    return uv_now(&loop->uv);
}

uint64_t loop_now_ns(struct loop *loop)
{
    if (loop->now_ns == 0)
        loop->now_ns = clock_mono_ns();
    return loop->now_ns;
}

/* ---- life cycle ------------------------------------------------------- */

static void sigpipe_ignore(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    sigaction(SIGPIPE, &ignore, NULL); /* a closed peer is an error code */
}

int loop_new(struct loop **ret)
{
    struct loop *loop = mem_alloc(sizeof(*loop));
    int error;

    if (!loop)
        return ERR_NOMEM;
    memset(loop, 0, offsetof(struct loop, wheel));
    error = deferred_reserve(loop);
    if (!error)
        error = net_error(uv_loop_init(&loop->uv));
    if (error) {
        mem_free(loop->deferred);
        mem_free(loop);
        return error;
    }
    sigpipe_ignore();
    uv_prepare_init(&loop->uv, &loop->before_poll);
    uv_prepare_start(&loop->before_poll, on_before_poll);
    uv_check_init(&loop->uv, &loop->after_poll);
    uv_check_start(&loop->after_poll, on_after_poll);
    uv_idle_init(&loop->uv, &loop->unfinished);
    uv_timer_init(&loop->uv, &loop->alarm);
    list_init(&loop->turns);
    list_init(&loop->flushes);
    wheel_init(&loop->wheel, uv_now(&loop->uv));
    *ret = loop;
    return 0;
}

static void close_one(uv_handle_t *h, void *arg)
{
    if (uv_is_closing(h))
        return;
    if (h->type == UV_TCP)
        ((const struct handle_kind *)h->data)->close(h);
    else
        uv_close(h, NULL);
}

/*
 * What is still open is closed here, each with its last callback. on_close may
 * put work off or close other things, hence the loop; it opens nothing new.
 */
void loop_free(struct loop **ret)
{
    struct loop *loop = *ret;
    int busy;

    if (!loop)
        return;
    loop->ending = true;
    do {
        uv_walk(&loop->uv, close_one, NULL);
        uv_run(&loop->uv, UV_RUN_DEFAULT);
        deferred_run(loop);
    } while (uv_loop_alive(&loop->uv));
    busy = uv_loop_close(&loop->uv);
    assert(busy == 0);
    (void)busy;
    while (!list_empty(&loop->turns))
        list_remove(loop->turns.next);
    wheel_fini(&loop->wheel);
    queue_pool_fini(&loop->pool);
    mem_free(loop->deferred);
    mem_free(loop);
    *ret = NULL; /* not before: the last callbacks may use it */
}

int loop_run(struct loop *loop)
{
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    turn_end(loop);
    return 0;
}

void loop_stop(struct loop *loop)
{
    uv_stop(&loop->uv);
}

struct uv_loop_s *loop_uv(struct loop *loop)
{
    return &loop->uv;
}

/* ---- shared by this room ---------------------------------------------- */

int net_error(int uv)
{
    switch (uv) {
    case 0:
        return 0;
    case UV_ENOMEM:
        return ERR_NOMEM;
    case UV_EMFILE:
    case UV_ENFILE:
        return ERR_LIMIT;
    case UV_EACCES:
    case UV_EPERM:
        return ERR_DENIED;
    case UV_EADDRINUSE:
        return ERR_BUSY;
    case UV_EINVAL:
    case UV_EADDRNOTAVAIL:
        return ERR_INVALID;
    case UV_ETIMEDOUT:
        return ERR_TIMEOUT;
    case UV_EOF:
    case UV_EPIPE:
    case UV_ECANCELED:
    case UV_ECONNABORTED:
    case UV_ECONNREFUSED:
    case UV_ECONNRESET:
        return ERR_CLOSED;
    default:
        return ERR_IO;
    }
}

int net_address(const char *host, unsigned port, struct sockaddr_storage *ret)
{
    struct sockaddr_storage at = {0};

    if (port > UINT16_MAX)
        return ERR_RANGE;
    if (strcmp(host, "localhost") == 0)
        host = "127.0.0.1";
    if (uv_ip4_addr(host, (int)port, (struct sockaddr_in *)&at) != 0 &&
        uv_ip6_addr(host, (int)port, (struct sockaddr_in6 *)&at) != 0)
        return ERR_INVALID;
    *ret = at;
    return 0;
}
