/* SPDX-License-Identifier: MIT */
/*
 * fault_alloc - each allocation of a scenario fails in turn.
 *
 * A scenario runs once to count its allocations, then once for each of them
 * with that one failing. It must end with an error or do without, leave its
 * outputs alone, and leak nothing (run it under AddressSanitizer).
 * Threads: loop.
 */
#include "../insist.h"
#include "base/arena.h"
#include "base/blob.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/mem.h"
#include "base/table.h"
#include "cache/tagclock.h"
#include "metrics/metrics.h"

#include <inttypes.h>

static bool is_clean(int error)
{
    return error == 0 || error == ERR_NOMEM;
}

static void scenario_table(void)
{
    static char keys[100][8];
    struct table *t = NULL;

    CHECK(is_clean(table_new(&t, 100)));
    for (int i = 0; t && i < 100; i++) {
        (void)snprintf(keys[i], sizeof(keys[i]), "%d", i);

        size_t before = table_count(t);
        int error = table_put(t, bytes_of(keys[i]), keys[i]);

        CHECK(is_clean(error));
        CHECK(table_count(t) == before + (error == 0));
        CHECK(table_get(t, bytes_of(keys[i])) == (error ? NULL : keys[i]));
    }
    table_free(&t);
    CHECK(t == NULL);
}

static void scenario_buf(void)
{
    struct buf b;
    struct blob *blob = NULL;

    buf_init(&b, 1 << 20);
    for (int i = 0; i < 300; i++)
        buf_printf(&b, "%0*d", i, i);
    CHECK(is_clean(buf_error(&b)));
    CHECK(is_clean(buf_take(&b, &blob)));
    blob_unref(&blob);
    buf_fini(&b);
}

static void scenario_arena(void)
{
    struct arena a;

    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < 100; i++) {
        char *at = arena_zalloc(&a, i * 10);

        if (at && i)
            at[i * 10 - 1] = 'x';
        (void)arena_printf(&a, "%zu", i);
    }
    arena_fini(&a);
}

static void scenario_tagclock(void)
{
    struct tagclock *c = NULL;

    CHECK(is_clean(tagclock_new(&c, 4096)));
    tagclock_free(&c);
}

static void scenario_metrics(void)
{
    struct metrics *m = NULL;
    struct metrics_shard *shard = NULL;
    struct metrics_window *w = NULL;
    struct bytes route = BYTES("/r");
    struct buf out;

    buf_init(&out, 1 << 20);
    CHECK(is_clean(metrics_new(&m)));
    if (m && metrics_shard_new(m, &shard) == 0) {
        CHECK(is_clean(metrics_window_new(m, METRIC_HTTP_DURATION, &w)));
        metrics_record_ns(
            shard, metrics_series_of(m, METRIC_HTTP_DURATION, &route), 5000);
        metrics_add(shard, metrics_series_of(m, METRIC_BYTES_SENT, NULL), 1);
        metrics_write(m, &out);
        CHECK(is_clean(buf_error(&out)));
    }
    metrics_window_free(&w);
    metrics_free(&m);
    buf_fini(&out);
}

static const struct {
    const char *name;
    void (*run)(void);
} scenarios[] = {
    {"table", scenario_table},     {"buf", scenario_buf},
    {"arena", scenario_arena},     {"tagclock", scenario_tagclock},
    {"metrics", scenario_metrics},
};

int main(void)
{
    for (size_t i = 0; i < ARRAY_LEN(scenarios); i++) {
        fault_arm(FAULT_ALLOC, 0);
        scenarios[i].run();

        uint64_t passes = fault_passes(FAULT_ALLOC);

        CHECK(passes > 0);
        for (uint64_t pass = 1; pass <= passes; pass++) {
            fault_arm(FAULT_ALLOC, pass);
            scenarios[i].run();
        }
        printf("%s: %" PRIu64 " allocations\n", scenarios[i].name, passes);
    }
    return 0;
}
