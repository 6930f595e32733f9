/* SPDX-License-Identifier: MIT */
/*
 * health - is the process alive, and should traffic be sent to it?
 *
 * /livez looks at nothing: a process that answers is alive. /readyz is red
 * while the server drains, while the feed cannot be read, and until each
 * warm-up step has ended; a step that failed is shown but does not keep the
 * server out of service, since it only made the first requests slower.
 * Threads: any.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "edge/edge.h"
#include "feed/feed.h"
#include "ops/ops_private.h"

#define HEALTH_BYTES_MAX 4096

unsigned ops_step_begin(struct ops *ops, const char *name)
{
    unsigned i = atomic_fetch_add(&ops->step_count, 1);

    if (i >= OPS_STEPS_MAX) {
        atomic_fetch_sub(&ops->step_count, 1);
        return OPS_STEPS_MAX;
    }
    ops->steps[i].name = name;
    ops->steps[i].began_ns = clock_mono_ns();
    return i;
}

void ops_step_done(struct ops *ops, unsigned step, int error)
{
    uint64_t took;

    if (step >= OPS_STEPS_MAX)
        return;
    took = clock_mono_ns() - ops->steps[step].began_ns;
    atomic_store(&ops->steps[step].error, error);
    atomic_store(&ops->steps[step].took_ns, took ? took : 1);
}

void ops_draining(struct ops *ops)
{
    atomic_store(&ops->draining, true);
}

static void reply_text(struct exchange *x, unsigned status, struct buf *text)
{
    exchange_reply_buf(x, status, "text/plain; charset=utf-8", text);
    buf_fini(text);
}

void ops_livez(struct exchange *x)
{
    struct buf text;

    buf_init(&text, HEALTH_BYTES_MAX);
    buf_append(&text, BYTES("alive\n"));
    reply_text(x, 200, &text);
}

static bool asks_verbose(struct exchange *x)
{
    struct bytes name, value;
    size_t cursor = 0;
    int error = 0;

    while (exchange_query_next(x, &cursor, &name, &value, &error))
        if (bytes_equal(name, BYTES("verbose")))
            return true;
    return false;
}

static bool check(struct buf *text, bool ok, const char *name,
                  const char *otherwise)
{
    if (ok)
        buf_printf(text, "[+] %s ok\n", name);
    else
        buf_printf(text, "[-] %s %s\n", name, otherwise);
    return ok;
}

static bool check_steps(struct ops *ops, struct buf *text)
{
    unsigned count = atomic_load(&ops->step_count);
    bool done = true;

    for (unsigned i = 0; i < count && i < OPS_STEPS_MAX; i++) {
        const struct step *step = &ops->steps[i];
        uint64_t took = atomic_load(&step->took_ns);
        int error = atomic_load(&step->error);

        if (!took) {
            buf_printf(text, "[-] warm-up: %s is running\n", step->name);
            done = false;
        } else if (error) {
            buf_printf(text, "[!] warm-up: %s failed: %s\n", step->name,
                       error_text(error));
        } else {
            buf_printf(text, "[+] warm-up: %s took %.1f ms\n", step->name,
                       (double)took / 1e6);
        }
    }
    return done;
}

void ops_readyz(struct exchange *x)
{
    struct ops *ops = x->route->arg;
    struct buf text;
    bool ready;

    buf_init(&text, HEALTH_BYTES_MAX);
    ready = check(&text, !atomic_load(&ops->draining), "serving",
                  "is draining: the process is about to end");
    ready &= check(&text, !feed_is_stale(ops->options.feed), "feed",
                   "cannot be read: the database does not answer");
    ready &= check_steps(ops, &text);
    if (!asks_verbose(x))
        buf_clear(&text);
    buf_append(&text, ready ? BYTES("ready\n") : BYTES("not ready\n"));
    reply_text(x, ready ? 200 : 503, &text);
}
