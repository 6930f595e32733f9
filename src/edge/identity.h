/* SPDX-License-Identifier: MIT */
/*
 * identity - who is asking, after the token's signature was checked.
 *
 * auth_identify() remembers what a token said: a keyed fast hash finds it, a
 * full comparison accepts it, bounded, until it expires. So a hit pays for no
 * cryptography. One auth per worker (no locks) over one shared key set.
 * Owner: edge. Threads: an identity is immutable, its count atomic.
 */
#ifndef FIELDLINE_EDGE_IDENTITY_H
#define FIELDLINE_EDGE_IDENTITY_H

#include "base/bytes.h"

#include <stdatomic.h>

#define IDENTITY_ROLES_MAX 32

struct identity {
    atomic_uint refs;
    struct bytes tenant; /* empty: none */
    struct bytes user;
    uint32_t roles;      /* mask over auth_spec.roles; never 0 */
    int64_t expires_us;  /* wall clock */
    uint64_t scope_hash; /* of tenant and roles: part of cache keys */
    uint64_t user_hash;
};
struct identity *identity_ref(struct identity *);
void identity_unref(struct identity **);

enum auth_alg { AUTH_HS256, AUTH_RS256, AUTH_ES256, AUTH_EDDSA };

struct auth_spec {
    enum auth_alg alg;            /* of the single secret or key */
    struct bytes secret;          /* HS256; at least 32 bytes */
    struct bytes public_key_file; /* PEM, or empty */
    struct bytes jwks_file;       /* or empty; re-read when it changes */
    struct bytes issuer;          /* required iss, or empty */
    struct bytes audience;        /* required aud, or empty */
    struct bytes tenant_claim;    /* "lab_id" */
    struct bytes user_claim;      /* "sub" */
    struct bytes role_claim;      /* "role": a string or an array of them */
    unsigned role_count;
    const struct bytes *roles;
    uint64_t leeway_s; /* 30 */
};

struct auth_keys; /* shared, replaced whole on rotation */
struct auth;      /* one worker's memory of tokens */

int auth_keys_new(struct auth_keys **ret, const struct auth_spec *,
                  struct bytes *mistake /* static text */) MUST_CHECK;
void auth_keys_free(struct auth_keys **);
int auth_new(struct auth **ret, struct auth_keys *) MUST_CHECK;
void auth_free(struct auth **);

/* A borrowed identity, valid until the auth is used again (take a reference to
 * keep it). ERR_UNAUTHENTICATED, ERR_EXPIRED; why is a static text for
 * people that holds nothing of the token. */
int auth_identify(struct auth *, struct bytes token, int64_t wall_us,
                  struct identity **ret, const char **why) MUST_CHECK;
/* Did the last auth_identify() find the token in memory? */
bool auth_remembered(const struct auth *);

/* `fieldline token`: an HS256 token. */
struct buf;
int auth_token_write(struct buf *, const struct auth_spec *, struct bytes user,
                     struct bytes tenant, struct bytes role, int64_t wall_us,
                     uint64_t ttl_s) MUST_CHECK;

#endif
