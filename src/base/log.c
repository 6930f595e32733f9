/* SPDX-License-Identifier: MIT */
/*
 * log - a line is built on the stack and written at once.
 *
 * Bytes that could break a line or move a terminal's cursor become '?', so
 * nothing that a peer sent can forge an entry.
 * Threads: any; the level is atomic.
 */
#include "base/log.h"

#include "base/clock.h"
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOG_LINE_MAX 2048

static const char *const level_names[] = {"debug", "info", "warn", "error",
                                          "off"};
static atomic_int level_now = LOG_INFO;

void log_level_set(enum log_level level)
{
    atomic_store_explicit(&level_now, (int)level, memory_order_relaxed);
}

int log_level_parse(const char *name, enum log_level *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(level_names); i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *ret = (enum log_level)i;
            return 0;
        }
    }
    return ERR_INVALID;
}

static size_t clamp(int len, size_t room)
{
    if (len < 0)
        return 0;
    return (size_t)len < room ? (size_t)len : room - 1;
}

static void make_plain(char *line, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
}

void log_write(enum log_level level, const char *event, const char *fmt, ...)
{
    char line[LOG_LINE_MAX], when[CLOCK_RFC3339_LEN + 1];
    int kept_errno = errno;
    va_list args;

    if (level == LOG_OFF ||
        (int)level < atomic_load_explicit(&level_now, memory_order_relaxed))
        return;
    clock_rfc3339(clock_wall_us(), when);

    size_t len = clamp(snprintf(line, sizeof(line), "%s %-5s %s ", when,
                                level_names[level], event),
                       sizeof(line));

    va_start(args, fmt);
    len += clamp(vsnprintf(line + len, sizeof(line) - len, fmt, args),
                 sizeof(line) - len);
    va_end(args);
    make_plain(line, len);
    line[len++] = '\n'; /* in the place of the NUL */

    ssize_t written = write(STDERR_FILENO, line, len);

    (void)written; /* there is nowhere to tell */
    errno = kept_errno;
}
