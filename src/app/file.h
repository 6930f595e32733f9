/* SPDX-License-Identifier: MIT */
/*
 * file - a whole file into memory, for commands and start-up.
 * Threads: any.
 */
#ifndef FIELDLINE_APP_FILE_H
#define FIELDLINE_APP_FILE_H

#include "base/attr.h"

struct buf;

/* Appends the file. ERR_IO with errno set; ERR_LIMIT: it is larger than the
 * buf may be, which then holds its beginning; ERR_NOMEM. */
int file_read(const char *path, struct buf *ret) MUST_CHECK;

#endif
