/* SPDX-License-Identifier: MIT */
/*
 * test_topic - members and sessions point at each other whatever comes and
 * goes, and no two names meet.
 * Threads: loop.
 */
#include "../check.h"

#include "base/hash.h"
#include "hub/session.h"

#include <stdlib.h>

#define SESSIONS 20
#define TOPICS   6
#define STEPS    20000

static void check_all(struct session *sessions)
{
    for (unsigned i = 0; i < SESSIONS; i++) {
        struct session *s = &sessions[i];

        for (size_t k = 0; k < s->sub_count; k++) {
            const struct sub *sub = &s->subs[k];
            const struct topic_member *m = &sub->topic->members[sub->slot];

            assert_ptr_equal(m->session, s);
            assert_int_equal(m->sub, k);
        }
    }
}

static void join(struct topics *topics, struct session *s,
                 const struct topic_name *name)
{
    struct sub sub = {0};

    for (size_t i = 0; i < s->sub_count; i++)
        if (s->subs[i].topic == topics_find(topics, name))
            return;
    assert_int_equal(topic_join(topics, name, s, &sub, (uint32_t)s->sub_count),
                     0);
    s->subs[s->sub_count++] = sub;
}

static void leave(struct topics *topics, struct session *s, size_t at)
{
    struct sub *last;

    topic_leave(topics, &s->subs[at]);
    last = &s->subs[--s->sub_count];
    if (&s->subs[at] != last) {
        s->subs[at] = *last;
        s->subs[at].topic->members[s->subs[at].slot].sub = (uint32_t)at;
    }
}

static void test_members_and_sessions_agree(void **state)
{
    static const char *const names[TOPICS] = {"a", "b", "c", "d", "e", "f"};
    struct session sessions[SESSIONS] = {0};
    struct topics *topics;
    uint64_t random = 7;

    assert_int_equal(topics_new(&topics), 0);
    for (unsigned i = 0; i < SESSIONS; i++)
        sessions[i].subs = calloc(TOPICS, sizeof(struct sub));
    for (unsigned step = 0; step < STEPS; step++) {
        struct session *s =
            &sessions[(random = hash_mix(random + 1)) % SESSIONS];
        struct topic_name name = {.kind = TOPIC_USER,
                                  .tenant = BYTES("1"),
                                  .name = bytes_of(names[random >> 32 & 3])};

        if (random >> 60 & 1 || s->sub_count == 0)
            join(topics, s, &name);
        else
            leave(topics, s, (size_t)(random >> 40) % s->sub_count);
        if (step % 100 == 0)
            check_all(sessions);
    }
    for (unsigned i = 0; i < SESSIONS; i++) {
        while (sessions[i].sub_count)
            leave(topics, &sessions[i], 0);
        free(sessions[i].subs);
    }
    assert_int_equal(topics_count(topics), 0); /* T2 */
    topics_free(&topics);
}

static void test_no_two_names_meet(void **state)
{
    const struct topic_name names[] = {
        {.kind = TOPIC_TENANT, .tenant = BYTES("1")},
        {.kind = TOPIC_USER, .tenant = BYTES("1"), .name = BYTES("2")},
        {.kind = TOPIC_USER, .tenant = BYTES("12")},
        {.kind = TOPIC_USER, .tenant = BYTES(""), .name = BYTES("12")},
        {.kind = TOPIC_RESOURCE, .tenant = BYTES("1"), .name = BYTES("2")},
        {.kind = TOPIC_RECORD,
         .tenant = BYTES("1"),
         .name = BYTES("a"),
         .key = BYTES("bc")},
        {.kind = TOPIC_RECORD,
         .tenant = BYTES("1"),
         .name = BYTES("ab"),
         .key = BYTES("c")},
        {.kind = TOPIC_ROLE, .tenant = BYTES("1"), .role = 0},
        {.kind = TOPIC_ROLE, .tenant = BYTES("1"), .role = 1},
    };
    struct sub subs[ARRAY_LEN(names)] = {0};
    struct session s = {.subs = subs};
    struct topics *topics;

    assert_int_equal(topics_new(&topics), 0);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_null(topics_find(topics, &names[i]));
        join(topics, &s, &names[i]);
        assert_int_equal(topics_count(topics), i + 1);
    }
    while (s.sub_count)
        leave(topics, &s, 0);
    topics_free(&topics);
}

static void test_a_long_name_is_refused(void **state)
{
    static char text[TOPIC_TEXT_MAX + 1];
    struct topic_name name = {.kind = TOPIC_USER,
                              .tenant = BYTES("1"),
                              .name = {text, TOPIC_TEXT_MAX}};
    struct session s = {0};
    struct sub sub;
    struct topics *topics;

    assert_int_equal(topics_new(&topics), 0);
    assert_null(topics_find(topics, &name));
    assert_int_equal(topic_join(topics, &name, &s, &sub, 0), ERR_INVALID);
    topics_free(&topics);
}

RUN(cmocka_unit_test(test_members_and_sessions_agree),
    cmocka_unit_test(test_no_two_names_meet),
    cmocka_unit_test(test_a_long_name_is_refused))
