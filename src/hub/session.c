/* SPDX-License-Identifier: MIT */
/*
 * session - life, time limits, subscriptions and the two lanes.
 *
 * One timer serves all of a session's limits: when it fires, session_tick()
 * looks at the clock and decides; what is received only notes the time.
 * Threads: loop.
 */
#include "hub/session.h"

#include "base/blob.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "edge/edge.h"
#include "edge/identity.h"
#include "hub/catchup.h"
#include "hub/desk.h"
#include "hub/frame.h"
#include "hub/lane.h"
#include "hub/native.h"
#include "hub/note.h"
#include "hub/packet.h"
#include "hub/subscribe.h"
#include "net/stream.h"

/* ---- life ------------------------------------------------------------- */

static int sessions_add(struct hub_worker *w, struct session *s)
{
    int error = mem_grow(&w->sessions, &w->session_cap, w->session_count + 1,
                         sizeof(struct session *), HUB_SESSIONS_MAX);

    if (error < 0)
        return error;
    s->index = (uint32_t)w->session_count;
    w->sessions[w->session_count++] = s;
    metrics_gauge_add(w->shard, w->hub->series.connections, 1);
    return 0;
}

static void sessions_remove(struct hub_worker *w, struct session *s)
{
    struct session *last = w->sessions[--w->session_count];

    w->sessions[s->index] = last;
    last->index = s->index;
    metrics_gauge_add(w->shard, w->hub->series.connections, -1);
    edge_worker_upgraded_end(w->edge);
}

static void session_free(void *at)
{
    struct session *s = at;

    identity_unref(&s->identity);
    ws_reader_fini(&s->reader);
    lane_free(&s->lane);
    mem_free(s->subs);
    mem_free(s);
}

static void session_leave_all(struct session *s)
{
    subscribe_forget(s);
    list_remove(&s->link);
    while (s->sub_count)
        topic_leave(s->worker->topics, &s->subs[--s->sub_count]);
}

/* What all ends have in common; the memory is still there after it. */
static void session_end(struct session *s)
{
    session_become(s, SESSION_GONE);
    session_leave_all(s);
    timer_stop(&s->timer);
    sessions_remove(s->worker, s);
}

static void on_close(struct stream *stream)
{
    struct session *s = stream_owner(stream, SESSION_MAGIC);

    session_end(s);
    loop_defer_free(s->worker->loop, s, session_free);
}

static void nothing_read(struct stream *s, char *bytes, size_t len)
{
}
static void nothing_ended(struct stream *s, int error)
{
}
static void nothing_closed(struct stream *s)
{
}

void session_abandon(struct session *s)
{
    static const struct stream_events nobody = {.on_read = nothing_read,
                                                .on_end = nothing_ended,
                                                .on_close = nothing_closed};

    stream_own(s->stream, &nobody, NULL);
    stream_close(s->stream);
    session_end(s);
    session_free(s);
}

void session_become(struct session *s, enum session_state state)
{
    bool was = session_is_connected(s);

    s->state = (uint8_t)state;
    if (was != session_is_connected(s))
        metrics_gauge_add(s->worker->shard, s->worker->hub->series.sessions,
                          was ? -1 : 1);
}

/* ---- closing ---------------------------------------------------------- */

static void closed_count(struct session *s, enum close_code code)
{
    struct bytes reason = bytes_of(close_name(code));

    metrics_add(
        s->worker->shard,
        metrics_series_of(s->worker->hub->metrics, METRIC_HUB_CLOSED, &reason),
        1);
}

static void send_close(struct session *s, unsigned code, const char *reason)
{
    struct buf *wire = &s->worker->wire;

    buf_clear(wire);
    ws_write_close(wire, code, bytes_of(reason), false);
    if (buf_error(wire) == 0)
        stream_write(s->stream, buf_bytes(wire));
}

void session_close(struct session *s, enum close_code code)
{
    if (s->state >= SESSION_CLOSING)
        return;
    if (code != CLOSE_NORMAL)
        log_debug("hub.session.closed", "code=%u reason=%s queued=%zu",
                  (unsigned)code, close_name(code), stream_queued(s->stream));
    closed_count(s, code);
    send_close(s, (unsigned)code, close_name(code));
    session_become(s, SESSION_CLOSING);
    list_remove(&s->link);
    lane_free(&s->lane);
    s->closed_ms = loop_now_ms(s->worker->loop);
    s->arrived = stream_bytes_arrived(s->stream);
    timer_start(s->worker->loop, &s->timer, SESSION_LINGER_MS);
}

/* The code stands at the end of the queue: who reads gets there. */
static void session_linger(struct session *s)
{
    uint64_t arrived = stream_bytes_arrived(s->stream);

    if (arrived == s->arrived ||
        loop_now_ms(s->worker->loop) >= s->closed_ms + SESSION_CLOSE_MS) {
        stream_close(s->stream);
        return;
    }
    s->arrived = arrived;
    timer_start(s->worker->loop, &s->timer, SESSION_LINGER_MS);
}

/* The peer said goodbye: its code is returned, unless ours went first. */
static void session_closed_by_peer(struct session *s)
{
    unsigned code = ws_reader_close_code(&s->reader);

    if (s->state < SESSION_CLOSING) {
        send_close(s, code == WS_CLOSE_NO_CODE ? WS_CLOSE_NORMAL : code, "");
        session_become(s, SESSION_CLOSING);
        list_remove(&s->link);
    }
    stream_shutdown(s->stream);
}

void session_drain(struct session *s, uint64_t spread_ms)
{
    uint64_t r;

    random_bytes(&r, sizeof(r));
    s->leave_ms = loop_now_ms(s->worker->loop) + 1 + r % (spread_ms + 1);
    if (s->state < SESSION_CLOSING)
        timer_start(s->worker->loop, &s->timer,
                    s->leave_ms - loop_now_ms(s->worker->loop));
}

/* ---- room ------------------------------------------------------------- */

/* Unless the kernel is full, no on_drained would come for what is left. */
static bool stream_has_room(struct stream *stream, size_t max)
{
    if (stream_queued(stream) < max)
        return true;
    stream_flush(stream);
    return stream_queued(stream) < max;
}

static void session_bound(struct session *s)
{
    if (!stream_has_room(s->stream, s->worker->hub->spec->queue_bytes_max + 1))
        session_close(s, CLOSE_SLOW);
}

/* A frame of our own with a short payload. */
static void session_control(struct session *s, enum ws_opcode opcode,
                            struct bytes payload)
{
    struct buf *wire = &s->worker->wire;

    buf_clear(wire);
    ws_write(wire, opcode, payload, NULL);
    if (buf_error(wire) == 0)
        stream_write(s->stream, buf_bytes(wire));
    session_bound(s);
}

/* ---- time ------------------------------------------------------------- */

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* When session_tick() has something to decide next. */
static uint64_t session_due_ms(const struct session *s)
{
    const struct hub_spec *spec = s->worker->hub->spec;
    uint64_t due = s->heard_ms + (s->pinged ? spec->timeout_ms : spec->ping_ms);

    if (s->state == SESSION_WAITING)
        due = sooner(due, s->opened_ms + SESSION_CONNECT_MS);
    else
        due = sooner(due, s->expires_ms);
    return s->leave_ms ? sooner(due, s->leave_ms) : due;
}

static void session_ping(struct session *s)
{
    s->pinged = true;
    session_control(s, WS_OP_PING, (struct bytes){NULL, 0});
}

static void session_tick(struct session *s)
{
    const struct hub_spec *spec = s->worker->hub->spec;
    uint64_t now = loop_now_ms(s->worker->loop), due;

    if (s->state >= SESSION_CLOSING)
        session_linger(s);
    else if (s->leave_ms && now >= s->leave_ms)
        native_goodbye(s);
    else if (now >= s->heard_ms + spec->timeout_ms)
        session_close(s, CLOSE_HEARTBEAT);
    else if (s->state == SESSION_WAITING &&
             now >= s->opened_ms + SESSION_CONNECT_MS)
        session_close(s, CLOSE_UNAUTHENTICATED);
    else if (s->state != SESSION_WAITING && now >= s->expires_ms)
        session_close(s, CLOSE_TOKEN_EXPIRED);
    else if (!s->pinged && now >= s->heard_ms + spec->ping_ms)
        session_ping(s);
    if (s->state >= SESSION_CLOSING)
        return;
    due = session_due_ms(s);
    timer_start(s->worker->loop, &s->timer, due > now ? due - now : 0);
}

static void on_timer(struct timer *t, void *arg)
{
    session_tick(arg);
}

void session_identify(struct session *s, struct identity *identity)
{
    int64_t left_us = identity->expires_us - clock_wall_us();
    struct identity *old = s->identity;

    s->identity = identity_ref(identity);
    identity_unref(&old);
    s->expires_ms = loop_now_ms(s->worker->loop) +
                    (left_us > 0 ? (uint64_t)left_us / 1000 : 0);
    if (s->state == SESSION_WAITING)
        session_become(s, SESSION_LIVE);
    timer_start(s->worker->loop, &s->timer, 0);
}

/* ---- reading ---------------------------------------------------------- */

static void session_event(struct session *s, enum ws_event event,
                          struct bytes payload)
{
    switch (event) {
    case WS_CLOSE:
        session_closed_by_peer(s);
        return;
    case WS_TEXT:
        if (s->state < SESSION_CLOSING)
            native_message(s, payload);
        return;
    case WS_BINARY:
        session_close(s, CLOSE_UNSUPPORTED);
        return;
    case WS_PING:
        if (s->state < SESSION_CLOSING)
            session_control(s, WS_OP_PONG, payload);
        return;
    case WS_BAD:
        session_close(s, (enum close_code)ws_reader_close_code(&s->reader));
        return;
    case WS_PONG:
    case WS_MORE:
        return;
    }
}

static void session_feed(struct session *s, char *bytes, size_t len)
{
    enum ws_event event = WS_PONG;
    struct bytes payload;

    s->heard_ms = loop_now_ms(s->worker->loop);
    s->pinged = false;
    while (event != WS_MORE && event != WS_BAD && stream_is_open(s->stream)) {
        event = ws_reader_next(&s->reader, &bytes, &len, &payload);
        session_event(s, event, payload);
    }
}

static void on_read(struct stream *stream, char *bytes, size_t len)
{
    session_feed(stream_owner(stream, SESSION_MAGIC), bytes, len);
}

/* Half a connection is of no use to a WebSocket. */
static void on_end(struct stream *stream, int error)
{
    struct session *s = stream_owner(stream, SESSION_MAGIC);

    if (s->state < SESSION_CLOSING)
        session_become(s, SESSION_CLOSING);
    list_remove(&s->link);
    stream_shutdown(stream);
}

static void lane_flush(struct session *s)
{
    struct note *note;

    while (s->lane && stream_has_room(s->stream, SESSION_DIRECT_BYTES)) {
        note = lane_take(s->lane);
        if (!note) {
            lane_free(&s->lane);
            return;
        }
        metrics_add(s->worker->shard, s->worker->hub->series.out_latest, 1);
        session_send(s, note->packet);
        note_unref(&note);
    }
}

static void on_drained(struct stream *stream)
{
    struct session *s = stream_owner(stream, SESSION_MAGIC);

    lane_flush(s);
    if (s->state == SESSION_CATCHING)
        catchup_pump(s);
}

static const struct stream_events session_events = {.magic = SESSION_MAGIC,
                                                    .on_read = on_read,
                                                    .on_end = on_end,
                                                    .on_drained = on_drained,
                                                    .on_close = on_close};

void session_begin(struct hub_worker *w, struct stream *stream,
                   struct identity *identity, bool deflate, char *rest,
                   size_t rest_len)
{
    struct session *s = mem_zalloc(1, sizeof(*s));

    if (!s || sessions_add(w, s) != 0) {
        mem_free(s);
        stream_own(stream, NULL, NULL);
        stream_shutdown(stream);
        edge_worker_upgraded_end(w->edge);
        return;
    }
    s->magic = SESSION_MAGIC;
    s->worker = w;
    s->stream = stream;
    s->identity = identity ? identity_ref(identity) : NULL;
    s->resume = SESSION_NO_OFFSET;
    random_bytes(&s->id, sizeof(s->id));
    s->opened_ms = s->heard_ms = loop_now_ms(w->loop);
    list_init(&s->link);
    list_init(&s->jobs);
    timer_init(&s->timer, on_timer, s);
    timer_start(w->loop, &s->timer, SESSION_CONNECT_MS);
    ws_reader_init(&s->reader, WS_SERVER, w->hub->spec->message_bytes_max,
                   deflate ? w->deflate : NULL);
    stream_own(stream, &session_events, s);
    if (stream_read_start(stream) != 0) {
        stream_close(stream);
        return;
    }
    if (w->draining)
        session_drain(s, 0);
    if (rest_len)
        session_feed(s, rest, rest_len);
}

/* ---- subscriptions ---------------------------------------------------- */

static struct sub *sub_find(const struct session *s, const struct topic *t)
{
    for (size_t i = 0; t && i < s->sub_count; i++)
        if (s->subs[i].topic == t)
            return &s->subs[i];
    return NULL;
}

int session_sub_add(struct session *s, const struct topic_name *name,
                    uint64_t since)
{
    struct topics *topics = s->worker->topics;
    bool fresh = since != SESSION_NO_OFFSET;
    struct sub sub = {.since = fresh ? since : s->worker->delivered,
                      .fresh = fresh};
    int error;

    if (sub_find(s, topics_find(topics, name)))
        return ERR_EXISTS;
    if (s->sub_count >= s->worker->hub->spec->topics_max)
        return ERR_LIMIT;
    error = mem_grow(&s->subs, &s->sub_cap, s->sub_count + 1, sizeof(*s->subs),
                     s->worker->hub->spec->topics_max);
    if (error == 0)
        error = topic_join(topics, name, s, &sub, (uint32_t)s->sub_count);
    if (error == 0)
        s->subs[s->sub_count++] = sub;
    return error;
}

bool session_sub_drop(struct session *s, const struct topic_name *name)
{
    struct sub *sub = sub_find(s, topics_find(s->worker->topics, name));
    struct sub *last;

    if (!sub)
        return false;
    topic_leave(s->worker->topics, sub);
    last = &s->subs[--s->sub_count];
    if (sub != last) {
        *sub = *last;
        sub->topic->members[sub->slot].sub = (uint32_t)(sub - s->subs);
    }
    return true;
}

/* ---- lanes ------------------------------------------------------------ */

bool session_has_room(struct session *s)
{
    return stream_has_room(s->stream,
                           s->worker->hub->spec->queue_bytes_max / 2 + 1);
}

void session_send(struct session *s, struct packet *packet)
{
    if (s->state >= SESSION_CLOSING)
        return;
    stream_write_blob(s->stream, packet_frame(packet, s->reader.deflate));
    session_bound(s);
}

void session_send_json(struct session *s, struct bytes json)
{
    struct buf *wire = &s->worker->wire;

    if (s->state >= SESSION_CLOSING)
        return;
    buf_clear(wire);
    ws_write(wire, WS_OP_TEXT, json,
             json.len >= PACKET_DEFLATE_MIN ? s->reader.deflate : NULL);
    if (buf_error(wire) != 0) {
        session_close(s, CLOSE_INTERNAL);
        return;
    }
    stream_write(s->stream, buf_bytes(wire));
    session_bound(s);
}

static void session_send_event(struct session *s, struct frame *f,
                               const struct data_event *e, bool last)
{
    struct packet *packet = NULL;

    if (!frame_is_reset(f))
        packet = frame_packet(f, e, frame_view(f, e, s->identity),
                              s->identity->roles, last);
    if (!packet) { /* never silence */
        native_reset(s, f, e, last);
        return;
    }
    metrics_add(s->worker->shard, s->worker->hub->series.out_feed, 1);
    session_send(s, packet);
}

/* One is held back until it is known whether another follows. */
void session_send_frame(struct session *s, struct frame *f, event_due_fn *due)
{
    const struct data_event *held = NULL;

    for (unsigned i = 0; i < f->event_count; i++) {
        const struct data_event *e = &f->events[i];
        enum frame_view view = frame_view(f, e, s->identity);

        if (view == FRAME_HIDDEN ||
            !data_may_read(e->resource, s->identity->roles) ||
            !due(s, f, e, view))
            continue;
        if (held)
            session_send_event(s, f, held, false);
        held = e;
    }
    if (held)
        session_send_event(s, f, held, true);
}

static bool session_hears(const struct session *s, const struct frame *f,
                          const struct data_event *e, enum frame_view view)
{
    for (size_t i = 0; i < s->sub_count; i++)
        if (topic_carries(s->subs[i].topic, f, e, view))
            return true;
    return false;
}

void session_offer(struct session *s, struct frame *f)
{
    if (s->state != SESSION_LIVE || s->sent >= f->change.offset)
        return;
    s->sent = f->change.offset;
    session_send_frame(s, f, session_hears);
}

static bool session_keeps_up(struct session *s)
{
    return !s->lane && stream_has_room(s->stream, SESSION_DIRECT_BYTES);
}

static void session_note_later(struct session *s, struct note *n)
{
    bool replaced = true;

    if (!s->lane && lane_new(&s->lane) != 0)
        return;
    if (lane_put(s->lane, n, &replaced) != 0 || replaced)
        metrics_add(s->worker->shard, s->worker->hub->series.conflated, 1);
}

void session_note(struct session *s, struct note *n)
{
    const struct hub_series *series = &s->worker->hub->series;

    if (!session_is_connected(s) || s->note_seen == n->serial)
        return;
    s->note_seen = n->serial;
    if (n->latest && !session_keeps_up(s)) {
        session_note_later(s, n);
        return;
    }
    metrics_add(s->worker->shard,
                n->latest ? series->out_latest : series->out_message, 1);
    session_send(s, n->packet);
}
