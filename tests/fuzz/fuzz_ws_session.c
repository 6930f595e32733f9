/* SPDX-License-Identifier: MIT */
/*
 * fuzz_ws_session - whatever a client sends, a session answers in whole JSON
 * messages of its protocol and goes when the client goes.
 *
 * Options: bit 0, the handshake had a token (a manager's); bit 1, compression;
 * bit 2, the input is lines, each sent as one text message; bit 3, the token
 * was a driver's. Else the input is bytes of the wire.
 * Threads: the fuzzer's; the session lives on the rig's first worker.
 */
#include "fuzz.h"
#include "../unit/hub/rig.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "edge/edge.h"
#include "edge/identity.h"
#include "hub/desk.h"
#include "hub/session.h"
#include "json/json.h"
#include "net/stream.h"
#include "proto/ws.h"

#include <sys/socket.h>
#include <unistd.h>

#define WIRE_MAX  ((size_t)1 << 22)
#define LIMIT     65536
#define QUEUE_MAX 65536

struct visit {
    unsigned options;
    struct buf wire;
    int fd; /* the server's end */
    const char *token;
};

static struct rig *rig_once(void)
{
    static struct hub_spec spec;
    static struct rig *rig;

    if (!rig) {
        log_level_set(LOG_OFF);
        spec = *rig_hub_spec();
        spec.message_bytes_max = LIMIT;
        spec.queue_bytes_max = QUEUE_MAX;
        rig = rig_new(&spec);
    }
    return rig;
}

static void begin(struct hub_worker *w, void *arg)
{
    struct visit *v = arg;
    struct identity *who = NULL;
    struct stream *stream;
    const char *why;

    if (v->token)
        FUZZ_CHECK(auth_identify(w->auth, bytes_of(v->token), clock_wall_us(),
                                 &who, &why) == 0);
    if (!w->deflate)
        FUZZ_CHECK(ws_deflate_new(&w->deflate) == 0);
    FUZZ_CHECK(stream_adopt(&stream, w->loop, v->fd) == 0);
    edge_worker_upgraded_begin(w->edge);
    session_begin(w, stream, who, v->options & 2, v->wire.at, v->wire.len);
}

static void count(struct hub_worker *w, void *arg)
{
    *(size_t *)arg = w->session_count;
}

static void wire_write(struct buf *wire, bool lines, struct bytes in)
{
    struct bytes line;
    bool more = lines;

    if (!lines)
        buf_append(wire, in);
    while (more) {
        more = bytes_cut(in, '\n', &line, &in);
        ws_write_masked(wire, WS_OP_TEXT, line);
    }
}

/* All that was said is frames that a client accepts, and JSON objects. */
static void check_answers(int fd, bool deflated)
{
    struct ws_deflate *deflate = NULL;
    struct ws_reader reader;
    enum ws_event event = WS_MORE;
    struct bytes text;
    char bytes[65536];
    ssize_t n;

    if (deflated)
        FUZZ_CHECK(ws_deflate_new(&deflate) == 0);
    ws_reader_init(&reader, WS_CLIENT, 1 << 24, deflate);
    while ((n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
        char *at = bytes;
        size_t len = (size_t)n;

        while ((event = ws_reader_next(&reader, &at, &len, &text)) != WS_MORE) {
            json_t *message = NULL;

            FUZZ_CHECK(event != WS_BAD && event != WS_BINARY);
            if (event != WS_TEXT)
                continue;
            FUZZ_CHECK(json_read(text, &message, NULL) == 0);
            FUZZ_CHECK(json_member_string(message, "type").len > 0);
            json_decref(message);
        }
    }
    ws_reader_fini(&reader);
    ws_deflate_free(&deflate);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rig *rig = rig_once();
    struct bytes in = {(const char *)data, size};
    struct visit v = {.options = fuzz_options(&in)};
    size_t sessions;
    int fds[2];

    FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    v.fd = fds[0];
    if (v.options & 9)
        v.token =
            rig_token(rig, "10", "1", v.options & 1 ? "MANAGE" : "DRIVE", 3600);
    buf_init(&v.wire, WIRE_MAX);
    wire_write(&v.wire, v.options & 4, in);
    if (buf_error(&v.wire) == 0) {
        rig_on_worker(rig, 0, begin, &v);
        rig_settle(rig);
        check_answers(fds[1], v.options & 2);
    } else {
        close(fds[0]);
    }
    close(fds[1]);
    do
        rig_on_worker(rig, 0, count, &sessions);
    while (sessions > 0);
    buf_fini(&v.wire);
    return 0;
}
