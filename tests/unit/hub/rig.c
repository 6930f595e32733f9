/* SPDX-License-Identifier: MIT */
/*
 * rig - a small courier portal and its server; the client is rig_client.c.
 * Threads: see rig.h.
 */
#include "rig.h"

#include "base/buf.h"
#include "base/clock.h"
#include "cache/tagclock.h"
#include "data/data.h"
#include "edge/edge.h"
#include "feed/feed.h"
#include "metrics/metrics.h"
#include "store/admin.h"

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET "a secret of thirty-two bytes or more!"

/* ---- the application -------------------------------------------------- */

static const char schema[] =
    "CREATE TABLE stops (id INTEGER PRIMARY KEY, lab_id INTEGER, status TEXT"
    " NOT NULL DEFAULT 'pending', notes TEXT, secret TEXT);"
    "CREATE TABLE tasks (id INTEGER PRIMARY KEY, lab_id INTEGER,"
    " driver_id INTEGER, title TEXT);"
    "CREATE TABLE drivers (id INTEGER PRIMARY KEY, lab_id INTEGER NOT NULL);"
    "CREATE TABLE countries (id TEXT PRIMARY KEY, name TEXT);"
    "CREATE TABLE errands (id INTEGER PRIMARY KEY, lab_id INTEGER,"
    " title TEXT);"
    "CREATE TABLE places (id TEXT COLLATE NOCASE PRIMARY KEY, name TEXT);"
    "INSERT INTO places VALUES ('Bonn', 'Bonn');"
    "INSERT INTO stops VALUES (1, 1, 'pending', NULL, 's'),"
    " (2, 2, 'pending', NULL, 's');";

static const struct bytes driver_reads[] = {BYTES("id"), BYTES("status"),
                                            BYTES("notes")};
#define ALL                                                                    \
    {                                                                          \
        .all = true                                                            \
    }
static const struct bytes task_reads[] = {BYTES("title")};
static const struct allow_spec task_allow[] = {
    {.role = 0, .read = ALL, .write = ALL},
    {.role = 1, .read = ALL},
    {.role = 2, .read = {.count = 1, .names = task_reads}},
};
static const struct publish_rule task_named[] = {
    {.type = BYTES("TASK_NAMED"),
     .when_column = BYTES("title"),
     .when_value = BYTES("named")}};
static const struct allow_spec stop_allow[] = {
    {.role = 0, .read = ALL, .write = ALL},
    {.role = 1, .read = {.count = 3, .names = driver_reads}},
};
static const struct bytes chore_reads[] = {BYTES("id"), BYTES("driver_id")};
static const struct allow_spec chore_allow[] = {
    {.role = 0, .read = {.count = 2, .names = chore_reads}}};
static const struct allow_spec allow[] = {
    {.role = 0, .read = ALL, .write = ALL},
    {.role = 1, .read = ALL},
};
static const struct publish_rule stop_updates[] = {
    {.type = BYTES("STOP_SECRET"),
     .when_column = BYTES("secret"),
     .when_value = BYTES("told")},
    {.type = BYTES("STOP_STATUS_CHANGED")}};
static const struct publish_rule stop_changed[] = {
    {.type = BYTES("STOP_STATUS_CHANGED")}};
static const struct publish_rule task_changed[] = {
    {.type = BYTES("TASK_CHANGED")}};
static const struct publish_rule country_changed[] = {
    {.type = BYTES("COUNTRY_CHANGED")}};

static const struct resource_spec resources[] = {
    {.name = BYTES("stops"),
     .table = BYTES("stops"),
     .key = BYTES("id"),
     .visible = VISIBLE_TENANT,
     .tenant_column = BYTES("lab_id"),
     .allow_count = 2,
     .allow = stop_allow,
     .on_insert = {1, stop_changed},
     .on_update = {2, stop_updates},
     .on_delete = {1, stop_changed}},
    {.name = BYTES("chores"), /* the same rows, to all of the tenant */
     .table = BYTES("tasks"),
     .key = BYTES("id"),
     .visible = VISIBLE_TENANT,
     .tenant_column = BYTES("lab_id"),
     .allow_count = 1,
     .allow = chore_allow},
    {.name = BYTES("tasks"),
     .table = BYTES("tasks"),
     .key = BYTES("id"),
     .visible = VISIBLE_USER,
     .tenant_column = BYTES("lab_id"),
     .user_column = BYTES("driver_id"),
     .allow_count = 3,
     .allow = task_allow,
     .on_insert = {1, task_changed},
     .on_update = {1, task_changed},
     .on_delete = {1, task_changed}},
    {.name = BYTES("drivers"),
     .table = BYTES("drivers"),
     .key = BYTES("id"),
     .visible = VISIBLE_TENANT,
     .tenant_column = BYTES("lab_id"),
     .allow_count = 2,
     .allow = allow},
    {.name = BYTES("countries"),
     .table = BYTES("countries"),
     .key = BYTES("id"),
     .visible = VISIBLE_EVERYONE,
     .allow_count = 2,
     .allow = allow,
     .on_insert = {1, country_changed},
     .on_update = {1, country_changed}},
    {.name = BYTES("named"),
     .table = BYTES("errands"),
     .key = BYTES("id"),
     .visible = VISIBLE_TENANT,
     .tenant_column = BYTES("lab_id"),
     .allow_count = 2,
     .allow = allow,
     .on_update = {1, task_named}},
    {.name = BYTES("places"),
     .table = BYTES("places"),
     .key = BYTES("id"),
     .visible = VISIBLE_EVERYONE,
     .allow_count = 2,
     .allow = allow},
};
static const struct data_spec data_spec = {ARRAY_LEN(resources), resources};

static const struct bytes roles[] = {BYTES("MANAGE"), BYTES("DRIVE"),
                                     BYTES("CLINIC")};
static const struct message_spec messages[] = {
    {.type = BYTES("LOCATION"),
     .from = MANAGE | DRIVE,
     .to = MESSAGE_TO_ROLE,
     .to_role = 0,
     .moves = BYTES("drivers"),
     .key = BYTES("driverId"),
     .key_any = MANAGE,
     .debounce_ms = 100,
     .latest = true},
    {.type = BYTES("TYPING"),
     .from = MANAGE | DRIVE,
     .to = MESSAGE_TO_TENANT,
     .key = BYTES("who"),
     .key_any = MANAGE,
     .latest = true},
    {.type = BYTES("NOTICE"), .from = MANAGE, .to = MESSAGE_TO_TENANT},
    {.type = BYTES("WHISPER"), .from = MANAGE | DRIVE, .to = MESSAGE_TO_USER},
};

static const struct bytes origins[] = {BYTES("https://portal.example")};
static const struct hub_spec hub_standard = {
    .message_count = ARRAY_LEN(messages),
    .messages = messages,
    .ping_ms = 25000,
    .timeout_ms = 60000,
    .message_bytes_max = 1 << 20,
    .queue_bytes_max = 1 << 20,
    .topics_max = 100,
    .origins = {.count = 1, .names = origins},
    .roles = {.count = 3, .names = roles},
};
static const struct bytes moving[] = {BYTES("drivers")};
static const struct live_spec live_standard = {.count = 1,
                                               .resources = moving,
                                               .objects_max = 1000,
                                               .flush_ms = 3600000,
                                               .expire_ms = 86400000};

const struct hub_spec *rig_hub_spec(void)
{
    return &hub_standard;
}

/* ---- the feed's place ------------------------------------------------- */

struct feed {
    char epoch[POSITION_EPOCH_MAX + 1];
    _Atomic uint64_t horizon, low_water;
};

struct bytes feed_epoch(const struct feed *f)
{
    return bytes_of(f->epoch);
}

uint64_t feed_low_water(const struct feed *f)
{
    return f->low_water;
}

int feed_check(const struct feed *f, const struct position *p)
{
    return strcmp(p->epoch, f->epoch) == 0 && p->offset >= f->low_water &&
                   p->offset <= f->horizon + 10
               ? 0
               : ERR_STALE;
}

/* ---- the server ------------------------------------------------------- */

struct part {
    struct worker *worker;
    struct store_session *session;
    struct data_worker *data;
    struct edge_worker *edge;
    struct hub_worker *hub;
    struct live_worker *live;
    struct metrics_shard *shard;
    unsigned port;
};

struct rig {
    char dir[64];
    struct store *store;
    struct admin *admin;
    struct data *data;
    struct tagclock *clock;
    struct metrics *metrics;
    struct edge_spec edge_spec;
    struct edge *edge;
    struct feed feed;
    struct feed_reader reader;
    struct hub *hub;
    struct live *live;
    struct part parts[RIG_WORKERS];
    bool held;
    sem_t holding, hold;
    struct letter hold_letter;
};

static struct bytes edge_epoch(void *arg)
{
    struct rig *rig = arg;

    return feed_epoch(&rig->feed);
}

static int on_moved(struct worker *w, const struct message_spec *spec,
                    struct bytes tenant, struct bytes key, double lat,
                    double lng, struct bytes payload, void *arg)
{
    struct rig *rig = arg;

    return live_moved(rig->live, w, spec->moves, tenant, key, lat, lng,
                      payload);
}

static int on_start(struct worker *w, void *arg)
{
    struct rig *rig = arg;
    struct part *p = &rig->parts[worker_index(w)];

    assert_int_equal(
        store_session_open(&p->session, rig->store, worker_loop(w), p->shard),
        0);
    assert_int_equal(
        data_worker_new(&p->data, rig->data, p->session, rig->clock), 0);
    assert_int_equal(edge_worker_new(&p->edge, rig->edge, w, p->shard), 0);
    edge_worker_slot_set(p->edge, EDGE_SLOT_DATA, p->data);
    assert_int_equal(
        hub_worker_new(&p->hub, rig->hub, p->edge, p->session, p->shard), 0);
    assert_int_equal(
        live_worker_new(&p->live, rig->live, p->edge, p->session, p->shard), 0);
    return edge_worker_listen(p->edge, "127.0.0.1", 0, &p->port);
}

static void on_stop(struct worker *w, void *arg)
{
    struct rig *rig = arg;
    struct part *p = &rig->parts[worker_index(w)];

    store_session_close(&p->session);
    hub_worker_free(&p->hub);
    live_worker_free(&p->live);
    edge_worker_free(&p->edge);
    data_worker_free(&p->data);
}

static void on_wake(void *arg)
{
}

static void migrate(struct rig *rig)
{
    struct publish_spec publish[8];
    struct store_detail detail;
    size_t count = data_publish_specs(&data_spec, publish, ARRAY_LEN(publish));
    char dir[80], path[128];
    FILE *file;

    (void)snprintf(dir, sizeof(dir), "%s/m", rig->dir);
    assert_int_equal(mkdir(dir, 0700), 0);
    (void)snprintf(path, sizeof(path), "%s/0001_first.sql", dir);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(schema, file) >= 0);
    assert_int_equal(fclose(file), 0);
    if (admin_migrate(rig->admin, dir, publish, count, NULL, NULL, &detail))
        fail_msg("migrate: %s", detail.text);
    (void)unlink(path);
    (void)rmdir(dir);
}

static void store_begin(struct rig *rig)
{
    struct store_detail detail;
    struct store_options o = {.url = BYTES("sqlite:test.db"),
                              .create = true,
                              .metrics = rig->metrics,
                              .on_wake = on_wake,
                              .arg = rig};

    strcpy(rig->dir, "/tmp/fieldline-hub-XXXXXX");
    assert_non_null(mkdtemp(rig->dir));
    o.data_dir = bytes_of(rig->dir);
    if (store_open(&rig->store, &o, &detail) ||
        admin_open(&rig->admin, rig->store, &detail))
        fail_msg("open: %s", detail.text);
    migrate(rig);
    if (data_new(&rig->data, &data_spec, rig->store, rig->admin, &detail))
        fail_msg("data_new: %s", detail.text);
    assert_int_equal(data_cursor_key(rig->data, BYTES(SECRET)), 0);
}

static void edge_begin(struct rig *rig)
{
    struct edge_feed feed = {.epoch_fn = edge_epoch, .arg = rig};

    rig->edge_spec.auth = (struct auth_spec){.alg = AUTH_HS256,
                                             .secret = BYTES(SECRET),
                                             .tenant_claim = BYTES("lab_id"),
                                             .user_claim = BYTES("sub"),
                                             .role_claim = BYTES("role"),
                                             .role_count = ARRAY_LEN(roles),
                                             .roles = roles,
                                             .leeway_s = 30};
    assert_int_equal(tagclock_new(&rig->clock, 1 << 16), 0);
    assert_int_equal(
        edge_new(&rig->edge, &rig->edge_spec, rig->clock, rig->metrics, &feed),
        0);
    assert_int_equal(hub_routes(rig->hub, rig->edge), 0);
    assert_int_equal(live_routes(rig->live, rig->edge), 0);
    assert_int_equal(edge_start(rig->edge), 0);
}

struct rig *rig_new(const struct hub_spec *hub)
{
    static const struct worker_events events = {on_start, on_stop};
    struct rig *rig = calloc(1, sizeof(*rig));

    strcpy(rig->feed.epoch, "e1");
    assert_int_equal(metrics_new(&rig->metrics), 0);
    store_begin(rig);
    assert_int_equal(hub_new(&rig->hub, hub ? hub : &hub_standard, rig->data,
                             &rig->feed, rig->metrics),
                     0);
    assert_int_equal(
        live_new(&rig->live, &live_standard, rig->data, rig->metrics), 0);
    hub_moved_set(rig->hub, on_moved, rig);
    hub_feed_reader(rig->hub, &rig->reader);
    edge_begin(rig);
    for (unsigned i = 0; i < RIG_WORKERS; i++) {
        struct part *p = &rig->parts[i];

        assert_int_equal(metrics_shard_new(rig->metrics, &p->shard), 0);
        assert_int_equal(worker_new(&p->worker, "test", i, &events, rig), 0);
        assert_int_equal(worker_start(p->worker), 0);
    }
    rig_round(rig);
    return rig;
}

void rig_free(struct rig *rig)
{
    static const char *const files[] = {"test.db", "test.db-wal",
                                        "test.db-shm"};
    struct worker *workers[RIG_WORKERS];
    char path[128];

    for (unsigned i = 0; i < RIG_WORKERS; i++)
        workers[i] = rig->parts[i].worker;
    workers_stop(workers, RIG_WORKERS);
    for (unsigned i = 0; i < RIG_WORKERS; i++)
        worker_free(&workers[i]);
    edge_free(&rig->edge);
    hub_free(&rig->hub);
    live_free(&rig->live);
    tagclock_free(&rig->clock);
    data_free(&rig->data);
    admin_close(&rig->admin);
    store_close(&rig->store);
    metrics_free(&rig->metrics);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", rig->dir, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(rig->dir);
    free(rig);
}

struct hub *rig_hub(struct rig *rig)
{
    return rig->hub;
}

unsigned rig_port(struct rig *rig, unsigned worker)
{
    return rig->parts[worker].port;
}

struct metrics *rig_metrics(struct rig *rig)
{
    return rig->metrics;
}

struct live *rig_live(struct rig *rig)
{
    return rig->live;
}

void rig_sql(struct rig *rig, const char *sql)
{
    struct store_detail detail;

    if (admin_script(rig->admin, bytes_of(sql), &detail))
        fail_msg("%s: %s", sql, detail.text);
}

/* ---- errands ---------------------------------------------------------- */

struct errand {
    struct letter letter;
    struct rig *rig;
    struct part *part;
    void (*fn)(struct errand *);
    void (*hub_fn)(struct hub_worker *, void *arg);
    void *arg;
    struct changes_read changes;
    sem_t done;
};

static void on_errand(struct worker *w, struct letter *letter)
{
    struct errand *e = CONTAINER_OF(letter, struct errand, letter);

    e->fn(e);
}

static void errand_run(struct rig *rig, unsigned worker, struct errand *e)
{
    e->rig = rig;
    e->part = &rig->parts[worker];
    e->letter.fn = on_errand;
    sem_init(&e->done, 0, 0);
    worker_post(e->part->worker, &e->letter);
    sem_wait(&e->done);
    sem_destroy(&e->done);
}

static void errand_hub(struct errand *e)
{
    e->hub_fn(e->part->hub, e->arg);
    sem_post(&e->done);
}

void rig_on_worker(struct rig *rig, unsigned worker,
                   void (*fn)(struct hub_worker *, void *arg), void *arg)
{
    struct errand e = {.fn = errand_hub, .hub_fn = fn, .arg = arg};

    errand_run(rig, worker, &e);
}

static void nothing(struct hub_worker *w, void *arg)
{
}

void rig_settle(struct rig *rig)
{
    for (unsigned i = 0; i < RIG_WORKERS; i++)
        if (i == 0 || !rig->held)
            rig_on_worker(rig, i, nothing, NULL);
}

static void on_hold(struct worker *w, struct letter *letter)
{
    struct rig *rig = worker_arg(w);

    sem_post(&rig->holding);
    sem_wait(&rig->hold);
}

void rig_hold(struct rig *rig)
{
    sem_init(&rig->holding, 0, 0);
    sem_init(&rig->hold, 0, 0);
    rig->held = true;
    rig->hold_letter.fn = on_hold;
    worker_post(rig->parts[1].worker, &rig->hold_letter);
    sem_wait(&rig->holding);
}

void rig_release(struct rig *rig)
{
    rig->held = false;
    sem_post(&rig->hold);
    rig_settle(rig);
}

static void on_change(const struct change *c, void *arg)
{
    struct errand *e = arg;

    e->rig->reader.ordered_fn(c, e->rig->reader.arg);
    e->rig->feed.horizon = c->offset;
}

static void on_changes(struct changes_read *read, int error)
{
    struct errand *e = read->arg;

    assert_int_equal(error, 0);
    sem_post(&e->done);
}

static void errand_changes(struct errand *e)
{
    e->changes = (struct changes_read){.after = e->rig->feed.horizon,
                                       .upto = UINT64_MAX,
                                       .limit = CHANGES_LIMIT_MAX,
                                       .change_fn = on_change,
                                       .done_fn = on_changes,
                                       .arg = e};
    store_changes_read(e->part->session, &e->changes);
}

static void round_end(struct rig *rig, bool restarted)
{
    rig->reader.horizon_fn(rig->feed.horizon, restarted, rig->reader.arg);
    rig_settle(rig);
}

void rig_round(struct rig *rig)
{
    struct errand e;

    do {
        e = (struct errand){.fn = errand_changes};
        errand_run(rig, 0, &e);
    } while (e.changes.count == CHANGES_LIMIT_MAX);
    round_end(rig, false);
}

void rig_restart(struct rig *rig, const char *epoch)
{
    strcpy(rig->feed.epoch, epoch);
    round_end(rig, true);
}

void rig_low_water(struct rig *rig, uint64_t offset)
{
    rig->feed.low_water = offset;
}

uint64_t rig_horizon(struct rig *rig)
{
    return rig->feed.horizon;
}

const char *rig_position(struct rig *rig, uint64_t offset)
{
    static char texts[8][POSITION_TEXT_MAX + 1];
    static unsigned next;
    char *text = texts[next++ % 8];

    (void)position_write(bytes_of(rig->feed.epoch), offset, text);
    return text;
}

static void on_live_done(int error, void *arg)
{
    struct errand *e = arg;

    assert_int_equal(error, 0);
    sem_post(&e->done);
}

static void errand_restore(struct errand *e)
{
    live_worker_restore(e->part->live, on_live_done, e);
}

static void errand_flush(struct errand *e)
{
    live_worker_flush(e->part->live, on_live_done, e);
}

void rig_live_restore(struct rig *rig)
{
    struct errand e = {.fn = errand_restore};

    errand_run(rig, 0, &e);
}

void rig_live_flush(struct rig *rig)
{
    struct errand e = {.fn = errand_flush};

    errand_run(rig, 0, &e);
}

const char *rig_token(struct rig *rig, const char *user, const char *tenant,
                      const char *role, unsigned ttl_s)
{
    static char tokens[8][1024];
    static unsigned next;
    char *token = tokens[next++ % 8];
    struct buf b;

    buf_init(&b, 1000);
    assert_int_equal(auth_token_write(&b, &rig->edge_spec.auth, bytes_of(user),
                                      bytes_of(tenant), bytes_of(role),
                                      clock_wall_us(), ttl_s),
                     0);
    (void)snprintf(token, 1024, BYTES_FMT, BYTES_ARG(buf_bytes(&b)));
    buf_fini(&b);
    return token;
}
