/* SPDX-License-Identifier: MIT */
/* file - open, read to the end, close. */
#include "app/file.h"

#include "base/buf.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define PIECE (64u << 10)

static int read_all(int fd, struct buf *ret)
{
    for (;;) {
        size_t left = ret->max - ret->len;
        size_t want = left < PIECE ? left : PIECE;
        char *room = want ? buf_reserve(ret, want) : NULL;
        ssize_t n;

        if (want == 0)
            return ERR_LIMIT;
        if (!room)
            return buf_error(ret);
        n = read(fd, room, want);
        if (n == 0)
            return 0;
        if (n > 0)
            ret->len += (size_t)n;
        else if (errno != EINTR)
            return ERR_IO;
    }
}

int file_read(const char *path, struct buf *ret)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int error, saved;

    if (fd < 0)
        return ERR_IO;
    error = read_all(fd, ret);
    saved = errno;
    close(fd);
    errno = saved;
    return error;
}
