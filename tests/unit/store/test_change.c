/* SPDX-License-Identifier: MIT */
/*
 * change - positions, values, reading the feed by pages and tenants, other
 * processes' writes, trimming.
 * Threads: the test's, the rig's worker, the store's own.
 */
#include "rig.h"

#include "base/buf.h"
#include "base/clock.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char schema[] =
    "CREATE TABLE stops(id INTEGER PRIMARY KEY, lab INTEGER);"
    "CREATE TABLE labs(id INTEGER PRIMARY KEY);";

static const struct publish_spec specs[] = {
    {.table = {"stops", 5}, .key = {"id", 2}, .tenant = {"lab", 3}},
    {.table = {"labs", 4}, .key = {"id", 2}},
};

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

static void positions_read_back(void **state)
{
    static const char *const wrong[] = {"",
                                        ":",
                                        "a",
                                        "a:",
                                        ":1",
                                        "a:-1",
                                        "a:1x",
                                        "a b:1",
                                        "a:1:",
                                        "a:+1",
                                        "123456789012345678901234567890123:1",
                                        "a:18446744073709551616"};
    char text[POSITION_TEXT_MAX + 1];
    struct position p = {.offset = 7};

    assert_int_equal(position_write(BYTES("cafe"), UINT64_MAX, text), 25);
    assert_string_equal(text, "cafe:18446744073709551615");
    assert_int_equal(position_read(bytes_of(text), &p), 0);
    assert_string_equal(p.epoch, "cafe");
    assert_true(p.offset == UINT64_MAX);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_int_not_equal(position_read(bytes_of(wrong[i]), &p), 0);
    assert_true(p.offset == UINT64_MAX);
}

static void value_is(struct value v, const char *text, const char *json)
{
    struct buf b;

    buf_init(&b, 1000);
    value_write_text(&b, &v);
    check_bytes(buf_bytes(&b), text);
    buf_clear(&b);
    value_write_json(&b, &v);
    check_bytes(buf_bytes(&b), json);
    buf_fini(&b);
}

static void values_have_one_spelling(void **state)
{
    struct value v = value_text(BYTES("12.50"));

    value_is(value_null(), "", "null");
    value_is(value_bool(true), "true", "true");
    value_is(value_int(INT64_MIN), "-9223372036854775808",
             "-9223372036854775808");
    value_is(value_double(3), "3", "3");
    value_is(value_double(-0.0), "0", "0");
    value_is(value_double(0.1), "0.1", "0.1");
    value_is(value_double((double)NAN), "null", "null");
    value_is(v, "12.50", "\"12.50\"");
    v.kind = VALUE_NUMBER;
    value_is(v, "12.50", "12.50");
    v = value_text(BYTES("\x01\xff"));
    v.kind = VALUE_BLOB;
    value_is(v, "01ff", "null");
    v = value_text(BYTES("a\"b"));
    value_is(v, "a\"b", "\"a\\\"b\"");
}

struct paging {
    struct changes_read read;
    uint64_t last;
    unsigned seen;
    int error;
};

static void on_page_change(const struct change *c, void *arg)
{
    struct paging *p = arg;

    assert_true(c->offset > p->last);
    p->last = c->offset;
    p->seen++;
}

static void on_page(struct changes_read *read, int error)
{
    ((struct paging *)read->arg)->error = error;
    rig_turn(&rig);
}

static void page_start(struct rig *r, void *arg)
{
    store_changes_read(r->session, &((struct paging *)arg)->read);
}

static int page_try(struct paging *p, uint64_t after, uint64_t upto,
                    const char *tenant, unsigned limit)
{
    *p = (struct paging){.read = {.after = after,
                                  .upto = upto,
                                  .tenant = bytes_of(tenant),
                                  .limit = limit,
                                  .change_fn = on_page_change,
                                  .done_fn = on_page,
                                  .arg = p}};
    rig_on_worker(&rig, page_start, p);
    assert_int_equal(p->seen, p->read.count);
    return p->error;
}

static unsigned page(struct paging *p, uint64_t after, uint64_t upto,
                     const char *tenant, unsigned limit)
{
    assert_int_equal(page_try(p, after, upto, tenant, limit), 0);
    return p->seen;
}

static void fill(void)
{
    assert_int_equal(
        rig_write(&rig,
                  "INSERT INTO stops(lab) WITH RECURSIVE n(i) AS (SELECT 1"
                  " UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
                  " SELECT i % 3 FROM n",
                  NULL, 0, NULL),
        0);
}

static void reads_by_pages(void **state)
{
    struct paging p;

    fill(); /* after the two resets */
    assert_int_equal(page(&p, 0, UINT64_MAX, NULL, 5000), CHANGES_LIMIT_MAX);
    assert_int_equal(page(&p, p.last, UINT64_MAX, NULL, 1000), 1000);
    assert_int_equal(page(&p, p.last, UINT64_MAX, NULL, 1000), 1000);
    assert_int_equal(page(&p, p.last, UINT64_MAX, NULL, 1000), 2);
    assert_int_equal(page(&p, p.last, UINT64_MAX, NULL, 1000), 0);
    assert_int_equal(page(&p, 10, 20, NULL, 1000), 10);
    assert_int_equal(p.last, 20);
    assert_int_equal(page(&p, 2, 2 + 30, "1", 1000), 10);
    assert_int_equal(page(&p, 0, UINT64_MAX, "8", 1000), 2); /* the resets */
}

static void sees_other_processes(void **state)
{
    struct feed_state s, before;
    bool unchanged;

    assert_int_equal(rig_feed_state(&rig, &before, &unchanged), 0);
    assert_false(unchanged);
    assert_int_equal(before.head, 2);
    assert_int_equal(rig_feed_state(&rig, &s, &unchanged), 0);
    assert_true(unchanged);
    assert_int_equal(rig_shell(&rig, "INSERT INTO labs VALUES (1)"), 0);
    assert_int_equal(rig_feed_state(&rig, &s, &unchanged), 0);
    assert_false(unchanged);
    assert_int_equal(s.head, 3);
    assert_int_equal(s.horizon, 3);
    assert_int_equal(s.low_water, 0);
    rig_changes(&rig, 2);
    rig_shows(&rig, "I labs 1 t= {\"id\":1}  w=\n");
}

/* Another file under our name: nothing that we know is true of it. */
static void notices_a_moved_file(void **state)
{
    struct feed_state s;
    char from[100], to[104];
    bool unchanged;

    (void)snprintf(from, sizeof(from), "%s/t.db", rig.dir);
    (void)snprintf(to, sizeof(to), "%s.old", from);
    assert_int_equal(rename(from, to), 0);
    assert_int_equal(rig_feed_state(&rig, &s, &unchanged), ERR_STORE);
    assert_int_equal(rename(to, from), 0);
    assert_int_equal(rig_feed_state(&rig, &s, &unchanged), 0);
}

/* A rolled-back write gives its offsets back, and positions never pass them. */
static void a_failed_write_moves_nothing(void **state)
{
    uint64_t offset = 9;

    assert_int_equal(
        rig_write(&rig, "INSERT INTO labs VALUES (1), (1)", NULL, 0, &offset),
        ERR_CONSTRAINT);
    assert_int_equal(offset, 0);
    assert_int_equal(rig_write(&rig, "UPDATE labs SET id = 2 WHERE id = 9",
                               NULL, 0, &offset),
                     0);
    assert_int_equal(offset, 0);
    assert_int_equal(
        rig_write(&rig, "INSERT INTO labs VALUES (1)", NULL, 0, &offset), 0);
    assert_int_equal(offset, 3);
}

struct trimming {
    struct trim_bounds bounds;
    int error;
    bool more;
};

static void on_trimmed(void *arg, int error, bool more)
{
    struct trimming *t = arg;

    t->error = error;
    t->more = more;
    rig_turn(&rig);
}

static void trim_start(struct rig *r, void *arg)
{
    struct trimming *t = arg;

    store_changes_trim(r->session, &t->bounds, on_trimmed, t);
}

static bool trim_upto(int64_t older_than_us, uint64_t bytes_max, uint64_t upto)
{
    struct trimming t = {.bounds = {older_than_us, bytes_max, upto}};

    rig_on_worker(&rig, trim_start, &t);
    assert_int_equal(t.error, 0);
    return t.more;
}

static bool trim(int64_t older_than_us, uint64_t bytes_max)
{
    return trim_upto(older_than_us, bytes_max, UINT64_MAX);
}

static struct feed_state state_now(void)
{
    struct feed_state s;
    bool unchanged;

    assert_int_equal(rig_feed_state(&rig, &s, &unchanged), 0);
    assert_false(unchanged);
    return s;
}

static void trims_by_age(void **state)
{
    struct feed_state s;
    struct paging p;

    fill();
    assert_false(trim(0, UINT64_MAX)); /* nothing is that old */
    assert_int_equal(page(&p, 0, 5, NULL, 10), 5);
    assert_int_equal(rig_shell(&rig, "UPDATE fieldline_changes SET at_us = 1"
                                     " WHERE \\\"offset\\\" <= 100"),
                     0);
    assert_false(trim(1000, UINT64_MAX));
    s = state_now();
    assert_int_equal(s.low_water, 100);
    assert_int_equal(s.head, 3002);
    assert_int_equal(page(&p, 100, 105, NULL, 10), 5);
    /* Everything, a bounded number a call; the head stays where it was. */
    assert_true(trim(INT64_MAX, UINT64_MAX));
    assert_false(trim(INT64_MAX, UINT64_MAX));
    s = state_now();
    assert_int_equal(s.low_water, 3002);
    assert_int_equal(s.head, 3002);
    assert_int_equal(page(&p, 3002, UINT64_MAX, NULL, 10), 0);
    fill();
    assert_int_equal(state_now().head, 6002);
}

/* Neither age nor size reaches what is above the horizon. */
static void trims_nothing_beyond_its_bound(void **state)
{
    struct paging p;

    fill();
    assert_false(trim_upto(INT64_MAX, UINT64_MAX, 40));
    assert_int_equal(state_now().low_water, 40);
    assert_int_equal(page(&p, 40, 45, NULL, 10), 5);
    assert_false(trim_upto(0, 1, 50));
    assert_int_equal(state_now().low_water, 50);
    assert_int_equal(page(&p, 50, 55, NULL, 10), 5);
    assert_false(trim_upto(INT64_MAX, 1, 0));
    assert_int_equal(page(&p, 50, 55, NULL, 10), 5);
}

/* A node whose horizon is behind another's takes no mark back. */
static void the_mark_never_goes_back(void **state)
{
    fill();
    assert_false(trim_upto(INT64_MAX, UINT64_MAX, 40));
    assert_false(trim_upto(INT64_MAX, UINT64_MAX, 20));
    assert_int_equal(state_now().low_water, 40);
    assert_int_equal(rig_shell(&rig, "UPDATE fieldline_meta SET value = '900'"
                                     " WHERE name = 'low_water'"),
                     0);
    assert_false(trim_upto(INT64_MAX, UINT64_MAX, 60));
    assert_int_equal(state_now().low_water, 900);
}

/* The statement that reads the rows knows whether they are all there. */
static void says_that_rows_were_trimmed(void **state)
{
    struct paging p;

    fill();
    assert_false(trim_upto(INT64_MAX, UINT64_MAX, 40));
    assert_int_equal(page_try(&p, 39, 45, NULL, 10), ERR_STALE);
    assert_int_equal(p.seen, 0);
    assert_int_equal(page_try(&p, 39, 45, "1", 10), ERR_STALE);
    assert_int_equal(page_try(&p, 0, 10, NULL, 10), ERR_STALE);
    assert_int_equal(page(&p, 40, 45, NULL, 10), 5);
}

static void trims_by_size(void **state)
{
    struct feed_state s;

    fill();
    assert_false(trim(0, (uint64_t)1 << 30));
    assert_true(trim(0, 20000));
    assert_false(trim(0, 20000));
    s = state_now();
    assert_true(s.low_water > 2600 && s.low_water < 3000);
    assert_int_equal(s.head, 3002);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

RUN(cmocka_unit_test(positions_read_back),
    cmocka_unit_test(values_have_one_spelling), TEST(reads_by_pages),
    TEST(sees_other_processes), TEST(notices_a_moved_file),
    TEST(a_failed_write_moves_nothing), TEST(trims_by_age), TEST(trims_by_size),
    TEST(trims_nothing_beyond_its_bound), TEST(the_mark_never_goes_back),
    TEST(says_that_rows_were_trimmed))
