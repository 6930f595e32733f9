/* SPDX-License-Identifier: MIT */
/*
 * note - a declared message on its way to the sessions of a topic.
 *
 * A NOTE is ephemeral: it never touches the feed and has no position. It is
 * encoded once, carries one letter for each other worker inside itself, and
 * each worker finds the topics and walks their members. A note is LATEST when
 * only the last value of its slot (type and key) matters.
 * Owner: whoever holds a reference. Threads: immutable; the count is atomic.
 */
#ifndef FIELDLINE_HUB_NOTE_H
#define FIELDLINE_HUB_NOTE_H

#include "hub/spec.h"
#include "hub/topic.h"
#include "net/worker.h"

struct hub;
struct note;
struct packet;

struct note_letter {
    struct letter letter;
    struct note *note;
};

struct note {
    struct hub *hub;
    atomic_uint refs;
    bool latest;
    enum topic_kind to; /* TENANT, ROLE or USER */
    role_mask roles;    /* TOPIC_ROLE: any of these */
    struct bytes tenant;
    struct bytes user; /* TOPIC_USER */
    struct bytes slot; /* of a latest one */
    struct packet *packet;
    uint64_t received_ns;
    uint64_t serial; /* unique in the process, never 0 */
    unsigned letter_count;
    struct note_letter letters[]; /* as many as note_new() was told */
};

/* Copies the slices and takes its own reference of the packet. letters: how
 * many other workers it may have to be posted to. */
int note_new(struct note **ret, const struct note *like,
             unsigned letters) MUST_CHECK;
struct note *note_ref(struct note *);
void note_unref(struct note **); /* NULL-safe, clears */

#endif
