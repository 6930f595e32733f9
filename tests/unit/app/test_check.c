/* SPDX-License-Identifier: MIT */
/*
 * check - tables and columns that the application file names are looked up in
 * a database made of its migrations.
 * Threads: loop.
 */
#include "../check.h"
#include "app/config.h"
#include "app/database.h"
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define REPORT_MAX (64 << 10)

static char dir[] = "/tmp/fieldline-app-XXXXXX";

static void path_of(const char *name, char ret[64])
{
    snprintf(ret, 64, "%s/%s", dir, name);
}

static int make_migrations(void **state)
{
    char path[64];
    FILE *f;

    if (!mkdtemp(dir))
        return -1;
    path_of("migrations", path);
    if (mkdir(path, 0700) != 0)
        return -1;
    path_of("migrations/0001_shop.sql", path);
    f = fopen(path, "w");
    if (!f)
        return -1;
    fputs("create table orders (id integer primary key, shop_id integer, "
          "status text, total real);\n"
          "create table prices (code text primary key, price real);\n",
          f);
    return fclose(f);
}

static int remove_migrations(void **state)
{
    char path[64];

    path_of("migrations/0001_shop.sql", path);
    (void)unlink(path);
    path_of("migrations", path);
    (void)rmdir(path);
    return rmdir(dir);
}

static void check(const char *resources, int want, const char *says)
{
    struct config *config = NULL;
    struct buf text, report;

    buf_init(&text, REPORT_MAX);
    buf_init(&report, REPORT_MAX);
    buf_printf(&text, "app: shop\nauth: {roles: [BOSS]}\nresources:\n%s",
               resources);
    if (config_parse(&config, "t.yaml", buf_bytes(&text), dir, NULL, 0,
                     &report))
        fail_msg(BYTES_FMT, BYTES_ARG(report));
    assert_int_equal(database_check(config, &report), want);
    check_bytes(buf_bytes(&report), says);
    check_bytes(config->store_url, "sqlite:fieldline.db"); /* as it was */
    config_free(&config);
    buf_fini(&text);
    buf_fini(&report);
}

static void what_is_there_is_right(void **state)
{
    check("  orders: {visible: {tenant: shop_id}, filter: [status],\n"
          "    sort: [total], allow: {BOSS: {read: all, write: [status]}},\n"
          "    publish: {update: {type: DONE, when: {status: done}}}}\n"
          "  prices: {key: code, visible: everyone, allow: {BOSS: {read: all}}}"
          "\n",
          0, "");
}

static void columns_that_are_missing_are_found(void **state)
{
    check("  orders:\n"
          "    visible: {tenant: shop}\n"
          "    filter: [status, stauts]\n"
          "    allow: {BOSS: {read: [id, zzzzzzz], write: all}}\n"
          "    publish: {update: {type: DONE, when: {state: done}}}\n",
          ERR_INVALID,
          "t.yaml:5:23: error: the table 'orders' has no column 'shop'\n"
          "        visible: {tenant: shop}\n"
          "                          ^~~~ expected one of: id, shop_id, "
          "status, total\n"
          "t.yaml:6:22: error: the table 'orders' has no column 'stauts'\n"
          "        filter: [status, stauts]\n"
          "                         ^~~~~~ did you mean 'status'?\n"
          "t.yaml:7:31: error: the table 'orders' has no column 'zzzzzzz'\n"
          "        allow: {BOSS: {read: [id, zzzzzzz], write: all}}\n"
          "                                  ^~~~~~~ expected one of: id, "
          "shop_id, status, total\n"
          "t.yaml:8:43: error: the table 'orders' has no column 'state'\n"
          "        publish: {update: {type: DONE, when: {state: done}}}\n"
          "                                              ^~~~~ did you mean "
          "'status'?\n");
}

static void tables_and_keys_too(void **state)
{
    check("  orders: {table: oders, visible: everyone, allow: {BOSS: {read: "
          "all}}}\n",
          ERR_INVALID,
          "t.yaml:4:19: error: there is no table 'oders'\n"
          "      orders: {table: oders, visible: everyone, allow: {BOSS: "
          "{read: all}}}\n"
          "                      ^~~~~ expected a table that the migrations "
          "make\n");
    check("  prices: {visible: everyone, allow: {BOSS: {read: all}}}\n",
          ERR_INVALID,
          "t.yaml:1:1: error: the table 'prices' has no column 'id', the key "
          "by default\n"
          "    app: shop\n"
          "    ^ expected one of: code, price\n");
}

static void the_other_end_of_a_relation_too(void **state)
{
    check("  orders:\n"
          "    visible: everyone\n"
          "    allow: {BOSS: {read: all}}\n"
          "  prices:\n"
          "    key: code\n"
          "    visible: everyone\n"
          "    allow: {BOSS: {read: all}}\n"
          "    relations: {orders: {to: orders, by: price_code}}\n",
          ERR_INVALID,
          "t.yaml:11:42: error: the table 'orders' has no column "
          "'price_code'\n"
          "        relations: {orders: {to: orders, by: price_code}}\n"
          "                                             ^~~~~~~~~~ expected "
          "one of: id, shop_id, status, total\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_there_is_right),
        cmocka_unit_test(columns_that_are_missing_are_found),
        cmocka_unit_test(tables_and_keys_too),
        cmocka_unit_test(the_other_end_of_a_relation_too),
    };

    return cmocka_run_group_tests(tests, make_migrations, remove_migrations);
}
