/* SPDX-License-Identifier: MIT */
/*
 * session - one WebSocket connection: who it is, what it hears, its two lanes.
 *
 *   WAITING --CONNECT--> LIVE --position in the past--> CATCHING
 *      |                  |  <------caught up--------------'  |
 *      '------------------+------- session_close() -----------'
 *                         v
 *                      CLOSING --peer's close, or patience ends--> GONE
 *
 *   WAITING   no identity is settled; nothing is subscribed.
 *   LIVE      every frame the worker delivers is offered at once.
 *   CATCHING  frames are offered by catchup.c in order from cursor on; the
 *             worker's own delivery passes the session by.
 *   CLOSING   a close frame is queued; nothing more is offered or obeyed. It
 *             lasts while the peer reads on, within SESSION_CLOSE_MS.
 *   GONE      the stream is closing; on_close frees the session.
 *
 * First lane: frames in order, references in the stream's queue, bounded by
 * queue_bytes_max; past it the session is closed with 4008. Second lane: what
 * is LATEST goes straight into the queue while the kernel keeps up, else into
 * places that are overwritten (lane.h).
 * Each feed offset is offered once though several topics carry it: sent.
 * Owner: hub_worker. Threads: loop.
 */
#ifndef FIELDLINE_HUB_SESSION_H
#define FIELDLINE_HUB_SESSION_H

#include "base/list.h"
#include "hub/codes.h"
#include "hub/topic.h"
#include "net/loop.h"
#include "proto/ws.h"

struct frame;
struct hub_worker;
struct identity;
struct lane;
struct note;
struct packet;
struct stream;

#define SESSION_MAGIC 0x5e55104eu

#define SESSION_CONNECT_MS   10000 /* to send CONNECT */
#define SESSION_LINGER_MS    5000  /* for anything to arrive, while closing */
#define SESSION_CLOSE_MS     60000 /* for all of it, and the peer's close */
#define SESSION_MISTAKES_MAX 64    /* in a row */
#define SESSION_JOBS_MAX     16    /* subscriptions under way */
#define SESSION_DIRECT_BYTES 65536 /* queued, until LATEST ones wait */

enum session_state {
    SESSION_WAITING,
    SESSION_LIVE,
    SESSION_CATCHING,
    SESSION_CLOSING,
    SESSION_GONE,
};

#define SESSION_NO_OFFSET UINT64_MAX

struct session {
    unsigned magic;
    uint8_t state; /* enum session_state; only session_become() writes it */
    bool pinged;
    uint8_t mistakes;
    uint8_t jobs_count;
    uint32_t index; /* in the worker's sessions */
    struct stream *stream;
    struct hub_worker *worker;
    struct identity *identity; /* of the upgrade's token, then of CONNECT */
    struct ws_reader reader;
    struct timer timer;
    uint64_t id;
    uint64_t opened_ms, heard_ms; /* the loop's clock */
    uint64_t expires_ms;          /* of the token */
    uint64_t leave_ms;            /* while draining; 0: no */
    uint64_t closed_ms, arrived;  /* CLOSING: since when; bytes, at the last
                                     look */
    struct sub *subs;
    size_t sub_count, sub_cap;
    uint64_t sent;      /* the last feed offset offered, or looked at */
    uint64_t cursor;    /* CATCHING: everything up to it was looked at */
    uint64_t resume;    /* CONNECT's position, for the first SUBSCRIBE */
    uint64_t note_seen; /* serial of the last note offered */
    struct list link;   /* CATCHING: in one of catchup.c's lists */
    struct list jobs;   /* SUBSCRIBE and UNSUBSCRIBE in order; the first one
                           is under way */
    struct lane *lane;  /* NULL while the stream keeps up */
};

/* Takes over an upgraded stream; rest is what the peer has sent already. On
 * failure the stream is closed. */
void session_begin(struct hub_worker *, struct stream *, struct identity *,
                   bool deflate, char *rest, size_t rest_len);
/* Without a word: the loop has ended. */
void session_abandon(struct session *);

static inline bool session_is_connected(const struct session *s)
{
    return s->state == SESSION_LIVE || s->state == SESSION_CATCHING;
}
/* Between WAITING, LIVE and CATCHING. */
void session_become(struct session *, enum session_state);
/* The identity of a CONNECT: its own reference, its time limit. */
void session_identify(struct session *, struct identity *);
void session_close(struct session *, enum close_code);
/* Says goodbye at a moment of its own within spread_ms. */
void session_drain(struct session *, uint64_t spread_ms);

/* since: an offset of the past, to be caught up with, or SESSION_NO_OFFSET.
 * ERR_EXISTS, ERR_LIMIT, ERR_INVALID: the name is too long. */
int session_sub_add(struct session *, const struct topic_name *,
                    uint64_t since) MUST_CHECK;
bool session_sub_drop(struct session *, const struct topic_name *);

/* First lane: in order, never dropped. */
void session_send(struct session *, struct packet *);
void session_send_json(struct session *, struct bytes json);
/* What the identity may see of those of the frame's events that are due to the
 * session, if anything. */
typedef bool event_due_fn(const struct session *, const struct frame *,
                          const struct data_event *, enum frame_view);
void session_send_frame(struct session *, struct frame *, event_due_fn *);
/* A frame of live delivery: once, and only when LIVE. */
void session_offer(struct session *, struct frame *);
void session_note(struct session *, struct note *);
/* Is there room for more of the past? */
bool session_has_room(struct session *);

#endif
