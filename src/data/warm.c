/* SPDX-License-Identifier: MIT */
/*
 * warm - runs what the first visitors will ask, for nobody.
 *
 * A viewer without a tenant and without a name is NULL to the database, and so
 * is the key: next to nothing matches, and each statement costs little more
 * than its preparation.
 * Threads: loop.
 */
#include "data/read.h"

#include "base/error.h"
#include "base/mem.h"
#include "data/worker.h"

#define WARM_BYTES_MAX (256u << 10)

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

static void warm_proceed(struct warm *w)
{
    int error;

    if (!warm_next(w)) {
        warm_end(w, 0);
        return;
    }
    error = warm_start(w);
    if (error)
        warm_end(w, error);
}

static void on_warm_done(struct store_read *s, int error)
{
    struct warm *w = s->arg;

    if (error)
        warm_end(w, error);
    else
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
    arena_init(&w->arena, WARM_BYTES_MAX);
    warm_proceed(w);
}
