/* SPDX-License-Identifier: MIT */
/*
 * queue - what a stream has yet to send: a row of segments, in order.
 *
 * A segment is a part of a blob, held by a reference, or a run of bytes copied
 * into one of the queue's chunks; copies that follow each other join. A queue
 * exists only while a stream has something to send, so queues and chunks go
 * back to the loop's pool and are taken again while they are warm.
 *
 *   Q1  bytes is the sum of the segments' lengths; no segment is empty.
 *   Q2  copied segments lie in the chunks in order, so the first of them lies
 *       in the first chunk that counts any; a chunk before it is done with.
 *
 * Owner: its stream. Threads: loop.
 * Not here: sending (stream.c).
 */
#ifndef FIELDLINE_NET_QUEUE_H
#define FIELDLINE_NET_QUEUE_H

#include "base/bytes.h"

#include <uv.h>

struct blob;

#define QUEUE_SEGMENTS_NEAR 6 /* in the queue itself: head and body of 3 */
#define QUEUE_SEGMENTS_MAX  ((uint32_t)1 << 20)
#define QUEUE_CHUNK_SMALL   ((size_t)960)
#define QUEUE_CHUNK_LARGE   ((size_t)4096)
#define QUEUE_POOL_MAX      64 /* of each kind kept by a loop */

struct segment {
    const char *at;
    size_t len;
    struct blob *blob; /* NULL: copied */
};

struct queue_chunk;
struct queue;

struct queue_pool {
    struct queue *queues;
    struct queue_chunk *chunks; /* large ones */
    unsigned queue_count, chunk_count;
};

struct queue {
    size_t bytes;
    struct segment *segments; /* near, or from the heap */
    uint32_t first, count, cap;
    struct queue_chunk *chunk_first, *chunk_last;
    uv_write_t *flight; /* the front of the queue is libuv's until it is done */
    size_t flight_bytes;
    struct queue *next; /* in the pool */
    struct segment near[QUEUE_SEGMENTS_NEAR];
};

void queue_pool_fini(struct queue_pool *);

struct queue *queue_new(struct queue_pool *) MUST_CHECK; /* or NULL */
void queue_free(struct queue **, struct queue_pool *);   /* not in flight */

/* Room for n bytes, or NULL; queue_room_used() makes the first of them part
 * of the queue, queue_room_spoil() keeps them in place but never sends them. */
char *queue_room(struct queue *, struct queue_pool *, size_t n) MUST_CHECK;
int queue_room_used(struct queue *, size_t n) MUST_CHECK;
const char *queue_room_spoil(struct queue *, size_t n);

int queue_blob(struct queue *, struct blob * /* takes its own reference */,
               struct bytes part) MUST_CHECK;

/* The front of the queue as at most max buffers; *ret is how many bytes. */
unsigned queue_front(const struct queue *, uv_buf_t *bufs, unsigned max,
                     size_t *ret);
void queue_advance(struct queue *, struct queue_pool *, size_t n);

#endif
