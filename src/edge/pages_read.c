/* SPDX-License-Identifier: MIT */
/*
 * pages_read - a directory into memory.
 *
 * Everything is opened relative to its directory and never through a link.
 * Threads: loop.
 */
#include "edge/pages_private.h"

#include "base/blob.h"
#include "base/error.h"
#include "base/log.h"
#include "edge/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

const char *pages_type_of(struct bytes path)
{
    static const struct {
        struct bytes ending;
        const char *type;
    } rows[] = {
        {BYTES(".html"), "text/html; charset=utf-8"},
        {BYTES(".css"), "text/css; charset=utf-8"},
        {BYTES(".js"), "text/javascript; charset=utf-8"},
        {BYTES(".mjs"), "text/javascript; charset=utf-8"},
        {BYTES(".json"), "application/json"},
        {BYTES(".webmanifest"), "application/manifest+json"},
        {BYTES(".geojson"), "application/geo+json"},
        {BYTES(".svg"), "image/svg+xml"},
        {BYTES(".png"), "image/png"},
        {BYTES(".jpg"), "image/jpeg"},
        {BYTES(".jpeg"), "image/jpeg"},
        {BYTES(".webp"), "image/webp"},
        {BYTES(".gif"), "image/gif"},
        {BYTES(".ico"), "image/vnd.microsoft.icon"},
        {BYTES(".woff2"), "font/woff2"},
        {BYTES(".wasm"), "application/wasm"},
        {BYTES(".pdf"), "application/pdf"},
        {BYTES(".txt"), "text/plain; charset=utf-8"},
        {BYTES(".md"), "text/plain; charset=utf-8"},
        {BYTES(".xml"), "application/xml"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (bytes_ends(path, rows[i].ending))
            return rows[i].type;
    return "application/octet-stream";
}

/* Takes fd. A file that is too much is left out; the others go on. */
static int read_file(struct pages *p, int fd, struct bytes path)
{
    struct blob *body = NULL;
    int error = file_read(fd, PAGES_FILE_BYTES_MAX, &body);

    (void)close(fd);
    if (error == 0)
        error = pages_put(p, path, pages_type_of(path), body);
    if (error == ERR_LIMIT || error == ERR_IO) {
        log_warn("edge.pages.left_out", "path=" BYTES_FMT " error=%s",
                 BYTES_ARG(path), error_name(error));
        return 0;
    }
    return error;
}

static int read_dir(struct pages *p, int dir_fd, struct bytes below,
                    unsigned depth);

static int read_entry(struct pages *p, int dir_fd, struct bytes below,
                      const char *name, unsigned depth)
{
    char path[PATH_MAX];
    struct stat st;
    int len =
        snprintf(path, sizeof(path), BYTES_FMT "%s", BYTES_ARG(below), name);
    int fd =
        openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (len < 0 || (size_t)len >= sizeof(path) - 1 || fd < 0 ||
        fstat(fd, &st) < 0) {
        log_warn("edge.pages.left_out", "path=%s error=%s", name,
                 fd < 0 && errno == ELOOP ? "link" : error_name(ERR_IO));
        if (fd >= 0)
            (void)close(fd);
        return 0;
    }
    if (S_ISREG(st.st_mode))
        return read_file(p, fd, (struct bytes){path, (size_t)len});
    if (S_ISDIR(st.st_mode) && depth < PAGES_DEPTH_MAX) {
        path[len++] = '/';
        return read_dir(p, fd, (struct bytes){path, (size_t)len}, depth + 1);
    }
    (void)close(fd);
    return 0;
}

/* Takes dir_fd. Depth is bounded by PAGES_DEPTH_MAX. */
static int read_dir(struct pages *p, int dir_fd, struct bytes below,
                    unsigned depth)
{
    DIR *dir = fdopendir(dir_fd);
    int error = 0;

    if (!dir) {
        (void)close(dir_fd);
        return ERR_IO;
    }
    for (struct dirent *e; error == 0 && (e = readdir(dir));)
        if (e->d_name[0] != '.')
            error = read_entry(p, dirfd(dir), below, e->d_name, depth);
    (void)closedir(dir);
    return error;
}

int pages_read_dir(struct pages *p, const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_IO;
    return read_dir(p, fd, BYTES(""), 0);
}
