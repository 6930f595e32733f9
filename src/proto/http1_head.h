/* SPDX-License-Identifier: MIT */
/*
 * http1_head - finds where a head ends, then reads it whole.
 *
 * Two steps: the scan walks from LF to LF and refuses what makes two parsers
 * disagree about lines (a bare LF, a folded field); only when the head lies
 * there whole is it parsed, by llhttp, so every slice is one piece and nothing
 * depends on where reads were cut.
 * Threads: loop.
 */
#ifndef FIELDLINE_PROTO_HTTP1_HEAD_H
#define FIELDLINE_PROTO_HTTP1_HEAD_H

#include "proto/http1.h"
#include "proto/http1_mistake.h"

struct http1_scan {
    size_t at;   /* scanned so far */
    size_t line; /* where the line begins that at is in */
};

/*
 * Continues over a head of which len bytes are there. *ret is the length of
 * the head, blank line included, or 0 as long as that is not known.
 */
enum http1_mistake http1_scan_head(struct http1_scan *, const char *head,
                                   size_t len, size_t head_bytes_max,
                                   size_t *ret) MUST_CHECK;

/* head is exactly what the scan found. */
enum http1_mistake http1_parse_head(struct http_head *ret, enum http1_role,
                                    struct bytes head,
                                    size_t target_bytes_max) MUST_CHECK;

#endif
