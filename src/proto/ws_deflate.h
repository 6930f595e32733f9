/* SPDX-License-Identifier: MIT */
/*
 * ws_deflate - one message compressed or inflated, with no memory of others.
 *
 * What comes out lies in memory of the worker's: each direction has its own,
 * valid until the next call in that direction.
 * Threads: loop.
 */
#ifndef FIELDLINE_PROTO_WS_DEFLATE_H
#define FIELDLINE_PROTO_WS_DEFLATE_H

#include "proto/ws.h"

/* The payload without its tail 00 00 ff ff, if that is smaller; else false. */
bool ws_deflate_shrink(struct ws_deflate *, struct bytes payload,
                       struct bytes *ret);
/* ERR_LIMIT past bytes_max, ERR_INVALID, ERR_NOMEM. */
int ws_deflate_inflate(struct ws_deflate *, struct bytes payload,
                       size_t bytes_max, struct bytes *ret) MUST_CHECK;

#endif
