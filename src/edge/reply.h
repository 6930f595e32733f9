/* SPDX-License-Identifier: MIT */
/*
 * reply - a whole answer, ready to be sent any number of times.
 *
 * What is the same for everybody it is sent to is printed once (lines, etag);
 * what differs (date, position, trace, how the cache answered) is added when
 * it is sent. The gzip form is made at its first use and kept.
 * Owner: shared by its count; a response cache's value.
 * Threads: immutable but for gzip, which is set once, atomically, and place,
 * which is its shelf's.
 */
#ifndef FIELDLINE_EDGE_REPLY_H
#define FIELDLINE_EDGE_REPLY_H

#include "base/list.h"
#include "cache/cache.h"

struct blob;
struct gzip;
struct shelf;

/* Where a cached reply stands among those of its class. */
struct place {
    struct list link;
    struct shelf *shelf; /* NULL: on none */
    char *key;           /* of the cache */
    size_t key_len;
    uint64_t hash;
    atomic_bool used; /* since it was looked at last */
};

struct reply {
    struct cache_value value; /* first */
    unsigned status;
    bool compressible;
    bool shared;        /* will be sent again: compressing it well pays */
    struct bytes etag;  /* with quotes, or empty */
    struct bytes lines; /* header lines, each with its CRLF */
    struct blob *body;  /* or NULL */
    _Atomic(struct blob *) gzip;
    uint64_t stamp; /* what was known before it was made */
    struct place place;
};

/* Copies etag and lines; takes body, also on failure. */
int reply_new(struct reply **ret, unsigned status, struct bytes etag,
              struct bytes lines, bool compressible,
              struct blob *body) MUST_CHECK;
static inline struct reply *reply_ref(struct reply *r)
{
    cache_pin(&r->value);
    return r;
}
void reply_unref(struct reply **); /* NULL-safe, clears */
static inline struct reply *reply_of(struct cache_value *v)
{
    return CONTAINER_OF(v, struct reply, value);
}

/* The gzip form, borrowed; NULL when it cannot be had. */
struct blob *reply_gzip(struct reply *, struct gzip *);

#endif
