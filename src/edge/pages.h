/* SPDX-License-Identifier: MIT */
/*
 * pages - static files, out of memory.
 *
 * All files are read when the pages are made: no request's path ever reaches
 * the file system, so there is nothing to traverse and no link to follow.
 * References between them (href, src, url(), import) are rewritten to
 * versioned names, "app.1f3a5c7e.js", which are served for a year; the plain
 * name is served too, to be asked for again each time.
 * Owner: app. Threads: immutable after pages_routes().
 */
#ifndef FIELDLINE_EDGE_PAGES_H
#define FIELDLINE_EDGE_PAGES_H

#include "base/bytes.h"

struct edge;
struct pages;

#define PAGES_FILES_MAX      2048
#define PAGES_FILE_BYTES_MAX ((size_t)8 * 1024 * 1024)
#define PAGES_BYTES_MAX      ((size_t)64 * 1024 * 1024)
#define PAGES_DEPTH_MAX      16

/* dir and what is below it, without hidden files and links; NULL for none.
 * Files over a limit are left out and logged. ERR_NOT_FOUND, ERR_IO. */
int pages_new(struct pages **ret, const char *dir) MUST_CHECK;
void pages_free(struct pages **);
/* content is copied; the type is static text, or NULL to go by the name.
 * A file of the same path is kept: the application's goes before the
 * binary's. */
int pages_add_builtin(struct pages *, struct bytes path, struct bytes content,
                      const char *content_type) MUST_CHECK;
/* Serves them below prefix ("/" or "/dashboard"), "" and "x/" by index.html.
 * Public. The pages must outlive the edge. */
int pages_routes(struct pages *, struct edge *, const char *prefix) MUST_CHECK;

#endif
