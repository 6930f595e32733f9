/* SPDX-License-Identifier: MIT */
/*
 * text_file - the edge's reader, with words for people.
 * Threads: any.
 */
#include "app/text_file.h"

#include "base/buf.h"
#include "base/error.h"
#include "edge/file.h"

int text_file_read(struct bytes path, size_t max, const char *expected,
                   struct blob **ret, struct buf *report)
{
    int error = file_read_path(path, max, ret);

    if (error == ERR_LIMIT)
        buf_printf(report,
                   BYTES_FMT ": error: it is larger than %zu KB; expected %s\n",
                   BYTES_ARG(path), max >> 10, expected);
    else if (error)
        buf_printf(report,
                   BYTES_FMT ": error: it cannot be read: %s; "
                             "expected %s\n",
                   BYTES_ARG(path), error_text(error), expected);
    return error;
}
