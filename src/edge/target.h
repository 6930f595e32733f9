/* SPDX-License-Identifier: MIT */
/*
 * target - what the request line asks for, strictly.
 *
 * A path means one thing or is refused: empty segments, "." and "..", escapes
 * that decode to a separator or a control byte, backslashes and fragments are
 * ERR_INVALID, so no trick makes the router and a cache see different paths.
 * Threads: any. The slices borrow the text given, or the arena.
 */
#ifndef FIELDLINE_EDGE_TARGET_H
#define FIELDLINE_EDGE_TARGET_H

#include "base/arena.h"

struct target {
    struct bytes raw;   /* path and query as sent, without an origin */
    struct bytes path;  /* decoded, begins with '/'; or "*" */
    struct bytes query; /* raw, after '?' */
};

/* Origin form, absolute form (http, https) or "*". */
int target_parse(struct target *ret, struct bytes text,
                 struct arena *) MUST_CHECK;

/* Percent-decodes into the arena; plus: '+' is a space, as in queries.
 * Without anything to decode the text itself is returned. ERR_INVALID for a
 * malformed escape, a NUL or what is not UTF-8. */
enum target_plus { TARGET_PLUS_IS_PLUS, TARGET_PLUS_IS_SPACE };
int target_decode(struct bytes text, enum target_plus, struct arena *,
                  struct bytes *ret) MUST_CHECK;

#endif
