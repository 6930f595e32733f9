/* SPDX-License-Identifier: MIT */
/* postgres_library - found once, by name. Threads: any. */
#include "store/postgres_library.h"

#include "base/error.h"
#include "store/driver.h"

#include <dlfcn.h>
#include <pthread.h>

#define LIBRARY "libpq.so.5"

static const char *const names[] = {
#define X(name) #name,
    PG_LIBRARY_TABLE(X)
#undef X
};

/* Its members are nothing but these, in this order. */
static union {
    struct pg_library library;
    void *functions[ARRAY_LEN(names)];
} found;
static bool loaded;

_Static_assert(sizeof(found.library) == sizeof(found.functions),
               "a function for each name");

static void load(void)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

    loaded = library != NULL;
    for (size_t i = 0; i < ARRAY_LEN(names) && loaded; i++) {
        found.functions[i] = dlsym(library, names[i]);
        loaded = found.functions[i] != NULL;
    }
}

int pg_library_load(struct store_detail *detail)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, load);
    if (loaded)
        return 0;
    store_detail_set(detail, "",
                     LIBRARY " cannot be loaded; expected libpq of PostgreSQL "
                             "14 or later (the Debian package libpq5)");
    return ERR_STORE;
}

const struct pg_library *pg_library(void)
{
    return &found.library;
}
