/* SPDX-License-Identifier: MIT */
/*
 * ws - WebSocket framing (RFC 6455) and permessage-deflate (RFC 7692).
 *
 * The reader turns bytes into whole messages. Payloads are unmasked in place
 * in the caller's bytes; a message that lies whole in one read, in one frame
 * and uncompressed is not copied. A struct ws_reader is small (an idle
 * connection holds nothing else): its assembly buffer exists only inside a
 * message that spans reads or frames.
 *
 * Compression uses no context takeover in either direction, so the zlib state
 * belongs to the worker (struct ws_deflate) and not to the connection. An
 * inflated message lies in the worker's memory: it holds until the next call
 * of ws_reader_next() on ANY reader with the same struct ws_deflate.
 * Enforced: masking by role, RSV bits, reserved opcodes, control frames short
 * and whole, minimal length encodings, UTF-8 over the whole text message,
 * valid close codes, the message limit on the DECOMPRESSED size.
 * Owner: the session. Threads: loop.
 */
#ifndef FIELDLINE_PROTO_WS_H
#define FIELDLINE_PROTO_WS_H

#include "base/buf.h"
#include "base/bytes.h"

enum ws_opcode {
    WS_OP_CONTINUATION = 0,
    WS_OP_TEXT = 1,
    WS_OP_BINARY = 2,
    WS_OP_CLOSE = 8,
    WS_OP_PING = 9,
    WS_OP_PONG = 10,
};

enum ws_close {
    WS_CLOSE_NORMAL = 1000,
    WS_CLOSE_GOING_AWAY = 1001,
    WS_CLOSE_PROTOCOL = 1002,
    WS_CLOSE_UNSUPPORTED = 1003,
    WS_CLOSE_NO_CODE = 1005,
    WS_CLOSE_NOT_UTF8 = 1007,
    WS_CLOSE_POLICY = 1008,
    WS_CLOSE_TOO_BIG = 1009,
    WS_CLOSE_INTERNAL = 1011,
    WS_CLOSE_TRY_AGAIN = 1013,
};

enum ws_role { WS_SERVER, WS_CLIENT }; /* who WE are */

enum ws_event {
    WS_MORE, /* all of in was taken */
    WS_TEXT, /* *ret is a whole message, UTF-8 */
    WS_BINARY,
    WS_PING, /* *ret to be returned in a pong */
    WS_PONG,
    WS_CLOSE, /* ws_reader_close_code(): what the peer said */
    WS_BAD,   /* ws_reader_close_code(): what to close with */
};

struct ws_deflate; /* a worker's compressor and decompressor */

int ws_deflate_new(struct ws_deflate **ret) MUST_CHECK;
void ws_deflate_free(struct ws_deflate **);

#define WS_HEAD_MAX 14 /* opcode, length, eight bytes more, mask */

struct ws_reader {
    struct buf message;         /* what is assembled so far */
    struct ws_deflate *deflate; /* NULL: the extension was not negotiated */
    uint64_t payload_left;      /* of the frame */
    uint32_t message_bytes_max;
    uint32_t message_len; /* of message without a control frame at its end */
    uint32_t utf8_state;  /* 0 between messages */
    uint16_t close_code;
    uint8_t role;
    uint8_t state;
    uint8_t message_opcode;
    uint8_t frame_opcode;
    uint8_t mask[4];
    uint8_t mask_at;
    uint8_t head_len;
    uint8_t head[WS_HEAD_MAX]; /* of a frame whose head spans reads */
    bool final, compressed, in_message;
    bool given; /* message was handed out: the next call drops it */
};

void ws_reader_init(struct ws_reader *, enum ws_role,
                    uint32_t message_bytes_max,
                    struct ws_deflate * /* borrowed, or NULL */);
void ws_reader_fini(struct ws_reader *);
/* in is advanced past what was taken; its bytes are unmasked in place.
 * *ret is valid until the next call. After CLOSE all bytes are dropped; after
 * BAD it stays BAD. */
enum ws_event ws_reader_next(struct ws_reader *, char **in, size_t *len,
                             struct bytes *ret);
unsigned ws_reader_close_code(const struct ws_reader *);

/* Appends one whole unmasked (server) frame. With deflate not NULL it is
 * compressed if that makes it smaller. */
void ws_write(struct buf *, enum ws_opcode, struct bytes payload,
              struct ws_deflate *);
/* The same as a client sends it, masked with random bytes. */
void ws_write_masked(struct buf *, enum ws_opcode, struct bytes payload);
void ws_write_close(struct buf *, unsigned code, struct bytes reason,
                    bool masked);

/* Is key what a client may send: 16 bytes in base64? */
bool ws_key_valid(struct bytes key);
/* RFC 6455 4.2.2: base64(SHA-1(key + GUID)), 28 characters. */
void ws_accept_key(struct bytes key, char ret[28 + 1]);
/* What to answer to Sec-WebSocket-Extensions: the parameters of
 * permessage-deflate without context takeover, or empty for none. */
struct bytes ws_negotiate(struct bytes offered);

#endif
