/* SPDX-License-Identifier: MIT */
/*
 * test_tags - the oracle: whatever changed in the answer to a query, a tag
 * that the answer was stored under has moved.
 *
 * Schemas, queries and changes are random. Changes are made by SQL that knows
 * nothing of us, and reach the clock through the feed alone. How many answers
 * stayed valid is counted too: moving everything would pass the first claim.
 * Threads: the test's.
 */
#include "fixture.h"

#include "store/admin.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define TABLES  4
#define ROWS    12
#define TENANTS 3
#define USERS   3
#define WATCHED 60
#define ROUNDS  25
#define SCHEMAS 6

/* Every table has id, tenant, owner, a TEXT, n INT, b BOOL, t NOCASE, ref. */
struct random_spec {
    struct data_spec spec;
    struct resource_spec resources[TABLES + 2];
    struct relation_spec relations[TABLES + 2][2];
    struct allow_spec allow[1];
    struct bytes filters[TABLES + 2][4];
    char schema[4096];
    bool folded; /* keys are text that is compared without case: they have
                    no to-many relations */
};

static const struct bytes table_names[TABLES] = {BYTES("t0"), BYTES("t1"),
                                                 BYTES("t2"), BYTES("t3")};
static const struct bytes resource_names[TABLES + 2] = {
    BYTES("r0"), BYTES("r1"), BYTES("r2"),
    BYTES("r3"), BYTES("r4"), BYTES("r5")};
static const struct bytes columns[4] = {BYTES("a"), BYTES("n"), BYTES("b"),
                                        BYTES("t")};

static void PRINTF_LIKE(3, 4) add(char *text, size_t size, const char *fmt, ...)
{
    size_t at = strlen(text);
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text + at, size - at, fmt, args);
    va_end(args);
}

/* Two resources more than tables: some tables are seen in two ways. */
static void resource_random(struct random_spec *r, unsigned i, struct dice *d)
{
    struct resource_spec *spec = &r->resources[i];
    unsigned kind = dice_below(d, 4), filters = 0;

    *spec = (struct resource_spec){
        .name = resource_names[i],
        .table = table_names[i % TABLES],
        .key = BYTES("id"),
        .allow_count = 1,
        .allow = r->allow,
        .relation_count = r->folded ? 1 : 2,
        .relations = r->relations[i],
        .page_default = 5,
    };
    spec->visible = kind == 0   ? VISIBLE_EVERYONE
                    : kind == 1 ? VISIBLE_USER
                                : VISIBLE_TENANT;
    if (kind >= 2 || (kind == 1 && dice_below(d, 2)))
        spec->tenant_column = BYTES("tenant");
    if (kind == 1)
        spec->user_column = BYTES("owner");
    for (unsigned k = 0; k < ARRAY_LEN(columns); k++) {
        if (dice_below(d, 3))
            r->filters[i][filters++] = columns[k];
    }
    spec->filter = (struct name_list){.count = filters, .names = r->filters[i]};
    spec->sort = (struct name_list){.count = 4, .names = columns};
    r->relations[i][0] =
        (struct relation_spec){.name = BYTES("one"),
                               .to = resource_names[dice_below(d, TABLES + 2)],
                               .on = BYTES("ref")};
    r->relations[i][1] =
        (struct relation_spec){.name = BYTES("many"),
                               .to = resource_names[dice_below(d, TABLES + 2)],
                               .by = BYTES("ref")};
}

static void spec_random(struct random_spec *r, struct dice *d)
{
    const char *key;

    memset(r, 0, sizeof(*r));
    r->folded = dice_below(d, 3) == 0;
    key = r->folded ? "TEXT COLLATE NOCASE" : "INTEGER";
    r->allow[0] =
        (struct allow_spec){.read = {.all = true}, .write = {.all = true}};
    for (unsigned i = 0; i < TABLES + 2; i++)
        resource_random(r, i, d);
    for (unsigned i = 0; i < TABLES; i++)
        add(r->schema, sizeof(r->schema),
            "CREATE TABLE t%u (id %s PRIMARY KEY, tenant %s, owner INTEGER,"
            " a TEXT, n INTEGER, b BOOLEAN, t TEXT COLLATE NOCASE,"
            " ref %s);",
            i, key, dice_below(d, 2) ? "TEXT" : "INTEGER", key);
    r->spec = (struct data_spec){TABLES + 2, r->resources};
}

static void key_random(char *text, size_t size, const struct random_spec *r,
                       struct dice *d)
{
    unsigned n = 1 + dice_below(d, ROWS);

    if (r->folded)
        add(text, size, "%c%u", dice_below(d, 2) ? 'k' : 'K', n);
    else
        add(text, size, "%u", n);
}

/* A key as SQL. */
static void sql_key_random(char *sql, size_t size, const struct random_spec *r,
                           struct dice *d)
{
    add(sql, size, "'");
    key_random(sql, size, r, d);
    add(sql, size, "'");
}

/* A value of a column as SQL. */
static void value_random(char *sql, size_t size, unsigned column,
                         struct dice *d)
{
    static const char *const texts[] = {"'x'", "'y'", "'q\"\\'", "'\xc3\xa4\n'",
                                        "NULL"};
    static const char *const folded[] = {"'one'", "'ONE'", "'two'", "NULL"};

    switch (column) {
    case 0:
        add(sql, size, "%s", texts[dice_below(d, 5)]);
        break;
    case 1:
        add(sql, size, dice_below(d, 5) ? "%u" : "NULL", dice_below(d, 3));
        break;
    case 2:
        add(sql, size, "%s", dice_below(d, 2) ? "TRUE" : "FALSE");
        break;
    default:
        add(sql, size, "%s", folded[dice_below(d, 4)]);
    }
}

static void insert_random(struct fixture *f, const struct random_spec *r,
                          struct dice *d)
{
    char sql[512] = "";

    add(sql, sizeof(sql), "INSERT OR %s INTO t%u VALUES (",
        dice_below(d, 2) ? "REPLACE" : "IGNORE", dice_below(d, TABLES));
    sql_key_random(sql, sizeof(sql), r, d);
    add(sql, sizeof(sql), ", %u, %u, ", 1 + dice_below(d, TENANTS),
        1 + dice_below(d, USERS));
    for (unsigned i = 0; i < 4; i++) {
        value_random(sql, sizeof(sql), i, d);
        add(sql, sizeof(sql), ", ");
    }
    sql_key_random(sql, sizeof(sql), r, d);
    add(sql, sizeof(sql), ")");
    fixture_sql(f, sql);
}

/* One column set to something, in some rows. */
static void assignment_random(char *sql, size_t size,
                              const struct random_spec *r, struct dice *d)
{
    unsigned column = dice_below(d, 4);

    switch (dice_below(d, 6)) {
    case 0:
        add(sql, size, "tenant = %u", 1 + dice_below(d, TENANTS));
        return;
    case 1:
        add(sql, size, "owner = %u", 1 + dice_below(d, USERS));
        return;
    case 2:
        add(sql, size, "ref = ");
        sql_key_random(sql, size, r, d);
        return;
    case 3:
        add(sql, size, "id = ");
        sql_key_random(sql, size, r, d);
        return;
    default:
        add(sql, size, BYTES_FMT " = ", BYTES_ARG(columns[column]));
        value_random(sql, size, column, d);
    }
}

static void change_random(struct fixture *f, const struct random_spec *r,
                          struct dice *d)
{
    unsigned table = dice_below(d, TABLES), what = dice_below(d, 10);
    char sql[512] = "";

    if (what < 3) {
        insert_random(f, r, d);
        return;
    }
    if (what == 3) {
        add(sql, sizeof(sql), "DELETE FROM t%u", table);
    } else {
        add(sql, sizeof(sql), "UPDATE OR IGNORE t%u SET ", table);
        assignment_random(sql, sizeof(sql), r, d);
    }
    if (dice_below(d, 8)) {
        add(sql, sizeof(sql), " WHERE id = ");
        sql_key_random(sql, sizeof(sql), r, d);
    }
    fixture_sql(f, sql);
}

/* Something asked, and what it was when it was stored. */
struct watched {
    unsigned resource;
    char key[16], query[256], tenant[4], user[4];
    struct got got;
    uint64_t stamp;
};

static void watch_random(struct watched *w, struct random_spec *r,
                         struct dice *d)
{
    static const char *const operands[4][4] = {
        {"eq.x", "eq.y", "not.eq.x", "in.x,y"},
        {"eq.0", "eq.1", "gt.0", "is.null"},
        {"eq.true", "eq.false", "is.true", "ne.true"},
        {"eq.one", "eq.TWO", "eq.two", "like.o%"}};
    const struct resource_spec *spec;
    char *q = w->query;

    memset(w, 0, sizeof(*w));
    w->resource = dice_below(d, TABLES + 2);
    spec = &r->resources[w->resource];
    (void)snprintf(w->tenant, sizeof(w->tenant), "%u",
                   1 + dice_below(d, TENANTS));
    (void)snprintf(w->user, sizeof(w->user), "%u", 1 + dice_below(d, USERS));
    add(q, sizeof(w->query), "fields=*%s%s", dice_below(d, 3) ? "" : ",one.*",
        r->folded || dice_below(d, 3) ? "" : ",many.a");
    if (dice_below(d, 3) == 0) {
        key_random(w->key, sizeof(w->key), r, d);
        return;
    }
    for (unsigned i = 0; i < spec->filter.count; i++) {
        unsigned k = 0;

        while (!bytes_equal(columns[k], spec->filter.names[i]))
            k++;
        if (dice_below(d, 3) == 0)
            add(q, sizeof(w->query), "&" BYTES_FMT "=%s", BYTES_ARG(columns[k]),
                operands[k][dice_below(d, 4)]);
    }
    if (dice_below(d, 2))
        add(q, sizeof(w->query), "&order=" BYTES_FMT "%s",
            BYTES_ARG(columns[dice_below(d, 4)]),
            dice_below(d, 2) ? ".desc" : "");
    if (dice_below(d, 4) == 0)
        add(q, sizeof(w->query), "&count=exact");
}

static void ask(struct fixture *f, const struct watched *w, struct got *ret)
{
    char resource[4] = {'r', (char)('0' + w->resource), '\0'};
    struct who who = {w->tenant, w->user, 1};

    fixture_item(f, who, resource, w->key[0] ? w->key : NULL, w->query, ret);
    if (ret->error && ret->error != ERR_NOT_FOUND)
        fail_msg("%s %s: %s", resource, w->query, ret->mistake.text);
}

struct tally {
    unsigned changed, kept, dropped;
};

/* The claim. A 404 is watched as well: its row may come. */
static void check_watched(struct fixture *f, struct watched *w,
                          struct tally *tally)
{
    bool valid = tagclock_valid(fixture_clock(f), &w->got.tags, w->stamp);
    struct got now;

    ask(f, w, &now);
    if (strcmp(now.body, w->got.body) == 0) {
        tally->kept += valid;
        tally->dropped += !valid;
        got_fini(&now);
        return;
    }
    if (valid && w->got.cacheable)
        fail_msg("r%u %s %s as %s of %s:\n was %s\n is  %s", w->resource,
                 w->key, w->query, w->user, w->tenant, w->got.body, now.body);
    tally->changed++;
    got_fini(&w->got);
    w->got = now;
    w->stamp = tagclock_stamp(fixture_clock(f));
}

static void one_schema(struct dice *d, struct tally *tally)
{
    static struct random_spec spec;
    static struct watched watched[WATCHED];
    struct fixture *f;
    uint64_t stamp;

    spec_random(&spec, d);
    f = fixture_new(&spec.spec, spec.schema);
    for (unsigned i = 0; i < ROWS * TABLES * 2; i++)
        insert_random(f, &spec, d);
    (void)fixture_follow(f, NULL, NULL);
    stamp = tagclock_stamp(fixture_clock(f));
    for (unsigned i = 0; i < WATCHED; i++) {
        watch_random(&watched[i], &spec, d);
        ask(f, &watched[i], &watched[i].got);
        watched[i].stamp = stamp;
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        change_random(f, &spec, d);
        (void)fixture_follow(f, NULL, NULL);
        for (unsigned i = 0; i < WATCHED; i++)
            check_watched(f, &watched[i], tally);
    }
    for (unsigned i = 0; i < WATCHED; i++)
        got_fini(&watched[i].got);
    fixture_free(f);
}

static void what_changed_has_a_tag_that_moved(void **state)
{
    struct tally tally = {0};
    struct dice d;

    dice_new(&d, __func__);
    for (unsigned i = 0; i < SCHEMAS; i++)
        one_schema(&d, &tally);
    print_message("changed %u, rightly kept %u, dropped for nothing %u\n",
                  tally.changed, tally.kept, tally.dropped);
    assert_true(tally.changed > 0);
    assert_true(tally.kept > tally.changed);
}

/* Narrow tags are narrow. */

static bool stays(struct fixture *f, struct who who, const char *resource,
                  const char *key, const char *query, const char *sql)
{
    struct got g;
    uint64_t stamp;
    bool valid;

    (void)fixture_follow(f, NULL, NULL);
    stamp = tagclock_stamp(fixture_clock(f));
    fixture_item(f, who, resource, key, query, &g);
    assert_int_equal(g.error, 0);
    fixture_sql(f, sql);
    (void)fixture_follow(f, NULL, NULL);
    valid = tagclock_valid(fixture_clock(f), &g.tags, stamp);
    got_fini(&g);
    return valid;
}

static void what_did_not_change_is_kept(void **state)
{
    struct fixture *f = lab_new();

    /* another row; another tenant; another value of the filter */
    assert_true(stays(f, manager, "stops", "1", "",
                      "UPDATE route_stops SET notes = 'a' WHERE id = 2"));
    assert_true(stays(f, manager, "stops", NULL, "",
                      "UPDATE route_stops SET notes = 'b' WHERE id = 4"));
    assert_true(stays(f, manager, "stops", NULL, "status=eq.pending",
                      "UPDATE route_stops SET notes = 'c' WHERE id = 2"));
    assert_true(stays(f, driver, "mine", NULL, "",
                      "UPDATE route_stops SET notes = 'd' WHERE id = 3"));
    assert_true(stays(f, manager, "countries", NULL, "",
                      "UPDATE route_stops SET notes = 'e'"));
    /* the row; a row of the value; what is joined; what moves in or out */
    assert_false(stays(f, manager, "stops", "1", "",
                       "UPDATE route_stops SET notes = 'f' WHERE id = 1"));
    assert_false(stays(f, manager, "stops", NULL, "status=eq.pending",
                       "UPDATE route_stops SET status = 'x' WHERE id = 1"));
    assert_false(stays(f, manager, "stops", NULL, "status=eq.x",
                       "UPDATE route_stops SET status = 'y' WHERE id = 1"));
    assert_false(stays(f, manager, "stops", NULL, "status=eq.z",
                       "UPDATE route_stops SET status = 'z' WHERE id = 1"));
    assert_false(stays(f, manager, "stops", "1", "fields=clinic.name",
                       "UPDATE clinics SET name = 'g' WHERE id = 1"));
    assert_false(stays(f, stranger, "stops", NULL, "",
                       "UPDATE route_stops SET lab_id = 2 WHERE id = 1"));
    assert_false(stays(f, stranger, "stops", NULL, "",
                       "UPDATE route_stops SET lab_id = 1 WHERE id = 1"));
    assert_false(stays(f, manager, "countries", NULL, "",
                       "UPDATE countries SET name = 'h' WHERE id = 'fr'"));
    /* its key is compared without case, so its tag cannot be its text's */
    assert_false(stays(f, manager, "clinics", NULL, "city=eq.BONN",
                       "UPDATE clinics SET name = 'i' WHERE id = 1"));
    fixture_free(f);
}

static bool stays_through(struct fixture *f, struct who who, const char *key,
                          const struct change *c)
{
    struct got g;
    bool valid;

    tagclock_restart(fixture_clock(f), 10);
    fixture_item(f, who, "stops", key, "", &g);
    data_change_apply(fixture_data(f), fixture_clock(f), c);
    valid = tagclock_valid(fixture_clock(f), &g.tags,
                           tagclock_stamp(fixture_clock(f)));
    got_fini(&g);
    return valid;
}

/* A reset says nothing of rows: items and filtered lists go as well. */
static void resets_and_purges(void **state)
{
    struct fixture *f = lab_new();
    struct change reset = {.offset = 11,
                           .op = CHANGE_RESET,
                           .table = BYTES("route_stops"),
                           .tenant = BYTES("1")};
    struct change purge = reset;

    assert_false(stays_through(f, manager, "1", &reset));
    assert_false(stays_through(f, manager, NULL, &reset));
    assert_true(stays_through(f, stranger, "4", &reset));
    reset.tenant = BYTES("");
    assert_false(stays_through(f, stranger, "4", &reset));
    reset.table = BYTES("clinics");
    reset.tenant = BYTES("1");
    assert_true(stays_through(f, manager, "1", &reset));
    purge.op = CHANGE_PURGE;
    purge.key = BYTES("1");
    assert_false(stays_through(f, manager, "1", &purge));
    assert_true(stays_through(f, manager, "2", &purge));
    purge.tenant = BYTES(""); /* whose, is not said */
    assert_false(stays_through(f, manager, "1", &purge));
    purge.table = BYTES("");
    assert_false(stays_through(f, manager, "2", &purge));
    reset.table = BYTES("unknown");
    assert_true(stays_through(f, manager, "1", &reset));
    reset.table = BYTES("");
    assert_false(stays_through(f, manager, "1", &reset));
    fixture_free(f);
}

/* A store may tell of a changed key in one row. */
static void a_changed_key_moves_both(void **state)
{
    static const char old[] =
        "{\"id\":1,\"lab_id\":1,\"driver_id\":11,\"status\":\"a\","
        "\"notes\":null,\"urgent\":true,\"position\":1,\"route_id\":1,"
        "\"clinic_id\":1,\"secret\":null}";
    struct fixture *f = lab_new();
    char now[sizeof(old)];
    struct change c = {.offset = 11,
                       .op = CHANGE_UPDATE,
                       .table = BYTES("route_stops"),
                       .key = BYTES("7"),
                       .tenant = BYTES("1"),
                       .old = bytes_of(old)};

    memcpy(now, old, sizeof(old));
    now[6] = '7';
    c.row = bytes_of(now);
    assert_false(stays_through(f, manager, "1", &c));
    assert_true(stays_through(f, manager, "2", &c));
    fixture_free(f);
}

/* What cannot be understood drops everything, and never keeps too much. */
static void a_bad_image_drops_everything(void **state)
{
    static const char *const images[] = {
        "", "{", "[]", "{\"id\":1}", "null", "{\"id\":1,\"lab_id\":1,}"};
    struct fixture *f = lab_new();

    for (size_t i = 0; i < ARRAY_LEN(images); i++) {
        struct change c = {.offset = 11,
                           .op = CHANGE_INSERT,
                           .table = BYTES("route_stops"),
                           .key = BYTES("77"),
                           .tenant = BYTES("1"),
                           .row = bytes_of(images[i])};

        assert_false(stays_through(f, stranger, "4", &c));
    }
    fixture_free(f);
}

RUN(cmocka_unit_test(what_changed_has_a_tag_that_moved),
    cmocka_unit_test(what_did_not_change_is_kept),
    cmocka_unit_test(resets_and_purges),
    cmocka_unit_test(a_changed_key_moves_both),
    cmocka_unit_test(a_bad_image_drops_everything))
