/* SPDX-License-Identifier: MIT */
/*
 * http1_chunk - the chunked coding, read strictly (RFC 9112 7.1).
 *
 * Data comes out in pieces that point into what was handed in. Extensions are
 * read over, trailers too: both are checked, bounded and dropped.
 * Threads: loop.
 */
#ifndef FIELDLINE_PROTO_HTTP1_CHUNK_H
#define FIELDLINE_PROTO_HTTP1_CHUNK_H

#include "base/bytes.h"
#include "proto/http1_mistake.h"

struct http1_chunk {
    uint64_t left;          /* of this chunk */
    uint64_t room;          /* of the body, before it is too long */
    uint32_t extension_len; /* over the whole body */
    uint32_t trailer_len;
    uint8_t state;
    uint8_t digits;
};

enum http1_chunk_event {
    HTTP1_CHUNK_MORE,
    HTTP1_CHUNK_DATA, /* *ret */
    HTTP1_CHUNK_END,
    HTTP1_CHUNK_BAD, /* *mistake */
};

void http1_chunk_init(struct http1_chunk *, uint64_t body_bytes_max);
enum http1_chunk_event http1_chunk_next(struct http1_chunk *, struct bytes *in,
                                        struct bytes *ret,
                                        enum http1_mistake *mistake);

#endif
