/* SPDX-License-Identifier: MIT */
/*
 * exchange - a request and its reply, whichever protocol carried them.
 *
 * The pipeline fills in the request, identity and route, then calls the
 * route's handler with the whole body in memory. The handler answers by ONE
 * call of exchange_reply*() or exchange_problem(), at once or later on the
 * same worker; until then the exchange is alive even if the peer has gone.
 * After that call the handler no longer touches it.
 * Owner: the protocol session. Threads: loop.
 */
#ifndef FIELDLINE_EDGE_EXCHANGE_H
#define FIELDLINE_EDGE_EXCHANGE_H

#include "base/arena.h"
#include "cache/tagclock.h"
#include "proto/http.h"

struct blob;
struct buf;
struct edge_worker;
struct exchange;
struct identity;
struct route;
struct stream;

#define EXCHANGE_PARAMS_MAX 4
#define EXCHANGE_MAGIC      0x7e5a11c3u

struct exchange {
    unsigned magic;
    struct edge_worker *edge;
    struct arena arena;
    const struct http_head *head;
    struct bytes path;  /* decoded where that is safe, for the router */
    struct bytes query; /* raw, after '?' */
    struct bytes body;
    struct identity *identity; /* NULL on public routes without a token */
    const struct route *route;
    struct bytes params[EXCHANGE_PARAMS_MAX]; /* of the path template */
    uint64_t stamp; /* tagclock_stamp() from before the handler was called */
    uint64_t started_ns;
    void *handler_state; /* the handler's */

    /* What a handler may set before it replies: */
    struct tagset tags; /* with cacheable */
    bool cacheable;     /* store under the route's class */
    int cache_class;    /* set to the route's; -1: not stored */
    uint64_t position;  /* a write's offset; 0: the horizon is sent */
    struct bytes etag;  /* with quotes; empty: computed, weak */
    uint64_t db_ns;     /* for Server-Timing */
};

/* The values of a query parameter, in order, percent-decoded into the arena.
 * *cursor starts at 0. False at the end; a malformed escape ends it with
 * *error set to ERR_INVALID. */
bool exchange_query_next(struct exchange *, size_t *cursor, struct bytes *name,
                         struct bytes *value, int *error);

/* A header of the reply; both are copied. CR, LF and NUL are refused by
 * dropping the header and logging. */
void exchange_header(struct exchange *, const char *name, struct bytes value);

void exchange_reply(struct exchange *, unsigned status,
                    const char *content_type /* static */,
                    struct blob *body /* taken; NULL for none */);
/* What has been written, or the problem that fits its error. The buf stays the
 * caller's, empty. */
void exchange_reply_buf(struct exchange *, unsigned status,
                        const char *content_type, struct buf *body);
/* RFC 9457. type is a stable slug ("stale-version"); the detail is for people
 * and says what was expected. */
void exchange_problem(struct exchange *, unsigned status, const char *type,
                      const char *detail_fmt, ...) PRINTF_LIKE(4, 5);
/* The problem that fits an error code (404 for ERR_NOT_FOUND and so on). */
void exchange_error(struct exchange *, int error);

/* Do If-Match and If-None-Match hold for a thing at this version (empty: it
 * does not exist)? An item's ETag is "version.representation"; only the
 * version counts. 0 or ERR_PRECONDITION. */
int exchange_precondition(const struct exchange *,
                          struct bytes version) MUST_CHECK;

/* The request's trace id, 32 hexadecimal digits. */
struct bytes exchange_trace(const struct exchange *);

/* Sends the head of a 101 (with what exchange_header() added) and hands over
 * the stream: what the peer sent already comes as rest. rest and the identity
 * are borrowed for the call, in which the new owner calls stream_own(); the
 * stream is reading, and whoever has it says edge_worker_upgraded_end() once
 * it has closed. fn is called on this worker, soon after, or never when
 * the peer has gone. The exchange ends. */
typedef void exchange_upgraded_fn(struct stream *, struct identity *,
                                  char *rest, size_t rest_len, void *arg);
void exchange_upgrade(struct exchange *, const char *protocol,
                      exchange_upgraded_fn *, void *arg);

#endif
