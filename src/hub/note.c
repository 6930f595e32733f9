/* SPDX-License-Identifier: MIT */
/*
 * note - one allocation: the note, its letters, its text.
 * Threads: any.
 */
#include "hub/note.h"

#include "base/error.h"
#include "base/mem.h"
#include "hub/packet.h"

static atomic_uint_fast64_t last_serial;

static char *own(struct bytes *s, char *at)
{
    if (s->len)
        memcpy(at, s->at, s->len);
    s->at = at;
    return at + s->len;
}

int note_new(struct note **ret, const struct note *like, unsigned letters)
{
    size_t letters_len = letters * sizeof(struct note_letter);
    struct note *n = mem_alloc(sizeof(*n) + letters_len + like->tenant.len +
                               like->user.len + like->slot.len);
    char *at;

    if (!n)
        return ERR_NOMEM;
    at = (char *)(n + 1) + letters_len;
    *n = *like;
    atomic_init(&n->refs, 1);
    n->letter_count = letters;
    n->serial = atomic_fetch_add(&last_serial, 1) + 1;
    (void)packet_ref(n->packet);
    at = own(&n->tenant, at);
    at = own(&n->user, at);
    (void)own(&n->slot, at);
    *ret = n;
    return 0;
}

struct note *note_ref(struct note *n)
{
    atomic_fetch_add_explicit(&n->refs, 1, memory_order_relaxed);
    return n;
}

void note_unref(struct note **note)
{
    struct note *n = *note;

    *note = NULL;
    if (!n || atomic_fetch_sub_explicit(&n->refs, 1, memory_order_acq_rel) > 1)
        return;
    packet_unref(&n->packet);
    mem_free(n);
}
