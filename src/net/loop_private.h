/* SPDX-License-Identifier: MIT */
/*
 * loop_private - the inside of struct loop, for the files of this room.
 * Owner: worker. Threads: loop.
 */
#ifndef FIELDLINE_NET_LOOP_PRIVATE_H
#define FIELDLINE_NET_LOOP_PRIVATE_H

#include "net/loop.h"
#include "net/queue.h"
#include "net/wheel.h"

#include <uv.h>

#define LOOP_LENT_BYTES ((size_t)64 * 1024)

struct deferred {
    void *at;
    loop_free_fn *free_fn;
};

struct loop {
    uv_loop_t uv; /* first: loop_of() */
    uv_prepare_t before_poll;
    uv_check_t after_poll;
    uv_idle_t unfinished; /* active: the next poll must not block */
    uv_timer_t alarm;
    uint64_t now_ns; /* 0: not asked for in this turn */
    struct list turns;
    struct list flushes; /* streams that have something to send */
    struct deferred *deferred;
    size_t deferred_count, deferred_cap;
    bool ending; /* loop_free(): nothing new is opened */
    struct queue_pool pool;
    struct wheel wheel;
    char lent[LOOP_LENT_BYTES]; /* what streams read into */
};

static inline struct loop *loop_of(const uv_loop_t *uv)
{
    return CONTAINER_OF(uv, struct loop, uv);
}

/* Every uv_tcp_t of this room names in its data how it is closed. */
struct handle_kind {
    void (*close)(uv_handle_t *);
};

void loop_alarm_set(struct loop *); /* wakes the loop when the wheel is due */

int net_error(int uv); /* libuv's code as one of ours */

/* Numeric, or "localhost". ERR_INVALID for any other name. */
int net_address(const char *host, unsigned port,
                struct sockaddr_storage *ret) MUST_CHECK;

/* stream.c, for loop.c, listener.c and connect.c */
struct stream;
int stream_new(struct stream **ret, struct loop *) MUST_CHECK;
uv_tcp_t *stream_tcp(struct stream *);
void stream_nodelay(struct stream *);
void streams_flush(struct loop *); /* all on loop->flushes */

#endif
