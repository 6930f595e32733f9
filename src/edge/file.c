/* SPDX-License-Identifier: MIT */
/*
 * file - read(2) until the end.
 * Threads: any.
 */
#include "edge/file.h"

#include "base/blob.h"
#include "base/buf.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#define FILE_PIECE ((size_t)16 * 1024)

int file_read(int fd, size_t max, struct blob **ret)
{
    struct buf b;
    int error = 0;

    buf_init(&b, max + FILE_PIECE);
    for (;;) {
        char *room = buf_reserve(&b, FILE_PIECE);
        ssize_t n = room ? read(fd, room, FILE_PIECE) : 0;

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            error = n < 0 ? ERR_IO : buf_error(&b);
            break;
        }
        b.len += (size_t)n;
        if (b.len > max) {
            error = ERR_LIMIT;
            break;
        }
    }
    if (error == 0)
        error = buf_take(&b, ret);
    buf_fini(&b);
    return error;
}

int file_read_path(struct bytes path, size_t max, struct blob **ret)
{
    char name[PATH_MAX];

    if (path.len == 0 || path.len >= sizeof(name) ||
        memchr(path.at, '\0', path.len))
        return ERR_INVALID;
    memcpy(name, path.at, path.len);
    name[path.len] = '\0';

    int fd = open(name, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;

    int error = file_read(fd, max, ret);

    (void)close(fd);
    return error;
}
