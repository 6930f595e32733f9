/* SPDX-License-Identifier: MIT */
/*
 * storm - several workers write and read one store at once: each sees its own
 * write as soon as it is answered, commits are told in order, before the
 * answer, and nothing is lost or doubled.
 * Threads: the test's, three workers, the store's own.
 */
#include "rig.h"

#include "net/loop.h"

#include <stdio.h>

#define WORKERS     3
#define AT_ONCE     8
#define WRITES_EACH 60 /* of each of the AT_ONCE */

static const struct publish_spec spec = {.table = {"stops", 5},
                                         .key = {"id", 2}};

static struct rig rig;
static struct store_statement *insert, *by_key, *count_all;

struct squall; /* one worker's part */

struct gust { /* one chain: write, read by key, every tenth time count all */
    struct squall *squall;
    struct store_write write;
    struct store_step step;
    struct store_read read;
    struct value params[1];
    unsigned done;
    uint64_t rows;
};

struct squall {
    struct worker *worker;
    struct store_session *session;
    struct letter letter;
    unsigned number;
    struct gust gusts[AT_ONCE];
};

static struct squall squalls[WORKERS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;
static unsigned gusts_ended;

static void gust_go(struct gust *g);

static void gust_end(void)
{
    pthread_mutex_lock(&lock);
    gusts_ended++;
    pthread_cond_signal(&ended);
    pthread_mutex_unlock(&lock);
}

static void on_row(const struct store_row *row, void *arg)
{
    ((struct gust *)arg)->rows = (uint64_t)store_row_get(row, 0).integer;
}

static void on_read(struct store_read *read, int error)
{
    struct gust *g = read->arg;

    assert_int_equal(error, 0);
    assert_true(g->rows > 0); /* its own write is there */
    if (++g->done == WRITES_EACH)
        gust_end();
    else
        gust_go(g);
}

static void on_write(struct store_write *write, int error)
{
    struct gust *g = write->arg;

    assert_int_equal(error, 0);
    assert_true(write->offset > 0);
    pthread_mutex_lock(&rig.lock);
    assert_true(rig.committed_offset >= write->offset);
    pthread_mutex_unlock(&rig.lock);
    g->rows = 0;
    g->read =
        (struct store_read){.statement = g->done % 10 == 9 ? count_all : by_key,
                            .params = g->params,
                            .param_count = 1,
                            .row_fn = on_row,
                            .done_fn = on_read,
                            .arg = g};
    store_read(g->squall->session, &g->read);
}

static void gust_go(struct gust *g)
{
    size_t chain = (size_t)(g - g->squall->gusts);

    g->params[0] = value_int(
        (int64_t)(1 + ((g->squall->number * AT_ONCE + chain) * WRITES_EACH) +
                  g->done));
    g->step = (struct store_step){
        .statement = insert, .params = g->params, .param_count = 1};
    g->write = (struct store_write){.steps = &g->step,
                                    .step_count = 1,
                                    .writer = BYTES("storm"),
                                    .done_fn = on_write,
                                    .arg = g};
    store_write(g->squall->session, &g->write);
}

static void on_letter(struct worker *w, struct letter *letter)
{
    struct squall *s = CONTAINER_OF(letter, struct squall, letter);

    for (unsigned i = 0; i < AT_ONCE; i++) {
        s->gusts[i].squall = s;
        gust_go(&s->gusts[i]);
    }
}

static int on_start(struct worker *w, void *arg)
{
    struct squall *s = arg;

    return store_session_open(&s->session, rig.store, worker_loop(w), NULL);
}

static void on_stop(struct worker *w, void *arg)
{
    store_session_close(&((struct squall *)arg)->session);
}

static void everybody_sees_his_own(void **state)
{
    static const struct worker_events events = {on_start, on_stop};
    char want[64];

    rig_open(&rig, "CREATE TABLE stops(id INTEGER PRIMARY KEY)", &spec, 1);
    insert = rig_statement(&rig, STORE_CLASS_WRITE,
                           "INSERT INTO stops(id) VALUES ($1)");
    by_key = rig_statement(&rig, STORE_CLASS_READ,
                           "SELECT id FROM stops WHERE id = $1");
    count_all = rig_statement(&rig, STORE_CLASS_ANALYTICS,
                              "SELECT count(*) FROM stops WHERE id >= $1");
    for (unsigned i = 0; i < WORKERS; i++) {
        struct squall *s = &squalls[i];

        s->number = i;
        s->letter.fn = on_letter;
        assert_int_equal(worker_new(&s->worker, "storm", i + 1, &events, s), 0);
        assert_int_equal(worker_start(s->worker), 0);
        worker_post(s->worker, &s->letter);
    }
    pthread_mutex_lock(&lock);
    while (gusts_ended < WORKERS * AT_ONCE)
        pthread_cond_wait(&ended, &lock);
    pthread_mutex_unlock(&lock);
    for (unsigned i = 0; i < WORKERS; i++) {
        worker_stop(squalls[i].worker);
        worker_join(squalls[i].worker);
        worker_free(&squalls[i].worker);
    }
    assert_int_equal(rig.commits, WORKERS * AT_ONCE * WRITES_EACH);
    (void)snprintf(want, sizeof(want), "%d|%d|1\n",
                   WORKERS * AT_ONCE * WRITES_EACH,
                   WORKERS * AT_ONCE * WRITES_EACH);
    assert_int_equal(rig_query(&rig, "SELECT (SELECT count(*) FROM stops),"
                                     " count(*), min(writer = 'storm')"
                                     " FROM fieldline_changes WHERE op = 'I'"),
                     0);
    rig_shows(&rig, want);
    store_statement_unref(&insert);
    store_statement_unref(&by_key);
    store_statement_unref(&count_all);
    rig_close(&rig);
}

RUN(cmocka_unit_test(everybody_sees_his_own))
