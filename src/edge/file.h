/* SPDX-License-Identifier: MIT */
/*
 * file - a whole small file as a blob.
 * Threads: any.
 */
#ifndef FIELDLINE_EDGE_FILE_H
#define FIELDLINE_EDGE_FILE_H

#include "base/bytes.h"

struct blob;

/* Reads to the end. ERR_LIMIT when there is more than max; ERR_IO. */
int file_read(int fd, size_t max, struct blob **ret) MUST_CHECK;
/* Opens, reads and closes. ERR_NOT_FOUND. */
int file_read_path(struct bytes path, size_t max, struct blob **ret) MUST_CHECK;

#endif
