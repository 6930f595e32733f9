/* SPDX-License-Identifier: MIT */
/*
 * warm - prepares what the first visitors will ask, for nobody.
 *
 * A viewer without a tenant and without a name is NULL to the database, and so
 * is the key, and a list may have no row: next to nothing is read, and each
 * statement costs little more than its preparation. Between a few of them the
 * loop turns, so that whoever asks already does not wait for all.
 * Threads: loop.
 */
#include "data/read.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "data/worker.h"
#include "net/worker.h"

#define WARM_BYTES_MAX (256u << 10)
#define WARM_TURN_NS   1000000u /* then the loop turns */

struct warm {
    struct data_worker *worker;
    data_warm_done_fn *done_fn;
    void *arg;
    struct arena arena;
    struct query query;
    struct store_read read;
    struct store_statement *statement;
    struct store_detail detail;
    struct value *params;
    unsigned resource, role;
    bool list;
    unsigned done;
    struct letter next_turn;
    bool proceeding, answered;
    int error;
};

static void warm_end(struct warm *w, int error)
{
    data_warm_done_fn *done_fn = w->done_fn;
    unsigned done = w->done;
    void *arg = w->arg;

    store_statement_unref(&w->statement);
    arena_fini(&w->arena);
    mem_free(w);
    done_fn(done, error, arg);
}

/* The next resource and role that read something: item, then list. */
static bool warm_next(struct warm *w)
{
    const struct data *d = w->worker->data;

    if (!w->list && w->done > 0) {
        w->list = true;
        return true;
    }
    w->list = false;
    for (; w->resource < d->resource_count; w->resource++, w->role = 0) {
        for (; w->role < ROLES_MAX; w->role++) {
            if (data_may_read(&d->resources[w->resource], 1u << w->role)) {
                w->role++;
                return true;
            }
        }
    }
    return false;
}

static void warm_write(struct warm *w)
{
    struct sql *sql = &w->worker->sql;
    struct query *q = &w->query;

    arena_clear(&w->arena);
    if (!w->list) {
        memset(q, 0, sizeof(*q));
        q->resource = &w->worker->data->resources[w->resource];
        q->arena = &w->arena;
        q->columns = resource_readable(q->resource, 1u << (w->role - 1));
        q->orders[q->order_count++].column = q->resource->table->key;
        sql_item(sql, q, value_null());
    } else {
        sql_list(sql, q);
        sql->params[sql->count - 1] = value_int(0); /* its limit */
    }
}

static store_read_done_fn on_warm_done;

static int warm_start(struct warm *w)
{
    struct data_worker *worker = w->worker;
    int error;

    warm_write(w);
    store_statement_unref(&w->statement);
    error = data_worker_statement(worker, STORE_CLASS_READ, &w->statement,
                                  &w->detail);
    if (!error)
        error = data_worker_params(worker, &w->arena, &w->params);
    if (error)
        return error;
    w->read = (struct store_read){
        .statement = w->statement,
        .params = w->params,
        .param_count = worker->sql.count,
        .done_fn = on_warm_done,
        .arg = w,
        .detail = &w->detail,
    };
    w->done++;
    store_read(worker->session, &w->read);
    return 0;
}

/* On SQLite an answer may come before the call that asked returns: then the
 * loop that asked goes on. */
static void warm_proceed(struct warm *w)
{
    uint64_t until_ns = clock_mono_ns() + WARM_TURN_NS;

    if (w->proceeding)
        return;
    w->proceeding = true;
    while (w->answered && !w->error && clock_mono_ns() < until_ns) {
        if (!warm_next(w)) {
            warm_end(w, 0);
            return;
        }
        w->answered = false;
        w->error = warm_start(w);
    }
    w->proceeding = false;
    if (w->error)
        warm_end(w, w->error);
    else if (w->answered)
        worker_post(worker_current(), &w->next_turn);
}

static void on_next_turn(struct worker *worker, struct letter *letter)
{
    warm_proceed(CONTAINER_OF(letter, struct warm, next_turn));
}

static void on_warm_done(struct store_read *s, int error)
{
    struct warm *w = s->arg;

    w->answered = true;
    w->error = error;
    warm_proceed(w);
}

void data_worker_warm(struct data_worker *worker, data_warm_done_fn *done_fn,
                      void *arg)
{
    struct warm *w = mem_zalloc(1, sizeof(*w));

    if (!w) {
        done_fn(0, ERR_NOMEM, arg);
        return;
    }
    w->worker = worker;
    w->done_fn = done_fn;
    w->arg = arg;
    w->answered = true;
    w->next_turn.fn = on_next_turn;
    arena_init(&w->arena, WARM_BYTES_MAX);
    warm_proceed(w);
}
