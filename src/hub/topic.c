/* SPDX-License-Identifier: MIT */
/*
 * topic - names, members, and which changes belong where.
 * Threads: loop.
 */
#include "hub/topic.h"

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/table.h"
#include "hub/frame.h"
#include "hub/session.h"

#define TOPICS_MAX  ((size_t)4 << 20)
#define MEMBERS_MAX ((size_t)1 << 20)

struct topics {
    struct table *table;
};

int topics_new(struct topics **ret)
{
    struct topics *t = mem_zalloc(1, sizeof(*t));
    int error = t ? table_new(&t->table, TOPICS_MAX) : ERR_NOMEM;

    if (error < 0) {
        mem_free(t);
        return error;
    }
    *ret = t;
    return 0;
}

void topics_free(struct topics **topics)
{
    if (*topics)
        table_free(&(*topics)->table);
    mem_free(*topics);
    *topics = NULL;
}

size_t topics_count(const struct topics *t)
{
    return table_count(t->table);
}

/* Kind, role, the tenant's and the name's lengths and the three texts: no two
 * names share a text, whatever bytes are in them. */
struct topic_text {
    size_t len;
    size_t texts_at;
    char at[TOPIC_TEXT_MAX + 8];
};

static bool topic_text(const struct topic_name *n, struct topic_text *ret)
{
    const struct bytes parts[] = {n->tenant, n->name, n->key};
    size_t texts = n->tenant.len + n->name.len + n->key.len;
    uint16_t lens[2] = {(uint16_t)n->tenant.len, (uint16_t)n->name.len};

    if (texts > TOPIC_TEXT_MAX)
        return false;
    ret->at[0] = (char)n->kind;
    ret->at[1] = (char)n->role;
    memcpy(ret->at + 2, lens, sizeof(lens));
    ret->len = ret->texts_at = 2 + sizeof(lens);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (parts[i].len)
            memcpy(ret->at + ret->len, parts[i].at, parts[i].len);
        ret->len += parts[i].len;
    }
    return true;
}

struct topic *topics_find(const struct topics *topics,
                          const struct topic_name *name)
{
    struct topic_text text;

    if (!topic_text(name, &text))
        return NULL;
    return table_get(topics->table, (struct bytes){text.at, text.len});
}

static void topic_free(struct topic *t)
{
    mem_free(t->members);
    mem_free(t);
}

static struct topic *topic_new(struct topics *topics,
                               const struct topic_name *name,
                               const struct topic_text *text)
{
    struct topic *t = mem_alloc(sizeof(*t) + text->len);
    char *at;

    if (!t)
        return NULL;
    at = (char *)(t + 1);
    memcpy(at, text->at, text->len);
    *t = (struct topic){.name = *name, .text = {at, text->len}};
    at += text->texts_at;
    t->name.tenant.at = at;
    t->name.name.at = at + name->tenant.len;
    t->name.key.at = at + name->tenant.len + name->name.len;
    if (table_put(topics->table, t->text, t) != 0) {
        topic_free(t);
        return NULL;
    }
    return t;
}

static void topic_drop_empty(struct topics *topics, struct topic *t)
{
    if (t->count > 0)
        return;
    (void)table_remove(topics->table, t->text);
    topic_free(t);
}

int topic_join(struct topics *topics, const struct topic_name *name,
               struct session *session, struct sub *sub, uint32_t index)
{
    struct topic_text text;
    struct topic *t;

    if (!topic_text(name, &text))
        return ERR_INVALID;
    t = table_get(topics->table, (struct bytes){text.at, text.len});
    if (!t)
        t = topic_new(topics, name, &text);
    if (!t)
        return ERR_NOMEM;
    if (mem_grow(&t->members, &t->cap, t->count + 1, sizeof(*t->members),
                 MEMBERS_MAX) != 0) {
        topic_drop_empty(topics, t);
        return ERR_NOMEM;
    }
    sub->topic = t;
    sub->slot = (uint32_t)t->count;
    t->members[t->count++] = (struct topic_member){session, index};
    return 0;
}

void topic_leave(struct topics *topics, struct sub *sub)
{
    struct topic *t = sub->topic;
    struct topic_member *last = &t->members[--t->count];

    t->members[sub->slot] = *last;
    last->session->subs[last->sub].slot = sub->slot;
    sub->topic = NULL;
    topic_drop_empty(topics, t);
}

static bool role_may_read(const struct data_resource *r, unsigned role)
{
    return data_may_read(r, (role_mask)1 << role);
}

bool topic_carries(const struct topic *t, const struct frame *f,
                   const struct data_event *e, enum frame_view view)
{
    const struct topic_name *n = &t->name;
    bool typed = frame_type(e, view).len > 0;

    if (!frame_event_concerns(f, e, n->tenant))
        return false;
    if (frame_is_reset(f))
        return true;
    switch (n->kind) {
    case TOPIC_TENANT:
        return typed;
    case TOPIC_ROLE:
        return typed && role_may_read(e->resource, n->role);
    case TOPIC_USER:
        return typed && e->by_user &&
               (bytes_equal(n->name, e->now.user) ||
                bytes_equal(n->name, e->before.user));
    case TOPIC_RESOURCE:
        return bytes_equal(n->name, data_resource_spec(e->resource)->name);
    case TOPIC_RECORD:
        return bytes_equal(n->key, e->key) &&
               bytes_equal(n->name, data_resource_spec(e->resource)->name);
    }
    return false;
}
