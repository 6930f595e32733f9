/* SPDX-License-Identifier: MIT */
/*
 * ws_deflate - permessage-deflate (RFC 7692) over zlib, raw, 15 window bits.
 *
 * Fast rather than small: messages are short and each is compressed once for
 * all its readers. A small memory level keeps the hash that every message
 * starts by clearing at 8 KB.
 * Threads: loop.
 */
#include "proto/ws_deflate.h"

#include "base/error.h"
#include "base/mem.h"

#define ZLIB_CONST
#include <zlib.h>

#define WINDOW_BITS     (-15)
#define COMPRESS_LEVEL  1
#define COMPRESS_MEMORY 5
#define AT_BLOCK_END    128 /* in z_stream.data_type, after inflate() */
#define OUT_FIRST       ((size_t)4096)
#define OUT_KEPT_MAX    ((size_t)64 * 1024) /* more is given back */

struct ws_deflate {
    z_stream shrink;
    z_stream inflate;
    struct buf shrunk;
    struct buf inflated;
};

/* What a sender cuts off and a receiver puts back: an empty stored block. */
static const unsigned char tail[] = {0x00, 0x00, 0xff, 0xff};

int ws_deflate_new(struct ws_deflate **ret)
{
    struct ws_deflate *d = mem_zalloc(1, sizeof(*d));

    if (!d)
        return ERR_NOMEM;
    buf_init(&d->shrunk, SIZE_MAX / 2);
    buf_init(&d->inflated, SIZE_MAX / 2);
    if (deflateInit2(&d->shrink, COMPRESS_LEVEL, Z_DEFLATED, WINDOW_BITS,
                     COMPRESS_MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
        goto fail;
    if (inflateInit2(&d->inflate, WINDOW_BITS) != Z_OK)
        goto fail;
    *ret = d;
    return 0;
fail:
    ws_deflate_free(&d);
    return ERR_NOMEM;
}

void ws_deflate_free(struct ws_deflate **deflate)
{
    struct ws_deflate *d = *deflate;

    if (!d)
        return;
    deflateEnd(&d->shrink); /* both accept what was never begun */
    inflateEnd(&d->inflate);
    buf_fini(&d->shrunk);
    buf_fini(&d->inflated);
    mem_free(d);
    *deflate = NULL;
}

/* The memory of the last message, emptied; a large one is not kept. */
static void recycle(struct buf *b)
{
    buf_clear(b);
    if (b->cap > OUT_KEPT_MAX)
        buf_fini(b);
}

bool ws_deflate_shrink(struct ws_deflate *d, struct bytes payload,
                       struct bytes *ret)
{
    z_stream *z = &d->shrink;
    /* Room for a result that is smaller, its tail, and one byte by which
     * zlib shows that it had enough. */
    size_t room = payload.len + sizeof(tail);

    recycle(&d->shrunk);
    if (payload.len == 0 || payload.len > UINT32_MAX / 2 ||
        !buf_reserve(&d->shrunk, room) || deflateReset(z) != Z_OK)
        return false;
    z->next_in = (const unsigned char *)payload.at;
    z->avail_in = (uInt)payload.len;
    z->next_out = (unsigned char *)d->shrunk.at;
    z->avail_out = (uInt)room;
    if (deflate(z, Z_SYNC_FLUSH) != Z_OK || z->avail_in || !z->avail_out)
        return false;
    *ret = (struct bytes){d->shrunk.at, room - z->avail_out - sizeof(tail)};
    return true;
}

/* After a final block only the empty block of the tail may be left. */
static bool ended_well(const z_stream *z, bool in_tail)
{
    if (in_tail)
        return true;
    return z->avail_in == 0 || (z->avail_in == 1 && z->next_in[0] == 0);
}

/*
 * Inflates one piece of input. The room offered is never more than what the
 * limit leaves and one byte, so a bomb is noticed at its first byte too many.
 */
static int inflate_piece(struct ws_deflate *d, struct bytes in,
                         size_t bytes_max, bool in_tail, bool *ended)
{
    z_stream *z = &d->inflate;
    struct buf *out = &d->inflated;

    z->next_in = (const unsigned char *)in.at;
    z->avail_in = (uInt)in.len;
    do {
        size_t room = out->cap - out->len;

        if (room == 0)
            room = out->cap ? out->cap : OUT_FIRST;
        if (room > bytes_max + 1 - out->len)
            room = bytes_max + 1 - out->len;
        if (!buf_reserve(out, room))
            return ERR_NOMEM;
        z->next_out = (unsigned char *)out->at + out->len;
        z->avail_out = (uInt)room;

        int result = inflate(z, Z_SYNC_FLUSH);

        out->len += room - z->avail_out;
        if (out->len > bytes_max)
            return ERR_LIMIT;
        if (result == Z_STREAM_END) {
            *ended = true;
            return ended_well(z, in_tail) ? 0 : ERR_INVALID;
        }
        if (result == Z_MEM_ERROR)
            return ERR_NOMEM;
        if (result != Z_OK && result != Z_BUF_ERROR)
            return ERR_INVALID;
    } while (z->avail_in > 0 || z->avail_out == 0);
    return 0;
}

int ws_deflate_inflate(struct ws_deflate *d, struct bytes payload,
                       size_t bytes_max, struct bytes *ret)
{
    struct bytes end = {(const char *)tail, sizeof(tail)};
    bool ended = false;

    recycle(&d->inflated);
    if (payload.len > UINT32_MAX / 2 || bytes_max > UINT32_MAX / 2 ||
        inflateReset(&d->inflate) != Z_OK)
        return ERR_INVALID;

    int error = inflate_piece(d, payload, bytes_max, false, &ended);

    if (!error && !ended)
        error = inflate_piece(d, end, bytes_max, true, &ended);
    if (!error && !ended && !(d->inflate.data_type & AT_BLOCK_END))
        error = ERR_INVALID; /* the tail was swallowed by a cut block */
    if (!error)
        *ret = buf_bytes(&d->inflated);
    return error;
}
