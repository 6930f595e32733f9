/* SPDX-License-Identifier: MIT */
/*
 * mistake - one text out of a format.
 * Threads: loop.
 */
#include "data/mistake.h"

#include <stdarg.h>
#include <stdio.h>

int mistake_say(struct mistake *m, int error, const char *type, const char *fmt,
                ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(m->text, sizeof(m->text), fmt, args);
    va_end(args);
    m->type = type;
    return error;
}
