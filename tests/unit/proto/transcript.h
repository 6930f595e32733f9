/* SPDX-License-Identifier: MIT */
/*
 * transcript - what a parser said, as text, so that two ways of feeding it can
 * be compared.
 *
 * Each piece is fed from memory of exactly its size: under AddressSanitizer a
 * look beyond it shows. Pieces of body are joined.
 * Threads: loop.
 */
#ifndef FIELDLINE_TESTS_TRANSCRIPT_H
#define FIELDLINE_TESTS_TRANSCRIPT_H

#include "base/buf.h"
#include "proto/http1.h"

#include <stdlib.h>

#define TRANSCRIPT_MAX ((size_t)1 << 24)

static inline void transcript_head(struct buf *out, const struct http_head *h,
                                   enum http1_role role)
{
    if (role == HTTP1_SERVER)
        buf_printf(out, "HEAD " BYTES_FMT " " BYTES_FMT,
                   BYTES_ARG(h->method_name), BYTES_ARG(h->target));
    else
        buf_printf(out, "HEAD %u", h->status);
    buf_printf(out, " %u.%u%s%s%s%s", h->version_major, h->version_minor,
               h->keep_alive ? " keep" : " close", h->upgrade ? " upgrade" : "",
               h->expect_continue ? " expect" : "",
               h->chunked ? " chunked" : "");
    if (h->has_length)
        buf_printf(out, " length=%llu", (unsigned long long)h->content_length);
    for (unsigned i = 0; i < h->field_count; i++) {
        buf_append(out, BYTES(" ["));
        buf_append(out, h->fields[i].name);
        buf_append(out, BYTES("="));
        buf_append(out, h->fields[i].value);
        buf_append(out, BYTES("]"));
    }
    buf_append(out, BYTES("\n"));
}

/* Takes events until the parser wants more; false once it is done for good. */
static inline bool transcript_piece(struct http1 *h, enum http1_role role,
                                    struct bytes in, struct buf *out,
                                    bool *in_body)
{
    for (;;) {
        struct bytes ret;
        enum http1_event event = http1_next(h, &in, &ret);

        if (*in_body && event != HTTP1_BODY && event != HTTP1_MORE) {
            buf_append(out, BYTES("\n"));
            *in_body = false;
        }
        switch (event) {
        case HTTP1_MORE:
            return true;
        case HTTP1_HEAD:
            transcript_head(out, http1_head(h), role);
            break;
        case HTTP1_BODY:
            if (!*in_body)
                buf_append(out, BYTES("BODY "));
            *in_body = true;
            buf_append(out, ret);
            break;
        case HTTP1_DONE:
            buf_append(out, BYTES("DONE\n"));
            break;
        case HTTP1_UPGRADE:
            buf_append(out, BYTES("UPGRADE\n"));
            return false;
        case HTTP1_BAD:
            buf_printf(out, "BAD %u %s\n", http1_bad_status(h),
                       http1_mistake(h));
            return false;
        }
    }
}

/* cut says how long the next piece is, given how much is left. */
typedef size_t transcript_cut_fn(void *arg, size_t left);

static inline void transcript(enum http1_role role,
                              const struct http1_limits *limits,
                              struct bytes in, transcript_cut_fn *cut,
                              void *arg, struct buf *out)
{
    struct http1 *h = NULL;
    bool in_body = false, more = true;

    buf_init(out, TRANSCRIPT_MAX);
    if (http1_new(&h, role, limits))
        abort();
    while (more && in.len > 0) {
        size_t len = cut ? cut(arg, in.len) : in.len;
        char *piece = malloc(len);

        if (!piece || len == 0 || len > in.len)
            abort();
        memcpy(piece, in.at, len);
        more = transcript_piece(h, role, (struct bytes){piece, len}, out,
                                &in_body);
        free(piece);
        in = bytes_skip(in, len);
    }
    if (more) {
        enum http1_event end = http1_eof(h);

        if (in_body)
            buf_append(out, BYTES("\n"));
        if (end == HTTP1_DONE)
            buf_append(out, BYTES("EOF\n"));
        else
            buf_printf(out, "CUT %s\n", http1_mistake(h));
    }
    http1_free(&h);
    if (buf_error(out))
        abort();
}

#endif
