/* SPDX-License-Identifier: MIT */
/*
 * encode - gzip in both directions, and who accepts it.
 *
 * A worker keeps one compressor and one decompressor and resets them.
 * Threads: loop.
 */
#ifndef FIELDLINE_EDGE_ENCODE_H
#define FIELDLINE_EDGE_ENCODE_H

#include "base/bytes.h"

struct blob;
struct buf;
struct gzip;

#define ENCODE_BYTES_MIN 1000 /* below it does not pay */

int gzip_new(struct gzip **ret) MUST_CHECK; /* its memory comes with its use */
void gzip_free(struct gzip **);

/* For once: fast. To keep: dense. */
enum gzip_effort { GZIP_ONCE, GZIP_KEPT };
int gzip_deflate(struct gzip *, struct bytes, enum gzip_effort,
                 struct blob **ret) MUST_CHECK;
/* Appends to out, which bounds it: ERR_LIMIT. Exactly one whole stream of
 * gzip: else ERR_INVALID. */
int gzip_inflate(struct gzip *, struct bytes, struct buf *out) MUST_CHECK;

/* Accept-Encoding, with its q values. */
bool encode_accepts_gzip(struct bytes accept_encoding);
/* Is it worth compressing? By type: text, JSON, scripts, SVG. */
bool encode_is_text(struct bytes content_type);

#endif
