/* SPDX-License-Identifier: MIT */
/*
 * catchup - the ring for those who were away briefly, one scan for the rest.
 * Threads: loop.
 */
#include "hub/catchup.h"

#include "base/error.h"
#include "base/log.h"
#include "edge/identity.h"
#include "feed/feed.h"
#include "hub/desk.h"
#include "hub/frame.h"
#include "hub/native.h"
#include "hub/ring.h"
#include "hub/session.h"
#include "hub/subscribe.h"

#define SCAN_LIMIT    512  /* rows of a page; fewer while they are large */
#define SCAN_RETRY_MS 1000 /* after the store failed */

/* ---- one session ------------------------------------------------------ */

static bool catchup_due(const struct session *s, const struct frame *f,
                        const struct data_event *e, enum frame_view view)
{
    uint64_t offset = f->change.offset;
    bool due = false;

    for (size_t i = 0; i < s->sub_count; i++) {
        const struct sub *sub = &s->subs[i];

        if (offset <= sub->since || !topic_carries(sub->topic, f, e, view))
            continue;
        if (offset <= s->sent && !sub->fresh)
            return false; /* it was sent while that one was live */
        due = true;
    }
    return due;
}

static void catchup_offer(struct session *s, struct frame *f)
{
    if (s->state != SESSION_CATCHING || f->change.offset <= s->cursor)
        return;
    s->cursor = f->change.offset;
    session_send_frame(s, f, catchup_due);
}

static void catchup_end(struct session *s)
{
    list_remove(&s->link);
    for (size_t i = 0; i < s->sub_count; i++)
        s->subs[i].fresh = false;
    s->sent = s->worker->delivered;
    session_become(s, SESSION_LIVE);
    subscribe_next(s);
}

/* A list's position may be ahead of what this worker has delivered. */
static bool begins_later(const struct session *s)
{
    for (size_t i = 0; i < s->sub_count; i++)
        if (s->subs[i].fresh && s->subs[i].since > s->worker->delivered)
            return true;
    return false;
}

static void scan_join(struct session *s);

/* True: there may be more in the ring. */
static bool catchup_step(struct session *s)
{
    struct hub_worker *w = s->worker;
    struct frame *frames[HUB_TAKE];
    struct bytes tenant = s->identity->tenant;
    size_t count;
    uint64_t after;

    if (!tenant.at)
        tenant = BYTES("");
    if (ring_take(w->hub->ring, s->cursor, w->delivered, tenant, frames,
                  HUB_TAKE, &count, &after) != 0) {
        scan_join(s);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        catchup_offer(s, frames[i]);
        frame_unref(&frames[i]);
    }
    if (s->state != SESSION_CATCHING)
        return false;
    s->cursor = after;
    if (after < w->delivered)
        return true;
    if (!begins_later(s))
        catchup_end(s);
    else if (list_empty(&s->link))
        list_append(&w->catching, &s->link);
    return false;
}

void catchup_pump(struct session *s)
{
    bool more = s->state == SESSION_CATCHING;

    list_remove(&s->link);
    while (more && session_has_room(s)) /* else on_drained comes back here */
        more = catchup_step(s);
}

void catchup_pump_all(struct hub_worker *w)
{
    struct list all;

    list_init(&all);
    while (!list_empty(&w->catching)) {
        struct list *link = w->catching.next;

        list_remove(link);
        list_append(&all, link);
    }
    while (!list_empty(&all))
        catchup_pump(LIST_FIRST(&all, struct session, link));
}

void catchup_begin(struct session *s)
{
    s->sent = s->cursor = s->worker->delivered;
    for (size_t i = 0; i < s->sub_count; i++)
        if (s->subs[i].fresh && s->subs[i].since < s->cursor)
            s->cursor = s->subs[i].since;
    session_become(s, SESSION_CATCHING);
    catchup_pump(s);
}

void catchup_begin_all(struct hub_worker *w)
{
    for (size_t i = 0; i < w->session_count; i++) {
        struct session *s = w->sessions[i];

        if (s->state != SESSION_LIVE || s->sub_count == 0)
            continue;
        s->sent = s->cursor = w->delivered;
        session_become(s, SESSION_CATCHING);
        list_append(&w->catching, &s->link);
    }
}

void catchup_reload(struct session *s, const char *reason)
{
    for (size_t i = 0; i < s->sub_count; i++) {
        s->subs[i].since = s->worker->delivered;
        s->subs[i].fresh = false;
    }
    s->resume = SESSION_NO_OFFSET;
    s->sent = s->worker->delivered;
    native_must_reload(s, reason, (struct bytes){NULL, 0});
    if (s->state == SESSION_CATCHING)
        catchup_end(s);
}

int catchup_check(struct hub_worker *w, struct bytes text, uint64_t *ret_offset,
                  const char **ret_reason)
{
    struct position p;

    *ret_reason = "position";
    if (position_read(text, &p) != 0 || feed_check(w->hub->feed, &p) != 0)
        return ERR_STALE;
    *ret_reason = "too-far";
    if (w->delivered > p.offset && w->delivered - p.offset > HUB_CATCHUP_MAX)
        return ERR_STALE;
    *ret_offset = p.offset;
    return 0;
}

/* ---- the scan --------------------------------------------------------- */

static void scan_ask(struct hub_worker *w, uint64_t after_ms)
{
    timer_start(w->loop, &w->scan.timer, after_ms);
}

static void scan_join(struct session *s)
{
    struct hub_worker *w = s->worker;
    struct scan *scan = &w->scan;
    bool under_way = !list_empty(&scan->members) || scan->reading;
    uint64_t reached = scan->reading ? scan->last : scan->cursor;

    list_remove(&s->link);
    if (under_way && s->cursor >= reached)
        list_append(&scan->members, &s->link);
    else
        list_append(&scan->waiting, &s->link);
    if (!scan->reading && !timer_is_active(&scan->timer))
        scan_ask(w, 0);
}

/* Those who wait become members; the scan begins at the one furthest back. */
static void scan_enrol(struct scan *scan)
{
    scan->cursor = UINT64_MAX;
    while (!list_empty(&scan->waiting)) {
        struct session *s = LIST_FIRST(&scan->waiting, struct session, link);

        if (s->cursor < scan->cursor)
            scan->cursor = s->cursor;
        list_remove(&s->link);
        list_append(&scan->members, &s->link);
    }
}

static void scan_drop_trimmed(struct hub_worker *w)
{
    uint64_t low = feed_low_water(w->hub->feed);

    LIST_EACH_SAFE (&w->scan.members, link, after) {
        struct session *s = CONTAINER_OF(link, struct session, link);

        if (s->cursor < low)
            catchup_reload(s, "trimmed");
    }
}

static void on_scan_change(const struct change *c, void *arg)
{
    struct hub_worker *w = arg;
    struct frame *frame;
    int error;

    w->scan.last = c->offset;
    if (c->op == CHANGE_PURGE || list_empty(&w->scan.members))
        return;
    error = frame_new(&frame, w->hub->data, c, bytes_of(w->epoch));
    if (error == ERR_NOT_FOUND)
        return;
    LIST_EACH_SAFE (&w->scan.members, link, after) {
        struct session *s = CONTAINER_OF(link, struct session, link);

        if (error < 0) {
            session_close(s, CLOSE_INTERNAL); /* never silence */
            continue;
        }
        catchup_offer(s, frame);
        if (!session_has_room(s))
            list_remove(link);
    }
    if (error == 0)
        frame_unref(&frame);
}

/* The rest of the way is in the ring. */
static void scan_release(struct hub_worker *w)
{
    struct list all;

    list_init(&all);
    while (!list_empty(&w->scan.members)) {
        struct list *link = w->scan.members.next;

        list_remove(link);
        list_append(&all, link);
    }
    while (!list_empty(&all))
        catchup_pump(LIST_FIRST(&all, struct session, link));
}

static void scan_proceed(struct hub_worker *w)
{
    struct scan *scan = &w->scan;
    struct ring_state ring;

    LIST_EACH_SAFE (&scan->members, link, after) {
        struct session *s = CONTAINER_OF(link, struct session, link);

        if (s->cursor < scan->cursor)
            s->cursor = scan->cursor;
    }
    ring_state(w->hub->ring, &ring);
    if (scan->cursor >= ring.floor)
        scan_release(w);
    if (!list_empty(&scan->members) || !list_empty(&scan->waiting))
        scan_ask(w, 0);
}

/* The rows were too large to be held together. Who would have to pass one that
 * is so alone cannot be told what he missed. */
static void scan_shrink(struct hub_worker *w)
{
    struct scan *scan = &w->scan;

    if (scan->read.limit > 1)
        scan->read.limit /= 2;
    else
        while (!list_empty(&scan->members))
            catchup_reload(LIST_FIRST(&scan->members, struct session, link),
                           "too-far");
    scan_ask(w, 0);
}

static void on_scan_done(struct changes_read *read, int error)
{
    struct hub_worker *w = read->arg;

    w->scan.reading = false;
    if (error == ERR_CLOSED)
        return;
    if (error == ERR_LIMIT) {
        scan_shrink(w);
        return;
    }
    if (error < 0) {
        log_warn("hub.catchup.failed", "error=%s", error_name(error));
        scan_ask(w, SCAN_RETRY_MS);
        return;
    }
    w->scan.cursor = read->count < read->limit ? read->upto : w->scan.last;
    if (read->limit < SCAN_LIMIT)
        read->limit *= 2;
    scan_proceed(w);
}

static void on_scan_timer(struct timer *t, void *arg)
{
    struct hub_worker *w = arg;
    struct scan *scan = &w->scan;
    struct ring_state ring;

    if (scan->reading)
        return;
    if (list_empty(&scan->members))
        scan_enrol(scan);
    scan_drop_trimmed(w);
    if (list_empty(&scan->members))
        return;
    ring_state(w->hub->ring, &ring);
    if (ring.floor <= scan->cursor) {
        scan_proceed(w);
        return;
    }
    scan->reading = true;
    scan->last = scan->cursor;
    scan->read = (struct changes_read){.after = scan->cursor,
                                       .upto = ring.floor,
                                       .limit = scan->read.limit,
                                       .change_fn = on_scan_change,
                                       .done_fn = on_scan_done,
                                       .arg = w};
    store_changes_read(w->store, &scan->read);
}

void catchup_init(struct hub_worker *w)
{
    list_init(&w->catching);
    list_init(&w->scan.members);
    list_init(&w->scan.waiting);
    timer_init(&w->scan.timer, on_scan_timer, w);
    w->scan.read.limit = SCAN_LIMIT;
}

void catchup_fini(struct hub_worker *w)
{
    timer_stop(&w->scan.timer);
}
