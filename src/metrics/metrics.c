/* SPDX-License-Identifier: MIT */
/*
 * metrics - the registry of series, the shards, and the adds.
 *
 * A label's value is cut at METRICS_VALUE_MAX bytes and made UTF-8. Of the
 * METRICS_SERIES_MAX numbers one for each metric is kept for its "other"
 * series, so there is always a place for what comes too late.
 * Owner: app. Threads: any (each shard is written by its own thread only).
 */
#include "metrics/metrics.h"

#include "base/error.h"
#include "base/mem.h"
#include "metrics/registry.h"

#define METRICS_VALUE_MAX 120
#define SERIES_OPEN_MAX   (METRICS_SERIES_MAX - METRIC_COUNT)
#define KEY_MAX           (2 + METRICS_LABELS_MAX * (METRICS_VALUE_MAX + 1))

const struct metric_row metric_rows[METRIC_COUNT] = {
#define X(id, kind, name, labels, help) {KIND_##kind, name, labels, help},
    METRICS_TABLE(X)
#undef X
};

static unsigned label_count(const struct metric_row *row)
{
    unsigned count = row->labels[0] != '\0';

    for (const char *c = row->labels; *c; c++)
        count += *c == ',';
    return count;
}

static int open_unlabelled(struct metrics *m)
{
    for (int i = 0; i < METRIC_COUNT; i++)
        if (label_count(&metric_rows[i]) == 0 &&
            metrics_series_of(m, (enum metric)i, NULL) == 0)
            return ERR_NOMEM;
    return 0;
}

int metrics_new(struct metrics **ret)
{
    struct metrics *m = mem_zalloc(1, sizeof(*m));

    if (!m)
        return ERR_NOMEM;
    pthread_mutex_init(&m->lock, NULL);
    m->series_count = 1;

    int error = table_new(&m->by_key, METRICS_SERIES_MAX);

    if (error == 0)
        error = open_unlabelled(m);
    if (error < 0) {
        metrics_free(&m);
        return error;
    }
    *ret = m;
    return 0;
}

static void cells_free(struct cells *cells, struct series *const *series)
{
    if (!cells)
        return;
    for (unsigned i = 0; i < CELLS_PER_CHUNK; i++) {
        if (!series[i] || SERIES_KIND(series[i]->number) != KIND_HISTOGRAM)
            continue;

        struct histogram *h = atomic_load(&cells->cells[i].histogram);

        histogram_free(&h);
    }
    mem_free(cells);
}

static void shard_free(struct metrics *m, struct metrics_shard *s)
{
    for (unsigned i = 0; i < ARRAY_LEN(s->chunks); i++)
        cells_free(atomic_load(&s->chunks[i]),
                   m->series + (size_t)i * CELLS_PER_CHUNK);
    mem_free(s);
}

void metrics_free(struct metrics **metrics)
{
    struct metrics *m = *metrics;

    *metrics = NULL;
    if (!m)
        return;
    for (unsigned i = 0; i < m->shard_count; i++)
        shard_free(m, m->shards[i]);
    for (unsigned i = 0; i < m->series_count; i++)
        mem_free(m->series[i]);
    table_free(&m->by_key);
    pthread_mutex_destroy(&m->lock);
    mem_free(m);
}

int metrics_shard_new(struct metrics *m, struct metrics_shard **ret)
{
    struct metrics_shard *s = mem_zalloc(1, sizeof(*s));

    if (!s)
        return ERR_NOMEM;
    pthread_mutex_lock(&m->lock);

    bool full = m->shard_count == METRICS_SHARDS_MAX;

    if (!full)
        m->shards[m->shard_count++] = s;
    pthread_mutex_unlock(&m->lock);
    if (full) {
        mem_free(s);
        return ERR_LIMIT;
    }
    *ret = s;
    return 0;
}

/* Copies a value into the key, its length before it; returns the end. */
static char *key_value(char *to, struct bytes value)
{
    char *text = to + 1;
    size_t len = 0, step;

    for (; value.len; value = bytes_skip(value, step)) {
        size_t n = bytes_utf8_at(value);

        step = n ? n : 1;
        if (len + step > METRICS_VALUE_MAX)
            break;
        if (n)
            memcpy(text + len, value.at, n);
        else
            text[len] = '?';
        len += step;
    }
    *to = (char)len;
    return text + len;
}

static struct bytes key_of(char at[KEY_MAX], enum metric metric,
                           const struct bytes *values)
{
    unsigned count = label_count(&metric_rows[metric]);
    char *end = at;

    *end++ = (char)(metric & 0xff);
    *end++ = (char)(metric >> 8);
    for (unsigned i = 0; i < count; i++)
        end = key_value(end, values ? values[i] : BYTES("other"));
    return (struct bytes){at, (size_t)(end - at)};
}

/* Locked. NULL when there is no memory or no number left. */
static struct series *series_add(struct metrics *m, enum metric metric,
                                 struct bytes key)
{
    struct series *s = m->series_count < METRICS_SERIES_MAX
                           ? mem_zalloc(1, sizeof(*s) + key.len)
                           : NULL;

    if (!s)
        return NULL;

    char *at = memcpy(s + 1, key.at, key.len);

    s->metric = metric;
    s->key = (struct bytes){at, key.len};
    s->count = label_count(&metric_rows[metric]);
    s->number = m->series_count | (unsigned)metric_rows[metric].kind
                                      << SERIES_KIND_SHIFT;
    at += 2;
    for (unsigned i = 0; i < s->count; i++) {
        s->values[i] = (struct bytes){at + 1, (unsigned char)*at};
        at += 1 + s->values[i].len;
    }
    if (table_put(m->by_key, s->key, s) < 0) {
        mem_free(s);
        return NULL;
    }
    m->series[m->series_count++] = s;
    return s;
}

metrics_series metrics_series_of(struct metrics *m, enum metric metric,
                                 const struct bytes *values)
{
    char at[KEY_MAX];
    struct bytes key = key_of(at, metric, values);

    pthread_mutex_lock(&m->lock);

    struct series *s = table_get(m->by_key, key);

    if (!s && m->series_count < SERIES_OPEN_MAX) {
        s = series_add(m, metric, key);
    } else if (!s) {
        key = key_of(at, metric, NULL);
        s = table_get(m->by_key, key);
        if (!s)
            s = series_add(m, metric, key);
    }
    pthread_mutex_unlock(&m->lock);
    return s ? s->number : 0;
}

static union cell *cell_of(struct metrics_shard *shard, metrics_series number)
{
    unsigned index = SERIES_INDEX(number);
    struct cells *_Atomic *chunk = &shard->chunks[index / CELLS_PER_CHUNK];
    struct cells *c = atomic_load_explicit(chunk, memory_order_relaxed);

    if (UNLIKELY(!c)) {
        c = mem_zalloc(1, sizeof(*c));
        if (!c)
            return NULL; /* this add is lost, nothing else */
        atomic_store_explicit(chunk, c, memory_order_release);
    }
    return &c->cells[index % CELLS_PER_CHUNK];
}

static void cell_add(struct metrics_shard *shard, metrics_series number,
                     uint64_t n)
{
    union cell *c = cell_of(shard, number);

    if (LIKELY(c))
        atomic_store_explicit(
            &c->value,
            atomic_load_explicit(&c->value, memory_order_relaxed) + n,
            memory_order_relaxed);
}

void metrics_add(struct metrics_shard *shard, metrics_series number, uint64_t n)
{
    if (SERIES_KIND(number) == KIND_COUNTER)
        cell_add(shard, number, n);
}

void metrics_gauge_add(struct metrics_shard *shard, metrics_series number,
                       int64_t n)
{
    if (SERIES_KIND(number) == KIND_GAUGE)
        cell_add(shard, number, (uint64_t)n);
}

void metrics_record_ns(struct metrics_shard *shard, metrics_series number,
                       uint64_t ns)
{
    union cell *c =
        SERIES_KIND(number) == KIND_HISTOGRAM ? cell_of(shard, number) : NULL;

    if (UNLIKELY(!c))
        return;

    struct histogram *h =
        atomic_load_explicit(&c->histogram, memory_order_relaxed);

    if (UNLIKELY(!h)) {
        h = histogram_new();
        if (!h)
            return;
        atomic_store_explicit(&c->histogram, h, memory_order_release);
    }
    histogram_record(h, ns);
}

void metrics_gauge_call(struct metrics *m, metrics_series number,
                        metrics_gauge_fn *gauge_fn, void *arg)
{
    if (SERIES_KIND(number) != KIND_GAUGE)
        return;
    pthread_mutex_lock(&m->lock);
    m->series[SERIES_INDEX(number)]->gauge_fn = gauge_fn;
    m->series[SERIES_INDEX(number)]->gauge_arg = arg;
    pthread_mutex_unlock(&m->lock);
}
