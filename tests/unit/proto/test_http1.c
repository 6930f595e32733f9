/* SPDX-License-Identifier: MIT */
/* http1 - what is well-formed comes out whole. Threads: loop. */
#include "proto/http1.h"
#include "http1_check.h"

static void requests_come_out(void **state)
{
    check_server("GET /a?b=c HTTP/1.1\r\nHost: x\r\nX-Empty:\r\nY: \t v \r\n"
                 "\r\n",
                 "HEAD GET /a?b=c 1.1 keep [Host=x] [X-Empty=] [Y=v]\n"
                 "DONE\nEOF\n");
    check_server("PURGE / HTTP/1.1\r\nHost:\r\n\r\n",
                 "HEAD PURGE / 1.1 keep [Host=]\nDONE\nEOF\n");
    check_server("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
                 "HEAD OPTIONS * 1.1 keep [Host=x]\nDONE\nEOF\n");
    check_server("GET / HTTP/1.1\r\nHost: x\r\nA: \xc3\xa9\r\n\r\n",
                 "HEAD GET / 1.1 keep [Host=x] [A=\xc3\xa9]\nDONE\nEOF\n");
}

static void an_absolute_target_is_kept_as_sent(void **state)
{
    check_server("GET http://x:80/a HTTP/1.1\r\nHost: y\r\n\r\n",
                 "HEAD GET http://x:80/a 1.1 keep [Host=y]\nDONE\nEOF\n");
}

static void pipelined_requests_come_one_after_the_other(void **state)
{
    check_server("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"
                 "POST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
                 "HEAD /3 HTTP/1.1\r\nHost: x\r\n\r\n",
                 "HEAD GET /1 1.1 keep [Host=x]\nDONE\n"
                 "HEAD POST /2 1.1 keep length=3 [Host=x] [Content-Length=3]\n"
                 "BODY abc\nDONE\n"
                 "HEAD HEAD /3 1.1 keep [Host=x]\nDONE\nEOF\n");
}

static void one_empty_line_may_come_first(void **state)
{
    check_server("\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"
                 "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
                 "HEAD GET / 1.1 keep [Host=x]\nDONE\n"
                 "HEAD GET / 1.1 keep [Host=x]\nDONE\nEOF\n");
    check_server("\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
                 "BAD 400 the first line is malformed\n");
}

static void chunks_are_joined(void **state)
{
    check_server("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n"
                 "\r\n3\r\nabc\r\n00A;x=\"y\";z\r\n0123456789\r\n0\r\n"
                 "Trailer: dropped\r\nContent-Length: 5\r\n\r\n"
                 "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                 "HEAD POST / 1.1 keep chunked [Host=x]"
                 " [Transfer-Encoding=Chunked]\n"
                 "BODY abc0123456789\nDONE\n"
                 "HEAD GET / 1.1 keep [Host=x]\nDONE\nEOF\n");
}

static void http_1_0_closes_unless_asked(void **state)
{
    check_server("GET / HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n\r\n",
                 "HEAD GET / 1.0 close\nDONE\nEOF\n");
    check_server("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"
                 "GET / HTTP/1.0\r\n\r\n",
                 "HEAD GET / 1.0 keep [Connection=Keep-Alive]\nDONE\n"
                 "HEAD GET / 1.0 close\nDONE\nEOF\n");
    check_server("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: w\r\n"
                 "Expect: 100-continue\r\n\r\n",
                 "HEAD GET / 1.0 close [Connection=upgrade] [Upgrade=w]"
                 " [Expect=100-continue]\nDONE\nEOF\n");
}

static void what_follows_close_is_dropped(void **state)
{
    check_server("GET /1 HTTP/1.1\r\nHost: x\r\nConnection: x\r\n"
                 "Connection: CLOSE\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n",
                 "HEAD GET /1 1.1 close [Host=x] [Connection=x]"
                 " [Connection=CLOSE]\nDONE\nEOF\n");
}

static void expect_continue_is_seen(void **state)
{
    check_server("PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\n"
                 "Content-Length: 1\r\n\r\nz",
                 "HEAD PUT / 1.1 keep expect length=1 [Host=x]"
                 " [Expect=100-Continue] [Content-Length=1]\n"
                 "BODY z\nDONE\nEOF\n");
}

static void an_upgrade_nobody_accepts_is_a_request(void **state)
{
    check_server("GET /1 HTTP/1.1\r\nHost: x\r\nConnection: a, Upgrade\r\n"
                 "Upgrade: h2c\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n",
                 "HEAD GET /1 1.1 keep upgrade [Host=x]"
                 " [Connection=a, Upgrade] [Upgrade=h2c]\nDONE\n"
                 "HEAD GET /2 1.1 keep [Host=x]\nDONE\nEOF\n");
    check_server("POST / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\n"
                 "Upgrade: h2c\r\nContent-Length: 2\r\n\r\nab",
                 "HEAD POST / 1.1 keep upgrade length=2 [Host=x]"
                 " [Connection=upgrade] [Upgrade=h2c] [Content-Length=2]\n"
                 "BODY ab\nDONE\nEOF\n");
}

static void an_accepted_upgrade_ends_http(void **state)
{
    struct bytes in =
        BYTES("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
              "Connection: Upgrade\r\n\r\n\x81\x80zzzz");
    struct http1 *h;
    struct bytes ret;

    assert_int_equal(http1_new(&h, HTTP1_SERVER, NULL), 0);
    assert_int_equal(http1_accept_upgrade(h), ERR_INVALID);
    assert_int_equal(http1_next(h, &in, &ret), HTTP1_HEAD);
    assert_int_equal(http1_accept_upgrade(h), 0);
    assert_int_equal(http1_next(h, &in, &ret), HTTP1_UPGRADE);
    check_bytes(in, "\x81\x80zzzz");
    assert_int_equal(http1_next(h, &in, &ret), HTTP1_UPGRADE);
    assert_int_equal(http1_eof(h), HTTP1_UPGRADE);
    http1_free(&h);
    assert_null(h);
}

static void an_upgrade_with_a_body_cannot_be_accepted(void **state)
{
    struct bytes in =
        BYTES("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
              "Connection: Upgrade\r\nContent-Length: 1\r\n\r\nz");
    struct http1 *h;
    struct bytes ret;

    assert_int_equal(http1_new(&h, HTTP1_SERVER, NULL), 0);
    assert_int_equal(http1_next(h, &in, &ret), HTTP1_HEAD);
    assert_int_equal(http1_accept_upgrade(h), ERR_INVALID);
    assert_int_equal(http1_next(h, &in, &ret), HTTP1_BODY);
    http1_free(&h);
}

static void a_head_in_one_read_is_not_copied(void **state)
{
    struct bytes in = BYTES("GET /here HTTP/1.1\r\nHost: x\r\n\r\n"), ret;
    const char *from = in.at;
    struct http1 *h;

    assert_int_equal(http1_new(&h, HTTP1_SERVER, NULL), 0);
    assert_true(http1_is_idle(h));
    assert_int_equal(http1_next(h, &in, &ret), HTTP1_HEAD);
    assert_ptr_equal(http1_head(h)->target.at, from + 4);
    assert_int_equal(http1_head(h)->method, HTTP_GET);
    check_bytes(http_head_get(http1_head(h), HTTP_FIELD_HOST), "x");
    assert_false(http1_is_idle(h));
    assert_int_equal(http1_next(h, &in, &ret), HTTP1_DONE);
    assert_true(http1_is_idle(h));
    in = BYTES("G");
    assert_int_equal(http1_next(h, &in, &ret), HTTP1_MORE);
    assert_false(http1_is_idle(h));
    http1_free(&h);
}

static void replies_come_out(void **state)
{
    check_client(
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        "HTTP/1.1 204\r\n\r\n"
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        "1\r\nx\r\n0\r\n\r\n",
        "HEAD 200 1.1 keep length=2 [Content-Length=2]\nBODY ok\nDONE\n"
        "HEAD 204 1.1 keep\nDONE\n"
        "HEAD 304 1.1 keep length=9 [Content-Length=9]\nDONE\n"
        "HEAD 200 1.1 keep chunked [Transfer-Encoding=chunked]\n"
        "BODY x\nDONE\nEOF\n");
}

static void an_informational_reply_comes_before_the_final_one(void **state)
{
    check_client("HTTP/1.1 100 Continue\r\n\r\n"
                 "HTTP/1.1 103 Early Hints\r\nConnection: close\r\n\r\n"
                 "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                 "HEAD 100 1.1 keep\nDONE\n"
                 "HEAD 103 1.1 close [Connection=close]\nDONE\n"
                 "HEAD 200 1.1 keep length=0 [Content-Length=0]\nDONE\nEOF\n");
}

static void a_reply_may_last_until_the_end(void **state)
{
    check_client("HTTP/1.1 200 OK\r\n\r\nall of it",
                 "HEAD 200 1.1 close\nBODY all of it\nEOF\n");
    check_client("HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nall of",
                 "HEAD 200 1.0 close length=9 [Content-Length=9]\n"
                 "BODY all of\nCUT the connection ended inside a message\n");
}

static void switching_protocols_ends_http(void **state)
{
    check_client("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                 "Connection: Upgrade\r\n\r\n\x81",
                 "HEAD 101 1.1 keep upgrade [Upgrade=websocket]"
                 " [Connection=Upgrade]\nUPGRADE\n");
}

static void a_reply_to_head_has_no_body(void **state)
{
    struct bytes in = BYTES("HTTP/1.1 100 Continue\r\n\r\n"
                            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
                            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nz");
    static const enum http1_event want[] = {
        HTTP1_HEAD, HTTP1_DONE, HTTP1_HEAD, HTTP1_DONE,
        HTTP1_HEAD, HTTP1_BODY, HTTP1_DONE, HTTP1_MORE,
    };
    struct http1 *h;
    struct bytes ret;

    assert_int_equal(http1_new(&h, HTTP1_CLIENT, NULL), 0);
    http1_expect_no_body(h);
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        assert_int_equal(http1_next(h, &in, &ret), want[i]);
    http1_free(&h);
}

RUN(cmocka_unit_test(requests_come_out),
    cmocka_unit_test(an_absolute_target_is_kept_as_sent),
    cmocka_unit_test(pipelined_requests_come_one_after_the_other),
    cmocka_unit_test(one_empty_line_may_come_first),
    cmocka_unit_test(chunks_are_joined),
    cmocka_unit_test(http_1_0_closes_unless_asked),
    cmocka_unit_test(what_follows_close_is_dropped),
    cmocka_unit_test(expect_continue_is_seen),
    cmocka_unit_test(an_upgrade_nobody_accepts_is_a_request),
    cmocka_unit_test(an_accepted_upgrade_ends_http),
    cmocka_unit_test(an_upgrade_with_a_body_cannot_be_accepted),
    cmocka_unit_test(a_head_in_one_read_is_not_copied),
    cmocka_unit_test(replies_come_out),
    cmocka_unit_test(an_informational_reply_comes_before_the_final_one),
    cmocka_unit_test(a_reply_may_last_until_the_end),
    cmocka_unit_test(switching_protocols_ends_http),
    cmocka_unit_test(a_reply_to_head_has_no_body))
