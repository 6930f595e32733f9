/* SPDX-License-Identifier: MIT */
/*
 * router - from a method and a path to a route: a trie of path segments.
 *
 * A literal segment goes before a parameter, a parameter before a rest. A path
 * that is known under other methods only is NOT_ALLOWED, with their mask.
 * Owner: edge. Threads: immutable once the routes are added.
 */
#ifndef FIELDLINE_EDGE_ROUTER_H
#define FIELDLINE_EDGE_ROUTER_H

#include "base/bytes.h"
#include "edge/exchange.h"

struct router;
struct route;

#define ROUTER_SEGMENTS_MAX 32

enum router_verdict { ROUTER_FOUND, ROUTER_NOT_FOUND, ROUTER_NOT_ALLOWED };

struct router_match {
    const struct route *route;
    struct bytes params[EXCHANGE_PARAMS_MAX];
    unsigned allowed; /* bit m: http_method m */
};

int router_new(struct router **ret) MUST_CHECK;
void router_free(struct router **);
/* The route's template must outlive the router. ERR_EXISTS, ERR_INVALID. */
int router_add(struct router *, const struct route *) MUST_CHECK;
enum router_verdict router_find(const struct router *, struct bytes path,
                                enum http_method, struct router_match *ret);

#endif
