/* SPDX-License-Identifier: MIT */
/*
 * mistakes - collected, sorted by place, shown under their line.
 * Threads: loop.
 */
#include "app/mistakes.h"

#include "base/arena.h"
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define PROBLEM_MAX   400
#define LINE_SHOW_MAX 160 /* bytes of a source line that are shown */
#define WORD_MAX      64  /* longer words are not compared */

void mistakes_add(struct mistakes *m, size_t at, size_t len,
                  struct bytes expected, const char *fmt, ...)
{
    char problem[PROBLEM_MAX];
    struct mistake_kept *one;
    va_list ap;

    if (m->count++ >= MISTAKES_MAX)
        return;
    va_start(ap, fmt);
    vsnprintf(problem, sizeof(problem), fmt, ap);
    va_end(ap);
    one = &m->kept[m->count - 1];
    one->at = at < m->text.len ? at : m->text.len;
    one->len = len;
    one->problem = arena_copy(m->arena, bytes_of(problem));
    one->expected = arena_copy(m->arena, expected);
}

static int compare_place(const void *a, const void *b)
{
    const struct mistake_kept *x = a, *y = b;

    return x->at < y->at ? -1 : x->at > y->at;
}

static size_t line_start(struct bytes text, size_t at)
{
    while (at > 0 && text.at[at - 1] != '\n')
        at--;
    return at;
}

static size_t line_len(struct bytes text, size_t start)
{
    const char *end = memchr(text.at + start, '\n', text.len - start);
    size_t len = end ? (size_t)(end - text.at) - start : text.len - start;

    return len > 0 && text.at[start + len - 1] == '\r' ? len - 1 : len;
}

static bool is_continuation(char c) /* of a UTF-8 sequence */
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

static size_t characters(struct bytes s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++)
        n += !is_continuation(s.at[i]);
    return n;
}

/* Control characters would let a file write to the reader's terminal. */
static void append_shown(struct buf *out, struct bytes s)
{
    for (size_t i = 0; i < s.len; i++) {
        bool hidden = ((unsigned char)s.at[i] < ' ' && s.at[i] != '\t') ||
                      s.at[i] == 0x7f;

        if (hidden)
            buf_append_char(out, '?');
        else
            buf_append_char(out, s.at[i]);
    }
}

/* A question ("did you mean 'x'?") stands for itself. */
static void append_expected(struct buf *out, const char *before,
                            struct bytes expected)
{
    if (expected.len == 0)
        return;
    buf_append(out, bytes_of(before));
    if (!bytes_ends(expected, BYTES("?")))
        buf_append(out, BYTES("expected "));
    append_shown(out, expected);
}

static void append_caret(struct buf *out, struct bytes line, size_t column,
                         const struct mistake_kept *one)
{
    size_t room = line.len - column;
    struct bytes under = {line.at + column, one->len < room ? one->len : room};

    buf_append(out, BYTES("    "));
    for (size_t i = 0; i < column; i++)
        if (!is_continuation(line.at[i]))
            buf_append_char(out, line.at[i] == '\t' ? '\t' : ' ');
    buf_append_char(out, '^');
    for (size_t n = characters(under); n > 1; n--)
        buf_append_char(out, '~');
    append_expected(out, " ", one->expected);
    buf_append_char(out, '\n');
}

static void append_mistake(const struct mistakes *m,
                           const struct mistake_kept *one, unsigned line_number,
                           struct buf *out)
{
    size_t start = line_start(m->text, one->at);
    struct bytes line = {m->text.at + start, line_len(m->text, start)};
    size_t column = one->at - start;

    if (column > line.len)
        column = line.len;
    buf_printf(out, "%s:", m->name);
    if (!m->one_line)
        buf_printf(out, "%u:%zu:", line_number,
                   characters((struct bytes){line.at, column}) + 1);
    buf_append(out, BYTES(" error: "));
    append_shown(out, one->problem);
    buf_append_char(out, '\n');
    if (column < LINE_SHOW_MAX) {
        if (line.len > LINE_SHOW_MAX)
            for (line.len = LINE_SHOW_MAX;
                 line.len > column && is_continuation(line.at[line.len]);)
                line.len--;
        buf_append(out, BYTES("    "));
        append_shown(out, line);
        buf_append_char(out, '\n');
        append_caret(out, line, column, one);
    } else {
        append_expected(out, "   ", one->expected);
        buf_append_char(out, '\n');
    }
}

void mistakes_write(struct mistakes *m, struct buf *out)
{
    unsigned kept = m->count < MISTAKES_MAX ? m->count : MISTAKES_MAX;
    unsigned line = 1;
    size_t at = 0;

    qsort(m->kept, kept, sizeof(m->kept[0]), compare_place);
    for (unsigned i = 0; i < kept; i++) {
        for (; at < m->kept[i].at; at++)
            line += m->text.at[at] == '\n';
        append_mistake(m, &m->kept[i], line, out);
    }
    if (m->count > kept)
        buf_printf(out, "%s: and %u more\n", m->name, m->count - kept);
}

size_t mistakes_offset(struct bytes text, unsigned line, unsigned column)
{
    size_t at = 0;

    for (; line > 1 && at < text.len; at++)
        line -= text.at[at] == '\n';
    while (column > 1 && at < text.len && text.at[at] != '\n') {
        do
            at++;
        while (at < text.len && is_continuation(text.at[at]));
        column--;
    }
    return at;
}

/* Insertions, deletions and replacements that turn one into the other. */
static size_t distance(struct bytes a, struct bytes b)
{
    size_t row[WORD_MAX + 1];

    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t best = diagonal + (a.at[i - 1] != b.at[j - 1]);

            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[b.len];
}

struct bytes mistakes_nearest(struct bytes word, const struct bytes *words,
                              size_t count)
{
    size_t best = word.len / 3 + 1; /* more than this is another word */
    struct bytes found = {NULL, 0};

    if (word.len > WORD_MAX)
        return found;
    for (size_t i = 0; i < count; i++) {
        size_t d;

        if (words[i].len > WORD_MAX)
            continue;
        d = distance(word, words[i]);
        if (d < best || (d == best && found.len == 0 && d < words[i].len)) {
            best = d;
            found = words[i];
        }
    }
    return found;
}
