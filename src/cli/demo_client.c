/* SPDX-License-Identifier: MIT */
/*
 * demo_client - a simulated person's HTTP connection.
 * Threads: loop.
 */
#include "cli/demo_client.h"

#include "base/error.h"
#include "base/hash.h"
#include "cli/demo_script.h"
#include "json/json.h"
#include "proto/http.h"

#include <stdio.h>

#define TOKEN_MAX ((size_t)4096)
#define BODY_MAX  ((size_t)8192)

double demo_random(struct demo_world *w)
{
    w->random += 0x9e3779b97f4a7c15u;
    return (double)(hash_mix(w->random) >> 11) * 0x1p-53;
}

json_t *demo_rows(const struct http_head *head, struct bytes body)
{
    json_t *reply, *rows;

    if (!head || head->status != 200 || json_read(body, &reply, NULL) != 0)
        return NULL;
    rows = json_incref(json_object_get(reply, "data"));
    json_decref(reply);
    return rows;
}

bool demo_row_key(const json_t *row, char ret[DEMO_KEY_MAX])
{
    const json_t *id = json_object_get(row, "id");
    int n = -1;

    if (json_is_integer(id))
        n = snprintf(ret, DEMO_KEY_MAX, "%lld",
                     (long long)json_integer_value(id));
    else if (json_is_string(id))
        n = snprintf(ret, DEMO_KEY_MAX, "%s", json_string_value(id));
    return n > 0 && n < DEMO_KEY_MAX;
}

int demo_client_init(struct demo_client *c, struct demo_world *world,
                     struct bytes token)
{
    c->world = world;
    c->token = token;
    buf_init(&c->fields, TOKEN_MAX);
    buf_init(&c->target, DEMO_TARGET_MAX);
    buf_init(&c->body, BODY_MAX);
    buf_printf(&c->fields,
               "Authorization: Bearer " BYTES_FMT "\r\n"
               "Content-Type: application/json\r\n"
               "User-Agent: fieldline-demo (simulated)\r\n",
               BYTES_ARG(token));
    if (buf_error(&c->fields) != 0)
        return buf_error(&c->fields);
    return http_client_new(&c->http, world->loop, &world->peer);
}

void demo_client_fini(struct demo_client *c)
{
    http_client_free(&c->http);
    buf_fini(&c->fields);
    buf_fini(&c->target);
    buf_fini(&c->body);
}

int demo_client_ask(struct demo_client *c, struct bytes target, struct bytes id,
                    struct bytes body, http_client_done_fn *done_fn, void *arg)
{
    int error;

    buf_clear(&c->target);
    demo_fill(&c->target, target, BYTES("id"), id);
    error = buf_error(&c->target);
    if (error)
        return error;
    return http_client_request(
        c->http, body.len > 0 ? BYTES("PATCH") : BYTES("GET"),
        buf_bytes(&c->target), buf_bytes(&c->fields), body, done_fn, arg);
}
