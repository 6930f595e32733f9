/* SPDX-License-Identifier: MIT */
/*
 * feed - over a real SQLite file: waking, other processes, replay, checks,
 * restarts and what cannot be read.
 * Threads: the test's, the feed's, the rig's worker, the store's own.
 */
#include "../store/rig.h"
#include "seen.h"

#include "cache/tagclock.h"

#include <sched.h>

#define HOUR_MS 3600000

static const struct publish_spec spec = {.table = {"stops", 5},
                                         .key = {"id", 2}};

static struct rig rig;
static struct seen seen;
static struct tagclock *tags;
static struct feed *feed;

static void on_wake(void *arg)
{
    feed_wake(arg);
}

static void feed_up(const struct feed_options *options)
{
    struct feed_reader reader = seen_reader(&seen);

    assert_int_equal(feed_new(&feed, rig.store, tags, NULL, options), 0);
    assert_int_equal(feed_add_reader(feed, &reader), 0);
    pthread_mutex_lock(&rig.lock);
    rig.wake_fn = on_wake;
    rig.wake_arg = feed;
    pthread_mutex_unlock(&rig.lock);
    assert_int_equal(feed_start(feed), 0);
}

static void feed_down(void)
{
    pthread_mutex_lock(&rig.lock);
    rig.wake_fn = NULL;
    pthread_mutex_unlock(&rig.lock);
    feed_free(&feed);
    seen_fini(&seen);
}

/* Two rows, of the offsets 2 and 3; 1 is the table's reset. */
static int setup(void **state)
{
    rig_open(&rig, "CREATE TABLE stops(id INTEGER PRIMARY KEY, x)", &spec, 1);
    assert_int_equal(tagclock_new(&tags, 1 << 16), 0);
    assert_int_equal(
        rig_write(&rig, "INSERT INTO stops(id) VALUES (1), (2)", NULL, 0, NULL),
        0);
    return 0;
}

static int teardown(void **state)
{
    feed_down();
    tagclock_free(&tags);
    rig_close(&rig);
    return 0;
}

static void begins_at_the_horizon(void **state)
{
    feed_up(&(struct feed_options){.poll_ms = HOUR_MS});
    seen_is(&seen, "h3 r1 r2 r3 ");
    assert_int_equal(feed_horizon(feed), 3);
    assert_int_equal(feed_low_water(feed), 0);
    assert_int_equal(tagclock_horizon(tags), 3);
    assert_int_equal(tagclock_at(tags, 0x1234), 3); /* the floor */
    check_bytes(feed_epoch(feed), store_epoch(rig.store).at);
    assert_false(feed_is_stale(feed));
    assert_int_equal(feed_horizon_age_ms(feed), 0);
}

static void replays_only_so_many(void **state)
{
    feed_up(&(struct feed_options){.poll_ms = HOUR_MS, .replay = 2});
    seen_is(&seen, "h3 r2 r3 ");
}

/* The poll is an hour away: only the wake can bring it. */
static void is_woken_by_own_writes(void **state)
{
    feed_up(&(struct feed_options){.poll_ms = HOUR_MS});
    seen_is(&seen, "h3 r1 r2 r3 ");
    assert_int_equal(rig_write(&rig, "UPDATE stops SET x = 1", NULL, 0, NULL),
                     0);
    seen_reaches(&seen, 5);
    seen_is(&seen, "v4 o4 v5 o5 h5 ");
    assert_int_equal(tagclock_horizon(tags), 5);
}

static void polls_for_other_processes(void **state)
{
    feed_up(&(struct feed_options){.poll_ms = 10});
    seen_is(&seen, "h3 r1 r2 r3 ");
    assert_int_equal(rig_shell(&rig, "DELETE FROM stops WHERE id = 2"), 0);
    seen_reaches(&seen, 4);
    seen_is(&seen, "v4 o4 h4 ");
}

/* Many pages: each row once, in order. */
static void catches_up(void **state)
{
    char want[SEEN_MAX], *at = want;

    feed_up(&(struct feed_options){.poll_ms = HOUR_MS});
    seen_is(&seen, "h3 r1 r2 r3 ");
    assert_int_equal(
        rig_write(&rig,
                  "INSERT INTO stops(x) WITH RECURSIVE n(i) AS (SELECT 1 UNION"
                  " ALL SELECT i + 1 FROM n WHERE i < 700) SELECT i FROM n",
                  NULL, 0, NULL),
        0);
    seen_reaches(&seen, 703);
    for (int i = 4; i <= 703; i++) {
        at += sprintf(at, "v%d o%d ", i, i);
        if ((i - 3) % 256 == 0 || i == 703)
            at += sprintf(at, "h%d ", i);
    }
    seen_is(&seen, want);
}

static int check_at(uint64_t offset)
{
    struct position p = {.offset = offset};

    memcpy(p.epoch, feed_epoch(feed).at, feed_epoch(feed).len);
    return feed_check(feed, &p);
}

static void on_trimmed(void *arg, int error, bool more)
{
    assert_int_equal(error, 0);
    rig_turn(&rig);
}

static void trim(struct rig *r, void *arg)
{
    struct trim_bounds all = {INT64_MAX, UINT64_MAX, UINT64_MAX};

    store_changes_trim(r->session, &all, on_trimmed, NULL);
}

static void says_who_must_reload(void **state)
{
    struct position other = {.epoch = "another", .offset = 3};
    uint64_t offset = 0;

    feed_up(&(struct feed_options){.poll_ms = HOUR_MS});
    assert_int_equal(check_at(0), 0);
    assert_int_equal(check_at(3), 0);
    assert_int_equal(check_at(4), ERR_STALE);
    assert_int_equal(feed_check(feed, &other), ERR_STALE);
    /* Who just wrote is not sent away, though the tail has not looked. */
    pthread_mutex_lock(&rig.lock);
    rig.wake_fn = NULL;
    pthread_mutex_unlock(&rig.lock);
    assert_int_equal(
        rig_write(&rig, "INSERT INTO stops(id) VALUES (9)", NULL, 0, &offset),
        0);
    assert_int_equal(offset, 4);
    assert_int_equal(feed_horizon(feed), 3);
    assert_int_equal(check_at(4), 0);
    /* Trimmed to nothing: only who has everything is up to date. */
    rig_on_worker(&rig, trim, NULL);
    feed_wake(feed);
    seen_reaches(&seen, 4);
    assert_int_equal(feed_low_water(feed), 4);
    assert_int_equal(check_at(3), ERR_STALE);
    assert_int_equal(check_at(4), 0);
}

static void notices_a_restored_backup(void **state)
{
    feed_up(&(struct feed_options){.poll_ms = 10});
    seen_is(&seen, "h3 r1 r2 r3 ");
    assert_int_equal(rig_shell(&rig,
                               "BEGIN; DELETE FROM fieldline_changes WHERE"
                               " \\\"offset\\\" > 1; UPDATE sqlite_sequence SET"
                               " seq = 1 WHERE name = 'fieldline_changes';"
                               " UPDATE fieldline_meta SET value = 'restored'"
                               " WHERE name = 'epoch'; COMMIT"),
                     0);
    seen_restart(&seen);
    seen_is(&seen, "H1 ");
    check_bytes(feed_epoch(feed), "restored");
    assert_int_equal(feed_horizon(feed), 1);
    assert_int_equal(tagclock_horizon(tags), 1);
    assert_int_equal(check_at(1), 0);
    assert_int_equal(check_at(3), ERR_STALE);
}

/* A lower head under the same epoch: somebody copied an older file back. */
static void notices_a_lost_end(void **state)
{
    feed_up(&(struct feed_options){.poll_ms = 10});
    assert_int_equal(rig_shell(&rig, "UPDATE sqlite_sequence SET seq = 1"
                                     " WHERE name = 'fieldline_changes'"),
                     0);
    seen_restart(&seen);
    assert_int_equal(feed_horizon(feed), 1);
}

static void is_stale_while_it_cannot_read(void **state)
{
    feed_up(&(struct feed_options){.poll_ms = 10, .stale_after_ms = 30});
    assert_int_equal(
        rig_shell(&rig, "ALTER TABLE fieldline_meta RENAME TO gone"), 0);
    while (!tagclock_is_stale(tags))
        sched_yield();
    assert_true(feed_is_stale(feed));
    assert_int_equal(
        rig_shell(&rig, "ALTER TABLE gone RENAME TO fieldline_meta"), 0);
    while (tagclock_is_stale(tags))
        sched_yield();
    seen_is(&seen, "h3 r1 r2 r3 "); /* the same history goes on */
}

static void starts_again(void **state)
{
    feed_up(&(struct feed_options){.poll_ms = HOUR_MS});
    feed_stop(feed);
    feed_wake(feed); /* nobody is there to be woken */
    seen_is(&seen, "h3 r1 r2 r3 ");
    assert_int_equal(feed_start(feed), 0);
    seen_is(&seen, "h3 r1 r2 r3 ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

RUN(TEST(begins_at_the_horizon), TEST(replays_only_so_many),
    TEST(is_woken_by_own_writes), TEST(polls_for_other_processes),
    TEST(catches_up), TEST(says_who_must_reload),
    TEST(notices_a_restored_backup), TEST(notices_a_lost_end),
    TEST(is_stale_while_it_cannot_read), TEST(starts_again))
