/* SPDX-License-Identifier: MIT */
/*
 * trace - hexadecimal in, hexadecimal out.
 * Threads: loop.
 */
#include "edge/trace.h"

#include "base/hash.h"

#define GOLDEN   0x9e3779b97f4a7c15u /* splitmix64's step */
#define SPAN_AT  36
#define SPAN_LEN 16
#define FLAGS_AT 53

/* The eight digits of a half word at once, a byte each: nibbles are spread
 * out, and those above 9 moved from ':' to 'a'. */
static void hex_half(char *to, uint32_t half)
{
    uint64_t n = __builtin_bswap32(half);

    n = (n | n << 16) & 0x0000ffff0000ffffu;
    n = (n | n << 8) & 0x00ff00ff00ff00ffu;
    n = (n >> 4 | n << 8) & 0x0f0f0f0f0f0f0f0fu;

    uint64_t letters = (n + 0x0606060606060606u) >> 4 & 0x0101010101010101u;

    n += 0x3030303030303030u + letters * ('a' - ':');
    memcpy(to, &n, sizeof(n));
}

static void hex_word(char *to, uint64_t word)
{
    hex_half(to, (uint32_t)(word >> 32));
    hex_half(to + 8, (uint32_t)word);
}

/* Lower-case hexadecimal, not all zero (flags may be). */
static bool is_id(const char *at, size_t len)
{
    bool zero = true;

    for (size_t i = 0; i < len; i++) {
        char c = at[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
        zero = zero && c == '0';
    }
    return !zero || len == 2;
}

static bool is_well_formed(struct bytes s)
{
    return s.len == TRACE_TEXT_LEN && memcmp(s.at, "00-", 3) == 0 &&
           is_id(s.at + 3, TRACE_ID_LEN) && s.at[SPAN_AT - 1] == '-' &&
           is_id(s.at + SPAN_AT, SPAN_LEN) && s.at[FLAGS_AT - 1] == '-' &&
           is_id(s.at + FLAGS_AT, 2);
}

void trace_begin(struct trace *t, struct bytes traceparent, uint64_t *state)
{
    if (is_well_formed(traceparent)) {
        memcpy(t->text, traceparent.at, TRACE_TEXT_LEN);
    } else {
        memcpy(t->text, "00-", 3);
        hex_word(t->text + 3, hash_mix(*state += GOLDEN));
        hex_word(t->text + 3 + 16, hash_mix(*state += GOLDEN) | 1);
        memcpy(t->text + SPAN_AT + SPAN_LEN, "-00", 3);
        t->text[SPAN_AT - 1] = '-';
    }
    hex_word(t->text + SPAN_AT, hash_mix(*state += GOLDEN) | 1);
}
