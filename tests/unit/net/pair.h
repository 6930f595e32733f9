/* SPDX-License-Identifier: MIT */
/*
 * pair - a stream on a loop, and the plain socket at its other end.
 *
 * The test's end blocks, with small buffers where a test wants the kernel to
 * be full. A SOCK_SEQPACKET pair keeps the borders of each write, so writes
 * can be counted.
 * Threads: loop.
 */
#ifndef FIELDLINE_TESTS_NET_PAIR_H
#define FIELDLINE_TESTS_NET_PAIR_H

#include "../check.h"

#include "net/loop.h"
#include "net/stream.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAIR_MAGIC 0x70616972u

struct pair {
    struct loop *loop;
    struct stream *stream; /* NULL once it is closed */
    int peer;
    struct loop_turn turn;
    struct timer timer;
    void (*read_fn)(struct pair *, char *bytes, size_t len);
    unsigned reads, ends, drains, closes;
    int end_error;
    size_t received;
};

static inline void pair_on_read(struct stream *s, char *bytes, size_t len)
{
    struct pair *p = stream_owner(s, PAIR_MAGIC);

    p->reads++;
    p->received += len;
    if (p->read_fn)
        p->read_fn(p, bytes, len);
}

static inline void pair_on_end(struct stream *s, int error)
{
    struct pair *p = stream_owner(s, PAIR_MAGIC);

    p->ends++;
    p->end_error = error;
    if (!error)
        stream_shutdown(s);
}

static inline void pair_on_drained(struct stream *s)
{
    struct pair *p = stream_owner(s, PAIR_MAGIC);

    assert_int_equal(stream_queued(s), 0);
    p->drains++;
}

static inline void pair_on_close(struct stream *s)
{
    struct pair *p = stream_owner(s, PAIR_MAGIC);

    assert_false(stream_is_open(s));
    p->closes++;
    p->stream = NULL;
    loop_stop(p->loop);
}

static const struct stream_events pair_events = {
    PAIR_MAGIC, pair_on_read, pair_on_end, pair_on_drained, pair_on_close,
};

static inline void pair_open(struct pair *p, int type)
{
    int fds[2];

    memset(p, 0, sizeof(*p));
    assert_int_equal(loop_new(&p->loop), 0);
    assert_int_equal(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(stream_adopt(&p->stream, p->loop, fds[0]), 0);
    p->peer = fds[1];
    stream_own(p->stream, &pair_events, p);
    assert_int_equal(stream_read_start(p->stream), 0);
}

static inline void pair_close(struct pair *p)
{
    if (p->peer >= 0)
        close(p->peer);
    loop_free(&p->loop);
    assert_null(p->stream);
    assert_int_equal(p->closes, 1);
}

/* Runs the loop for this turn only. */
static inline void pair_on_turn(void *arg)
{
    struct pair *p = arg;
    loop_stop(p->loop);
}

static inline void pair_turn(struct pair *p)
{
    loop_turn_init(&p->turn, pair_on_turn, p);
    loop_turn_ask(p->loop, &p->turn);
    assert_int_equal(loop_run(p->loop), 0);
}

static inline void pair_run(struct pair *p)
{
    assert_int_equal(loop_run(p->loop), 0);
}

#endif
