/* SPDX-License-Identifier: MIT */
/*
 * internal - what the handlers of this room share.
 * Threads: loop.
 */
#ifndef FIELDLINE_REST_INTERNAL_H
#define FIELDLINE_REST_INTERNAL_H

#include "base/buf.h"
#include "data/query.h"
#include "edge/edge.h"

#define JSON_TYPE "application/json"

struct store_detail;

exchange_fn rest_list, rest_item, rest_create, rest_patch, rest_replace,
    rest_remove;

static inline const struct data_resource *rest_resource(struct exchange *x)
{
    return x->route->arg;
}
struct data_worker *rest_worker(struct exchange *);
/* query_init() with the exchange's identity. */
int rest_query(struct exchange *, struct query *) MUST_CHECK;
/* Answers for an error; the mistake and the detail may be empty. status is
 * that of ERR_INVALID: 400 where a query is wrong, 422 where a body is. */
void rest_error(struct exchange *, int error, unsigned invalid_status,
                const struct mistake *, const struct store_detail *);
/* Sets x->etag. */
int rest_etag(struct exchange *, uint64_t version,
              struct bytes body) MUST_CHECK;

#endif
