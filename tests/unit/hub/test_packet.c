/* SPDX-License-Identifier: MIT */
/*
 * test_packet - one frame for all, compressed at the first need and only where
 * it pays.
 * Threads: loop.
 */
#include "../check.h"

#include "base/blob.h"
#include "base/hash.h"
#include "hub/packet.h"
#include "proto/ws.h"

#define LONG 2000

static void check_frame(struct blob *frame, struct ws_deflate *deflate,
                        struct bytes want)
{
    char copy[2 * LONG], *at = copy;
    size_t len = frame->len;
    struct ws_reader r;
    struct bytes got;

    memcpy(copy, frame->at, frame->len);
    ws_reader_init(&r, WS_CLIENT, 1 << 20, deflate);
    assert_int_equal(ws_reader_next(&r, &at, &len, &got), WS_TEXT);
    assert_true(bytes_equal(got, want));
    ws_reader_fini(&r);
}

static void test_both_forms_say_the_same(void **state)
{
    char text[LONG];
    struct bytes json = {text, sizeof(text)};
    struct ws_deflate *deflate;
    struct packet *p;
    struct blob *small;

    memset(text, 'x', sizeof(text));
    assert_int_equal(ws_deflate_new(&deflate), 0);
    assert_int_equal(packet_new(&p, json), 0);
    assert_true(bytes_equal(packet_json(p), json));
    check_frame(packet_frame(p, NULL), NULL, json);
    small = packet_frame(p, deflate);
    assert_true(small->len < LONG / 4);
    check_frame(small, deflate, json);
    assert_ptr_equal(packet_frame(p, deflate), small); /* made once */
    packet_unref(&p);
    ws_deflate_free(&deflate);
}

static void test_what_does_not_pay_goes_plain(void **state)
{
    char text[LONG];
    struct ws_deflate *deflate;
    struct packet *p;

    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)(1 + hash_mix(i) % 127);
    assert_int_equal(ws_deflate_new(&deflate), 0);
    assert_int_equal(packet_new(&p, (struct bytes){text, sizeof(text)}), 0);
    assert_true(packet_frame(p, deflate)->len <= packet_frame(p, NULL)->len);
    packet_unref(&p);
    memset(text, 'x', sizeof(text));
    assert_int_equal(
        packet_new(&p, (struct bytes){text, PACKET_DEFLATE_MIN - 1}), 0);
    assert_ptr_equal(packet_frame(p, deflate), packet_frame(p, NULL));
    packet_unref(&p);
    ws_deflate_free(&deflate);
}

RUN(cmocka_unit_test(test_both_forms_say_the_same),
    cmocka_unit_test(test_what_does_not_pay_goes_plain))
