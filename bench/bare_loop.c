/* SPDX-License-Identifier: MIT */
/*
 * bare_loop - the least that libuv can do for an HTTP request.
 *
 * `bare_loop PORT` listens on 127.0.0.1 and answers each request with one
 * fixed reply of 1 KB. It parses nothing: a request ends where CR LF CR LF
 * does, also when that is split between two reads. Pipelined requests are
 * answered with one write. What Fieldline spends beyond this per request is
 * what Fieldline costs.
 * Threads: one.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define READ_BYTES    ((size_t)64 * 1024)
#define BODY_BYTES    1024
#define BACKLOG       1024
#define PIPELINED_MAX 64

struct conn {
    uv_tcp_t tcp;
    unsigned matched; /* how much of CR LF CR LF the last read ended with */
};

struct late_write {
    uv_write_t req;
    char bytes[];
};

static char lent[READ_BYTES];
static char reply[BODY_BYTES + 256];
static size_t reply_len;
static uv_buf_t replies[PIPELINED_MAX]; /* the one reply, many times */

static void reply_make(void)
{
    int head = snprintf(reply, sizeof(reply),
                        "HTTP/1.1 200 OK\r\n"
                        "Content-Type: application/json\r\n"
                        "Content-Length: %d\r\n\r\n",
                        BODY_BYTES);

    memset(reply + head, 'x', BODY_BYTES);
    reply_len = (size_t)head + BODY_BYTES;
    for (unsigned i = 0; i < PIPELINED_MAX; i++)
        replies[i] = uv_buf_init(reply, (unsigned)reply_len);
}

static void on_closed(uv_handle_t *h)
{
    free(h);
}

static void conn_close(struct conn *c)
{
    if (!uv_is_closing((uv_handle_t *)&c->tcp))
        uv_close((uv_handle_t *)&c->tcp, on_closed);
}

static void on_written(uv_write_t *req, int status)
{
    if (status < 0)
        conn_close((struct conn *)req->handle);
    free(req);
}

/* The rest of n replies, from the byte the kernel did not take. */
static void write_late(struct conn *c, unsigned n, size_t sent)
{
    size_t len = n * reply_len - sent;
    struct late_write *w = malloc(sizeof(*w) + len);
    uv_buf_t buf;

    if (!w) {
        conn_close(c);
        return;
    }
    for (size_t i = 0; i < len; i++)
        w->bytes[i] = reply[(sent + i) % reply_len];
    buf = uv_buf_init(w->bytes, (unsigned)len);
    if (uv_write(&w->req, (uv_stream_t *)&c->tcp, &buf, 1, on_written) != 0) {
        free(w);
        conn_close(c);
    }
}

static void answer(struct conn *c, unsigned n)
{
    int sent = uv_try_write((uv_stream_t *)&c->tcp, replies, n);

    if (sent == UV_EAGAIN)
        sent = 0;
    if (sent < 0)
        conn_close(c);
    else if ((size_t)sent < n * reply_len)
        write_late(c, n, (size_t)sent);
}

/* The end of the next request in at[0..len), or NULL: it is not whole yet. */
static const char *request_end(struct conn *c, const char *at, size_t len)
{
    static const char end[] = {'\r', '\n', '\r', '\n'};
    const char *found;

    for (; c->matched > 0 && len > 0; at++, len--) {
        if (*at != end[c->matched]) {
            c->matched = *at == '\r' ? 1 : 0;
        } else if (++c->matched == sizeof(end)) {
            c->matched = 0;
            return at + 1;
        }
    }
    found = len ? memmem(at, len, end, sizeof(end)) : NULL;
    if (found)
        return found + sizeof(end);
    for (size_t n = len < 3 ? len : 3; n > 0; n--) {
        if (memcmp(at + len - n, end, n) == 0) {
            c->matched = (unsigned)n;
            break;
        }
    }
    return NULL;
}

static void on_lend(uv_handle_t *h, size_t suggested, uv_buf_t *ret)
{
    *ret = uv_buf_init(lent, sizeof(lent));
}

static void on_bytes(uv_stream_t *h, ssize_t n, const uv_buf_t *buf)
{
    struct conn *c = (struct conn *)h;
    const char *at = buf->base, *end = at + (n > 0 ? n : 0), *next;
    unsigned requests = 0;

    if (n < 0) {
        conn_close(c);
        return;
    }
    while ((next = request_end(c, at, (size_t)(end - at)))) {
        at = next;
        if (++requests == PIPELINED_MAX) {
            answer(c, requests);
            requests = 0;
        }
    }
    if (requests > 0)
        answer(c, requests);
}

static void on_connection(uv_stream_t *server, int status)
{
    struct conn *c = status == 0 ? calloc(1, sizeof(*c)) : NULL;

    if (!c)
        return;
    uv_tcp_init(server->loop, &c->tcp);
    if (uv_accept(server, (uv_stream_t *)&c->tcp) != 0) {
        conn_close(c);
        return;
    }
    uv_tcp_nodelay(&c->tcp, 1);
    if (uv_read_start((uv_stream_t *)&c->tcp, on_lend, on_bytes) != 0)
        conn_close(c);
}

int main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    struct sockaddr_storage at;
    int at_len = sizeof(at), error;
    uv_tcp_t server;

    if (argc != 2) {
        fprintf(stderr, "usage: bare_loop PORT\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    reply_make();
    uv_tcp_init(loop, &server);
    if ((error = uv_ip4_addr("127.0.0.1", atoi(argv[1]),
                             (struct sockaddr_in *)&at)) != 0 ||
        (error = uv_tcp_bind(&server, (struct sockaddr *)&at, 0)) != 0 ||
        (error = uv_listen((uv_stream_t *)&server, BACKLOG, on_connection)) ||
        (error = uv_tcp_getsockname(&server, (struct sockaddr *)&at,
                                    &at_len)) != 0) {
        fprintf(stderr, "bare_loop: %s\n", uv_strerror(error));
        return 1;
    }
    printf("listening on http://127.0.0.1:%d\n",
           ntohs(((struct sockaddr_in *)&at)->sin_port));
    fflush(stdout);
    return uv_run(loop, UV_RUN_DEFAULT);
}
