/* SPDX-License-Identifier: MIT */
/*
 * tagclock - a table of sets whose numbers only ever grow.
 *
 * Inside, a MOMENT is the number of restarts in the high bits and an offset in
 * the low ones: moments of a later epoch are larger than all earlier ones, so
 * a restart needs to clear nothing. Rows, floors, the horizon and stamps are
 * all moments.
 *
 * Why a reader needs no lock. In each set the floor, and each way's moment,
 * only grow: a row is overwritten by a later moment only (an earlier one
 * raises the floor instead). A writer stores the set's latest moment, the
 * floor, then the way's moment, then its fingerprint, each with release; a
 * reader loads the latest, and if that does not tell him, the fingerprints,
 * then the moment of the one he found, then the floor, each with acquire.
 * - It finds the tag: the moment it loads next is the tag's or a later one.
 * - It does not, because the row was just overwritten: the floor it loads next
 *   has already risen to what was lost.
 * - It does not, because the tag was stored behind its back: that move had not
 *   ended when this read began.
 * So a read never answers less than the last move that ended before it.
 * Threads: any.
 */
#include "cache/tagclock_read.h"

#include "base/allocator.h"
#include "base/error.h"

#include <assert.h>
#include <sched.h>

#define WAYS           TAGCLOCK_WAYS
#define LINE_BYTES     ((size_t)TAGCLOCK_LINE)
#define SET_BYTES      (2 * LINE_BYTES)
#define BYTES_MIN      ((size_t)4 << 10)
#define BYTES_MAX      ((size_t)1 << 30)
#define RESTARTS_SHIFT 44
#define RESTARTS_MAX   ((UINT64_C(1) << (64 - RESTARTS_SHIFT)) - 1)
#define SPINS_MAX      100
#define HALVES_ONE     UINT64_C(0x0000000100000001)
#define HALVES_HIGH    UINT64_C(0x8000000080000000)

_Static_assert(sizeof(struct tagclock_set) == SET_BYTES, "two lines");

struct place {
    struct tagclock_set *set;
    uint32_t print;
};

int tagclock_new_with(struct tagclock **ret, size_t bytes,
                      const struct fl_allocator *given)
{
    struct fl_allocator a;

    if (bytes < BYTES_MIN || bytes > BYTES_MAX || (bytes & (bytes - 1)))
        return ERR_RANGE;

    if (!allocator_or_own(&a, given))
        return ERR_INVALID;

    void *memory =
        allocator_zalloc(&a, 1, sizeof(struct tagclock) + bytes + LINE_BYTES);

    if (!memory)
        return ERR_NOMEM;

    uintptr_t aligned =
        ((uintptr_t)memory + LINE_BYTES - 1) & ~(LINE_BYTES - 1);
    struct tagclock *c = (struct tagclock *)aligned;

    c->memory = memory;
    c->allocator = a;
    c->sets = (struct tagclock_set *)(c + 1);
    c->mask = bytes / SET_BYTES - 1;
    *ret = c;
    return 0;
}

int tagclock_new(struct tagclock **ret, size_t bytes)
{
    return tagclock_new_with(ret, bytes, NULL);
}

void tagclock_free(struct tagclock **clock)
{
    struct tagclock *c = *clock;

    *clock = NULL;
    if (!c)
        return;

    struct fl_allocator a = c->allocator;

    allocator_free(&a, c->memory);
}

static uint64_t load(const _Atomic uint64_t *at)
{
    return atomic_load_explicit(at, memory_order_acquire);
}

static void raise(_Atomic uint64_t *at, uint64_t moment)
{
    uint64_t was = load(at);

    while (was < moment &&
           !atomic_compare_exchange_weak_explicit(
               at, &was, moment, memory_order_acq_rel, memory_order_acquire))
        ;
}

static uint64_t epoch_start(const struct tagclock *c)
{
    return load(&c->horizon) & ~TAGCLOCK_OFFSET_MAX;
}

/* An offset too large for its bits counts as the latest there can be. */
static uint64_t moment_of(const struct tagclock *c, uint64_t offset)
{
    return epoch_start(c) |
           (offset < TAGCLOCK_OFFSET_MAX ? offset : TAGCLOCK_OFFSET_MAX);
}

static uint64_t offset_of(const struct tagclock *c, uint64_t moment)
{
    uint64_t start = epoch_start(c);

    return moment > start ? moment - start : 0;
}

/* Never 0, which is what an empty way holds. */
static uint32_t print_of(uint64_t mixed)
{
    return (uint32_t)(mixed >> 32) | 1;
}

static struct place place_of(const struct tagclock *c, uint64_t tag)
{
    uint64_t mixed = tagclock_mixed(tag);

    return (struct place){tagclock_set_of(c, mixed), print_of(mixed)};
}

static uint32_t print_at(const struct tagclock_set *s, unsigned way)
{
    return (uint32_t)(load(&s->prints[way / 2]) >> way % 2 * 32);
}

/* Locked. */
static void print_set(struct tagclock_set *s, unsigned way, uint32_t print)
{
    unsigned shift = way % 2 * 32;
    uint64_t pair = load(&s->prints[way / 2]);

    pair &= ~((uint64_t)UINT32_MAX << shift);
    atomic_store_explicit(&s->prints[way / 2], pair | (uint64_t)print << shift,
                          memory_order_release);
}

/* Whether either half of some pair is this print; two at once, as most tags
 * that are asked for have not changed for long and are not there. */
static bool is_known(const struct tagclock_set *s, uint32_t print)
{
    uint64_t both = (uint64_t)print << 32 | print, found = 0;

    for (unsigned pair = 0; pair < WAYS / 2; pair++) {
        uint64_t other = load(&s->prints[pair]) ^ both;

        found |= (other - HALVES_ONE) & ~other & HALVES_HIGH;
    }
    return found != 0;
}

/* The way with this fingerprint, or WAYS. */
static unsigned way_find(const struct tagclock_set *s, uint32_t print)
{
    unsigned way = 0;

    if (LIKELY(!is_known(s, print)))
        return WAYS;
    while (way < WAYS && print_at(s, way) != print)
        way++;
    return way;
}

uint64_t tagclock_moment(const struct tagclock_set *s, uint64_t mixed)
{
    unsigned way = way_find(s, print_of(mixed));
    uint64_t moment = way < WAYS ? load(&s->moments[way]) : 0;
    uint64_t floor = load(&s->floor);

    return moment > floor ? moment : floor;
}

uint64_t tagclock_at(const struct tagclock *c, uint64_t tag)
{
    uint64_t mixed = tagclock_mixed(tag), all = load(&c->all);
    uint64_t moment = tagclock_moment(tagclock_set_of(c, mixed), mixed);

    return offset_of(c, moment > all ? moment : all);
}

bool tagclock_rest_moved(const struct tagclock *c, const uint64_t *mixed,
                         unsigned count, uint64_t stamp)
{
    for (unsigned i = 1; i < count; i++)
        if (tagclock_moved(c, mixed[i], stamp))
            return true;
    return false;
}

bool tagclock_valid(const struct tagclock *c, const struct tagset *s,
                    uint64_t stamp)
{
    uint64_t mixed[1 + TAGCLOCK_TAGS_MAX];
    unsigned count = 0;

    if (s->scope)
        mixed[count++] = tagclock_mixed(s->scope);
    for (unsigned i = 0; i < s->count; i++)
        mixed[count++] = tagclock_mixed(s->tags[i]);
    return tagclock_holds(c, mixed, count, s->scope != 0, stamp);
}

static void set_lock(struct tagclock_set *s)
{
    unsigned spins = 0;

    while (atomic_exchange_explicit(&s->locked, 1, memory_order_acquire))
        if (++spins % SPINS_MAX == 0)
            sched_yield(); /* its holder may wait for this very core */
}

static void set_unlock(struct tagclock_set *s)
{
    atomic_store_explicit(&s->locked, 0, memory_order_release);
}

/* Locked. An empty way if there is one, else the oldest. */
static unsigned way_oldest(const struct tagclock_set *s)
{
    unsigned oldest = 0;

    for (unsigned way = 1; way < WAYS; way++)
        if (load(&s->moments[way]) < load(&s->moments[oldest]))
            oldest = way;
    return oldest;
}

/* Locked. The order of the stores is what readers rely on. */
static void row_put(struct tagclock *c, struct place p, uint64_t moment)
{
    unsigned way = way_oldest(p.set);
    uint64_t oldest = load(&p.set->moments[way]);
    uint64_t lost = moment < oldest ? moment : oldest;

    if (lost) {
        raise(&p.set->floor, lost);
        raise(&c->floor_max, lost);
    }
    if (moment <= oldest)
        return;
    atomic_store_explicit(&p.set->moments[way], moment, memory_order_release);
    print_set(p.set, way, p.print);
}

void tagclock_move(struct tagclock *c, uint64_t tag, uint64_t offset)
{
    struct place p = place_of(c, tag);
    uint64_t moment = moment_of(c, offset);

    set_lock(p.set);

    unsigned way = way_find(p.set, p.print);

    raise(&p.set->latest, moment);
    if (way < WAYS)
        raise(&p.set->moments[way], moment);
    else
        row_put(c, p, moment);
    set_unlock(p.set);
}

void tagclock_move_all(struct tagclock *c, uint64_t offset)
{
    raise(&c->all, moment_of(c, offset));
}

void tagclock_advance(struct tagclock *c, uint64_t horizon)
{
    raise(&c->horizon, moment_of(c, horizon));
}

uint64_t tagclock_stamp(const struct tagclock *c)
{
    return load(&c->horizon);
}

uint64_t tagclock_horizon(const struct tagclock *c)
{
    return load(&c->horizon) & TAGCLOCK_OFFSET_MAX;
}

/* All moves first: a stamp of the new epoch must not meet the old answer. */
void tagclock_restart(struct tagclock *c, uint64_t horizon)
{
    uint64_t restarts = load(&c->horizon) >> RESTARTS_SHIFT;

    assert(restarts < RESTARTS_MAX);

    uint64_t moment =
        (restarts + 1) << RESTARTS_SHIFT |
        (horizon < TAGCLOCK_OFFSET_MAX ? horizon : TAGCLOCK_OFFSET_MAX);

    raise(&c->all, moment);
    raise(&c->horizon, moment);
}

void tagclock_set_stale(struct tagclock *c, bool stale)
{
    atomic_store_explicit(&c->stale, stale, memory_order_release);
}

bool tagclock_is_stale(const struct tagclock *c)
{
    return atomic_load_explicit(&c->stale, memory_order_acquire);
}

uint64_t tagclock_floor_max(const struct tagclock *c)
{
    uint64_t floor = load(&c->floor_max), all = load(&c->all);

    return offset_of(c, floor > all ? floor : all);
}
