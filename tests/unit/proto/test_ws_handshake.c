/* SPDX-License-Identifier: MIT */
/* ws_handshake - the accept key and what is agreed. Threads: loop. */
#include "proto/ws.h"
#include "../check.h"

#define AGREED                                                                 \
    "permessage-deflate; server_no_context_takeover; "                         \
    "client_no_context_takeover"

static void the_accept_key_is_that_of_the_rfc(void **state)
{
    char key[29];

    ws_accept_key(BYTES("dGhlIHNhbXBsZSBub25jZQ=="), key);
    assert_string_equal(key, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static void keys_are_16_bytes(void **state)
{
    assert_true(ws_key_valid(BYTES("dGhlIHNhbXBsZSBub25jZQ==")));
    assert_false(ws_key_valid(BYTES("")));
    assert_false(ws_key_valid(BYTES("dGhlIHNhbXBsZSBub25jZQ=")));
    assert_false(ws_key_valid(BYTES("dGhlIHNhbXBsZSBub25jZQ===")));
    assert_false(ws_key_valid(BYTES("dGhlIHNhbXBsZSBub25jZ===")));
    assert_false(ws_key_valid(BYTES("dGhlIHNhbXBsZSBub25-ZQ==")));
}

static void an_offer_is_taken(void **state)
{
    check_bytes(ws_negotiate(BYTES("permessage-deflate")), AGREED);
    check_bytes(ws_negotiate(BYTES("Permessage-Deflate ; "
                                   "client_max_window_bits")),
                AGREED);
    check_bytes(ws_negotiate(BYTES("permessage-deflate; "
                                   "client_max_window_bits=\"10\"; "
                                   "server_no_context_takeover; "
                                   "client_no_context_takeover")),
                AGREED);
    check_bytes(ws_negotiate(BYTES("x-webkit-deflate-frame, foo;a=b, "
                                   "permessage-deflate")),
                AGREED);
    check_bytes(
        ws_negotiate(BYTES("permessage-deflate; server_max_window_bits=15")),
        AGREED "; server_max_window_bits=15");
    check_bytes(
        ws_negotiate(BYTES("permessage-deflate; server_max_window_bits=10, "
                           "permessage-deflate")),
        AGREED);
}

static void what_cannot_be_kept_is_not_agreed(void **state)
{
    static const char *const offers[] = {
        "",
        "gzip",
        "permessage-deflate; server_max_window_bits=10",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; client_max_window_bits=16",
        "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; client_max_window_bits=08",
        "permessage-deflate; client_max_window_bits=\"",
        "permessage-deflate; unknown",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; client_max_window_bits; client_max_window_bits",
        ("permessage-deflate; server_no_context_takeover; "
         "server_no_context_takeover"),
        "permessage-deflate; ; ",
    };

    for (size_t i = 0; i < ARRAY_LEN(offers); i++)
        check_bytes(ws_negotiate(bytes_of(offers[i])), "");
}

RUN(cmocka_unit_test(the_accept_key_is_that_of_the_rfc),
    cmocka_unit_test(keys_are_16_bytes), cmocka_unit_test(an_offer_is_taken),
    cmocka_unit_test(what_cannot_be_kept_is_not_agreed))
