/* SPDX-License-Identifier: MIT */
/*
 * ws_read - frames in, whole messages out.
 *
 *   HEAD --frame head whole and allowed--> PAYLOAD --last byte--> HEAD
 *   a close frame --> CLOSED            any mistake --> BAD
 *
 * message holds the data of the frames before (message_len bytes) and, behind
 * it, the part of a frame whose payload spans reads; a control frame between
 * two fragments is put together there too and cut off again.
 * Threads: loop.
 */
#include "proto/ws.h"

#include "base/error.h"
#include "proto/utf8.h"
#include "proto/ws_deflate.h"

#define CONTROL_MAX 125 /* payload of a control frame */
#define LEN_16      126
#define LEN_64      127
#define BIT_FINAL   0x80
#define BIT_RSV1    0x40
#define BITS_RSV23  0x30
#define BIT_MASKED  0x80
#define BIT_CONTROL 0x08
#define BITS_OPCODE 0x0f

enum ws_state { STATE_HEAD, STATE_PAYLOAD, STATE_CLOSED, STATE_BAD };

/* Data that does not compress grows a little: the inflated size is what
 * counts, so its compressed form may be this much. */
static uint64_t compressed_max(uint32_t message_bytes_max)
{
    return (uint64_t)message_bytes_max + message_bytes_max / 64 + 256;
}

void ws_reader_init(struct ws_reader *r, enum ws_role role,
                    uint32_t message_bytes_max, struct ws_deflate *deflate)
{
    *r = (struct ws_reader){
        .role = (uint8_t)role,
        .message_bytes_max = message_bytes_max,
        .deflate = deflate,
        .close_code = WS_CLOSE_NO_CODE,
    };
    buf_init(&r->message, compressed_max(message_bytes_max) + CONTROL_MAX);
}

void ws_reader_fini(struct ws_reader *r)
{
    buf_fini(&r->message);
}

unsigned ws_reader_close_code(const struct ws_reader *r)
{
    return r->close_code;
}

static enum ws_event bad(struct ws_reader *r, enum ws_close code)
{
    r->close_code = (uint16_t)code;
    r->state = STATE_BAD;
    buf_fini(&r->message);
    return WS_BAD;
}

static size_t head_size(uint8_t second)
{
    size_t size = second & BIT_MASKED ? 6 : 2;

    switch (second & ~BIT_MASKED) {
    case LEN_16:
        return size + 2;
    case LEN_64:
        return size + 8;
    default:
        return size;
    }
}

/* Collects the frame's head; true once it is whole. */
static bool take_head(struct ws_reader *r, char **in, size_t *len)
{
    for (;;) {
        size_t size = r->head_len < 2 ? 2 : head_size(r->head[1]);
        size_t n = size - r->head_len;

        if (n > *len)
            n = *len;
        memcpy(r->head + r->head_len, *in, n);
        r->head_len = (uint8_t)(r->head_len + n);
        *in += n;
        *len -= n;
        if (r->head_len < size)
            return false;
        if (size == head_size(r->head[1]))
            return true;
    }
}

/* false: not in the shortest form, or beyond 63 bits. */
static bool read_length(const uint8_t *head, uint64_t *ret)
{
    unsigned short_len = head[1] & ~BIT_MASKED & 0xff;
    unsigned bytes = short_len == LEN_16 ? 2 : short_len == LEN_64 ? 8 : 0;
    uint64_t length = 0;

    if (!bytes) {
        *ret = short_len;
        return true;
    }
    for (unsigned i = 0; i < bytes; i++)
        length = length << 8 | head[2 + i];
    *ret = length;
    return bytes == 2 ? length >= LEN_16
                      : length > UINT16_MAX && length <= INT64_MAX;
}

static bool begin_message(struct ws_reader *r, bool compressed)
{
    if (r->in_message || (compressed && !r->deflate))
        return false;
    r->in_message = true;
    r->message_opcode = r->frame_opcode;
    r->compressed = compressed;
    return true;
}

/* 0, or the code to close with. */
static unsigned open_frame(struct ws_reader *r)
{
    uint8_t first = r->head[0];
    bool masked = r->head[1] & BIT_MASKED;
    bool rsv1 = first & BIT_RSV1;
    uint64_t length;

    r->final = first & BIT_FINAL;
    r->frame_opcode = first & BITS_OPCODE;
    if ((first & BITS_RSV23) || masked != (r->role == WS_SERVER) ||
        !read_length(r->head, &length))
        return WS_CLOSE_PROTOCOL;
    if (r->frame_opcode & BIT_CONTROL) {
        if (r->frame_opcode > WS_OP_PONG || !r->final || rsv1 ||
            length > CONTROL_MAX)
            return WS_CLOSE_PROTOCOL;
    } else {
        if (r->frame_opcode > WS_OP_BINARY)
            return WS_CLOSE_PROTOCOL;
        if (r->frame_opcode == WS_OP_CONTINUATION ? !r->in_message || rsv1
                                                  : !begin_message(r, rsv1))
            return WS_CLOSE_PROTOCOL;
        if (length > (r->compressed ? compressed_max(r->message_bytes_max)
                                    : r->message_bytes_max) -
                         r->message_len)
            return WS_CLOSE_TOO_BIG;
    }
    if (masked)
        memcpy(r->mask, r->head + r->head_len - sizeof(r->mask),
               sizeof(r->mask));
    r->mask_at = 0;
    r->head_len = 0;
    r->payload_left = length;
    r->state = STATE_PAYLOAD;
    return 0;
}

/* Whole words first: the compiler makes vectors of them. */
static void unmask(struct ws_reader *r, char *at, size_t len)
{
    uint8_t key[sizeof(uint64_t)];
    uint64_t word;
    size_t i = 0;

    if (r->role != WS_SERVER)
        return;
    for (unsigned k = 0; k < sizeof(key); k++)
        key[k] = r->mask[(r->mask_at + k) % sizeof(r->mask)];
    memcpy(&word, key, sizeof(word));
    for (; i + sizeof(word) <= len; i += sizeof(word)) {
        uint64_t part;

        memcpy(&part, at + i, sizeof(part));
        part ^= word;
        memcpy(at + i, &part, sizeof(part));
    }
    for (unsigned k = 0; i < len; i++, k++)
        at[i] = (char)(at[i] ^ key[k]);
    r->mask_at = (uint8_t)((r->mask_at + len) % sizeof(r->mask));
}

static bool close_code_valid(unsigned code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

static enum ws_event give_close(struct ws_reader *r, struct bytes payload,
                                struct bytes *ret)
{
    if (payload.len == 1)
        return bad(r, WS_CLOSE_PROTOCOL);
    if (payload.len >= 2) {
        unsigned code = (unsigned)(uint8_t)payload.at[0] << 8 |
                        (unsigned)(uint8_t)payload.at[1];

        if (!close_code_valid(code))
            return bad(r, WS_CLOSE_PROTOCOL);
        payload = bytes_skip(payload, 2);
        if (!bytes_is_utf8(payload))
            return bad(r, WS_CLOSE_NOT_UTF8);
        r->close_code = (uint16_t)code;
    }
    r->state = STATE_CLOSED;
    *ret = payload;
    return WS_CLOSE;
}

static enum ws_event give_control(struct ws_reader *r, struct bytes payload,
                                  struct bytes *ret)
{
    if (r->frame_opcode == WS_OP_CLOSE)
        return give_close(r, payload, ret);
    *ret = payload;
    return r->frame_opcode == WS_OP_PING ? WS_PING : WS_PONG;
}

static enum ws_event give_message(struct ws_reader *r, struct bytes whole,
                                  struct bytes *ret)
{
    bool text = r->message_opcode == WS_OP_TEXT;

    if (r->compressed) {
        int error =
            ws_deflate_inflate(r->deflate, whole, r->message_bytes_max, &whole);

        if (error == ERR_LIMIT)
            return bad(r, WS_CLOSE_TOO_BIG);
        if (error == ERR_NOMEM)
            return bad(r, WS_CLOSE_INTERNAL);
        if (error || (text && !utf8_feed(&r->utf8_state, whole)))
            return bad(r, WS_CLOSE_NOT_UTF8);
    }
    if (text && r->utf8_state)
        return bad(r, WS_CLOSE_NOT_UTF8);
    r->in_message = false;
    r->message_len = 0;
    *ret = whole;
    return text ? WS_TEXT : WS_BINARY;
}

/* The frame's last piece is here; before it lie message_len bytes of earlier
 * frames and then what earlier reads brought of this one. */
static enum ws_event end_frame(struct ws_reader *r, struct bytes piece,
                               struct bytes *ret)
{
    bool control = r->frame_opcode & BIT_CONTROL;
    size_t from = control ? r->message_len : 0;
    bool in_place = r->message.len == from && (control || r->final);
    struct bytes whole = piece;

    r->state = STATE_HEAD;
    if (!in_place) {
        buf_append(&r->message, piece);
        if (buf_error(&r->message))
            return bad(r, WS_CLOSE_INTERNAL);
        whole = bytes_skip(buf_bytes(&r->message), from);
    }
    if (!control && !r->final) {
        r->message_len = (uint32_t)r->message.len;
        return WS_MORE;
    }
    r->given = !in_place;
    return control ? give_control(r, whole, ret) : give_message(r, whole, ret);
}

static enum ws_event take_payload(struct ws_reader *r, char **in, size_t *len,
                                  struct bytes *ret)
{
    size_t n = r->payload_left < *len ? (size_t)r->payload_left : *len;
    struct bytes piece = {*in, n};
    bool control = r->frame_opcode & BIT_CONTROL;

    unmask(r, *in, n);
    *in += n;
    *len -= n;
    r->payload_left -= n;
    if (!control && r->message_opcode == WS_OP_TEXT && !r->compressed &&
        !utf8_feed(&r->utf8_state, piece))
        return bad(r, WS_CLOSE_NOT_UTF8);
    if (!r->payload_left)
        return end_frame(r, piece, ret);
    buf_append(&r->message, piece);
    return buf_error(&r->message) ? bad(r, WS_CLOSE_INTERNAL) : WS_MORE;
}

/* What the last call gave out goes; memory too, unless a message has begun. */
static void drop_given(struct ws_reader *r)
{
    r->given = false;
    r->message.len = r->message_len;
    if (!r->message_len)
        buf_fini(&r->message);
}

enum ws_event ws_reader_next(struct ws_reader *r, char **in, size_t *len,
                             struct bytes *ret)
{
    enum ws_event event = WS_MORE;

    if (r->given)
        drop_given(r);
    while (event == WS_MORE) {
        switch (r->state) {
        case STATE_HEAD:
            if (!take_head(r, in, len))
                return WS_MORE;

            unsigned code = open_frame(r);

            if (code)
                return bad(r, code);
            break;
        case STATE_PAYLOAD:
            if (r->payload_left && !*len)
                return WS_MORE;
            event = take_payload(r, in, len, ret);
            break;
        case STATE_CLOSED:
            *in += *len;
            *len = 0;
            return WS_MORE;
        default:
            return WS_BAD;
        }
    }
    return event;
}
