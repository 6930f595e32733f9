/* SPDX-License-Identifier: MIT */
/*
 * snapshot - the keys that were hot, in a file.
 *
 *     "FLHOTKEY" | version u32 | count u32 | count times (size u16, key)
 *     | XXH3 of all before it u64
 *
 * Little-endian. The hottest first, by classes: main before small, used before
 * unused. A file is checked whole before one key of it is told.
 * Threads: any.
 */
#include "cache/core.h"

#include "base/allocator.h"
#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC        "FLHOTKEY"
#define MAGIC_SIZE   8
#define VERSION      1u
#define HEAD_SIZE    ((size_t)MAGIC_SIZE + 4 + 4)
#define SUM_SIZE     ((size_t)8)
#define SIZE_MAX_ALL ((size_t)256 << 20)
#define HEATS        8 /* main and used, 0 is coldest */

struct snapshot {
    const struct fl_allocator *allocator;
    char *bytes;
    size_t size, room;
    size_t keys, keys_max;
    size_t heats[HEATS]; /* how many there are of each */
    unsigned heat;       /* the class that is gathered */
    int error;
};

static void put_number(char *at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (char)(value >> 8 * i & 0xff);
}

static uint64_t get_number(const char *at, unsigned bytes)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)(unsigned char)at[i] << 8 * i;
    return value;
}

/* --- writing --- */

static bool make_room(struct snapshot *s, size_t more)
{
    size_t room = s->room ? s->room : 4096;
    char *bytes;

    if (s->size + more + SUM_SIZE > SIZE_MAX_ALL)
        return false;
    while (room < s->size + more)
        room *= 2;
    if (room == s->room)
        return true;
    bytes = allocator_realloc(s->allocator, s->bytes, room, 1);
    if (!bytes) {
        s->error = FL_ERR_NOMEM;
        return false;
    }
    s->bytes = bytes;
    s->room = room;
    return true;
}

static unsigned heat_of(const struct fl_cache_look *look)
{
    return (look->proven ? HEATS / 2 : 0) + look->used;
}

static bool on_count(const struct fl_cache_look *look, void *arg)
{
    struct snapshot *s = arg;

    s->heats[heat_of(look)]++;
    return true;
}

static bool on_gather(const struct fl_cache_look *look, void *arg)
{
    struct snapshot *s = arg;

    if (heat_of(look) != s->heat)
        return true;
    if (s->keys == s->keys_max || !make_room(s, 2 + look->key_size))
        return false;
    put_number(s->bytes + s->size, look->key_size, 2);
    memcpy(s->bytes + s->size + 2, look->key, look->key_size);
    s->size += 2 + look->key_size;
    s->keys++;
    return true;
}

static int gather(struct snapshot *s, struct fl_cache *c)
{
    if (!make_room(s, HEAD_SIZE))
        return s->error;
    s->size = HEAD_SIZE;
    fl_cache_each(c, on_count, s);
    for (s->heat = HEATS; s->heat-- > 0 && !s->error;)
        if (s->heats[s->heat] && s->keys < s->keys_max)
            fl_cache_each(c, on_gather, s);
    if (!s->error && !make_room(s, SUM_SIZE))
        return s->error ? s->error : FL_ERR_LIMIT;
    if (s->error)
        return s->error;
    memcpy(s->bytes, MAGIC, MAGIC_SIZE);
    put_number(s->bytes + MAGIC_SIZE, VERSION, 4);
    put_number(s->bytes + MAGIC_SIZE + 4, s->keys, 4);
    put_number(s->bytes + s->size,
               hash_stable((struct bytes){s->bytes, s->size}), SUM_SIZE);
    s->size += SUM_SIZE;
    return 0;
}

static int write_all(int fd, const char *at, size_t size)
{
    while (size) {
        ssize_t n = write(fd, at, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return FL_ERR_IO;
        at += n;
        size -= (size_t)n;
    }
    return fsync(fd) < 0 ? FL_ERR_IO : 0;
}

/* Beside it first: a reader finds the old one or the new one. */
static int replace(const struct snapshot *s, const char *path)
{
    size_t size = strlen(path) + sizeof(".XXXXXX");
    char *beside = allocator_alloc(s->allocator, size, 1);
    int error = FL_ERR_IO, fd;

    if (!beside)
        return FL_ERR_NOMEM;
    (void)snprintf(beside, size, "%s.XXXXXX", path);
    fd = mkostemp(beside, O_CLOEXEC);
    if (fd >= 0) {
        error = write_all(fd, s->bytes, s->size);
        if (close(fd) < 0)
            error = FL_ERR_IO;
        if (error == 0 && rename(beside, path) < 0)
            error = FL_ERR_IO;
        if (error < 0)
            (void)unlink(beside);
    }
    allocator_free(s->allocator, beside);
    return error;
}

int fl_cache_snapshot_write(struct fl_cache *c, const char *path,
                            size_t keys_max)
{
    struct snapshot s = {.allocator = &c->allocator, .keys_max = keys_max};
    int error = gather(&s, c);

    if (error == 0)
        error = replace(&s, path);
    allocator_free(s.allocator, s.bytes);
    return error;
}

/* --- reading --- */

/* The keys of a body; told with fn, or only checked without. */
static int walk(const char *at, const char *end, uint64_t count,
                fl_cache_key_fn *fn, void *arg)
{
    for (; count > 0; count--) {
        if (end - at < 2)
            return FL_ERR_INVALID;

        size_t size = get_number(at, 2);

        at += 2;
        if ((size_t)(end - at) < size)
            return FL_ERR_INVALID;
        if (fn)
            fn(at, size, arg);
        at += size;
    }
    return at == end ? 0 : FL_ERR_INVALID;
}

int fl_cache_snapshot_parse(const void *bytes, size_t size, fl_cache_key_fn *fn,
                            void *arg)
{
    const char *at = bytes;

    if (size > SIZE_MAX_ALL)
        return FL_ERR_LIMIT;
    if (size < HEAD_SIZE + SUM_SIZE || memcmp(at, MAGIC, MAGIC_SIZE) != 0 ||
        get_number(at + MAGIC_SIZE, 4) != VERSION)
        return FL_ERR_INVALID;

    const char *end = at + size - SUM_SIZE;
    uint64_t count = get_number(at + MAGIC_SIZE + 4, 4);

    if (get_number(end, SUM_SIZE) !=
        hash_stable((struct bytes){at, size - SUM_SIZE}))
        return FL_ERR_INVALID;

    int error = walk(at + HEAD_SIZE, end, count, NULL, NULL);

    return error < 0 ? error : walk(at + HEAD_SIZE, end, count, fn, arg);
}

static int read_all(int fd, char *at, size_t size)
{
    while (size) {
        ssize_t n = read(fd, at, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return FL_ERR_IO;
        if (n == 0)
            return FL_ERR_INVALID; /* it became shorter */
        at += n;
        size -= (size_t)n;
    }
    return 0;
}

int fl_cache_snapshot_read(const char *path, fl_cache_key_fn *fn, void *arg)
{
    struct fl_allocator a;
    struct stat st;
    char *bytes = NULL;
    int error = FL_ERR_IO, fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return FL_ERR_IO;
    (void)!allocator_or_own(&a, NULL);
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        size_t size = (size_t)st.st_size;

        error = size > SIZE_MAX_ALL ? FL_ERR_LIMIT : FL_ERR_NOMEM;
        if (size <= SIZE_MAX_ALL)
            bytes = allocator_alloc(&a, size ? size : 1, 1);
        if (bytes)
            error = read_all(fd, bytes, size);
        if (error == 0)
            error = fl_cache_snapshot_parse(bytes, size, fn, arg);
        allocator_free(&a, bytes);
    }
    (void)close(fd);
    return error;
}
