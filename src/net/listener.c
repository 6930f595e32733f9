/* SPDX-License-Identifier: MIT */
/*
 * listener - accepts streams on one worker's own listening socket.
 *
 * Every worker binds the same port with SO_REUSEPORT and the kernel spreads
 * the connections. Accepted sockets inherit TCP_NODELAY from this one. When
 * descriptors run out, libuv gives up a spare one to accept and drop what
 * waits, so a listener never spins. When memory runs out, the connection stays
 * with libuv, which polls no further, and is fetched a little later.
 * Threads: loop.
 */
#include "net/loop_private.h"
#include "net/stream.h"

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"

#include <netinet/in.h>
#include <sys/socket.h>

#define LISTENER_RETRY_MS 100

struct listener {
    uv_tcp_t tcp; /* first */
    listener_accept_fn *accept_fn;
    void *arg;
    struct timer retry;
    unsigned port;
    bool full; /* descriptors ran out, and it was logged */
};

static struct listener *listener_of(const void *handle)
{
    return CONTAINER_OF(handle, struct listener, tcp);
}

static void on_closed(uv_handle_t *h)
{
    mem_free(listener_of(h));
}

static void close_handle(uv_handle_t *h)
{
    timer_stop(&listener_of(h)->retry);
    uv_close(h, on_closed);
}

static const struct handle_kind listener_kind = {close_handle};

static void listener_take(struct listener *l)
{
    struct loop *loop = loop_of(l->tcp.loop);
    struct stream *s;

    if (stream_new(&s, loop) != 0) {
        timer_start(loop, &l->retry, LISTENER_RETRY_MS);
        return;
    }
    if (uv_accept((uv_stream_t *)&l->tcp, (uv_stream_t *)stream_tcp(s)) != 0) {
        stream_close(s);
        return;
    }
    l->full = false;
    l->accept_fn(s, l->arg);
}

static void on_retry(struct timer *t, void *arg)
{
    listener_take(arg);
}

static void on_connection(uv_stream_t *h, int status)
{
    struct listener *l = listener_of(h);

    if (status == 0) {
        listener_take(l);
    } else if (!l->full) {
        l->full = true;
        log_warn("net.listener.accept_failed", "port=%u error=%s", l->port,
                 uv_err_name(status));
    }
}

static int listener_bind(struct listener *l, const struct sockaddr_storage *at,
                         int backlog)
{
    struct sockaddr_storage bound;
    int bound_len = sizeof(bound), on = 1, error;
    uv_os_fd_t fd;

    if ((error = uv_fileno((uv_handle_t *)&l->tcp, &fd)) != 0)
        return error;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0)
        return uv_translate_sys_error(errno);
    if ((error = uv_tcp_nodelay(&l->tcp, 1)) != 0 ||
        (error = uv_tcp_bind(&l->tcp, (const struct sockaddr *)at, 0)) != 0 ||
        (error = uv_listen((uv_stream_t *)&l->tcp, backlog, on_connection)) ||
        (error = uv_tcp_getsockname(&l->tcp, (struct sockaddr *)&bound,
                                    &bound_len)) != 0)
        return error;
    /* The port stands at the same place in both families. */
    l->port = ntohs(((const struct sockaddr_in *)&bound)->sin_port);
    return 0;
}

int listener_open(struct listener **ret, struct loop *loop, const char *host,
                  unsigned port, int backlog, listener_accept_fn *accept_fn,
                  void *arg)
{
    struct sockaddr_storage at;
    struct listener *l;
    int error = net_address(host, port, &at);

    if (error)
        return error;
    l = mem_zalloc(1, sizeof(*l));
    if (!l)
        return ERR_NOMEM;
    l->accept_fn = accept_fn;
    l->arg = arg;
    timer_init(&l->retry, on_retry, l);
    error = uv_tcp_init_ex(&loop->uv, &l->tcp, at.ss_family);
    if (error) {
        mem_free(l);
        return net_error(error);
    }
    l->tcp.data = (void *)&listener_kind;
    error = listener_bind(l, &at, backlog);
    if (error) {
        close_handle((uv_handle_t *)&l->tcp);
        return net_error(error);
    }
    *ret = l;
    return 0;
}

unsigned listener_port(const struct listener *l)
{
    return l->port;
}

void listener_close(struct listener **listener)
{
    struct listener *l = *listener;

    *listener = NULL;
    if (l && !uv_is_closing((uv_handle_t *)&l->tcp))
        close_handle((uv_handle_t *)&l->tcp);
}
