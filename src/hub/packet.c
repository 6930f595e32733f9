/* SPDX-License-Identifier: MIT */
/*
 * packet - two forms of one frame.
 * Threads: any.
 */
#include "hub/packet.h"

#include "base/blob.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "proto/ws.h"

struct packet {
    atomic_uint refs;
    size_t json_len; /* at the end of plain */
    struct blob *plain;
    _Atomic(struct blob *) deflated; /* NULL: not made yet */
};

static int frame_write(struct bytes json, struct ws_deflate *deflate,
                       struct blob **ret)
{
    struct buf out;
    int error;

    buf_init(&out, json.len + WS_HEAD_MAX);
    ws_write(&out, WS_OP_TEXT, json, deflate);
    error = buf_take(&out, ret);
    buf_fini(&out);
    return error;
}

int packet_new(struct packet **ret, struct bytes json)
{
    struct packet *p = mem_zalloc(1, sizeof(*p));
    int error = p ? frame_write(json, NULL, &p->plain) : ERR_NOMEM;

    if (error < 0) {
        mem_free(p);
        return error;
    }
    atomic_init(&p->refs, 1);
    p->json_len = json.len;
    *ret = p;
    return 0;
}

struct packet *packet_ref(struct packet *p)
{
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

void packet_unref(struct packet **packet)
{
    struct packet *p = *packet;

    *packet = NULL;
    if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) > 1)
        return;

    struct blob *deflated = atomic_load(&p->deflated);

    blob_unref(&deflated);
    blob_unref(&p->plain);
    mem_free(p);
}

struct bytes packet_json(const struct packet *p)
{
    return bytes_skip(blob_bytes(p->plain), p->plain->len - p->json_len);
}

/* Two workers may compress at the same time; the first one's is kept. */
static struct blob *packet_deflate(struct packet *p, struct ws_deflate *deflate)
{
    struct blob *made, *seen = NULL;

    if (frame_write(packet_json(p), deflate, &made) != 0)
        return p->plain;
    if (made->len >= p->plain->len) {
        blob_unref(&made);
        made = blob_ref(p->plain);
    }
    if (atomic_compare_exchange_strong(&p->deflated, &seen, made))
        return made;
    blob_unref(&made);
    return seen;
}

struct blob *packet_frame(struct packet *p, struct ws_deflate *deflate)
{
    struct blob *deflated;

    if (!deflate || p->json_len < PACKET_DEFLATE_MIN)
        return p->plain;
    deflated = atomic_load_explicit(&p->deflated, memory_order_acquire);
    return deflated ? deflated : packet_deflate(p, deflate);
}
