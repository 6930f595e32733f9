/* SPDX-License-Identifier: MIT */
/*
 * encode - zlib with its two streams made at first use.
 * Threads: loop.
 */
#include "edge/encode.h"

#include "base/blob.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"

#include <limits.h>
#include <zlib.h>

#define GZIP_WINDOW   (15 + 16) /* 16: with the gzip wrapper */
#define GZIP_MEMORY   8
#define LEVEL_ONCE    3
#define LEVEL_KEPT    6
#define INFLATE_PIECE ((size_t)16 * 1024)

struct gzip {
    z_stream out, in;
    bool out_ready, in_ready;
};

int gzip_new(struct gzip **ret)
{
    struct gzip *g = mem_zalloc(1, sizeof(*g));

    if (!g)
        return ERR_NOMEM;
    *ret = g;
    return 0;
}

void gzip_free(struct gzip **gzip)
{
    struct gzip *g = *gzip;

    *gzip = NULL;
    if (!g)
        return;
    if (g->out_ready)
        (void)deflateEnd(&g->out);
    if (g->in_ready)
        (void)inflateEnd(&g->in);
    mem_free(g);
}

static int out_prepare(struct gzip *g, enum gzip_effort effort)
{
    int level = effort == GZIP_KEPT ? LEVEL_KEPT : LEVEL_ONCE;

    if (!g->out_ready) {
        if (deflateInit2(&g->out, level, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY,
                         Z_DEFAULT_STRATEGY) != Z_OK)
            return ERR_NOMEM;
        g->out_ready = true;
        return 0;
    }
    (void)deflateReset(&g->out);
    (void)deflateParams(&g->out, level, Z_DEFAULT_STRATEGY);
    return 0;
}

int gzip_deflate(struct gzip *g, struct bytes text, enum gzip_effort effort,
                 struct blob **ret)
{
    struct buf b;

    if (text.len > INT_MAX)
        return ERR_LIMIT;

    int error = out_prepare(g, effort);

    if (error < 0)
        return error;

    size_t bound = deflateBound(&g->out, text.len);

    buf_init(&b, bound);
    g->out.next_in = (Bytef *)(uintptr_t)text.at;
    g->out.avail_in = (uInt)text.len;
    g->out.next_out = (Bytef *)buf_reserve(&b, bound);
    g->out.avail_out = (uInt)bound;
    error = ERR_NOMEM;
    if (g->out.next_out) {
        error = deflate(&g->out, Z_FINISH) == Z_STREAM_END ? 0 : ERR_INTERNAL;
        b.len = bound - g->out.avail_out;
    }
    if (error == 0)
        error = buf_take(&b, ret);
    buf_fini(&b);
    return error;
}

static int in_prepare(struct gzip *g)
{
    if (g->in_ready)
        return inflateReset(&g->in) == Z_OK ? 0 : ERR_INTERNAL;
    if (inflateInit2(&g->in, GZIP_WINDOW) != Z_OK)
        return ERR_NOMEM;
    g->in_ready = true;
    return 0;
}

int gzip_inflate(struct gzip *g, struct bytes in, struct buf *out)
{
    int error = in.len > INT_MAX ? ERR_LIMIT : in_prepare(g);

    if (error < 0)
        return error;
    g->in.next_in = (Bytef *)(uintptr_t)in.at;
    g->in.avail_in = (uInt)in.len;
    for (;;) {
        unsigned char piece[INFLATE_PIECE];

        g->in.next_out = piece;
        g->in.avail_out = sizeof(piece);

        int z = inflate(&g->in, Z_NO_FLUSH);

        if (z != Z_OK && z != Z_STREAM_END)
            return ERR_INVALID;
        buf_append(out, (struct bytes){(const char *)piece,
                                       sizeof(piece) - g->in.avail_out});
        if (buf_error(out) < 0)
            return buf_error(out);
        if (z == Z_STREAM_END)
            return g->in.avail_in ? ERR_INVALID : 0;
        if (g->in.avail_in == 0 && g->in.avail_out)
            return ERR_INVALID; /* it ends in the middle */
    }
}

/* Is "…;q=0", "q=0.0" and so on: not wanted? */
static bool has_zero_weight(struct bytes params)
{
    struct bytes param;

    for (bool more = params.len > 0; more;) {
        more = bytes_cut(params, ';', &param, &params);
        param = bytes_trim(param);
        if (!bytes_starts(param, BYTES("q=")) &&
            !bytes_starts(param, BYTES("Q=")))
            continue;
        param = bytes_skip(param, 2);
        for (size_t i = 0; i < param.len; i++)
            if (param.at[i] != '0' && param.at[i] != '.')
                return false;
        return true;
    }
    return false;
}

bool encode_accepts_gzip(struct bytes list)
{
    struct bytes item, name, params;
    bool any = false;

    for (bool more = list.len > 0; more;) {
        more = bytes_cut(list, ',', &item, &list);
        (void)bytes_cut(item, ';', &name, &params);
        name = bytes_trim(name);
        if (bytes_equal_nocase(name, BYTES("gzip")) ||
            bytes_equal_nocase(name, BYTES("x-gzip")))
            return !has_zero_weight(params);
        if (bytes_equal(name, BYTES("*")))
            any = !has_zero_weight(params);
    }
    return any;
}

bool encode_is_text(struct bytes type)
{
    static const struct bytes whole[] = {
        BYTES("application/json"),       BYTES("application/problem+json"),
        BYTES("application/javascript"), BYTES("application/geo+json"),
        BYTES("application/xml"),        BYTES("application/manifest+json"),
        BYTES("application/wasm"),       BYTES("image/svg+xml"),
    };
    struct bytes name, params;

    if (bytes_starts(type, BYTES("text/")))
        return !bytes_starts(type, BYTES("text/event-stream"));
    (void)bytes_cut(type, ';', &name, &params);
    for (size_t i = 0; i < ARRAY_LEN(whole); i++)
        if (bytes_equal(name, whole[i]))
            return true;
    return false;
}
