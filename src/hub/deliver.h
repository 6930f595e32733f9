/* SPDX-License-Identifier: MIT */
/*
 * deliver - from the ring and the mailbox to a worker's sessions.
 *
 * Which topics a change belongs to is asked here by looking them up; topic.h's
 * topic_carries() asks the same the other way round, and the two agree.
 * Threads: loop; deliver_post and deliver_wake_all any.
 */
#ifndef FIELDLINE_HUB_DELIVER_H
#define FIELDLINE_HUB_DELIVER_H

struct hub;
struct hub_worker;
struct letter;
struct note;
struct worker;

/* Whatever the ring holds that this worker has not delivered yet. */
void deliver_pull(struct hub_worker *);
/* To the members of the note's topics here. */
void deliver_note(struct hub_worker *, struct note *);

/* To every worker but one (NULL: none is left out). Once for each note. */
void deliver_post(struct note *, const struct worker *but);
/* There is something in the ring. */
void deliver_wake_all(struct hub *);

#endif
