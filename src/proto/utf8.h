/* SPDX-License-Identifier: MIT */
/*
 * utf8 - is a text that comes in pieces well-formed UTF-8 (RFC 3629)?
 *
 * The state starts at 0 and is 0 again wherever a character is whole.
 * Threads: any.
 */
#ifndef FIELDLINE_PROTO_UTF8_H
#define FIELDLINE_PROTO_UTF8_H

#include "base/bytes.h"

/* false: the bytes so far can be no part of a text. */
bool utf8_feed(uint32_t *state, struct bytes piece) MUST_CHECK;

#endif
