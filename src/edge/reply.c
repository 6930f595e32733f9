/* SPDX-License-Identifier: MIT */
/*
 * reply - one allocation for the object and its text, a blob for the body.
 * Threads: immutable but for gzip.
 */
#include "edge/reply.h"

#include "base/blob.h"
#include "base/error.h"
#include "base/mem.h"
#include "edge/encode.h"

#include <assert.h>

static void reply_free(struct reply *r)
{
    struct blob *gzip = atomic_load_explicit(&r->gzip, memory_order_acquire);

    assert(list_empty(&r->place.link)); /* a shelf's are the cache's */
    blob_unref(&gzip);
    blob_unref(&r->body);
    mem_free(r->place.key);
    mem_free(r);
}

/* What it holds, with room for a gzip form made later. */
static size_t weigh(size_t text_len, const struct blob *body, bool compressible)
{
    size_t len = body ? body->len : 0;
    size_t weight = sizeof(struct reply) + text_len + len;

    if (compressible && len >= ENCODE_BYTES_MIN)
        weight += len / 4;
    return weight;
}

int reply_new(struct reply **ret, unsigned status, struct bytes etag,
              struct bytes lines, bool compressible, struct blob *body)
{
    struct reply *r = mem_alloc(sizeof(*r) + etag.len + lines.len);

    if (!r) {
        blob_unref(&body);
        return ERR_NOMEM;
    }

    char *text = (char *)(r + 1);

    if (etag.len)
        memcpy(text, etag.at, etag.len);
    if (lines.len)
        memcpy(text + etag.len, lines.at, lines.len);
    *r = (struct reply){
        .weight = weigh(etag.len + lines.len, body, compressible),
        .status = status,
        .compressible = compressible,
        .etag = {text, etag.len},
        .lines = {text + etag.len, lines.len},
        .body = body,
    };
    atomic_init(&r->refs, 1);
    atomic_init(&r->gzip, NULL);
    list_init(&r->place.link);
    *ret = r;
    return 0;
}

void reply_unref(struct reply **reply)
{
    struct reply *r = *reply;

    *reply = NULL;
    if (r && atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) == 1)
        reply_free(r);
}

struct blob *reply_gzip(struct reply *r, struct gzip *g)
{
    struct blob *made = atomic_load_explicit(&r->gzip, memory_order_acquire);
    struct blob *none = NULL;

    if (made)
        return made;
    if (gzip_deflate(g, blob_bytes(r->body), r->shared ? GZIP_KEPT : GZIP_ONCE,
                     &made) < 0)
        return NULL;
    if (!atomic_compare_exchange_strong_explicit(&r->gzip, &none, made,
                                                 memory_order_acq_rel,
                                                 memory_order_acquire)) {
        blob_unref(&made); /* another worker was first */
        return none;
    }
    return made;
}
