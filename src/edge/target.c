/* SPDX-License-Identifier: MIT */
/*
 * target - one pass over the bytes, a second only where there is an escape.
 * Threads: any.
 */
#include "edge/target.h"

#include "base/error.h"

static int hex_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool needs_decoding(struct bytes s, enum target_plus plus)
{
    return s.len &&
           (memchr(s.at, '%', s.len) ||
            (plus == TARGET_PLUS_IS_SPACE && memchr(s.at, '+', s.len)));
}

int target_decode(struct bytes text, enum target_plus plus, struct arena *arena,
                  struct bytes *ret)
{
    if (!needs_decoding(text, plus)) {
        *ret = text;
        return 0;
    }

    char *out = arena_bytes(arena, text.len);
    size_t len = 0;

    if (!out)
        return ERR_NOMEM;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];

        if (c == '%') {
            int high = text.len - i > 2 ? hex_of(text.at[i + 1]) : -1;
            int low = high >= 0 ? hex_of(text.at[i + 2]) : -1;

            if (low < 0 || (high == 0 && low == 0))
                return ERR_INVALID;
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus == TARGET_PLUS_IS_SPACE) {
            c = ' ';
        }
        out[len++] = c;
    }
    *ret = (struct bytes){out, len};
    return bytes_is_utf8(*ret) ? 0 : ERR_INVALID;
}

/* What a byte of a target asks to be looked at for. */
enum { REFUSED = 1, ESCAPE = 2 };

static const unsigned char looks[256] = {[0 ... ' '] = REFUSED,
                                         [0x7f ... 0xff] = REFUSED,
                                         ['#'] = REFUSED,
                                         ['\\'] = REFUSED,
                                         ['%'] = ESCAPE};

/* No empty, "." or ".." segment; the last may be empty ("/docs/"). */
static bool segments_are_plain(struct bytes path)
{
    const char *end = path.at + path.len;

    for (const char *slash = path.at; slash;) {
        const char *at = slash + 1;
        size_t left = (size_t)(end - at), len;

        slash = left ? memchr(at, '/', left) : NULL;
        len = slash ? (size_t)(slash - at) : left;
        if ((len == 0 && slash) || (len == 1 && at[0] == '.') ||
            (len == 2 && at[0] == '.' && at[1] == '.'))
            return false;
    }
    return true;
}

static int path_decode(struct bytes raw, struct arena *arena, struct bytes *ret)
{
    struct bytes path;
    size_t slashes = 0;
    int error = target_decode(raw, TARGET_PLUS_IS_PLUS, arena, &path);

    if (error < 0)
        return error;
    for (size_t i = 0; i < raw.len; i++)
        slashes += raw.at[i] == '/';
    for (size_t i = 0; i < path.len; i++) {
        unsigned char c = (unsigned char)path.at[i];

        if (c < ' ' || c == 0x7f || c == '\\')
            return ERR_INVALID;
        slashes -= c == '/';
    }
    if (slashes) /* an escape became a separator */
        return ERR_INVALID;
    *ret = path;
    return 0;
}

/* "http://host/path" to "/path"; an origin alone asks for "/". */
static bool origin_skip(struct bytes *text)
{
    static const struct bytes schemes[] = {BYTES("http://"), BYTES("https://")};

    if (text->len && text->at[0] == '/')
        return true;
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        struct bytes start = *text;

        if (text->len <= schemes[i].len)
            continue;
        start.len = schemes[i].len;
        if (!bytes_equal_nocase(start, schemes[i]))
            continue;
        *text = bytes_skip(*text, start.len);
        while (text->len && text->at[0] != '/' && text->at[0] != '?')
            *text = bytes_skip(*text, 1);
        if (text->len == 0)
            *text = BYTES("/");
        return text->at[0] == '/';
    }
    return false;
}

int target_parse(struct target *ret, struct bytes text, struct arena *arena)
{
    struct target t = {.raw = text};
    unsigned seen = 0;
    int error = 0;

    if (bytes_equal(text, BYTES("*"))) {
        t.path = text;
        *ret = t;
        return 0;
    }
    for (size_t i = 0; i < text.len; i++)
        seen |= looks[(unsigned char)text.at[i]];
    if ((seen & REFUSED) || !origin_skip(&t.raw))
        return ERR_INVALID;

    const char *mark = memchr(t.raw.at, '?', t.raw.len);
    struct bytes path = {t.raw.at,
                         mark ? (size_t)(mark - t.raw.at) : t.raw.len};

    t.query = bytes_skip(t.raw, path.len + 1);
    t.path = path;
    if (seen & ESCAPE)
        error = path_decode(path, arena, &t.path);
    if (error == 0 && !segments_are_plain(t.path))
        error = ERR_INVALID;
    if (error == 0)
        *ret = t;
    return error;
}
