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

static void hex_word(char *to, uint64_t word)
{
    static const char digits[] = "0123456789abcdef";

    for (int i = 15; i >= 0; i--, word >>= 4)
        to[i] = digits[word & 15];
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
