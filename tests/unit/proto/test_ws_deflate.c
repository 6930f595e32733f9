/* SPDX-License-Identifier: MIT */
/* ws_deflate - small when it pays, bounded when it bursts. Threads: loop. */
#include "proto/ws.h"
#include "../check.h"
#include "ws_transcript.h"

#include <zlib.h>

#define LIMIT 100000u

static size_t cut_fixed(void *arg, size_t left)
{
    size_t len = *(size_t *)arg;

    return len < left ? len : left;
}

/* What a client reads who is fed in pieces of all, 1, 3 and 1000 bytes. */
static void check_frames(struct ws_deflate *d, struct bytes in,
                         struct bytes want)
{
    static size_t sizes[] = {SIZE_MAX, 1, 3, 1000};

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct ws_feed feed = {WS_CLIENT, LIMIT, d, cut_fixed, &sizes[i]};
        struct buf got;

        ws_transcript(&feed, in, &got);
        assert_int_equal(got.len, want.len);
        assert_memory_equal(got.at, want.at, want.len);
        buf_fini(&got);
    }
}

/* len bytes of one letter, raw deflate without its tail, as one frame. */
static void write_bomb(struct buf *out, size_t len)
{
    z_stream z = {0};
    char *plain = malloc(len);
    size_t room = len / 500 + 1000;
    unsigned char *packed = malloc(room);

    assert_true(plain && packed);
    memset(plain, 'a', len);
    assert_int_equal(
        deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (unsigned char *)plain;
    z.avail_in = (uInt)len;
    z.next_out = packed;
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_SYNC_FLUSH), Z_OK);
    ws_write(out, WS_OP_TEXT,
             (struct bytes){(char *)packed, room - z.avail_out - 4}, NULL);
    out->at[0] = (char)0xc1;
    deflateEnd(&z);
    free(plain);
    free(packed);
}

static void the_examples_of_the_rfc_are_read(void **state)
{
    struct ws_deflate *d;

    assert_int_equal(ws_deflate_new(&d), 0);
    check_frames(d, BYTES("\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00"),
                 BYTES("TEXT Hello\n"));
    /* in two frames */
    check_frames(d, BYTES("\x41\x03\xf2\x48\xcd\x80\x04\xc9\xc9\x07\x00"),
                 BYTES("TEXT Hello\n"));
    /* a stored block */
    check_frames(d,
                 BYTES("\xc1\x0b\x00\x05\x00\xfa\xff"
                       "Hello\x00"),
                 BYTES("TEXT Hello\n"));
    /* a final block, and two blocks */
    check_frames(d, BYTES("\xc1\x08\xf3\x48\xcd\xc9\xc9\x07\x00\x00"),
                 BYTES("TEXT Hello\n"));
    check_frames(d,
                 BYTES("\xc1\x0d\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9"
                       "\x07\x00"),
                 BYTES("TEXT Hello\n"));
    /* not compressed though it was agreed */
    check_frames(d, BYTES("\x81\x05Hello"), BYTES("TEXT Hello\n"));
    ws_deflate_free(&d);
    assert_null(d);
}

static void what_is_written_is_read_back(void **state)
{
    struct ws_deflate *d;

    assert_int_equal(ws_deflate_new(&d), 0);
    for (size_t len = 0; len <= LIMIT; len = len * 3 + 1) {
        struct buf frame, want;

        buf_init(&frame, WS_TRANSCRIPT_MAX);
        buf_init(&want, WS_TRANSCRIPT_MAX);
        buf_append(&want, BYTES("TEXT "));
        for (size_t i = 0; i < len; i++)
            buf_append_char(&want, (char)('a' + i * i % 7));
        ws_write(&frame, WS_OP_TEXT, bytes_skip(buf_bytes(&want), 5), d);
        buf_append_char(&want, '\n');
        if (len > 100)
            assert_true(frame.len < len / 2);
        check_frames(d, buf_bytes(&frame), buf_bytes(&want));
        buf_fini(&frame);
        buf_fini(&want);
    }
    ws_deflate_free(&d);
}

static void what_does_not_shrink_is_sent_plain(void **state)
{
    struct ws_deflate *d;
    struct buf frame;

    assert_int_equal(ws_deflate_new(&d), 0);
    buf_init(&frame, 100);
    ws_write(&frame, WS_OP_TEXT, BYTES("abcdefgh"), d);
    check_bytes(buf_bytes(&frame), "\x81\x08"
                                   "abcdefgh");
    buf_clear(&frame);
    ws_write(&frame, WS_OP_PING, BYTES("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), d);
    assert_int_equal((uint8_t)frame.at[0], 0x89);
    buf_fini(&frame);
    ws_deflate_free(&d);
}

/* P18: exactly the limit passes, one byte more is too big. */
static void the_inflated_size_is_limited_exactly(void **state)
{
    struct ws_deflate *d;

    assert_int_equal(ws_deflate_new(&d), 0);
    for (size_t over = 0; over < 2; over++) {
        struct buf frame, want;

        buf_init(&frame, WS_TRANSCRIPT_MAX);
        buf_init(&want, WS_TRANSCRIPT_MAX);
        write_bomb(&frame, LIMIT + over);
        if (over) {
            buf_append(&want, BYTES("BAD 1009\n"));
        } else {
            buf_append(&want, BYTES("TEXT "));
            for (size_t i = 0; i < LIMIT; i++)
                buf_append_char(&want, 'a');
            buf_append_char(&want, '\n');
        }
        check_frames(d, buf_bytes(&frame), buf_bytes(&want));
        buf_fini(&frame);
        buf_fini(&want);
    }
    ws_deflate_free(&d);
}

static void a_bomb_bursts_at_the_limit(void **state)
{
    struct ws_deflate *d;
    struct buf frame;

    assert_int_equal(ws_deflate_new(&d), 0);
    buf_init(&frame, WS_TRANSCRIPT_MAX);
    write_bomb(&frame, (size_t)50 << 20);
    check_frames(d, buf_bytes(&frame), BYTES("BAD 1009\n"));
    buf_fini(&frame);
    ws_deflate_free(&d);
}

static void what_is_no_deflate_is_refused(void **state)
{
    struct ws_deflate *d;

    assert_int_equal(ws_deflate_new(&d), 0);
    check_frames(d, BYTES("\xc1\x02\xff\xff"), BYTES("BAD 1007\n"));
    /* cut inside a block: the tail is swallowed as data */
    check_frames(d, BYTES("\xc2\x06\x00\x06\x00\xf9\xff\x41"),
                 BYTES("BAD 1007\n"));
    /* more behind a final block */
    check_frames(d, BYTES("\xc1\x09\xf3\x48\xcd\xc9\xc9\x07\x00\xf2\x48"),
                 BYTES("BAD 1007\n"));
    /* inflates to what is not UTF-8 */
    check_frames(d, BYTES("\xc1\x07\x00\x01\x00\xfe\xff\xff\x00"),
                 BYTES("BAD 1007\n"));
    /* RSV1 on a continuation */
    check_frames(d, BYTES("\x41\x03\xf2\x48\xcd\xc0\x04\xc9\xc9\x07\x00"),
                 BYTES("BAD 1002\n"));
    ws_deflate_free(&d);
}

RUN(cmocka_unit_test(the_examples_of_the_rfc_are_read),
    cmocka_unit_test(what_is_written_is_read_back),
    cmocka_unit_test(what_does_not_shrink_is_sent_plain),
    cmocka_unit_test(the_inflated_size_is_limited_exactly),
    cmocka_unit_test(a_bomb_bursts_at_the_limit),
    cmocka_unit_test(what_is_no_deflate_is_refused))
