/* SPDX-License-Identifier: MIT */
/*
 * test_listener - accepting and connecting over loopback, by the hundreds.
 * Threads: loop.
 */
#include "../check.h"

#include "net/loop_private.h"
#include "net/stream.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAGIC   0x6c697374u
#define CLIENTS 300
#define ROUNDS  10
#define FEW     64 /* descriptors */

/* Clients connect, say "ping", hear "pong" and leave; the last stops. */
struct scene {
    struct loop *loop;
    struct listener *listener;
    unsigned port;
    const char *source;
    unsigned accepted, connected, answered, closed, failed;
    int error;
    char peer[64];
};

static void on_close(struct stream *s)
{
    struct scene *sc = stream_owner(s, MAGIC);

    if (++sc->closed == 2 * CLIENTS)
        loop_stop(sc->loop);
}

static void on_server_read(struct stream *s, char *bytes, size_t len)
{
    stream_write(s, BYTES("pong"));
}

static void on_client_read(struct stream *s, char *bytes, size_t len)
{
    struct scene *sc = stream_owner(s, MAGIC);

    sc->answered++;
    stream_shutdown(s);
}

static void on_end(struct stream *s, int error)
{
    assert_int_equal(error, 0);
    stream_shutdown(s);
}

static const struct stream_events server_events = {
    MAGIC, on_server_read, on_end, NULL, on_close,
};
static const struct stream_events client_events = {
    MAGIC, on_client_read, on_end, NULL, on_close,
};

static void on_accept(struct stream *s, void *arg)
{
    struct scene *sc = arg;
    char room[64];
    struct bytes peer = stream_peer(s, room, sizeof(room));
    uv_os_fd_t fd;
    int nodelay = 0;
    socklen_t len = sizeof(nodelay);

    assert_int_equal(uv_fileno((uv_handle_t *)stream_tcp(s), &fd), 0);
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &nodelay, &len),
                     0);
    assert_int_equal(nodelay, 1); /* inherited */
    sc->accepted++;
    assert_true(peer.len < sizeof(sc->peer));
    memcpy(sc->peer, peer.at, peer.len);
    sc->peer[peer.len] = '\0';
    stream_own(s, &server_events, sc);
    assert_int_equal(stream_read_start(s), 0);
}

static void on_connected(struct stream *s, int error, void *arg)
{
    struct scene *sc = arg;

    if (error) {
        assert_null(s);
        sc->error = error;
        sc->failed++;
        loop_stop(sc->loop);
        return;
    }
    sc->connected++;
    stream_own(s, &client_events, sc);
    assert_int_equal(stream_read_start(s), 0);
    stream_write(s, BYTES("ping"));
}

static void scene_open(struct scene *sc, const char *host)
{
    memset(sc, 0, sizeof(*sc));
    assert_int_equal(loop_new(&sc->loop), 0);
    assert_int_equal(
        listener_open(&sc->listener, sc->loop, host, 0, 512, on_accept, sc), 0);
    sc->port = listener_port(sc->listener);
    assert_true(sc->port > 0);
}

static void scene_round(struct scene *sc, const char *host)
{
    sc->accepted = sc->connected = sc->answered = sc->closed = 0;
    for (unsigned i = 0; i < CLIENTS; i++)
        assert_int_equal(stream_connect(sc->loop, host, sc->port, sc->source,
                                        on_connected, sc),
                         0);
    assert_int_equal(loop_run(sc->loop), 0);
    assert_int_equal(sc->accepted, CLIENTS);
    assert_int_equal(sc->connected, CLIENTS);
    assert_int_equal(sc->answered, CLIENTS);
}

static void scene_close(struct scene *sc)
{
    listener_close(&sc->listener);
    assert_null(sc->listener);
    loop_free(&sc->loop);
}

static unsigned descriptors(void)
{
    unsigned open = 0;

    for (int fd = 0; fd < 4096; fd++)
        open += fcntl(fd, F_GETFD) != -1;
    return open;
}

static void hundreds_come_and_go_and_nothing_stays(void **state)
{
    unsigned before;
    struct scene sc;

    scene_open(&sc, "127.0.0.1");
    scene_round(&sc, "127.0.0.1");
    before = descriptors();
    for (unsigned i = 1; i < ROUNDS; i++)
        scene_round(&sc, "127.0.0.1");
    assert_int_equal(descriptors(), before);
    scene_close(&sc);
}

static void a_client_chooses_its_source_address(void **state)
{
    struct scene sc;

    scene_open(&sc, "127.0.0.1");
    sc.source = "127.0.0.2";
    scene_round(&sc, "localhost");
    assert_memory_equal(sc.peer, "127.0.0.2:", 10);
    scene_close(&sc);
}

static void two_listeners_share_a_port(void **state)
{
    struct listener *second;
    struct scene sc;

    scene_open(&sc, "127.0.0.1");
    assert_int_equal(listener_open(&second, sc.loop, "127.0.0.1", sc.port, 16,
                                   on_accept, &sc),
                     0);
    assert_int_equal(listener_port(second), sc.port);
    scene_round(&sc, "127.0.0.1");
    listener_close(&second);
    scene_close(&sc);
}

static void what_cannot_be_opened_is_told(void **state)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t at_len = sizeof(at);
    int taken = socket(AF_INET, SOCK_STREAM, 0); /* without SO_REUSEPORT */
    struct listener *l;
    struct loop *loop;

    assert_int_equal(bind(taken, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(taken, 1), 0);
    assert_int_equal(getsockname(taken, (struct sockaddr *)&at, &at_len), 0);
    assert_int_equal(loop_new(&loop), 0);
    assert_int_equal(listener_open(&l, loop, "127.0.0.1", ntohs(at.sin_port), 1,
                                   on_accept, NULL),
                     ERR_BUSY);
    assert_int_equal(
        listener_open(&l, loop, "no.such.name", 0, 1, on_accept, NULL),
        ERR_INVALID);
    assert_int_equal(
        listener_open(&l, loop, "127.0.0.1", 65536, 1, on_accept, NULL),
        ERR_RANGE);
    assert_int_equal(
        stream_connect(loop, "127.0.0.1", 0, NULL, on_connected, NULL),
        ERR_RANGE);
    loop_free(&loop);
    close(taken);
}

static void a_refused_connection_is_told_later(void **state)
{
    struct scene sc;
    unsigned port;

    scene_open(&sc, "127.0.0.1");
    port = sc.port;
    listener_close(&sc.listener);
    assert_int_equal(
        stream_connect(sc.loop, "127.0.0.1", port, NULL, on_connected, &sc), 0);
    assert_int_equal(sc.failed, 0);
    assert_int_equal(loop_run(sc.loop), 0);
    assert_int_equal(sc.failed, 1);
    assert_int_equal(sc.error, ERR_CLOSED);
    scene_close(&sc);
}

static void a_connection_under_way_ends_with_its_loop(void **state)
{
    struct scene sc;

    scene_open(&sc, "127.0.0.1");
    assert_int_equal(
        stream_connect(sc.loop, "127.0.0.1", sc.port, NULL, on_connected, &sc),
        0);
    assert_int_equal(stream_connect(sc.loop, "LOCALHOST" /* looked up */,
                                    sc.port, NULL, on_connected, &sc),
                     0);
    scene_close(&sc);
    assert_int_equal(sc.failed, 2);
    assert_int_equal(sc.connected, 0);
}

/* ---- out of descriptors ----------------------------------------------- */

static void on_enough(struct timer *t, void *arg)
{
    struct scene *sc = arg;
    loop_stop(sc->loop);
}

static int plain_connect(unsigned port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

static void without_descriptors_callers_are_dropped_not_kept(void **state)
{
    struct rlimit before, few;
    int held[FEW], count = 0;
    struct timer enough;
    struct scene sc;
    int fd;
    char c;

    scene_open(&sc, "127.0.0.1");
    timer_init(&enough, on_enough, &sc);
    timer_start(sc.loop, &enough, 0);
    assert_int_equal(loop_run(sc.loop), 0); /* all that a loop opens is open */
    fd = plain_connect(sc.port);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = FEW;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    while ((held[count] = dup(fd)) >= 0)
        count++;
    timer_start(sc.loop, &enough, 20);
    assert_int_equal(loop_run(sc.loop), 0);
    while (count > 0)
        close(held[--count]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(sc.accepted, 0);
    assert_true(recv(fd, &c, 1, MSG_DONTWAIT) == 0); /* dropped */
    close(fd);
    fd = plain_connect(sc.port); /* and the listener goes on */
    while (sc.accepted == 0) {
        timer_start(sc.loop, &enough, 20);
        assert_int_equal(loop_run(sc.loop), 0);
    }
    close(fd);
    scene_close(&sc);
}

RUN(cmocka_unit_test(hundreds_come_and_go_and_nothing_stays),
    cmocka_unit_test(a_client_chooses_its_source_address),
    cmocka_unit_test(two_listeners_share_a_port),
    cmocka_unit_test(what_cannot_be_opened_is_told),
    cmocka_unit_test(a_refused_connection_is_told_later),
    cmocka_unit_test(a_connection_under_way_ends_with_its_loop),
    cmocka_unit_test(without_descriptors_callers_are_dropped_not_kept))
