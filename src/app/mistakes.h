/* SPDX-License-Identifier: MIT */
/*
 * mistakes - what is wrong in a text that a person wrote, and where.
 *
 * Mistakes are collected, so that one run tells them all, and printed in the
 * order of the text:
 *
 *   app.yaml:12:5: error: unknown key 'vissible' in a resource
 *       vissible: {tenant: lab_id}
 *       ^~~~~~~~ did you mean 'visible'?
 *
 * Threads: loop.
 */
#ifndef FIELDLINE_APP_MISTAKES_H
#define FIELDLINE_APP_MISTAKES_H

#include "base/bytes.h"

struct arena;
struct buf;

#define MISTAKES_MAX 50 /* printed; the rest is only counted */

struct mistake_kept {
    size_t at; /* offset in the text */
    size_t len;
    struct bytes problem;
    struct bytes expected; /* "a duration", or a question; may be empty */
};

struct mistakes {
    const char *name;    /* of the text: "app.yaml", "--listen" */
    struct bytes text;   /* borrowed */
    bool one_line;       /* a flag's value: no line and column */
    struct arena *arena; /* borrowed */
    unsigned count;
    struct mistake_kept kept[MISTAKES_MAX];
};

/* expected is copied like the rest. */
void mistakes_add(struct mistakes *, size_t at, size_t len,
                  struct bytes expected, const char *fmt, ...)
    PRINTF_LIKE(5, 6);
void mistakes_write(struct mistakes *, struct buf *out);

/* The offset of a line and column, both from 1. */
size_t mistakes_offset(struct bytes text, unsigned line, unsigned column);

/* Which of the words was probably meant; empty when none is near. */
struct bytes mistakes_nearest(struct bytes word, const struct bytes *words,
                              size_t count);

#endif
