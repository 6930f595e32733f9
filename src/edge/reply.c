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
#include "edge/shelf.h"

static void on_unused(struct cache_value *v)
{
    struct reply *r = reply_of(v);
    struct blob *gzip = atomic_load_explicit(&r->gzip, memory_order_acquire);

    shelf_leave(r);
    blob_unref(&gzip);
    blob_unref(&r->body);
    mem_free(r);
}

/* What it holds, with room for a gzip form made later. */
static uint32_t weigh(size_t text_len, const struct blob *body,
                      bool compressible)
{
    size_t len = body ? body->len : 0;
    size_t weight = sizeof(struct reply) + text_len + len;

    if (compressible && len >= ENCODE_BYTES_MIN)
        weight += len / 4;
    return weight < UINT32_MAX ? (uint32_t)weight : UINT32_MAX;
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
        .value = {.weight = weigh(etag.len + lines.len, body, compressible),
                  .free_fn = on_unused},
        .status = status,
        .compressible = compressible,
        .etag = {text, etag.len},
        .lines = {text + etag.len, lines.len},
        .body = body,
    };
    atomic_init(&r->value.refs, 1);
    atomic_init(&r->gzip, NULL);
    *ret = r;
    return 0;
}

void reply_unref(struct reply **reply)
{
    struct cache_value *v = *reply ? &(*reply)->value : NULL;

    *reply = NULL;
    cache_unpin(&v);
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
