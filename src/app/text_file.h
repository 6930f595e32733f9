/* SPDX-License-Identifier: MIT */
/*
 * text_file - a file that a person wrote, or a line that says why not.
 * Threads: any.
 */
#ifndef FIELDLINE_APP_TEXT_FILE_H
#define FIELDLINE_APP_TEXT_FILE_H

#include "base/bytes.h"

struct blob;
struct buf;

/* On failure the report gets a line that names the path and what was expected
 * there. ERR_NOT_FOUND, ERR_LIMIT, ERR_IO, ERR_NOMEM. */
int text_file_read(struct bytes path, size_t max, const char *expected,
                   struct blob **ret, struct buf *report) MUST_CHECK;

#endif
