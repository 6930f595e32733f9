/* SPDX-License-Identifier: MIT */
/*
 * test_rest - resources over real HTTP, with the cache in between: statuses,
 * headers, problems, and never another's rows.
 * Threads: see rig.h.
 */
#include "../data/fixture.h"
#include "../edge/rig.h"

#include "rest/rest.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>

static struct rig rig;
static struct fixture *lab;
static struct store_session *session;
static struct data_worker *worker;

static void routes(struct rig *r)
{
    assert_int_equal(rest_routes(fixture_data(lab), r->edge), 0);
}

static void worker_open(struct rig *r, struct edge_worker *ew)
{
    assert_int_equal(store_session_open(&session, fixture_store(lab),
                                        worker_loop(edge_worker_worker(ew)),
                                        NULL),
                     0);
    assert_int_equal(
        data_worker_new(&worker, fixture_data(lab), session, r->clock), 0);
    edge_worker_slot_set(ew, EDGE_SLOT_DATA, worker);
}

static void worker_close(struct rig *r, struct edge_worker *ew)
{
    edge_worker_slot_set(ew, EDGE_SLOT_DATA, NULL);
    data_worker_free(&worker);
    store_session_close(&session);
}

static int set_up(void **state)
{
    lab = lab_new();
    /* The rig's horizon is 10: what is written here comes after it. */
    for (unsigned i = 0; i < 20; i++)
        fixture_sql(lab, "UPDATE labs SET name = name;"
                         "UPDATE countries SET name = name");
    rig_init(&rig);
    rig.workers = 1;
    rig.routes_fn = routes;
    rig_start(&rig);
    fixture_clock_also(lab, rig.clock);
    rig_on_worker(&rig, 0, worker_open);
    return 0;
}

static int tear_down(void **state)
{
    rig_on_worker(&rig, 0, worker_close);
    fixture_clock_also(lab, NULL);
    rig_stop(&rig);
    fixture_free(lab);
    return 0;
}

static const char *dispatcher(void)
{
    return rig_token(&rig, "10", "1", "DISPATCH");
}

static const char *courier(void)
{
    return rig_token(&rig, "11", "1", "DRIVE");
}

static const struct answer *get(struct client *c, const char *target,
                                const char *lines)
{
    char path[1024];

    (void)snprintf(path, sizeof(path), "/api/v1%s", target);
    return client_get(c, path, lines);
}

static const struct answer *sent(struct client *c, const char *method,
                                 const char *target, const char *lines,
                                 const char *body)
{
    char text[4096];

    (void)snprintf(text, sizeof(text),
                   "%s /api/v1%s HTTP/1.1\r\nHost: t\r\n%s"
                   "Content-Type: application/json; charset=utf-8\r\n"
                   "Content-Length: %zu\r\n\r\n%s",
                   method, target, lines, strlen(body), body);
    client_send(c, text);
    return client_answer(c, CLIENT_BODY);
}

static void check_answer(const struct answer *a, unsigned status,
                         const char *part)
{
    if (a->status != status || (part && !strstr(a->body, part)))
        fail_msg("got %u %s, want %u %s", a->status, a->body, status,
                 part ? part : "");
}

/* Pages. */

static void a_list_links_to_its_next_page(void **state)
{
    struct client *c = client_open(&rig, 0);
    const struct answer *a =
        get(c, "/stops?limit=2&fields=id&status=not.is.null", dispatcher());
    char link[512], next[512], *end;

    check_answer(a, 200, "{\"data\":[{\"id\":1},{\"id\":2}],\"next\":\"");
    assert_string_equal(answer_header(a, "content-type"), "application/json");
    (void)snprintf(link, sizeof(link), "%s", answer_header(a, "link"));
    if (strncmp(link,
                "</api/v1/stops?limit=2&fields=id&status=not.is.null&"
                "cursor=",
                59) != 0)
        fail_msg("%s", link);
    end = strstr(link, ">; rel=\"next\"");
    assert_non_null(end);
    *end = '\0';
    (void)snprintf(next, sizeof(next), "%s", link + strlen("</api/v1"));
    a = get(c, next, dispatcher());
    check_answer(a, 200, "{\"data\":[{\"id\":3}],\"next\":null}");
    assert_null(answer_header(a, "link"));
    client_close(&c);
}

static void a_mistake_is_a_problem(void **state)
{
    struct client *c = client_open(&rig, 0);
    const struct answer *a = get(c, "/stops?limit=0", dispatcher());

    check_answer(a, 400, "limit: got '0', expected a whole number from 1 to");
    assert_non_null(strstr(a->body, "urn:fieldline:problem:invalid-parameter"));
    check_answer(get(c, "/stops?status=eq.%zz", dispatcher()), 400, "escape");
    check_answer(get(c, "/stops?status=eq.%00", dispatcher()), 400, NULL);
    check_answer(get(c, "/stops/1?limit=1", dispatcher()), 400,
                 "limit: expected no parameter but fields");
    check_answer(get(c, "/stops/4", dispatcher()), 404, NULL);
    check_answer(get(c, "/stops/four", dispatcher()), 404, NULL);
    check_answer(get(c, "/nothing", dispatcher()), 404, NULL);
    client_close(&c);
}

static void head_is_a_get_without_a_body(void **state)
{
    struct client *c = client_open(&rig, 0);
    char text[2048];
    const struct answer *a;

    (void)snprintf(text, sizeof(text),
                   "HEAD /api/v1/stops/1 HTTP/1.1\r\nHost: t\r\n%s\r\n",
                   dispatcher());
    client_send(c, text);
    a = client_answer(c, CLIENT_NO_BODY);
    assert_int_equal(a->status, 200);
    assert_non_null(answer_header(a, "etag"));
    client_close(&c);
}

/* Writes. */

static void a_row_lives_its_life(void **state)
{
    struct client *c = client_open(&rig, 0);
    char etag[128], lines[2048];
    const struct answer *a = sent(c, "POST", "/stops", dispatcher(),
                                  "{\"clinic_id\":1,\"notes\":\"new\"}");

    check_answer(a, 201, "\"notes\":\"new\"");
    assert_string_equal(answer_header(a, "location"), "/api/v1/stops/5");
    assert_non_null(answer_header(a, "fieldline-position"));
    (void)snprintf(etag, sizeof(etag), "%s", answer_header(a, "etag"));
    a = get(c, "/stops/5", dispatcher());
    check_answer(a, 200, "\"notes\":\"new\"");
    assert_string_equal(answer_header(a, "etag"), etag);
    (void)snprintf(lines, sizeof(lines), "%sIf-None-Match: %s\r\n",
                   dispatcher(), etag);
    check_answer(get(c, "/stops/5", lines), 304, NULL);
    (void)snprintf(lines, sizeof(lines), "%sIf-Match: %s\r\n", dispatcher(),
                   etag);
    check_answer(sent(c, "PATCH", "/stops/5", lines, "{\"notes\":\"b\"}"), 200,
                 "\"notes\":\"b\"");
    check_answer(sent(c, "PATCH", "/stops/5", lines, "{\"notes\":\"c\"}"), 412,
                 "stale-version");
    check_answer(get(c, "/stops/5", dispatcher()), 200, "\"notes\":\"b\"");
    check_answer(sent(c, "DELETE", "/stops/5", dispatcher(), ""), 204, NULL);
    check_answer(get(c, "/stops/5", dispatcher()), 404, NULL);
    check_answer(sent(c, "DELETE", "/stops/5", dispatcher(), ""), 404, NULL);
    client_close(&c);
}

/* An item read with a relation: its version is the row's all the same. */
static void a_version_goes_with_any_representation(void **state)
{
    struct client *c = client_open(&rig, 0);
    char lines[2048], etag[128];

    (void)snprintf(
        etag, sizeof(etag), "%s",
        answer_header(get(c, "/stops/1?fields=id,clinic.name", dispatcher()),
                      "etag"));
    check_answer(
        sent(c, "PATCH", "/clinics/1", dispatcher(), "{\"name\":\"Newer\"}"),
        200, NULL);
    check_answer(get(c, "/stops/1?fields=id,clinic.name", dispatcher()), 200,
                 "Newer");
    (void)snprintf(lines, sizeof(lines), "%sIf-Match: %s\r\n", courier(), etag);
    check_answer(sent(c, "PATCH", "/stops/1", lines, "{\"status\":\"x\"}"), 200,
                 NULL);
    client_close(&c);
}

static void what_is_refused_says_why(void **state)
{
    struct client *c = client_open(&rig, 0);
    char text[2048];

    check_answer(sent(c, "PATCH", "/stops/1", courier(), "{\"position\":1}"),
                 403, "position: your role may not write this column");
    check_answer(sent(c, "POST", "/stops", courier(), "{}"), 403, "create");
    check_answer(sent(c, "POST", "/stops", dispatcher(), "{\"lab_id\":2}"), 403,
                 "lab_id: a row cannot be given to another");
    check_answer(sent(c, "POST", "/stops", dispatcher(), "{\"clinic_id\":3}"),
                 422, "unknown-reference");
    check_answer(sent(c, "POST", "/stops", dispatcher(), "{\"weight\":\"x\"}"),
                 422, "weight: expected a number or null");
    check_answer(sent(c, "POST", "/stops", dispatcher(), "{\"weight\":"), 400,
                 "malformed-json");
    check_answer(sent(c, "POST", "/stops", dispatcher(), "[]"), 422,
                 "expected an object");
    check_answer(sent(c, "DELETE", "/routes/1", dispatcher(), ""), 409,
                 "still-referenced");
    check_answer(sent(c, "PUT", "/stops/1", courier(), "{\"status\":\"x\"}"),
                 422, "notes: a replacement names every column");
    check_answer(sent(c, "DELETE", "/stops", dispatcher(), ""), 405, NULL);
    (void)snprintf(text, sizeof(text),
                   "POST /api/v1/stops HTTP/1.1\r\nHost: t\r\n%s"
                   "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
                   dispatcher());
    client_send(c, text);
    check_answer(client_answer(c, CLIENT_BODY), 415, "application/json");
    client_close(&c);
}

static void keys_are_escaped_in_a_location(void **state)
{
    struct client *c = client_open(&rig, 0);
    const struct answer *a = sent(c, "POST", "/notes", dispatcher(),
                                  "{\"id\":\"a b/\xc3\xa4\",\"title\":\"t\"}");

    check_answer(a, 201, NULL);
    assert_string_equal(answer_header(a, "location"),
                        "/api/v1/notes/a%20b%2F%C3%A4");
    client_close(&c);
}

/* The cache. */

static bool is_hit(const struct answer *a)
{
    const char *how = answer_header(a, "cache-status");

    return how && strstr(how, "; hit");
}

static void a_write_is_seen_at_once(void **state)
{
    static const char *const targets[] = {"/stops/1",
                                          "/stops?status=eq.pending", "/stops",
                                          "/routes/1?fields=stops.notes"};
    struct client *c = client_open(&rig, 0);

    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        char body[64], said[64];

        (void)get(c, targets[i], dispatcher());
        assert_true(is_hit(get(c, targets[i], dispatcher())));
        (void)snprintf(body, sizeof(body), "{\"notes\":\"n%zu\"}", i);
        (void)snprintf(said, sizeof(said), "\"notes\":\"n%zu\"", i);
        check_answer(sent(c, "PATCH", "/stops/1", courier(), body), 200, said);
        check_answer(get(c, targets[i], dispatcher()), 200, said);
        assert_true(is_hit(get(c, targets[i], dispatcher())));
        /* Of no interest to any of them. */
        check_answer(sent(c, "PATCH", "/stops/4",
                          rig_token(&rig, "20", "2", "DISPATCH"),
                          "{\"notes\":\"theirs\"}"),
                     200, NULL);
        assert_true(is_hit(get(c, targets[i], dispatcher())));
    }
    client_close(&c);
}

static void the_cache_knows_who_asks(void **state)
{
    struct client *c = client_open(&rig, 0);
    const char *other = rig_token(&rig, "12", "1", "DRIVE"),
               *theirs = rig_token(&rig, "11", "2", "DRIVE");

    check_answer(get(c, "/stops/1", dispatcher()), 200, "\"secret\":\"s1\"");
    assert_null(strstr(get(c, "/stops/1", courier())->body, "secret"));
    check_answer(get(c, "/stops/1", theirs), 404, NULL);
    check_answer(get(c, "/mine?fields=id", courier()), 200,
                 "[{\"id\":1},{\"id\":2}]");
    check_answer(get(c, "/mine?fields=id", other), 200, "[{\"id\":3}]");
    check_answer(get(c, "/mine?fields=id", theirs), 200, "[{\"id\":4}]");
    check_answer(get(c, "/mine/1", courier()), 200, NULL);
    check_answer(get(c, "/mine/1", other), 404, NULL);
    check_answer(get(c, "/stops/1", ""), 401, NULL);
    /* A relation to what is one user's makes the reply his. */
    check_answer(get(c, "/routes/1?fields=my.id", courier()), 200,
                 "[{\"id\":1},{\"id\":2}]");
    check_answer(get(c, "/routes/1?fields=my.id", other), 200, "[{\"id\":3}]");
    check_answer(get(c, "/routes?fields=my.id", courier()), 200,
                 "[{\"id\":1},{\"id\":2}]");
    check_answer(get(c, "/routes?fields=my.id", other), 200, "[{\"id\":3}]");
    client_close(&c);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

RUN(TEST(a_list_links_to_its_next_page), TEST(a_mistake_is_a_problem),
    TEST(head_is_a_get_without_a_body), TEST(a_row_lives_its_life),
    TEST(a_version_goes_with_any_representation),
    TEST(what_is_refused_says_why), TEST(keys_are_escaped_in_a_location),
    TEST(a_write_is_seen_at_once), TEST(the_cache_knows_who_asks))
