/* SPDX-License-Identifier: MIT */
/*
 * rest - the routes, and how errors and replies are spelled.
 * Threads: routes immutable; the rest loop.
 */
#include "rest/rest.h"

#include "base/blob.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"
#include "data/write.h"
#include "rest/internal.h"
#include "store/store.h"

#include <stdio.h>

#define ETAG_TEXT_MAX 64
#define API_PREFIX    "/api/v1/"

struct data_worker *rest_worker(struct exchange *x)
{
    return edge_worker_slot(x->edge, EDGE_SLOT_DATA);
}

int rest_query(struct exchange *x, struct query *q)
{
    struct viewer viewer = {{NULL, 0}, {NULL, 0}, 0};

    if (x->identity)
        viewer = (struct viewer){x->identity->tenant, x->identity->user,
                                 x->identity->roles};
    return query_init(q, rest_resource(x), &viewer, &x->arena);
}

static unsigned status_of(int error, unsigned invalid_status)
{
    switch (error) {
    case ERR_INVALID:
        return invalid_status;
    case ERR_DENIED:
        return 403;
    case ERR_CONFLICT:
        return 409;
    default:
        return 0;
    }
}

void rest_error(struct exchange *x, int error, unsigned invalid_status,
                const struct mistake *m, const struct store_detail *detail)
{
    unsigned status = status_of(error, invalid_status);

    if (status && m && m->type) {
        exchange_problem(x, status, m->type, "%s", m->text);
        return;
    }
    if (error == ERR_PRECONDITION) {
        exchange_problem(x, 412, "stale-version",
                         "the row has changed: read it again, and send its new "
                         "ETag as If-Match");
        return;
    }
    if (detail && detail->text[0] && error != ERR_NOT_FOUND)
        log_warn("rest.store", "route=%s error=%s sqlstate=%s detail=\"%s\"",
                 x->route->template, error_name(error), detail->sqlstate,
                 detail->text);
    if (error == ERR_UNSURE) /* not one to be simply sent again */
        exchange_problem(x, 503, "outcome-unknown",
                         "the connection to the database was lost while this "
                         "was being committed: read the row to see whether it "
                         "was done");
    else
        exchange_error(x, error);
}

int rest_etag(struct exchange *x, uint64_t version, struct bytes body)
{
    struct buf b;
    int error;

    buf_init(&b, ETAG_TEXT_MAX);
    buf_append_char(&b, '"');
    version_append(&b, version);
    buf_append_char(&b, '.');
    version_append(&b, hash_stable(body));
    buf_append_char(&b, '"');
    error = buf_error(&b);
    if (!error) {
        x->etag = arena_copy(&x->arena, buf_bytes(&b));
        error = x->etag.at ? 0 : ERR_NOMEM;
    }
    buf_fini(&b);
    return error;
}

/* Routes. */

struct rest_method {
    exchange_fn *handler;
    enum http_method method;
    bool item;
};

static const struct rest_method methods[] = {
    {rest_list, HTTP_GET, false},   {rest_create, HTTP_POST, false},
    {rest_item, HTTP_GET, true},    {rest_patch, HTTP_PATCH, true},
    {rest_replace, HTTP_PUT, true}, {rest_remove, HTTP_DELETE, true},
};

static int path_of(struct data *d, const struct resource_spec *spec,
                   const char *rest, const char **ret)
{
    size_t size = sizeof(API_PREFIX) + spec->name.len + strlen(rest);
    char *path = data_keep(d, size);

    if (!path)
        return ERR_NOMEM;
    (void)snprintf(path, size, API_PREFIX BYTES_FMT "%s", BYTES_ARG(spec->name),
                   rest);
    *ret = path;
    return 0;
}

static int resource_routes(struct data *d, struct edge *edge,
                           const struct data_resource *r)
{
    const struct resource_spec *spec = data_resource_spec(r);
    const char *list, *item;
    int error = path_of(d, spec, "", &list);

    if (!error)
        error = path_of(d, spec, "/:id", &item);
    for (size_t i = 0; i < ARRAY_LEN(methods) && !error; i++) {
        const struct rest_method *m = &methods[i];
        struct route route = {
            .method = m->method,
            .template = m->item ? item : list,
            .handler = m->handler,
            .cache_class = -1,
            .arg = (void *)r,
        };

        if (m->method == HTTP_GET)
            route.cache_class = m->item ? spec->item_class : spec->list_class;
        if (route.cache_class >= 0)
            route.flags = ROUTE_CACHED;
        if (route.flags && data_resource_by_user(r))
            route.flags |= ROUTE_BY_USER;
        error = edge_route_add(edge, &route);
    }
    return error;
}

int rest_routes(struct data *d, struct edge *edge)
{
    const struct data_resource *r;
    int error = 0;

    for (unsigned i = 0; !error && (r = data_resource_at(d, i)); i++)
        error = resource_routes(d, edge, r);
    return error;
}
