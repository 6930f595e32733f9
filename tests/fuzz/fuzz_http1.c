/* SPDX-License-Identifier: MIT */
/*
 * fuzz_http1 - however the bytes are cut, the parser says the same.
 *
 * Options: bit 0 parses replies, bit 1 sets limits so low that they are met.
 * Threads: loop.
 */
#include "fuzz.h"
#include "../unit/proto/transcript.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct http1_limits small = {
        .head_bytes_max = 120, .target_bytes_max = 30, .body_bytes_max = 20};
    struct bytes in = {(const char *)data, size};
    uint64_t cuts = hash_stable(in);
    unsigned options = fuzz_options(&in);
    enum http1_role role = options & 1 ? HTTP1_CLIENT : HTTP1_SERVER;
    const struct http1_limits *limits = options & 2 ? &small : NULL;
    struct buf whole, cut, bytewise;

    transcript(role, limits, in, NULL, NULL, &whole);
    transcript(role, limits, in, fuzz_cut, &cuts, &cut);
    transcript(role, limits, in, fuzz_cut_bytewise, NULL, &bytewise);
    FUZZ_CHECK(bytes_equal(buf_bytes(&whole), buf_bytes(&cut)));
    FUZZ_CHECK(bytes_equal(buf_bytes(&whole), buf_bytes(&bytewise)));
    buf_fini(&whole);
    buf_fini(&cut);
    buf_fini(&bytewise);
    return 0;
}
