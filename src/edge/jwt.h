/* SPDX-License-Identifier: MIT */
/*
 * jwt - a signed token (RFC 7515 compact form, RFC 7519), structure and
 * signature only: what the claims mean is identity.c's.
 *
 * The token's alg and kid are compared with the keys, never obeyed. crit, jku,
 * x5u, x5c and jwk in a header refuse the token.
 * Threads: any.
 */
#ifndef FIELDLINE_EDGE_JWT_H
#define FIELDLINE_EDGE_JWT_H

#include "base/bytes.h"

#include <jansson.h>

#define JWT_BYTES_MAX 4096

struct keyset;

/* The claims, an object for json_decref(). why is static text.
 * ERR_NOT_FOUND: well-formed, but no key of that name and algorithm;
 * ERR_UNAUTHENTICATED otherwise; ERR_NOMEM. */
int jwt_verify(const struct keyset *, struct bytes token, json_t **ret,
               const char **why) MUST_CHECK;

#endif
