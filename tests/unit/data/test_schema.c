/* SPDX-License-Identifier: MIT */
/*
 * test_schema - what the application file says is looked for in the database,
 * and every mistake is named.
 * Threads: the test's.
 */
#include "fixture.h"

#include "store/admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char tables[] =
    "CREATE TABLE a (id INTEGER PRIMARY KEY, lab INTEGER, other INTEGER,"
    " name TEXT, folded TEXT COLLATE NOCASE, doc JSON, raw BLOB);"
    "CREATE TABLE b (x INTEGER, y INTEGER, lab INTEGER, PRIMARY KEY (x, y));"
    "CREATE TABLE c (id TEXT PRIMARY KEY, lab INTEGER, a_id INTEGER);";

static const struct bytes lab[] = {BYTES("lab")};
static const struct bytes nothing[] = {BYTES("nothing")};
static const struct bytes doc[] = {BYTES("doc")};
static const struct bytes raw[] = {BYTES("raw")};

/* A good resource, to be spoilt. */
static struct resource_spec good(void)
{
    return (struct resource_spec){
        .name = BYTES("as"),
        .table = BYTES("a"),
        .key = BYTES("id"),
        .visible = VISIBLE_TENANT,
        .tenant_column = BYTES("lab"),
        .filter = {.count = 1, .names = lab},
    };
}

struct bare {
    char dir[64];
    struct store *store;
    struct admin *admin;
};

static int setup(void **state)
{
    struct bare *b = calloc(1, sizeof(*b));
    struct store_detail detail;
    struct store_options o = {.url = BYTES("sqlite:test.db"), .create = true};

    strcpy(b->dir, "/tmp/fieldline-schema-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    o.data_dir = bytes_of(b->dir);
    assert_int_equal(store_open(&b->store, &o, &detail), 0);
    assert_int_equal(admin_open(&b->admin, b->store, &detail), 0);
    assert_int_equal(admin_script(b->admin, bytes_of(tables), &detail), 0);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    static const char *const files[] = {"test.db", "test.db-wal",
                                        "test.db-shm"};
    struct bare *b = *state;
    char path[128];

    admin_close(&b->admin);
    store_close(&b->store);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", b->dir, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(b->dir);
    free(b);
    return 0;
}

/* want NULL: it is good */
static void check_spec(struct bare *b, const struct resource_spec *resources,
                       unsigned count, const char *want)
{
    struct data_spec spec = {count, resources};
    struct store_detail detail = {.text = ""};
    struct data *d = NULL;
    int error = data_new(&d, &spec, b->store, b->admin, &detail);

    if (error != (want ? ERR_INVALID : 0) ||
        (want && !strstr(detail.text, want)))
        fail_msg("got %s '%s', want '%s'", error_name(error), detail.text,
                 want ? want : "");
    data_free(&d);
}

static void names_the_mistake(void **state)
{
    static const struct relation_spec bad_to = {BYTES("x"), BYTES("y"),
                                                BYTES("other"), BYTES("")};
    static const struct relation_spec taken = {BYTES("name"), BYTES("as"),
                                               BYTES("other"), BYTES("")};
    static const struct relation_spec kinds = {BYTES("x"), BYTES("as"),
                                               BYTES("name"), BYTES("")};
    static const struct allow_spec allow = {
        .role = 1, .read = {.count = 1, .names = nothing}};
    struct resource_spec r = good();

    check_spec(*state, &r, 1, NULL);
    r.table = BYTES("z");
    check_spec(*state, &r, 1, "resource 'as': there is no table 'z'");
    r.table = BYTES("b");
    check_spec(*state, &r, 1, "primary key of one column, it has 2");
    r = good();
    r.key = BYTES("name");
    check_spec(*state, &r, 1, "expected key 'id'");
    r = good();
    r.tenant_column = BYTES("nothing");
    check_spec(*state, &r, 1, "visible.tenant names the column 'nothing'");
    r.tenant_column = BYTES("");
    check_spec(*state, &r, 1, "expected visible.tenant to name a column");
    r.tenant_column = BYTES("folded");
    check_spec(*state, &r, 1, "equal only byte by byte");
    r = good();
    r.filter.names = nothing;
    check_spec(*state, &r, 1, "filter names the column 'nothing'");
    r.filter.names = raw;
    check_spec(*state, &r, 1, "filter names 'raw', which holds bytes");
    r = good();
    r.sort = (struct name_list){.count = 1, .names = doc};
    check_spec(*state, &r, 1, "sort names 'doc', which has no order");
    r = good();
    r.allow_count = 1;
    r.allow = &allow;
    check_spec(*state, &r, 1, "read names the column 'nothing'");
    r = good();
    r.relation_count = 1;
    r.relations = &bad_to;
    check_spec(*state, &r, 1, "relation 'x' expected");
    r.relations = &taken;
    check_spec(*state, &r, 1, "relation 'name' expected a name that is no");
    r.relations = &kinds;
    check_spec(*state, &r, 1, "joins columns of different kinds");
}

static void resources_of_one_table_agree(void **state)
{
    struct resource_spec two[2] = {good(), good()};

    two[1].name = BYTES("more");
    check_spec(*state, two, 2, NULL);
    two[1].tenant_column = BYTES("other");
    check_spec(*state, two, 2, "already has the tenant column 'lab'");
}

static void asks_for_old_values(void **state)
{
    static const struct publish_rule rule = {.type = BYTES("T"),
                                             .when_column = BYTES("name"),
                                             .when_value = BYTES("x")};
    struct resource_spec two[2] = {good(), good()};
    struct data_spec spec = {2, two};
    struct publish_spec p[4];

    two[0].visible = VISIBLE_EVERYONE;
    two[0].tenant_column = BYTES("");
    two[1].visible = VISIBLE_USER;
    two[1].user_column = BYTES("other");
    two[1].on_update = (struct publish_rules){1, &rule};
    assert_int_equal(data_publish_specs(&spec, p, ARRAY_LEN(p)), 1);
    check_bytes(p[0].table, "a");
    check_bytes(p[0].key, "id");
    check_bytes(p[0].tenant, "lab");
    assert_int_equal(p[0].old_count, 4);
    check_bytes(p[0].old[0], "id");
    check_bytes(p[0].old[1], "lab");
    check_bytes(p[0].old[2], "other");
    check_bytes(p[0].old[3], "name");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

RUN(TEST(names_the_mistake), TEST(resources_of_one_table_agree),
    TEST(asks_for_old_values))
