/* SPDX-License-Identifier: MIT */
/*
 * store - opens the driver that a URL names, and what all drivers share.
 * Threads: as store.h has it.
 */
#include "store/driver.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "net/worker.h"

#include <stdarg.h>
#include <stdio.h>

#define SQL_MAX ((size_t)1 << 20)

static const struct {
    const char *scheme;
    const struct driver *driver;
} drivers[] = {
    {"sqlite:", &sqlite_driver},
    {"postgres:", &postgres_driver},
    {"postgresql:", &postgres_driver},
};

static const struct driver *driver_of(struct bytes url)
{
    for (size_t i = 0; i < ARRAY_LEN(drivers); i++)
        if (bytes_starts(url, bytes_of(drivers[i].scheme)))
            return drivers[i].driver;
    return NULL;
}

static void series_init(struct store *s, struct metrics *m)
{
    static const char *const names[] = {"read", "write", "analytics"};

    if (!m)
        return;
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        struct bytes label = bytes_of(names[i]);

        s->durations[i] = metrics_series_of(m, METRIC_DB_DURATION, &label);
        s->errors[i] = metrics_series_of(m, METRIC_DB_ERRORS, &label);
    }
    s->commits = metrics_series_of(m, METRIC_DB_COMMITS, NULL);
    s->writes = metrics_series_of(m, METRIC_DB_WRITES, NULL);
}

static int options_copy(struct store *s, const struct store_options *o)
{
    s->options = *o;
    s->url = mem_copy(o->url);
    s->data_dir = mem_copy(o->data_dir);
    if (!s->url || !s->data_dir)
        return ERR_NOMEM;
    s->options.url = bytes_of(s->url);
    s->options.data_dir = bytes_of(s->data_dir);
    return 0;
}

int store_open(struct store **ret, const struct store_options *options,
               struct store_detail *detail)
{
    const struct driver *driver = driver_of(options->url);
    struct store *s;
    int error;

    store_detail_set(detail, "", "%s", "");
    if (!driver) {
        store_detail_set(detail, "",
                         "a store's URL begins with sqlite: or postgres:");
        return ERR_UNSUPPORTED;
    }
    s = mem_zalloc(1, driver->store_size);
    if (!s)
        return ERR_NOMEM;
    s->driver = driver;
    pthread_mutex_init(&s->lock, NULL);
    series_init(s, options->metrics);
    error = options_copy(s, options);
    if (!error)
        error = driver->open(s, detail);
    if (error) {
        store_close(&s);
        return error;
    }
    *ret = s;
    return 0;
}

void store_close(struct store **store)
{
    struct store *s = *store;

    if (!s)
        return;
    *store = NULL;
    for (unsigned i = 0; i < OWN_COUNT; i++)
        store_statement_unref(&s->own[i]);
    s->driver->close(s);
    for (struct store_epoch_node *n = atomic_load(&s->epoch); n;) {
        struct store_epoch_node *older = n->older;

        mem_free(n);
        n = older;
    }
    pthread_mutex_destroy(&s->lock);
    mem_free(s->url);
    mem_free(s->data_dir);
    mem_free(s);
}

enum store_dialect store_dialect(const struct store *s)
{
    return s->driver->dialect;
}

struct bytes store_epoch(const struct store *s)
{
    const struct store_epoch_node *n = atomic_load(&s->epoch);

    return bytes_of(n ? n->text : NULL);
}

/* Who holds the old text keeps it: nodes live as long as the store, and
 * epochs are as rare as restored backups. */
void store_epoch_set(struct store *s, struct bytes epoch)
{
    struct store_epoch_node *n;

    if (bytes_equal(epoch, store_epoch(s)) || epoch.len > POSITION_EPOCH_MAX)
        return;
    pthread_mutex_lock(&s->lock);
    n = bytes_equal(epoch, store_epoch(s)) ? NULL : mem_zalloc(1, sizeof(*n));
    if (n) {
        memcpy(n->text, epoch.at, epoch.len);
        n->older = atomic_load(&s->epoch);
        atomic_store(&s->newest, 0); /* that was of another history */
        atomic_store(&s->epoch, n);
    }
    pthread_mutex_unlock(&s->lock);
}

uint64_t store_newest(const struct store *s)
{
    return atomic_load(&s->newest);
}

void store_seen(struct store *s, uint64_t offset)
{
    uint64_t newest = atomic_load(&s->newest);

    while (newest < offset &&
           !atomic_compare_exchange_weak(&s->newest, &newest, offset))
        ;
}

int store_session_open(struct store_session **ret, struct store *store,
                       struct loop *loop, struct metrics_shard *shard)
{
    struct store_session *s = mem_zalloc(1, store->driver->session_size);
    int error;

    if (!s)
        return ERR_NOMEM;
    s->store = store;
    s->loop = loop;
    s->worker = worker_current();
    s->shard = shard;
    error = store->driver->session_open(s);
    if (error) {
        store_session_close(&s);
        return error;
    }
    *ret = s;
    return 0;
}

void store_session_close(struct store_session **session)
{
    struct store_session *s = *session;

    *session = NULL;
    if (s)
        s->store->driver->session_close(s);
}

struct store *store_session_store(const struct store_session *s)
{
    return s->store;
}

int store_statement_new(struct store_statement **ret, struct store *store,
                        enum store_class work, struct bytes sql,
                        struct store_detail *detail)
{
    size_t size = store->driver->statement_size;
    struct store_statement *st;
    char *text;
    int error;

    store_detail_set(detail, "", "%s", "");
    if (sql.len > SQL_MAX || (sql.len && memchr(sql.at, '\0', sql.len)))
        return ERR_LIMIT;
    st = mem_zalloc(1, size + sql.len + 1);
    if (!st)
        return ERR_NOMEM;
    text = (char *)st + size;
    if (sql.len)
        memcpy(text, sql.at, sql.len);
    st->store = store;
    st->id = atomic_fetch_add(&store->statements, 1) + 1;
    st->work = work;
    st->sql = (struct bytes){text, sql.len};
    atomic_init(&st->refs, 1);
    error = store->driver->statement_check(st, detail);
    if (error) {
        mem_free(st);
        return error;
    }
    *ret = st;
    return 0;
}

struct store_statement *store_statement_ref(struct store_statement *st)
{
    atomic_fetch_add_explicit(&st->refs, 1, memory_order_relaxed);
    return st;
}

/* What connections prepared for it goes as newer statements take its place. */
void store_statement_unref(struct store_statement **statement)
{
    struct store_statement *st = *statement;

    *statement = NULL;
    if (st && atomic_fetch_sub(&st->refs, 1) == 1)
        mem_free(st);
}

void store_read(struct store_session *s, struct store_read *read)
{
    s->store->driver->read(s, read);
}

void store_write(struct store_session *s, struct store_write *write)
{
    write->session = s;
    write->started_ns = clock_mono_ns();
    write->error = 0;
    write->offset = 0;
    write->failed_step = 0;
    store_detail_set(&write->detail, "", "%s", "");
    s->store->driver->write(s, write);
}

void store_feed_state(struct store_session *s, struct feed_state_read *r)
{
    s->store->driver->feed_state(s, r);
}

unsigned store_row_count(const struct store_row *row)
{
    return row->count;
}

struct value store_row_get(const struct store_row *row, unsigned column)
{
    return column < row->count ? row->values[column] : value_null();
}

struct bytes store_row_name(const struct store_row *row, unsigned column)
{
    return column < row->count ? row->names[column] : bytes_of(NULL);
}

void store_count(struct store_session *s, enum store_class work,
                 uint64_t started_ns, int error)
{
    if (!s->shard)
        return;
    metrics_record_ns(s->shard, s->store->durations[work],
                      clock_mono_ns() - started_ns);
    if (error)
        metrics_add(s->shard, s->store->errors[work], 1);
    else if (work == STORE_CLASS_WRITE)
        metrics_add(s->shard, s->store->writes, 1);
}

void store_detail_set(struct store_detail *d, const char *sqlstate,
                      const char *fmt, ...)
{
    va_list args;

    if (!d)
        return;
    (void)snprintf(d->sqlstate, sizeof(d->sqlstate), "%s", sqlstate);
    va_start(args, fmt);
    (void)vsnprintf(d->text, sizeof(d->text), fmt, args);
    va_end(args);
}
