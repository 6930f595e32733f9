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

struct variant {
    struct variant *next;
    enum frame_view view;
    role_mask roles;
    struct packet *packet; /* NULL: they may read nothing of it */
};

/* Every slice of a change and its event, to copy them in one go. */
#define FRAME_SLICES 13
static void frame_slices(struct frame *f, struct bytes *ret[FRAME_SLICES])
{
    struct bytes *all[FRAME_SLICES] = {
        &f->change.table,
        &f->change.key,
        &f->change.tenant,
        &f->change.row,
        &f->change.old,
        &f->change.writer,
        &f->event.key,
        &f->event.type,
        &f->event.tenant,
        &f->event.old_tenant,
        &f->event.user,
        &f->event.old_user,
        NULL,
    };

    memcpy(ret, all, sizeof(all));
}

static size_t frame_text_len(const struct change *c, const struct data_event *e)
{
    return c->table.len + c->key.len + c->tenant.len + c->row.len + c->old.len +
           c->writer.len + e->key.len + e->type.len + e->tenant.len +
           e->old_tenant.len + e->user.len + e->old_user.len;
}

static void frame_own(struct frame *f)
{
    struct bytes *slices[FRAME_SLICES];
    char *at = f->text;

    frame_slices(f, slices);
    for (size_t i = 0; slices[i]; i++) {
        struct bytes *s = slices[i];

        if (s->len)
            memcpy(at, s->at, s->len);
        s->at = at;
        at += s->len;
    }
}

/* Of images that cannot be read (another program may store what is no UTF-8) or
 * are beyond all bounds nobody knows whose they are: anyone reloads the table.
 */
static int frame_event(const struct data *data, struct change *change,
                       struct arena *arena, struct data_event *ret)
{
    int error = data_change_event(data, change, arena, ret);

    if (error != ERR_INVALID && error != ERR_LIMIT)
        return error;
    *change = (struct change){.offset = change->offset,
                              .op = CHANGE_RESET,
                              .table = change->table,
                              .at_us = change->at_us};
    return data_change_event(data, change, arena, ret);
}

int frame_new(struct frame **ret, const struct data *data,
              const struct change *from, struct bytes epoch)
{
    struct change told = *from, *change = &told;
    struct data_event event = {0};
    struct frame *f = NULL;
    struct arena arena;
    size_t text_len;
    int error;

    arena_init(&arena, FRAME_ARENA_MAX);
    error = frame_event(data, change, &arena, &event);
    if (error < 0)
        goto fail;
    text_len = frame_text_len(change, &event);
    f = mem_alloc(sizeof(*f) + text_len);
    if (!f) {
        error = ERR_NOMEM;
        goto fail;
    }
    *f = (struct frame){.change = *change, .event = event};
    atomic_init(&f->refs, 1);
    frame_own(f);
    (void)position_write(epoch, change->offset, f->position);
    f->received_ns = clock_mono_ns();
    f->bytes = sizeof(*f) + sizeof(struct variant) + 2 * text_len;
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

static bool frame_has_tenant(const struct frame *f)
{
    return data_resource_spec(f->event.resource)->tenant_column.len > 0;
}

bool frame_is_everyones(const struct frame *f)
{
    if (frame_is_reset(f))
        return f->change.tenant.len == 0;
    return !frame_has_tenant(f);
}

bool frame_concerns(const struct frame *f, struct bytes tenant)
{
    return frame_is_everyones(f) || bytes_equal(f->event.tenant, tenant) ||
           (f->event.old_tenant.len &&
            bytes_equal(f->event.old_tenant, tenant));
}

/* A row of a table with tenants that names none is nobody's. */
static bool seen_by(const struct frame *f, struct bytes tenant,
                    struct bytes user, const struct identity *who)
{
    if (frame_has_tenant(f) &&
        (tenant.len == 0 || !bytes_equal(tenant, who->tenant)))
        return false;
    return !f->event.by_user || (user.len && bytes_equal(user, who->user));
}

/* What the old image does not say stood as it stands; a deleted row has only
 * an old one. */
enum frame_view frame_view(const struct frame *f, const struct identity *who)
{
    const struct data_event *e = &f->event;
    struct bytes old_tenant = e->old_tenant.len ? e->old_tenant : e->tenant;
    bool now, before;

    if (frame_is_reset(f))
        return frame_concerns(f, who->tenant) ? FRAME_ROW : FRAME_HIDDEN;
    now = seen_by(f, e->tenant, e->user, who);
    before = seen_by(f, old_tenant, e->old_user, who);
    if (f->change.op == CHANGE_DELETE)
        return before ? FRAME_ROW : FRAME_HIDDEN;
    if (f->change.op == CHANGE_INSERT)
        return now ? FRAME_ROW : FRAME_HIDDEN;
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

static int frame_write(const struct frame *f, enum frame_view view,
                       role_mask roles, struct buf *out)
{
    const struct data_event *e = &f->event;
    char at[CLOCK_RFC3339_LEN + 1];
    int error = 0;

    buf_append(out, BYTES("{\"type\":"));
    json_write_string(out, e->type.len ? e->type : BYTES("CHANGED"));
    member(out, "op", op_name(f, view));
    member(out, "resource", data_resource_spec(e->resource)->name);
    member(out, "key", e->key);
    if (view != FRAME_LEFT && f->change.op != CHANGE_DELETE) {
        buf_append(out, BYTES(",\"data\":"));
        error = data_change_project(e, &f->change, roles, out);
    } else if (!data_may_read(e->resource, roles)) {
        error = ERR_DENIED;
    }
    clock_rfc3339(f->change.at_us, at);
    member(out, "at", bytes_of(at));
    member(out, "position", bytes_of(f->position));
    buf_append_char(out, '}');
    return error ? error : buf_error(out);
}

static struct variant *variant_find(const struct frame *f, enum frame_view view,
                                    role_mask roles)
{
    struct variant *v =
        atomic_load_explicit(&f->variants, memory_order_acquire);

    while (v && (v->view != view || v->roles != roles))
        v = v->next;
    return v;
}

/* Two workers may encode the same variant at once; both are right, and the
 * one in front is found from then on. */
static struct variant *variant_new(struct frame *f, enum frame_view view,
                                   role_mask roles)
{
    struct variant *v = mem_zalloc(1, sizeof(*v));
    struct buf out;
    int error;

    if (!v)
        return NULL;
    v->view = view;
    v->roles = roles;
    buf_init(&out, FRAME_JSON_MAX);
    error = frame_write(f, view, roles, &out);
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

struct packet *frame_packet(struct frame *f, enum frame_view view,
                            role_mask roles)
{
    struct variant *v = variant_find(f, view, roles);

    if (!v)
        v = variant_new(f, view, roles);
    return v ? v->packet : NULL;
}
