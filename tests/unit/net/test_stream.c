/* SPDX-License-Identifier: MIT */
/*
 * test_stream - reading, gathering, slow readers and every way to end.
 * Threads: loop.
 */
#include "pair.h"

#include "base/blob.h"

#include <errno.h>
#include <poll.h>

#define BIG ((size_t)3 * 1024 * 1024)

static void peer_says(struct pair *p, const char *text)
{
    assert_int_equal(write(p->peer, text, strlen(text)), strlen(text));
}

/* One read of the other end: one packet, or what is there. */
static void peer_hears(struct pair *p, const char *want)
{
    char room[4096];
    ssize_t n = recv(p->peer, room, sizeof(room), MSG_DONTWAIT);

    assert_true(n >= 0);
    check_bytes((struct bytes){room, (size_t)n}, want);
}

static void peer_hears_nothing(struct pair *p)
{
    char c;

    assert_int_equal(recv(p->peer, &c, 1, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
}

/* ---- reading and writing ---------------------------------------------- */

static void echo(struct pair *p, char *bytes, size_t len)
{
    bytes[0] = 'J'; /* lent, and writable */
    stream_write(p->stream, (struct bytes){bytes, len});
    loop_stop(p->loop);
}

static void what_is_read_can_be_sent_back(void **state)
{
    struct pair p;

    pair_open(&p, SOCK_STREAM);
    p.read_fn = echo;
    peer_says(&p, "hello");
    pair_run(&p);
    peer_hears(&p, "Jello");
    assert_int_equal(stream_bytes_sent(p.stream), 5);
    assert_int_equal(stream_queued(p.stream), 0);
    pair_close(&p);
}

static void the_writes_of_a_turn_are_one_write(void **state)
{
    struct blob *blob;
    struct pair p;
    char *room;

    pair_open(&p, SOCK_SEQPACKET);
    assert_int_equal(blob_new(&blob, BYTES("<blob>")), 0);
    stream_write(p.stream, BYTES("a"));
    stream_write_blob(p.stream, blob);
    room = stream_room(p.stream, STREAM_ROOM_MAX);
    assert_non_null(room);
    memcpy(room, "bcd", 3);
    stream_room_used(p.stream, 2);
    stream_write_blob_part(p.stream, blob, 1, 4);
    stream_write(p.stream, BYTES("e"));
    assert_int_equal(stream_queued(p.stream), 14);
    peer_hears_nothing(&p);
    pair_turn(&p);
    peer_hears(&p, "a<blob>bcblobe");
    peer_hears_nothing(&p);
    assert_int_equal(atomic_load(&blob->refs), 1);
    blob_unref(&blob);
    pair_close(&p);
}

static void a_flush_sends_at_once(void **state)
{
    struct pair p;

    pair_open(&p, SOCK_SEQPACKET);
    stream_write(p.stream, BYTES("now"));
    stream_flush(p.stream);
    peer_hears(&p, "now");
    stream_flush(p.stream);
    pair_turn(&p);
    peer_hears_nothing(&p);
    pair_close(&p);
}

static void more_segments_than_one_write_takes(void **state)
{
    struct blob *blob;
    struct pair p;
    char room[1024];

    pair_open(&p, SOCK_STREAM);
    assert_int_equal(blob_new(&blob, BYTES("x")), 0);
    for (unsigned i = 0; i < 300; i++) {
        stream_write_blob(p.stream, blob);
        stream_write(p.stream, BYTES("y"));
    }
    stream_flush(p.stream);
    assert_int_equal(recv(p.peer, room, sizeof(room), MSG_DONTWAIT), 600);
    for (unsigned i = 0; i < 600; i++)
        assert_int_equal(room[i], i % 2 ? 'y' : 'x');
    assert_int_equal(atomic_load(&blob->refs), 1);
    blob_unref(&blob);
    pair_close(&p);
}

static void reading_stops_and_starts(void **state)
{
    struct pair p;

    pair_open(&p, SOCK_STREAM);
    p.read_fn = echo;
    stream_read_stop(p.stream);
    stream_read_stop(p.stream);
    peer_says(&p, "held");
    pair_turn(&p);
    pair_turn(&p);
    assert_int_equal(p.reads, 0);
    assert_int_equal(stream_read_start(p.stream), 0);
    assert_int_equal(stream_read_start(p.stream), 0);
    pair_run(&p);
    assert_int_equal(p.reads, 1);
    assert_int_equal(p.received, 4);
    pair_close(&p);
}

/* ---- a slow reader ---------------------------------------------------- */

/* Takes what there is; the last byte heard is checked against its place. */
static size_t peer_takes(struct pair *p, char *room, size_t size, size_t from)
{
    ssize_t n = recv(p->peer, room, size, MSG_DONTWAIT);

    if (n < 0) {
        assert_int_equal(errno, EAGAIN);
        return 0;
    }
    for (size_t i = 0; i < (size_t)n; i++)
        assert_int_equal(room[i], (char)((from + i) % 251));
    return (size_t)n;
}

static char *pattern_new(size_t len)
{
    char *at = malloc(len);

    assert_non_null(at);
    for (size_t i = 0; i < len; i++)
        at[i] = (char)(i % 251);
    return at;
}

static void a_slow_reader_gets_all_and_is_counted_exactly(void **state)
{
    char *bytes = pattern_new(BIG), *room = malloc(100000);
    size_t half = BIG / 2, heard = 0, waiting;
    struct blob *blob;
    struct pair p;

    pair_open(&p, SOCK_STREAM);
    assert_int_equal(blob_new(&blob, (struct bytes){bytes, half}), 0);
    stream_write_blob(p.stream, blob);
    assert_int_equal(stream_queued(p.stream), half);
    stream_flush(p.stream);
    waiting = stream_queued(p.stream);
    assert_true(waiting > 0 && waiting < half);
    stream_write(p.stream, (struct bytes){bytes + half, BIG - half});
    stream_flush(p.stream); /* it goes after what is in flight */
    assert_int_equal(stream_queued(p.stream), waiting + BIG - half);
    assert_int_equal(p.drains, 0);
    while (heard < BIG) {
        size_t queued_before = stream_queued(p.stream);
        heard += peer_takes(&p, room, 100000, heard);
        pair_turn(&p);
        assert_true(stream_queued(p.stream) <= queued_before);
        /* what is neither heard nor queued is in the kernel's buffer */
        assert_true(heard + stream_queued(p.stream) <= BIG);
    }
    pair_turn(&p);
    assert_int_equal(stream_queued(p.stream), 0);
    assert_int_equal(stream_bytes_sent(p.stream), BIG);
    assert_int_equal(p.drains, 1);
    assert_int_equal(atomic_load(&blob->refs), 1);
    blob_unref(&blob);
    pair_close(&p);
    free(room);
    free(bytes);
}

static void a_reader_that_never_reads_is_closed_by_its_owner(void **state)
{
    char *bytes = pattern_new(BIG);
    struct blob *blob;
    struct pair p;

    pair_open(&p, SOCK_STREAM);
    assert_int_equal(blob_new(&blob, (struct bytes){bytes, BIG}), 0);
    stream_write_blob(p.stream, blob);
    pair_turn(&p);
    for (unsigned i = 0; i < 10; i++) {
        size_t queued = stream_queued(p.stream);
        stream_write_blob(p.stream, blob);
        pair_turn(&p);
        assert_int_equal(stream_queued(p.stream), queued + BIG);
    }
    stream_close(p.stream); /* a flight is under way */
    stream_close(p.stream);
    pair_run(&p);
    assert_null(p.stream);
    assert_int_equal(atomic_load(&blob->refs), 1);
    blob_unref(&blob);
    pair_close(&p);
    free(bytes);
}

/* ---- the end ---------------------------------------------------------- */

static void a_shutdown_sends_what_is_queued(void **state)
{
    char *bytes = pattern_new(BIG), *room = malloc(100000), c;
    size_t heard = 0;
    struct pair p;

    pair_open(&p, SOCK_STREAM);
    stream_write(p.stream, (struct bytes){bytes, BIG});
    stream_shutdown(p.stream);
    stream_shutdown(p.stream);
    assert_false(stream_is_open(p.stream));
    stream_write(p.stream, BYTES("too late"));
    assert_null(stream_room(p.stream, 10));
    peer_says(&p, "nobody reads this");
    while (heard < BIG) {
        heard += peer_takes(&p, room, 100000, heard);
        pair_turn(&p);
    }
    pair_turn(&p);
    assert_int_equal(recv(p.peer, &c, 1, MSG_DONTWAIT), 0); /* FIN */
    assert_int_equal(p.closes, 0); /* it lingers for ours */
    close(p.peer);
    p.peer = -1;
    pair_run(&p);
    assert_int_equal(p.reads, 0);
    pair_close(&p);
    free(room);
    free(bytes);
}

static void a_peer_that_does_not_answer_the_end_is_left(void **state)
{
    struct pair p;

    pair_open(&p, SOCK_STREAM);
    stream_shutdown(p.stream);
    pair_run(&p); /* until on_close: patience ended */
    assert_int_equal(p.closes, 1);
    pair_close(&p);
}

static void the_peer_ends_and_is_answered(void **state)
{
    struct pair p;
    char c;

    pair_open(&p, SOCK_STREAM);
    stream_write(p.stream, BYTES("bye"));
    assert_int_equal(shutdown(p.peer, SHUT_WR), 0);
    pair_run(&p);
    assert_int_equal(p.ends, 1);
    assert_int_equal(p.end_error, 0);
    assert_int_equal(p.closes, 1);
    peer_hears(&p, "bye");
    assert_int_equal(recv(p.peer, &c, 1, MSG_DONTWAIT), 0);
    pair_close(&p);
}

static void a_write_to_a_dead_peer_closes(void **state)
{
    struct pair p;

    pair_open(&p, SOCK_STREAM);
    stream_read_stop(p.stream);
    close(p.peer);
    p.peer = -1;
    stream_write(p.stream, BYTES("anyone?"));
    stream_flush(p.stream);
    assert_false(stream_is_open(p.stream));
    assert_int_equal(p.closes, 0); /* never inside a call of the owner's */
    stream_write(p.stream, BYTES("ignored"));
    assert_int_equal(stream_read_start(p.stream), ERR_CLOSED);
    pair_run(&p);
    assert_int_equal(p.closes, 1);
    pair_close(&p);
}

static void close_it(struct pair *p, char *bytes, size_t len)
{
    stream_write(p->stream, BYTES("never sent"));
    stream_close(p->stream);
    assert_non_null(p->stream);
}

static void a_stream_closes_inside_its_own_read(void **state)
{
    struct pair p;
    char c;

    pair_open(&p, SOCK_STREAM);
    p.read_fn = close_it;
    peer_says(&p, "x");
    pair_run(&p);
    assert_int_equal(p.reads, 1);
    assert_int_equal(recv(p.peer, &c, 1, MSG_DONTWAIT), 0);
    pair_close(&p);
}

static void a_loop_that_is_freed_closes_its_streams(void **state)
{
    char *bytes = pattern_new(BIG);
    struct pair p;

    pair_open(&p, SOCK_STREAM);
    stream_write(p.stream, (struct bytes){bytes, BIG});
    pair_turn(&p);
    pair_close(&p); /* checks that on_close came, once */
    free(bytes);
}

static void on_closed_frees(struct stream *s)
{
    struct pair *p = stream_owner(s, PAIR_MAGIC);
    struct loop *loop = p->loop;

    loop_defer_free(loop, p, free);
    loop_stop(loop);
}

static void an_owner_frees_itself_when_its_stream_closed(void **state)
{
    static const struct stream_events events = {
        PAIR_MAGIC, pair_on_read, pair_on_end, NULL, on_closed_frees,
    };
    struct pair *p = malloc(sizeof(*p));
    struct loop *loop;
    int peer;

    pair_open(p, SOCK_STREAM);
    loop = p->loop;
    peer = p->peer;
    stream_own(p->stream, &events, p);
    stream_close(p->stream);
    assert_int_equal(loop_run(loop), 0);
    loop_free(&loop);
    close(peer);
}

/* ---- a transform ------------------------------------------------------ */

/* Changes every byte, and sends the last one first; "!" is a mistake. */
struct rot {
    unsigned freed;
};

static int rot_in(void *state, struct stream *s, char *bytes, size_t len)
{
    if (bytes[0] == '!')
        return ERR_PROTOCOL;
    for (size_t i = 0; i < len; i++)
        bytes[i] ^= 1;
    stream_transform_plain(s, bytes, len);
    return 0;
}

static int rot_out(void *state, struct stream *s, struct bytes plain)
{
    for (size_t i = plain.len; i > 0; i--) {
        char c = plain.at[i - 1] ^ 1;
        stream_transform_wire(s, (struct bytes){&c, 1});
    }
    return 0;
}

static void rot_free(void *state)
{
    struct rot *rot = state;
    rot->freed++;
}

static const struct stream_transform rot_transform = {rot_in, rot_out,
                                                      rot_free};

static void a_transform_sees_every_byte(void **state)
{
    struct rot rot = {0};
    struct blob *blob;
    struct pair p;
    char *room;

    pair_open(&p, SOCK_STREAM);
    stream_transform_set(p.stream, &rot_transform, &rot);
    p.read_fn = echo;
    peer_says(&p, "cab");
    pair_run(&p);
    peer_hears(&p, "baK"); /* "b`c" was read, "J`c" was sent */
    assert_int_equal(blob_new(&blob, BYTES("abc")), 0);
    stream_write_blob(p.stream, blob);
    room = stream_room(p.stream, 16);
    memcpy(room, "cba", 3);
    stream_room_used(p.stream, 3);
    stream_flush(p.stream);
    peer_hears(&p, "bc``cb");
    blob_unref(&blob);
    peer_says(&p, "!");
    pair_run(&p);
    assert_int_equal(p.end_error, ERR_PROTOCOL);
    assert_int_equal(p.closes, 1);
    assert_int_equal(rot.freed, 1);
    pair_close(&p);
}

RUN(cmocka_unit_test(what_is_read_can_be_sent_back),
    cmocka_unit_test(the_writes_of_a_turn_are_one_write),
    cmocka_unit_test(a_flush_sends_at_once),
    cmocka_unit_test(more_segments_than_one_write_takes),
    cmocka_unit_test(reading_stops_and_starts),
    cmocka_unit_test(a_slow_reader_gets_all_and_is_counted_exactly),
    cmocka_unit_test(a_reader_that_never_reads_is_closed_by_its_owner),
    cmocka_unit_test(a_shutdown_sends_what_is_queued),
    cmocka_unit_test(a_peer_that_does_not_answer_the_end_is_left),
    cmocka_unit_test(the_peer_ends_and_is_answered),
    cmocka_unit_test(a_write_to_a_dead_peer_closes),
    cmocka_unit_test(a_stream_closes_inside_its_own_read),
    cmocka_unit_test(a_loop_that_is_freed_closes_its_streams),
    cmocka_unit_test(an_owner_frees_itself_when_its_stream_closed),
    cmocka_unit_test(a_transform_sees_every_byte))
