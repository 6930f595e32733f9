/* SPDX-License-Identifier: MIT */
/*
 * replay - runs a target over every file of its corpus.
 *
 * Stands in for libFuzzer in a normal build: the directory is the argument,
 * and one that holds nothing is a failure.
 * Threads: loop.
 */
#include "fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define INPUT_BYTES_MAX ((off_t)1 << 24)

/* The bytes lie in memory of exactly their size, as libFuzzer has them. */
static bool replay_file(int dir, const char *name)
{
    struct stat st;
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &st) || st.st_size > INPUT_BYTES_MAX) {
        fprintf(stderr, "%s: cannot be read\n", name);
        exit(1);
    }
    if (!S_ISREG(st.st_mode)) {
        close(fd);
        return false;
    }

    size_t size = (size_t)st.st_size;
    uint8_t *data = malloc(size ? size : 1);

    if (!data || read(fd, data, size) != (ssize_t)size) {
        fprintf(stderr, "%s: cannot be read\n", name);
        exit(1);
    }
    close(fd);
    printf("%s\n", name);
    fflush(stdout);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    return true;
}

int main(int argc, char **argv)
{
    DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
    unsigned count = 0;

    if (!dir) {
        fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
        return 1;
    }
    for (struct dirent *entry; (entry = readdir(dir));)
        if (entry->d_name[0] != '.')
            count += replay_file(dirfd(dir), entry->d_name);
    closedir(dir);
    printf("%u inputs replayed\n", count);
    return count ? 0 : 1;
}
