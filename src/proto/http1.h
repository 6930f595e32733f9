/* SPDX-License-Identifier: MIT */
/*
 * http1 - HTTP/1.0 and 1.1: bytes in, events out (over llhttp, strict).
 *
 * The caller hands in what arrived and asks for events until HTTP1_MORE:
 *
 *      HEAD -> BODY* -> DONE -> HEAD ...        (pipelining: same bytes)
 *      HEAD -> http1_accept_upgrade() -> UPGRADE  (what follows is not HTTP)
 *      BAD                                      (for good: answer and close)
 *
 * A request that asks for an upgrade is a normal request until the caller
 * accepts it, so a server that does not know the protocol ignores it. A reply
 * with status 101 upgrades by itself: its caller asked for it. After a message
 * that ends the connection (keep_alive false) whatever follows is dropped.
 *
 * A head that lies whole in one read is not copied: its slices point into the
 * caller's bytes and hold until the next call of http1_next(). Otherwise the
 * parser keeps the part, bounded by head_bytes_max, and frees it after.
 * Where reads are cut never matters: the same bytes give the same events, but
 * for the pieces a body comes in.
 * Refused, beyond what llhttp refuses: both Content-Length and
 * Transfer-Encoding, repeated Content-Length or Host, a missing Host in 1.1,
 * white space before the colon, folded lines, bare LF, a transfer coding other
 * than exactly "chunked", control bytes in values, more than HTTP_FIELDS_MAX
 * fields, chunk extensions and trailers beyond their limit, CONNECT, more than
 * one empty line before a request.
 * Owner: the connection. Threads: loop.
 */
#ifndef FIELDLINE_PROTO_HTTP1_H
#define FIELDLINE_PROTO_HTTP1_H

#include "proto/http.h"

struct http1;

enum http1_role { HTTP1_SERVER, HTTP1_CLIENT };

enum http1_event {
    HTTP1_MORE,    /* all of in was taken; give more */
    HTTP1_HEAD,    /* http1_head() is whole */
    HTTP1_BODY,    /* *ret is a piece of the body */
    HTTP1_DONE,    /* the message ended; the next begins with the next byte */
    HTTP1_UPGRADE, /* after a HEAD that asked for it: in is what follows */
    HTTP1_BAD,     /* http1_mistake() says what; http1_bad_status() 400.. */
};

struct http1_limits {        /* 0 takes the default */
    size_t head_bytes_max;   /* default 16 KB: 431 */
    size_t target_bytes_max; /* default 8 KB: 414 */
    uint64_t body_bytes_max; /* default 1 MB, declared or summed: 413 */
};

int http1_new(struct http1 **ret, enum http1_role,
              const struct http1_limits * /* or NULL */) MUST_CHECK;
void http1_free(struct http1 **);

/* Advances *in past what was taken. */
enum http1_event http1_next(struct http1 *, struct bytes *in,
                            struct bytes *ret);
/* Between HEAD and the next call: what follows the head is another protocol.
 * ERR_INVALID if the head did not ask for it or has a body. */
int http1_accept_upgrade(struct http1 *) MUST_CHECK;
/* The peer closed. DONE: between messages, or the end of a reply that lasts
 * until then; UPGRADE: not HTTP's to say; else BAD. */
enum http1_event http1_eof(struct http1 *);
const struct http_head *http1_head(const struct http1 *);
/* Between messages, with nothing kept: memory may be at its smallest. */
bool http1_is_idle(const struct http1 *);
const char *http1_mistake(const struct http1 *); /* stable short reason */
unsigned http1_bad_status(const struct http1 *);
/* The next final reply is to HEAD and has no body: say so before its head
 * arrives (client). */
void http1_expect_no_body(struct http1 *);

#endif
