/* SPDX-License-Identifier: MIT */
/*
 * fault_store - each allocation and each statement of a write fails in turn, on
 * both stores.
 *
 * The write fails and nothing of it stands, or it is acknowledged: then all of
 * it stands, its offset is that of its last change row, and on_commit was told
 * of every row, or that anything may have changed. Which it was the table
 * itself is asked.
 * Threads: the test's, the rig's worker, the store's own.
 */
#include "../unit/store/pg.h"
#include "../unit/store/rig.h"

#include "base/error.h"
#include "base/fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 3

static const char schema[] = "CREATE TABLE stops (id int PRIMARY KEY, n int);"
                             "INSERT INTO stops VALUES (1, 0), (2, 0), (3, 0);";

static const struct publish_spec specs[] = {
    {.table = {"stops", 5}, .key = {"id", 2}},
};

static struct pg pg;
static struct rig rig;

/* One write under one fault. */
struct attempt {
    struct store_write write;
    enum fault_kind kind;
    uint64_t pass;
    unsigned commits; /* before it */
    uint64_t passes;
    int error;
};

static void on_done(struct store_write *write, int error)
{
    struct attempt *a = write->arg;

    a->passes = fault_passes(a->kind);
    fault_arm(a->kind, 0);
    a->error = error;
    rig_turn(&rig);
}

static void attempt_start(struct rig *r, void *arg)
{
    struct attempt *a = arg;

    a->commits = r->commits;
    fault_arm(a->kind, a->pass);
    store_write(r->session, &a->write);
}

static uint64_t number_read(const char *sql)
{
    int error;

    do /* a connection that memory was too short for is opened again */
        error = rig_query(&rig, sql);
    while (error == ERR_BUSY);
    assert_int_equal(error, 0);
    return strtoull(rig.text, NULL, 10);
}

/* The newest change row. */
static uint64_t last_now(void)
{
    return number_read("SELECT coalesce(max(\"offset\"), 0)"
                       " FROM fieldline_changes LIMIT 1");
}

static uint64_t changes_after(uint64_t offset)
{
    char sql[80];

    (void)snprintf(sql, sizeof(sql),
                   "SELECT count(*) FROM fieldline_changes WHERE"
                   " \"offset\" > %llu",
                   (unsigned long long)offset);
    return number_read(sql);
}

/* How many rows have been written so often. */
static uint64_t standing(unsigned n)
{
    char sql[80];

    (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM stops WHERE n = %u",
                   n);
    return number_read(sql);
}

static bool was_told(const struct attempt *a, uint64_t last)
{
    bool everything = rig.committed_op == CHANGE_RESET;

    return rig.committed_offset == last && a->write.offset == last &&
           store_newest(rig.store) >= last &&
           (everything || rig.commits == a->commits + ROWS);
}

/* True: the write went through without meeting its fault. */
static bool attempt_ok(struct attempt *a, unsigned *written)
{
    uint64_t before = last_now();

    rig_on_worker(&rig, attempt_start, a);
    if (a->error && (changes_after(before) || standing(*written) != ROWS ||
                     rig.commits != a->commits))
        fail_msg("pass %llu: %s, and it stands", (unsigned long long)a->pass,
                 error_name(a->error));
    if (a->error == ERR_UNSURE) /* of what was never sent one can be sure */
        fail_msg("pass %llu: unsure", (unsigned long long)a->pass);
    if (a->error)
        return false;
    assert_int_equal(changes_after(before), ROWS);
    assert_int_equal(standing(++*written), ROWS);
    if (!was_told(a, last_now()))
        fail_msg("pass %llu: acknowledged, and not told",
                 (unsigned long long)a->pass);
    return a->passes < a->pass;
}

static void each_fails_in_turn(enum fault_kind kind)
{
    struct store_step step = {.statement =
                                  rig_statement(&rig, STORE_CLASS_WRITE,
                                                "UPDATE stops SET n = n + 1")};
    struct attempt a = {.kind = kind,
                        .write = {.steps = &step,
                                  .step_count = 1,
                                  .writer = BYTES("w"),
                                  .done_fn = on_done,
                                  .arg = &a}};
    unsigned written = 0;

    (void)attempt_ok(&a, &written); /* warm, without a fault */
    assert_int_equal(a.error, 0);
    do
        a.pass++;
    while (!attempt_ok(&a, &written));
    print_message("%llu passes\n", (unsigned long long)a.pass - 1);
    store_statement_unref(&step.statement);
}

static void each_allocation_fails_in_turn(void **state)
{
    each_fails_in_turn(FAULT_ALLOC);
}

static void each_statement_fails_in_turn(void **state)
{
    each_fails_in_turn(FAULT_STORE);
}

static int sqlite_setup(void **state)
{
    rig_open(&rig, schema, specs, ARRAY_LEN(specs));
    return 0;
}

static int sqlite_teardown(void **state)
{
    rig_close(&rig);
    return 0;
}

static int postgres_setup(void **state)
{
    pg_database(&pg);
    rig_open_url(&rig, pg.url, schema, specs, ARRAY_LEN(specs));
    return 0;
}

static int postgres_teardown(void **state)
{
    rig_shut(&rig);
    return 0;
}

#define TEST(name, store)                                                      \
    cmocka_unit_test_setup_teardown(name, store##_setup, store##_teardown)

int main(void)
{
    const struct CMUnitTest on_sqlite[] = {
        TEST(each_allocation_fails_in_turn, sqlite),
        TEST(each_statement_fails_in_turn, sqlite)};
    const struct CMUnitTest on_postgres[] = {
        TEST(each_allocation_fails_in_turn, postgres),
        TEST(each_statement_fails_in_turn, postgres)};
    int failed = cmocka_run_group_tests_name("sqlite", on_sqlite, NULL, NULL);

    if (!pg_is_installed())
        return failed;
    pg_make(&pg);
    failed += cmocka_run_group_tests_name("postgres", on_postgres, NULL, NULL);
    pg_remove(&pg);
    return failed;
}
