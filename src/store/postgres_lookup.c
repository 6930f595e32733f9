/* SPDX-License-Identifier: MIT */
/*
 * postgres_lookup - one request for each host, then the lists.
 *
 * A lookup that was dropped lives until libuv has given back its requests.
 * Threads: loop.
 */
#include "store/postgres_lookup.h"

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "net/loop.h"

#include <netdb.h>
#include <uv.h>

#define LIST_MAX      8192
#define ADDRESSES_MAX 4 /* of one name: tried in turn, as libpq would */

struct lookup_host {
    uv_getaddrinfo_t request;
    struct pg_lookup *lookup;
    char *name;
    struct bytes port;
    bool pending;
    unsigned found;
    char addresses[ADDRESSES_MAX][INET6_ADDRSTRLEN]; /* empty: as it is */
};

struct pg_lookup {
    struct lookup_host hosts[PG_HOSTS_MAX];
    unsigned count, left;
    pg_lookup_fn *fn; /* NULL: dropped */
    void *arg;
    char *ports;
};

static bool is_name(const char *host)
{
    char address[sizeof(struct in6_addr)];

    return host[0] && host[0] != '/' && host[0] != '@' &&
           strcmp(host, "localhost") != 0 &&
           uv_inet_pton(AF_INET, host, address) != 0 &&
           uv_inet_pton(AF_INET6, host, address) != 0;
}

bool pg_hosts_have_names(const struct pg_hosts *h)
{
    struct bytes rest = h->hosts, host;

    while (rest.len) {
        char *name;
        bool yes;

        (void)bytes_cut(rest, ',', &host, &rest);
        name = mem_copy(host);
        yes = name && is_name(name);
        mem_free(name);
        if (yes)
            return true;
    }
    return false;
}

static void lookup_free(struct pg_lookup *l)
{
    for (unsigned i = 0; i < l->count; i++)
        mem_free(l->hosts[i].name);
    mem_free(l->ports);
    mem_free(l);
}

struct lists {
    struct buf hosts, addresses, ports;
};

static void put(struct buf *b, struct bytes text, bool first)
{
    if (!first)
        buf_append_char(b, ',');
    buf_append(b, text);
}

static void put_host(struct lists *to, const struct lookup_host *h)
{
    for (unsigned i = 0; i < h->found; i++) {
        bool first = to->hosts.len == 0;

        put(&to->hosts, bytes_of(h->name), first);
        put(&to->addresses, bytes_of(h->addresses[i]), first);
        put(&to->ports, h->port, first);
    }
}

static void answer(struct pg_lookup *l)
{
    struct lists lists;
    bool found;

    buf_init(&lists.hosts, LIST_MAX);
    buf_init(&lists.addresses, LIST_MAX);
    buf_init(&lists.ports, LIST_MAX);
    for (unsigned i = 0; i < l->count; i++)
        put_host(&lists, &l->hosts[i]);
    found = lists.hosts.len > 0;
    buf_append_char(&lists.hosts, '\0');
    buf_append_char(&lists.addresses, '\0');
    buf_append_char(&lists.ports, '\0');
    if (found && !buf_error(&lists.hosts) && !buf_error(&lists.addresses) &&
        !buf_error(&lists.ports))
        l->fn(lists.hosts.at, lists.addresses.at, lists.ports.at, l->arg);
    else
        l->fn(NULL, NULL, NULL, l->arg);
    buf_fini(&lists.hosts);
    buf_fini(&lists.addresses);
    buf_fini(&lists.ports);
}

static void on_address(uv_getaddrinfo_t *request, int status,
                       struct addrinfo *found)
{
    struct lookup_host *h = CONTAINER_OF(request, struct lookup_host, request);
    struct pg_lookup *l = h->lookup;

    h->pending = false;
    for (const struct addrinfo *a = status == 0 ? found : NULL;
         a && h->found < ADDRESSES_MAX; a = a->ai_next)
        if (getnameinfo(a->ai_addr, a->ai_addrlen, h->addresses[h->found],
                        sizeof(h->addresses[0]), NULL, 0, NI_NUMERICHOST) == 0)
            h->found++;
    uv_freeaddrinfo(found);
    if (--l->left)
        return;
    if (l->fn)
        answer(l);
    lookup_free(l);
}

/* A port for each host, or one for all. */
static int hosts_read(struct pg_lookup *l, const struct pg_hosts *from)
{
    struct bytes hosts = from->hosts, ports, host, port = {NULL, 0};
    bool each = from->ports.len && memchr(from->ports.at, ',', from->ports.len);

    l->ports = mem_copy(from->ports);
    if (!l->ports)
        return ERR_NOMEM;
    ports = bytes_of(l->ports);
    if (!each)
        port = ports;
    while (hosts.len) {
        struct lookup_host *h = &l->hosts[l->count];

        if (l->count == PG_HOSTS_MAX)
            return ERR_LIMIT;
        (void)bytes_cut(hosts, ',', &host, &hosts);
        if (each)
            (void)bytes_cut(ports, ',', &port, &ports);
        h->lookup = l;
        h->port = port;
        h->name = mem_copy(host);
        if (!h->name)
            return ERR_NOMEM;
        l->count++;
    }
    return 0;
}

int pg_lookup_start(struct pg_lookup **ret, struct loop *loop,
                    const struct pg_hosts *from, pg_lookup_fn *fn, void *arg)
{
    static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct pg_lookup *l = mem_zalloc(1, sizeof(*l));
    int error;

    if (!l)
        return ERR_NOMEM;
    l->fn = fn;
    l->arg = arg;
    error = hosts_read(l, from);
    for (unsigned i = 0; i < l->count && !error; i++) {
        struct lookup_host *h = &l->hosts[i];

        if (!is_name(h->name))
            h->found = 1; /* libpq takes it as it is */
        else
            h->pending = uv_getaddrinfo(loop_uv(loop), &h->request, on_address,
                                        h->name, NULL, &hints) == 0;
        l->left += h->pending;
    }
    if (error || !l->left) {
        lookup_free(l);
        return error ? error : ERR_IO;
    }
    *ret = l;
    return 0;
}

void pg_lookup_drop(struct pg_lookup **lookup)
{
    struct pg_lookup *l = *lookup;

    *lookup = NULL;
    if (!l)
        return;
    l->fn = NULL;
    for (unsigned i = 0; i < l->count; i++)
        if (l->hosts[i].pending)
            (void)uv_cancel((uv_req_t *)&l->hosts[i].request);
}
