/* SPDX-License-Identifier: MIT */
/*
 * behind - upserts in batches, one read at start.
 * Threads: loop.
 */
#include "live/behind.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "live/fleet.h"
#include "net/loop.h"
#include "store/store.h"

#define COLUMNS 7

struct behind {
    struct fleet *const *fleets;
    unsigned fleet_count;
    const struct live_spec *spec;
    struct loop *loop;
    struct store_session *session;
    struct store_statement *upsert, *select, *expire;
    struct timer timer;
    bool busy; /* a write or the restoring read is under way */
    live_done_fn *flushed_fn;
    void *flushed_arg;
    live_done_fn *restored_fn;
    void *restored_arg;
    struct store_read read;
    struct value read_params[1];
    size_t restored;
    struct store_write write;
    struct fleet *writing; /* whose fixes these are */
    size_t count;
    struct fix *fixes[BEHIND_BATCH];
    struct store_step steps[BEHIND_BATCH];
    struct value params[BEHIND_BATCH][COLUMNS];
};

static const char upsert_sql[] =
    "INSERT INTO fieldline_positions"
    " (resource, tenant, \"key\", lat, lng, at_us, payload)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7)"
    " ON CONFLICT (resource, tenant, \"key\") DO UPDATE SET"
    " lat = excluded.lat, lng = excluded.lng, at_us = excluded.at_us,"
    " payload = excluded.payload"
    " WHERE fieldline_positions.at_us <= excluded.at_us";
static const char select_sql[] =
    "SELECT resource, tenant, \"key\", lat, lng, at_us, payload"
    " FROM fieldline_positions WHERE at_us >= $1 ORDER BY at_us";
static const char expire_sql[] =
    "DELETE FROM fieldline_positions WHERE at_us < $1";

static void on_timer(struct timer *, void *arg);

static int statements_new(struct behind *b)
{
    struct store *store = store_session_store(b->session);
    struct store_detail detail = {0};
    int error = store_statement_new(&b->upsert, store, STORE_CLASS_WRITE,
                                    bytes_of(upsert_sql), &detail);

    if (!error)
        error = store_statement_new(&b->select, store, STORE_CLASS_ANALYTICS,
                                    bytes_of(select_sql), &detail);
    if (!error)
        error = store_statement_new(&b->expire, store, STORE_CLASS_WRITE,
                                    bytes_of(expire_sql), &detail);
    if (error)
        log_error("live.statement", "error=%s detail=\"%s\"", error_name(error),
                  detail.text);
    return error;
}

int behind_new(struct behind **ret, struct fleet *const *fleets,
               unsigned fleet_count, const struct live_spec *spec,
               struct loop *loop, struct store_session *session)
{
    struct behind *b = mem_zalloc(1, sizeof(*b));
    int error;

    if (!b)
        return ERR_NOMEM;
    b->fleets = fleets;
    b->fleet_count = fleet_count;
    b->spec = spec;
    b->loop = loop;
    b->session = session;
    timer_init(&b->timer, on_timer, b);
    error = statements_new(b);
    if (error) {
        behind_free(&b);
        return error;
    }
    timer_start(loop, &b->timer, spec->flush_ms);
    *ret = b;
    return 0;
}

static void fixes_drop(struct behind *b)
{
    while (b->count)
        fix_unref(&b->fixes[--b->count]);
}

void behind_free(struct behind **behind)
{
    struct behind *b = *behind;

    *behind = NULL;
    if (!b)
        return;
    timer_stop(&b->timer);
    fixes_drop(b);
    store_statement_unref(&b->upsert);
    store_statement_unref(&b->select);
    store_statement_unref(&b->expire);
    mem_free(b);
}

/* ---- writing ---------------------------------------------------------- */

static void on_written(struct store_write *, int error);

static void batch_step(struct behind *b, size_t i)
{
    const struct fix *f = b->fixes[i];
    struct value *p = b->params[i];

    p[0] = value_text(f->resource);
    p[1] = value_text(f->tenant);
    p[2] = value_text(f->key);
    p[3] = value_double(f->at.lat);
    p[4] = value_double(f->at.lng);
    p[5] = value_int(f->at_us);
    p[6] = value_text(f->payload);
    b->steps[i] = (struct store_step){
        .statement = b->upsert, .params = p, .param_count = COLUMNS};
}

/* False: nothing is dirty. */
static bool batch_take(struct behind *b)
{
    for (unsigned i = 0; i < b->fleet_count; i++) {
        b->count = fleet_dirty_take(b->fleets[i], b->fixes, BEHIND_BATCH);
        b->writing = b->fleets[i];
        if (b->count)
            return true;
    }
    return false;
}

static void behind_end(struct behind *b, int error)
{
    live_done_fn *flushed = b->flushed_fn;

    timer_start(b->loop, &b->timer, b->spec->flush_ms);
    b->flushed_fn = NULL;
    if (flushed)
        flushed(error, b->flushed_arg);
}

static void behind_proceed(struct behind *b)
{
    if (!batch_take(b)) {
        behind_end(b, 0);
        return;
    }
    for (size_t i = 0; i < b->count; i++)
        batch_step(b, i);
    b->write = (struct store_write){.steps = b->steps,
                                    .step_count = (unsigned)b->count,
                                    .done_fn = on_written,
                                    .arg = b};
    b->busy = true;
    store_write(b->session, &b->write);
}

static void on_written(struct store_write *write, int error)
{
    struct behind *b = write->arg;

    b->busy = false;
    if (error && error != ERR_CLOSED)
        log_warn("live.write.failed", "error=%s detail=\"%s\" positions=%zu",
                 error_name(error), write->detail.text, b->count);
    for (size_t i = 0; error && i < b->count; i++)
        fleet_dirty_again(b->writing, b->fixes[i]);
    fixes_drop(b);
    if (error)
        behind_end(b, error);
    else
        behind_proceed(b);
}

static void on_timer(struct timer *t, void *arg)
{
    struct behind *b = arg;

    if (!b->busy)
        behind_proceed(b);
}

/* What is under way ends first; behind_proceed() goes on until all is clean. */
void behind_flush(struct behind *b, live_done_fn *done, void *arg)
{
    b->flushed_fn = done;
    b->flushed_arg = arg;
    if (!b->busy)
        behind_proceed(b);
}

/* ---- restoring -------------------------------------------------------- */

static double real_of(struct value v)
{
    return v.kind == VALUE_INT ? (double)v.integer : v.real;
}

static struct fleet *fleet_named(struct behind *b, struct bytes name)
{
    for (unsigned i = 0; i < b->fleet_count; i++)
        if (bytes_equal(fleet_resource(b->fleets[i]), name))
            return b->fleets[i];
    return NULL;
}

static void on_row(const struct store_row *row, void *arg)
{
    struct behind *b = arg;
    struct fleet *f = fleet_named(b, store_row_get(row, 0).bytes);
    struct fl_geo_point at = {real_of(store_row_get(row, 3)),
                              real_of(store_row_get(row, 4))};

    if (f &&
        fleet_put(f, store_row_get(row, 1).bytes, store_row_get(row, 2).bytes,
                  at, store_row_get(row, 5).integer,
                  store_row_get(row, 6).bytes, false) == 0)
        b->restored++;
}

static void restore_end(struct behind *b, int error)
{
    b->busy = false;
    log_info("live.restored", "positions=%zu error=%s", b->restored,
             error_name(error));
    b->restored_fn(error, b->restored_arg);
    behind_proceed(b); /* the timer passed it by, a flush may wait */
}

static void on_expired(struct store_write *write, int error)
{
    restore_end(write->arg, error);
}

/* What is too old to be read again need not be kept. */
static void on_restored(struct store_read *read, int error)
{
    struct behind *b = read->arg;

    if (error) {
        restore_end(b, error);
        return;
    }
    b->steps[0] = (struct store_step){
        .statement = b->expire, .params = b->read_params, .param_count = 1};
    b->write = (struct store_write){
        .steps = b->steps, .step_count = 1, .done_fn = on_expired, .arg = b};
    store_write(b->session, &b->write);
}

void behind_restore(struct behind *b, live_done_fn *done, void *arg)
{
    int64_t since_us = clock_wall_us() - (int64_t)b->spec->expire_ms * 1000;

    b->restored_fn = done;
    b->restored_arg = arg;
    b->busy = true;
    b->read_params[0] = value_int(since_us);
    b->read = (struct store_read){.statement = b->select,
                                  .params = b->read_params,
                                  .param_count = 1,
                                  .row_fn = on_row,
                                  .done_fn = on_restored,
                                  .arg = b};
    store_read(b->session, &b->read);
}
