/* SPDX-License-Identifier: MIT */
/*
 * courier - a simulated driver, a real client of the server.
 *
 *   LOADING --stops read--> DRIVING --there--> VISITING --all visits--+
 *      ^                       ^                                      |
 *      |                       +---------- next stop ----------------+
 *      +---- no stop left: each is put back to the morning ----------+
 *
 * He keeps a WebSocket on which he tells his position, and an HTTP connection
 * on which he reads his stops and writes what he did. A lost connection is
 * opened again after a pause.
 * Owner: the demo. Threads: loop.
 */
#ifndef FIELDLINE_CLI_COURIER_H
#define FIELDLINE_CLI_COURIER_H

#include "base/bytes.h"

struct courier;
struct demo_world;

int courier_new(struct courier **ret, struct demo_world *, struct bytes key,
                struct bytes token /* both borrowed */) MUST_CHECK;
void courier_free(struct courier **);

#endif
