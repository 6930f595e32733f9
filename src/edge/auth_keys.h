/* SPDX-License-Identifier: MIT */
/*
 * auth_keys - the key set now in force, and how it is renewed.
 *
 * The JWKS file is looked at every few seconds and re-read when it changed;
 * a token with an unknown key brings the next look forward, not more often
 * than once in the same while. A file that cannot be used changes nothing.
 * Threads: any. The set is locked; whether it is due is two relaxed loads.
 */
#ifndef FIELDLINE_EDGE_AUTH_KEYS_H
#define FIELDLINE_EDGE_AUTH_KEYS_H

#include "edge/identity.h"

struct keyset;

const struct auth_spec *auth_keys_spec(const struct auth_keys *);
/* Changes with every renewal. Renews first if that is due. */
uint64_t auth_keys_generation(struct auth_keys *, int64_t wall_us);
struct keyset *auth_keys_get(struct auth_keys *); /* a reference */
/* Re-reads whatever the file's time says. False: too early, nothing done. */
bool auth_keys_renew(struct auth_keys *, int64_t wall_us);

#endif
