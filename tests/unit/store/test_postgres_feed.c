/* SPDX-License-Identifier: MIT */
/*
 * postgres_feed - P56: offsets that become visible out of order. At or below
 * the horizon nothing new ever appears, and nothing but an open transaction
 * that may still show something holds it up.
 * Threads: the test's, the rig's worker.
 */
#include "pg.h"
#include "rig.h"

#include "base/log.h"
#include "store/postgres_horizon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char schema[] =
    "CREATE TABLE stops (id int PRIMARY KEY, lab int, n int);"
    "CREATE TABLE beside (id int); CREATE TABLE apart (id int);"
    "INSERT INTO stops SELECT i, i % 2, 0 FROM generate_series(1, 40) i;";

static const struct publish_spec specs[] = {
    {.table = {"stops", 5}, .key = {"id", 2}, .tenant = {"lab", 3}},
};

#define HOSTS 4

static struct pg pg;
static struct rig rig;
static PGconn *hosts[HOSTS];

static void hosts_connect(void)
{
    for (int i = 0; i < HOSTS; i++)
        hosts[i] = pg_connect(&pg, pg.database);
}

static void hosts_leave(void)
{
    for (int i = 0; i < HOSTS; i++)
        PQfinish(hosts[i]);
}

static int setup(void **state)
{
    pg_database(&pg);
    rig_open_url(&rig, pg.url, schema, specs, ARRAY_LEN(specs));
    hosts_connect();
    return 0;
}

static int teardown(void **state)
{
    hosts_leave();
    rig_shut(&rig);
    return 0;
}

static void does(int host, const char *sql)
{
    (void)pg_do(&pg, hosts[host], sql);
}

static struct feed_state now;

static void look(void)
{
    struct feed_state state;
    bool unchanged;
    int error;

    do /* busy: the server was away just now */
        error = rig_feed_state(&rig, &state, &unchanged);
    while (error == ERR_BUSY);
    assert_int_equal(error, 0);
    if (!unchanged)
        now = state;
}

/* A feed that was begun has a horizon: the first answer waits for one. */
static void begin(void)
{
    look();
    assert_int_equal(now.horizon, now.head);
}

static void caught_up(void)
{
    look();
    assert_int_equal(now.horizon, now.head);
}

static void held_at(uint64_t offset)
{
    look();
    assert_int_equal(now.horizon, offset);
    assert_true(now.head > offset);
}

/* --- who holds the horizon --------------------------------------------- */

static void waits_for_the_lower_offset(void **state)
{
    uint64_t start;

    begin();
    start = now.head;
    does(0, "BEGIN");
    does(0, "UPDATE stops SET n = 1 WHERE id = 1");
    does(1, "UPDATE stops SET n = 1 WHERE id = 2");
    held_at(start);
    held_at(start);
    does(0, "COMMIT");
    caught_up();
    assert_int_equal(now.horizon, start + 2);
}

static void passes_what_was_rolled_back(void **state)
{
    uint64_t start;

    begin();
    start = now.head;
    does(0, "BEGIN");
    does(0, "UPDATE stops SET n = 1 WHERE id = 1");
    does(1, "UPDATE stops SET n = 1 WHERE id = 2");
    held_at(start);
    does(0, "ROLLBACK");
    caught_up();
    does(0, "BEGIN");
    does(0, "SAVEPOINT a");
    does(0, "UPDATE stops SET n = 1 WHERE id = 1");
    does(1, "UPDATE stops SET n = 1 WHERE id = 2");
    held_at(start + 2);
    does(0, "ROLLBACK TO a"); /* the transaction stays open */
    caught_up();
    does(0, "COMMIT");
}

static void newer_ones_do_not_hold_it_up(void **state)
{
    uint64_t start;

    begin();
    start = now.head;
    does(0, "BEGIN");
    does(0, "UPDATE stops SET n = 1 WHERE id = 1");
    held_at(start);
    for (int i = 1; i < 20; i++) { /* there is always one open */
        int next = i % 2, last = 1 - next;

        does(next, "BEGIN");
        does(next, next ? "UPDATE stops SET n = 2 WHERE id = 2"
                        : "UPDATE stops SET n = 2 WHERE id = 1");
        does(last, "COMMIT");
        look();
        assert_int_equal(now.horizon, start + (uint64_t)i);
        assert_int_equal(now.head, start + (uint64_t)i + 1);
    }
    does(1, "COMMIT");
    caught_up();
}

static void others_do_not_hold_it_up(void **state)
{
    PGconn *elsewhere = pg_connect(&pg, "postgres");

    begin();
    does(0, "BEGIN");
    does(0, "INSERT INTO beside VALUES (1)");
    does(1, "BEGIN");
    does(1, "LOCK TABLE apart IN ACCESS EXCLUSIVE MODE");
    does(2, "BEGIN ISOLATION LEVEL REPEATABLE READ");
    does(2, "SELECT * FROM fieldline_changes");
    (void)pg_do(&pg, elsewhere, "CREATE TABLE fieldline_changes (x int)");
    (void)pg_do(&pg, elsewhere, "BEGIN");
    (void)pg_do(&pg, elsewhere, "INSERT INTO fieldline_changes VALUES (1)");
    does(3, "UPDATE stops SET n = 1 WHERE id = 2");
    caught_up();
    (void)pg_do(&pg, elsewhere, "ROLLBACK");
    (void)pg_do(&pg, elsewhere, "DROP TABLE fieldline_changes");
    PQfinish(elsewhere);
}

/* Prepared before it was seen, after it was seen, across a crash. */
static void waits_for_prepared_transactions(void **state)
{
    uint64_t start;

    begin();
    start = now.head;
    does(0, "BEGIN");
    does(0, "UPDATE stops SET n = 1 WHERE id = 1");
    does(0, "PREPARE TRANSACTION 'one'");
    does(1, "UPDATE stops SET n = 1 WHERE id = 2");
    held_at(start);
    does(1, "COMMIT PREPARED 'one'");
    caught_up();

    start = now.head;
    does(0, "BEGIN");
    does(0, "UPDATE stops SET n = 1 WHERE id = 1");
    does(1, "UPDATE stops SET n = 1 WHERE id = 2");
    held_at(start); /* by its virtual id */
    does(0, "PREPARE TRANSACTION 'two'");
    held_at(start); /* under its new name */
    held_at(start);
    hosts_leave();
    pg_kill(&pg);
    pg_run(&pg);
    hosts_connect();
    held_at(start);
    does(1, "ROLLBACK PREPARED 'two'");
    caught_up();
}

/* It begins before what the open transaction may have told. */
static void begins_below_an_open_transaction(void **state)
{
    begin();
    does(1, "UPDATE stops SET n = 1 WHERE id = 2");
    does(1, "UPDATE fieldline_changes SET at_us = at_us - 60000000");
    caught_up();
    does(0, "BEGIN");
    does(0, "UPDATE stops SET n = 1 WHERE id = 1");
    does(1, "UPDATE stops SET n = 1 WHERE id = 2");
    rig_reopen(&rig, 0);
    held_at(now.head);
    does(1, "UPDATE stops SET n = 2 WHERE id = 2");
    held_at(now.horizon);
    does(0, "PREPARE TRANSACTION 'p'"); /* began who knows when */
    rig_reopen(&rig, 0);
    held_at(now.low_water);
    does(0, "COMMIT PREPARED 'p'");
    caught_up();
}

/* --- order ------------------------------------------------------------- */

static void one_row_comes_in_commit_order(void **state)
{
    begin();
    does(0, "BEGIN");
    does(1, "BEGIN");
    does(1, "UPDATE stops SET n = 7 WHERE id = 2"); /* an early offset */
    does(0, "UPDATE stops SET n = 1 WHERE id = 1");
    pg_send(hosts[1], "UPDATE stops SET n = 2 WHERE id = 1");
    does(0, "UPDATE stops SET n = 8 WHERE id = 3");
    does(0, "COMMIT");
    pg_wait(hosts[1]);
    does(1, "COMMIT");
    caught_up();
    assert_int_equal(
        rig_query(&rig, "SELECT \"row\"::json ->> 'n' FROM fieldline_changes"
                        " WHERE tbl = 'stops' AND \"key\" = '1'"
                        " ORDER BY \"offset\""),
        0);
    rig_shows(&rig, "1\n2\n");
}

static unsigned seed;

static unsigned below(unsigned n)
{
    return (unsigned)rand_r(&seed) % n;
}

/* What the feed would take as complete, and what it took before. */
struct taken {
    char text[RIG_TEXT_MAX];
    uint64_t horizon;
};

static void take(struct taken *t)
{
    size_t len = strlen(t->text);
    char sql[160];

    look();
    assert_true(now.horizon >= t->horizon);
    (void)snprintf(sql, sizeof(sql),
                   "SELECT \"offset\", \"key\" FROM fieldline_changes WHERE"
                   " \"offset\" <= %llu ORDER BY \"offset\"",
                   (unsigned long long)now.horizon);
    assert_int_equal(rig_query(&rig, sql), 0);
    if (strncmp(rig.text, t->text, len) != 0)
        fail_msg("seed %u: the past changed below %llu", seed,
                 (unsigned long long)t->horizon);
    strcpy(t->text, rig.text);
    t->horizon = now.horizon;
}

static void step(int host, bool *open)
{
    char sql[80];

    if (!*open)
        does(host, "BEGIN");
    *open = true;
    switch (below(6)) {
    case 0:
        does(host, "COMMIT");
        *open = false;
        break;
    case 1:
        does(host, "ROLLBACK");
        *open = false;
        break;
    case 2:
        (void)snprintf(sql, sizeof(sql), "PREPARE TRANSACTION 'h%d'", host);
        does(host, sql);
        break;
    default:
        (void)snprintf(sql, sizeof(sql),
                       "UPDATE stops SET n = n + 1 WHERE id = %u",
                       (unsigned)host * 10 + 1 + below(9));
        does(host, sql);
        break;
    }
}

/* One that is prepared ends before its host goes on. */
static void settle(int host, bool *prepared)
{
    char sql[80];

    if (!*prepared)
        return;
    *prepared = false;
    (void)snprintf(sql, sizeof(sql), "%s PREPARED 'h%d'",
                   below(2) ? "COMMIT" : "ROLLBACK", host);
    does(host, sql);
}

static void the_past_never_changes(void **state)
{
    static struct taken taken;
    bool open[HOSTS] = {false}, prepared[HOSTS] = {false};

    seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    memset(&taken, 0, sizeof(taken));
    begin();
    for (int i = 0; i < 1500; i++) {
        int host = (int)below(HOSTS);

        settle(host, &prepared[host]);
        step(host, &open[host]);
        if (open[host] && PQtransactionStatus(hosts[host]) == PQTRANS_IDLE) {
            prepared[host] = true;
            open[host] = false;
        }
        if (below(3) == 0)
            take(&taken);
    }
    for (int host = 0; host < HOSTS; host++) {
        settle(host, &prepared[host]);
        if (open[host])
            does(host, "COMMIT");
    }
    take(&taken);
    assert_int_equal(now.horizon, now.head);
}

/* --- epoch, trimming, tenants ------------------------------------------ */

static void the_epoch_is_of_one_history(void **state)
{
    char epoch[64];

    begin();
    (void)snprintf(epoch, sizeof(epoch), BYTES_FMT,
                   BYTES_ARG(store_epoch(rig.store)));
    assert_int_equal(strlen(epoch), 16);
    rig_reopen(&rig, 0);
    check_bytes(store_epoch(rig.store), epoch);
    pg_halt(&pg);
    pg_run(&pg);
    look();
    check_bytes(store_epoch(rig.store), epoch);
    (void)pg_sql(&pg, "UPDATE fieldline_meta SET value = 'restored'"
                      " WHERE name = 'epoch'");
    look();
    assert_false(bytes_equal(store_epoch(rig.store), bytes_of(epoch)));
}

struct trim {
    struct trim_bounds bounds;
    int error;
    bool more;
};

static void on_trimmed(void *arg, int error, bool more)
{
    struct trim *t = arg;

    t->error = error;
    t->more = more;
    rig_turn(&rig);
}

static void trim_start(struct rig *r, void *arg)
{
    struct trim *t = arg;

    store_changes_trim(r->session, &t->bounds, on_trimmed, t);
}

static void trims_what_is_old(void **state)
{
    struct trim t = {.bounds = {0, UINT64_MAX / 2, UINT64_MAX}};

    begin();
    does(0, "INSERT INTO fieldline_changes (tbl, op, at_us)"
            " SELECT 'old', 'R', 5 FROM generate_series(1, 2500)");
    does(0, "UPDATE stops SET n = 1 WHERE id = 1");
    rig_on_worker(&rig, trim_start, &t);
    assert_int_equal(t.error, 0);
    t.bounds.older_than_us = 10;
    (void)pg_sql(&pg, "UPDATE fieldline_changes SET at_us = 5"
                      " WHERE tbl = 'stops' AND op = 'R'");
    rig_on_worker(&rig, trim_start, &t);
    assert_int_equal(t.error, 0);
    assert_true(t.more);
    rig_on_worker(&rig, trim_start, &t);
    assert_int_equal(t.error, 0);
    assert_false(t.more);
    assert_int_equal(rig_query(&rig, "SELECT op FROM fieldline_changes"), 0);
    rig_shows(&rig, "U\n");
    look();
    assert_int_equal(now.low_water, now.head - 1);
}

/* The lower offset is still open: what lies above it has to wait for it, and
 * the open one's rows are there when they become visible. */
static void trims_nothing_above_an_open_transaction(void **state)
{
    struct trim t = {.bounds = {INT64_MAX, 1, 0}};
    uint64_t start;

    begin();
    start = now.head;
    does(0, "BEGIN");
    does(0, "UPDATE stops SET n = 1 WHERE id = 1");
    does(1, "UPDATE stops SET n = 1 WHERE id = 2");
    held_at(start);
    t.bounds.upto = now.horizon;
    rig_on_worker(&rig, trim_start, &t);
    assert_int_equal(t.error, 0);
    assert_false(t.more);
    does(0, "COMMIT");
    caught_up();
    assert_int_equal(now.low_water, start);
    rig_changes(&rig, start);
    rig_shows(&rig,
              "U stops 1 t=1 {\"id\":1,\"lab\":1,\"n\":1} {\"lab\": 1} w=\n"
              "U stops 2 t=0 {\"id\":2,\"lab\":0,\"n\":1} {\"lab\": 0} w=\n");
}

struct tenant_read {
    struct changes_read read;
    char keys[64];
    int error;
};

static void on_tenant_change(const struct change *c, void *arg)
{
    struct tenant_read *t = arg;
    size_t len = strlen(t->keys);

    (void)snprintf(t->keys + len, sizeof(t->keys) - len, BYTES_FMT ",",
                   BYTES_ARG(c->key));
}

static void on_tenant_done(struct changes_read *read, int error)
{
    struct tenant_read *t = read->arg;

    t->error = error;
    rig_turn(&rig);
}

static void tenant_start(struct rig *r, void *arg)
{
    store_changes_read(r->session, &((struct tenant_read *)arg)->read);
}

static void reads_one_tenants_changes(void **state)
{
    struct tenant_read t = {.read = {.upto = UINT64_MAX,
                                     .tenant = BYTES("1"),
                                     .limit = 10,
                                     .change_fn = on_tenant_change,
                                     .done_fn = on_tenant_done,
                                     .arg = &t}};

    begin();
    t.read.after = now.head;
    does(0, "UPDATE stops SET n = 1 WHERE id IN (1, 2, 3)");
    does(0, "TRUNCATE stops");
    rig_on_worker(&rig, tenant_start, &t);
    assert_int_equal(t.error, 0);
    assert_string_equal(t.keys, "1,3,,"); /* and the table's reset */
}

/* --- the horizon by itself --------------------------------------------- */

static void see(struct pg_horizon *h, uint64_t last, const char *ids)
{
    struct holders holders = {0};
    struct bytes all = bytes_of(ids), one;

    while (all.len) {
        (void)bytes_cut(all, ' ', &one, &all);
        assert_int_equal(holders_add(&holders, one), 0);
    }
    assert_int_equal(horizon_see(h, last, &holders), 0);
    holders_fini(&holders);
}

static void follows_candidates(void **state)
{
    struct pg_horizon h = {0};

    see(&h, 10, "3/1 4/1");
    assert_false(h.known);
    see(&h, 20, "4/1 3/2");
    assert_false(h.known);
    see(&h, 30, "3/2 5/9"); /* 4/1 has ended */
    assert_int_equal(h.at, 10);
    for (uint64_t i = 31; i < 60; i++) /* more than it keeps */
        see(&h, i, "3/2 5/9");
    assert_int_equal(h.at, 10);
    see(&h, 60, "5/9");
    assert_int_equal(h.at, 20);
    see(&h, 60, "5/9 -1/700");
    see(&h, 61, "-1/700 -1/701"); /* 5/9, prepared as one of these */
    assert_int_equal(h.at, 20);
    see(&h, 62, "-1/701 6/1");
    assert_int_equal(h.at, 20);
    see(&h, 63, "6/1 3/0");     /* 3/0 is letting go */
    assert_int_equal(h.at, 59); /* 60 and 61 gave way to newer ones */
    see(&h, 64, "");
    assert_int_equal(h.at, 64);
    see(&h, 5, "7/7"); /* another history */
    assert_false(h.known);
    horizon_fini(&h);
}

static void refuses_odd_names(void **state)
{
    struct holders h = {0};

    assert_int_equal(holders_add(&h, BYTES("3")), ERR_INVALID);
    assert_int_equal(holders_add(&h, BYTES("a/1")), ERR_INVALID);
    assert_int_equal(holders_add(&h, BYTES("3/-1")), ERR_INVALID);
    assert_int_equal(h.count, 0);
    holders_fini(&h);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest pure[] = {cmocka_unit_test(follows_candidates),
                                      cmocka_unit_test(refuses_odd_names)};
    const struct CMUnitTest tests[] = {
        TEST(waits_for_the_lower_offset),
        TEST(passes_what_was_rolled_back),
        TEST(newer_ones_do_not_hold_it_up),
        TEST(others_do_not_hold_it_up),
        TEST(waits_for_prepared_transactions),
        TEST(begins_below_an_open_transaction),
        TEST(one_row_comes_in_commit_order),
        TEST(the_past_never_changes),
        TEST(the_epoch_is_of_one_history),
        TEST(trims_what_is_old),
        TEST(trims_nothing_above_an_open_transaction),
        TEST(reads_one_tenants_changes),
    };
    int failed = cmocka_run_group_tests(pure, NULL, NULL);

    if (!pg_is_installed())
        return failed ? failed : 77;
    pg_make(&pg);
    failed += cmocka_run_group_tests(tests, NULL, NULL);
    pg_remove(&pg);
    return failed;
}
