/* SPDX-License-Identifier: MIT */
/* http1 - what could make two parsers disagree is refused. Threads: loop. */
#include "proto/http1.h"
#include "http1_check.h"

#include <stdio.h>

#define GET   "GET / HTTP/1.1\r\nHost: x\r\n"
#define POST  "POST / HTTP/1.1\r\nHost: x\r\n"
#define CHUNK POST "Transfer-Encoding: chunked\r\n\r\n"
#define CHUNK_HEAD                                                             \
    "HEAD POST / 1.1 keep chunked [Host=x] [Transfer-Encoding=chunked]\n"

/* The request is refused before anything of it comes out. */
static void refused(const char *in, unsigned status)
{
    struct buf whole, bytewise;
    size_t one = 1;
    char want[16];

    transcript(HTTP1_SERVER, NULL, bytes_of(in), NULL, NULL, &whole);
    transcript(HTTP1_SERVER, NULL, bytes_of(in), cut_fixed, &one, &bytewise);
    snprintf(want, sizeof(want), "BAD %u ", status);
    if (!bytes_starts(buf_bytes(&whole), bytes_of(want)))
        fail_msg("'%s' gave '" BYTES_FMT "', not %s", in,
                 BYTES_ARG(buf_bytes(&whole)), want);
    assert_true(bytes_equal(buf_bytes(&whole), buf_bytes(&bytewise)));
    buf_fini(&whole);
    buf_fini(&bytewise);
}

/* The head comes out, then the chunks end in a refusal. */
static void refused_chunks(const char *chunks, const char *want)
{
    struct buf in, out;

    buf_init(&in, TRANSCRIPT_MAX);
    buf_init(&out, TRANSCRIPT_MAX);
    buf_printf(&in, "%s%s", CHUNK, chunks);
    buf_printf(&out, "%s%s", CHUNK_HEAD, want);
    buf_append_char(&out, '\0');
    check_http1_bytes(HTTP1_SERVER, NULL, buf_bytes(&in), out.at);
    buf_fini(&in);
    buf_fini(&out);
}

static void two_ways_to_say_the_length(void **state)
{
    refused(POST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
            400);
    refused(POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
            400);
    refused(POST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400);
    refused(POST "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", 400);
    refused(POST "Content-Length: 3, 3\r\n\r\nabc", 400);
}

static void odd_lengths(void **state)
{
    static const char *const odd[] = {
        "",     "-1",
        "+1",   "0x1",
        "1 1",  "1a",
        "1\t2", "1e3",
        "1.",   "99999999999999999999",
        "\v1",  "18446744073709551616",
    };

    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        char in[128];

        snprintf(in, sizeof(in), POST "Content-Length: %s\r\n\r\n1", odd[i]);
        refused(in, 400);
    }
    refused(POST "Content-Length: 9999999999999999999\r\n\r\n", 413);
}

static void codings_but_chunked(void **state)
{
    static const char *const odd[] = {
        "identity",
        "gzip, chunked",
        "chunked, chunked",
        "chunked, gzip",
        "xchunked",
        "chunked;q=1",
        "\vchunked",
        "chunke",
        "",
        "chunked\r\nTransfer-Encoding: chunked",
        "gzip\r\nTransfer-Encoding: chunked",
        "chunked\r\nTransfer-Encoding: identity",
    };

    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        char in[192];

        snprintf(in, sizeof(in), POST "Transfer-Encoding: %s\r\n\r\n0\r\n\r\n",
                 odd[i]);
        refused(in, 400);
    }
    refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400);
}

static void lines_that_end_oddly(void **state)
{
    refused("GET / HTTP/1.1\nHost: x\r\n\r\n", 400);
    refused("GET / HTTP/1.1\r\nHost: x\n\r\n", 400);
    refused("GET / HTTP/1.1\r\nHost: x\r\n\n", 400);
    refused("GET / HTTP/1.1\nHost: x\n\n", 400);
    refused("GET / HTTP/1.1\r\nHost: x\r\r\n\r\n", 400);
    refused("GET / HTTP/1.1\r\nHost: x\r\n\rA: b\r\n\r\n", 400);
    refused("GET / HTTP/1.1\rHost: x\r\n\r\n", 400);
    refused(GET "A: b\rC: d\r\n\r\n", 400);
    refused(GET "A:\rb\r\n\r\n", 400);
    refused(GET "A\r: b\r\n\r\n", 400);
    refused("\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", 400);
    refused("\rGET / HTTP/1.1\r\nHost: x\r\n\r\n", 400);
}

static void folded_fields(void **state)
{
    refused(GET "A: b\r\n c\r\n\r\n", 400);
    refused(GET "A: b\r\n\tc\r\n\r\n", 400);
    refused(GET "A: b\r\n \r\n\r\n", 400);
    refused("GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400);
}

static void odd_names(void **state)
{
    refused(GET "A : b\r\n\r\n", 400);
    refused(GET "A\t: b\r\n\r\n", 400);
    refused(GET "Content-Length : 1\r\n\r\n1", 400);
    refused(GET "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400);
    refused(GET "Transfer-Encoding\v: chunked\r\n\r\n", 400);
    refused(GET ": b\r\n\r\n", 400);
    refused(GET "A\r\n\r\n", 400);
    refused(GET "A(b): c\r\n\r\n", 400);
    refused(GET "\xc3\xa9: c\r\n\r\n", 400);
    refused(GET "A B: c\r\n\r\n", 400);
}

static void control_bytes(void **state)
{
    for (int c = 0; c < 0x20; c++) {
        char in[] = GET "A: b?c\r\n\r\n";
        struct buf out;
        struct bytes got = {in, sizeof(in) - 1};

        *strchr(in, '?') = (char)c;
        transcript(HTTP1_SERVER, NULL, got, NULL, NULL, &out);
        assert_int_equal(bytes_starts(buf_bytes(&out), BYTES("BAD 400")),
                         c != '\t');
        buf_fini(&out);
    }
    refused(GET "A: b\x7f\r\n\r\n", 400);
    refused("GET /\x7f HTTP/1.1\r\nHost: x\r\n\r\n", 400);
    refused("GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n", 400);
    refused("GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n", 400);
}

static void odd_first_lines(void **state)
{
    refused("GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400);
    refused("GET /  HTTP/1.1\r\nHost: x\r\n\r\n", 400);
    refused("GET / HTTP/1.1 \r\nHost: x\r\n\r\n", 505);
    refused("GET / a HTTP/1.1\r\nHost: x\r\n\r\n", 400);
    refused(" GET / HTTP/1.1\r\nHost: x\r\n\r\n", 400);
    refused("GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n", 400);
    refused("get / HTTP/1.1\r\nHost: x\r\n\r\n", 400);
    refused("NOSUCH / HTTP/1.1\r\nHost: x\r\n\r\n", 400);
    refused("GET HTTP/1.1\r\nHost: x\r\n\r\n", 400);
    refused("GET /\r\n\r\n", 400);
    refused("\x16\x03\x01\x02\x05\x01", 400); /* TLS */
    refused("CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", 501);
}

static void odd_versions(void **state)
{
    refused("GET / HTTP/1.2\r\nHost: x\r\n\r\n", 505);
    refused("GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505);
    refused("GET / HTTP/0.9\r\nHost: x\r\n\r\n", 505);
    refused("GET / HTTP/1.11\r\nHost: x\r\n\r\n", 505);
    refused("GET / HTTP/01.1\r\nHost: x\r\n\r\n", 505);
    refused("GET / http/1.1\r\nHost: x\r\n\r\n", 400);
    refused("OPTIONS * RTSP/1.0\r\nHost: x\r\n\r\n", 400);
    refused("SOURCE / ICE/1.0\r\nHost: x\r\n\r\n", 400);
    refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400);
}

static void hosts(void **state)
{
    refused("GET / HTTP/1.1\r\n\r\n", 400);
    refused(GET "Host: x\r\n\r\n", 400);
    refused(GET "host: y\r\n\r\n", 400);
    check_server("GET / HTTP/1.0\r\n\r\n", "HEAD GET / 1.0 close\nDONE\nEOF\n");
}

static void malformed_chunks(void **state)
{
#define SIZE_BAD "BAD 400 a chunk size is malformed\n"
#define END_BAD  "BODY abc\nBAD 400 a chunk does not end where it should\n"
    refused_chunks("\r\n", SIZE_BAD);
    refused_chunks(";x\r\n", SIZE_BAD);
    refused_chunks("g\r\n", SIZE_BAD);
    refused_chunks("0x3\r\nabc\r\n", SIZE_BAD);
    refused_chunks("-3\r\nabc\r\n", SIZE_BAD);
    refused_chunks("+3\r\nabc\r\n", SIZE_BAD);
    refused_chunks(" 3\r\nabc\r\n", SIZE_BAD);
    refused_chunks("3 \r\nabc\r\n", SIZE_BAD);
    refused_chunks("3\nabc\r\n", SIZE_BAD);
    refused_chunks("3\rabc\r\n", SIZE_BAD);
    refused_chunks("0000000000000003\r\nabc\r\n", SIZE_BAD);
    refused_chunks("fffffffffffffffff\r\n", SIZE_BAD);
    refused_chunks("3\r\nabcd\r\n", END_BAD);
    refused_chunks("3\r\nabc\n0\r\n\r\n", END_BAD);
    refused_chunks("3\r\nabc\r0\r\n\r\n", END_BAD);
    refused_chunks("3;a\nabc\r\n",
                   "BAD 400 a chunk extension is malformed or too long\n");
    refused_chunks("3;\x01\r\nabc\r\n",
                   "BAD 400 a chunk extension is malformed or too long\n");
}

static void huge_chunks(void **state)
{
    refused_chunks("100001\r\n", "BAD 413 the body is too long\n");
    refused_chunks("fffffffffffffff\r\n", "BAD 413 the body is too long\n");
    refused_chunks("3\r\nabc\r\nffffe\r\n",
                   "BODY abc\nBAD 413 the body is too long\n");
}

static void malformed_trailers(void **state)
{
#define TRAILER_BAD "BAD 400 a trailer is malformed\n"
    refused_chunks("0\r\nA: b\n\r\n", TRAILER_BAD);
    refused_chunks("0\r\nA: b\r\n c\r\n\r\n", TRAILER_BAD);
    refused_chunks("0\r\nA : b\r\n\r\n", TRAILER_BAD);
    refused_chunks("0\r\nA\r\n\r\n", TRAILER_BAD);
    refused_chunks("0\r\n: b\r\n\r\n", TRAILER_BAD);
    refused_chunks("0\r\nA: \x01\r\n\r\n", TRAILER_BAD);
    refused_chunks("0\r\nA: b\rc\r\n\r\n", TRAILER_BAD);
    refused_chunks("0\r\n\n", TRAILER_BAD);
    refused_chunks("0\r\n\rX", TRAILER_BAD);
}

/* before, len letters, after: what does it begin to say? */
static void check_filled(const struct http1_limits *limits, const char *before,
                         size_t len, const char *after, const char *want)
{
    struct buf in, out;
    size_t thirteen = 13;

    buf_init(&in, TRANSCRIPT_MAX);
    buf_append(&in, bytes_of(before));
    for (size_t i = 0; i < len; i++)
        buf_append_char(&in, 'a');
    buf_append(&in, bytes_of(after));
    for (int whole = 0; whole < 2; whole++) {
        transcript(HTTP1_SERVER, limits, buf_bytes(&in),
                   whole ? NULL : cut_fixed, &thirteen, &out);
        if (!bytes_starts(buf_bytes(&out), bytes_of(want)))
            fail_msg("%zu letters gave '" BYTES_FMT "', not '%s'", len,
                     BYTES_ARG(buf_bytes(&out)), want);
        buf_fini(&out);
    }
    buf_fini(&in);
}

static void limits_are_exact(void **state)
{
    const struct http1_limits l = {
        .head_bytes_max = 200, .target_bytes_max = 50, .body_bytes_max = 100};
    const char *rest = " HTTP/1.1\r\nHost: x\r\n\r\n";
    size_t around = strlen(GET "A: \r\n\r\n");

    check_filled(&l, "GET /", 49, rest, "HEAD");
    check_filled(&l, "GET /", 50, rest, "BAD 414");
    check_filled(&l, "GET /", 500, rest, "BAD 414");
    check_filled(&l, GET "A: ", 200 - around, "\r\n\r\n", "HEAD");
    check_filled(&l, GET "A: ", 201 - around, "\r\n\r\n", "BAD 431");
    check_filled(&l, GET "A: ", 999, "", "BAD 431");
    check_filled(&l, POST "Content-Length: 100\r\n\r\n", 100, "",
                 "HEAD POST / 1.1 keep length=100");
    check_filled(&l, POST "Content-Length: 101\r\n\r\n", 101, "", "BAD 413");
}

static void chunk_limits_are_exact(void **state)
{
    const char *bad_extension =
        CHUNK_HEAD "BAD 400 a chunk extension is malformed or too long\n";
    const char *bad_trailer = CHUNK_HEAD "BAD 431 the trailers are too long\n";

    check_filled(NULL, CHUNK "1;", 1024, "\r\nz\r\n0\r\n\r\n",
                 CHUNK_HEAD "BODY z\nDONE\n");
    check_filled(NULL, CHUNK "1;", 1025, "\r\nz\r\n0\r\n\r\n", bad_extension);
    check_filled(NULL, CHUNK "0\r\nT: ", 4096 - 7, "\r\n\r\n",
                 CHUNK_HEAD "DONE\n");
    check_filled(NULL, CHUNK "0\r\nT: ", 4097 - 7, "\r\n\r\n", bad_trailer);
}

static void too_many_fields(void **state)
{
    struct buf in;

    buf_init(&in, TRANSCRIPT_MAX);
    buf_append(&in, BYTES(GET));
    for (int i = 1; i < HTTP_FIELDS_MAX; i++)
        buf_printf(&in, "A%d: b\r\n", i);
    buf_append_char(&in, '\0');
    check_filled(NULL, in.at, 0, "\r\n", "HEAD");
    check_filled(NULL, in.at, 0, "One-more:\r\n\r\n", "BAD 431");
    buf_fini(&in);
}

static void a_cut_request_is_no_request(void **state)
{
    check_server("GET / HTTP/1.1\r\nHost: x\r\n",
                 "CUT the connection ended inside a message\n");
    check_server(CHUNK "3\r\nab", CHUNK_HEAD
                 "BODY ab\nCUT the connection ended inside a message\n");
}

static void a_long_reply_without_length_is_bounded(void **state)
{
    const struct http1_limits l = {.body_bytes_max = 4};

    check_http1_bytes(HTTP1_CLIENT, &l, BYTES("HTTP/1.1 200 OK\r\n\r\n1234"),
                      "HEAD 200 1.1 close\nBODY 1234\nEOF\n");
    check_http1_bytes(HTTP1_CLIENT, &l, BYTES("HTTP/1.1 200 OK\r\n\r\n12345"),
                      "HEAD 200 1.1 close\nBODY 1234\n"
                      "BAD 413 the body is too long\n");
}

static void odd_replies(void **state)
{
    check_client("HTTP/2.0 200 OK\r\n\r\n",
                 "BAD 505 the version is not HTTP/1.0 or 1.1\n");
    check_client("\r\nHTTP/1.1 200 OK\r\n\r\n",
                 "BAD 400 the first line is malformed\n");
    check_client("HTTP/1.1 20 OK\r\n\r\n",
                 "BAD 400 the first line is malformed\n");
    check_client("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
                 "Transfer-Encoding: chunked\r\n\r\n",
                 "BAD 400 the length is said twice\n");
}

static void bad_stays_bad(void **state)
{
    struct bytes in = BYTES("?"), ret;
    struct http1 *h;

    assert_int_equal(http1_new(&h, HTTP1_SERVER, NULL), 0);
    assert_int_equal(http1_next(h, &in, &ret), HTTP1_BAD);
    in = BYTES("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(http1_next(h, &in, &ret), HTTP1_BAD);
    assert_int_equal(http1_eof(h), HTTP1_BAD);
    http1_free(&h);
}

RUN(cmocka_unit_test(two_ways_to_say_the_length), cmocka_unit_test(odd_lengths),
    cmocka_unit_test(codings_but_chunked),
    cmocka_unit_test(lines_that_end_oddly), cmocka_unit_test(folded_fields),
    cmocka_unit_test(odd_names), cmocka_unit_test(control_bytes),
    cmocka_unit_test(odd_first_lines), cmocka_unit_test(odd_versions),
    cmocka_unit_test(hosts), cmocka_unit_test(malformed_chunks),
    cmocka_unit_test(huge_chunks), cmocka_unit_test(malformed_trailers),
    cmocka_unit_test(limits_are_exact),
    cmocka_unit_test(chunk_limits_are_exact), cmocka_unit_test(too_many_fields),
    cmocka_unit_test(a_cut_request_is_no_request),
    cmocka_unit_test(a_long_reply_without_length_is_bounded),
    cmocka_unit_test(odd_replies), cmocka_unit_test(bad_stays_bad))
