/* SPDX-License-Identifier: MIT */
/*
 * Each allocation, read and write fails in turn; the edge goes on.
 *
 * What the client then gets is an answer, an error or the end of its stream;
 * what it must get once nothing fails any more is the right answer.
 * Threads: see rig.h.
 */
#include "rig.h"

#include "base/fault.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define PASSES_MAX 400

static struct rig rig;

static void round_trip(const char *token)
{
    static const char *const tails[] = {
        "GET /items/7 HTTP/1.1\r\nHost: t\r\nConnection: close\r\n",
        "GET /list HTTP/1.1\r\nHost: t\r\nAccept-Encoding: gzip\r\n"
        "Connection: close\r\n",
        "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n"
        "Connection: close\r\n",
        "GET /nowhere HTTP/1.1\r\nHost: t\r\nConnection: close\r\n",
        "GET /open/9 HTTP/1.1\r\nHost: t\r\nFieldline-Position: e1:99\r\n"
        "Connection: close\r\n",
    };

    for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
        struct client *c = client_open(&rig, 0);
        char text[4096];

        (void)snprintf(text, sizeof(text), "%s%s\r\nhello", tails[i], token);
        client_send_bytes(c, (struct bytes){text, strlen(text) / 2});
        client_send(c, text + strlen(text) / 2);
        (void)shutdown(c->fd, SHUT_WR);
        (void)client_at_end(c);
        client_close(&c);
    }
}

static void check_kind(enum fault_kind kind)
{
    for (uint64_t pass = 1; pass < PASSES_MAX; pass++) {
        const char *token;
        struct client *c;

        rig_init(&rig);
        rig.spec.position_wait_ms = 1;
        rig_start(&rig);
        token = rig_token(&rig, "ann", "t1", "DRIVE");
        /* A count whose memory cannot be had is lost, by the metrics' own
         * contract: let it be there before. */
        c = client_open(&rig, 0);
        assert_int_equal(client_get(c, "/public", "")->status, 200);
        client_close(&c);
        fault_arm(kind, pass);
        round_trip(token);

        bool over = fault_passes(kind) < pass;

        fault_arm(kind, 0);
        c = client_open(&rig, 0);
        assert_int_equal(client_get(c, "/items/7", token)->status, 200);
        assert_int_equal(client_get(c, "/list", "")->status, 200);
        client_close(&c);
        rig_gauge_wait(&rig, METRIC_CONNECTIONS, 0);
        rig_stop(&rig);
        if (over)
            return;
    }
    fail_msg("more than %d passes", PASSES_MAX);
}

static void test_each_allocation_fails_in_turn(void **state)
{
    check_kind(FAULT_ALLOC);
}

static void test_each_read_fails_in_turn(void **state)
{
    check_kind(FAULT_READ);
}

static void test_each_write_fails_in_turn(void **state)
{
    check_kind(FAULT_WRITE);
}

RUN(cmocka_unit_test(test_each_allocation_fails_in_turn),
    cmocka_unit_test(test_each_read_fails_in_turn),
    cmocka_unit_test(test_each_write_fails_in_turn))
