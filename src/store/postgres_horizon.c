/* SPDX-License-Identifier: MIT */
/*
 * postgres_horizon - sets of transactions, and which of them are still there.
 * Threads: loop.
 */
#include "store/postgres_horizon.h"

#include "base/error.h"
#include "base/mem.h"

#define PREPARED (-1)

/* --- sets -------------------------------------------------------------- */

void holders_fini(struct holders *h)
{
    mem_free(h->all);
    *h = (struct holders){0};
}

static int compare(const struct holder *a, const struct holder *b)
{
    if (a->backend != b->backend)
        return a->backend < b->backend ? -1 : 1;
    return a->number < b->number ? -1 : a->number > b->number;
}

/* Its place, or where it belongs. */
static size_t place(const struct holders *h, const struct holder *one)
{
    size_t low = 0, high = h->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare(&h->all[middle], one) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool has(const struct holders *h, const struct holder *one)
{
    size_t at = place(h, one);

    return at < h->count && compare(&h->all[at], one) == 0;
}

static int put(struct holders *h, const struct holder *one)
{
    size_t at = place(h, one);
    int error;

    if (at < h->count && compare(&h->all[at], one) == 0)
        return 0;
    error = mem_grow(&h->all, &h->cap, h->count + 1, sizeof(*h->all),
                     HORIZON_HOLDERS_MAX);
    if (error)
        return error;
    memmove(h->all + at + 1, h->all + at, (h->count - at) * sizeof(*h->all));
    h->all[at] = *one;
    h->count++;
    return 0;
}

int holders_add(struct holders *h, struct bytes virtual_id)
{
    struct bytes backend, number;
    struct holder one;

    if (!bytes_cut(virtual_id, '/', &backend, &number) ||
        bytes_to_i64(backend, &one.backend) ||
        bytes_to_u64(number, &one.number))
        return ERR_INVALID;
    if (one.number == 0) /* ended and visible, about to let go */
        return 0;
    return put(h, &one);
}

static int copy(struct holders *to, const struct holders *from)
{
    int error = 0;

    to->count = 0;
    for (size_t i = 0; i < from->count && !error; i++)
        error = put(to, &from->all[i]);
    return error;
}

/* --- candidates -------------------------------------------------------- */

void horizon_forget(struct pg_horizon *h)
{
    for (unsigned i = 0; i < h->count; i++)
        holders_fini(&h->waiting[i].holders);
    *h = (struct pg_horizon){0};
}

void horizon_fini(struct pg_horizon *h)
{
    horizon_forget(h);
}

/* Takes out who has ended. True: one that was not prepared is gone. */
static bool drop_ended(struct holders *h, const struct holders *now)
{
    size_t kept = 0;
    bool gone = false;

    for (size_t i = 0; i < h->count; i++) {
        if (has(now, &h->all[i]))
            h->all[kept++] = h->all[i];
        else
            gone |= h->all[i].backend != PREPARED;
    }
    h->count = kept;
    return gone;
}

static int add_prepared(struct holders *h, const struct holders *now)
{
    int error = 0;

    for (size_t i = 0; i < now->count && !error; i++)
        if (now->all[i].backend == PREPARED)
            error = put(h, &now->all[i]);
    return error;
}

static void pass(struct pg_horizon *h, uint64_t offset)
{
    h->known = true;
    h->at = offset;
}

void horizon_begin(struct pg_horizon *h, uint64_t at)
{
    if (!h->known)
        pass(h, at);
}

/* The first n have passed. */
static void drop_first(struct pg_horizon *h, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        holders_fini(&h->waiting[i].holders);
    h->count -= n;
    memmove(h->waiting, h->waiting + n, h->count * sizeof(*h->waiting));
}

static int candidate_add(struct pg_horizon *h, uint64_t last,
                         const struct holders *now)
{
    struct holders holders = {0};
    struct candidate *c;
    int error = copy(&holders, now);

    if (error) {
        holders_fini(&holders);
        return error;
    }
    if (h->count == HORIZON_CANDIDATES)
        holders_fini(&h->waiting[--h->count].holders);
    c = &h->waiting[h->count++];
    *c = (struct candidate){.offset = last, .holders = holders};
    return 0;
}

static uint64_t newest(const struct pg_horizon *h)
{
    return h->count ? h->waiting[h->count - 1].offset : h->at;
}

int horizon_see(struct pg_horizon *h, uint64_t last, const struct holders *now)
{
    unsigned passed = 0;

    if (last < newest(h)) /* another history */
        horizon_forget(h);
    for (unsigned i = 0; i < h->count; i++) {
        struct candidate *c = &h->waiting[i];
        int error = 0;

        if (drop_ended(&c->holders, now))
            error = add_prepared(&c->holders, now);
        if (error) {
            horizon_forget(h); /* begin anew rather than claim too much */
            return error;
        }
        if (c->holders.count == 0)
            passed = i + 1;
    }
    if (passed) {
        pass(h, h->waiting[passed - 1].offset);
        drop_first(h, passed);
    }
    if (now->count == 0) {
        drop_first(h, h->count);
        pass(h, last);
        return 0;
    }
    if (last == newest(h) && (h->known || h->count))
        return 0;
    return candidate_add(h, last, now);
}
