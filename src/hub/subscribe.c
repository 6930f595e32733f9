/* SPDX-License-Identifier: MIT */
/*
 * subscribe - topics read, authorised, joined.
 *
 * A topic's name carries the tenant and the user of the identity, never the
 * client's word for them; role and resource topics are decided at once, a
 * record topic by reading the row as this identity would. A record's key is
 * compared in its canonical spelling, however the client wrote it.
 * Threads: loop.
 */
#include "hub/subscribe.h"

#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "data/read.h"
#include "edge/edge.h"
#include "edge/identity.h"
#include "hub/catchup.h"
#include "hub/desk.h"
#include "hub/native.h"
#include "hub/session.h"
#include "json/json.h"

#define JOB_ARENA_MAX  ((size_t)1 << 20)
#define JOB_TOPICS_MAX 100
#define JOB_REPLY_MAX  ((size_t)64 << 10)

struct job_topic {
    struct job *job;
    struct topic_name name;
    struct bytes text; /* as the client spelled it */
    int verdict;       /* 0, or -1 - enum refusal */
    struct bytes why;  /* said with a refusal instead of its usual text */
    struct data_read *read;
};

struct job {
    struct list link;
    struct session *session;   /* NULL: it has gone, a read is under way */
    struct identity *identity; /* who asks: a new token does not change it */
    struct arena arena;        /* of everything here */
    bool subscribe;
    bool started;
    bool settled;     /* every topic was looked at; reads may be pending */
    unsigned pending; /* reads under way */
    struct bytes id, position;
    unsigned count;
    struct job_topic *topics;
};

static int refusal(enum refusal why)
{
    return -1 - (int)why;
}

static enum refusal verdict_refusal(int verdict)
{
    return (enum refusal)(-1 - verdict);
}

/* ---- names ------------------------------------------------------------ */

static bool role_named(const struct hub_spec *spec, struct bytes name,
                       unsigned *ret)
{
    for (unsigned i = 0; i < spec->roles.count; i++) {
        if (!bytes_equal(spec->roles.names[i], name))
            continue;
        *ret = i;
        return true;
    }
    return false;
}

static int name_role(const struct hub *hub, const struct identity *who,
                     struct bytes role, struct topic_name *ret)
{
    if (!role_named(hub->spec, role, &ret->role))
        return refusal(REFUSAL_TOPIC_UNKNOWN);
    ret->kind = TOPIC_ROLE;
    return who->roles >> ret->role & 1 ? 0 : refusal(REFUSAL_TOPIC_DENIED);
}

static int name_resource(const struct hub *hub, const struct identity *who,
                         enum topic_kind kind, struct bytes rest,
                         struct topic_name *ret)
{
    const struct data_resource *resource;

    ret->kind = kind;
    ret->name = rest;
    if (kind == TOPIC_RECORD &&
        (!bytes_cut(rest, '/', &ret->name, &ret->key) || !ret->key.len))
        return refusal(REFUSAL_TOPIC_UNKNOWN);
    resource = data_resource_named(hub->data, ret->name);
    if (!resource)
        return refusal(REFUSAL_TOPIC_UNKNOWN);
    return data_may_read(resource, who->roles) ? 0
                                               : refusal(REFUSAL_TOPIC_DENIED);
}

static int topic_name_read(const struct hub *hub, const struct identity *who,
                           struct bytes text, struct topic_name *ret)
{
    struct bytes kind, rest;

    *ret = (struct topic_name){.tenant = who->tenant};
    if (bytes_equal(text, BYTES("tenant"))) {
        ret->kind = TOPIC_TENANT;
        return 0;
    }
    if (bytes_equal(text, BYTES("user"))) {
        ret->kind = TOPIC_USER;
        ret->name = who->user;
        return 0;
    }
    (void)bytes_cut(text, ':', &kind, &rest);
    if (bytes_equal(kind, BYTES("role")))
        return name_role(hub, who, rest, ret);
    if (bytes_equal(kind, BYTES("resource")))
        return name_resource(hub, who, TOPIC_RESOURCE, rest, ret);
    if (bytes_equal(kind, BYTES("record")))
        return name_resource(hub, who, TOPIC_RECORD, rest, ret);
    return refusal(REFUSAL_TOPIC_UNKNOWN);
}

/* The client may spell a key in any way its kind allows; the topic has one. */
static int job_topic_key(struct job *job, struct job_topic *t)
{
    const struct data_resource *resource =
        data_resource_named(job->session->worker->hub->data, t->name.name);
    int error = data_key_read(resource, t->name.key, &job->arena, &t->name.key);

    if (error == 0)
        return 0;
    if (error != ERR_INVALID)
        return refusal(REFUSAL_UNAVAILABLE);
    t->why = arena_printf(&job->arena, "expected the key to be %s",
                          data_key_expected(resource));
    return refusal(REFUSAL_BAD_KEY);
}

/* ---- the end of a job ------------------------------------------------- */

static void job_free(struct job *job)
{
    struct arena arena = job->arena;

    for (unsigned i = 0; i < job->count; i++) {
        struct data_read *read = job->topics[i].read;

        if (read)
            data_read_fini(read);
    }
    identity_unref(&job->identity);
    arena_fini(&arena); /* the job lies in it */
}

static void job_finished(struct session *s, struct job *job)
{
    list_remove(&job->link);
    s->jobs_count--;
    job_free(job);
}

static void reply_topic(struct buf *out, struct bytes topic)
{
    if (out->len)
        buf_append_char(out, ',');
    json_write_string(out, topic);
}

static void job_reply(struct session *s, const struct job *job,
                      struct buf *accepted, uint64_t offset)
{
    bool said = accepted->len > 0 || job->count == 0;

    for (unsigned i = 0; i < job->count; i++) {
        const struct job_topic *t = &job->topics[i];

        if (t->verdict < 0)
            native_topic_refused(s, verdict_refusal(t->verdict), t->why,
                                 t->text, job->id);
    }
    if (said)
        native_subscribed(s, job->subscribe ? "SUBSCRIBED" : "UNSUBSCRIBED",
                          buf_bytes(accepted), offset, job->id);
}

/* A topic that is heard already stays as it is. */
static int job_join(struct session *s, struct job_topic *t, uint64_t since)
{
    int error = session_sub_add(s, &t->name, since);

    switch (error) {
    case 0:
    case ERR_EXISTS:
        return 0;
    case ERR_LIMIT:
        return refusal(REFUSAL_LIMIT);
    case ERR_INVALID:
        return refusal(REFUSAL_TOPIC_UNKNOWN);
    default:
        return refusal(REFUSAL_UNAVAILABLE);
    }
}

/* Where this SUBSCRIBE begins: its own position, else for the first one that
 * of CONNECT, else now. */
static uint64_t job_since(struct session *s, const struct job *job,
                          const char **ret_reason)
{
    uint64_t since = s->resume;

    *ret_reason = NULL;
    s->resume = SESSION_NO_OFFSET;
    if (job->position.len &&
        catchup_check(s->worker, job->position, &since, ret_reason) != 0)
        return SESSION_NO_OFFSET;
    *ret_reason = NULL;
    return since;
}

static void job_subscribe(struct session *s, struct job *job)
{
    const char *reload;
    uint64_t since = job_since(s, job, &reload);
    struct buf accepted;

    buf_init(&accepted, JOB_REPLY_MAX);
    for (unsigned i = 0; i < job->count; i++) {
        struct job_topic *t = &job->topics[i];

        if (t->verdict == 0)
            t->verdict = job_join(s, t, since);
        if (t->verdict == 0)
            reply_topic(&accepted, t->text);
    }
    job_reply(s, job, &accepted,
              since == SESSION_NO_OFFSET ? s->worker->delivered : since);
    buf_fini(&accepted);
    job_finished(s, job);
    if (reload)
        catchup_reload(s, reload);
    if (since != SESSION_NO_OFFSET && s->state == SESSION_LIVE)
        catchup_begin(s);
}

static void job_unsubscribe(struct session *s, struct job *job)
{
    struct buf gone;

    buf_init(&gone, JOB_REPLY_MAX);
    for (unsigned i = 0; i < job->count; i++) {
        struct job_topic *t = &job->topics[i];

        if (t->verdict == 0 && session_sub_drop(s, &t->name))
            reply_topic(&gone, t->text);
    }
    native_subscribed(s, "UNSUBSCRIBED", buf_bytes(&gone), s->worker->delivered,
                      job->id);
    buf_fini(&gone);
    job_finished(s, job);
}

static void job_proceed(struct job *job)
{
    struct session *s = job->session;

    if (!job->settled || job->pending)
        return;
    if (!s)
        job_free(job);
    else if (job->subscribe)
        job_subscribe(s, job);
    else
        job_unsubscribe(s, job);
}

/* ---- records ---------------------------------------------------------- */

static void on_record(struct data_read *read, int error)
{
    struct job_topic *t = read->arg;
    struct job *job = t->job;
    bool settled = job->settled;

    if (error == ERR_NOT_FOUND || error == ERR_INVALID || error == ERR_DENIED) {
        t->verdict = refusal(REFUSAL_TOPIC_DENIED);
    } else if (error < 0) {
        log_warn("hub.subscribe.failed", "error=%s detail=\"%s\"",
                 error_name(error), read->detail.text);
        t->verdict = refusal(REFUSAL_UNAVAILABLE);
    } else if (!bytes_equal(buf_bytes(&read->key), t->name.key)) {
        /* Its changes would not be found under this name. */
        t->verdict = refusal(REFUSAL_BAD_KEY);
        t->why = BYTES("spell the key as the row does");
    }
    job->pending--;
    if (!settled)
        return; /* job_start() is still at it */
    struct session *s = job->session;

    job_proceed(job);
    if (s)
        subscribe_next(s);
}

static void record_read(struct job *job, struct job_topic *t)
{
    struct session *s = job->session;
    const struct identity *who = job->identity;
    struct viewer viewer = {who->tenant, who->user, who->roles};
    struct data_worker *data =
        edge_worker_slot(s->worker->edge, EDGE_SLOT_DATA);
    struct data_read *read = arena_zalloc(&job->arena, sizeof(*read));
    int error = read ? 0 : ERR_NOMEM;

    if (!error)
        error =
            query_init(&read->query,
                       data_resource_named(s->worker->hub->data, t->name.name),
                       &viewer, &job->arena);
    if (!error)
        error = query_finish(&read->query, data);
    if (error) {
        t->verdict = refusal(error == ERR_NOMEM ? REFUSAL_UNAVAILABLE
                                                : REFUSAL_TOPIC_DENIED);
        return;
    }
    t->read = read;
    read->arg = t;
    read->done_fn = on_record;
    job->pending++;
    data_item(data, read, t->name.key);
}

/* ---- jobs ------------------------------------------------------------- */

static void job_start(struct job *job)
{
    struct session *s = job->session;

    job->started = true;
    for (unsigned i = 0; i < job->count; i++) {
        struct job_topic *t = &job->topics[i];

        t->verdict =
            topic_name_read(s->worker->hub, job->identity, t->text, &t->name);
        if (t->verdict < 0 || t->name.kind != TOPIC_RECORD)
            continue;
        t->verdict = job_topic_key(job, t);
        if (job->subscribe && t->verdict == 0)
            record_read(job, t);
    }
    job->settled = true;
    job_proceed(job);
}

void subscribe_next(struct session *s)
{
    while (s->state == SESSION_LIVE && !list_empty(&s->jobs)) {
        struct job *job = LIST_FIRST(&s->jobs, struct job, link);

        if (job->started)
            return;
        job_start(job);
    }
}

void subscribe_forget(struct session *s)
{
    while (!list_empty(&s->jobs)) {
        struct job *job = LIST_FIRST(&s->jobs, struct job, link);

        list_remove(&job->link);
        job->session = NULL;
        if (!job->pending)
            job_free(job);
    }
}

static int job_topics_read(struct job *job, const json_t *list)
{
    size_t count = json_array_size(list);

    job->topics = arena_zalloc(&job->arena, (count + 1) * sizeof(*job->topics));
    if (!job->topics)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(list, i);
        struct job_topic *t = &job->topics[i];

        if (!json_is_string(item))
            return ERR_INVALID;
        t->job = job;
        t->text =
            arena_copy(&job->arena, (struct bytes){json_string_value(item),
                                                   json_string_length(item)});
        if (!t->text.at)
            return ERR_NOMEM;
        job->count++;
    }
    return 0;
}

static int job_new(struct job **ret, const json_t *message, struct bytes id)
{
    const json_t *topics = json_object_get(message, "topics");
    struct arena arena;
    struct job *job;
    int error;

    if (!json_is_array(topics) || json_array_size(topics) > JOB_TOPICS_MAX)
        return ERR_INVALID;
    arena_init(&arena, JOB_ARENA_MAX);
    job = arena_zalloc(&arena, sizeof(*job));
    if (!job) {
        arena_fini(&arena);
        return ERR_NOMEM;
    }
    job->arena = arena;
    list_init(&job->link);
    job->id = arena_copy(&job->arena, id);
    job->position =
        arena_copy(&job->arena, json_member_string(message, "position"));
    error = job_topics_read(job, topics);
    if (error < 0)
        job_free(job);
    else
        *ret = job;
    return error;
}

static void job_queue(struct session *s, const json_t *message, struct bytes id,
                      bool subscribe)
{
    struct job *job;
    int error;

    if (s->jobs_count >= SESSION_JOBS_MAX) {
        native_refuse(s, REFUSAL_LIMIT, id, "too many requests under way");
        return;
    }
    error = job_new(&job, message, id);
    if (error == ERR_INVALID) {
        native_refuse(s, REFUSAL_BAD_MESSAGE, id,
                      "topics: expected a list of at most 100 strings");
        return;
    }
    if (error < 0) {
        native_refuse(s, REFUSAL_LIMIT, id, "the topics are too long");
        return;
    }
    job->session = s;
    job->identity = identity_ref(s->identity);
    job->subscribe = subscribe;
    list_append(&s->jobs, &job->link);
    s->jobs_count++;
    subscribe_next(s);
}

void subscribe_message(struct session *s, const json_t *message,
                       struct bytes id)
{
    job_queue(s, message, id, true);
}

void unsubscribe_message(struct session *s, const json_t *message,
                         struct bytes id)
{
    job_queue(s, message, id, false);
}
