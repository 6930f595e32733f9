/* SPDX-License-Identifier: MIT */
/*
 * postgres_write - a write: its steps in one transaction.
 *
 *   STEPS --all steps answered, no mistake--> COMMIT --acknowledged--> done
 *     '----------------- a mistake -------------'----> UNDO ---------> done
 *
 * Steps are sent in SEGMENTS that end with a sync: up to and with each step
 * that has a check_fn, since the check must be able to stop the transaction
 * before the next step runs; what a check fills in may be a later step's
 * parameter. Behind the last step what the database had deferred is done (it
 * may refuse, and it may change more rows), then the transaction's own change
 * rows are read.
 * The commit goes out alone, when all of that is answered: were it sent in the
 * same breath, a connection that the server had closed meanwhile would leave
 * open whether the write was done.
 *
 * W1  The change rows of this transaction are those with its xid; they lie
 *     above the sequence's value at its begin (MARK notes it), so the primary
 *     key finds them.
 * W2  They are shown to on_commit after the commit was acknowledged and
 *     before done_fn; if memory does not suffice for that, a reset of
 *     everything is. The write's offset is that of the last one, come what
 *     may.
 * W3  A transaction that was lost before COMMIT was sent may run again, if
 *     nobody was told anything or there is a restart_fn. After COMMIT was
 *     sent only the server knows: ERR_UNSURE.
 * W4  25006 (read-only) means that the server is no longer the primary: the
 *     connection is given up and the write looks for another.
 * Threads: loop.
 */
#include "store/postgres.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"

enum phase { STEPS, COMMIT, UNDO };

enum own_tag {
    TAG_BEGIN = 1 << 30, /* the tags below are steps */
    TAG_MARK,
    TAG_SETTLE,
    TAG_CHANGES,
    TAG_COMMIT,
    TAG_ROLLBACK,
};

struct write_job {
    struct pg_job job;
    struct store_write *write;
    enum phase phase;
    unsigned next; /* the first step that was not sent */
    bool told;     /* a row_fn or check_fn was called in this run */
    bool again;    /* the server undid it for another's sake */
    bool dead;     /* read-only: not the primary */
    PGresult *changes;
    int error;
};

static struct write_job *write_of(struct pg_job *job)
{
    return CONTAINER_OF(job, struct write_job, job);
}

static const struct store_statement *own_of(const struct pg_job *job,
                                            enum pg_own which)
{
    return &pg_store_of(job->lane->session->base.store)->own[which];
}

/* --- the end ----------------------------------------------------------- */

static void on_change(const struct store_row *row, void *arg)
{
    const struct store_options *o = arg;
    struct change c;

    change_of_row(row, &c);
    o->on_commit(&c, o->arg);
}

/* Of the change rows, 0 when there is none; they are in order. */
static uint64_t last_offset(const PGresult *changes)
{
    int rows = PQntuples(changes);
    uint64_t offset = 0;

    if (rows &&
        bytes_to_u64(bytes_of(PQgetvalue(changes, rows - 1, 0)), &offset))
        offset = 0;
    return offset;
}

static void write_end(struct pg_job *job, int error)
{
    struct write_job *w = write_of(job);
    struct store_write *write = w->write;

    PQclear(w->changes);
    mem_free(w);
    write->error = error;
    store_count(write->session, STORE_CLASS_WRITE, write->started_ns, error);
    write->done_fn(write, error);
}

static void write_leave(struct pg_job *job, int error)
{
    struct pg_lane *lane = job->lane;

    pg_lane_left(job);
    write_end(job, error);
    pg_lane_run(lane);
}

/* Committed: who has to know is told, then the writer. */
static void write_done(struct write_job *w)
{
    struct store_session *s = w->write->session;
    struct store_options *o = &s->store->options;
    uint64_t last = last_offset(w->changes);
    int error = 0;

    if (o->on_commit)
        error = pg_rows_show(w->changes, on_change, o);
    if (error)
        change_unread(s->store, last, error_text(error));
    store_seen(s->store, last);
    w->write->offset = last;
    w->write->failed_step = 0;
    if (s->shard)
        metrics_add(s->shard, s->store->commits, 1);
    if (last && o->on_wake)
        o->on_wake(o->arg);
    write_leave(&w->job, 0);
}

static bool may_restart(const struct write_job *w)
{
    return !w->told || w->write->restart_fn;
}

static void write_restart(struct write_job *w)
{
    if (w->told && w->write->restart_fn)
        w->write->restart_fn(w->write->arg);
    store_detail_set(&w->write->detail, "", "%s", "");
}

/* --- sending ----------------------------------------------------------- */

static int own_send(struct pg_job *job, unsigned tag, enum pg_own which,
                    const struct value *params, unsigned count)
{
    return pg_conn_send(job, tag, own_of(job, which), params, count);
}

/* A mistake of ours (a parameter) ends the segment; the transaction is undone
 * when its sync comes back. */
static int step_send(struct write_job *w)
{
    const struct store_step *step = &w->write->steps[w->next];
    int error = pg_conn_send(&w->job, w->next, step->statement, step->params,
                             step->param_count);

    if (error == ERR_STORE) {
        w->error = error;
        w->write->failed_step = w->next;
        return 0;
    }
    w->next++;
    return error;
}

static int segment_send(struct write_job *w)
{
    const struct store_write *write = w->write;
    bool check = false;
    int error = 0;

    for (unsigned n = 0; n < PG_SEGMENT_MAX && w->next < write->step_count &&
                         !check && !error && !w->error;
         n++) {
        check = write->steps[w->next].check_fn != NULL;
        error = step_send(w);
    }
    if (!error && !w->error && w->next == write->step_count) {
        error = own_send(&w->job, TAG_SETTLE, PG_SETTLE, NULL, 0);
        if (!error)
            error = own_send(&w->job, TAG_CHANGES, PG_CHANGES, NULL, 0);
    }
    return error ? error : pg_conn_sync(&w->job);
}

static int commit_send(struct write_job *w)
{
    int error = own_send(&w->job, TAG_COMMIT, PG_COMMIT, NULL, 0);

    if (error)
        return error; /* certainly not sent */
    w->phase = COMMIT;
    return pg_conn_sync(&w->job);
}

static int undo_send(struct write_job *w)
{
    int error = own_send(&w->job, TAG_ROLLBACK, PG_ROLLBACK, NULL, 0);

    w->phase = UNDO;
    return error ? error : pg_conn_sync(&w->job);
}

static int write_start(struct pg_job *job)
{
    struct write_job *w = write_of(job);
    struct value writer = value_text(w->write->writer);
    int error;

    PQclear(w->changes);
    w->changes = NULL;
    w->phase = STEPS;
    w->next = 0;
    w->told = w->again = w->dead = false;
    w->error = 0;
    error = own_send(job, TAG_BEGIN, PG_BEGIN, NULL, 0);
    if (!error)
        error = own_send(job, TAG_MARK, PG_MARK, &writer, 1);
    if (error == ERR_STORE) { /* a writer with a NUL in it */
        w->error = error;
        return pg_conn_sync(job);
    }
    return error ? error : segment_send(w);
}

/* --- answers ----------------------------------------------------------- */

/* The server says that it ends the connection: nothing it has not answered was
 * done. In place of the commit's answer that says nothing. */
static bool is_last_word(const char *state)
{
    return pg_state_is(state, "57P");
}

static void failed(struct write_job *w, unsigned tag, const PGresult *r)
{
    const char *state = pg_sqlstate(r);

    if (tag == TAG_COMMIT && is_last_word(state))
        return;
    w->error = pg_error(r, &w->write->detail);
    if (tag < TAG_BEGIN)
        w->write->failed_step = tag;
    w->again = w->job.stale || pg_state_is(state, "40") || is_last_word(state);
    w->dead = pg_state_is(state, "25006");
}

static void step_answered(struct write_job *w, unsigned index, PGresult *r)
{
    const struct store_step *step = &w->write->steps[index];

    if (step->row_fn && PQntuples(r)) {
        w->told = true;
        w->error = pg_rows_show(r, step->row_fn, w->write->arg);
    }
    if (!w->error && step->check_fn) {
        w->told = true;
        w->error = step->check_fn(w->write->arg, pg_rows_count(r));
    }
    if (w->error)
        w->write->failed_step = index;
}

static void write_result(struct pg_job *job, unsigned tag, PGresult **result)
{
    struct write_job *w = write_of(job);

    if (w->error || tag == TAG_ROLLBACK)
        return;
    if (pg_error(*result, NULL)) {
        failed(w, tag, *result);
        return;
    }
    if (tag < TAG_BEGIN) {
        step_answered(w, tag, *result);
    } else if (tag == TAG_CHANGES) {
        w->changes = *result;
        *result = NULL;
    } else if (tag == TAG_COMMIT &&
               strcmp(PQcmdStatus(*result), "COMMIT") != 0) {
        store_detail_set(&w->write->detail, "40000",
                         "the transaction was rolled back");
        w->error = ERR_STORE;
    }
}

static int undone(struct write_job *w)
{
    struct pg_lane *lane = w->job.lane;

    if (!w->again || !may_restart(w) || w->job.tries >= PG_TRIES_MAX) {
        write_leave(&w->job, w->error);
        return 0;
    }
    write_restart(w);
    pg_lane_left(&w->job);
    pg_lane_again(&w->job);
    pg_lane_run(lane);
    return 0;
}

/* Not the primary any more: the job comes back through write_lost(). */
static int give_up(struct write_job *w)
{
    struct store_detail why = w->write->detail;

    pg_conn_lost(w->job.conn, &why);
    return 0;
}

static int write_synced(struct pg_job *job)
{
    struct write_job *w = write_of(job);

    if (w->phase == UNDO)
        return undone(w);
    if (w->dead)
        return give_up(w);
    if (w->error)
        return undo_send(w);
    if (w->phase == COMMIT) {
        write_done(w);
        return 0;
    }
    if (w->next < w->write->step_count)
        return segment_send(w);
    return commit_send(w);
}

/* Only the server knows, and the feed, if it is told of changes. */
static void write_unsure(struct write_job *w)
{
    const struct store_options *o = &w->write->session->store->options;

    store_detail_set(&w->write->detail, "08007",
                     "the connection went while committing: whether it did is "
                     "not known");
    if (o->on_wake)
        o->on_wake(o->arg);
    write_end(&w->job, ERR_UNSURE);
}

static bool write_lost(struct pg_job *job)
{
    struct write_job *w = write_of(job);
    struct store_detail *detail = &w->write->detail;

    if (w->error && !w->again && !w->dead) {
        write_end(job, w->error);
        return true;
    }
    if (w->phase == COMMIT) {
        write_unsure(w);
        return true;
    }
    if (!may_restart(w) || job->tries >= PG_TRIES_MAX) {
        if (!w->error)
            store_detail_set(detail, "08006", "the connection went");
        write_end(job, ERR_BUSY);
        return true;
    }
    write_restart(w);
    return false;
}

static const struct pg_job_kind kind = {
    .start_fn = write_start,
    .result_fn = write_result,
    .synced_fn = write_synced,
    .lost_fn = write_lost,
    .end_fn = write_end,
};

void pg_write(struct store_session *base, struct store_write *write)
{
    struct write_job *w = mem_zalloc(1, sizeof(*w));

    if (!w) {
        write->error = ERR_NOMEM;
        write->done_fn(write, ERR_NOMEM);
        return;
    }
    w->job.kind = &kind;
    w->job.detail = &write->detail;
    w->write = write;
    pg_lane_put(&pg_session_of(base)->lanes[STORE_CLASS_WRITE], &w->job);
}
