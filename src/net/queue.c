/* SPDX-License-Identifier: MIT */
/*
 * queue - segments in an array that slides, chunks in a list; see queue.h.
 * Threads: loop.
 */
#include "net/queue.h"

#include "base/blob.h"
#include "base/error.h"
#include "base/mem.h"

#include <assert.h>

/* Under AddressSanitizer nothing is pooled, so that what is used late shows. */
#if defined(__SANITIZE_ADDRESS__)
#define POOLED false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOLED false
#endif
#endif
#ifndef POOLED
#define POOLED true
#endif

struct queue_chunk {
    struct queue_chunk *next;
    size_t cap, used;
    uint32_t segments; /* how many unsent segments lie in it */
    char bytes[];
};

/* ---- chunks ----------------------------------------------------------- */

static struct queue_chunk *chunk_new(struct queue_pool *pool, size_t n)
{
    struct queue_chunk *c = pool->chunks;
    size_t cap = n;

    if (n <= QUEUE_CHUNK_SMALL)
        cap = QUEUE_CHUNK_SMALL;
    else if (n <= QUEUE_CHUNK_LARGE)
        cap = QUEUE_CHUNK_LARGE;
    if (cap == QUEUE_CHUNK_LARGE && c) {
        pool->chunks = c->next;
        pool->chunk_count--;
    } else if (!(c = mem_alloc(sizeof(*c) + cap))) {
        return NULL;
    }
    c->next = NULL;
    c->cap = cap;
    c->used = 0;
    c->segments = 0;
    return c;
}

static void chunk_free(struct queue_chunk *c, struct queue_pool *pool)
{
    if (!POOLED || c->cap != QUEUE_CHUNK_LARGE ||
        pool->chunk_count >= QUEUE_POOL_MAX) {
        mem_free(c);
        return;
    }
    c->next = pool->chunks;
    pool->chunks = c;
    pool->chunk_count++;
}

static void chunk_pop(struct queue *q, struct queue_pool *pool)
{
    struct queue_chunk *c = q->chunk_first;

    q->chunk_first = c->next;
    if (!q->chunk_first)
        q->chunk_last = NULL;
    chunk_free(c, pool);
}

/* ---- segments --------------------------------------------------------- */

static int segments_grow(struct queue *q)
{
    struct segment *grown;
    uint32_t cap = q->cap * 2;

    if (q->first >= q->cap / 2) {
        memmove(q->segments, q->segments + q->first,
                q->count * sizeof(*q->segments));
        q->first = 0;
        return 0;
    }
    if (cap > QUEUE_SEGMENTS_MAX)
        return ERR_LIMIT;
    grown = mem_alloc(cap * sizeof(*grown));
    if (!grown)
        return ERR_NOMEM;
    memcpy(grown, q->segments + q->first, q->count * sizeof(*grown));
    if (q->segments != q->near)
        mem_free(q->segments);
    q->segments = grown;
    q->first = 0;
    q->cap = cap;
    return 0;
}

static int segment_append(struct queue *q, struct segment segment)
{
    assert(q->segments);
    if (q->first + q->count == q->cap) {
        int error = segments_grow(q);
        if (error)
            return error;
    }
    q->segments[q->first + q->count++] = segment;
    q->bytes += segment.len;
    return 0;
}

static void segment_pop(struct queue *q, struct queue_pool *pool)
{
    struct segment *s = &q->segments[q->first];

    if (s->blob) {
        blob_unref(&s->blob);
    } else {
        while (q->chunk_first->segments == 0)
            chunk_pop(q, pool);
        q->chunk_first->segments--; /* Q2: it lies in no other */
    }
    q->first++;
    if (--q->count == 0)
        q->first = 0;
}

/* ---- life cycle ------------------------------------------------------- */

void queue_pool_fini(struct queue_pool *pool)
{
    while (pool->queues) {
        struct queue *q = pool->queues;
        pool->queues = q->next;
        mem_free(q);
    }
    while (pool->chunks) {
        struct queue_chunk *c = pool->chunks;
        pool->chunks = c->next;
        mem_free(c);
    }
    *pool = (struct queue_pool){0};
}

struct queue *queue_new(struct queue_pool *pool)
{
    struct queue *q = pool->queues;

    if (q) {
        pool->queues = q->next;
        pool->queue_count--;
    } else if (!(q = mem_alloc(sizeof(*q)))) {
        return NULL;
    }
    q->bytes = 0;
    q->segments = q->near;
    q->first = q->count = 0;
    q->cap = QUEUE_SEGMENTS_NEAR;
    q->chunk_first = q->chunk_last = NULL;
    q->flight = NULL;
    q->flight_bytes = 0;
    return q;
}

void queue_free(struct queue **queue, struct queue_pool *pool)
{
    struct queue *q = *queue;

    if (!q)
        return;
    assert(!q->flight);
    *queue = NULL;
    while (q->count)
        segment_pop(q, pool);
    while (q->chunk_first)
        chunk_pop(q, pool);
    if (q->segments != q->near)
        mem_free(q->segments);
    if (!POOLED || pool->queue_count >= QUEUE_POOL_MAX) {
        mem_free(q);
        return;
    }
    q->next = pool->queues;
    pool->queues = q;
    pool->queue_count++;
}

/* ---- operations ------------------------------------------------------- */

char *queue_room(struct queue *q, struct queue_pool *pool, size_t n)
{
    struct queue_chunk *c = q->chunk_last;

    if (c && c->cap - c->used >= n)
        return c->bytes + c->used;
    c = chunk_new(pool, n);
    if (!c)
        return NULL;
    if (q->chunk_last)
        q->chunk_last->next = c;
    else
        q->chunk_first = c;
    q->chunk_last = c;
    return c->bytes;
}

int queue_room_used(struct queue *q, size_t n)
{
    struct queue_chunk *c = q->chunk_last;
    struct segment *last;
    const char *at;
    int error;

    if (n == 0)
        return 0;
    assert(c && n <= c->cap - c->used);
    at = c->bytes + c->used;
    last = q->count ? &q->segments[q->first + q->count - 1] : NULL;
    if (last && !last->blob && last->at + last->len == at) {
        last->len += n;
        q->bytes += n;
    } else {
        error = segment_append(q, (struct segment){at, n, NULL});
        if (error)
            return error;
        c->segments++;
    }
    c->used += n;
    return 0;
}

const char *queue_room_spoil(struct queue *q, size_t n)
{
    struct queue_chunk *c = q->chunk_last;

    assert(c && n <= c->cap - c->used);
    c->used += n;
    return c->bytes + c->used - n;
}

int queue_blob(struct queue *q, struct blob *blob, struct bytes part)
{
    int error;

    if (part.len == 0)
        return 0;
    error = segment_append(q, (struct segment){part.at, part.len, blob});
    if (!error)
        blob_ref(blob);
    return error;
}

unsigned queue_front(const struct queue *q, uv_buf_t *bufs, unsigned max,
                     size_t *ret)
{
    unsigned n = q->count < max ? q->count : max;
    size_t total = 0;

    for (unsigned i = 0; i < n; i++) {
        const struct segment *s = &q->segments[q->first + i];

        bufs[i].base = (char *)s->at; /* libuv only reads it */
        bufs[i].len = s->len;
        total += s->len;
    }
    *ret = total;
    return n;
}

void queue_advance(struct queue *q, struct queue_pool *pool, size_t n)
{
    assert(n <= q->bytes);
    q->bytes -= n;
    while (n > 0) {
        struct segment *s = &q->segments[q->first];

        if (n < s->len) {
            s->at += n;
            s->len -= n;
            return;
        }
        n -= s->len;
        segment_pop(q, pool);
    }
}
