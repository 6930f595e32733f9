/* SPDX-License-Identifier: MIT */
/*
 * admin - the blocking calls, passed on to the driver.
 * Threads: one at a time.
 */
#include "store/driver.h"

#include "base/error.h"
#include "base/mem.h"

int admin_open(struct admin **ret, struct store *store,
               struct store_detail *detail)
{
    struct admin *a = mem_zalloc(1, store->driver->admin_size);
    int error;

    if (!a)
        return ERR_NOMEM;
    store_detail_set(detail, "", "%s", "");
    a->store = store;
    error = store->driver->admin_open(a, detail);
    if (error) {
        admin_close(&a);
        return error;
    }
    *ret = a;
    return 0;
}

void admin_close(struct admin **admin)
{
    struct admin *a = *admin;

    *admin = NULL;
    if (!a)
        return;
    a->store->driver->admin_close(a);
    mem_free(a);
}

static void wake(struct admin *a)
{
    const struct store_options *o = &a->store->options;

    if (o->on_wake)
        o->on_wake(o->arg);
}

int admin_script(struct admin *a, struct bytes sql, struct store_detail *detail)
{
    const struct driver *d = a->store->driver;
    int error = d->admin_begin(a, detail);

    if (error)
        return error;
    error = d->admin_script(a, sql, detail);
    if (!error)
        error = d->admin_commit(a, detail);
    if (error)
        d->admin_rollback(a);
    else
        wake(a);
    return error;
}

int admin_run(struct admin *a, struct bytes sql, const struct value *params,
              unsigned param_count, store_row_fn *row_fn, void *arg,
              struct store_detail *detail)
{
    int error = a->store->driver->admin_run(a, sql, params, param_count, row_fn,
                                            arg, detail);

    if (!error)
        wake(a);
    return error;
}

int admin_columns(struct admin *a, struct bytes table, admin_column_fn *fn,
                  void *arg, struct store_detail *detail)
{
    return a->store->driver->admin_columns(a, table, fn, arg, detail);
}
