/* SPDX-License-Identifier: MIT */
/*
 * topic - one name that sessions subscribe to, and a worker's table of them.
 *
 *   tenant            what is published to the whole tenant
 *   role:NAME         what is published to holders of that role
 *   user              what is published to this user
 *   resource:NAME     every change of the resource
 *   record:NAME/KEY   every change of one row
 *
 * A topic lies within ONE tenant and belongs to ONE worker. Its members sit in
 * a dense array, so a publish is a walk without pointers to chase; each member
 * knows its place in the session's list and the other way round, so leaving is
 * a swap with the last.
 *
 *   T1  topic->members[i].session->subs[members[i].sub].slot == i
 *   T2  a topic without members does not exist.
 *
 * Owner: hub_worker. Sessions are borrowed; leaving never frees them.
 * Threads: loop.
 * Not here: who may subscribe (subscribe.c), what is sent (deliver.c).
 */
#ifndef FIELDLINE_HUB_TOPIC_H
#define FIELDLINE_HUB_TOPIC_H

#include "hub/frame.h"

struct session;
struct topic;
struct topics;

enum topic_kind {
    TOPIC_TENANT,
    TOPIC_ROLE,
    TOPIC_USER,
    TOPIC_RESOURCE,
    TOPIC_RECORD,
};

#define TOPIC_TEXT_MAX 384 /* of tenant, name and key together */

struct topic_name {
    enum topic_kind kind;
    unsigned role; /* TOPIC_ROLE: index of auth.roles */
    struct bytes tenant;
    struct bytes name; /* the user or the resource */
    struct bytes key;  /* TOPIC_RECORD */
};

struct topic_member {
    struct session *session;
    uint32_t sub;
};

struct topic {
    struct topic_name name; /* slices of text */
    struct topic_member *members;
    size_t count, cap;
    struct bytes text;
};

/* One of a session's subscriptions. */
struct sub {
    struct topic *topic;
    uint64_t since; /* changes beyond this offset are due */
    uint32_t slot;
    bool fresh; /* its past is being caught up with */
};

int topics_new(struct topics **ret) MUST_CHECK;
void topics_free(struct topics **); /* all sessions have left */
struct topic *topics_find(const struct topics *, const struct topic_name *);
size_t topics_count(const struct topics *);

/* Puts the session's sub, number index, into the topic. ERR_INVALID: the name
 * is too long; ERR_NOMEM. */
int topic_join(struct topics *, const struct topic_name *, struct session *,
               struct sub *, uint32_t index) MUST_CHECK;
void topic_leave(struct topics *, struct sub *);

/* Does one of a change's events, to those who have this view of it, belong to
 * the topic? Who has which is not asked here (frame_view). */
bool topic_carries(const struct topic *, const struct frame *,
                   const struct data_event *, enum frame_view);

#endif
