/* SPDX-License-Identifier: MIT */
/*
 * blob - an immutable run of bytes, shared by counting its references.
 *
 * What is sent to more than one place is a blob: built once, never copied.
 * Whoever holds a reference may read at[0..len); nobody writes once the
 * second reference exists.
 * Threads: immutable; the count is atomic.
 */
#ifndef FIELDLINE_BASE_BLOB_H
#define FIELDLINE_BASE_BLOB_H

#include "base/bytes.h"

#include <stdatomic.h>

struct blob {
    const char *at;
    size_t len;
    atomic_uint refs;
    char *adopted; /* separate memory that goes with the blob, or NULL */
};

int blob_new(struct blob **ret, struct bytes copied) MUST_CHECK;
int blob_new_empty(struct blob **ret, size_t len, char **bytes) MUST_CHECK;
int blob_adopt(struct blob **ret, char *taken /* mem_* memory */,
               size_t len) MUST_CHECK;
struct blob *blob_ref(struct blob *);
void blob_unref(struct blob **); /* NULL-safe, clears */
static inline struct bytes blob_bytes(const struct blob *b)
{
    return b ? (struct bytes){b->at, b->len} : (struct bytes){NULL, 0};
}

#endif
