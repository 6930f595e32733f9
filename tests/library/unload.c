/* SPDX-License-Identifier: MIT */
/*
 * unload - the library is closed while a thread that used it still runs.
 *
 *   unload LIBRARY
 *
 * The thread's end calls back into the library, which has to be there.
 * Threads: one, beside the first.
 */
#include "../insist.h"

#include <fieldline/cache.h>

#include <dlfcn.h>
#include <pthread.h>

struct library {
    void *handle;
    pthread_barrier_t used, closed;
};

/* What POSIX means by dlsym() for functions. */
static void find(const struct library *l, const char *name, void *function)
{
    *(void **)function = dlsym(l->handle, name);
    CHECK(*(void **)function);
}

static void *on_thread(void *arg)
{
    struct library *l = arg;
    int (*cache_new)(struct fl_cache **, const struct fl_cache_options *);
    struct fl_cache_pin *(*get)(struct fl_cache *, const void *, size_t);
    void (*cache_free)(struct fl_cache **);
    struct fl_cache *cache = NULL;

    find(l, "fl_cache_new", &cache_new);
    find(l, "fl_cache_get", &get);
    find(l, "fl_cache_free", &cache_free);
    CHECK(cache_new(&cache, NULL) == 0);
    CHECK(!get(cache, "a", 1));
    cache_free(&cache);
    (void)pthread_barrier_wait(&l->used);
    (void)pthread_barrier_wait(&l->closed);
    return NULL;
}

int main(int argc, char **argv)
{
    struct library l;
    pthread_t thread;

    CHECK(argc == 2);
    l.handle = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    CHECK(l.handle);
    CHECK(pthread_barrier_init(&l.used, NULL, 2) == 0);
    CHECK(pthread_barrier_init(&l.closed, NULL, 2) == 0);
    CHECK(pthread_create(&thread, NULL, on_thread, &l) == 0);
    (void)pthread_barrier_wait(&l.used);
    CHECK(dlclose(l.handle) == 0);
    (void)pthread_barrier_wait(&l.closed);
    CHECK(pthread_join(thread, NULL) == 0);
    return 0;
}
