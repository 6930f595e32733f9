/* SPDX-License-Identifier: MIT */
/*
 * sample - the same file makes the same rows; each maker; mistakes.
 *
 * The arguments are the lab portal's directory.
 * Threads: loop.
 */
#include "app/sample.h"
#include "../check.h"
#include "app/config.h"
#include "app/database.h"
#include "base/buf.h"
#include "base/hash.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#define REPORT_MAX (64 << 10)
#define NOW_US     1795200000000000 /* 2026-11-20T18:40:00Z */

static const char *portal_dir;

static struct sample *parse(const char *text)
{
    struct sample *s = NULL;
    struct buf report;

    buf_init(&report, REPORT_MAX);
    if (sample_parse(&s, "s.yaml", bytes_of(text), "/nowhere", &report))
        fail_msg(BYTES_FMT, BYTES_ARG(report));
    buf_fini(&report);
    return s;
}

static void refused(const char *text, const char *says)
{
    struct sample *s = NULL;
    struct buf report;

    buf_init(&report, REPORT_MAX);
    assert_int_equal(
        sample_parse(&s, "s.yaml", bytes_of(text), "/nowhere", &report),
        ERR_INVALID);
    assert_null(s);
    if (!memmem(report.at, report.len, says, strlen(says)))
        fail_msg("'%s' is not in:\n" BYTES_FMT, says, BYTES_ARG(report));
    buf_fini(&report);
}

static void check_value(const struct sample *s, size_t table, size_t row,
                        unsigned column, const char *want)
{
    struct value v = sample_value(s, table, row, column);
    struct buf b;

    buf_init(&b, REPORT_MAX);
    value_write_text(&b, &v);
    check_bytes(buf_bytes(&b), want);
    buf_fini(&b);
}

static uint64_t digest(const struct sample *s)
{
    uint64_t hash = 0;

    for (size_t t = 0; t < sample_count(s); t++) {
        struct sample_table table;

        sample_table(s, t, &table);
        for (size_t row = 0; row < table.rows; row++)
            for (unsigned c = 0; c < table.columns; c++) {
                struct value v = sample_value(s, t, row, c);
                struct buf b;

                buf_init(&b, REPORT_MAX);
                value_write_json(&b, &v);
                hash = hash_stable_seed(buf_bytes(&b), hash);
                buf_fini(&b);
            }
    }
    return hash;
}

static const char two_tables[] =
    "seed: 7\n"
    "words: {w: [red, green, blue]}\n"
    "tables:\n"
    "  shops:\n"
    "    count: 2\n"
    "    columns: {id: {sequence: 1}, name: \"shop {id}\", open: true}\n"
    "  tills:\n"
    "    into: registers\n"
    "    count: 4\n"
    "    columns:\n"
    "      id: {sequence: 1}\n"
    "      shop_id: {of: shops}\n"
    "      shop: {from: shop_id, column: name}\n"
    "      nth: {index: shop_id}\n"
    "      turn: {turn: [a, b, c]}\n"
    "      when: {when: turn, is: {a: first, b: {int: [5, 5]}}, else: last}\n"
    "      none: {when: turn, is: {a: first}}\n"
    "      upto: {upto: id, is: {1: low, 3: middle}, else: high}\n"
    "      at: {time: now, plus: -90m, times: nth}\n"
    "      day: {date: at}\n"
    "      real: {real: [1.5, 1.5], digits: 2}\n"
    "      json: {json: {t: \"{turn}\", n: {int: [3, 3]}, x: ~}}\n"
    "  bags:\n"
    "    count: 5\n"
    "    columns:\n"
    "      id: {sequence: 1}\n"
    "      shop_id: {of: shops}\n"
    "      till_id: {of: tills, same: shop_id}\n"
    "  more:\n"
    "    into: registers\n"
    "    count: 1\n"
    "    columns: {id: {sequence: 1}}\n";

static void each_maker_makes_what_it_says(void **state)
{
    struct sample *s = parse(two_tables);
    struct sample_table tills;

    assert_int_equal(sample_make(s, 1, NOW_US), 0);
    assert_int_equal(sample_count(s), 4);
    sample_table(s, 1, &tills);
    check_bytes(tills.name, "tills");
    check_bytes(tills.into, "registers");
    assert_int_equal(tills.rows, 4);
    check_bytes(sample_column(s, 1, 2), "shop");
    check_value(s, 0, 1, 1, "shop 2");
    check_value(s, 0, 1, 2, "true");
    check_value(s, 1, 1, 1, "1"); /* two tills to each shop */
    check_value(s, 1, 2, 1, "2");
    check_value(s, 1, 2, 2, "shop 2");
    check_value(s, 1, 1, 3, "2");
    check_value(s, 1, 2, 3, "1");
    check_value(s, 1, 3, 4, "a");
    check_value(s, 1, 0, 5, "first");
    check_value(s, 1, 1, 5, "5");
    check_value(s, 1, 2, 5, "last");
    assert_int_equal(sample_value(s, 1, 1, 6).kind, VALUE_NULL);
    check_value(s, 1, 0, 7, "low");
    check_value(s, 1, 2, 7, "middle");
    check_value(s, 1, 3, 7, "high");
    check_value(s, 1, 1, 8, "2026-11-20T15:40:00.000Z");
    check_value(s, 1, 1, 9, "2026-11-20");
    check_value(s, 1, 0, 10, "1.5");
    check_value(s, 1, 0, 11, "{\"t\":\"a\",\"n\":3,\"x\":null}");
    check_value(s, 2, 0, 2, "1"); /* shop 1's tills in turn */
    check_value(s, 2, 1, 2, "2");
    check_value(s, 2, 2, 2, "1");
    check_value(s, 2, 3, 2, "3"); /* shop 2's */
    check_value(s, 3, 0, 0, "5"); /* goes on where tills ended */
    sample_free(&s);
}

static void the_scale_multiplies_every_count(void **state)
{
    struct sample *s = parse(two_tables);

    assert_int_equal(sample_make(s, 3, NOW_US), 0);
    for (size_t t = 0; t < sample_count(s); t++) {
        static const size_t want[] = {6, 12, 15, 3};
        struct sample_table table;

        sample_table(s, t, &table);
        assert_int_equal(table.rows, want[t]);
    }
    check_value(s, 1, 11, 1, "6");
    check_value(s, 3, 0, 0, "13");
    sample_free(&s);
}

static void chance_keeps_to_its_bounds(void **state)
{
    struct sample *s =
        parse("seed: 1\n"
              "tables: {t: {count: 1000, columns: {\n"
              "  i: {int: [-3, 3]}, r: {real: [0, 1], digits: 3},\n"
              "  c: {choice: {often: 90, seldom: 10}}, d: {digits: \"x#@\"},\n"
              "  w: {time: now, spread: 1h}}}}\n");
    unsigned often = 0, seen = 0;

    assert_int_equal(sample_make(s, 1, NOW_US), 0);
    for (size_t row = 0; row < 1000; row++) {
        int64_t i = sample_value(s, 0, row, 0).integer;
        double r = sample_value(s, 0, row, 1).real;
        struct bytes d = sample_value(s, 0, row, 3).bytes;
        struct bytes w = sample_value(s, 0, row, 4).bytes;

        assert_in_range(i + 3, 0, 6);
        seen |= 1u << (i + 3);
        assert_true(r >= 0 && r <= 1);
        often += bytes_equal(sample_value(s, 0, row, 2).bytes, BYTES("often"));
        assert_true(d.len == 3 && d.at[0] == 'x' && d.at[1] >= '0' &&
                    d.at[1] <= '9' && d.at[2] >= 'A' && d.at[2] <= 'Z');
        assert_true(bytes_compare(w, BYTES("2026-11-20T18:40:00.000Z")) >= 0 &&
                    bytes_compare(w, BYTES("2026-11-20T19:40:00.000Z")) < 0);
    }
    assert_int_equal(seen, 0x7f);
    assert_in_range(often, 850, 950);
    sample_free(&s);
}

static struct sample *portal(unsigned scale)
{
    struct sample *s = NULL;
    struct buf report;

    buf_init(&report, REPORT_MAX);
    if (sample_load(&s, portal_dir, &report))
        fail_msg(BYTES_FMT, BYTES_ARG(report));
    buf_fini(&report);
    assert_int_equal(sample_make(s, scale, NOW_US), 0);
    return s;
}

static void the_same_file_makes_the_same_rows(void **state)
{
    struct sample *a = portal(1), *b = portal(1), *c = portal(2);

    assert_int_equal(digest(a), digest(b));
    assert_int_not_equal(digest(a), digest(c));
    sample_free(&a);
    sample_free(&b);
    sample_free(&c);
}

/* The column of the portal's stops by its name. */
static unsigned column_of(const struct sample *s, size_t table,
                          const char *name)
{
    unsigned c = 0;

    while (!bytes_equal(sample_column(s, table, c), bytes_of(name)))
        c++;
    return c;
}

static void a_day_of_the_portal_is_what_it_promises(void **state)
{
    static const struct {
        const char *name;
        size_t rows;
    } want[] = {{"labs", 3},
                {"clinics", 400},
                {"couriers", 60},
                {"drivers", 60},
                {"stops", 4000}};
    struct sample *s = portal(1);
    size_t stops = 0, found = 0;

    for (size_t t = 0; t < sample_count(s); t++) {
        struct sample_table table;

        sample_table(s, t, &table);
        for (size_t i = 0; i < ARRAY_LEN(want); i++)
            if (bytes_equal(table.name, bytes_of(want[i].name))) {
                assert_int_equal(table.rows, want[i].rows);
                found++;
            }
        if (bytes_equal(table.name, BYTES("stops")))
            stops = t;
    }
    assert_int_equal(found, ARRAY_LEN(want));
    for (size_t row = 1; row < 4000; row++) {
        unsigned route = column_of(s, stops, "route_id");
        unsigned lat = column_of(s, stops, "lat");
        double from = sample_value(s, stops, row - 1, lat).real;
        double to = sample_value(s, stops, row, lat).real;

        assert_int_equal(sample_value(s, stops, row, lat).kind, VALUE_DOUBLE);
        if (sample_value(s, stops, row, route).integer ==
            sample_value(s, stops, row - 1, route).integer)
            assert_true(to - from < 0.6 && from - to < 0.6); /* one region */
    }
    sample_free(&s);
}

static void mistakes_say_where_and_what(void **state)
{
#define FILE_WITH(maker)                                                       \
    "seed: 1\ntables: {t: {count: 1, columns: {id: {sequence: 1}, c: " maker   \
    "}}}\n"
    refused("tables: {}\n", "the sample file needs 'seed'");
    refused("seed: 1\ntables: {t: {count: 0, columns: {a: 1}}}\n",
            "'0' is out of range for 'count'");
    refused("seed: 1\ntables: {t: {count: 1, columns: {}}}\n", "1 to 40");
    refused("seed: 1\ntables: {t: {count: 1, columns: {\"a b\": 1}}}\n",
            "'a b' is not a name");
    refused(FILE_WITH("\"{idd}\""), "did you mean 'id'?");
    refused(FILE_WITH("\"{id\""), "'{' is not closed");
    refused(FILE_WITH("{in: [1, 2]}"), "did you mean 'int'?");
    refused(FILE_WITH("{int: [2, 1]}"), "these are no bounds");
    refused(FILE_WITH("{int: 5}"), "expected [lowest, highest]");
    refused(FILE_WITH("{real: [a, b]}"), "these are no bounds");
    refused(FILE_WITH("{of: shops}"), "there is no earlier entry 'shops'");
    refused(FILE_WITH("{of: t}"), "there is no earlier entry 't'");
    refused(FILE_WITH("{from: id, column: x}"), "points to no entry");
    refused(FILE_WITH("{when: id}"), "'is': {value: maker}");
    refused(FILE_WITH("{upto: id, is: {x: 1}}"), "'x' is no number");
    refused(FILE_WITH("{choice: {a: 0}}"), "1 to 1000000");
    refused(FILE_WITH("{choice: {}}"), "{name: value, ...}");
    refused(FILE_WITH("{turn: x}"), "expected a list");
    refused(FILE_WITH("{time: now, plus: soon}"), "'soon' is no duration");
    refused(FILE_WITH("{time: then}"), "has no column 'then' yet");
    refused(FILE_WITH("{place: lat, by: id}"), "there are no places");
    refused(FILE_WITH("{index: id, by: id}"), "does not go with 'index'");
    refused(FILE_WITH("{sequence: 2}"), "a sequence begins with 1");
    refused(FILE_WITH("{turn: [{turn: [{turn: [{turn: [{turn: [{turn: [1]}]}]}"
                      "]}]}]}"),
            "too deep");
#undef FILE_WITH
}

static void count_rows(const struct store_row *row, void *arg)
{
    *(int64_t *)arg = store_row_get(row, 0).integer;
}

static int64_t count(struct database *db, const char *sql)
{
    struct store_detail detail;
    int64_t n = -1;

    if (admin_run(db->admin, bytes_of(sql), NULL, 0, count_rows, &n, &detail))
        fail_msg("%s: %s", sql, detail.text);
    return n;
}

static void remove_dir(const char *path)
{
    DIR *d = opendir(path);
    const struct dirent *one;

    assert_non_null(d);
    while ((one = readdir(d)))
        if (one->d_name[0] != '.')
            assert_int_equal(unlinkat(dirfd(d), one->d_name, 0), 0);
    closedir(d);
    assert_int_equal(rmdir(path), 0);
}

static void rows_reach_the_database_once(void **state)
{
    char dir[] = "/tmp/fieldline-sample-XXXXXX";
    struct store_options options = {.create = true};
    struct config *config = NULL;
    struct database db;
    struct buf report;

    assert_non_null(mkdtemp(dir));
    buf_init(&report, REPORT_MAX);
    assert_int_equal(config_load(&config, portal_dir, NULL, 0, &report), 0);
    config->data_dir = bytes_of(dir);
    assert_int_equal(database_open(&db, config, &options, &report), 0);
    assert_int_equal(database_migrate(&db, NULL, NULL, &report), 0);
    if (database_sample(&db, 1, NULL, NULL, &report))
        fail_msg(BYTES_FMT, BYTES_ARG(report));
    assert_int_equal(count(&db, "select count(*) from route_stops"), 4000);
    assert_int_equal(count(&db, "select count(*) from users"), 472);
    assert_int_equal(
        count(&db, "select count(*) from route_stops s join routes r on "
                   "r.id = s.route_id where s.lab_id <> r.lab_id"),
        0);
    assert_int_equal(count(&db, "select count(*) from drivers d join vehicles "
                                "v on v.id = d.vehicle_id where "
                                "v.lab_id <> d.lab_id"),
                     0);
    assert_int_equal(database_sample(&db, 1, NULL, NULL, &report), ERR_EXISTS);
    assert_non_null(memmem(report.at, report.len, "has rows already", 16));
    assert_int_equal(count(&db, "select count(*) from labs"), 3);
    database_close(&db);
    config_free(&config);
    buf_fini(&report);
    remove_dir(dir);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_maker_makes_what_it_says),
        cmocka_unit_test(the_scale_multiplies_every_count),
        cmocka_unit_test(chance_keeps_to_its_bounds),
        cmocka_unit_test(the_same_file_makes_the_same_rows),
        cmocka_unit_test(a_day_of_the_portal_is_what_it_promises),
        cmocka_unit_test(mistakes_say_where_and_what),
        cmocka_unit_test(rows_reach_the_database_once),
    };

    portal_dir = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
