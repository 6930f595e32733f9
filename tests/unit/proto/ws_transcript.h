/* SPDX-License-Identifier: MIT */
/*
 * ws_transcript - what a WebSocket reader said, as text.
 *
 * As in transcript.h each piece is fed from memory of exactly its size.
 * Threads: loop.
 */
#ifndef FIELDLINE_TESTS_WS_TRANSCRIPT_H
#define FIELDLINE_TESTS_WS_TRANSCRIPT_H

#include "base/buf.h"
#include "proto/ws.h"

#include <stdlib.h>

#define WS_TRANSCRIPT_MAX ((size_t)1 << 26)

struct ws_feed {
    enum ws_role role;
    uint32_t message_bytes_max;
    struct ws_deflate *deflate;
    size_t (*cut)(void *arg, size_t left); /* NULL: all at once */
    void *cut_arg;
};

/* false: the reader is done for good. */
static inline bool ws_transcript_event(struct ws_reader *r, enum ws_event event,
                                       struct bytes payload, struct buf *out)
{
    static const char *const names[] = {
        [WS_TEXT] = "TEXT ", [WS_BINARY] = "BINARY ", [WS_PING] = "PING ",
        [WS_PONG] = "PONG ", [WS_CLOSE] = "CLOSE ",
    };

    if (event == WS_BAD) {
        buf_printf(out, "BAD %u\n", ws_reader_close_code(r));
        return false;
    }
    buf_append(out, bytes_of(names[event]));
    if (event == WS_CLOSE)
        buf_printf(out, "%u ", ws_reader_close_code(r));
    buf_append(out, payload);
    buf_append(out, BYTES("\n"));
    return true;
}

static inline void ws_transcript(const struct ws_feed *feed, struct bytes in,
                                 struct buf *out)
{
    struct ws_reader r;
    bool open = true;

    buf_init(out, WS_TRANSCRIPT_MAX);
    ws_reader_init(&r, feed->role, feed->message_bytes_max, feed->deflate);
    while (open && in.len > 0) {
        size_t len = feed->cut ? feed->cut(feed->cut_arg, in.len) : in.len;
        char *piece = malloc(len), *at = piece;
        size_t left = len;

        if (!piece || len == 0 || len > in.len)
            abort();
        memcpy(piece, in.at, len);
        while (open) {
            struct bytes ret = {NULL, 0};
            enum ws_event event = ws_reader_next(&r, &at, &left, &ret);

            if (event == WS_MORE)
                break;
            open = ws_transcript_event(&r, event, ret, out);
        }
        if (at != piece + (len - left) || (open && left != 0))
            abort();
        free(piece);
        in = bytes_skip(in, len);
    }
    ws_reader_fini(&r);
    if (buf_error(out))
        abort();
}

#endif
