/* SPDX-License-Identifier: MIT */
/*
 * config - what a file becomes, and every kind of mistake with its message.
 *
 * mistakes.golden holds the messages: "=== title", the file, ">>>", the
 * report. With --write as the second argument the reports are written anew,
 * for a person to read the difference.
 * Threads: loop.
 */
#include "app/config.h"
#include "app/text_file.h"
#include "app/setting.h"
#include "../check.h"
#include "base/blob.h"
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define GOLDEN_MAX (1 << 20)
#define SECRET_VAR "FIELDLINE_TEST_SECRET"

static const char *golden_path;

static void parse(const char *text, const struct config_override *o, size_t n,
                  struct config **ret, struct buf *report)
{
    int error =
        config_parse(ret, "t.yaml", bytes_of(text), "/app", o, n, report);

    if (error)
        fail_msg("%s: " BYTES_FMT, error_name(error), BYTES_ARG(*report));
}

static void report_of(struct bytes text, struct buf *report)
{
    struct config *config = NULL;
    int error = config_parse(&config, "t.yaml", text, "/app", NULL, 0, report);

    assert_int_equal(error == 0, report->len == 0);
    assert_true(error == 0 || error == ERR_INVALID);
    config_free(&config);
}

/* One case: appends it to fresh, with the report that there is now. */
static void replay(struct bytes title, struct bytes file, struct buf *fresh)
{
    struct buf report;

    buf_init(&report, GOLDEN_MAX);
    report_of(file, &report);
    buf_printf(fresh, "=== " BYTES_FMT "\n" BYTES_FMT ">>>\n" BYTES_FMT,
               BYTES_ARG(title), BYTES_ARG(file),
               BYTES_ARG(buf_bytes(&report)));
    buf_fini(&report);
}

static struct bytes until(struct bytes *rest, const char *mark)
{
    const char *end = memmem(rest->at, rest->len, mark, strlen(mark));
    struct bytes before = *rest;

    before.len = end ? (size_t)(end - rest->at) : rest->len;
    *rest = bytes_skip(*rest, before.len + (end ? strlen(mark) : 0));
    return before;
}

static void mistakes_read_as_written(void **state)
{
    struct blob *golden = NULL;
    struct buf fresh;
    struct bytes rest;

    buf_init(&fresh, GOLDEN_MAX);
    assert_int_equal(text_file_read(bytes_of(golden_path), GOLDEN_MAX, "cases",
                                    &golden, &fresh),
                     0);
    rest = blob_bytes(golden);
    until(&rest, "=== ");
    while (rest.len > 0) {
        struct bytes title = until(&rest, "\n");
        struct bytes file = until(&rest, ">>>\n");

        replay(title, file, &fresh);
        until(&rest, "=== ");
    }
    assert_int_equal(buf_error(&fresh), 0);
    if (*state) {
        FILE *f = fopen(golden_path, "w");

        assert_non_null(f);
        assert_int_equal(fwrite(fresh.at, 1, fresh.len, f), fresh.len);
        fclose(f);
    } else {
        assert_true(golden->len > 1000);
        buf_append_char(&fresh, '\0');
        check_bytes(blob_bytes(golden), fresh.at);
    }
    blob_unref(&golden);
    buf_fini(&fresh);
}

static void settings_have_their_defaults(void **state)
{
    struct config *c;
    struct buf report;

    buf_init(&report, GOLDEN_MAX);
    parse("app: desk\nauth: {roles: [BOSS]}\n", NULL, 0, &c, &report);
    check_bytes(c->app, "desk");
    check_bytes(c->listen.host, "127.0.0.1");
    assert_int_equal(c->listen.port, 8080);
    check_bytes(c->store_url, "sqlite:fieldline.db");
    check_bytes(c->data_dir, "/app/.data");
    check_bytes(c->secret_env, "FIELDLINE_SECRET");
    check_bytes(c->edge.auth.tenant_claim, "tenant");
    check_bytes(c->edge.auth.user_claim, "sub");
    assert_int_equal(c->edge.auth.leeway_s, 30);
    assert_int_equal(c->edge.cache_bytes_max, 64 << 20);
    assert_int_equal(c->hub.ping_ms, 25000);
    assert_int_equal(c->hub.timeout_ms, 60000);
    assert_int_equal(c->hub.message_bytes_max, 1 << 20);
    assert_int_equal(c->feed.keep_ms, 7 * 86400000);
    assert_int_equal(c->edge.connections_max, 20000);
    assert_int_equal(c->log, LOG_INFO);
    assert_int_equal(c->pages_dir.len, 0);
    config_free(&c);
    buf_fini(&report);
}

static const char portal[] =
    "app: portal\n"
    "listen: '[::1]:0'\n"
    "auth: {tenant: lab_id, roles: [BOSS, DRIVER]}\n"
    "cache: {classes: {stop: {ttl: 1m, swr: 30s, entries: 7}, list: {}}}\n"
    "resources:\n"
    "  stops:\n"
    "    table: route_stops\n"
    "    visible: {user: driver_id, tenant: lab_id}\n"
    "    relations: {route: {to: routes, on: route_id}}\n"
    "    filter: [status]\n"
    "    sort: position\n"
    "    cache: {item: stop}\n"
    "    allow:\n"
    "      DRIVER: {read: all, write: [status], create: yes}\n"
    "      BOSS: {read: [id], write: all, delete: no}\n"
    "    publish:\n"
    "      update: [{type: DONE, when: {status: done}}, CHANGED]\n"
    "  routes:\n"
    "    visible: {tenant: lab_id}\n"
    "    relations: {stops: {to: stops, by: route_id}}\n"
    "    allow: {BOSS: {read: all}}\n"
    "messages:\n"
    "  MOVED: {from: [DRIVER], to: role:BOSS, moves: routes, key: id,\n"
    "          debounce: 100ms, any: [BOSS]}\n";

static void resources_become_structs(void **state)
{
    const struct resource_spec *stops;
    const struct message_spec *moved;
    struct config *c;
    struct buf report;

    buf_init(&report, GOLDEN_MAX);
    parse(portal, NULL, 0, &c, &report);
    assert_int_equal(c->listen.port, 0);
    check_bytes(c->listen.host, "::1");
    assert_int_equal(c->data.resource_count, 2);
    stops = &c->data.resources[0];
    check_bytes(stops->name, "stops");
    check_bytes(stops->table, "route_stops");
    check_bytes(stops->key, "id");
    assert_int_equal(stops->visible, VISIBLE_USER);
    check_bytes(stops->user_column, "driver_id");
    check_bytes(stops->tenant_column, "lab_id");
    check_bytes(stops->relations[0].to, "routes");
    check_bytes(stops->sort.names[0], "position");
    assert_int_equal(stops->item_class, 0);
    assert_int_equal(stops->list_class, -1);
    assert_int_equal(stops->allow[0].role, 1);
    assert_true(stops->allow[0].read.all && stops->allow[0].create);
    assert_false(stops->allow[0].write.all || stops->allow[0].remove);
    assert_true(stops->allow[1].create && stops->allow[1].write.all);
    assert_false(stops->allow[1].remove || stops->allow[1].read.all);
    assert_int_equal(stops->on_update.count, 2);
    check_bytes(stops->on_update.rules[0].when_column, "status");
    check_bytes(stops->on_update.rules[0].when_value, "done");
    check_bytes(stops->on_update.rules[1].type, "CHANGED");
    assert_int_equal(stops->on_insert.count, 0);
    assert_int_equal(stops->page_default, 25);
    check_bytes(c->data.resources[1].table, "routes");
    check_bytes(c->data.resources[1].relations[0].by, "route_id");
    assert_int_equal(c->edge.classes[0].entries_max, 7);
    assert_int_equal(c->edge.classes[1].ttl_ms, 300000);
    moved = &c->hub.messages[0];
    assert_int_equal(moved->from, 2);
    assert_int_equal(moved->to, MESSAGE_TO_ROLE);
    assert_int_equal(moved->to_role, 0);
    assert_int_equal(moved->key_any, 1);
    assert_int_equal(moved->debounce_ms, 100);
    assert_true(moved->latest);
    check_bytes(moved->lat, "lat");
    config_free(&c);
    buf_fini(&report);
}

static void columns_are_remembered_with_their_resource(void **state)
{
    struct config *c;
    struct buf report;
    unsigned stops = 0, routes = 0;

    buf_init(&report, GOLDEN_MAX);
    parse(portal, NULL, 0, &c, &report);
    for (const struct config_column *one = c->columns; one; one = one->next) {
        bool of_stops = bytes_equal(one->resource, BYTES("stops"));

        stops += of_stops;
        routes += !of_stops;
        if (one->at > 0) /* not a default: it stands where it is said to */
            assert_memory_equal(portal + one->at, one->column.at,
                                one->column.len);
    }
    /* the table, key, user, tenant, on, filter, sort, write, read, when */
    assert_int_equal(stops, 11);
    /* the table, key, tenant, by */
    assert_int_equal(routes, 3);
    config_free(&c);
    buf_fini(&report);
}

static void flags_win_over_variables_and_the_file(void **state)
{
    char names[CONFIG_OVERRIDES_MAX][CONFIG_ENV_MAX];
    struct config_override o[CONFIG_OVERRIDES_MAX];
    struct config *c;
    struct buf report;
    size_t count;

    buf_init(&report, GOLDEN_MAX);
    setenv("FIELDLINE_LISTEN", "127.0.0.1:1", 1);
    setenv("FIELDLINE_FEED_POLL", "50ms", 1);
    setenv("FIELDLINE_WORKERS", "", 1);
    count = config_env_overrides(o, CONFIG_OVERRIDES_MAX - 2, names);
    assert_int_equal(count, 2);
    o[count++] = (struct config_override){
        config_setting_of_flag(BYTES("--listen")), "--listen", "0.0.0.0:2"};
    o[count++] = (struct config_override){
        config_setting_of_flag(BYTES("--data")), "--data", "here"};
    parse("app: desk\nlisten: 127.0.0.1:3\nauth: {roles: [BOSS]}\n", o, count,
          &c, &report);
    assert_int_equal(c->listen.port, 2);
    assert_int_equal(c->feed.poll_ms, 50);
    check_bytes(c->data_dir, "here"); /* not below the application */
    config_free(&c);
    unsetenv("FIELDLINE_LISTEN");
    unsetenv("FIELDLINE_FEED_POLL");
    unsetenv("FIELDLINE_WORKERS");
    buf_fini(&report);
}

static void a_wrong_flag_is_named(void **state)
{
    const struct config_override o = {
        config_setting_of_flag(BYTES("--hub-ping")), "--hub-ping", "soon"};
    struct config *c = NULL;
    struct buf report;

    buf_init(&report, GOLDEN_MAX);
    assert_int_equal(config_parse(&c, "t.yaml",
                                  BYTES("app: x\nauth: {roles: [A]}\n"), ".",
                                  &o, 1, &report),
                     ERR_INVALID);
    assert_null(c);
    check_bytes(
        buf_bytes(&report),
        "--hub-ping: error: 'soon' is not a value for 'hub.ping'\n"
        "    soon\n"
        "    ^~~~ expected a duration such as 250ms, 30s, 5m, 1h or 7d\n");
    assert_null(config_setting_of_flag(BYTES("--auth-roles")));
    assert_null(config_setting_of_flag(BYTES("--nothing")));
    buf_fini(&report);
}

static void too_many_mistakes_are_counted(void **state)
{
    struct buf text, report;
    struct config *c = NULL;

    buf_init(&text, GOLDEN_MAX);
    buf_init(&report, GOLDEN_MAX);
    buf_append(&text, BYTES("app: x\nauth: {roles: [A]}\n"));
    for (int i = 0; i < 60; i++)
        buf_printf(&text, "wrong%d: 1\n", i);
    assert_int_equal(
        config_parse(&c, "t.yaml", buf_bytes(&text), ".", NULL, 0, &report),
        ERR_INVALID);
    assert_true(bytes_ends(buf_bytes(&report), BYTES("t.yaml: and 10 more\n")));
    buf_fini(&text);
    buf_fini(&report);
}

static void large_and_binary_files_are_refused(void **state)
{
    static char large[600 << 10];
    struct buf report;

    buf_init(&report, GOLDEN_MAX);
    memset(large, '#', sizeof(large));
    report_of((struct bytes){large, sizeof(large)}, &report);
    assert_non_null(memmem(report.at, report.len, "too large", 9));
    buf_clear(&report);
    report_of(BYTES("app: \xff\xfe\n"), &report);
    assert_non_null(memmem(report.at, report.len, "not text", 8));
    buf_clear(&report);
    report_of(BYTES("app: x\0y\n"), &report);
    assert_non_null(memmem(report.at, report.len, "not text", 8));
    buf_fini(&report);
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
    struct buf report;

    buf_init(&report, GOLDEN_MAX);
    report_of(BYTES("app: x\nauth: {roles: [A], \"\\e[31mred\": 1}\n"),
              &report);
    assert_null(memchr(report.at, 0x1b, report.len));
    buf_fini(&report);
}

static void check_secret(const char *value, const char *file, int want,
                         const char *says)
{
    struct config *c;
    struct buf report;

    buf_init(&report, GOLDEN_MAX);
    if (value)
        setenv(SECRET_VAR, value, 1);
    if (file)
        setenv(SECRET_VAR "_FILE", file, 1);
    parse("app: x\nauth: {roles: [A], jwt: {secret_env: " SECRET_VAR "}}\n",
          NULL, 0, &c, &report);
    assert_int_equal(config_secret_load(c, &report), want);
    if (want == 0)
        check_bytes(c->edge.auth.secret, says);
    else
        assert_non_null(memmem(report.at, report.len, says, strlen(says)));
    config_free(&c);
    unsetenv(SECRET_VAR);
    unsetenv(SECRET_VAR "_FILE");
    buf_fini(&report);
}

static void secrets_come_from_the_environment_or_a_file(void **state)
{
    const char *long_enough = "0123456789abcdef0123456789abcdef";
    char path[] = "/tmp/fieldline-secret-XXXXXX";
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(dprintf(fd, "%s\n", long_enough), 33);
    close(fd);
    check_secret(long_enough, NULL, 0, long_enough);
    check_secret(NULL, path, 0, long_enough);
    check_secret(NULL, NULL, ERR_INVALID, "openssl rand -hex 32");
    check_secret("short", NULL, ERR_INVALID, "too short");
    check_secret(NULL, "/nowhere/at/all", ERR_NOT_FOUND, "/nowhere/at/all");
    assert_int_equal(truncate(path, 31), 0);
    check_secret(NULL, path, ERR_INVALID, "too short");
    unlink(path);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(mistakes_read_as_written,
                                  argc > 2 ? argv[2] : NULL),
        cmocka_unit_test(settings_have_their_defaults),
        cmocka_unit_test(resources_become_structs),
        cmocka_unit_test(columns_are_remembered_with_their_resource),
        cmocka_unit_test(flags_win_over_variables_and_the_file),
        cmocka_unit_test(a_wrong_flag_is_named),
        cmocka_unit_test(too_many_mistakes_are_counted),
        cmocka_unit_test(large_and_binary_files_are_refused),
        cmocka_unit_test(control_characters_do_not_reach_the_terminal),
        cmocka_unit_test(secrets_come_from_the_environment_or_a_file),
    };

    golden_path = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
