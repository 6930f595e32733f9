/* SPDX-License-Identifier: MIT */
/*
 * deliver - topics looked up, members walked.
 *
 * Nothing here changes a topic's members: a session that is closed on the way
 * stays where it is until its stream has closed.
 * Threads: loop.
 */
#include "hub/deliver.h"

#include "base/clock.h"
#include "base/log.h"
#include "hub/catchup.h"
#include "hub/desk.h"
#include "hub/frame.h"
#include "hub/note.h"
#include "hub/ring.h"
#include "hub/session.h"
#include "hub/topic.h"

/* ---- changes ---------------------------------------------------------- */

static void offer_topic(struct hub_worker *w, struct frame *f,
                        const struct topic_name *name)
{
    struct topic *t = topics_find(w->topics, name);

    for (size_t i = 0; t && i < t->count; i++)
        session_offer(t->members[i].session, f);
}

static void offer_typed(struct hub_worker *w, struct frame *f,
                        const struct data_event *e, struct bytes tenant)
{
    struct topic_name name = {.kind = TOPIC_TENANT, .tenant = tenant};

    offer_topic(w, f, &name);
    name.kind = TOPIC_ROLE;
    for (unsigned i = 0; i < w->hub->spec->roles.count; i++) {
        name.role = i;
        if (data_may_read(e->resource, (role_mask)1 << i))
            offer_topic(w, f, &name);
    }
    if (!e->by_user)
        return;
    name = (struct topic_name){
        .kind = TOPIC_USER, .tenant = tenant, .name = e->now.user};
    offer_topic(w, f, &name);
    name.name = e->before.user;
    offer_topic(w, f, &name);
}

static void offer_tenant(struct hub_worker *w, struct frame *f,
                         const struct data_event *e, struct bytes tenant)
{
    struct topic_name name = {.kind = TOPIC_RESOURCE,
                              .tenant = tenant,
                              .name = data_resource_spec(e->resource)->name};

    if (e->type.len || e->left_type.len)
        offer_typed(w, f, e, tenant);
    offer_topic(w, f, &name);
    name.kind = TOPIC_RECORD;
    name.key = e->key;
    offer_topic(w, f, &name);
}

/* What concerns all tenants, or all topics of one: rare. */
static void offer_sessions(struct hub_worker *w, struct frame *f)
{
    for (size_t i = 0; i < w->session_count; i++)
        session_offer(w->sessions[i], f);
}

static void offer_event(struct hub_worker *w, struct frame *f,
                        const struct data_event *e)
{
    offer_tenant(w, f, e, e->now.tenant);
    if (!bytes_equal(e->before.tenant, e->now.tenant))
        offer_tenant(w, f, e, e->before.tenant);
}

static void deliver_frame(struct hub_worker *w, struct frame *f)
{
    if (frame_is_reset(f) || frame_is_everyones(f)) {
        offer_sessions(w, f);
    } else {
        for (unsigned i = 0; i < f->event_count; i++)
            offer_event(w, f, &f->events[i]);
    }
    metrics_record_ns(w->shard, w->hub->series.delivery,
                      clock_mono_ns() - f->received_ns);
}

/* Another history of the table: no old position means anything in it. */
static void deliver_restart(struct hub_worker *w, const struct ring_state *ring)
{
    w->generation = ring->generation;
    w->delivered = ring->upto;
    for (size_t i = 0; i < w->session_count; i++)
        if (session_is_connected(w->sessions[i]))
            catchup_reload(w->sessions[i], "epoch");
}

static void deliver_behind(struct hub_worker *w, const struct ring_state *ring)
{
    log_warn("hub.worker.behind", "worker=%u delivered=%llu floor=%llu",
             worker_index(w->worker), (unsigned long long)w->delivered,
             (unsigned long long)ring->floor);
    catchup_begin_all(w);
    w->delivered = ring->floor;
}

void deliver_pull(struct hub_worker *w)
{
    struct bytes any = {NULL, 0};
    struct frame *frames[HUB_TAKE];
    struct ring_state ring;
    size_t count = 0;

    do {
        ring_state(w->hub->ring, &ring);
        memcpy(w->epoch, ring.epoch, sizeof(w->epoch));
        if (ring.generation != w->generation)
            deliver_restart(w, &ring);
        if (ring_take(w->hub->ring, w->delivered, ring.upto, any, frames,
                      HUB_TAKE, &count, &w->delivered) != 0) {
            deliver_behind(w, &ring);
            count = HUB_TAKE;
            continue;
        }
        for (size_t i = 0; i < count; i++) {
            deliver_frame(w, frames[i]);
            frame_unref(&frames[i]);
        }
    } while (count == HUB_TAKE);
    catchup_pump_all(w);
}

/* ---- notes ------------------------------------------------------------ */

static void note_topic(struct hub_worker *w, struct note *n,
                       const struct topic_name *name)
{
    struct topic *t = topics_find(w->topics, name);

    for (size_t i = 0; t && i < t->count; i++)
        session_note(t->members[i].session, n);
}

void deliver_note(struct hub_worker *w, struct note *n)
{
    struct topic_name name = {
        .kind = n->to, .tenant = n->tenant, .name = n->user};

    if (n->to == TOPIC_ROLE) {
        for (role_mask left = n->roles; left; left &= left - 1) {
            name.role = (unsigned)__builtin_ctz(left);
            note_topic(w, n, &name);
        }
    } else {
        note_topic(w, n, &name);
    }
    metrics_record_ns(w->shard, w->hub->series.delivery,
                      clock_mono_ns() - n->received_ns);
}

/* ---- the mailbox ------------------------------------------------------ */

static void on_note(struct worker *worker, struct letter *letter)
{
    struct note *n = CONTAINER_OF(letter, struct note_letter, letter)->note;
    struct hub_worker *w = n->hub->posts[worker_index(worker)].part;

    if (w)
        deliver_note(w, n);
    note_unref(&n);
}

void deliver_post(struct note *n, const struct worker *but)
{
    for (unsigned i = 0; i < n->letter_count; i++) {
        struct worker *to = atomic_load(&n->hub->posts[i].worker);

        if (!to || to == but)
            continue;
        n->letters[i].note = note_ref(n);
        n->letters[i].letter.fn = on_note;
        worker_post(to, &n->letters[i].letter);
    }
}

static void on_wake(struct worker *worker, struct letter *letter)
{
    struct hub_post *post = CONTAINER_OF(letter, struct hub_post, wake);

    atomic_store(&post->posted, false);
    if (post->part)
        deliver_pull(post->part);
}

void deliver_wake_all(struct hub *hub)
{
    unsigned count = atomic_load(&hub->post_count);

    for (unsigned i = 0; i < count; i++) {
        struct hub_post *post = &hub->posts[i];
        struct worker *to = atomic_load(&post->worker);

        if (!to || atomic_exchange(&post->posted, true))
            continue;
        post->wake.fn = on_wake;
        worker_post(to, &post->wake);
    }
}
