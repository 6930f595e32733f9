/* SPDX-License-Identifier: MIT */
/*
 * trace - W3C trace context: whose request this is part of.
 *
 * Ids are random but not secret: one word of state a worker, mixed.
 * Threads: loop.
 */
#ifndef FIELDLINE_EDGE_TRACE_H
#define FIELDLINE_EDGE_TRACE_H

#include "base/bytes.h"

#define TRACE_TEXT_LEN 55 /* 00-<32>-<16>-<2> */
#define TRACE_ID_LEN   32

struct trace {
    char text[TRACE_TEXT_LEN]; /* not terminated */
};

/* Goes on with the caller's trace when its header is well-formed, else begins
 * one; the span is new in either case. */
void trace_begin(struct trace *ret, struct bytes traceparent, uint64_t *state);
static inline struct bytes trace_id(const struct trace *t)
{
    return (struct bytes){t->text + 3, TRACE_ID_LEN};
}

#endif
