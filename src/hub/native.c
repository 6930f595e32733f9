/* SPDX-License-Identifier: MIT */
/*
 * native - messages read, dispatched and answered.
 *
 * A message is refused with an ERROR and the session goes on, unless who is
 * there is in doubt or nothing but mistakes comes.
 * Threads: loop.
 */
#include "hub/native.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "edge/identity.h"
#include "hub/catchup.h"
#include "hub/desk.h"
#include "hub/frame.h"
#include "hub/relay.h"
#include "hub/session.h"
#include "hub/subscribe.h"
#include "json/json.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- writing ---------------------------------------------------------- */

void native_member(struct buf *out, const char *name, struct bytes value)
{
    buf_append_char(out, ',');
    json_write_key(out, bytes_of(name));
    json_write_string(out, value);
}

static void native_number(struct buf *out, const char *name, uint64_t value)
{
    buf_append_char(out, ',');
    json_write_key(out, bytes_of(name));
    buf_append_u64(out, value);
}

static struct buf *native_begin(struct session *s, const char *type)
{
    struct buf *out = &s->worker->json;

    buf_clear(out);
    buf_append(out, BYTES("{\"type\":"));
    json_write_string(out, bytes_of(type));
    return out;
}

static void native_id(struct buf *out, struct bytes id)
{
    if (id.len)
        native_member(out, "id", id);
}

static void native_position(struct buf *out, const struct hub_worker *w,
                            uint64_t offset)
{
    char text[POSITION_TEXT_MAX + 1];
    size_t len = position_write(bytes_of(w->epoch), offset, text);

    native_member(out, "position", (struct bytes){text, len});
}

static void native_end(struct session *s, struct buf *out)
{
    buf_append_char(out, '}');
    if (buf_error(out) != 0)
        session_close(s, CLOSE_INTERNAL);
    else
        session_send_json(s, buf_bytes(out));
}

static uint64_t random_between(uint64_t min, uint64_t max)
{
    uint64_t r;

    random_bytes(&r, sizeof(r));
    return min + r % (max - min + 1);
}

void native_refuse(struct session *s, enum refusal why, struct bytes id,
                   const char *text)
{
    struct buf *out = native_begin(s, "ERROR");

    native_member(out, "code", bytes_of(refusal_name(why)));
    native_member(out, "message", bytes_of(text));
    native_id(out, id);
    native_end(s, out);
    if (++s->mistakes >= SESSION_MISTAKES_MAX)
        session_close(s, CLOSE_POLICY);
}

void native_ack(struct session *s, struct bytes id)
{
    struct buf *out;

    s->mistakes = 0;
    if (!id.len)
        return;
    out = native_begin(s, "ACK");
    native_id(out, id);
    native_end(s, out);
}

void native_must_reload(struct session *s, const char *reason,
                        struct bytes resource)
{
    struct buf *out = native_begin(s, "MUST_RELOAD");

    native_member(out, "reason", bytes_of(reason));
    if (resource.len)
        native_member(out, "resource", resource);
    native_number(out, "retryMs",
                  random_between(HUB_RELOAD_MS_MIN, HUB_RELOAD_MS_MAX));
    native_position(out, s->worker, s->worker->delivered);
    native_end(s, out);
}

void native_reset(struct session *s, const struct frame *f,
                  const struct data_event *e, bool last)
{
    struct buf *out = native_begin(s, "MUST_RELOAD");

    native_member(out, "reason", BYTES("reset"));
    native_member(out, "resource", data_resource_spec(e->resource)->name);
    native_number(out, "retryMs",
                  random_between(HUB_RELOAD_MS_MIN, HUB_RELOAD_MS_MAX));
    if (last)
        native_member(out, "position", bytes_of(f->position));
    native_end(s, out);
}

void native_goodbye(struct session *s)
{
    struct buf *out = native_begin(s, "DISCONNECT");

    native_member(out, "reason", bytes_of(close_name(CLOSE_DRAINING)));
    native_number(out, "retryMs",
                  random_between(HUB_RELOAD_MS_MIN, HUB_RELOAD_MS_MAX));
    native_end(s, out);
    session_close(s, CLOSE_DRAINING);
}

void native_subscribed(struct session *s, const char *type, struct bytes topics,
                       uint64_t offset, struct bytes id)
{
    struct buf *out = native_begin(s, type);

    buf_append(out, BYTES(",\"topics\":["));
    buf_append(out, topics);
    buf_append_char(out, ']');
    native_position(out, s->worker, offset);
    native_id(out, id);
    native_end(s, out);
    s->mistakes = 0;
}

void native_topic_refused(struct session *s, enum refusal why,
                          struct bytes text, struct bytes topic,
                          struct bytes id)
{
    static const char *const texts[REFUSAL_COUNT] = {
        [REFUSAL_TOPIC_UNKNOWN] =
            ("expected tenant, user, role:NAME, resource:NAME or "
             "record:NAME/KEY, of a role and a resource that exist"),
        [REFUSAL_TOPIC_DENIED] = "the topic is not yours to hear",
        [REFUSAL_LIMIT] = "too many topics",
        [REFUSAL_UNAVAILABLE] = "it could not be looked up now",
    };
    struct buf *out = native_begin(s, "ERROR");

    native_member(out, "code", bytes_of(refusal_name(why)));
    native_member(out, "message", text.len ? text : bytes_of(texts[why]));
    native_member(out, "topic", topic);
    native_id(out, id);
    native_end(s, out);
    if (++s->mistakes >= SESSION_MISTAKES_MAX)
        session_close(s, CLOSE_POLICY);
}

static void native_roles(struct buf *out, const struct session *s)
{
    const struct name_list *roles = &s->worker->hub->spec->roles;
    const char *comma = "";

    buf_append(out, BYTES(",\"roles\":["));
    for (unsigned i = 0; i < roles->count; i++) {
        if (!(s->identity->roles >> i & 1))
            continue;
        buf_append(out, bytes_of(comma));
        json_write_string(out, roles->names[i]);
        comma = ",";
    }
    buf_append_char(out, ']');
}

static void native_connected(struct session *s, uint64_t offset)
{
    const struct hub_spec *spec = s->worker->hub->spec;
    struct buf *out = native_begin(s, "CONNECTED");
    char text[CLOCK_RFC3339_LEN + 1];

    (void)snprintf(text, sizeof(text), "%016" PRIx64, s->id);
    native_member(out, "session", bytes_of(text));
    native_member(out, "user", s->identity->user);
    native_member(out, "tenant", s->identity->tenant);
    native_roles(out, s);
    native_position(out, s->worker, offset);
    clock_rfc3339(s->identity->expires_us, text);
    native_member(out, "expiresAt", bytes_of(text));
    native_number(out, "pingMs", spec->ping_ms);
    native_number(out, "timeoutMs", spec->timeout_ms);
    native_number(out, "messageBytesMax", spec->message_bytes_max);
    native_number(out, "topicsMax", spec->topics_max);
    native_end(s, out);
    s->mistakes = 0;
}

/* ---- reading ---------------------------------------------------------- */

static void token_refused(struct session *s, struct bytes id, int error,
                          const char *why)
{
    native_refuse(s, REFUSAL_UNAUTHENTICATED, id, why);
    session_close(s, error == ERR_EXPIRED ? CLOSE_TOKEN_EXPIRED
                                          : CLOSE_UNAUTHENTICATED);
}

/* A later CONNECT brings a new token for the same identity, nothing else. */
static bool same_identity(const struct identity *a, const struct identity *b)
{
    return a->roles == b->roles && bytes_equal(a->user, b->user) &&
           bytes_equal(a->tenant, b->tenant);
}

/* The position told back is the one to come back from: what follows it is
 * what the first SUBSCRIBE brings. */
static void connect_first(struct session *s, struct bytes position)
{
    uint64_t offset = s->worker->delivered;
    const char *reason = NULL;

    if (position.len &&
        catchup_check(s->worker, position, &offset, &reason) == 0) {
        s->resume = offset;
        reason = NULL;
    }
    native_connected(s, offset);
    if (reason)
        catchup_reload(s, reason);
}

static void connect_as(struct session *s, struct identity *who,
                       const json_t *message)
{
    bool again = s->identity && session_is_connected(s);

    if (again && !same_identity(s->identity, who)) {
        session_close(s, CLOSE_FORBIDDEN);
        return;
    }
    session_identify(s, who);
    if (again)
        native_connected(s, s->worker->delivered);
    else
        connect_first(s, json_member_string(message, "position"));
}

static void on_connect(struct session *s, const json_t *message,
                       struct bytes id)
{
    struct bytes token = json_member_string(message, "token");
    struct identity *who = s->identity;
    const char *why = "CONNECT needs a token";
    int error = who ? 0 : ERR_UNAUTHENTICATED;

    if (token.len)
        error =
            auth_identify(s->worker->auth, token, clock_wall_us(), &who, &why);
    if (error == 0 && who)
        connect_as(s, who, message);
    else
        token_refused(s, id, error, why);
}

static void on_ping(struct session *s, const json_t *message, struct bytes id)
{
    struct buf *out = native_begin(s, "PONG");
    char now[CLOCK_RFC3339_LEN + 1];

    clock_rfc3339(clock_wall_us(), now);
    native_id(out, id);
    native_member(out, "time", bytes_of(now));
    native_end(s, out);
}

static void on_disconnect(struct session *s, const json_t *message,
                          struct bytes id)
{
    session_close(s, CLOSE_NORMAL);
}

typedef void message_fn(struct session *, const json_t *, struct bytes id);
struct message_rule {
    struct bytes type;
    message_fn *fn;
    bool before_connect;
};

static const struct message_rule rules[] = {
    {BYTES("CONNECT"), on_connect, true},
    {BYTES("SUBSCRIBE"), subscribe_message, false},
    {BYTES("UNSUBSCRIBE"), unsubscribe_message, false},
    {BYTES("PING"), on_ping, true},
    {BYTES("DISCONNECT"), on_disconnect, true},
};

/* An application declares a handful. */
static const struct message_spec *message_declared(const struct hub_spec *spec,
                                                   struct bytes type)
{
    for (unsigned i = 0; i < spec->message_count; i++)
        if (bytes_equal(spec->messages[i].type, type))
            return &spec->messages[i];
    return NULL;
}

static void dispatch(struct session *s, struct bytes type,
                     const json_t *message, struct bytes id)
{
    const struct message_spec *spec;

    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        if (!bytes_equal(rules[i].type, type))
            continue;
        if (rules[i].before_connect || session_is_connected(s))
            rules[i].fn(s, message, id);
        else
            native_refuse(s, REFUSAL_NOT_CONNECTED, id,
                          "CONNECT must come first");
        return;
    }
    spec = message_declared(s->worker->hub->spec, type);
    if (!spec)
        native_refuse(s, REFUSAL_UNKNOWN_TYPE, id,
                      "no such message type is declared");
    else if (!session_is_connected(s))
        native_refuse(s, REFUSAL_NOT_CONNECTED, id, "CONNECT must come first");
    else
        relay_message(s, spec, message, id);
}

/* One large message is no reason to keep its memory. */
static void scratch_trim(struct buf *scratch)
{
    if (scratch->cap > HUB_SCRATCH_KEEP)
        buf_fini(scratch);
}

void native_message(struct session *s, struct bytes text)
{
    struct json_mistake detail = {0};
    json_t *message = NULL;
    struct bytes type, id;

    if (json_read(text, &message, &detail) != 0 || !json_is_object(message)) {
        native_refuse(s, REFUSAL_BAD_JSON, (struct bytes){NULL, 0},
                      message ? "expected a JSON object" : detail.text);
        json_decref(message);
        return;
    }
    type = json_member_string(message, "type");
    id = json_member_string(message, "id");
    if (id.len > NATIVE_ID_MAX)
        native_refuse(s, REFUSAL_BAD_MESSAGE, (struct bytes){NULL, 0},
                      "id: at most 128 bytes");
    else if (!type.len)
        native_refuse(s, REFUSAL_BAD_MESSAGE, id, "type: expected a string");
    else
        dispatch(s, type, message, id);
    json_decref(message);
    scratch_trim(&s->worker->json);
    scratch_trim(&s->worker->wire);
}
