/* SPDX-License-Identifier: MIT */
/*
 * session_http1 - what a connection does with what the parser finds.
 *
 *   IDLE --first byte--> HEAD --no body--> BUSY --answered--> IDLE
 *                         \--body--> BODY --its end--> BUSY
 *                          \--answered before the body--> DISCARD --its end-->
 * IDLE BUSY --101--> UPGRADED           any --close, mistake, time-out-->
 * CLOSING
 *
 * IDLE      no byte of a request has come; no parser is held after a read.
 * HEAD      a part of a head is with the parser; its time runs from its first
 *           byte and does not start anew.
 * BODY      req collects; its time starts anew only after BODY_STEP bytes, so
 *           that a trickle ends too.
 * DISCARD   the answer is out; the rest of the body is read over, bounded.
 * BUSY      req runs; nothing is parsed, what comes is held, once.
 * CLOSING   the stream sends what is queued and closes.
 *
 * A session whose peer does not read is not read from while more than
 * QUEUE_MAX bytes wait for it.
 * Threads: loop.
 */
#include "edge/session.h"

#include "base/error.h"
#include "base/mem.h"
#include "edge/internal.h"
#include "edge/pipeline.h"
#include "edge/respond.h"
#include "net/stream.h"
#include "proto/http1.h"

#include <assert.h>

#define SESSION_MAGIC 0x5e5510a1u
#define QUEUE_MAX     ((size_t)256 * 1024)
#define DISCARD_MAX   ((size_t)256 * 1024)
#define HELD_MAX      ((size_t)1024 * 1024)
#define BODY_STEP     ((size_t)1024)
#define NEVER         UINT64_MAX

enum session_state {
    SESSION_IDLE,
    SESSION_HEAD,
    SESSION_BODY,
    SESSION_DISCARD,
    SESSION_BUSY,
    SESSION_UPGRADED,
    SESSION_CLOSING,
};

struct session {
    struct edge_worker *edge;
    struct stream *stream;
    struct http1 *parser;
    struct request *req;        /* in BODY and BUSY */
    struct list link;           /* edge_worker.sessions */
    struct list ready;          /* edge_worker.ready */
    struct timer timer;         /* looks at both deadlines when it fires */
    uint64_t deadline_ms;       /* of the state */
    uint64_t write_deadline_ms; /* NEVER unless the peer does not read */
    uint64_t sent_mark;
    struct buf held;  /* came while BUSY or full */
    size_t body_mark; /* since the deadline was set; DISCARD: read over */
    enum session_state state;
    bool feeding; /* in session_feed(): events are gathered, not acted on */
    bool full;    /* more than QUEUE_MAX is queued: nothing is read, and
                     only the write deadline runs */
    bool ended;   /* the peer sends no more */
    bool message_done, continue_asked;
    exchange_upgraded_fn *upgraded_fn;
    void *upgraded_arg;
    struct identity *upgraded_identity;
};

/* ---- time ------------------------------------------------------------- */

static void deadline_set(struct session *s, uint64_t after_ms)
{
    uint64_t now_ms = loop_now_ms(s->edge->loop);

    s->deadline_ms = after_ms == NEVER ? NEVER : now_ms + after_ms;
    /* A timer that fires too early looks again: it is seldom touched. */
    if (after_ms != NEVER &&
        (!timer_is_active(&s->timer) || s->timer.at_ms > s->deadline_ms))
        timer_start(s->edge->loop, &s->timer, after_ms);
}

/* The one place where a state is written. */
static void session_become(struct session *s, enum session_state state)
{
    const struct edge_spec *spec = &s->edge->edge->spec;

    s->state = state;
    switch (state) {
    case SESSION_IDLE:
        deadline_set(s, spec->idle_timeout_ms);
        break;
    case SESSION_HEAD:
        deadline_set(s, spec->head_timeout_ms);
        break;
    case SESSION_BODY:
    case SESSION_DISCARD:
        s->body_mark = 0;
        deadline_set(s, spec->body_timeout_ms);
        break;
    case SESSION_BUSY:
    case SESSION_UPGRADED:
    case SESSION_CLOSING: /* the stream has its own patience */
        deadline_set(s, NEVER);
        break;
    }
}

static void session_finish(struct session *s)
{
    if (s->state == SESSION_CLOSING)
        return;
    session_become(s, SESSION_CLOSING);
    stream_shutdown(s->stream);
}

static void count_bad(struct session *s, const char *reason)
{
    struct bytes label = bytes_of(reason);
    struct edge_worker *ew = s->edge;

    metrics_add(ew->shard,
                metrics_series_of(ew->edge->metrics, METRIC_HTTP_BAD, &label),
                1);
}

/* Was anything taken since the last look? */
static void write_check(struct session *s, uint64_t now_ms)
{
    uint64_t sent = stream_bytes_sent(s->stream);

    if (now_ms < s->write_deadline_ms)
        return;
    if (sent == s->sent_mark) {
        count_bad(s, "slow reader");
        stream_close(s->stream);
        return;
    }
    s->sent_mark = sent;
    s->write_deadline_ms = now_ms + s->edge->edge->spec.write_timeout_ms;
}

/* What to answer a mistake to: the request that was read, or one without a
 * head. The connection ends with it. NULL when out of memory. */
static struct request *last_request(struct session *s)
{
    if (!s->req) {
        s->req = request_new(s->edge, s);
        if (!s->req)
            return NULL;
        trace_begin(&s->req->trace, BYTES(""), &s->edge->trace_state);
    }
    s->req->close = true;
    return s->req;
}

static void state_timeout(struct session *s)
{
    struct request *r;

    if (s->state == SESSION_IDLE || s->state == SESSION_DISCARD) {
        session_finish(s);
        return;
    }
    count_bad(s, s->state == SESSION_HEAD ? "slow head" : "slow body");
    r = last_request(s);
    if (!r) {
        stream_close(s->stream);
        return;
    }
    session_become(s, SESSION_BUSY);
    exchange_problem(&r->x, 408, "timeout", "the request did not come in time");
}

static void on_timer(struct timer *t, void *arg)
{
    struct session *s = arg;
    uint64_t now_ms = loop_now_ms(s->edge->loop);

    write_check(s, now_ms);
    if (stream_is_open(s->stream) && !s->full && now_ms >= s->deadline_ms)
        state_timeout(s);
    if (!stream_is_open(s->stream))
        return;

    uint64_t next = s->deadline_ms < s->write_deadline_ms && !s->full
                        ? s->deadline_ms
                        : s->write_deadline_ms;

    if (next != NEVER)
        timer_start(s->edge->loop, &s->timer,
                    next > now_ms ? next - now_ms : 0);
}

/* ---- parsers are lent ------------------------------------------------- */

static bool parser_take(struct session *s)
{
    struct edge_worker *ew = s->edge;
    struct http1_limits limits = {.body_bytes_max = ew->edge->body_bytes_max};

    if (s->parser)
        return true;
    if (ew->spare_parser_count) {
        s->parser = ew->spare_parsers[--ew->spare_parser_count];
        return true;
    }
    return http1_new(&s->parser, HTTP1_SERVER, &limits) == 0;
}

static void parser_give(struct session *s)
{
    struct edge_worker *ew = s->edge;

    if (ew->spare_parser_count == EDGE_SPARES_MAX)
        http1_free(&s->parser);
    else
        ew->spare_parsers[ew->spare_parser_count++] = s->parser;
    s->parser = NULL;
}

/* ---- from events to requests ------------------------------------------ */

static void on_head(struct session *s)
{
    const struct http_head *h = http1_head(s->parser);
    bool has_body = h->chunked || (h->has_length && h->content_length);
    struct request *r = s->req = request_new(s->edge, s);

    s->message_done = false;
    s->continue_asked = has_body && h->expect_continue && h->version_minor > 0;
    if (!r) {
        session_finish(s);
        return;
    }
    session_become(s, SESSION_BUSY);
    if (!pipeline_open(r, h))
        return;
    if (!has_body) {
        pipeline_run(r);
        return;
    }
    if (request_keep(r) < 0) {
        exchange_error(&r->x, ERR_NOMEM);
        return;
    }
    session_become(s, SESSION_BODY);
    if (s->continue_asked)
        stream_write(s->stream, BYTES("HTTP/1.1 100 Continue\r\n\r\n"));
    s->continue_asked = false;
}

static void on_body(struct session *s, struct bytes piece)
{
    s->body_mark += piece.len;
    if (s->state == SESSION_DISCARD) {
        if (s->body_mark > DISCARD_MAX)
            session_finish(s);
        return;
    }
    if (s->body_mark >= BODY_STEP)
        session_become(s, SESSION_BODY);
    pipeline_body_piece(s->req, piece);
}

static void on_done(struct session *s)
{
    s->message_done = true;
    if (s->state == SESSION_BODY) {
        session_become(s, SESSION_BUSY);
        if (pipeline_body(s->req))
            pipeline_run(s->req);
    } else if (s->state == SESSION_DISCARD) {
        session_become(s, SESSION_IDLE);
    }
}

static void on_bad(struct session *s)
{
    struct request *r = NULL;

    count_bad(s, http1_mistake(s->parser));
    if (s->state != SESSION_DISCARD) /* there it has its answer */
        r = last_request(s);
    if (!r) {
        session_finish(s);
        return;
    }
    exchange_problem(&r->x, http1_bad_status(s->parser), "malformed-request",
                     "%s", http1_mistake(s->parser));
}

static void session_event(struct session *s, enum http1_event event,
                          struct bytes piece)
{
    switch (event) {
    case HTTP1_HEAD:
        on_head(s);
        break;
    case HTTP1_BODY:
        on_body(s, piece);
        break;
    case HTTP1_DONE:
        on_done(s);
        break;
    case HTTP1_BAD:
        on_bad(s);
        break;
    case HTTP1_MORE:
    case HTTP1_UPGRADE:
        break;
    }
}

static bool session_parses(const struct session *s)
{
    return s->state <= SESSION_DISCARD && !s->full && stream_is_open(s->stream);
}

/* Sends, and learns whether the peer takes it. */
static void session_flush(struct session *s)
{
    size_t queued;

    stream_flush(s->stream);
    if (!stream_is_open(s->stream))
        return;
    queued = stream_queued(s->stream);
    if (queued > QUEUE_MAX)
        s->full = true; /* until it is drained */
    if (queued == 0 || s->write_deadline_ms != NEVER)
        return;

    uint64_t wait_ms = s->edge->edge->spec.write_timeout_ms;

    s->sent_mark = stream_bytes_sent(s->stream);
    s->write_deadline_ms = loop_now_ms(s->edge->loop) + wait_ms;
    if (!timer_is_active(&s->timer) || s->timer.at_ms > s->write_deadline_ms)
        timer_start(s->edge->loop, &s->timer, wait_ms);
}

static void session_hold(struct session *s, struct bytes rest)
{
    if (rest.len == 0 || !stream_is_open(s->stream) ||
        s->state == SESSION_CLOSING)
        return;
    buf_append(&s->held, rest);
    if (buf_error(&s->held) < 0)
        stream_close(s->stream);
    else
        stream_read_stop(s->stream);
}

static void hand_over(struct session *s, struct bytes rest);

static void session_feed(struct session *s, struct bytes in)
{
    struct bytes piece = {NULL, 0};
    bool clean = false; /* the parser stands right behind a message */

    if (!parser_take(s)) {
        stream_close(s->stream);
        return;
    }
    s->feeding = true;
    while (session_parses(s)) {
        enum http1_event event = http1_next(s->parser, &in, &piece);

        if (event == HTTP1_MORE)
            break;
        clean = event == HTTP1_DONE && in.len == 0;
        session_event(s, event, piece);
        if (stream_queued(s->stream) > QUEUE_MAX)
            session_flush(s);
    }
    s->feeding = false;
    if (s->state == SESSION_UPGRADED) {
        hand_over(s, in);
        return;
    }
    if (s->state == SESSION_IDLE && !http1_is_idle(s->parser))
        session_become(s, SESSION_HEAD);
    if (clean && s->state == SESSION_IDLE)
        parser_give(s);
    session_hold(s, in);
    session_flush(s);
    if (!session_parses(s))
        return;
    if (s->ended)
        session_finish(s);
    else if (stream_read_start(s->stream) < 0)
        stream_close(s->stream);
}

/* ---- what the pipeline says ------------------------------------------- */

struct stream *session_stream(const struct session *s)
{
    return s->stream;
}

static void session_make_ready(struct session *s)
{
    if (list_empty(&s->ready))
        list_append(&s->edge->ready, &s->ready);
    loop_turn_ask(s->edge->loop, &s->edge->turn);
}

void session_answered(struct session *s, enum session_after after)
{
    bool unread = s->continue_asked; /* a body that was never asked for */

    s->req = NULL;
    if (s->state == SESSION_UPGRADED || s->state == SESSION_CLOSING)
        ;
    else if (after == SESSION_CLOSE || s->edge->draining || unread)
        session_finish(s);
    else
        session_become(s, s->message_done ? SESSION_IDLE : SESSION_DISCARD);
    if (!s->feeding)
        session_make_ready(s);
}

static void session_resume(struct session *s)
{
    struct buf held = s->held;

    if (!stream_is_open(s->stream))
        return;
    buf_init(&s->held, HELD_MAX);
    session_feed(s, buf_bytes(&held));
    buf_fini(&held);
}

void sessions_ready(struct edge_worker *ew)
{
    while (!list_empty(&ew->ready)) {
        struct session *s = LIST_FIRST(&ew->ready, struct session, ready);

        list_remove(&s->ready);
        session_resume(s);
    }
}

void session_upgrade(struct session *s, struct identity *id,
                     exchange_upgraded_fn *fn, void *arg)
{
    s->upgraded_fn = fn;
    s->upgraded_arg = arg;
    s->upgraded_identity = id ? identity_ref(id) : NULL;
    session_become(s, SESSION_UPGRADED);
}

/* ---- the end ---------------------------------------------------------- */

static void on_free(void *at)
{
    struct session *s = at;

    identity_unref(&s->upgraded_identity);
    buf_fini(&s->held);
    http1_free(&s->parser);
    mem_free(s);
}

/* Out of the worker's books; the memory goes at the turn's end. */
static void session_leave(struct session *s)
{
    struct edge_worker *ew = s->edge;

    if (s->req) {
        s->req->session = NULL;
        if (s->state == SESSION_BODY) /* no handler will end it */
            request_end(s->req);
    }
    s->req = NULL;
    timer_stop(&s->timer);
    list_remove(&s->ready);
    list_remove(&s->link);
    ew->session_count--;
    metrics_gauge_add(ew->shard, ew->connections, -1);
    loop_defer_free(ew->loop, s, on_free);
    if (ew->draining && ew->session_count == 0)
        timer_start(ew->loop, &ew->drain_timer, 0);
}

/* The rest stands in memory of ours that may be written: the bytes just read
 * or those held. */
static void hand_over(struct session *s, struct bytes rest)
{
    exchange_upgraded_fn *fn = s->upgraded_fn;
    struct stream *stream = s->stream;
    void *arg = s->upgraded_arg;

    http1_free(&s->parser);
    session_leave(s);
    if (stream_read_start(stream) < 0) {
        stream_own(stream, NULL, NULL);
        stream_close(stream);
        return;
    }
    edge_worker_upgraded_begin(s->edge);
    fn(stream, s->upgraded_identity, (char *)(uintptr_t)rest.at, rest.len, arg);
}

void sessions_drain(struct edge_worker *ew)
{
    LIST_EACH_SAFE (&ew->sessions, link, after) {
        struct session *s = CONTAINER_OF(link, struct session, link);

        if (s->state == SESSION_IDLE && s->held.len == 0)
            session_finish(s);
    }
}

void sessions_free(struct edge_worker *ew)
{
    LIST_EACH_SAFE (&ew->sessions, link, after) {
        struct session *s = CONTAINER_OF(link, struct session, link);

        stream_own(s->stream, NULL, NULL);
        stream_close(s->stream);
        timer_stop(&s->timer);
        list_remove(&s->ready);
        list_remove(&s->link);
        on_free(s);
    }
}

/* ---- from the stream -------------------------------------------------- */

static void on_read(struct stream *stream, char *bytes, size_t len)
{
    struct session *s = stream_owner(stream, SESSION_MAGIC);
    struct bytes in = {bytes, len};

    if (session_parses(s) && s->held.len == 0)
        session_feed(s, in);
    else
        session_hold(s, in);
}

static void on_end(struct stream *stream, int error)
{
    struct session *s = stream_owner(stream, SESSION_MAGIC);

    s->ended = true;
    if (error < 0 || s->state == SESSION_HEAD || s->state == SESSION_BODY)
        stream_close(stream);
    else if (session_parses(s) && s->held.len == 0)
        session_finish(s);
}

static void on_drained(struct stream *stream)
{
    struct session *s = stream_owner(stream, SESSION_MAGIC);

    s->write_deadline_ms = NEVER;
    if (s->full) {
        s->full = false;
        session_become(s, s->state); /* its time begins anew */
        session_make_ready(s);
    }
}

static void on_close(struct stream *stream)
{
    session_leave(stream_owner(stream, SESSION_MAGIC));
}

static const struct stream_events session_events = {
    .magic = SESSION_MAGIC,
    .on_read = on_read,
    .on_end = on_end,
    .on_drained = on_drained,
    .on_close = on_close,
};

void session_open(struct edge_worker *ew, struct stream *stream)
{
    struct session *s = mem_zalloc(1, sizeof(*s));

    if (!s) {
        stream_own(stream, NULL, NULL);
        stream_close(stream);
        return;
    }
    s->edge = ew;
    s->stream = stream;
    s->write_deadline_ms = NEVER;
    buf_init(&s->held, HELD_MAX);
    list_init(&s->ready);
    timer_init(&s->timer, on_timer, s);
    list_append(&ew->sessions, &s->link);
    ew->session_count++;
    metrics_gauge_add(ew->shard, ew->connections, 1);
    stream_own(stream, &session_events, s);
    session_become(s, SESSION_IDLE);
    if (stream_read_start(stream) < 0)
        stream_close(stream);
}
