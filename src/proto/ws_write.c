/* SPDX-License-Identifier: MIT */
/*
 * ws_write - whole messages as single frames.
 * Threads: loop.
 */
#include "proto/ws.h"

#include "base/hash.h"
#include "proto/ws_deflate.h"

#define FINAL       0x80u
#define RSV1        0x40u
#define MASKED      0x80u
#define LEN_16      126u
#define LEN_64      127u
#define REASON_MAX  123 /* what a control frame leaves beside the code */
#define MASK_LEN    4
#define CONTROL_MAX 125

static void write_head(struct buf *b, unsigned first, unsigned masked,
                       uint64_t len)
{
    uint8_t head[10] = {(uint8_t)(first | FINAL)};
    unsigned extra = len < LEN_16 ? 0 : len <= UINT16_MAX ? 2 : 8;

    head[1] = (uint8_t)(masked | (extra == 0   ? (unsigned)len
                                  : extra == 2 ? LEN_16
                                               : LEN_64));
    for (unsigned i = 0; i < extra; i++)
        head[2 + i] = (uint8_t)(len >> 8 * (extra - 1 - i));
    buf_append(b, (struct bytes){(const char *)head, 2 + extra});
}

void ws_write(struct buf *b, enum ws_opcode opcode, struct bytes payload,
              struct ws_deflate *deflate)
{
    unsigned first = opcode;
    bool data = opcode == WS_OP_TEXT || opcode == WS_OP_BINARY;

    if (deflate && data && ws_deflate_shrink(deflate, payload, &payload))
        first |= RSV1;
    write_head(b, first, 0, payload.len);
    buf_append(b, payload);
}

void ws_write_masked(struct buf *b, enum ws_opcode opcode, struct bytes payload)
{
    uint8_t mask[MASK_LEN];

    random_bytes(mask, sizeof(mask));
    write_head(b, opcode, MASKED, payload.len);
    buf_append(b, (struct bytes){(const char *)mask, sizeof(mask)});

    char *at = buf_reserve(b, payload.len);

    if (!at)
        return;
    for (size_t i = 0; i < payload.len; i++)
        at[i] = (char)(payload.at[i] ^ mask[i % MASK_LEN]);
    b->len += payload.len;
}

void ws_write_close(struct buf *b, unsigned code, struct bytes reason,
                    bool masked)
{
    char payload[CONTROL_MAX];
    struct bytes all = {payload, 0};

    if (code && code != WS_CLOSE_NO_CODE) {
        if (reason.len > REASON_MAX) {
            reason.len = REASON_MAX;
            while (reason.len && (reason.at[reason.len] & 0xc0) == 0x80)
                reason.len--; /* never half a character */
        }
        payload[0] = (char)(code >> 8);
        payload[1] = (char)(code & 0xff);
        if (reason.len)
            memcpy(payload + 2, reason.at, reason.len);
        all.len = 2 + reason.len;
    }
    if (masked)
        ws_write_masked(b, WS_OP_CLOSE, all);
    else
        ws_write(b, WS_OP_CLOSE, all, NULL);
}
