/* SPDX-License-Identifier: MIT */
/*
 * keyset - the keys that tokens are checked with.
 *
 * Each key is pinned to ONE algorithm: what a token's header claims is only
 * ever compared with it. A key without an algorithm is refused.
 * Owner: auth_keys; replaced whole on rotation.
 * Threads: immutable, the count is atomic.
 */
#ifndef FIELDLINE_EDGE_KEYSET_H
#define FIELDLINE_EDGE_KEYSET_H

#include "base/arena.h"
#include "edge/identity.h"

#include <openssl/evp.h>

#define KEYSET_KEYS_MAX   16
#define KEYSET_FILE_MAX   ((size_t)256 * 1024)
#define KEYSET_SECRET_MIN 32
#define KEYSET_RSA_MIN    2048 /* bits */

struct key {
    enum auth_alg alg;
    bool named; /* has a kid; a token's kid must then be it */
    struct bytes kid;
    struct bytes secret; /* HS256 */
    EVP_PKEY *pkey;      /* the others */
};

struct keyset {
    atomic_uint refs;
    unsigned count;
    struct key keys[KEYSET_KEYS_MAX];
    struct arena arena;
};

/* From the secret, the PEM file and the JWKS file, whichever are given.
 * *mistake is a static text. ERR_INVALID, ERR_IO, ERR_NOMEM. */
int keyset_new(struct keyset **ret, const struct auth_spec *,
               struct bytes *mistake) MUST_CHECK;
struct keyset *keyset_ref(struct keyset *);
void keyset_unref(struct keyset **); /* NULL-safe, clears; wipes secrets */

/* "HS256" and so on; ERR_UNSUPPORTED. */
int auth_alg_parse(struct bytes name, enum auth_alg *ret) MUST_CHECK;

#endif
