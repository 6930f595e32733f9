/* SPDX-License-Identifier: MIT */
/*
 * http1_chunk - one byte of framing at a time, data in runs.
 *
 *   SIZE -> [EXTENSION] -> SIZE_LF -> DATA -> DATA_CR -> DATA_LF -> SIZE
 *              size 0: SIZE_LF -> TRAILER_START -> END_LF -> end
 *   TRAILER_START -> TRAILER_NAME -> TRAILER_VALUE -> TRAILER_LF -> _START
 *
 * Threads: loop.
 */
#include "proto/http1_chunk.h"

#define SIZE_DIGITS_MAX     15
#define EXTENSION_BYTES_MAX 1024
#define TRAILER_BYTES_MAX   4096

enum chunk_state {
    CHUNK_SIZE,
    CHUNK_EXTENSION,
    CHUNK_SIZE_LF,
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    CHUNK_TRAILER_START,
    CHUNK_TRAILER_NAME,
    CHUNK_TRAILER_VALUE,
    CHUNK_TRAILER_LF,
    CHUNK_END_LF,
    CHUNK_ENDED,
};

void http1_chunk_init(struct http1_chunk *c, uint64_t body_bytes_max)
{
    *c = (struct http1_chunk){.room = body_bytes_max};
}

static bool is_text(unsigned char c)
{
    return c == '\t' || (c >= ' ' && c != 0x7f);
}

static bool is_token(unsigned char c)
{
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
        return true;
    return (c >= '0' && c <= '9') || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static int hex_value(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum http1_mistake in_size(struct http1_chunk *c, unsigned char byte)
{
    int value = hex_value(byte);

    if (value >= 0) {
        if (c->digits++ == SIZE_DIGITS_MAX)
            return HTTP1_MISTAKE_CHUNK_SIZE;
        c->left = c->left << 4 | (unsigned)value;
        return HTTP1_MISTAKE_NONE;
    }
    if (c->digits == 0 || (byte != ';' && byte != '\r'))
        return HTTP1_MISTAKE_CHUNK_SIZE;
    c->state = byte == ';' ? CHUNK_EXTENSION : CHUNK_SIZE_LF;
    return HTTP1_MISTAKE_NONE;
}

static enum http1_mistake in_extension(struct http1_chunk *c,
                                       unsigned char byte)
{
    if (byte == '\r')
        c->state = CHUNK_SIZE_LF;
    else if (!is_text(byte) || ++c->extension_len > EXTENSION_BYTES_MAX)
        return HTTP1_MISTAKE_CHUNK_EXTENSION;
    return HTTP1_MISTAKE_NONE;
}

static enum http1_mistake after_size(struct http1_chunk *c, unsigned char byte)
{
    if (byte != '\n')
        return HTTP1_MISTAKE_CHUNK_SIZE;
    if (c->left > c->room)
        return HTTP1_MISTAKE_BODY_LONG;
    c->room -= c->left;
    c->digits = 0;
    c->state = c->left ? CHUNK_DATA : CHUNK_TRAILER_START;
    return HTTP1_MISTAKE_NONE;
}

static enum http1_mistake expect(struct http1_chunk *c, unsigned char byte,
                                 char wanted, enum chunk_state next,
                                 enum http1_mistake mistake)
{
    c->state = (uint8_t)next;
    return byte == (unsigned char)wanted ? HTTP1_MISTAKE_NONE : mistake;
}

static enum http1_mistake in_trailer(struct http1_chunk *c, unsigned char byte)
{
    switch (c->state) {
    case CHUNK_TRAILER_START:
        if (byte == '\r')
            c->state = CHUNK_END_LF;
        else if (is_token(byte))
            c->state = CHUNK_TRAILER_NAME;
        else
            return HTTP1_MISTAKE_TRAILER;
        return HTTP1_MISTAKE_NONE;
    case CHUNK_TRAILER_NAME:
        if (byte == ':')
            c->state = CHUNK_TRAILER_VALUE;
        else if (!is_token(byte))
            return HTTP1_MISTAKE_TRAILER;
        return HTTP1_MISTAKE_NONE;
    default:
        if (byte == '\r')
            c->state = CHUNK_TRAILER_LF;
        else if (!is_text(byte))
            return HTTP1_MISTAKE_TRAILER;
        return HTTP1_MISTAKE_NONE;
    }
}

static enum http1_mistake step(struct http1_chunk *c, unsigned char byte)
{
    if (c->state >= CHUNK_TRAILER_START && ++c->trailer_len > TRAILER_BYTES_MAX)
        return HTTP1_MISTAKE_TRAILER_LONG;
    switch (c->state) {
    case CHUNK_SIZE:
        return in_size(c, byte);
    case CHUNK_EXTENSION:
        return in_extension(c, byte);
    case CHUNK_SIZE_LF:
        return after_size(c, byte);
    case CHUNK_DATA_CR:
        return expect(c, byte, '\r', CHUNK_DATA_LF, HTTP1_MISTAKE_CHUNK_END);
    case CHUNK_DATA_LF:
        return expect(c, byte, '\n', CHUNK_SIZE, HTTP1_MISTAKE_CHUNK_END);
    case CHUNK_TRAILER_LF:
        return expect(c, byte, '\n', CHUNK_TRAILER_START,
                      HTTP1_MISTAKE_TRAILER);
    case CHUNK_END_LF:
        return expect(c, byte, '\n', CHUNK_ENDED, HTTP1_MISTAKE_TRAILER);
    default:
        return in_trailer(c, byte);
    }
}

enum http1_chunk_event http1_chunk_next(struct http1_chunk *c, struct bytes *in,
                                        struct bytes *ret,
                                        enum http1_mistake *mistake)
{
    while (in->len > 0) {
        if (c->state == CHUNK_DATA) {
            size_t len = c->left < in->len ? (size_t)c->left : in->len;

            *ret = (struct bytes){in->at, len};
            *in = bytes_skip(*in, len);
            c->left -= len;
            if (c->left == 0)
                c->state = CHUNK_DATA_CR;
            return HTTP1_CHUNK_DATA;
        }

        enum http1_mistake wrong = step(c, (unsigned char)in->at[0]);

        *in = bytes_skip(*in, 1);
        if (wrong) {
            *mistake = wrong;
            return HTTP1_CHUNK_BAD;
        }
        if (c->state == CHUNK_ENDED)
            return HTTP1_CHUNK_END;
    }
    return HTTP1_CHUNK_MORE;
}
