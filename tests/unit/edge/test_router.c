/* SPDX-License-Identifier: MIT */
/*
 * Which route a path finds, and which paths find none.
 * Threads: loop.
 */
#include "../check.h"

#include "edge/edge.h"
#include "edge/router.h"

static void handler(struct exchange *x)
{
}

static const struct route routes[] = {
    {HTTP_GET, "/", handler},
    {HTTP_GET, "/api/v1/stops", handler},
    {HTTP_POST, "/api/v1/stops", handler},
    {HTTP_GET, "/api/v1/stops/:id", handler},
    {HTTP_PATCH, "/api/v1/stops/:id", handler},
    {HTTP_GET, "/api/v1/stops/near", handler},
    {HTTP_GET, "/api/v1/stops/:id/photos/:photo", handler},
    {HTTP_GET, "/api/v1/stops/near/by/foot", handler},
    {HTTP_GET, "/pages/*path", handler},
    {HTTP_HEAD, "/head", handler},
};

static struct router *router;

static int set_up(void **state)
{
    assert_int_equal(router_new(&router), 0);
    for (size_t i = 0; i < ARRAY_LEN(routes); i++)
        assert_int_equal(router_add(router, &routes[i]), 0);
    return 0;
}

static int tear_down(void **state)
{
    router_free(&router);
    return 0;
}

static void check_found(const char *path, enum http_method method, int route,
                        const char *first, const char *second)
{
    struct router_match m;

    if (router_find(router, bytes_of(path), method, &m) != ROUTER_FOUND)
        fail_msg("nothing at %s", path);
    assert_ptr_equal(m.route, &routes[route]);
    check_bytes(m.params[0], first);
    check_bytes(m.params[1], second);
}

static void test_literals_go_before_parameters(void **state)
{
    check_found("/", HTTP_GET, 0, "", "");
    check_found("/api/v1/stops", HTTP_GET, 1, "", "");
    check_found("/api/v1/stops", HTTP_HEAD, 1, "", "");
    check_found("/api/v1/stops", HTTP_POST, 2, "", "");
    check_found("/api/v1/stops/7", HTTP_GET, 3, "7", "");
    check_found("/api/v1/stops/7", HTTP_PATCH, 4, "7", "");
    check_found("/api/v1/stops/near", HTTP_GET, 5, "", "");
    check_found("/api/v1/stops/nea", HTTP_GET, 3, "nea", "");
    check_found("/api/v1/stops/7/photos/9", HTTP_GET, 6, "7", "9");
    /* Back from a literal that led nowhere. */
    check_found("/api/v1/stops/near/photos/9", HTTP_GET, 6, "near", "9");
    check_found("/api/v1/stops/near", HTTP_PATCH, 4, "near", "");
    check_found("/pages/a/b.css", HTTP_GET, 8, "a/b.css", "");
    check_found("/pages/", HTTP_GET, 8, "", "");
    check_found("/head", HTTP_HEAD, 9, "", "");
}

static void test_what_is_not_there(void **state)
{
    static const char *const paths[] = {
        "",
        "x",
        "/api",
        "/api/v1/stops/",
        "/api/v1/stops/7/",
        "/pages",
        "/api/v1/stop",
        "/API/v1/stops",
        "*",
    };
    struct router_match m;

    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        assert_int_equal(router_find(router, bytes_of(paths[i]), HTTP_GET, &m),
                         ROUTER_NOT_FOUND);
    assert_int_equal(router_find(router, BYTES("/nowhere"), HTTP_OTHER, &m),
                     ROUTER_NOT_FOUND);
}

static void test_a_known_path_with_another_method(void **state)
{
    struct router_match m;

    assert_int_equal(
        router_find(router, BYTES("/api/v1/stops"), HTTP_DELETE, &m),
        ROUTER_NOT_ALLOWED);
    assert_int_equal(m.allowed, 1u << HTTP_GET | 1u << HTTP_POST);
    assert_int_equal(
        router_find(router, BYTES("/api/v1/stops"), HTTP_OTHER, &m),
        ROUTER_NOT_ALLOWED);
}

static void test_bad_templates_are_refused(void **state)
{
    static const struct route bad[] = {
        {HTTP_GET, "", handler},         {HTTP_GET, "a", handler},
        {HTTP_GET, "/*rest/x", handler}, {HTTP_GET, "/:a/:b/:c/:d/:e", handler},
        {HTTP_OTHER, "/x", handler},
    };
    static const struct route again = {HTTP_GET, "/api/v1/stops/:other",
                                       handler};

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(router_add(router, &bad[i]), ERR_INVALID);
    assert_int_equal(router_add(router, &again), ERR_EXISTS);
}

#define ONE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

RUN(ONE(test_literals_go_before_parameters), ONE(test_what_is_not_there),
    ONE(test_a_known_path_with_another_method),
    ONE(test_bad_templates_are_refused))
