/* SPDX-License-Identifier: MIT */
/*
 * frame - a change, copied once, and its packets by view and roles.
 * Threads: any.
 */
#include "hub/frame.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "edge/identity.h"
#include "hub/packet.h"
#include "json/json.h"

/* A change row may hold a large text; what is told of it is bounded. */
#define FRAME_JSON_MAX  ((size_t)4 << 20)
#define FRAME_ARENA_MAX ((size_t)8 << 20)

/* What a packet depends on. */
struct wanted {
    const struct data_event *event;
    enum frame_view view;
    role_mask roles;
    bool last;
};

struct variant {
    struct variant *next;
    struct wanted is;
    struct packet *packet; /* NULL: they may read nothing of it */
};

/* Moves the slices to at, one after another; at NULL: only counts. */
static size_t slices_own(struct bytes *const *all, size_t count, char *at)
{
    size_t len = 0;

    for (size_t i = 0; i < count; i++) {
        if (at && all[i]->len)
            memcpy(at + len, all[i]->at, all[i]->len);
        if (at)
            all[i]->at = at + len;
        len += all[i]->len;
    }
    return len;
}

static size_t change_own(struct change *c, char *at)
{
    struct bytes *const all[] = {&c->table, &c->key, &c->tenant,
                                 &c->row,   &c->old, &c->writer};

    return slices_own(all, ARRAY_LEN(all), at);
}

static size_t event_own(struct data_event *e, char *at)
{
    struct bytes *const all[] = {
        &e->key,      &e->type,          &e->left_type,  &e->now.tenant,
        &e->now.user, &e->before.tenant, &e->before.user};

    return slices_own(all, ARRAY_LEN(all), at);
}

/* The change and the events, with all that they point to. */
static size_t frame_own(struct change *c, struct data_event *events,
                        unsigned count, char *at)
{
    size_t len = change_own(c, at);

    for (unsigned i = 0; i < count; i++)
        len += event_own(&events[i], at ? at + len : NULL);
    return len;
}

/* Of images that cannot be read (another program may store what is no UTF-8) or
 * are beyond all bounds nobody knows whose they are: anyone reloads the table.
 */
static int frame_events(const struct data *data, struct change *change,
                        struct arena *arena, struct data_event **ret,
                        unsigned *ret_count)
{
    int error = data_change_events(data, change, arena, ret, ret_count);

    if (error != ERR_INVALID && error != ERR_LIMIT)
        return error;
    *change = (struct change){.offset = change->offset,
                              .op = CHANGE_RESET,
                              .table = change->table,
                              .at_us = change->at_us};
    return data_change_events(data, change, arena, ret, ret_count);
}

int frame_new(struct frame **ret, const struct data *data,
              const struct change *from, struct bytes epoch)
{
    struct change change = *from;
    struct data_event *events;
    struct frame *f = NULL;
    struct arena arena;
    size_t head_len, text_len;
    unsigned count;
    int error;

    arena_init(&arena, FRAME_ARENA_MAX);
    error = frame_events(data, &change, &arena, &events, &count);
    if (error < 0)
        goto fail;
    head_len = sizeof(*f) + count * sizeof(*events);
    text_len = frame_own(&change, events, count, NULL);
    f = mem_alloc(head_len + text_len);
    if (!f) {
        error = ERR_NOMEM;
        goto fail;
    }
    *f = (struct frame){.change = change, .event_count = count};
    memcpy(f->events, events, count * sizeof(*events));
    atomic_init(&f->refs, 1);
    (void)frame_own(&f->change, f->events, count, (char *)f + head_len);
    (void)position_write(epoch, change.offset, f->position);
    f->received_ns = clock_mono_ns();
    f->bytes = head_len + sizeof(struct variant) + 2 * text_len;
    *ret = f;
fail:
    arena_fini(&arena);
    return error;
}

struct frame *frame_ref(struct frame *f)
{
    atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
    return f;
}

void frame_unref(struct frame **frame)
{
    struct frame *f = *frame;

    *frame = NULL;
    if (!f || atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) > 1)
        return;
    for (struct variant *v = atomic_load(&f->variants), *next; v; v = next) {
        next = v->next;
        packet_unref(&v->packet);
        mem_free(v);
    }
    mem_free(f);
}

/* ---- who sees it ------------------------------------------------------ */

static bool has_tenant(const struct data_event *e)
{
    return data_resource_spec(e->resource)->tenant_column.len > 0;
}

static bool is_everyones(const struct frame *f, const struct data_event *e)
{
    return !has_tenant(e) || (frame_is_reset(f) && f->change.tenant.len == 0);
}

bool frame_is_everyones(const struct frame *f)
{
    for (unsigned i = 0; i < f->event_count; i++)
        if (is_everyones(f, &f->events[i]))
            return true;
    return false;
}

bool frame_event_concerns(const struct frame *f, const struct data_event *e,
                          struct bytes tenant)
{
    return is_everyones(f, e) || bytes_equal(e->now.tenant, tenant) ||
           (e->before.tenant.len && bytes_equal(e->before.tenant, tenant));
}

bool frame_concerns(const struct frame *f, struct bytes tenant)
{
    for (unsigned i = 0; i < f->event_count; i++)
        if (frame_event_concerns(f, &f->events[i], tenant))
            return true;
    return false;
}

/* A row of a table with tenants that names none is nobody's. */
static bool seen_by(const struct data_event *e, const struct data_owner *owner,
                    const struct identity *who)
{
    if (has_tenant(e) &&
        (owner->tenant.len == 0 || !bytes_equal(owner->tenant, who->tenant)))
        return false;
    return !e->by_user ||
           (owner->user.len && bytes_equal(owner->user, who->user));
}

enum frame_view frame_view(const struct frame *f, const struct data_event *e,
                           const struct identity *who)
{
    bool now = seen_by(e, &e->now, who), before = seen_by(e, &e->before, who);

    switch (f->change.op) {
    case CHANGE_INSERT:
        return now ? FRAME_ROW : FRAME_HIDDEN;
    case CHANGE_DELETE:
        return before ? FRAME_ROW : FRAME_HIDDEN;
    case CHANGE_RESET:
        return frame_event_concerns(f, e, who->tenant) ? FRAME_ROW
                                                       : FRAME_HIDDEN;
    default:
        break;
    }
    if (now)
        return before ? FRAME_ROW : FRAME_ENTERED;
    return before ? FRAME_LEFT : FRAME_HIDDEN;
}

/* ---- what is told ----------------------------------------------------- */

static struct bytes op_name(const struct frame *f, enum frame_view view)
{
    if (view == FRAME_LEFT)
        return BYTES("left");
    if (view == FRAME_ENTERED)
        return BYTES("entered");
    switch (f->change.op) {
    case CHANGE_INSERT:
        return BYTES("insert");
    case CHANGE_DELETE:
        return BYTES("delete");
    default:
        return BYTES("update");
    }
}

static void member(struct buf *out, const char *name, struct bytes value)
{
    buf_append_char(out, ',');
    json_write_key(out, bytes_of(name));
    json_write_string(out, value);
}

static int frame_write(const struct frame *f, const struct wanted *w,
                       struct buf *out)
{
    const struct data_event *e = w->event;
    struct bytes type = frame_type(e, w->view);
    char at[CLOCK_RFC3339_LEN + 1];
    int error = 0;

    buf_append(out, BYTES("{\"type\":"));
    json_write_string(out, type.len ? type : BYTES("CHANGED"));
    member(out, "op", op_name(f, w->view));
    member(out, "resource", data_resource_spec(e->resource)->name);
    if (data_may_read_key(e->resource, w->roles))
        member(out, "key", e->key);
    if (w->view != FRAME_LEFT && f->change.op != CHANGE_DELETE) {
        buf_append(out, BYTES(",\"data\":"));
        error = data_change_project(e, &f->change, w->roles, out);
    } else if (!data_may_read(e->resource, w->roles)) {
        error = ERR_DENIED;
    }
    clock_rfc3339(f->change.at_us, at);
    member(out, "at", bytes_of(at));
    if (w->last)
        member(out, "position", bytes_of(f->position));
    buf_append_char(out, '}');
    return error ? error : buf_error(out);
}

static struct variant *variant_find(const struct frame *f,
                                    const struct wanted *w)
{
    struct variant *v =
        atomic_load_explicit(&f->variants, memory_order_acquire);

    while (v && (v->is.event != w->event || v->is.view != w->view ||
                 v->is.roles != w->roles || v->is.last != w->last))
        v = v->next;
    return v;
}

/* Two workers may encode the same variant at once; both are right, and the
 * one in front is found from then on. */
static struct variant *variant_new(struct frame *f, const struct wanted *w)
{
    struct variant *v = mem_zalloc(1, sizeof(*v));
    struct buf out;
    int error;

    if (!v)
        return NULL;
    v->is = *w;
    buf_init(&out, FRAME_JSON_MAX);
    error = frame_write(f, w, &out);
    if (error == 0)
        error = packet_new(&v->packet, buf_bytes(&out));
    buf_fini(&out);
    if (error < 0 && error != ERR_DENIED) {
        mem_free(v);
        return NULL;
    }
    v->next = atomic_load(&f->variants);
    while (!atomic_compare_exchange_weak(&f->variants, &v->next, v))
        continue;
    return v;
}

struct packet *frame_packet(struct frame *f, const struct data_event *e,
                            enum frame_view view, role_mask roles, bool last)
{
    const struct wanted w = {e, view, roles, last};
    struct variant *v = variant_find(f, &w);

    if (!v)
        v = variant_new(f, &w);
    return v ? v->packet : NULL;
}
