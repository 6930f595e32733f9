/* SPDX-License-Identifier: MIT */
/*
 * relay - one message of a client, checked, encoded once, sent on.
 * Threads: loop.
 */
#include "hub/relay.h"

#include "base/clock.h"
#include "base/error.h"
#include "edge/identity.h"
#include "hub/conflate.h"
#include "hub/deliver.h"
#include "hub/desk.h"
#include "hub/native.h"
#include "hub/note.h"
#include "hub/packet.h"
#include "hub/session.h"
#include "json/json.h"

#include <stdio.h>

#define SLOT_MAX 512 /* type, tenant and key */

struct relay {
    struct session *session;
    const struct message_spec *spec;
    const json_t *payload;
    struct bytes id;
    struct bytes key;  /* empty: the type has none */
    struct bytes user; /* MESSAGE_TO_USER */
    struct bytes json; /* the whole message */
    struct bytes data; /* the payload within it */
    char number[24];   /* a key that came as a number */
};

/* ---- checks ----------------------------------------------------------- */

/* Keys are text; a whole number is taken as its digits. */
static struct bytes key_of(struct relay *r, const json_t *value)
{
    if (json_is_string(value))
        return (struct bytes){json_string_value(value),
                              json_string_length(value)};
    if (json_is_integer(value)) {
        int len = snprintf(r->number, sizeof(r->number),
                           "%" JSON_INTEGER_FORMAT, json_integer_value(value));

        return (struct bytes){r->number, (size_t)len};
    }
    return (struct bytes){NULL, 0};
}

/* The object's key: the sender himself unless a role may speak for others. */
static int relay_key(struct relay *r, enum refusal *why)
{
    const struct identity *who = r->session->identity;
    const json_t *value;

    if (!r->spec->key.len)
        return 0;
    value = json_object_getn(r->payload, r->spec->key.at, r->spec->key.len);
    r->key = value ? key_of(r, value) : who->user;
    *why = REFUSAL_BAD_MESSAGE;
    if (!r->key.len || r->key.len > RELAY_KEY_MAX)
        return ERR_INVALID;
    *why = REFUSAL_KEY_DENIED;
    if (!bytes_equal(r->key, who->user) && !(who->roles & r->spec->key_any))
        return ERR_DENIED;
    return 0;
}

static int relay_user(struct relay *r)
{
    if (r->spec->to != MESSAGE_TO_USER)
        return 0;
    r->user = key_of(r, json_object_get(r->payload, "to"));
    return r->user.len ? 0 : ERR_INVALID;
}

static bool coordinate(const struct relay *r, struct bytes declared,
                       const char *usual, double *ret)
{
    const json_t *value =
        declared.len ? json_object_getn(r->payload, declared.at, declared.len)
                     : json_object_get(r->payload, usual);

    *ret = json_number_value(value);
    return json_is_number(value);
}

/* ---- encoding --------------------------------------------------------- */

static int relay_write(struct relay *r)
{
    struct buf *out = &r->session->worker->json;
    char at[CLOCK_RFC3339_LEN + 1];
    size_t data_at;

    buf_clear(out);
    buf_append(out, BYTES("{\"type\":"));
    json_write_string(out, r->spec->type);
    if (r->key.len)
        native_member(out, "key", r->key);
    buf_append(out, BYTES(",\"data\":"));
    data_at = out->len;
    json_write_value(out, r->payload);
    r->data.len = out->len - data_at;
    native_member(out, "user", r->session->identity->user);
    clock_rfc3339(clock_wall_us(), at);
    native_member(out, "at", bytes_of(at));
    buf_append_char(out, '}');
    if (buf_error(out) < 0)
        return buf_error(out);
    r->json = buf_bytes(out);
    r->data.at = out->at + data_at;
    return 0;
}

/* ---- sending on ------------------------------------------------------- */

static struct bytes relay_slot(const struct relay *r, char room[SLOT_MAX])
{
    struct bytes tenant = r->session->identity->tenant;
    struct bytes key = r->key.len ? r->key : r->session->identity->user;
    int len = snprintf(room, SLOT_MAX, "%zu " BYTES_FMT BYTES_FMT " " BYTES_FMT,
                       tenant.len, BYTES_ARG(tenant), BYTES_ARG(r->spec->type),
                       BYTES_ARG(key));

    return (struct bytes){room, (size_t)(len < SLOT_MAX ? len : 0)};
}

static void relay_like(const struct relay *r, struct note *ret)
{
    struct session *s = r->session;

    *ret = (struct note){.hub = s->worker->hub,
                         .latest = r->spec->latest,
                         .tenant = s->identity->tenant,
                         .user = r->user,
                         .received_ns = clock_mono_ns()};
    switch (r->spec->to) {
    case MESSAGE_TO_ROLE:
        ret->to = TOPIC_ROLE;
        ret->roles = (role_mask)1 << r->spec->to_role;
        return;
    case MESSAGE_TO_USER:
        ret->to = TOPIC_USER;
        return;
    case MESSAGE_TO_TENANT:
    case MESSAGE_TO_NOBODY:
        ret->to = TOPIC_TENANT;
        return;
    }
}

static int relay_send(struct relay *r)
{
    struct hub_worker *w = r->session->worker;
    struct note like, *note;
    char slot[SLOT_MAX];
    int error;

    if (r->spec->to == MESSAGE_TO_NOBODY)
        return 0;
    relay_like(r, &like);
    if (like.latest)
        like.slot = relay_slot(r, slot);
    like.latest = like.slot.len > 0;
    error = packet_new(&like.packet, r->json);
    if (error < 0)
        return error;
    error = note_new(&note, &like, atomic_load(&w->hub->post_count));
    packet_unref(&like.packet);
    if (error < 0)
        return error;
    if (conflate_put(w->conflate, note,
                     note->latest ? r->spec->debounce_ms : 0))
        metrics_add(w->shard, w->hub->series.conflated, 1);
    note_unref(&note);
    return 0;
}

void relay_out(struct note *n, void *arg)
{
    struct hub_worker *w = arg;

    deliver_note(w, n);
    deliver_post(n, w->worker);
}

/* ---- the whole -------------------------------------------------------- */

static int relay_move(struct relay *r)
{
    struct hub_worker *w = r->session->worker;
    double lat, lng;

    if (!coordinate(r, r->spec->lat, "lat", &lat) ||
        !coordinate(r, r->spec->lng, "lng", &lng))
        return ERR_RANGE;
    if (!w->hub->moved_fn)
        return 0;
    return w->hub->moved_fn(w->worker, r->spec, r->session->identity->tenant,
                            r->key, lat, lng, r->data, w->hub->moved_arg);
}

static void relay_failed(struct relay *r, int error)
{
    switch (error) {
    case ERR_RANGE:
    case ERR_INVALID:
        native_refuse(r->session, REFUSAL_BAD_POSITION, r->id,
                      "expected a latitude within -90..90 and a longitude "
                      "within -180..180, as numbers");
        return;
    case ERR_LIMIT:
        native_refuse(r->session, REFUSAL_LIMIT, r->id,
                      "the payload is too large, or too many objects move");
        return;
    default:
        native_refuse(r->session, REFUSAL_UNAVAILABLE, r->id,
                      "it could not be passed on now");
    }
}

static void relay_checked(struct relay *r)
{
    int error = relay_write(r);

    if (error == 0 && r->spec->moves.len)
        error = relay_move(r);
    if (error == 0)
        error = relay_send(r);
    if (error < 0)
        relay_failed(r, error);
    else
        native_ack(r->session, r->id);
}

static void message_count(const struct session *s,
                          const struct message_spec *spec)
{
    const struct hub *hub = s->worker->hub;

    metrics_add(s->worker->shard,
                hub->message_series[spec - hub->spec->messages], 1);
}

void relay_message(struct session *s, const struct message_spec *spec,
                   const json_t *message, struct bytes id)
{
    struct relay r = {.session = s, .spec = spec, .id = id};
    enum refusal why;

    message_count(s, spec);
    if (!(spec->from & s->identity->roles)) {
        native_refuse(s, REFUSAL_DENIED, id,
                      "your roles may not send this message");
        return;
    }
    r.payload = json_object_get(message, "payload");
    if (!json_is_object(r.payload)) {
        native_refuse(s, REFUSAL_BAD_MESSAGE, id,
                      "payload: expected an object");
        return;
    }
    if (relay_key(&r, &why) != 0)
        native_refuse(s, why, id,
                      why == REFUSAL_KEY_DENIED
                          ? "the key must be your own user"
                          : "the key must be a text of at most 128 bytes or "
                            "a whole number");
    else if (relay_user(&r) != 0)
        native_refuse(s, REFUSAL_BAD_MESSAGE, id,
                      "to: expected the user it goes to");
    else
        relay_checked(&r);
}
