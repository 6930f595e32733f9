/* SPDX-License-Identifier: MIT */
/*
 * tail - rounds over a scripted store whose horizon lags behind what is
 * visible and whose rows appear out of order, as PostgreSQL's do (P56).
 * Threads: the test's, the feed's; the script is locked.
 */
#include "seen.h"

#include "cache/tagclock.h"
#include "store/driver.h"

#include "base/log.h"
#include "base/mem.h"

#define ROWS_MAX 2000
#define TRIM_MS  5

static struct script {
    pthread_mutex_t lock;
    pthread_cond_t asked;
    unsigned asks;
    bool visible[ROWS_MAX];
    struct feed_state state;
    bool remembers; /* as SQLite's data_version: each state is told once */
    struct feed_state told;
    int state_error, read_error;
    uint64_t read_error_after; /* pages that begin below it succeed */
    unsigned heavy;            /* so many rows are too large for a page; or 0 */
    unsigned too_heavy;        /* the row that is so alone; or 0 */
    uint64_t trimmed;          /* up to here, as the reads see it */
    int64_t cut;               /* what a trim deleted last */
} script;

/* --- the scripted driver ----------------------------------------------- */

static int script_session_open(struct store_session *s)
{
    return 0;
}

static void script_session_close(struct store_session *s)
{
    mem_free(s);
}

static int script_check(struct store_statement *st, struct store_detail *d)
{
    return 0;
}

static void script_feed_state(struct store_session *s,
                              struct feed_state_read *r)
{
    int error;

    pthread_mutex_lock(&script.lock);
    script.asks++;
    pthread_cond_signal(&script.asked);
    r->unchanged = script.remembers && script.told.head == script.state.head;
    r->state = script.told = script.state;
    error = script.state_error;
    store_epoch_set(s->store, BYTES("script"));
    pthread_mutex_unlock(&script.lock);
    r->done_fn(r, error);
}

/* Of store_changes_trim(): every row that is handed out is there and old. */
static void script_write(struct store_session *s, struct store_write *w)
{
    struct value oldest[4] = {value_null(), value_null(), value_null(),
                              value_int(1)};
    struct store_row row = {.count = 4, .values = oldest};
    int error;

    pthread_mutex_lock(&script.lock);
    oldest[0] = oldest[1] = value_int((int64_t)script.state.head);
    w->steps[0].row_fn(&row, w->arg);
    error = w->steps[1].check_fn(w->arg, 1);
    if (!error)
        script.cut = w->steps[3].params[0].integer;
    pthread_cond_signal(&script.asked);
    pthread_mutex_unlock(&script.lock);
    w->done_fn(w, error);
}

static void script_row(struct store_read *read, int64_t offset)
{
    struct value values[9] = {value_int(offset),
                              value_text(BYTES("stops")),
                              value_text(BYTES("1")),
                              value_text(BYTES("U")),
                              value_text(BYTES("")),
                              value_text(BYTES("{}")),
                              value_text(BYTES("{}")),
                              value_text(BYTES("")),
                              value_int(1)};
    struct store_row row = {.count = 9, .values = values};

    read->row_fn(&row, read->arg);
}

/* What comes before the rows. */
static void script_mark(struct store_read *read, uint64_t low_water)
{
    char text[24];
    struct value values[9] = {value_int(0), value_text(BYTES(""))};
    struct store_row row = {.count = 9, .values = values};

    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)low_water);
    values[2] = value_text(bytes_of(text));
    read->row_fn(&row, read->arg);
}

/* The statement of store_changes_read(): after, upto, limit. */
static void script_read(struct store_session *s, struct store_read *read)
{
    int64_t after = read->params[0].integer, upto = read->params[1].integer;
    int64_t left = read->params[2].integer, limit = left;
    bool visible[ROWS_MAX];
    unsigned heavy, too_heavy;
    int error;

    pthread_mutex_lock(&script.lock);
    script_mark(read, script.trimmed);
    memcpy(visible, script.visible, sizeof(visible));
    error = (uint64_t)after < script.read_error_after ? 0 : script.read_error;
    heavy = script.heavy;
    too_heavy = script.too_heavy;
    pthread_mutex_unlock(&script.lock);
    if ((heavy && limit >= heavy) ||
        (after < too_heavy && after + limit >= too_heavy)) {
        read->done_fn(read, ERR_LIMIT);
        return;
    }
    for (int64_t i = after + 1; i < ROWS_MAX && i <= upto && left; i++) {
        if (!visible[i])
            continue;
        script_row(read, i);
        left--;
    }
    read->done_fn(read, error);
}

static const struct driver script_driver = {
    .store_size = sizeof(struct store),
    .session_size = sizeof(struct store_session),
    .statement_size = sizeof(struct store_statement),
    .session_open = script_session_open,
    .session_close = script_session_close,
    .statement_check = script_check,
    .read = script_read,
    .write = script_write,
    .feed_state = script_feed_state,
};

/* --- a feed over it ---------------------------------------------------- */

static struct store store;
static struct tagclock *tags;
static struct feed *feed;
static struct seen seen;

static int setup(void **state)
{
    struct feed_reader reader = seen_reader(&seen);
    struct feed_options options = {.poll_ms = 3600000, .trim_ms = TRIM_MS};

    log_level_set(LOG_OFF);
    script = (struct script){.state = {.horizon = 10, .head = 10}};
    pthread_mutex_init(&script.lock, NULL);
    pthread_cond_init(&script.asked, NULL);
    store = (struct store){.driver = &script_driver};
    pthread_mutex_init(&store.lock, NULL);
    assert_int_equal(tagclock_new(&tags, 1 << 16), 0);
    assert_int_equal(feed_new(&feed, &store, tags, NULL, &options), 0);
    assert_int_equal(feed_add_reader(feed, &reader), 0);
    assert_int_equal(feed_start(feed), 0);
    seen_is(&seen, "h10 ");
    return 0;
}

static int teardown(void **state)
{
    feed_free(&feed);
    tagclock_free(&tags);
    for (unsigned i = 0; i < OWN_COUNT; i++)
        store_statement_unref(&store.own[i]);
    mem_free(atomic_load(&store.epoch));
    pthread_mutex_destroy(&store.lock);
    pthread_mutex_destroy(&script.lock);
    pthread_cond_destroy(&script.asked);
    seen_fini(&seen);
    return 0;
}

/* One whole round: the next round's question proves that it is over. */
static void rounds(unsigned count)
{
    unsigned asks;

    for (unsigned i = 0; i <= count; i++) {
        pthread_mutex_lock(&script.lock);
        asks = script.asks;
        pthread_mutex_unlock(&script.lock);
        feed_wake(feed);
        pthread_mutex_lock(&script.lock);
        while (script.asks == asks)
            pthread_cond_wait(&script.asked, &script.lock);
        pthread_mutex_unlock(&script.lock);
    }
}

static void shows(uint64_t horizon, uint64_t head)
{
    pthread_mutex_lock(&script.lock);
    script.state.horizon = horizon;
    script.state.head = head;
    pthread_mutex_unlock(&script.lock);
}

static void appears(unsigned offset)
{
    pthread_mutex_lock(&script.lock);
    script.visible[offset] = true;
    pthread_mutex_unlock(&script.lock);
}

/* --- tests ------------------------------------------------------------- */

static void a_late_lower_offset_is_told_in_its_place(void **state)
{
    appears(12);
    appears(14);
    shows(10, 14); /* 11 and 13 are still open */
    rounds(1);
    seen_is(&seen, "v12 v14 ");
    assert_int_equal(feed_horizon(feed), 10);
    assert_int_equal(tagclock_horizon(tags), 10);
    rounds(2);
    seen_is(&seen, ""); /* nothing twice */
    appears(11);
    shows(12, 14);
    rounds(1);
    seen_is(&seen, "v11 o11 o12 h12 ");
    shows(14, 14); /* 13 was rolled back */
    rounds(1);
    seen_is(&seen, "o14 h14 ");
    assert_int_equal(tagclock_horizon(tags), 14);
}

static void rolled_back_offsets_move_the_horizon(void **state)
{
    shows(20, 20);
    rounds(1);
    seen_is(&seen, "h20 ");
}

static void the_age_of_a_standing_horizon_is_known(void **state)
{
    appears(12);
    shows(10, 12);
    rounds(1);
    while (!feed_horizon_age_ms(feed))
        ;
    shows(12, 12);
    rounds(1);
    assert_int_equal(feed_horizon_age_ms(feed), 0);
}

/* A round that fails amid its pages: no row twice, none lost. */
static void a_failed_page_is_taken_up_again(void **state)
{
    char want[SEEN_MAX], *at = want;

    for (unsigned i = 11; i <= 1000; i++)
        appears(i);
    shows(600, 1000);
    pthread_mutex_lock(&script.lock);
    script.read_error = ERR_STORE;
    script.read_error_after = 300;
    pthread_mutex_unlock(&script.lock);
    rounds(1);
    pthread_mutex_lock(&script.lock);
    script.read_error = 0;
    pthread_mutex_unlock(&script.lock);
    rounds(2);
    for (int i = 11; i <= 1000; i++) {
        at += sprintf(at, i > 600 ? "v%d " : "v%d o%d ", i, i);
        if (i == 266 || i == 522)
            at += sprintf(at, "h%d ", i);
        if (i == 778) /* the page in which 600 stood */
            at += sprintf(at, "h600 ");
    }
    seen_is(&seen, want);
    assert_int_equal(feed_horizon(feed), 600);
    shows(1000, 1000);
    rounds(1);
    assert_int_equal(feed_horizon(feed), 1000);
}

/* The store's word that nothing is new holds for what was read, not for what a
 * failed round left unread. */
static void a_failed_round_is_taken_up_though_nothing_is_new(void **state)
{
    appears(11);
    pthread_mutex_lock(&script.lock);
    script.remembers = true;
    script.read_error = ERR_BUSY;
    pthread_mutex_unlock(&script.lock);
    shows(11, 11);
    rounds(1);
    assert_int_equal(feed_horizon(feed), 10);
    pthread_mutex_lock(&script.lock);
    script.read_error = 0;
    pthread_mutex_unlock(&script.lock);
    rounds(1);
    assert_int_equal(feed_horizon(feed), 11);
    assert_int_equal(tagclock_horizon(tags), 11);
}

/* Rows too large to be held together come one by one. */
static void large_rows_come_in_small_pages(void **state)
{
    for (unsigned i = 11; i <= 700; i++)
        appears(i);
    pthread_mutex_lock(&script.lock);
    script.heavy = 2;
    pthread_mutex_unlock(&script.lock);
    shows(700, 700);
    rounds(1);
    assert_int_equal(feed_horizon(feed), 700);
    assert_false(seen.restarted);
}

/* What no memory holds cannot be told: what is known is void, once. */
static void a_row_beyond_all_bounds_is_a_new_history(void **state)
{
    appears(11);
    appears(12);
    pthread_mutex_lock(&script.lock);
    script.too_heavy = 12;
    pthread_mutex_unlock(&script.lock);
    shows(12, 12);
    rounds(1);
    assert_true(seen.restarted);
    assert_int_equal(feed_horizon(feed), 12);
    assert_int_equal(tagclock_at(tags, 7), 12);
    seen.len = 0;
    appears(13);
    shows(13, 13);
    rounds(1);
    seen_is(&seen, "v13 o13 h13 ");
}

/* Trimmed past where we stand: rows are gone that we never saw. */
static void a_trimmed_gap_is_a_new_history(void **state)
{
    pthread_mutex_lock(&script.lock);
    script.state =
        (struct feed_state){.horizon = 50, .low_water = 40, .head = 50};
    pthread_mutex_unlock(&script.lock);
    rounds(1);
    seen_is(&seen, "H50 ");
    assert_int_equal(tagclock_at(tags, 7), 50);
}

/* The same between a round's question and its pages. */
static void rows_trimmed_amid_a_round_are_a_new_history(void **state)
{
    appears(19);
    pthread_mutex_lock(&script.lock);
    script.trimmed = 18;
    pthread_mutex_unlock(&script.lock);
    shows(19, 19);
    rounds(1);
    seen_is(&seen, "H19 ");
    assert_int_equal(tagclock_at(tags, 7), 19);
    appears(20);
    shows(20, 20);
    rounds(1);
    seen_is(&seen, "v20 o20 h20 ");
}

/* 12 is handed out, and 11 may still come. */
static void nothing_beyond_the_horizon_is_trimmed(void **state)
{
    appears(12);
    shows(10, 12);
    rounds(1);
    pthread_mutex_lock(&script.lock);
    script.cut = 0;
    while (!script.cut)
        pthread_cond_wait(&script.asked, &script.lock);
    assert_int_equal(script.cut, 10);
    pthread_mutex_unlock(&script.lock);
    shows(12, 12);
    rounds(1);
    pthread_mutex_lock(&script.lock);
    while (script.cut != 12)
        pthread_cond_wait(&script.asked, &script.lock);
    pthread_mutex_unlock(&script.lock);
}

/* Who is told when the replay is over does not make the start wait for it, and
 * a replay that fails is taken up where it was. */
static void a_replay_goes_on_behind_the_start(void **state)
{
    struct feed_reader reader;
    struct feed_options options = {.poll_ms = 3600000};

    feed_free(&feed);
    seen_fini(&seen);
    reader = seen_reader(&seen);
    reader.replayed_fn = seen_replayed;
    appears(3);
    appears(7);
    appears(11);
    pthread_mutex_lock(&script.lock);
    script.read_error = ERR_STORE;
    pthread_mutex_unlock(&script.lock);
    assert_int_equal(feed_new(&feed, &store, tags, NULL, &options), 0);
    assert_int_equal(feed_add_reader(feed, &reader), 0);
    assert_int_equal(feed_start(feed), 0);
    assert_int_equal(feed_horizon(feed), 10);
    assert_false(feed_is_stale(feed));
    rounds(1);
    pthread_mutex_lock(&script.lock);
    script.read_error = 0;
    pthread_mutex_unlock(&script.lock);
    shows(11, 11);
    rounds(2);
    seen_is(&seen, "h10 r3 r7 R0 v11 o11 h11 ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

RUN(TEST(a_late_lower_offset_is_told_in_its_place),
    TEST(rolled_back_offsets_move_the_horizon),
    TEST(the_age_of_a_standing_horizon_is_known),
    TEST(a_failed_page_is_taken_up_again),
    TEST(a_failed_round_is_taken_up_though_nothing_is_new),
    TEST(large_rows_come_in_small_pages),
    TEST(a_row_beyond_all_bounds_is_a_new_history),
    TEST(a_trimmed_gap_is_a_new_history),
    TEST(rows_trimmed_amid_a_round_are_a_new_history),
    TEST(nothing_beyond_the_horizon_is_trimmed),
    TEST(a_replay_goes_on_behind_the_start))
