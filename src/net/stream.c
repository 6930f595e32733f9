/* SPDX-License-Identifier: MIT */
/*
 * stream - a TCP connection on libuv; see stream.h for the contract.
 *
 * What is queued is tried at once with one writev. Only when the kernel does
 * not take all of it does the rest become one uv_write, the FLIGHT, which
 * borrows the front of the queue until it lands; what is queued meanwhile
 * follows it. So the common answer costs no request object and no poll.
 *
 *   OPEN      reads and writes.
 *   DRAINING  accepts no writes; what arrives is thrown away.
 *   LINGERING all is sent and FIN too; waits for the peer's FIN, so that no
 *             reset overtakes the last bytes.
 *   CLOSED    uv_close() was called; on_close follows from the loop.
 *
 * Threads: loop.
 */
#include "net/stream.h"
#include "net/loop_private.h"

#include "base/blob.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/mem.h"

#include <assert.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define STREAM_BUFS_MAX 64 /* of one writev */

enum stream_state {
    STREAM_OPEN,
    STREAM_DRAINING,
    STREAM_LINGERING,
    STREAM_CLOSED,
};

struct stream {
    uv_tcp_t tcp; /* first: stream_of() */
    const struct stream_events *events;
    void *owner;
    const struct stream_transform *transform;
    void *transform_state;
    struct queue *queue;    /* NULL while nothing waits */
    struct timer *patience; /* only after stream_shutdown() */
    struct list flush_link;
    uint64_t bytes_sent;
    uint8_t state;
    bool reading, peer_ended;
};

static struct stream *stream_of(const void *handle)
{
    return CONTAINER_OF(handle, struct stream, tcp);
}

static void stream_become(struct stream *s, enum stream_state next)
{
    assert(next > s->state);
    s->state = (uint8_t)next;
}

static struct queue_pool *stream_pool(const struct stream *s)
{
    return &stream_loop(s)->pool;
}

/* ---- life cycle ------------------------------------------------------- */

static void close_handle(uv_handle_t *h)
{
    stream_close(stream_of(h));
}

static const struct handle_kind stream_kind = {close_handle};

int stream_new(struct stream **ret, struct loop *loop)
{
    struct stream *s;

    if (loop->ending)
        return ERR_CLOSED;
    s = mem_zalloc(1, sizeof(*s));
    if (!s)
        return ERR_NOMEM;
    uv_tcp_init(&loop->uv, &s->tcp);
    s->tcp.data = (void *)&stream_kind;
    list_init(&s->flush_link);
    *ret = s;
    return 0;
}

uv_tcp_t *stream_tcp(struct stream *s)
{
    return &s->tcp;
}

int stream_adopt(struct stream **ret, struct loop *loop, int fd)
{
    struct stream *s;
    int error = stream_new(&s, loop);

    if (error)
        return error;
    error = net_error(uv_tcp_open(&s->tcp, fd));
    if (error) {
        stream_close(s);
        return error;
    }
    stream_nodelay(s);
    *ret = s;
    return 0;
}

void stream_nodelay(struct stream *s)
{
    uv_tcp_nodelay(&s->tcp, 1); /* fails on what is not TCP: no harm */
}

static void patience_end(struct stream *s)
{
    if (s->patience)
        timer_stop(s->patience);
    mem_free(s->patience);
    s->patience = NULL;
}

static void on_closed(uv_handle_t *h)
{
    struct stream *s = stream_of(h);

    if (s->events)
        s->events->on_close(s);
    if (s->transform && s->transform->free_fn)
        s->transform->free_fn(s->transform_state);
    queue_free(&s->queue, stream_pool(s));
    mem_free(s);
}

void stream_close(struct stream *s)
{
    if (s->state == STREAM_CLOSED)
        return;
    stream_become(s, STREAM_CLOSED);
    list_remove(&s->flush_link);
    patience_end(s);
    uv_close((uv_handle_t *)&s->tcp, on_closed);
}

void stream_own(struct stream *s, const struct stream_events *events,
                void *owner)
{
    s->events = events;
    s->owner = owner;
}

void *stream_owner(const struct stream *s, unsigned magic)
{
    assert(s->events && s->events->magic == magic);
    return s->owner;
}

struct loop *stream_loop(const struct stream *s)
{
    return loop_of(s->tcp.loop);
}

void stream_transform_set(struct stream *s, const struct stream_transform *t,
                          void *state)
{
    s->transform = t;
    s->transform_state = state;
}

/* ---- reading ---------------------------------------------------------- */

static void on_lend(uv_handle_t *h, size_t suggested, uv_buf_t *ret)
{
    ret->base = loop_of(h->loop)->lent;
    ret->len = LOOP_LENT_BYTES;
}

static void stream_ended(struct stream *s, int error)
{
    bool open = s->state == STREAM_OPEN;

    stream_read_stop(s);
    s->peer_ended = true;
    if (open && s->events)
        s->events->on_end(s, error);
    if (error || s->state == STREAM_LINGERING)
        stream_close(s);
}

static void on_bytes(uv_stream_t *h, ssize_t n, const uv_buf_t *buf)
{
    struct stream *s = stream_of(h);

    if (n > 0 && fault_hit(FAULT_READ))
        n = UV_ECONNRESET;
    if (n < 0)
        stream_ended(s, n == UV_EOF ? 0 : net_error((int)n));
    else if (n == 0 || s->state != STREAM_OPEN)
        return;
    else if (!s->transform)
        s->events->on_read(s, buf->base, (size_t)n);
    else if (s->transform->wire_in(s->transform_state, s, buf->base,
                                   (size_t)n) != 0)
        stream_ended(s, ERR_PROTOCOL);
}

void stream_transform_plain(struct stream *s, char *bytes, size_t len)
{
    if (s->state == STREAM_OPEN && len > 0)
        s->events->on_read(s, bytes, len);
}

int stream_read_start(struct stream *s)
{
    int error;

    if (s->reading)
        return 0;
    if (s->state == STREAM_CLOSED || s->peer_ended)
        return ERR_CLOSED;
    error = uv_read_start((uv_stream_t *)&s->tcp, on_lend, on_bytes);
    if (error)
        return net_error(error);
    s->reading = true;
    return 0;
}

void stream_read_stop(struct stream *s)
{
    if (!s->reading)
        return;
    s->reading = false;
    uv_read_stop((uv_stream_t *)&s->tcp);
}

/* ---- sending ---------------------------------------------------------- */

static void on_impatient(struct timer *t, void *arg)
{
    stream_close(arg);
}

static void linger(struct stream *s)
{
    uv_os_fd_t fd;

    if (s->peer_ended || uv_fileno((uv_handle_t *)&s->tcp, &fd) != 0 ||
        shutdown(fd, SHUT_WR) != 0) {
        stream_close(s);
        return;
    }
    stream_become(s, STREAM_LINGERING);
    timer_start(stream_loop(s), s->patience, STREAM_LINGER_MS);
}

/* All is in the kernel: what the queue used goes back. */
static void settle(struct stream *s)
{
    queue_free(&s->queue, stream_pool(s));
    if (s->state == STREAM_DRAINING)
        linger(s);
}

static void stream_send(struct stream *s);

static void on_landed(uv_write_t *flight, int status)
{
    struct stream *s = stream_of(flight->handle);
    struct queue *q = s->queue;

    mem_free(flight);
    q->flight = NULL;
    if (s->state == STREAM_CLOSED)
        return;
    if (status < 0) {
        stream_close(s);
        return;
    }
    s->bytes_sent += q->flight_bytes;
    queue_advance(q, stream_pool(s), q->flight_bytes);
    q->flight_bytes = 0;
    if (s->state == STREAM_DRAINING)
        timer_start(stream_loop(s), s->patience, STREAM_DRAIN_MS);
    stream_send(s);
    if (!s->queue && s->state == STREAM_OPEN && s->events &&
        s->events->on_drained)
        s->events->on_drained(s);
}

/* The kernel is full: the front of the queue waits for it in libuv. */
static void take_off(struct stream *s)
{
    struct queue *q = s->queue;
    uv_buf_t bufs[STREAM_BUFS_MAX];
    unsigned n = queue_front(q, bufs, STREAM_BUFS_MAX, &q->flight_bytes);
    uv_write_t *flight = mem_alloc(sizeof(*flight));

    if (!flight ||
        uv_write(flight, (uv_stream_t *)&s->tcp, bufs, n, on_landed) != 0) {
        mem_free(flight);
        stream_close(s);
        return;
    }
    q->flight = flight;
}

static void stream_send(struct stream *s)
{
    struct queue *q = s->queue;
    uv_buf_t bufs[STREAM_BUFS_MAX];

    while (q->count > 0) {
        size_t all;
        unsigned n = queue_front(q, bufs, STREAM_BUFS_MAX, &all);
        int taken = fault_hit(FAULT_WRITE)
                        ? UV_EPIPE
                        : uv_try_write((uv_stream_t *)&s->tcp, bufs, n);

        if (taken == UV_EAGAIN)
            taken = 0;
        if (taken < 0) {
            stream_close(s);
            return;
        }
        s->bytes_sent += (size_t)taken;
        queue_advance(q, stream_pool(s), (size_t)taken);
        if ((size_t)taken < all) {
            take_off(s);
            return;
        }
    }
    settle(s);
}

void stream_flush(struct stream *s)
{
    list_remove(&s->flush_link);
    if (s->queue && !s->queue->flight && s->state <= STREAM_DRAINING)
        stream_send(s);
}

void streams_flush(struct loop *loop)
{
    while (!list_empty(&loop->flushes))
        stream_flush(LIST_FIRST(&loop->flushes, struct stream, flush_link));
}

/* ---- queueing --------------------------------------------------------- */

/* The queue, ready to take more and sure to be flushed; NULL: closing. */
static struct queue *stream_queue(struct stream *s)
{
    if (UNLIKELY(s->state > STREAM_DRAINING))
        return NULL;
    if (!s->queue && UNLIKELY(!(s->queue = queue_new(stream_pool(s))))) {
        stream_close(s);
        return NULL;
    }
    if (!s->queue->flight && list_empty(&s->flush_link))
        list_append(&stream_loop(s)->flushes, &s->flush_link);
    return s->queue;
}

static void queue_copy(struct stream *s, struct bytes bytes)
{
    struct queue *q = bytes.len ? stream_queue(s) : NULL;
    char *room;

    if (!q)
        return;
    room = queue_room(q, stream_pool(s), bytes.len);
    if (!room) {
        stream_close(s);
        return;
    }
    memcpy(room, bytes.at, bytes.len);
    if (queue_room_used(q, bytes.len) != 0)
        stream_close(s);
}

static void queue_plain(struct stream *s, struct bytes bytes)
{
    if (s->transform->plain_out(s->transform_state, s, bytes) != 0)
        stream_close(s);
}

char *stream_room(struct stream *s, size_t n)
{
    struct queue *q = s->state == STREAM_OPEN ? stream_queue(s) : NULL;
    char *room;

    assert(n <= STREAM_ROOM_MAX);
    if (!q)
        return NULL;
    room = queue_room(q, stream_pool(s), n);
    if (!room)
        stream_close(s);
    return room;
}

void stream_room_used(struct stream *s, size_t n)
{
    struct queue *q = s->queue;

    if (s->state != STREAM_OPEN || n == 0)
        return;
    if (UNLIKELY(s->transform != NULL)) {
        const char *at = queue_room_spoil(q, n);
        queue_plain(s, (struct bytes){at, n});
    } else if (queue_room_used(q, n) != 0) {
        stream_close(s);
    }
}

void stream_write(struct stream *s, struct bytes bytes)
{
    if (s->state != STREAM_OPEN || bytes.len == 0)
        return;
    if (s->transform)
        queue_plain(s, bytes);
    else
        queue_copy(s, bytes);
}

void stream_transform_wire(struct stream *s, struct bytes bytes)
{
    queue_copy(s, bytes);
}

void stream_write_blob(struct stream *s, struct blob *blob)
{
    stream_write_blob_part(s, blob, 0, blob->len);
}

void stream_write_blob_part(struct stream *s, struct blob *blob, size_t from,
                            size_t len)
{
    struct bytes part = {blob->at + from, len};
    struct queue *q;

    assert(from <= blob->len && len <= blob->len - from);
    if (s->state != STREAM_OPEN || len == 0)
        return;
    if (s->transform) {
        queue_plain(s, part);
        return;
    }
    q = stream_queue(s);
    if (q && queue_blob(q, blob, part) != 0)
        stream_close(s);
}

size_t stream_queued(const struct stream *s)
{
    const struct queue *q = s->queue;

    if (!q)
        return 0;
    if (!q->flight)
        return q->bytes;
    return q->bytes - q->flight_bytes +
           uv_stream_get_write_queue_size((const uv_stream_t *)&s->tcp);
}

/* ---- the end ---------------------------------------------------------- */

void stream_shutdown(struct stream *s)
{
    if (s->state != STREAM_OPEN)
        return;
    s->patience = mem_alloc(sizeof(*s->patience));
    if (!s->patience || (!s->peer_ended && stream_read_start(s) != 0)) {
        mem_free(s->patience);
        s->patience = NULL;
        stream_close(s);
        return;
    }
    timer_init(s->patience, on_impatient, s);
    timer_start(stream_loop(s), s->patience, STREAM_DRAIN_MS);
    stream_become(s, STREAM_DRAINING);
    if (s->queue)
        stream_flush(s);
    else
        linger(s);
}

bool stream_is_open(const struct stream *s)
{
    return s->state == STREAM_OPEN;
}

uint64_t stream_bytes_sent(const struct stream *s)
{
    return s->bytes_sent;
}

uint64_t stream_bytes_arrived(const struct stream *s)
{
    const uv_stream_t *tcp = (const uv_stream_t *)&s->tcp;
    uint64_t taken = s->bytes_sent; /* by our kernel */
    uv_os_fd_t fd;
    int held = 0;

    if (s->queue && s->queue->flight)
        taken += s->queue->flight_bytes - uv_stream_get_write_queue_size(tcp);
    if (uv_fileno((const uv_handle_t *)tcp, &fd) != 0 ||
        ioctl(fd, SIOCOUTQ, &held) != 0 || held < 0)
        return taken;
    return (uint64_t)held < taken ? taken - (uint64_t)held : 0;
}

struct bytes stream_peer(const struct stream *s, char *room, size_t size)
{
    struct sockaddr_storage at;
    int at_len = sizeof(at), len;
    char host[INET6_ADDRSTRLEN], port[sizeof("65535")];

    if (uv_tcp_getpeername(&s->tcp, (struct sockaddr *)&at, &at_len) != 0 ||
        getnameinfo((struct sockaddr *)&at, (socklen_t)at_len, host,
                    sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return (struct bytes){NULL, 0};
    len = snprintf(room, size, at.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s",
                   host, port);
    if (len < 0 || (size_t)len >= size)
        return (struct bytes){NULL, 0};
    return (struct bytes){room, (size_t)len};
}
