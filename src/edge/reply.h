/* SPDX-License-Identifier: MIT */
/*
 * reply - a whole answer, ready to be sent any number of times.
 *
 * What is the same for everybody it is sent to is printed once (lines, etag);
 * what differs (date, position, trace, how the cache answered) is added when
 * it is sent. The gzip form is made at its first use and kept.
 * Owner: shared by its count; the larder has one reference of what it keeps.
 * Threads: immutable once kept, but for gzip, which is set once, atomically,
 * and place, which is its shelf's.
 */
#ifndef FIELDLINE_EDGE_REPLY_H
#define FIELDLINE_EDGE_REPLY_H

#include "base/bytes.h"
#include "base/list.h"

#include <stdatomic.h>

struct blob;
struct gzip;
struct shelf;

/* Where a kept reply stands among those of its class. */
struct place {
    struct list link;    /* alone: on no shelf */
    struct shelf *shelf; /* NULL: its class has no bound */
    char *key;           /* of the cache */
    size_t key_len;
    bool settled;     /* in the cache: it may be asked to leave it */
    atomic_bool used; /* since it was looked at last */
};

struct reply {
    atomic_uint refs;
    unsigned status;
    bool compressible;
    bool shared;        /* will be sent again: compressing it well pays */
    struct bytes etag;  /* with quotes, or empty */
    struct bytes lines; /* header lines, each with its CRLF */
    struct blob *body;  /* or NULL */
    _Atomic(struct blob *) gzip;
    size_t weight;  /* bytes, itself included */
    uint64_t stamp; /* what was known before it was made */
    uint64_t fresh_until_ms;
    struct place place;
};

/* Copies etag and lines; takes body, also on failure. */
int reply_new(struct reply **ret, unsigned status, struct bytes etag,
              struct bytes lines, bool compressible,
              struct blob *body) MUST_CHECK;
static inline struct reply *reply_ref(struct reply *r)
{
    atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
    return r;
}
void reply_unref(struct reply **); /* NULL-safe, clears */

/* The gzip form, borrowed; NULL when it cannot be had. */
struct blob *reply_gzip(struct reply *, struct gzip *);

#endif
