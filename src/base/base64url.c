/* SPDX-License-Identifier: MIT */
/*
 * base64url - six bits a character.
 * Threads: any.
 */
#include "base/base64url.h"

#include "base/buf.h"
#include "base/error.h"

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int digit_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '-')
        return 62;
    return c == '_' ? 63 : -1;
}

int base64url_decode(struct arena *arena, struct bytes text, struct bytes *ret)
{
    if (text.len % 4 == 1)
        return ERR_INVALID;

    char *out = arena_bytes(arena, text.len / 4 * 3 + 3);
    size_t len = 0;
    uint32_t bits = 0;
    unsigned held = 0;

    if (!out)
        return ERR_NOMEM;
    for (size_t i = 0; i < text.len; i++) {
        int digit = digit_of(text.at[i]);

        if (digit < 0)
            return ERR_INVALID;
        bits = bits << 6 | (uint32_t)digit;
        held += 6;
        if (held >= 8) {
            held -= 8;
            out[len++] = (char)(bits >> held);
            bits &= (1u << held) - 1;
        }
    }
    if (bits)
        return ERR_INVALID;
    *ret = (struct bytes){out, len};
    return 0;
}

void base64url_append(struct buf *b, struct bytes s)
{
    uint32_t bits = 0;
    unsigned held = 0;

    for (size_t i = 0; i < s.len; i++) {
        bits = bits << 8 | (unsigned char)s.at[i];
        held += 8;
        while (held >= 6) {
            held -= 6;
            buf_append_char(b, alphabet[bits >> held & 63]);
        }
        bits &= (1u << held) - 1;
    }
    if (held)
        buf_append_char(b, alphabet[bits << (6 - held) & 63]);
}
