/* SPDX-License-Identifier: MIT */
/*
 * feed - the tail's thread, and what the other threads ask of it.
 * Threads: any.
 */
#include "feed/feed.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "cache/tagclock.h"
#include "feed/tail.h"

#define POLL_MS    100
#define STALE_MS   5000
#define KEEP_MS    ((uint64_t)7 * 24 * 3600 * 1000)
#define KEEP_BYTES ((uint64_t)1 << 30)
#define TRIM_MS    60000
#define REPLAY     10000
#define NS_PER_MS  ((uint64_t)1000000)

static uint64_t or_default(uint64_t value, uint64_t otherwise)
{
    return value ? value : otherwise;
}

static double gauge_age(void *arg)
{
    return (double)feed_horizon_age_ms(arg) / 1000;
}

static double gauge_stale(void *arg)
{
    return feed_is_stale(arg);
}

static void gauges_set(struct feed *f, void *arg)
{
    if (!f->metrics)
        return;
    metrics_gauge_call(
        f->metrics,
        metrics_series_of(f->metrics, METRIC_FEED_HORIZON_AGE, NULL),
        arg ? gauge_age : NULL, arg);
    metrics_gauge_call(f->metrics,
                       metrics_series_of(f->metrics, METRIC_FEED_STALE, NULL),
                       arg ? gauge_stale : NULL, arg);
}

int feed_new(struct feed **ret, struct store *store, struct tagclock *clock,
             struct metrics *metrics, const struct feed_options *options)
{
    struct feed *f = mem_zalloc(1, sizeof(*f));

    if (!f)
        return ERR_NOMEM;
    f->store = store;
    f->clock = clock;
    f->metrics = metrics;
    f->options = (struct feed_options){
        .poll_ms = or_default(options->poll_ms, POLL_MS),
        .stale_after_ms = or_default(options->stale_after_ms, STALE_MS),
        .keep_ms = or_default(options->keep_ms, KEEP_MS),
        .keep_bytes = or_default(options->keep_bytes, KEEP_BYTES),
        .trim_ms = or_default(options->trim_ms, TRIM_MS),
        .replay = or_default(options->replay, REPLAY)};
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->begun, NULL);
    gauges_set(f, f);
    *ret = f;
    return 0;
}

void feed_free(struct feed **feed)
{
    struct feed *f = *feed;

    *feed = NULL;
    if (!f)
        return;
    feed_stop(f);
    gauges_set(f, NULL);
    pthread_cond_destroy(&f->begun);
    pthread_mutex_destroy(&f->lock);
    mem_free(f);
}

int feed_add_reader(struct feed *f, const struct feed_reader *reader)
{
    if (f->running)
        return ERR_INVALID;
    if (f->reader_count == FEED_READERS_MAX)
        return ERR_LIMIT;
    f->readers[f->reader_count++] = *reader;
    return 0;
}

/* --- the thread -------------------------------------------------------- */

static int on_start(struct worker *w, void *arg)
{
    struct feed *f = arg;
    int error = tail_open(f, w);

    if (error)
        feed_began(f, error);
    return error;
}

static void on_stop(struct worker *w, void *arg)
{
    tail_close(arg);
}

void feed_began(struct feed *f, int error)
{
    pthread_mutex_lock(&f->lock);
    f->first_done = true;
    f->first_error = error;
    pthread_cond_broadcast(&f->begun);
    pthread_mutex_unlock(&f->lock);
}

int feed_wait(struct feed *f)
{
    int error;

    pthread_mutex_lock(&f->lock);
    while (!f->first_done)
        pthread_cond_wait(&f->begun, &f->lock);
    error = f->first_error;
    pthread_mutex_unlock(&f->lock);
    return error;
}

static void running_set(struct feed *f, bool running)
{
    pthread_mutex_lock(&f->lock);
    f->running = running;
    pthread_mutex_unlock(&f->lock);
}

int feed_begin(struct feed *f)
{
    static const struct worker_events events = {on_start, on_stop};
    int error;

    f->first_done = false;
    atomic_store(&f->epoch, NULL);
    atomic_store(&f->wake_posted, false);
    /* A slow first round is no silence of the database. */
    atomic_store(&f->read_at_ns, clock_mono_ns());
    /* Not one of the workers that serve: the last number there is. */
    error = worker_new(&f->worker, "feed", WORKERS_MAX - 1, &events, f);
    if (error)
        return error;
    error = worker_launch(f->worker);
    if (error)
        worker_free(&f->worker);
    else
        running_set(f, true);
    return error;
}

int feed_start(struct feed *f)
{
    int error = feed_begin(f);

    if (error)
        return error;
    error = feed_wait(f);
    if (error)
        feed_stop(f);
    return error;
}

void feed_stop(struct feed *f)
{
    bool running;

    pthread_mutex_lock(&f->lock);
    running = f->running;
    f->running = false;
    pthread_mutex_unlock(&f->lock);
    if (!running)
        return;
    if (worker_up(f->worker) == 0) {
        worker_stop(f->worker);
        worker_join(f->worker);
    }
    worker_free(&f->worker);
}

static void on_wake(struct worker *w, struct letter *letter)
{
    struct feed *f = CONTAINER_OF(letter, struct feed, wake);

    atomic_store(&f->wake_posted, false);
    tail_wake(f);
}

void feed_wake(struct feed *f)
{
    pthread_mutex_lock(&f->lock);
    if (f->running && !atomic_exchange(&f->wake_posted, true)) {
        f->wake.fn = on_wake;
        worker_post(f->worker, &f->wake);
    }
    pthread_mutex_unlock(&f->lock);
}

/* --- questions --------------------------------------------------------- */

struct bytes feed_epoch(const struct feed *f)
{
    return bytes_of(atomic_load(&f->epoch));
}

uint64_t feed_horizon(const struct feed *f)
{
    return atomic_load(&f->horizon);
}

uint64_t feed_low_water(const struct feed *f)
{
    return atomic_load(&f->low_water);
}

static uint64_t ms_since(uint64_t at_ns)
{
    uint64_t now_ns = clock_mono_ns();

    return now_ns > at_ns ? (now_ns - at_ns) / NS_PER_MS : 0;
}

uint64_t feed_horizon_age_ms(const struct feed *f)
{
    uint64_t since_ns = atomic_load(&f->waits_at_ns);

    return since_ns ? ms_since(since_ns) : 0;
}

bool feed_is_stale(const struct feed *f)
{
    return ms_since(atomic_load(&f->read_at_ns)) > f->options.stale_after_ms;
}

/* Who just wrote may ask before the tail has seen his change: what the store
 * has committed counts as seen. */
int feed_check(const struct feed *f, const struct position *p)
{
    uint64_t head = atomic_load(&f->head), newest = store_newest(f->store);

    if (!bytes_equal(bytes_of(p->epoch), feed_epoch(f)))
        return ERR_STALE;
    if (p->offset > (head > newest ? head : newest))
        return ERR_STALE;
    return p->offset < atomic_load(&f->low_water) ? ERR_STALE : 0;
}
