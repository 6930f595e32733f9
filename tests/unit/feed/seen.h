/* SPDX-License-Identifier: MIT */
/*
 * seen - a feed reader that writes down what it is told and lets a test wait.
 *
 * "r3" replayed, "R0" all replayed, "v3" visible, "o3" ordered, "h3" the
 * horizon, "H3" the horizon of a new history; a space after each.
 * Threads: any, locked by lock.
 */
#ifndef FIELDLINE_TESTS_FEED_SEEN_H
#define FIELDLINE_TESTS_FEED_SEEN_H

#include "../check.h"

#include "feed/feed.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define SEEN_MAX (1 << 16)

struct seen {
    pthread_mutex_t lock;
    pthread_cond_t told;
    uint64_t horizon;
    bool restarted;
    size_t len;
    char text[SEEN_MAX];
};

static inline void seen_add(struct seen *s, char what, uint64_t offset)
{
    pthread_mutex_lock(&s->lock);
    s->len += (size_t)snprintf(s->text + s->len, SEEN_MAX - s->len, "%c%llu ",
                               what, (unsigned long long)offset);
    assert_true(s->len < SEEN_MAX);
    pthread_cond_signal(&s->told);
    pthread_mutex_unlock(&s->lock);
}

static inline void seen_replay(const struct change *c, void *arg)
{
    seen_add(arg, 'r', c->offset);
}

static inline void seen_replayed(void *arg)
{
    seen_add(arg, 'R', 0);
}

static inline void seen_visible(const struct change *c, void *arg)
{
    seen_add(arg, 'v', c->offset);
}

static inline void seen_ordered(const struct change *c, void *arg)
{
    seen_add(arg, 'o', c->offset);
}

static inline void seen_horizon(uint64_t horizon, bool restarted, void *arg)
{
    struct seen *s = arg;

    pthread_mutex_lock(&s->lock);
    s->horizon = horizon;
    s->restarted |= restarted;
    pthread_mutex_unlock(&s->lock);
    seen_add(s, restarted ? 'H' : 'h', horizon);
}

static inline struct feed_reader seen_reader(struct seen *s)
{
    memset(s, 0, sizeof(*s));
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->told, NULL);
    return (struct feed_reader){.visible_fn = seen_visible,
                                .ordered_fn = seen_ordered,
                                .replay_fn = seen_replay,
                                .horizon_fn = seen_horizon,
                                .arg = s};
}

/* Waits until the horizon is there. */
static inline void seen_reaches(struct seen *s, uint64_t horizon)
{
    pthread_mutex_lock(&s->lock);
    while (s->horizon < horizon)
        pthread_cond_wait(&s->told, &s->lock);
    pthread_mutex_unlock(&s->lock);
}

static inline void seen_restart(struct seen *s)
{
    pthread_mutex_lock(&s->lock);
    while (!s->restarted)
        pthread_cond_wait(&s->told, &s->lock);
    pthread_mutex_unlock(&s->lock);
}

/* What was told since the last call. */
static inline void seen_is(struct seen *s, const char *want)
{
    pthread_mutex_lock(&s->lock);
    check_bytes((struct bytes){s->text, s->len}, want);
    s->len = 0;
    s->text[0] = '\0';
    pthread_mutex_unlock(&s->lock);
}

static inline void seen_fini(struct seen *s)
{
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->told);
}

#endif
