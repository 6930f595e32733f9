/* SPDX-License-Identifier: MIT */
/*
 * cursor - where a page ended, sealed.
 *
 * The sort values of the last row, encrypted and authenticated with AES-SIV
 * (RFC 5297): without a nonce, so that one list has one text and its ETag
 * holds. Bound to the tenant, the user where rows are his, the resource and
 * the order; for anything else it does not open.
 * Owner: data_worker. Threads: loop.
 */
#ifndef FIELDLINE_DATA_CURSOR_H
#define FIELDLINE_DATA_CURSOR_H

#include "base/buf.h"
#include "data/query.h"

struct cursor_box;

#define CURSOR_PLAIN_MAX 2048

int cursor_box_new(struct cursor_box **ret,
                   const unsigned char *key /* copied */) MUST_CHECK;
void cursor_box_free(struct cursor_box **);

/* One sort value of the last row. */
void cursor_put(struct buf *plain, struct value);
/* Appends the text to out. ERR_LIMIT when the values are too long. */
int cursor_seal(struct cursor_box *, const struct query *, struct bytes plain,
                struct buf *out) MUST_CHECK;
/* Opens query.cursor into query.after. ERR_INVALID. */
int cursor_open(struct cursor_box *, struct query *) MUST_CHECK;

struct cursor_box *data_worker_cursor(struct data_worker *);

#endif
