/* SPDX-License-Identifier: MIT */
/*
 * base64url - RFC 4648 section 5 without padding, as tokens use it.
 *
 * Strict: no padding, no line breaks, and the unused bits of the last
 * character are zero, so that one value has one spelling.
 * Threads: any.
 */
#ifndef FIELDLINE_BASE_BASE64URL_H
#define FIELDLINE_BASE_BASE64URL_H

#include "base/arena.h"

struct buf;

/* The bytes stand in the arena. ERR_INVALID, ERR_NOMEM. */
int base64url_decode(struct arena *, struct bytes text,
                     struct bytes *ret) MUST_CHECK;
void base64url_append(struct buf *, struct bytes);

#endif
