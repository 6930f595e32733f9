/* SPDX-License-Identifier: MIT */
/*
 * fuzz_ws_reader - however frames are cut, the reader says the same; no message
 * passes its limit, and every text is UTF-8.
 *
 * Options: bit 0 reads as a client, bit 1 has compression, bit 2 a low limit.
 * Threads: loop.
 */
#include "fuzz.h"
#include "../unit/proto/ws_transcript.h"

#define LIMIT       (1u << 16)
#define LIMIT_SMALL 40u

/* Reads all at once, looking at what each event promises. */
static void check_promises(const struct ws_feed *feed, struct bytes in)
{
    char *copy = malloc(in.len + 1), *at = copy;
    size_t left = in.len;
    struct ws_reader r;
    struct bytes ret = {NULL, 0};
    enum ws_event event;

    FUZZ_CHECK(copy);
    if (in.len)
        memcpy(copy, in.at, in.len);
    ws_reader_init(&r, feed->role, feed->message_bytes_max, feed->deflate);
    while ((event = ws_reader_next(&r, &at, &left, &ret)) != WS_MORE &&
           event != WS_BAD) {
        bool message = event == WS_TEXT || event == WS_BINARY;

        FUZZ_CHECK(ret.len <= (message ? feed->message_bytes_max : 125));
        if (event == WS_TEXT || event == WS_CLOSE)
            FUZZ_CHECK(bytes_is_utf8(ret));
    }
    FUZZ_CHECK(event == WS_BAD || left == 0);
    ws_reader_fini(&r);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = {(const char *)data, size};
    uint64_t cuts = hash_stable(in);
    unsigned options = fuzz_options(&in);
    struct ws_feed feed = {
        .role = options & 1 ? WS_CLIENT : WS_SERVER,
        .message_bytes_max = options & 4 ? LIMIT_SMALL : LIMIT,
    };
    struct buf whole, cut, bytewise;

    if (options & 2)
        FUZZ_CHECK(ws_deflate_new(&feed.deflate) == 0);
    check_promises(&feed, in);
    ws_transcript(&feed, in, &whole);
    feed.cut = fuzz_cut;
    feed.cut_arg = &cuts;
    ws_transcript(&feed, in, &cut);
    feed.cut = fuzz_cut_bytewise;
    ws_transcript(&feed, in, &bytewise);
    FUZZ_CHECK(bytes_equal(buf_bytes(&whole), buf_bytes(&cut)));
    FUZZ_CHECK(bytes_equal(buf_bytes(&whole), buf_bytes(&bytewise)));
    ws_deflate_free(&feed.deflate);
    buf_fini(&whole);
    buf_fini(&cut);
    buf_fini(&bytewise);
    return 0;
}
