/* SPDX-License-Identifier: MIT */
/*
 * blob - the bytes stand behind the header, or in memory it adopted.
 * Threads: immutable; the count is atomic.
 */
#include "base/blob.h"

#include "base/error.h"
#include "base/mem.h"

int blob_new_empty(struct blob **ret, size_t len, char **bytes)
{
    if (len > SIZE_MAX / 2)
        return ERR_NOMEM;

    struct blob *b = mem_alloc(sizeof(*b) + len);

    if (!b)
        return ERR_NOMEM;

    char *at = (char *)(b + 1);

    b->at = at;
    b->len = len;
    atomic_init(&b->refs, 1);
    b->adopted = NULL;
    *bytes = at;
    *ret = b;
    return 0;
}

int blob_new(struct blob **ret, struct bytes copied)
{
    char *at;
    int error = blob_new_empty(ret, copied.len, &at);

    if (error == 0 && copied.len)
        memcpy(at, copied.at, copied.len);
    return error;
}

int blob_adopt(struct blob **ret, char *taken, size_t len)
{
    struct blob *b = mem_alloc(sizeof(*b));

    if (!b)
        return ERR_NOMEM;
    b->at = taken;
    b->len = len;
    atomic_init(&b->refs, 1);
    b->adopted = taken;
    *ret = b;
    return 0;
}

struct blob *blob_ref(struct blob *b)
{
    atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

void blob_unref(struct blob **blob)
{
    struct blob *b = *blob;

    *blob = NULL;
    if (!b || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) > 1)
        return;
    mem_free(b->adopted);
    mem_free(b);
}
