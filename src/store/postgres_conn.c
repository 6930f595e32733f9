/* SPDX-License-Identifier: MIT */
/*
 * postgres_conn - one connection: opening, sending, taking answers in order.
 *
 * libpq runs non-blocking and in pipeline mode; its socket is watched by the
 * session's loop. What is sent is noted in a ring, and answers come in the
 * ring's order. Each job's statements end with a sync, which also bounds what
 * an error skips, so a read that fails harms no other.
 *
 * A statement is prepared at its first use under a name that is never used
 * twice; past PG_PREPARED_MAX the one unused for longest is deallocated before
 * the next job. One whose columns changed under it (0A000) or that the server
 * no longer knows (26000) is dropped, and its job is told that it is stale.
 *
 * A watcher (poller) lives until libuv has closed it, its connection may go
 * at any time: it then has none. libpq closes its socket by itself when it
 * fails, so the watcher is stopped in the same turn, and while connecting it
 * is stopped before libpq goes on.
 * Threads: loop.
 */
#include "store/postgres.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/table.h"

#include <assert.h>
#include <stdio.h>
#include <uv.h>

#define SCRATCH_MAX  ((size_t)256 << 20)
#define NAME_MAX_LEN 24
#define RETRY_MS     50 /* after the first failure, then doubled */
#define RETRY_MS_MAX 500
#define VERSION_MIN  130000 /* xid8 */

struct pg_prepared {
    struct list link;
    uint64_t id;
    uint64_t serial; /* of its name */
    bool ready;      /* the server has it */
    char name[NAME_MAX_LEN];
};

struct pg_poller {
    uv_poll_t uv;
    struct pg_conn *conn; /* or NULL: it is gone */
    int fd;
    int events; /* watched now */
};

static void conn_proceed(struct pg_conn *);

/* --- the watcher ------------------------------------------------------- */

static void on_poller_closed(uv_handle_t *h)
{
    mem_free(CONTAINER_OF(h, struct pg_poller, uv));
}

static void poller_drop(struct pg_conn *c)
{
    struct pg_poller *p = c->poller;

    if (!p)
        return;
    c->poller = NULL;
    p->conn = NULL;
    uv_poll_stop(&p->uv);
    uv_close((uv_handle_t *)&p->uv, on_poller_closed);
}

static void on_poll(uv_poll_t *h, int status, int events)
{
    struct pg_poller *p = CONTAINER_OF(h, struct pg_poller, uv);

    if (status < 0)
        p->events = 0; /* libuv has stopped it; libpq finds out why */
    if (p->conn)
        conn_proceed(p->conn);
}

static int poller_make(struct pg_conn *c, int fd)
{
    struct pg_poller *p = mem_zalloc(1, sizeof(*p));

    if (!p)
        return ERR_NOMEM;
    if (uv_poll_init(loop_uv(c->lane->session->base.loop), &p->uv, fd)) {
        mem_free(p);
        return ERR_IO;
    }
    p->conn = c;
    p->fd = fd;
    c->poller = p;
    return 0;
}

static int poller_watch(struct pg_conn *c, int events)
{
    int fd = PQsocket(c->pg), error = 0;

    if (c->poller && c->poller->fd != fd)
        poller_drop(c);
    if (!c->poller)
        error = fd < 0 ? ERR_IO : poller_make(c, fd);
    if (error || c->poller->events == events)
        return error;
    if (uv_poll_start(&c->poller->uv, events, on_poll))
        return ERR_IO;
    c->poller->events = events;
    return 0;
}

static void poller_rest(struct pg_conn *c)
{
    if (!c->poller)
        return;
    uv_poll_stop(&c->poller->uv);
    c->poller->events = 0;
}

/* --- life cycle -------------------------------------------------------- */

void pg_conn_init(struct pg_conn *c, struct pg_lane *lane)
{
    *c = (struct pg_conn){.lane = lane, .state = PG_CLOSED};
    list_init(&c->running);
    list_init(&c->recent);
    list_init(&c->doomed);
    arena_init(&c->scratch, SCRATCH_MAX);
}

static void prepared_free(struct pg_prepared *p)
{
    list_remove(&p->link);
    mem_free(p);
}

static void prepared_fini(struct pg_conn *c)
{
    for (unsigned i = 0; i < c->sent_count; i++) {
        struct pg_sent *s = &c->sent[(c->sent_first + i) % PG_SENT_MAX];

        if (s->kind == PG_SENT_FORGET)
            prepared_free(s->prepared);
    }
    LIST_EACH_SAFE (&c->recent, link, after)
        prepared_free(CONTAINER_OF(link, struct pg_prepared, link));
    LIST_EACH_SAFE (&c->doomed, gone, next)
        prepared_free(CONTAINER_OF(gone, struct pg_prepared, link));
    table_free(&c->prepared);
}

/* The only one that writes the state. */
static void conn_turn(struct pg_conn *c, enum pg_conn_state state)
{
    c->state = state;
    c->since_ns = clock_mono_ns();
    c->progress_ns = c->since_ns;
    if (state != PG_CLOSED)
        return;
    pg_lookup_drop(&c->lookup);
    poller_drop(c);
    PQfinish(c->pg);
    c->pg = NULL;
    prepared_fini(c);
    c->sent_first = c->sent_count = 0;
}

void pg_conn_fini(struct pg_conn *c)
{
    assert(list_empty(&c->running));
    conn_turn(c, PG_CLOSED);
    arena_fini(&c->scratch);
}

/* Jittered, so that a server that comes back is not met by all at once. */
static uint64_t retry_ns(unsigned failures)
{
    uint64_t ms = RETRY_MS, random;

    if (failures == 0)
        return 0;
    for (unsigned i = 1; i < failures && ms < RETRY_MS_MAX; i++)
        ms *= 2;
    if (ms > RETRY_MS_MAX)
        ms = RETRY_MS_MAX;
    random_bytes(&random, sizeof(random));
    return (ms / 2 + random % ms) * PG_NS_PER_MS;
}

void pg_conn_lost(struct pg_conn *c, const struct store_detail *why)
{
    struct pg_lane *lane = c->lane;
    struct list jobs;

    c->reopen_ns = clock_mono_ns() + retry_ns(c->failures);
    c->failures++;
    conn_turn(c, PG_CLOSED);
    pg_lane_failed(lane, why);
    list_init(&jobs);
    list_splice(&jobs, &c->running);
    c->running_count = 0;
    /* The last first, since each goes to the front. */
    while (!list_empty(&jobs)) {
        struct pg_job *job = CONTAINER_OF(jobs.prev, struct pg_job, link);

        list_remove(&job->link);
        job->conn = NULL;
        if (!job->kind->lost_fn(job))
            pg_lane_again(job);
    }
    pg_lane_run(lane);
}

static void lost_by_libpq(struct pg_conn *c)
{
    struct store_detail why;

    pg_detail_of_conn(c->pg, &why);
    pg_conn_lost(c, &why);
}

static void lost_by_error(struct pg_conn *c, int error)
{
    struct store_detail why;

    store_detail_set(&why, "08006", "%s", error_text(error));
    pg_conn_lost(c, &why);
}

/* --- opening ----------------------------------------------------------- */

static void connect_step(struct pg_conn *);

/* With lists from a lookup, or NULL: as the URL has it. */
static void connect_start(struct pg_conn *c, const char *hosts,
                          const char *addresses, const char *ports)
{
    struct pg_lane *lane = c->lane;
    struct pg_keywords k;

    pg_keywords(&k, pg_store_of(lane->session->base.store),
                lane->work == STORE_CLASS_WRITE);
    if (hosts) {
        pg_keyword(&k, "host", hosts);
        pg_keyword(&k, "hostaddr", addresses);
        pg_keyword(&k, "port", ports);
    }
    c->pg = PQconnectStartParams(k.names, k.values, 1);
    if (!c->pg || PQstatus(c->pg) == CONNECTION_BAD ||
        table_new(&c->prepared, (size_t)2 * PG_PREPARED_MAX)) {
        lost_by_libpq(c);
        return;
    }
    pg_silence(c->pg);
    /* libpq: until the first poll, as if it had said WRITING. */
    if (poller_watch(c, UV_WRITABLE))
        lost_by_error(c, ERR_IO);
}

static void on_lookup(const char *hosts, const char *addresses,
                      const char *ports, void *arg)
{
    struct pg_conn *c = arg;
    struct store_detail why;

    c->lookup = NULL;
    if (hosts) {
        connect_start(c, hosts, addresses, ports);
        return;
    }
    store_detail_set(&why, "08001", "the store's host is not found");
    pg_conn_lost(c, &why);
}

void pg_conn_open(struct pg_conn *c)
{
    const struct pg_store *s = pg_store_of(c->lane->session->base.store);
    struct pg_hosts hosts = {bytes_of(s->hosts), bytes_of(s->ports)};
    int error;

    assert(c->state == PG_CLOSED);
    conn_turn(c, PG_CONNECTING);
    if (!s->looks_up) {
        connect_start(c, NULL, NULL, NULL);
        return;
    }
    error = pg_lookup_start(&c->lookup, c->lane->session->base.loop, &hosts,
                            on_lookup, c);
    if (error)
        lost_by_error(c, error);
}

static struct pg_sent *sent_add(struct pg_conn *c, enum pg_sent_kind kind,
                                struct pg_job *job)
{
    struct pg_sent *s =
        &c->sent[(c->sent_first + c->sent_count++) % PG_SENT_MAX];

    assert(c->sent_count <= PG_SENT_MAX);
    *s = (struct pg_sent){.kind = kind, .job = job};
    return s;
}

static int setup_send(struct pg_conn *c)
{
    static const unsigned limits_ms[] = {[STORE_CLASS_READ] = PG_READ_MS_MAX,
                                         [STORE_CLASS_WRITE] = PG_WRITE_MS_MAX,
                                         [STORE_CLASS_ANALYTICS] =
                                             PG_ANALYTICS_MS_MAX};
    const struct pg_lane *lane = c->lane;
    char limit[16], lock[16];
    const char *params[3] = {limit, lock, "on"};

    (void)snprintf(limit, sizeof(limit), "%u", limits_ms[lane->work]);
    (void)snprintf(lock, sizeof(lock), "%u",
                   pg_store_of(lane->session->base.store)->busy_ms);
    if (lane->work == STORE_CLASS_WRITE)
        params[2] = "off";
    if (!PQsendQueryParams(c->pg, pg_setup_sql, ARRAY_LEN(params), NULL, params,
                           NULL, NULL, 0))
        return ERR_CLOSED;
    sent_add(c, PG_SENT_SETUP, NULL);
    if (!PQpipelineSync(c->pg))
        return ERR_CLOSED;
    sent_add(c, PG_SENT_SYNC, NULL);
    return 0;
}

static void connected(struct pg_conn *c)
{
    struct store_detail why;

    if (PQserverVersion(c->pg) < VERSION_MIN) {
        store_detail_set(&why, "0A000", "PostgreSQL 13 or newer is needed");
        pg_conn_lost(c, &why);
        return;
    }
    if (PQsetnonblocking(c->pg, 1) || !PQenterPipelineMode(c->pg) ||
        setup_send(c)) {
        lost_by_libpq(c);
        return;
    }
    conn_turn(c, PG_READY);
    if (poller_watch(c, UV_READABLE)) {
        lost_by_error(c, ERR_IO);
        return;
    }
    pg_lane_run(c->lane);
}

static void connect_step(struct pg_conn *c)
{
    int events = 0;

    poller_rest(c);
    switch (PQconnectPoll(c->pg)) {
    case PGRES_POLLING_READING:
        events = UV_READABLE;
        break;
    case PGRES_POLLING_WRITING:
        events = UV_WRITABLE;
        break;
    case PGRES_POLLING_OK:
        connected(c);
        return;
    default:
        lost_by_libpq(c);
        return;
    }
    if (poller_watch(c, events))
        lost_by_error(c, ERR_IO);
}

/* --- sending ----------------------------------------------------------- */

static struct bytes key_of(const uint64_t *id)
{
    return (struct bytes){(const char *)id, sizeof(*id)};
}

static void prepared_doom(struct pg_conn *c, struct pg_prepared *p)
{
    (void)table_remove(c->prepared, key_of(&p->id));
    list_remove(&p->link);
    list_append(&c->doomed, &p->link);
}

/* One that is still to be answered stays: it was used just now. */
static void prepared_evict(struct pg_conn *c)
{
    struct pg_prepared *oldest =
        CONTAINER_OF(c->recent.prev, struct pg_prepared, link);

    if (table_count(c->prepared) > PG_PREPARED_MAX && oldest->ready)
        prepared_doom(c, oldest);
}

static int prepare(struct pg_job *job, unsigned tag,
                   const struct store_statement *st, struct pg_prepared **ret)
{
    struct pg_conn *c = job->conn;
    struct pg_prepared *p = mem_zalloc(1, sizeof(*p));
    struct pg_sent *sent;

    if (!p)
        return ERR_CLOSED;
    p->id = st->id;
    p->serial = ++c->serial;
    (void)snprintf(p->name, sizeof(p->name), "s%llu",
                   (unsigned long long)p->serial);
    list_init(&p->link);
    if (table_put(c->prepared, key_of(&p->id), p) ||
        !PQsendPrepare(c->pg, p->name, st->sql.at, 0, NULL)) {
        (void)table_remove(c->prepared, key_of(&p->id));
        mem_free(p);
        return ERR_CLOSED;
    }
    list_prepend(&c->recent, &p->link);
    sent = sent_add(c, PG_SENT_PREPARE, job);
    sent->tag = tag;
    sent->prepared = p;
    prepared_evict(c);
    *ret = p;
    return 0;
}

int pg_conn_send(struct pg_job *job, unsigned tag,
                 const struct store_statement *st, const struct value *params,
                 unsigned count)
{
    struct pg_conn *c = job->conn;
    const char *const *texts;
    struct pg_prepared *p;
    struct pg_sent *sent;
    bool reused;
    int error;

    arena_clear(&c->scratch);
    error = pg_params(&c->scratch, params, count, &texts, job->detail);
    if (error)
        return ERR_STORE;
    if (fault_hit(FAULT_STORE))
        return ERR_CLOSED;
    p = table_get(c->prepared, key_of(&st->id));
    reused = p != NULL;
    if (!p)
        error = prepare(job, tag, st, &p);
    if (error)
        return error;
    list_remove(&p->link);
    list_prepend(&c->recent, &p->link);
    if (!PQsendQueryPrepared(c->pg, p->name, (int)count, texts, NULL, NULL, 0))
        return ERR_CLOSED;
    sent = sent_add(c, PG_SENT_QUERY, job);
    sent->tag = tag;
    sent->reused = reused;
    sent->id = p->id;
    sent->serial = p->serial;
    return 0;
}

int pg_conn_sync(struct pg_job *job)
{
    if (!PQpipelineSync(job->conn->pg))
        return ERR_CLOSED;
    sent_add(job->conn, PG_SENT_SYNC, job);
    return 0;
}

/* Between jobs no transaction is open, so deallocating works. */
static int doomed_send(struct pg_conn *c)
{
    if (list_empty(&c->doomed))
        return 0;
    while (!list_empty(&c->doomed)) {
        struct pg_prepared *p =
            LIST_FIRST(&c->doomed, struct pg_prepared, link);
        char sql[NAME_MAX_LEN + 16];

        (void)snprintf(sql, sizeof(sql), "DEALLOCATE %s", p->name);
        if (!PQsendQueryParams(c->pg, sql, 0, NULL, NULL, NULL, NULL, 0))
            return ERR_CLOSED;
        list_remove(&p->link);
        sent_add(c, PG_SENT_FORGET, NULL)->prepared = p;
        if (!PQpipelineSync(c->pg))
            return ERR_CLOSED;
        sent_add(c, PG_SENT_SYNC, NULL);
    }
    return 0;
}

/* Tells libpq to write; what the socket does not take waits for it. */
static void conn_flush(struct pg_conn *c)
{
    int left = PQflush(c->pg);

    if (left < 0)
        lost_by_libpq(c);
    else if (poller_watch(c, left ? UV_READABLE | UV_WRITABLE : UV_READABLE))
        lost_by_error(c, ERR_IO);
}

void pg_conn_start(struct pg_conn *c, struct pg_job *job)
{
    int error;

    if (c->running_count == 0)
        c->progress_ns = clock_mono_ns();
    job->conn = c;
    job->stale = false;
    job->tries++;
    list_append(&c->running, &job->link);
    c->running_count++;
    error = doomed_send(c);
    if (!error)
        error = job->kind->start_fn(job);
    if (c->state != PG_READY)
        return;
    if (error)
        lost_by_libpq(c);
    else
        conn_flush(c);
}

/* --- taking answers ---------------------------------------------------- */

/* The server knows it no longer, or by columns that have changed. */
static bool is_stale(const struct pg_sent *s, const char *state)
{
    return s->reused &&
           (pg_state_is(state, "0A000") || pg_state_is(state, "26000"));
}

/* Another job in the pipeline may have found it out before. */
static void query_failed(struct pg_conn *c, const struct pg_sent *s,
                         const PGresult *r)
{
    struct pg_prepared *p;

    if (!is_stale(s, pg_sqlstate(r)))
        return;
    s->job->stale = true;
    p = table_get(c->prepared, key_of(&s->id));
    if (p && p->serial == s->serial)
        prepared_doom(c, p);
}

static void prepare_answered(struct pg_conn *c, const struct pg_sent *s,
                             PGresult **r)
{
    s->prepared->ready = PQresultStatus(*r) == PGRES_COMMAND_OK;
    if (s->prepared->ready)
        return;
    (void)table_remove(c->prepared, key_of(&s->prepared->id));
    s->job->kind->result_fn(s->job, s->tag, r);
}

/* A copy of what was sent stands on the stack: a callback may send more. */
static void result_take(struct pg_conn *c, struct pg_sent s, PGresult **r)
{
    switch (s.kind) {
    case PG_SENT_SETUP:
        if (pg_error(*r, NULL) == 0) {
            c->failures = 0;
            pg_lane_connected(c->lane);
        } else {
            struct store_detail why;

            (void)pg_error(*r, &why);
            pg_conn_lost(c, &why);
        }
        return;
    case PG_SENT_PREPARE:
        prepare_answered(c, &s, r);
        return;
    case PG_SENT_QUERY:
        if (pg_error(*r, NULL))
            query_failed(c, &s, *r);
        s.job->kind->result_fn(s.job, s.tag, r);
        return;
    case PG_SENT_FORGET:
    case PG_SENT_SYNC:
        return;
    }
}

/* The statement is answered in full. */
static void sent_end(struct pg_conn *c)
{
    struct pg_sent s = c->sent[c->sent_first];

    c->sent_first = (c->sent_first + 1) % PG_SENT_MAX;
    c->sent_count--;
    if (s.kind == PG_SENT_FORGET ||
        (s.kind == PG_SENT_PREPARE && !s.prepared->ready))
        prepared_free(s.prepared);
}

static void sync_take(struct pg_conn *c)
{
    struct pg_job *job = c->sent[c->sent_first].job;

    sent_end(c);
    if (job && job->kind->synced_fn(job) && c->state == PG_READY)
        lost_by_libpq(c);
}

static void answer_take(struct pg_conn *c)
{
    PGresult *r = PQgetResult(c->pg);
    struct pg_sent *s = &c->sent[c->sent_first];
    bool is_sync = PQresultStatus(r) == PGRES_PIPELINE_SYNC;

    if (is_sync != (s->kind == PG_SENT_SYNC)) {
        PQclear(r);
        lost_by_libpq(c); /* libpq and we count differently: it has failed */
        return;
    }
    if (is_sync)
        sync_take(c);
    else if (r)
        result_take(c, *s, &r);
    else
        sent_end(c);
    PQclear(r);
}

static void answers_take(struct pg_conn *c)
{
    if (!PQconsumeInput(c->pg)) {
        lost_by_libpq(c);
        return;
    }
    c->progress_ns = clock_mono_ns();
    while (c->state == PG_READY && c->sent_count && !PQisBusy(c->pg))
        answer_take(c);
    if (c->state != PG_READY)
        return;
    if (PQstatus(c->pg) == CONNECTION_BAD)
        lost_by_libpq(c);
    else
        conn_flush(c);
}

static void conn_proceed(struct pg_conn *c)
{
    if (c->state == PG_CONNECTING)
        connect_step(c);
    else if (c->state == PG_READY)
        answers_take(c);
}
