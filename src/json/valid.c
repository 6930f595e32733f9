/* SPDX-License-Identifier: MIT */
/*
 * valid - the grammar of RFC 8259, walked without building anything.
 *
 * Each scan_ function stands at the first byte of what it names and leaves the
 * cursor behind it; false means malformed. The recursion is bounded by
 * JSON_DEPTH_MAX.
 * Threads: any, no shared state.
 */
#include "json/json.h"

struct scan {
    const char *at;
    const char *end;
    unsigned depth;
};

static bool scan_value(struct scan *s);

static char scan_peek(const struct scan *s)
{
    return s->at < s->end ? *s->at : '\0';
}

static void scan_space(struct scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' ||
                              *s->at == '\n' || *s->at == '\r'))
        s->at++;
}

static bool scan_char(struct scan *s, char c)
{
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

static bool scan_word(struct scan *s, struct bytes word)
{
    struct bytes left = {s->at, (size_t)(s->end - s->at)};

    if (!bytes_starts(left, word))
        return false;
    s->at += word.len;
    return true;
}

static bool scan_digits(struct scan *s)
{
    const char *from = s->at;

    while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
        s->at++;
    return s->at > from;
}

static bool scan_number(struct scan *s)
{
    (void)scan_char(s, '-');
    if (!scan_char(s, '0') && !scan_digits(s))
        return false;
    if (scan_char(s, '.') && !scan_digits(s))
        return false;
    if (scan_char(s, 'e') || scan_char(s, 'E')) {
        if (!scan_char(s, '+'))
            (void)scan_char(s, '-');
        return scan_digits(s);
    }
    return true;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
           (c >= 'A' && c <= 'F');
}

static bool scan_escape(struct scan *s)
{
    char c = scan_peek(s);

    if (c == '\0' || !strchr("\"\\/bfnrtu", c))
        return false;
    s->at++;
    if (c != 'u')
        return true;
    if (s->end - s->at < 4)
        return false;
    for (int i = 0; i < 4; i++)
        if (!is_hex(*s->at++))
            return false;
    return true;
}

static bool scan_string(struct scan *s)
{
    if (!scan_char(s, '"'))
        return false;

    const char *from = s->at;

    while (s->at < s->end && *s->at != '"') {
        unsigned char c = (unsigned char)*s->at++;

        if (c < 0x20 || (c == '\\' && !scan_escape(s)))
            return false;
    }
    return bytes_is_utf8((struct bytes){from, (size_t)(s->at - from)}) &&
           scan_char(s, '"');
}

static bool scan_member(struct scan *s)
{
    scan_space(s);
    if (!scan_string(s))
        return false;
    scan_space(s);
    return scan_char(s, ':') && scan_value(s);
}

/* A comma separated run of items up to close. */
static bool scan_items(struct scan *s, char close, bool (*item)(struct scan *))
{
    s->at++;
    if (++s->depth > JSON_DEPTH_MAX)
        return false;
    scan_space(s);
    if (!scan_char(s, close)) {
        do {
            if (!item(s))
                return false;
            scan_space(s);
        } while (scan_char(s, ','));
        if (!scan_char(s, close))
            return false;
    }
    s->depth--;
    return true;
}

static bool scan_value(struct scan *s)
{
    scan_space(s);
    switch (scan_peek(s)) {
    case '{':
        return scan_items(s, '}', scan_member);
    case '[':
        return scan_items(s, ']', scan_value);
    case '"':
        return scan_string(s);
    case 't':
        return scan_word(s, BYTES("true"));
    case 'f':
        return scan_word(s, BYTES("false"));
    case 'n':
        return scan_word(s, BYTES("null"));
    default:
        return scan_number(s);
    }
}

bool json_is_valid(struct bytes text)
{
    const char *from = text.len ? text.at : "";
    struct scan s = {.at = from, .end = from + text.len};

    if (!scan_value(&s))
        return false;
    scan_space(&s);
    return s.at == s.end;
}
