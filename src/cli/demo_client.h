/* SPDX-License-Identifier: MIT */
/*
 * demo_client - what couriers and desks have in common: who they are and a
 * connection of their own on which they ask the server's HTTP interface.
 * Owner: the courier or desk. Threads: loop.
 */
#ifndef FIELDLINE_CLI_DEMO_CLIENT_H
#define FIELDLINE_CLI_DEMO_CLIENT_H

#include "base/buf.h"
#include "net/client.h"

#include <jansson.h>

struct loop;

#define DEMO_KEY_MAX 64

/* Everything the simulated share; borrowed by each. */
struct demo_world {
    struct loop *loop;
    struct client_peer peer;
    const struct demo_script *script;
    uint64_t random; /* splitmix64 */
};
double demo_random(struct demo_world *); /* 0 <= r < 1 */
/* The rows of a list's reply, for json_decref(); NULL if it is none. */
json_t *demo_rows(const struct http_head *, struct bytes body);
/* A row's id as text; false when it has none that fits. */
bool demo_row_key(const json_t *row, char ret[DEMO_KEY_MAX]);

struct demo_client {
    struct demo_world *world;
    struct http_client *http;
    struct bytes token;
    struct buf fields; /* the header lines of each request */
    struct buf target, body;
};

int demo_client_init(struct demo_client *, struct demo_world *,
                     struct bytes token) MUST_CHECK;
void demo_client_fini(struct demo_client *);
/* The target with {id} replaced; body empty for GET, else PATCH. The answer,
 * or an error, comes to done_fn. */
int demo_client_ask(struct demo_client *, struct bytes target, struct bytes id,
                    struct bytes body, http_client_done_fn *,
                    void *arg) MUST_CHECK;

#endif
