/* SPDX-License-Identifier: MIT */
/*
 * sqlite - reads short and long, writes in groups, P58, locks, closing.
 * Threads: the test's, the rig's worker, the store's own.
 */
#include "rig.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char schema[] =
    "CREATE TABLE stops(id INTEGER PRIMARY KEY, lab INTEGER NOT NULL,"
    " status TEXT NOT NULL CHECK (status <> 'bad'), notes TEXT, done BOOLEAN,"
    " extra JSON, lat REAL, code TEXT UNIQUE);"
    "CREATE INDEX stops_lab ON stops(lab, status);"
    "CREATE TABLE parts(id INTEGER PRIMARY KEY, stop INTEGER REFERENCES"
    " stops(id) DEFERRABLE INITIALLY DEFERRED);"
    "CREATE TABLE labels(id INTEGER PRIMARY KEY, text);"
    "CREATE TABLE guarded(id INTEGER PRIMARY KEY, x INTEGER);"
    "CREATE TRIGGER guarded_rollback BEFORE INSERT ON guarded WHEN NEW.x = 13"
    " BEGIN SELECT RAISE(ROLLBACK, 'unlucky'); END;"
    "CREATE TRIGGER guarded_abort BEFORE INSERT ON guarded WHEN NEW.x = 14"
    " BEGIN SELECT RAISE(ABORT, 'refused'); END;";

static const struct publish_spec specs[] = {
    {.table = {"stops", 5},
     .key = {"id", 2},
     .tenant = {"lab", 3},
     .old_count = 1,
     .old = {{"status", 6}}},
    {.table = {"guarded", 7}, .key = {"id", 2}},
};

#define MANY_ROWS                                                              \
    "INSERT INTO stops(id, lab, status) WITH RECURSIVE n(i) AS (SELECT 1"      \
    " UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"                           \
    " SELECT i, i % 7, 'open' FROM n"

static struct rig rig;

static int setup(void **state)
{
    rig_open(&rig, schema, specs, ARRAY_LEN(specs));
    return 0;
}

static int teardown(void **state)
{
    rig_close(&rig);
    return 0;
}

/* --- reads ------------------------------------------------------------- */

static void reads_what_was_written(void **state)
{
    struct value params[] = {
        value_int(9007199254740993),    value_int(3),
        value_text(BYTES("open")),      value_bool(true),
        value_text(BYTES("{\"a\":1}")), value_double(52.5)};
    uint64_t offset = 0;

    assert_int_equal(
        rig_write(&rig,
                  "INSERT INTO stops(id, lab, status, done, extra, lat)"
                  " VALUES ($1, $2, $3, $4, $5, $6)",
                  params, 6, &offset),
        0);
    assert_true(offset > 0);
    assert_int_equal(rig.committed_offset, offset);
    assert_int_equal(store_newest(rig.store), offset);
    assert_int_equal(rig_query(&rig, "SELECT id, lab, status, done, extra, lat,"
                                     " code FROM stops WHERE id ="
                                     " 9007199254740993"),
                     0);
    rig_shows(&rig, "9007199254740993|3|open|true|{\"a\":1}|52.5|\n");
}

/* Parameters go by their number, not by where they first stand. */
static void binds_by_number(void **state)
{
    struct store_statement *st =
        rig_statement(&rig, STORE_CLASS_READ, "SELECT $2, $1, $2");
    struct value params[] = {value_int(1), value_text(BYTES("two"))};

    assert_int_equal(rig_read(&rig, st, params, 2), 0);
    rig_shows(&rig, "two|1|two\n");
    assert_int_equal(rig_read(&rig, st, params, 1), ERR_STORE);
    store_statement_unref(&st);
}

struct spot {
    struct store_read read;
    unsigned rows;
    bool done, returned, late;
    int error;
};

static void on_spot_row(const struct store_row *row, void *arg)
{
    ((struct spot *)arg)->rows++;
}

static void on_spot_done(struct store_read *read, int error)
{
    struct spot *s = read->arg;

    s->error = error;
    s->done = true;
    s->late = s->returned;
    if (s->late)
        rig_turn(&rig);
}

static void spot_start(struct rig *r, void *arg)
{
    struct spot *s = arg;

    store_read(r->session, &s->read);
    s->returned = true;
    if (s->done)
        rig_turn(r);
}

static int spot_read(struct spot *s, struct store_statement *st)
{
    *s = (struct spot){.read = {.statement = st,
                                .row_fn = on_spot_row,
                                .done_fn = on_spot_done,
                                .arg = s}};
    rig_on_worker(&rig, spot_start, s);
    return s->error;
}

/* Was it answered before the call returned? */
static bool is_on_the_spot(const char *sql, unsigned rows)
{
    struct store_statement *st = rig_statement(&rig, STORE_CLASS_READ, sql);
    struct spot s;

    assert_int_equal(spot_read(&s, st), 0);
    assert_int_equal(s.rows, rows);
    store_statement_unref(&st);
    return !s.late;
}

static void judges_what_is_short(void **state)
{
    assert_int_equal(rig_write(&rig, MANY_ROWS, NULL, 0, NULL), 0);

    assert_true(is_on_the_spot("SELECT * FROM stops WHERE id = 7", 1));
    assert_true(is_on_the_spot("SELECT id FROM stops WHERE code = 'x'", 0));
    assert_true(is_on_the_spot("SELECT * FROM stops WHERE lab = 3"
                               " AND status = 'open' LIMIT 25",
                               25));
    assert_true(is_on_the_spot("SELECT * FROM stops WHERE lat IS NULL"
                               " ORDER BY id LIMIT 9",
                               9));
    assert_true(is_on_the_spot("SELECT count(*) FROM parts", 1)); /* small */
    assert_true(is_on_the_spot("SELECT a.id FROM stops a JOIN stops b"
                               " ON b.id = a.lab WHERE a.id = 8",
                               1));

    assert_false(is_on_the_spot("SELECT id FROM stops WHERE lab = 3", 714));
    assert_false(is_on_the_spot("SELECT count(*) FROM stops", 1));
    assert_false(is_on_the_spot("SELECT id FROM stops WHERE notes = 'x'", 0));
    assert_false(is_on_the_spot("SELECT id FROM stops WHERE lab = 3"
                                " ORDER BY lat LIMIT 5",
                                5));
}

/* The plan promises little and the rows break it: run again by a reader, and
 * there the next time too; no row is seen twice. */
static void moves_an_overrun_to_a_reader(void **state)
{
    struct store_statement *st;
    struct spot s;

    assert_int_equal(rig_write(&rig, MANY_ROWS, NULL, 0, NULL), 0);
    st = rig_statement(&rig, STORE_CLASS_READ,
                       "SELECT s.id FROM stops s CROSS JOIN stops t"
                       " ON t.lab = s.lab WHERE s.id >= 1 LIMIT 9000");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(spot_read(&s, st), 0);
        assert_true(s.late);
        assert_int_equal(s.rows, 9000);
    }
    store_statement_unref(&st);
}

/* A row callback may read again, by the same statement and any other. */
struct nested {
    struct store_read outer, inner;
    unsigned rows, inner_rows;
};

static void on_inner_row(const struct store_row *row, void *arg)
{
    ((struct nested *)arg)->inner_rows++;
}

static void on_inner_done(struct store_read *read, int error)
{
    assert_int_equal(error, 0);
}

static void on_outer_row(const struct store_row *row, void *arg)
{
    struct nested *n = arg;

    n->rows++;
    n->inner = (struct store_read){.statement = n->outer.statement,
                                   .row_fn = on_inner_row,
                                   .done_fn = on_inner_done,
                                   .arg = n};
    store_read(rig.session, &n->inner);
    check_bytes(store_row_name(row, 1), "status");
    check_bytes(store_row_get(row, 1).bytes, "open");
}

static void on_outer_done(struct store_read *read, int error)
{
    assert_int_equal(error, 0);
    rig_turn(&rig);
}

static void nested_start(struct rig *r, void *arg)
{
    struct nested *n = arg;

    n->outer.row_fn = on_outer_row;
    n->outer.done_fn = on_outer_done;
    n->outer.arg = n;
    store_read(r->session, &n->outer);
}

static void reads_inside_a_row(void **state)
{
    struct nested n = {0};

    assert_int_equal(rig_write(&rig, MANY_ROWS, NULL, 0, NULL), 0);
    n.outer.statement =
        rig_statement(&rig, STORE_CLASS_READ,
                      "SELECT id, status FROM stops WHERE id > 0 LIMIT 5");
    rig_on_worker(&rig, nested_start, &n);
    assert_int_equal(n.rows, 5);
    assert_int_equal(n.inner_rows, 25);
    store_statement_unref(&n.outer.statement);
}

/* More statements than a connection keeps. */
static void forgets_old_statements(void **state)
{
    char sql[64];

    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 300; i++) {
            (void)snprintf(sql, sizeof(sql), "SELECT %d", i);
            assert_int_equal(rig_query(&rig, sql), 0);
            (void)snprintf(sql, sizeof(sql), "%d\n", i);
            rig_shows(&rig, sql);
        }
    }
}

static void leaves_no_transaction_open(void **state)
{
    assert_int_equal(rig_write(&rig, MANY_ROWS, NULL, 0, NULL), 0);
    assert_int_equal(rig_query(&rig, "SELECT id FROM stops LIMIT 3"), 0);
    assert_int_equal(rig_query(&rig, "SELECT count(*) FROM stops"), 0);
    /* 0|...: not busy, so nobody of ours still reads the log. */
    assert_int_equal(rig_shell(&rig, "PRAGMA wal_checkpoint(TRUNCATE)"), 0);
    rig_shows(&rig, "0|0|0\n");
}

static void refuses_what_is_not_a_statement(void **state)
{
    static const char *const wrong[] = {
        "SELEC 1",
        "",
        "SELECT 1; SELECT 2",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT x",
        "BEGIN",
        "PRAGMA foreign_keys=OFF",

        "ATTACH '/tmp/x.db' AS x",
        "SELECT * FROM nowhere",
    };
    struct store_statement *st = NULL;

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_int_equal(store_statement_new(&st, rig.store, STORE_CLASS_WRITE,
                                             bytes_of(wrong[i]), &rig.detail),
                         ERR_STORE);
        assert_null(st);
        assert_int_not_equal(rig.detail.text[0], '\0');
    }
    assert_int_equal(store_statement_new(&st, rig.store, STORE_CLASS_READ,
                                         BYTES("DELETE FROM stops"),
                                         &rig.detail),
                     ERR_STORE);
}

/* A column changes under prepared statements: no read fails. */
static void survives_a_changed_schema(void **state)
{
    struct store_statement *st;
    struct value params[] = {value_int(1)};

    assert_int_equal(rig_write(&rig, "INSERT INTO guarded(id, x) VALUES (1, 2)",
                               NULL, 0, NULL),
                     0);
    st = rig_statement(&rig, STORE_CLASS_READ,
                       "SELECT * FROM guarded WHERE id = $1");
    assert_int_equal(rig_read(&rig, st, params, 1), 0);
    rig_shows(&rig, "1|2\n");
    assert_int_equal(rig_shell(&rig, "ALTER TABLE guarded ADD COLUMN y BOOLEAN"
                                     " DEFAULT 1"),
                     0);
    assert_int_equal(rig_read(&rig, st, params, 1), 0);
    rig_shows(&rig, "1|2|true\n");
    store_statement_unref(&st);
}

/* --- writes ------------------------------------------------------------ */

#define GROUP_WRITES 8

/* Writes that are put while another process holds the lock come together. */
struct group {
    struct store_write writes[GROUP_WRITES];
    struct store_step steps[GROUP_WRITES][2];
    struct value params[GROUP_WRITES];
    unsigned count, answered, restarts;
    char writers[GROUP_WRITES][8];
};

static struct store_statement *statements[GROUP_WRITES][2];

static void on_group_done(struct store_write *write, int error)
{
    struct group *g = write->arg;

    assert_int_equal(write->error, error);
    if (++g->answered == g->count)
        rig_turn(&rig);
}

static void on_group_restart(void *arg)
{
    ((struct group *)arg)->restarts++;
}

static void group_start(struct rig *r, void *arg)
{
    struct group *g = arg;

    for (unsigned i = 0; i < g->count; i++)
        store_write(r->session, &g->writes[i]);
}

static void group_add(struct group *g, const char *sql, const char *second)
{
    unsigned i = g->count++;

    statements[i][0] = rig_statement(&rig, STORE_CLASS_WRITE, sql);
    statements[i][1] =
        second ? rig_statement(&rig, STORE_CLASS_WRITE, second) : NULL;
    g->steps[i][0] = (struct store_step){.statement = statements[i][0]};
    g->steps[i][1] = (struct store_step){.statement = statements[i][1]};
    (void)snprintf(g->writers[i], sizeof(g->writers[i]), "w%u", i);
    g->writes[i] = (struct store_write){.steps = g->steps[i],
                                        .step_count = second ? 2 : 1,
                                        .writer = bytes_of(g->writers[i]),
                                        .done_fn = on_group_done,
                                        .restart_fn = on_group_restart,
                                        .arg = g};
}

static sqlite3 *lock_take(void)
{
    char path[100];
    sqlite3 *db;

    (void)snprintf(path, sizeof(path), "%s/t.db", rig.dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL),
                     SQLITE_OK);
    return db;
}

static void lock_drop(sqlite3 *db)
{
    assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void group_start_locked(struct rig *r, void *arg)
{
    sqlite3 *db = lock_take();

    group_start(r, arg);
    lock_drop(db);
}

static void group_run(struct group *g)
{
    rig_on_worker(&rig, group_start_locked, g);
    for (unsigned i = 0; i < g->count; i++) {
        store_statement_unref(&statements[i][0]);
        store_statement_unref(&statements[i][1]);
    }
}

static void errors_are(const struct group *g, const int *want)
{
    for (unsigned i = 0; i < g->count; i++)
        assert_int_equal(g->writes[i].error, want[i]);
}

static void a_failing_write_leaves_its_neighbours(void **state)
{
    struct group g = {0};

    group_add(&g, "INSERT INTO guarded(id, x) VALUES (1, 1)", NULL);
    group_add(&g, "INSERT INTO guarded(id, x) VALUES (2, 1)",
              "INSERT INTO stops(id, lab, status) VALUES (1, 1, 'bad')");
    group_add(&g, "INSERT INTO guarded(id, x) VALUES (3, 14)", NULL);
    group_add(&g, "INSERT INTO guarded(id, x) VALUES (1, 2)", NULL);
    group_add(&g, "INSERT INTO guarded(id, x) VALUES (4, 1)", NULL);
    group_run(&g);
    errors_are(&g,
               (int[]){0, ERR_CONSTRAINT, ERR_CONSTRAINT, ERR_CONSTRAINT, 0});
    assert_int_equal(g.restarts, 0);
    assert_int_equal(g.writes[1].failed_step, 1);
    assert_string_equal(g.writes[1].detail.sqlstate, "23514");
    assert_string_equal(g.writes[3].detail.sqlstate, "23505");
    assert_int_equal(g.writes[1].offset, 0);
    assert_int_equal(rig_query(&rig, "SELECT id FROM guarded ORDER BY id"), 0);
    rig_shows(&rig, "1\n4\n");
    rig_changes(&rig, 2); /* the two resets of the installation */
    rig_shows(&rig, "I guarded 1 t= {\"id\":1,\"x\":1}  w=w0\n"
                    "I guarded 4 t= {\"id\":4,\"x\":1}  w=w4\n");
}

static void a_lost_transaction_fails_only_the_guilty(void **state)
{
    struct group g = {0};

    group_add(&g, "INSERT INTO guarded(id, x) VALUES (1, 1)", NULL);
    group_add(&g, "INSERT INTO guarded(id, x) VALUES (2, 13)", NULL);
    group_add(&g, "INSERT INTO guarded(id, x) VALUES (3, 1)", NULL);
    group_add(&g, "INSERT OR ROLLBACK INTO guarded(id, x) VALUES (1, 2)", NULL);
    group_add(&g, "INSERT INTO guarded(id, x) VALUES (4, 1)", NULL);
    group_run(&g);
    errors_are(&g, (int[]){0, ERR_CONSTRAINT, 0, ERR_CONSTRAINT, 0});
    assert_true(g.restarts > 0);
    assert_int_equal(rig_query(&rig, "SELECT id FROM guarded ORDER BY id"), 0);
    rig_shows(&rig, "1\n3\n4\n");
    assert_true(g.writes[0].offset < g.writes[2].offset);
    assert_int_equal(rig.commits, 3);
}

static void a_deferred_foreign_key_fails_only_the_guilty(void **state)
{
    struct group g = {0};

    group_add(&g, "INSERT INTO guarded(id, x) VALUES (1, 1)", NULL);
    group_add(&g, "INSERT INTO parts(id, stop) VALUES (1, 99)", NULL);
    group_add(&g, "INSERT INTO parts(id, stop) VALUES (2, 50)",
              "INSERT INTO stops(id, lab, status) VALUES (50, 1, 'open')");
    group_run(&g);
    errors_are(&g, (int[]){0, ERR_CONSTRAINT, 0});
    assert_int_equal(g.restarts, 0); /* seen before the commit failed for all */
    assert_string_equal(g.writes[1].detail.sqlstate, "23503");
    assert_int_equal(rig_query(&rig, "SELECT id FROM parts"), 0);
    rig_shows(&rig, "2\n");
}

/* The write is durable and will be answered: who keeps copies must hear of it
 * whatever happens to the rows that tell what it was. */
static void what_cannot_be_told_is_a_reset_of_everything(void **state)
{
    struct group g = {0};

    group_add(&g, "INSERT INTO guarded(id, x) VALUES (1, 1)",
              "ALTER TABLE fieldline_changes RENAME COLUMN at_us TO at");
    group_run(&g);
    errors_are(&g, (int[]){0});
    assert_true(g.writes[0].offset > 0);
    assert_int_equal(rig.commits, 1);
    assert_int_equal(rig.committed_offset, g.writes[0].offset);
    assert_int_equal(rig.committed_op, CHANGE_RESET);
}

static int on_check(void *arg, uint64_t rows)
{
    return rows == 1 ? 0 : ERR_PRECONDITION;
}

static void a_check_undoes_the_whole_write(void **state)
{
    struct group g = {0};

    group_add(&g, "INSERT INTO guarded(id, x) VALUES (1, 1)", NULL);
    group_add(&g, "INSERT INTO guarded(id, x) VALUES (2, 1)",
              "UPDATE guarded SET x = 9 WHERE id = 77");
    g.steps[1][1].check_fn = on_check;
    group_add(&g, "UPDATE guarded SET x = 5 WHERE id = 1 RETURNING x", NULL);
    g.steps[2][0].check_fn = on_check;
    group_run(&g);
    errors_are(&g, (int[]){0, ERR_PRECONDITION, 0});
    assert_int_equal(rig_query(&rig, "SELECT id, x FROM guarded"), 0);
    rig_shows(&rig, "1|5\n");
}

static void waits_for_a_lock_and_gives_up(void **state)
{
    sqlite3 *db;

    rig_reopen(&rig, 30);
    db = lock_take();
    assert_int_equal(
        rig_write(&rig, "INSERT INTO guarded(id) VALUES (1)", NULL, 0, NULL),
        ERR_BUSY);
    assert_int_equal(rig_query(&rig, "SELECT count(*) FROM guarded"), 0);
    lock_drop(db);
    assert_int_equal(
        rig_write(&rig, "INSERT INTO guarded(id) VALUES (1)", NULL, 0, NULL),
        0);
}

/* What is under way when a session closes is answered, once, before the close
 * returns. */
struct closing {
    struct group group;
    struct spot spot;
    sqlite3 *lock;
};

static void on_closing_write(struct store_write *write, int error)
{
    ((struct group *)write->arg)->answered++;
}

static void close_in_flight(struct rig *r, void *arg)
{
    struct closing *c = arg;

    for (unsigned i = 0; i < c->group.count; i++) {
        c->group.writes[i].done_fn = on_closing_write;
        store_write(r->session, &c->group.writes[i]);
    }
    store_read(r->session, &c->spot.read);
    lock_drop(c->lock);
    store_session_close(&r->session);
    rig_turn(r);
}

static void on_closing_read(struct store_read *read, int error)
{
    struct spot *s = read->arg;

    s->done = true;
    s->error = error;
}

static void closing_answers_everything(void **state)
{
    struct closing c = {.lock = lock_take()};

    for (int i = 0; i < 4; i++)
        group_add(&c.group, "INSERT INTO guarded(x) VALUES (1)", NULL);
    c.spot.read = (struct store_read){
        .statement = rig_statement(
            &rig, STORE_CLASS_ANALYTICS,
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
            " SELECT max(i) FROM n"),
        .done_fn = on_closing_read,
        .arg = &c.spot};
    rig_on_worker(&rig, close_in_flight, &c);
    assert_int_equal(c.group.answered, 4);
    assert_true(c.spot.done);
    assert_int_equal(c.spot.error, ERR_CLOSED);
    for (int i = 0; i < 4; i++)
        store_statement_unref(&statements[i][0]);
    store_statement_unref(&c.spot.read.statement);
}

/* --- the write-ahead log ----------------------------------------------- */

#define CHAIN_READS 3
#define WAL_MB_MAX  64

/* Long reads, each begun when another ends, so that the log is always read. */
struct chain {
    struct store_read reads[CHAIN_READS];
    unsigned running;
    bool stop;
};

static void on_chain(struct store_read *read, int error)
{
    struct chain *c = read->arg;

    assert_int_equal(error, 0);
    if (!c->stop)
        store_read(rig.session, read);
    else if (--c->running == 0)
        rig_turn(&rig);
}

static void chain_start(struct rig *r, void *arg)
{
    struct chain *c = arg;

    for (unsigned i = 0; i < CHAIN_READS; i++, c->running++)
        store_read(r->session, &c->reads[i]);
    rig_turn(r);
}

static void chain_stop(struct rig *r, void *arg)
{
    ((struct chain *)arg)->stop = true; /* the last to end turns */
}

static int64_t wal_megabytes(void)
{
    char path[100];
    struct stat st;

    (void)snprintf(path, sizeof(path), "%s/t.db-wal", rig.dir);
    assert_int_equal(stat(path, &st), 0);
    return st.st_size >> 20;
}

/* P35: 96 MB are written while somebody always reads. */
static void readers_do_not_grow_the_log_for_ever(void **state)
{
    struct chain c = {0};
    struct store_statement *st;
    int64_t longest = 0;

    assert_int_equal(rig_write(&rig, MANY_ROWS, NULL, 0, NULL), 0);
    st = rig_statement(&rig, STORE_CLASS_READ,
                       "SELECT sum(a.id + b.id) FROM stops a, stops b"
                       " WHERE a.id % 200 = 0");
    for (unsigned i = 0; i < CHAIN_READS; i++)
        c.reads[i] = (struct store_read){
            .statement = st, .done_fn = on_chain, .arg = &c};
    rig_on_worker(&rig, chain_start, &c);
    for (int i = 0; i < 96; i++) {
        assert_int_equal(rig_write(&rig,
                                   "INSERT INTO labels(text) VALUES"
                                   " (zeroblob(1000000))",
                                   NULL, 0, NULL),
                         0);
        if (wal_megabytes() > longest)
            longest = wal_megabytes();
    }
    rig_on_worker(&rig, chain_stop, &c);
    assert_in_range(longest, 1, WAL_MB_MAX);
    store_statement_unref(&st);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

RUN(TEST(reads_what_was_written), TEST(binds_by_number),
    TEST(judges_what_is_short), TEST(moves_an_overrun_to_a_reader),
    TEST(reads_inside_a_row), TEST(forgets_old_statements),
    TEST(leaves_no_transaction_open), TEST(refuses_what_is_not_a_statement),
    TEST(survives_a_changed_schema),
    TEST(a_failing_write_leaves_its_neighbours),
    TEST(a_lost_transaction_fails_only_the_guilty),
    TEST(a_deferred_foreign_key_fails_only_the_guilty),
    TEST(what_cannot_be_told_is_a_reset_of_everything),
    TEST(a_check_undoes_the_whole_write), TEST(waits_for_a_lock_and_gives_up),
    TEST(closing_answers_everything),
    TEST(readers_do_not_grow_the_log_for_ever))
