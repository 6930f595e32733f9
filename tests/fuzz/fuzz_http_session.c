/* SPDX-License-Identifier: MIT */
/*
 * fuzz_http_session - a whole connection: sockets, parser, pipeline, cache.
 *
 * Whatever is sent, in whatever pieces, each answer is whole HTTP, no request
 * reaches what a token is needed for, and the connection ends once the peer
 * has said that it is done. The edge stays up from input to input, as servers
 * do; its cache is emptied. Bit 0 of the options cuts the input into pieces.
 * Threads: the edge's worker; the fuzzer's own is the client.
 */
#include "fuzz.h"

#include "base/arena.h"
#include "base/blob.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/log.h"
#include "cache/tagclock.h"
#include "edge/edge.h"
#include "metrics/metrics.h"
#include "net/worker.h"
#include "proto/http1.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define INPUT_MAX   ((size_t)1 << 16)
#define ANSWERS_MAX ((size_t)1 << 24)
#define CACHE_BYTES ((size_t)64 << 20)

static struct metrics *metrics;
static struct metrics_shard *shard;
static struct tagclock *edge_clock;
static struct edge *edge;
static struct edge_worker *edge_worker;
static unsigned port;

static void on_echo(struct exchange *x)
{
    struct blob *body = NULL;

    FUZZ_CHECK(blob_new(&body, x->body) == 0);
    exchange_reply(x, 200, "text/plain", body);
}

static void on_item(struct exchange *x)
{
    struct blob *body = NULL;
    struct bytes name, value;
    size_t cursor = 0;
    int error;

    while (exchange_query_next(x, &cursor, &name, &value, &error))
        ;
    if (error) {
        exchange_error(x, error);
        return;
    }
    FUZZ_CHECK(!memchr(x->params[0].at, '/', x->params[0].len));
    FUZZ_CHECK(blob_new(&body, x->params[0]) == 0);
    x->cacheable = true;
    exchange_reply(x, 200, "text/plain", body);
}

static void on_secret(struct exchange *x)
{
    fprintf(stderr, "reached without a token\n");
    abort();
}

static int on_start(struct worker *w, void *arg)
{
    int error = edge_worker_new(&edge_worker, edge, w, shard);

    return error < 0 ? error
                     : edge_worker_listen(edge_worker, "127.0.0.1", 0, &port);
}

static void on_stop(struct worker *w, void *arg)
{
    edge_worker_free(&edge_worker);
}

static void edge_up(void)
{
    static const struct worker_events events = {on_start, on_stop};
    static const struct cache_class_spec class = {BYTES("c"), 60000, 0, 100};
    static const struct bytes role = BYTES("R");
    static const struct route routes[] = {
        {HTTP_POST, "/echo", on_echo, ROUTE_PUBLIC, -1, 1000, NULL},
        {HTTP_GET, "/item/:id", on_item, ROUTE_PUBLIC | ROUTE_CACHED, 0, 0,
         NULL},
        {HTTP_GET, "/secret", on_secret, 0, -1, 0, NULL},
        {HTTP_GET, "/rest/*path", on_echo, ROUTE_PUBLIC, -1, 0, NULL}};
    struct edge_spec spec = {
        .auth = {.alg = AUTH_HS256,
                 .secret = BYTES("a secret of thirty-two bytes or more!"),
                 .user_claim = BYTES("sub"),
                 .role_claim = BYTES("role"),
                 .role_count = 1,
                 .roles = &role},
        .class_count = 1,
        .cache_bytes_max = CACHE_BYTES,
        .classes = &class};
    struct worker *worker = NULL;

    log_level_set(LOG_OFF);
    FUZZ_CHECK(metrics_new(&metrics) == 0);
    FUZZ_CHECK(metrics_shard_new(metrics, &shard) == 0);
    FUZZ_CHECK(tagclock_new(&edge_clock, 1 << 16) == 0);
    FUZZ_CHECK(edge_new(&edge, &spec, edge_clock, metrics, NULL) == 0);
    for (size_t i = 0; i < ARRAY_LEN(routes); i++)
        FUZZ_CHECK(edge_route_add(edge, &routes[i]) == 0);
    FUZZ_CHECK(edge_start(edge) == 0);
    FUZZ_CHECK(worker_new(&worker, "fuzz", 0, &events, NULL) == 0);
    FUZZ_CHECK(worker_start(worker) == 0);
}

static void say(int fd, struct bytes in, unsigned options)
{
    uint64_t cuts = hash_stable(in);

    while (in.len) {
        size_t len = options & 1 ? fuzz_cut(&cuts, in.len) : in.len;
        ssize_t n = send(fd, in.at, len, MSG_NOSIGNAL);

        if (n <= 0)
            break; /* it has had enough */
        in = bytes_skip(in, (size_t)n);
    }
    (void)shutdown(fd, SHUT_WR);
}

static void hear(int fd, struct buf *answers)
{
    for (;;) {
        char *room = buf_reserve(answers, 4096);

        FUZZ_CHECK(room);

        ssize_t n = recv(fd, room, 4096, 0);

        if (n <= 0)
            return;
        answers->len += (size_t)n;
    }
}

static bool is_known(unsigned status)
{
    static const unsigned all[] = {100, 200, 204, 304, 400, 401, 404, 405,
                                   408, 413, 414, 415, 431, 501, 505};

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (all[i] == status)
            return true;
    return false;
}

/* HEAD is the one thing a reader cannot see in an answer: what looks like the
 * body of the answer before is then the next head. */
static void check_answers(struct bytes answers)
{
    while (answers.len) {
        char *head_end = memmem(answers.at, answers.len, "\r\n\r\n", 4);
        unsigned status = 0;

        FUZZ_CHECK(bytes_starts(answers, BYTES("HTTP/1.1 ")) && head_end);
        for (int i = 9; i < 12; i++)
            status = status * 10 + (unsigned)(answers.at[i] - '0');
        if (!is_known(status))
            fprintf(stderr, "status %u\n", status);
        FUZZ_CHECK(is_known(status));
        answers = bytes_skip(answers, (size_t)(head_end + 4 - answers.at));

        const char *next = memmem(answers.at, answers.len, "HTTP/1.1 ", 9);

        answers =
            next ? bytes_skip(answers, (size_t)(next - answers.at)) : BYTES("");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = {(const char *)data, size < INPUT_MAX ? size : INPUT_MAX};
    unsigned options = fuzz_options(&in);
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct timeval patience = {.tv_sec = 10};
    struct buf answers;

    if (!edge)
        edge_up();
    /* An echoed status line would be taken for one of ours. */
    if (memmem(in.at, in.len, "HTTP/1.1 ", 9))
        return 0;
    at.sin_port = htons((uint16_t)port);

    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    FUZZ_CHECK(fd >= 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    FUZZ_CHECK(connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0);
    buf_init(&answers, ANSWERS_MAX);
    say(fd, in, options);
    hear(fd, &answers);
    check_answers(buf_bytes(&answers));
    buf_fini(&answers);
    (void)close(fd);
    FUZZ_CHECK(edge_cache_resize(edge, 0) == 0); /* empties it */
    FUZZ_CHECK(edge_cache_resize(edge, CACHE_BYTES) == 0);
    return 0;
}
