/* SPDX-License-Identifier: MIT */
/*
 * hub - the shared part, its workers' parts, and the feed's reader.
 *
 * The feed's thread makes frames and pushes them into the ring; a wake-up per
 * round tells the workers to look.
 * Threads: as hub.h has it.
 */
#include "hub/hub.h"

#include "base/blob.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "edge/edge.h"
#include "feed/feed.h"
#include "hub/catchup.h"
#include "hub/conflate.h"
#include "hub/deliver.h"
#include "hub/desk.h"
#include "hub/frame.h"
#include "hub/note.h"
#include "hub/packet.h"
#include "hub/relay.h"
#include "hub/ring.h"
#include "hub/session.h"
#include "hub/topic.h"
#include "hub/upgrade.h"
#include "json/json.h"
#include "proto/ws.h"

#define PUBLISH_MAX ((size_t)4 << 20)

/* ---- the shared part -------------------------------------------------- */

static metrics_series series_one(struct hub *h, enum metric metric,
                                 const char *label)
{
    struct bytes value = bytes_of(label);

    return metrics_series_of(h->metrics, metric, &value);
}

static void series_register(struct hub *h)
{
    h->series = (struct hub_series){
        .sessions = metrics_series_of(h->metrics, METRIC_HUB_SESSIONS, NULL),
        .connections = series_one(h, METRIC_CONNECTIONS, "websocket"),
        .out_feed = series_one(h, METRIC_HUB_MESSAGES_OUT, "feed"),
        .out_latest = series_one(h, METRIC_HUB_MESSAGES_OUT, "latest"),
        .out_message = series_one(h, METRIC_HUB_MESSAGES_OUT, "message"),
        .conflated = metrics_series_of(h->metrics, METRIC_HUB_CONFLATED, NULL),
        .delivery = metrics_series_of(h->metrics, METRIC_HUB_DELIVERY, NULL),
    };
}

static int messages_register(struct hub *h)
{
    h->message_series =
        mem_zalloc(h->spec->message_count + 1u, sizeof(*h->message_series));
    if (!h->message_series)
        return ERR_NOMEM;
    for (unsigned i = 0; i < h->spec->message_count; i++)
        h->message_series[i] = metrics_series_of(
            h->metrics, METRIC_HUB_MESSAGES_IN, &h->spec->messages[i].type);
    return 0;
}

int hub_new(struct hub **ret, const struct hub_spec *spec, struct data *data,
            struct feed *feed, struct metrics *metrics)
{
    struct hub *h = mem_zalloc(1, sizeof(*h));
    int error;

    if (!h)
        return ERR_NOMEM;
    h->spec = spec;
    h->data = data;
    h->feed = feed;
    h->metrics = metrics;
    for (unsigned i = 0; i < WORKERS_MAX; i++)
        h->posts[i].hub = h;
    series_register(h);
    error = messages_register(h);
    if (!error)
        error = ring_new(&h->ring, HUB_RING_FRAMES, HUB_RING_BYTES);
    if (error)
        hub_free(&h);
    else
        *ret = h;
    return error;
}

void hub_free(struct hub **hub)
{
    struct hub *h = *hub;

    *hub = NULL;
    if (!h)
        return;
    ring_free(&h->ring);
    mem_free(h->message_series);
    mem_free(h);
}

void hub_moved_set(struct hub *h, hub_moved_fn *fn, void *arg)
{
    h->moved_fn = fn;
    h->moved_arg = arg;
}

int hub_routes(struct hub *h, struct edge *edge)
{
    return upgrade_route(h, edge);
}

/* ---- the feed's reader ------------------------------------------------ */

static void on_change(const struct change *c, void *arg)
{
    struct hub *h = arg;
    struct frame *frame;
    int error;

    if (c->op == CHANGE_PURGE)
        return;
    error = frame_new(&frame, h->data, c, feed_epoch(h->feed));
    if (error == 0) {
        ring_push(h->ring, frame);
        if (++h->pushed % HUB_WAKE_FRAMES == 0)
            deliver_wake_all(h); /* before the ring runs away from them */
    } else if (error != ERR_NOT_FOUND) {
        /* What cannot be told must not be passed over: those who listen read
         * from the table, where it still is. */
        log_error("hub.frame.failed", "offset=%llu error=%s",
                  (unsigned long long)c->offset, error_name(error));
        ring_forget(h->ring, c->offset);
    }
}

static void on_replayed(void *arg)
{
    ring_replayed(((struct hub *)arg)->ring);
}

static void on_horizon(uint64_t horizon, bool restarted, void *arg)
{
    struct hub *h = arg;

    if (restarted)
        ring_restart(h->ring, feed_epoch(h->feed), horizon);
    else
        ring_advance(h->ring, feed_epoch(h->feed), horizon);
    deliver_wake_all(h);
}

void hub_feed_reader(struct hub *h, struct feed_reader *ret)
{
    *ret = (struct feed_reader){.ordered_fn = on_change,
                                .replay_fn = on_change,
                                .replayed_fn = on_replayed,
                                .horizon_fn = on_horizon,
                                .arg = h};
}

/* ---- one worker's part ------------------------------------------------ */

static void hub_worker_attach(struct hub_worker *w)
{
    struct hub_post *post = &w->hub->posts[worker_index(w->worker)];
    struct ring_state ring;
    unsigned count = worker_index(w->worker) + 1;
    unsigned seen = atomic_load(&w->hub->post_count);

    ring_state(w->hub->ring, &ring);
    w->delivered = ring.upto;
    w->generation = ring.generation;
    memcpy(w->epoch, ring.epoch, sizeof(w->epoch));
    post->part = w;
    while (seen < count &&
           !atomic_compare_exchange_weak(&w->hub->post_count, &seen, count))
        continue;
    atomic_store(&post->worker, w->worker);
    deliver_pull(w); /* what was pushed in between */
}

/* A payload of the largest message, spelled anew, may grow by its escapes. */
static size_t scratch_max(const struct hub_spec *spec)
{
    return 8 * (size_t)spec->message_bytes_max + HUB_SCRATCH_KEEP;
}

int hub_worker_new(struct hub_worker **ret, struct hub *h,
                   struct edge_worker *edge, struct store_session *store,
                   struct metrics_shard *shard)
{
    struct hub_worker *w = mem_zalloc(1, sizeof(*w));
    int error;

    if (!w)
        return ERR_NOMEM;
    w->hub = h;
    w->edge = edge;
    w->worker = edge_worker_worker(edge);
    w->loop = worker_loop(w->worker);
    w->auth = edge_worker_auth(edge);
    w->store = store;
    w->shard = shard;
    buf_init(&w->json, scratch_max(h->spec));
    buf_init(&w->wire, scratch_max(h->spec));
    catchup_init(w);
    error = topics_new(&w->topics);
    if (!error)
        error = conflate_new(&w->conflate, w->loop, relay_out, w);
    if (error) {
        hub_worker_free(&w);
        return error;
    }
    edge_worker_slot_set(edge, EDGE_SLOT_HUB, w);
    hub_worker_attach(w);
    *ret = w;
    return 0;
}

size_t hub_worker_sessions(const struct hub_worker *w)
{
    return w->session_count;
}

void hub_worker_drain(struct hub_worker *w, uint64_t spread_ms)
{
    w->draining = true;
    for (size_t i = 0; i < w->session_count; i++)
        session_drain(w->sessions[i], spread_ms);
}

void hub_worker_free(struct hub_worker **worker)
{
    struct hub_worker *w = *worker;
    struct hub_post *post;

    *worker = NULL;
    if (!w)
        return;
    post = &w->hub->posts[worker_index(w->worker)];
    atomic_store(&post->worker, NULL);
    post->part = NULL;
    while (w->session_count)
        session_abandon(w->sessions[w->session_count - 1]);
    catchup_fini(w);
    conflate_free(&w->conflate);
    topics_free(&w->topics);
    ws_deflate_free(&w->deflate);
    buf_fini(&w->json);
    buf_fini(&w->wire);
    mem_free(w->sessions);
    mem_free(w);
}

/* ---- publishing ------------------------------------------------------- */

static int publish_packet(struct bytes type, struct bytes payload,
                          struct packet **ret)
{
    char at[CLOCK_RFC3339_LEN + 1];
    struct buf out;
    int error;

    if (!json_is_valid(payload))
        return ERR_INVALID;
    buf_init(&out, PUBLISH_MAX);
    buf_append(&out, BYTES("{\"type\":"));
    json_write_string(&out, type);
    buf_append(&out, BYTES(",\"data\":"));
    buf_append(&out, payload);
    clock_rfc3339(clock_wall_us(), at);
    buf_append(&out, BYTES(",\"at\":"));
    json_write_string(&out, bytes_of(at));
    buf_append_char(&out, '}');
    error = buf_error(&out);
    if (!error)
        error = packet_new(ret, buf_bytes(&out));
    buf_fini(&out);
    return error;
}

int hub_publish(struct hub *h, struct bytes tenant, role_mask to,
                struct bytes type, struct bytes payload)
{
    struct note like = {.hub = h,
                        .to = to ? TOPIC_ROLE : TOPIC_TENANT,
                        .roles = to,
                        .tenant = tenant,
                        .received_ns = clock_mono_ns()};
    struct note *note;
    int error = publish_packet(type, payload, &like.packet);

    if (error)
        return error;
    error = note_new(&note, &like, atomic_load(&h->post_count));
    packet_unref(&like.packet);
    if (error)
        return error;
    deliver_post(note, NULL);
    note_unref(&note);
    return 0;
}
