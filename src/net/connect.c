/* SPDX-License-Identifier: MIT */
/*
 * connect - opens a stream to a peer: look the name up, connect, within a time.
 *
 * A number is connected to at once, a name after a look-up on libuv's threads.
 * The stream is the caller's only when it is connected; until then it is this
 * file's, and whatever goes wrong is told by connect_fn.
 * Threads: loop.
 */
#include "net/loop_private.h"
#include "net/stream.h"

#include "base/error.h"
#include "base/mem.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

struct connecting {
    struct loop *loop;
    struct stream *stream; /* once the peer's address is known */
    stream_connect_fn *connect_fn;
    void *arg;
    struct timer patience;
    struct sockaddr_storage source;
    bool has_source, late;
    union {
        uv_connect_t connect;
        uv_getaddrinfo_t lookup;
    } req; /* one after the other */
};

static void connecting_done(struct connecting *c, int error)
{
    timer_stop(&c->patience);
    if (c->late)
        error = ERR_TIMEOUT;
    if (!error)
        stream_nodelay(c->stream);
    else if (c->stream)
        stream_close(c->stream);
    c->connect_fn(error ? NULL : c->stream, error, c->arg);
    mem_free(c);
}

static void on_late(struct timer *t, void *arg)
{
    struct connecting *c = arg;

    c->late = true;
    stream_close(c->stream); /* on_connected follows, cancelled */
}

static void on_connected(uv_connect_t *req, int status)
{
    connecting_done(CONTAINER_OF(req, struct connecting, req.connect),
                    net_error(status));
}

/*
 * With NO_PORT the kernel picks the source port at connect(), so that one
 * source address serves as many connections as there are ports per peer.
 */
static int source_bind(struct connecting *c)
{
    uv_tcp_t *tcp = stream_tcp(c->stream);
    int family = c->source.ss_family, on = 1, error;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return uv_translate_sys_error(errno);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    error = uv_tcp_open(tcp, fd);
    if (error) {
        close(fd);
        return error;
    }
    return uv_tcp_bind(tcp, (struct sockaddr *)&c->source, 0);
}

static int connecting_start(struct connecting *c, const struct sockaddr *to)
{
    int error = stream_new(&c->stream, c->loop);

    if (error)
        return error;
    if (c->has_source)
        error = source_bind(c);
    if (!error)
        error = uv_tcp_connect(&c->req.connect, stream_tcp(c->stream), to,
                               on_connected);
    if (!error)
        timer_start(c->loop, &c->patience, STREAM_CONNECT_MS);
    return net_error(error);
}

static void on_found(uv_getaddrinfo_t *req, int status, struct addrinfo *found)
{
    struct connecting *c = CONTAINER_OF(req, struct connecting, req.lookup);
    int error = ERR_NOT_FOUND;

    if (status == 0)
        error = connecting_start(c, found->ai_addr);
    uv_freeaddrinfo(found);
    if (error)
        connecting_done(c, error);
}

static int connecting_look_up(struct connecting *c, const char *host,
                              unsigned port)
{
    static const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                          .ai_socktype = SOCK_STREAM,
                                          .ai_flags = AI_NUMERICSERV};
    char service[sizeof("65535")];

    snprintf(service, sizeof(service), "%u", port & UINT16_MAX);
    return net_error(uv_getaddrinfo(&c->loop->uv, &c->req.lookup, on_found,
                                    host, service, &hints));
}

int stream_connect(struct loop *loop, const char *host, unsigned port,
                   const char *source_host, stream_connect_fn *connect_fn,
                   void *arg)
{
    struct sockaddr_storage to;
    struct connecting *c;
    int error;

    if (port == 0 || port > UINT16_MAX)
        return ERR_RANGE;
    c = mem_zalloc(1, sizeof(*c));
    if (!c)
        return ERR_NOMEM;
    c->loop = loop;
    c->connect_fn = connect_fn;
    c->arg = arg;
    timer_init(&c->patience, on_late, c);
    if (source_host) {
        error = net_address(source_host, 0, &c->source);
        if (error)
            goto fail;
        c->has_source = true;
    }
    if (net_address(host, port, &to) == 0)
        error = connecting_start(c, (struct sockaddr *)&to);
    else
        error = connecting_look_up(c, host, port);
    if (error)
        goto fail;
    return 0;
fail:
    if (c->stream)
        stream_close(c->stream);
    mem_free(c);
    return error;
}
