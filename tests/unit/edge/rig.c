/* SPDX-License-Identifier: MIT */
/*
 * rig - the handlers, the workers and the client of the edge's tests.
 * Threads: see rig.h.
 */
#include "rig.h"

#include "base/blob.h"
#include "base/clock.h"
#include "base/hash.h"
#include "net/stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define CLIENT_PATIENCE_S 20 /* a test that hangs ends */

/* ---- handlers --------------------------------------------------------- */

static struct rig *rig_of(struct exchange *x)
{
    return x->route->arg;
}

static void answer_text(struct exchange *x, unsigned status, const char *type,
                        struct bytes text)
{
    struct blob *body = NULL;

    int error = blob_new(&body, text);

    if (error < 0)
        exchange_error(x, error);
    else
        exchange_reply(x, status, type, body);
}

static void on_hello(struct exchange *x)
{
    atomic_fetch_add(&rig_of(x)->calls, 1);
    answer_text(x, 200, "text/plain", BYTES("hello"));
}

static void on_echo(struct exchange *x)
{
    atomic_fetch_add(&rig_of(x)->calls, 1);
    answer_text(x, 200, "application/octet-stream", x->body);
}

/* Says who asked for what, and the how manieth call it was. */
static void on_item(struct exchange *x)
{
    struct rig *rig = rig_of(x);
    unsigned call = atomic_fetch_add(&rig->calls, 1) + 1;
    struct bytes id = x->params[0];
    struct bytes text = arena_printf(
        &x->arena,
        "{\"id\":\"" BYTES_FMT "\",\"tenant\":\"" BYTES_FMT
        "\",\"user\":\"" BYTES_FMT "\",\"roles\":%u,\"call\":%u}",
        BYTES_ARG(id), x->identity ? (int)x->identity->tenant.len : 0,
        x->identity ? x->identity->tenant.at : "",
        x->identity ? (int)x->identity->user.len : 0,
        x->identity ? x->identity->user.at : "",
        x->identity ? x->identity->roles : 0, call);

    x->cacheable = true;
    x->tags = (struct tagset){.tags = {hash_stable(id)}, .count = 1};
    x->etag = BYTES("\"v1.r1\"");
    answer_text(x, 200, "application/json", text);
}

/* Wants to be cached, and sets a cookie all the same. */
static void on_cookie(struct exchange *x)
{
    exchange_header(x, "Set-Cookie", BYTES("a=b"));
    on_item(x);
}

static void on_list(struct exchange *x)
{
    struct rig *rig = rig_of(x);
    struct buf b;
    struct blob *body = NULL;

    atomic_fetch_add(&rig->calls, 1);
    buf_init(&b, 1 << 20);
    for (int i = 0; i < 500; i++)
        buf_printf(&b, "{\"row\":%d},", i);
    if (buf_take(&b, &body) < 0) {
        buf_fini(&b);
        exchange_error(x, ERR_NOMEM);
        return;
    }
    x->cacheable = true;
    x->tags = (struct tagset){.tags = {hash_stable(BYTES("list"))}, .count = 1};
    exchange_reply(x, 200, "application/json", body);
}

static void on_slow(struct exchange *x)
{
    struct rig *rig = rig_of(x);

    atomic_fetch_add(&rig->calls, 1);
    x->handler_state = rig;
    pthread_mutex_lock(&rig->lock);
    assert_true(rig->held_count < RIG_HELD_MAX);
    rig->held[rig->held_count++] = (struct held){x, x->edge};
    pthread_cond_broadcast(&rig->changed);
    pthread_mutex_unlock(&rig->lock);
}

static void on_write(struct exchange *x)
{
    int error = exchange_precondition(x, BYTES("v1"));

    if (error < 0) {
        exchange_error(x, error);
        return;
    }
    x->position = 77;
    exchange_reply(x, 204, NULL, NULL);
}

static void on_headers(struct exchange *x)
{
    exchange_header(x, "X-Good", BYTES("yes"));
    exchange_header(x, "X-Bad", BYTES("a\r\nX-Injected: 1"));
    answer_text(x, 200, "text/plain", BYTES("ok"));
}

static void on_upgraded(struct stream *s, struct identity *id, char *rest,
                        size_t rest_len, void *arg)
{
    struct edge_worker *ew = arg;
    struct rig *rig = worker_arg(edge_worker_worker(ew));

    stream_own(s, NULL, NULL);
    stream_write(s, BYTES("rest="));
    stream_write(s, (struct bytes){rest, rest_len});
    stream_write(s, BYTES(" user="));
    stream_write(s, id->user);
    stream_shutdown(s);
    edge_worker_upgraded_end(ew);
    atomic_fetch_add(&rig->upgraded, 1);
}

static void on_upgrade(struct exchange *x)
{
    exchange_header(x, "Sec-WebSocket-Accept", BYTES("abc"));
    exchange_upgrade(x, "websocket", on_upgraded, x->edge);
}

static void routes_add(struct rig *rig)
{
    const struct route routes[] = {
        {HTTP_GET, "/public", on_hello, ROUTE_PUBLIC, -1, 0, rig},
        {HTTP_POST, "/echo", on_echo, ROUTE_PUBLIC, -1, 100000, rig},
        {HTTP_POST, "/tiny", on_echo, ROUTE_PUBLIC, -1, 10, rig},
        {HTTP_GET, "/items/:id", on_item, ROUTE_CACHED, 0, 0, rig},
        {HTTP_PATCH, "/items/:id", on_write, 0, -1, 0, rig},
        {HTTP_GET, "/mine/:id", on_item, ROUTE_CACHED | ROUTE_BY_USER, 0, 0,
         rig},
        {HTTP_GET, "/open/:id", on_item, ROUTE_CACHED | ROUTE_PUBLIC, 0, 0,
         rig},
        {HTTP_GET, "/list", on_list, ROUTE_CACHED | ROUTE_PUBLIC, 1, 0, rig},
        {HTTP_GET, "/slow/:id", on_slow, ROUTE_CACHED | ROUTE_PUBLIC, 0, 0,
         rig},
        {HTTP_GET, "/cookie/:id", on_cookie, ROUTE_CACHED | ROUTE_PUBLIC, 0, 0,
         rig},
        {HTTP_GET, "/headers", on_headers, ROUTE_PUBLIC, -1, 0, rig},
        {HTTP_GET, "/up", on_upgrade, ROUTE_UPGRADE, -1, 0, rig},
    };

    for (size_t i = 0; i < ARRAY_LEN(routes); i++)
        assert_int_equal(edge_route_add(rig->edge, &routes[i]), 0);
}

/* ---- the edge --------------------------------------------------------- */

static struct bytes epoch(void *arg)
{
    return BYTES(RIG_EPOCH);
}

void rig_init(struct rig *rig)
{
    *rig = (struct rig){.workers = 1};
    rig->roles[0] = BYTES("DISPATCH");
    rig->roles[1] = BYTES("DRIVE");
    rig->classes[0] = (struct cache_class_spec){BYTES("item"), 60000, 0, 100};
    rig->classes[1] = (struct cache_class_spec){BYTES("list"), 60000, 0, 100};
    rig->spec = (struct edge_spec){
        .auth = {.alg = AUTH_HS256,
                 .secret = BYTES(RIG_SECRET),
                 .tenant_claim = BYTES("tenant"),
                 .user_claim = BYTES("sub"),
                 .role_claim = BYTES("role"),
                 .role_count = 2,
                 .leeway_s = 30},
        .class_count = 2,
    };
    atomic_init(&rig->slow_status, 200);
    pthread_mutex_init(&rig->lock, NULL);
    pthread_cond_init(&rig->changed, NULL);
}

static int on_start(struct worker *w, void *arg)
{
    struct rig *rig = arg;
    unsigned i = worker_index(w);
    int error = edge_worker_new(&rig->ew[i], rig->edge, w, rig->shards[i]);

    return error < 0
               ? error
               : edge_worker_listen(rig->ew[i], "127.0.0.1", 0, &rig->port[i]);
}

/* As a store session does that closes. */
static void held_fail(struct rig *rig, const struct edge_worker *ew)
{
    for (unsigned i = 0; i < rig->held_count; i++)
        if (rig->held[i].ew == ew)
            exchange_error(rig->held[i].x, ERR_CLOSED);
}

static void on_stop(struct worker *w, void *arg)
{
    struct rig *rig = arg;

    held_fail(rig, rig->ew[worker_index(w)]);
    edge_worker_free(&rig->ew[worker_index(w)]);
}

void rig_start(struct rig *rig)
{
    static const struct worker_events events = {on_start, on_stop};
    struct edge_feed feed = {.epoch_fn = epoch};

    rig->spec.classes = rig->classes;
    rig->spec.auth.roles = rig->roles;
    assert_int_equal(tagclock_new(&rig->clock, 1 << 16), 0);
    tagclock_restart(rig->clock, 10);
    assert_int_equal(metrics_new(&rig->metrics), 0);
    assert_int_equal(
        edge_new(&rig->edge, &rig->spec, rig->clock, rig->metrics, &feed), 0);
    routes_add(rig);
    if (rig->routes_fn)
        rig->routes_fn(rig);
    assert_int_equal(edge_start(rig->edge), 0);
    for (unsigned i = 0; i < rig->workers; i++) {
        assert_int_equal(metrics_shard_new(rig->metrics, &rig->shards[i]), 0);
        assert_int_equal(worker_new(&rig->worker[i], "test", i, &events, rig),
                         0);
        assert_int_equal(worker_start(rig->worker[i]), 0);
    }
}

void rig_stop(struct rig *rig)
{
    workers_stop(rig->worker, rig->workers);
    for (unsigned i = 0; i < rig->workers; i++)
        worker_free(&rig->worker[i]);
    edge_free(&rig->edge);
    tagclock_free(&rig->clock);
    metrics_free(&rig->metrics);
    pthread_cond_destroy(&rig->changed);
    pthread_mutex_destroy(&rig->lock);
}

void rig_held_wait(struct rig *rig, unsigned count)
{
    pthread_mutex_lock(&rig->lock);
    while (rig->held_count < count)
        pthread_cond_wait(&rig->changed, &rig->lock);
    pthread_mutex_unlock(&rig->lock);
}

struct errand {
    struct letter letter; /* first */
    struct rig *rig;
    void (*fn)(struct rig *, struct edge_worker *);
    bool done;
};

static void on_errand(struct worker *w, struct letter *letter)
{
    struct errand *e = CONTAINER_OF(letter, struct errand, letter);
    struct rig *rig = e->rig;

    e->fn(rig, rig->ew[worker_index(w)]);
    pthread_mutex_lock(&rig->lock);
    e->done = true;
    pthread_cond_broadcast(&rig->changed);
    pthread_mutex_unlock(&rig->lock);
}

void rig_on_worker(struct rig *rig, unsigned worker,
                   void (*fn)(struct rig *, struct edge_worker *))
{
    struct errand e = {.letter = {.fn = on_errand}, .rig = rig, .fn = fn};

    worker_post(rig->worker[worker], &e.letter);
    pthread_mutex_lock(&rig->lock);
    while (!e.done)
        pthread_cond_wait(&rig->changed, &rig->lock);
    pthread_mutex_unlock(&rig->lock);
}

static void release_here(struct rig *rig, struct edge_worker *ew)
{
    for (unsigned i = 0; i < rig->going_count; i++) {
        struct exchange *x = rig->going[i].x;
        unsigned status = atomic_load(&rig->slow_status);

        if (rig->going[i].ew != ew)
            continue;
        x->cacheable = true;
        x->tags =
            (struct tagset){.tags = {hash_stable(x->params[0])}, .count = 1};
        if (status == 200)
            answer_text(x, 200, "text/plain", x->params[0]);
        else
            exchange_problem(x, status, "failed", "it failed");
    }
}

/* Only what is held now: what that sets going may be held anew. */
void rig_held_release(struct rig *rig)
{
    pthread_mutex_lock(&rig->lock);
    memcpy(rig->going, rig->held, sizeof(rig->held));
    rig->going_count = rig->held_count;
    rig->held_count = 0;
    pthread_mutex_unlock(&rig->lock);
    for (unsigned i = 0; i < rig->workers; i++)
        rig_on_worker(rig, i, release_here);
}

static void nothing(struct rig *rig, struct edge_worker *ew)
{
}

void rig_total_wait(struct rig *rig, enum metric metric, uint64_t total)
{
    while (metrics_total(rig->metrics, metric) < total)
        rig_on_worker(rig, 0, nothing);
}

void rig_gauge_wait(struct rig *rig, enum metric metric, double value)
{
    double off;

    do {
        rig_on_worker(rig, 0, nothing);
        off = metrics_value(rig->metrics, metric) - value;
    } while (off > 0.5 || off < -0.5);
}

const char *rig_token(struct rig *rig, const char *user, const char *tenant,
                      const char *role)
{
    static char lines[8][2048];
    static unsigned next;
    char *line = lines[next++ % 8];
    struct buf b;

    buf_init(&b, 2000);
    assert_int_equal(auth_token_write(&b, &rig->spec.auth, bytes_of(user),
                                      bytes_of(tenant), bytes_of(role),
                                      clock_wall_us(), 3600),
                     0);
    (void)snprintf(line, 2048, "Authorization: Bearer " BYTES_FMT "\r\n",
                   BYTES_ARG(buf_bytes(&b)));
    buf_fini(&b);
    return line;
}

/* ---- the client ------------------------------------------------------- */

struct client *client_open(struct rig *rig, unsigned worker)
{
    struct client *c = calloc(1, sizeof(*c));
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)rig->port[worker]),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct timeval patience = {.tv_sec = CLIENT_PATIENCE_S};

    assert_non_null(c);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(c->fd >= 0);
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    assert_int_equal(connect(c->fd, (struct sockaddr *)&at, sizeof(at)), 0);
    return c;
}

void client_close(struct client **client)
{
    close((*client)->fd);
    free(*client);
    *client = NULL;
}

void client_send_bytes(struct client *c, struct bytes text)
{
    while (text.len) {
        ssize_t n = send(c->fd, text.at, text.len, MSG_NOSIGNAL);

        if (n <= 0)
            return; /* the peer may have had enough: the answer tells */
        text = bytes_skip(text, (size_t)n);
    }
}

void client_send(struct client *c, const char *text)
{
    client_send_bytes(c, bytes_of(text));
}

/* False at the end of the stream. */
static bool client_read(struct client *c)
{
    ssize_t n = recv(c->fd, c->in + c->len, sizeof(c->in) - c->len, 0);

    if (n < 0 && errno == EAGAIN)
        fail_msg("nothing came for %d s", CLIENT_PATIENCE_S);
    if (n <= 0)
        return false;
    c->len += (size_t)n;
    return true;
}

static void client_take(struct client *c, size_t n)
{
    c->len -= n;
    memmove(c->in, c->in + n, c->len);
}

const char *answer_header(const struct answer *a, const char *name)
{
    static char value[8192];
    size_t len = strlen(name);

    for (const char *at = strstr(a->head, "\r\n"); at;
         at = strstr(at + 2, "\r\n")) {
        if (strncasecmp(at + 2, name, len) == 0 && at[2 + len] == ':') {
            const char *from = at + 2 + len + 2;

            (void)snprintf(value, sizeof(value), "%.*s",
                           (int)strcspn(from, "\r"), from);
            return value;
        }
    }
    return NULL;
}

const struct answer *client_answer(struct client *c, enum client_body what)
{
    static struct answer a;
    char *end;

    while (!(end = memmem(c->in, c->len, "\r\n\r\n", 4)))
        if (!client_read(c))
            fail_msg("the stream ended before an answer: '%.*s'", (int)c->len,
                     c->in);

    size_t head = (size_t)(end - c->in) + 4;

    assert_true(head < sizeof(a.head));
    memcpy(a.head, c->in, head);
    a.head[head] = '\0';
    a.status = (unsigned)atoi(a.head + 9);
    client_take(c, head);

    const char *length = answer_header(&a, "content-length");

    a.body_len = what == CLIENT_BODY && length ? (size_t)atoi(length) : 0;
    while (c->len < a.body_len)
        assert_true(client_read(c));
    memcpy(a.body, c->in, a.body_len);
    a.body[a.body_len] = '\0';
    client_take(c, a.body_len);
    return &a;
}

bool client_at_end(struct client *c)
{
    while (client_read(c))
        ;
    return c->len == 0;
}

const struct answer *client_get(struct client *c, const char *target,
                                const char *lines)
{
    char text[16384];

    (void)snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: t\r\n%s\r\n",
                   target, lines);
    client_send(c, text);
    return client_answer(c, CLIENT_BODY);
}
