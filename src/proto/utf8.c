/* SPDX-License-Identifier: MIT */
/*
 * utf8 - the state says how many bytes a character still needs and between
 * which bounds the next one must lie: needed << 16 | low << 8 | high.
 *
 * Only the second byte has bounds of its own: they keep out overlong forms,
 * surrogates and what lies beyond U+10FFFF.
 * Threads: any.
 */
#include "proto/utf8.h"

#define STATE(needed, low, high)                                               \
    ((uint32_t)(needed) << 16 | (uint32_t)(low) << 8 | (uint32_t)(high))
#define NO_LEAD UINT32_MAX

static uint32_t after_lead(unsigned char byte)
{
    if (byte < 0x80)
        return 0;
    if (byte < 0xc2)
        return NO_LEAD;
    if (byte < 0xe0)
        return STATE(1, 0x80, 0xbf);
    if (byte < 0xf0)
        return STATE(2, byte == 0xe0 ? 0xa0 : 0x80, byte == 0xed ? 0x9f : 0xbf);
    if (byte < 0xf5)
        return STATE(3, byte == 0xf0 ? 0x90 : 0x80, byte == 0xf4 ? 0x8f : 0xbf);
    return NO_LEAD;
}

static size_t ascii_run(const char *at, size_t len)
{
    size_t i = 0;

    for (uint64_t word; i + sizeof(word) <= len; i += sizeof(word)) {
        memcpy(&word, at + i, sizeof(word));
        if (word & 0x8080808080808080u)
            break;
    }
    return i;
}

bool utf8_feed(uint32_t *state, struct bytes piece)
{
    uint32_t s = *state;

    for (size_t i = 0; i < piece.len; i++) {
        unsigned char byte = (unsigned char)piece.at[i];

        if (!s) {
            if (byte < 0x80) {
                size_t run = ascii_run(piece.at + i, piece.len - i);

                i += run ? run - 1 : 0;
                continue;
            }
            s = after_lead(byte);
            if (s == NO_LEAD)
                return false;
            continue;
        }
        if (byte < (s >> 8 & 0xff) || byte > (s & 0xff))
            return false;
        s = s >> 16 == 1 ? 0 : STATE((s >> 16) - 1, 0x80, 0xbf);
    }
    *state = s;
    return true;
}
