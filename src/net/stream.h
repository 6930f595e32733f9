/* SPDX-License-Identifier: MIT */
/*
 * stream - one TCP connection: lent read memory, a queue of references out.
 *
 * Reading: an idle stream owns no buffer; the loop lends one, and on_read gets
 * its bytes, writable, for the length of the call.
 * Writing: stream_write() copies small things into the stream's pending
 * chunk; stream_write_blob() queues a reference. Nothing is sent until
 * stream_flush() or the turn's end, then everything goes in one writev. What
 * the kernel does not take waits for writability; stream_queued() tells how
 * much that is. A queue past its owner's limit is the owner's to handle.
 * Transform: a stream may be given a struct stream_transform through which all
 * bytes pass in both directions (TLS); without one the calls are direct.
 *
 *   OPEN -stream_shutdown()-> DRAINING -all sent-> LINGERING -peer's FIN->
 * CLOSED
 *     \-------------- stream_close(), an error, or patience ends ------------^
 *
 * After stream_shutdown() nothing more is read or accepted for writing; a
 * drain without progress ends after STREAM_DRAIN_MS, the wait for the peer's
 * FIN after STREAM_LINGER_MS. A failed read is told by on_end(error), a failed
 * write by on_close alone; the stream closes itself after either.
 * on_close is the last callback and comes exactly once, never inside a call
 * of the owner's; after it the stream is freed by the loop.
 * Owner: whoever set its events. Threads: loop.
 */
#ifndef FIELDLINE_NET_STREAM_H
#define FIELDLINE_NET_STREAM_H

#include "base/bytes.h"

struct blob;
struct loop;
struct stream;
struct sockaddr;

#define STREAM_DRAIN_MS  30000
#define STREAM_LINGER_MS 1000

struct stream_events {
    unsigned magic; /* the owner's, checked by stream_owner() */
    void (*on_read)(struct stream *, char *bytes, size_t len);
    void (*on_end)(struct stream *, int error); /* 0: the peer finished */
    void (*on_drained)(struct stream *); /* the kernel was full and all is sent
                                            now; may be NULL */
    void (*on_close)(struct stream *);
};

/* For TLS: turns wire bytes into plain ones and back. Out of a transform comes
 * what stream_transform_plain()/_wire() are called with. */
struct stream_transform {
    int (*wire_in)(void *state, struct stream *, char *bytes, size_t len);
    int (*plain_out)(void *state, struct stream *, struct bytes);
    void (*free_fn)(void *state);
};
void stream_transform_set(struct stream *, const struct stream_transform *,
                          void *state);
void stream_transform_plain(struct stream *, char *bytes, size_t len);
void stream_transform_wire(struct stream *, struct bytes);

void stream_own(struct stream *, const struct stream_events *, void *owner);
void *stream_owner(const struct stream *, unsigned magic); /* checked */
struct loop *stream_loop(const struct stream *);

int stream_read_start(struct stream *) MUST_CHECK;
void stream_read_stop(struct stream *); /* back-pressure */

/* Room for n bytes (at most STREAM_ROOM_MAX) at the end of the queue, for
 * heads that are printed in place; stream_room_used() says how many were.
 * NULL when out of memory (the stream is then closing). */
#define STREAM_ROOM_MAX 4096
char *stream_room(struct stream *, size_t n);
void stream_room_used(struct stream *, size_t n);

void stream_write(struct stream *, struct bytes);       /* copies */
void stream_write_blob(struct stream *, struct blob *); /* its own reference */
void stream_write_blob_part(struct stream *, struct blob *, size_t from,
                            size_t len);
void stream_flush(struct stream *);
size_t stream_queued(const struct stream *); /* bytes not yet in the kernel */

void stream_shutdown(struct stream *); /* sends what is queued, then closes */
void stream_close(struct stream *);    /* now; idempotent */
bool stream_is_open(const struct stream *); /* writes are still accepted */
uint64_t stream_bytes_sent(const struct stream *);
/* Of what was sent, that which has arrived at the peer's kernel: it grows while
 * a peer reads, however slowly. */
uint64_t stream_bytes_arrived(const struct stream *);
/* "127.0.0.1:4711"; empty when it is gone. */
struct bytes stream_peer(const struct stream *, char *room, size_t size);

/* A connected socket that came from elsewhere; taken only on success. */
int stream_adopt(struct stream **ret, struct loop *, int fd) MUST_CHECK;

/* A listening socket of one worker, with SO_REUSEPORT. host is numeric or
 * "localhost". ERR_BUSY: the port is taken. An accepted stream does not read
 * before stream_read_start(). */
struct listener;
typedef void listener_accept_fn(struct stream *, void *arg); /* owns it */
int listener_open(struct listener **ret, struct loop *, const char *host,
                  unsigned port /* 0 picks one */, int backlog,
                  listener_accept_fn *, void *arg) MUST_CHECK;
unsigned listener_port(const struct listener *);
void listener_close(struct listener **);

/* Connects to a name or number; connect_fn gets an open stream without events,
 * or NULL and an error, once, never inside stream_connect() and within
 * STREAM_CONNECT_MS (a name's lookup comes before). */
#define STREAM_CONNECT_MS 10000
typedef void stream_connect_fn(struct stream *, int error, void *arg);
int stream_connect(struct loop *, const char *host, unsigned port,
                   const char *source_host /* or NULL */, stream_connect_fn *,
                   void *arg) MUST_CHECK;

#endif
