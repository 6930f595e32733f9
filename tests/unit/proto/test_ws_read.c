/* SPDX-License-Identifier: MIT */
/* ws_read - frames become messages, or a close code. Threads: loop. */
#include "proto/ws.h"
#include "../check.h"
#include "ws_transcript.h"

#include <stdio.h>

#define LIMIT 70000u

static size_t cut_fixed(void *arg, size_t left)
{
    size_t len = *(size_t *)arg;

    return len < left ? len : left;
}

/* Whole, byte by byte, and in pieces of some sizes between. */
static void check_frames(enum ws_role role, struct bytes in, struct bytes want)
{
    static size_t sizes[] = {SIZE_MAX, 1, 2, 3, 5, 8, 13, 4096};

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct ws_feed feed = {role, LIMIT, NULL, cut_fixed, &sizes[i]};
        struct buf got;

        ws_transcript(&feed, in, &got);
        if (!bytes_equal(buf_bytes(&got), want))
            fail_msg("in pieces of %zu\n got: " BYTES_FMT "\nwant: " BYTES_FMT,
                     sizes[i], BYTES_ARG(buf_bytes(&got)), BYTES_ARG(want));
        buf_fini(&got);
    }
}

#define CLIENT_READS(frames, want)                                             \
    check_frames(WS_CLIENT, BYTES(frames), BYTES(want))
#define SERVER_READS(frames, want)                                             \
    check_frames(WS_SERVER, BYTES(frames), BYTES(want))

static void the_examples_of_the_rfc_are_read(void **state)
{
    CLIENT_READS("\x81\x05Hello", "TEXT Hello\n");
    SERVER_READS("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",
                 "TEXT Hello\n");
    CLIENT_READS("\x01\x03Hel\x80\x02lo", "TEXT Hello\n");
    CLIENT_READS("\x89\x05Hello", "PING Hello\n");
    SERVER_READS("\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",
                 "PONG Hello\n");
}

static void empty_messages_are_messages(void **state)
{
    CLIENT_READS("\x81\x00\x82\x00\x89\x00\x01\x00\x00\x00\x80\x00",
                 "TEXT \nBINARY \nPING \nTEXT \n");
}

static void control_frames_come_between_fragments(void **state)
{
    CLIENT_READS("\x01\x01"
                 "a\x89\x02pi\x00\x01"
                 "b\x8a\x02po\x80\x01"
                 "c\x82\x01z",
                 "PING pi\nPONG po\nTEXT abc\nBINARY z\n");
}

/* What a writer of ours wrote is read back, at every length of length. */
static void lengths_are_read_back(void **state)
{
    static const size_t lengths[] = {0,   1,     7,     8,     9,    125,
                                     126, 65535, 65536, 69999, LIMIT};

    for (size_t i = 0; i < ARRAY_LEN(lengths) * 2; i++) {
        size_t len = lengths[i / 2];
        bool masked = i % 2;
        struct buf frame, want;

        buf_init(&frame, WS_TRANSCRIPT_MAX);
        buf_init(&want, WS_TRANSCRIPT_MAX);
        buf_append(&want, BYTES("BINARY "));
        for (size_t k = 0; k < len; k++)
            buf_append_char(&want, (char)(k * 7));
        if (masked)
            ws_write_masked(&frame, WS_OP_BINARY,
                            bytes_skip(buf_bytes(&want), 7));
        else
            ws_write(&frame, WS_OP_BINARY, bytes_skip(buf_bytes(&want), 7),
                     NULL);
        buf_append_char(&want, '\n');
        check_frames(masked ? WS_SERVER : WS_CLIENT, buf_bytes(&frame),
                     buf_bytes(&want));
        buf_fini(&frame);
        buf_fini(&want);
    }
}

static void a_message_in_one_read_is_not_copied(void **state)
{
    char frames[] = "\x81\x82\x01\x01\x01\x01`c", *at = frames;
    size_t len = sizeof(frames) - 1;
    struct ws_reader r;
    struct bytes ret;

    ws_reader_init(&r, WS_SERVER, LIMIT, NULL);
    assert_int_equal(ws_reader_next(&r, &at, &len, &ret), WS_TEXT);
    assert_ptr_equal(ret.at, frames + 6);
    check_bytes(ret, "ab");
    assert_null(r.message.at);
    ws_reader_fini(&r);
}

static void memory_goes_with_the_message(void **state)
{
    char part1[] = "\x81\x02"
                   "a",
         part2[] = "b", *at = part1;
    size_t len = sizeof(part1) - 1;
    struct ws_reader r;
    struct bytes ret;

    ws_reader_init(&r, WS_CLIENT, LIMIT, NULL);
    assert_int_equal(ws_reader_next(&r, &at, &len, &ret), WS_MORE);
    assert_non_null(r.message.at);
    at = part2;
    len = 1;
    assert_int_equal(ws_reader_next(&r, &at, &len, &ret), WS_TEXT);
    check_bytes(ret, "ab");
    assert_int_equal(ws_reader_next(&r, &at, &len, &ret), WS_MORE);
    assert_null(r.message.at);
    ws_reader_fini(&r);
}

static void wrong_masking_is_refused(void **state)
{
    SERVER_READS("\x81\x05Hello", "BAD 1002\n");
    CLIENT_READS("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", "BAD 1002\n");
}

static void reserved_bits_and_opcodes_are_refused(void **state)
{
    CLIENT_READS("\xc1\x00", "BAD 1002\n"); /* RSV1, not negotiated */
    CLIENT_READS("\xa1\x00", "BAD 1002\n");
    CLIENT_READS("\x91\x00", "BAD 1002\n");
    for (unsigned opcode = 3; opcode < 16; opcode++) {
        char frame[] = {(char)(0x80 | opcode), 0};

        if (opcode < WS_OP_CLOSE || opcode > WS_OP_PONG)
            check_frames(WS_CLIENT, (struct bytes){frame, 2},
                         BYTES("BAD 1002\n"));
    }
}

static void control_frames_are_short_and_whole(void **state)
{
    CLIENT_READS("\x09\x00", "BAD 1002\n");
    CLIENT_READS("\x89\x7e\x00\x7e", "BAD 1002\n");
    CLIENT_READS("\xc9\x00", "BAD 1002\n");
}

static void lengths_are_minimal(void **state)
{
    CLIENT_READS("\x82\x7e\x00\x7d", "BAD 1002\n");
    CLIENT_READS("\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff", "BAD 1002\n");
    CLIENT_READS("\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00", "BAD 1002\n");
}

static void fragments_are_in_order(void **state)
{
    CLIENT_READS("\x80\x00", "BAD 1002\n");
    CLIENT_READS("\x00\x00", "BAD 1002\n");
    CLIENT_READS("\x01\x01"
                 "a\x81\x01"
                 "b",
                 "BAD 1002\n");
    CLIENT_READS("\x81\x01"
                 "a\x80\x01"
                 "b",
                 "TEXT a\nBAD 1002\n");
}

static void text_is_utf8_over_all_fragments(void **state)
{
    CLIENT_READS("\x01\x02"
                 "a\xc3\x80\x01\xa9",
                 "TEXT a\xc3\xa9\n");
    CLIENT_READS("\x01\x02"
                 "a\xc3\x80\x01"
                 "b",
                 "BAD 1007\n");
    CLIENT_READS("\x81\x02"
                 "a\xc3",
                 "BAD 1007\n");
    CLIENT_READS("\x01\x01\xff\x80\x01z", "BAD 1007\n");
    CLIENT_READS("\x82\x01\xff", "BINARY \xff\n");
    /* A character goes on behind a control frame. */
    CLIENT_READS("\x01\x01\xc3\x89\x01\xff\x80\x01\xa9",
                 "PING \xff\nTEXT \xc3\xa9\n");
}

static void limited(struct bytes in, const char *want)
{
    const struct ws_feed feed = {WS_CLIENT, 10, NULL, NULL, NULL};
    struct buf got;

    ws_transcript(&feed, in, &got);
    check_bytes(buf_bytes(&got), want);
    buf_fini(&got);
}

static void the_message_limit_is_exact(void **state)
{
    CLIENT_READS("\x82\x7f\x00\x00\x00\x00\x00\x01\x11\x71", "BAD 1009\n");
    CLIENT_READS("\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", "BAD 1009\n");
    limited(BYTES("\x82\x0a"
                  "0123456789"),
            "BINARY 0123456789\n");
    limited(BYTES("\x82\x0b"), "BAD 1009\n");
    limited(BYTES("\x02\x05hello\x89\x02pi\x80\x05world"),
            "PING pi\nBINARY helloworld\n");
    limited(BYTES("\x02\x05hello\x89\x02pi\x80\x06"), "PING pi\nBAD 1009\n");
}

static void a_close_says_why(void **state)
{
    CLIENT_READS("\x88\x00", "CLOSE 1005 \n");
    CLIENT_READS("\x88\x02\x03\xe8", "CLOSE 1000 \n");
    CLIENT_READS("\x88\x05\x0b\xb8"
                 "bye\x81\x01"
                 "a",
                 "CLOSE 3000 bye\n");
    CLIENT_READS("\x88\x01\x03", "BAD 1002\n");
    CLIENT_READS("\x88\x03\x03\xe8\xff", "BAD 1007\n");
}

static void close_codes_are_checked(void **state)
{
    static const unsigned valid[] = {1000, 1001, 1002, 1003, 1007, 1008, 1009,
                                     1010, 1011, 1012, 1013, 1014, 3000, 4999};
    static const unsigned invalid[] = {0,    999,  1004, 1005, 1006, 1015,
                                       1016, 2000, 2999, 5000, 65535};

    for (size_t i = 0; i < ARRAY_LEN(valid) + ARRAY_LEN(invalid); i++) {
        bool ok = i < ARRAY_LEN(valid);
        unsigned code = ok ? valid[i] : invalid[i - ARRAY_LEN(valid)];
        char frame[] = {(char)0x88, 2, (char)(code >> 8), (char)code};
        char want[32];

        snprintf(want, sizeof(want), ok ? "CLOSE %u \n" : "BAD 1002\n", code);
        check_frames(WS_CLIENT, (struct bytes){frame, sizeof(frame)},
                     bytes_of(want));
    }
}

static void a_close_is_written(void **state)
{
    char reason[200];
    struct buf b;

    buf_init(&b, 4096);
    ws_write_close(&b, WS_CLOSE_GOING_AWAY, BYTES("later"), false);
    check_frames(WS_CLIENT, buf_bytes(&b), BYTES("CLOSE 1001 later\n"));
    buf_clear(&b);
    ws_write_close(&b, WS_CLOSE_NO_CODE, BYTES(""), true);
    check_frames(WS_SERVER, buf_bytes(&b), BYTES("CLOSE 1005 \n"));
    buf_clear(&b);
    /* Cut at 123 bytes, but not inside a character. */
    for (size_t i = 0; i < sizeof(reason); i += 2)
        memcpy(reason + i, "\xc3\xa9", 2);
    ws_write_close(&b, WS_CLOSE_NORMAL, (struct bytes){reason, sizeof(reason)},
                   false);
    assert_int_equal((uint8_t)b.at[1], 2 + 122);
    buf_fini(&b);
}

static void bad_stays_bad_and_closed_is_silent(void **state)
{
    char bad[] = "\x83\x00\x81\x01"
                 "a",
         closed[] = "\x88\x00\x81\x01"
                    "a",
         *at = bad;
    size_t len = sizeof(bad) - 1;
    struct ws_reader r;
    struct bytes ret;

    ws_reader_init(&r, WS_CLIENT, LIMIT, NULL);
    assert_int_equal(ws_reader_next(&r, &at, &len, &ret), WS_BAD);
    assert_int_equal(ws_reader_next(&r, &at, &len, &ret), WS_BAD);
    ws_reader_fini(&r);
    at = closed;
    len = sizeof(closed) - 1;
    ws_reader_init(&r, WS_CLIENT, LIMIT, NULL);
    assert_int_equal(ws_reader_next(&r, &at, &len, &ret), WS_CLOSE);
    assert_int_equal(ws_reader_next(&r, &at, &len, &ret), WS_MORE);
    assert_int_equal(len, 0);
    ws_reader_fini(&r);
}

RUN(cmocka_unit_test(the_examples_of_the_rfc_are_read),
    cmocka_unit_test(empty_messages_are_messages),
    cmocka_unit_test(control_frames_come_between_fragments),
    cmocka_unit_test(lengths_are_read_back),
    cmocka_unit_test(a_message_in_one_read_is_not_copied),
    cmocka_unit_test(memory_goes_with_the_message),
    cmocka_unit_test(wrong_masking_is_refused),
    cmocka_unit_test(reserved_bits_and_opcodes_are_refused),
    cmocka_unit_test(control_frames_are_short_and_whole),
    cmocka_unit_test(lengths_are_minimal),
    cmocka_unit_test(fragments_are_in_order),
    cmocka_unit_test(text_is_utf8_over_all_fragments),
    cmocka_unit_test(the_message_limit_is_exact),
    cmocka_unit_test(a_close_says_why),
    cmocka_unit_test(close_codes_are_checked),
    cmocka_unit_test(a_close_is_written),
    cmocka_unit_test(bad_stays_bad_and_closed_is_silent))
