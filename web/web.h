/* SPDX-License-Identifier: MIT */
/*
 * web - the pages that the binary carries, made by tools/embed.c.
 * Threads: immutable.
 */
#ifndef FIELDLINE_WEB_WEB_H
#define FIELDLINE_WEB_WEB_H

#include <stddef.h>

struct web_file {
    const char *name; /* "dashboard.js"; NULL ends the table */
    const char *at;
    size_t len;
};

extern const struct web_file web_files[];

#endif
