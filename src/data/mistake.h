/* SPDX-License-Identifier: MIT */
/*
 * mistake - what was wrong with a request, said for people.
 *
 * The text names the place, what was got and what was expected. type is the
 * problem's stable slug.
 * Threads: loop.
 */
#ifndef FIELDLINE_DATA_MISTAKE_H
#define FIELDLINE_DATA_MISTAKE_H

#include "base/bytes.h"
#include "base/error.h"

#define MISTAKE_TEXT_MAX 320
#define MISTAKE_GOT_MAX  60 /* bytes of what was got that are shown */
#define MISTAKE_GOT(b)                                                         \
    (int)((b).len < MISTAKE_GOT_MAX ? (b).len : MISTAKE_GOT_MAX), (b).at

struct mistake {
    const char *type; /* static */
    char text[MISTAKE_TEXT_MAX];
};

/* Fills it in and returns error. */
int mistake_say(struct mistake *, int error, const char *type, const char *fmt,
                ...) PRINTF_LIKE(4, 5);

#endif
