/* SPDX-License-Identifier: MIT */
/*
 * postgres_lookup - the addresses of the URL's hosts, found off the loop.
 *
 * libpq looks names up itself, but it blocks: a name server that is away
 * would hold a worker for as long. So the names are looked up by libuv's
 * threads and libpq is given numbers beside them (it still checks
 * certificates against the names). Hosts that are not found are left out.
 * Owner: a connection that is being opened. Threads: loop; the answer is given
 * on the loop, never inside pg_lookup_start().
 */
#ifndef FIELDLINE_STORE_POSTGRES_LOOKUP_H
#define FIELDLINE_STORE_POSTGRES_LOOKUP_H

#include "base/bytes.h"

struct loop;
struct pg_lookup;

#define PG_HOSTS_MAX 8

/* As the URL has them, "a,b" and "5432" or "5432,5433". */
struct pg_hosts {
    struct bytes hosts, ports;
};
/* Is one of them a name? Not: a socket's directory, a number, "localhost". */
bool pg_hosts_have_names(const struct pg_hosts *);

/* What libpq is to be told: lists of the same length, or NULL when none was
 * found. Valid during the call. */
typedef void pg_lookup_fn(const char *hosts, const char *addresses,
                          const char *ports, void *arg);
int pg_lookup_start(struct pg_lookup **ret, struct loop *,
                    const struct pg_hosts *, pg_lookup_fn *,
                    void *arg) MUST_CHECK;
void pg_lookup_drop(struct pg_lookup **); /* NULL-safe; fn is not called */

#endif
