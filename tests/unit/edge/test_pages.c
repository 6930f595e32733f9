/* SPDX-License-Identifier: MIT */
/*
 * Pages: names, versions, ranges, and what is never served.
 * Threads: see rig.h.
 */
#include "rig.h"

#include "edge/pages.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct rig rig;
static struct pages *pages;
static char dir[] = "/tmp/fieldline-pages-XXXXXX";

static void file_write(const char *name, const char *text)
{
    char path[256];

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);

    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void below(const char *name, char ret[256])
{
    (void)snprintf(ret, 256, "%s/%s", dir, name);
}

static void routes(struct rig *r)
{
    assert_int_equal(pages_routes(pages, r->edge, "/app"), 0);
}

static int set_up(void **state)
{
    static char big[4000];
    char path[256];

    assert_non_null(mkdtemp(dir));
    below("css", path);
    assert_int_equal(mkdir(path, 0700), 0);
    file_write("index.html",
               "<link href=\"css/a.css\"><script src='app.js'></script>"
               "<a href=\"other.html\"> <img src=\"http://x/app.js\">"
               " <p title=\"app.js\">");
    file_write("css/a.css", "body { background: url(\"../dot.svg\") }");
    file_write("app.js", "import { b } from './b.js'; export const a = 1;");
    file_write("b.js", "import { a } from \"./app.js\"; export const b = 1;");
    file_write("dot.svg", "<svg/>");
    file_write("other.html", "<p>other");
    file_write(".secret", "hidden");
    memset(big, 'x', sizeof(big) - 1);
    file_write("big.txt", big);
    below("link.txt", path);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(pages_new(&pages, dir), 0);
    assert_int_equal(pages_add_builtin(pages, BYTES("builtin.txt"),
                                       BYTES("from the binary"), NULL),
                     0);
    assert_int_equal(pages_add_builtin(pages, BYTES("other.html"),
                                       BYTES("not this one"), NULL),
                     0);
    rig_init(&rig);
    rig.routes_fn = routes;
    rig_start(&rig);
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = {
        "index.html", "css/a.css",  "css",     "app.js",  "b.js",
        "dot.svg",    "other.html", ".secret", "big.txt", "link.txt"};
    char path[256];

    rig_stop(&rig);
    pages_free(&pages);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        below(names[i], path);
        assert_int_equal(remove(path), 0);
    }
    assert_int_equal(rmdir(dir), 0);
    memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
    return 0;
}

static void test_a_page_and_its_index(void **state)
{
    struct client *c = client_open(&rig, 0);
    const struct answer *a = client_get(c, "/app/", "");

    assert_int_equal(a->status, 200);
    assert_string_equal(answer_header(a, "content-type"),
                        "text/html; charset=utf-8");
    assert_string_equal(answer_header(a, "cache-control"), "no-cache");
    assert_string_equal(answer_header(a, "content-security-policy"),
                        "frame-ancestors 'self'");
    a = client_get(c, "/app", "");
    assert_int_equal(a->status, 308);
    assert_string_equal(answer_header(a, "location"), "/app/");
    assert_string_equal(client_get(c, "/app/builtin.txt", "")->body,
                        "from the binary");
    assert_string_equal(client_get(c, "/app/other.html", "")->body, "<p>other");
    client_close(&c);
}

/* The value of the first attribute, e.g. href="…", as a path below /app/. */
static void reference(const char *html, const char *attribute, char ret[256])
{
    const char *at = strstr(html, attribute);

    assert_non_null(at);
    at += strlen(attribute);
    (void)snprintf(ret, 256, "/app/%.*s", (int)strcspn(at, "\"'"), at);
}

static void test_references_are_versioned_and_kept_for_a_year(void **state)
{
    struct client *c = client_open(&rig, 0);
    const char *html = client_get(c, "/app/index.html", "")->body;
    char css[256], js[256], b[256];

    assert_non_null(strstr(html, "\"other.html\""));
    assert_non_null(strstr(html, "\"http://x/app.js\""));
    assert_non_null(strstr(html, "title=\"app.js\""));
    reference(html, "href=\"", css);
    reference(html, "src='", js);
    assert_int_equal(strlen(css), strlen("/app/css/a.css") + 9);

    const struct answer *a = client_get(c, css, "");

    assert_int_equal(a->status, 200);
    assert_string_equal(answer_header(a, "cache-control"),
                        "public, max-age=31536000, immutable");
    assert_non_null(strstr(a->body, "url(\"../dot."));
    assert_null(strstr(a->body, "dot.svg"));
    a = client_get(c, js, "");
    assert_string_equal(answer_header(a, "content-type"),
                        "text/javascript; charset=utf-8");
    reference(a->body, "from '", b);
    assert_non_null(strstr(b, "/./b."));
    /* What closes a ring keeps its plain name. */
    assert_non_null(strstr(client_get(c, "/app/b.js", "")->body, "\"./app."));
    /* An old version gets what there is now, and only for now. */
    a = client_get(c, "/app/css/a.0badc0de.css", "");
    assert_int_equal(a->status, 200);
    assert_string_equal(answer_header(a, "cache-control"), "no-cache");
    client_close(&c);
}

static void test_etags_and_coding(void **state)
{
    struct client *c = client_open(&rig, 0);
    char etag[64], lines[128];

    (void)snprintf(etag, sizeof(etag), "%s",
                   answer_header(client_get(c, "/app/big.txt", ""), "etag"));
    (void)snprintf(lines, sizeof(lines), "If-None-Match: %s\r\n", etag);
    assert_int_equal(client_get(c, "/app/big.txt", lines)->status, 304);

    const struct answer *a =
        client_get(c, "/app/big.txt", "Accept-Encoding: gzip\r\n");

    assert_string_equal(answer_header(a, "content-encoding"), "gzip");
    assert_string_not_equal(answer_header(a, "etag"), etag);
    (void)snprintf(lines, sizeof(lines), "If-None-Match: %s\r\n",
                   answer_header(a, "etag"));
    assert_int_equal(client_get(c, "/app/big.txt", lines)->status, 304);
    client_close(&c);
}

static void test_ranges(void **state)
{
    static const struct {
        const char *range, *content_range;
        unsigned status;
        size_t len;
    } rows[] = {
        {"bytes=0-9", "bytes 0-9/3999", 206, 10},
        {"bytes=3990-", "bytes 3990-3998/3999", 206, 9},
        {"bytes=-5", "bytes 3994-3998/3999", 206, 5},
        {"bytes=-9999", "bytes 0-3998/3999", 206, 3999},
        {"bytes=10-99999", "bytes 10-3998/3999", 206, 3989},
        {"bytes=3999-", "bytes */3999", 416, 0},
        {"bytes=-0", "bytes */3999", 416, 0},
        {"bytes=9-1", NULL, 200, 3999},
        {"bytes=0-1,5-6", NULL, 200, 3999},
        {"bytes=a-b", NULL, 200, 3999},
        {"lines=0-1", NULL, 200, 3999},
        {"bytes=18446744073709551616-", NULL, 200, 3999},
    };
    struct client *c = client_open(&rig, 0);
    char lines[200];

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        (void)snprintf(lines, sizeof(lines),
                       "Range: %s\r\nAccept-Encoding: gzip;q=0\r\n",
                       rows[i].range);

        const struct answer *a = client_get(c, "/app/big.txt", lines);
        const char *got = answer_header(a, "content-range");

        assert_int_equal(a->status, rows[i].status);
        if (rows[i].content_range)
            assert_string_equal(got, rows[i].content_range);
        else
            assert_null(got);
        if (a->status != 416)
            assert_int_equal(a->body_len, rows[i].len);
    }
    (void)snprintf(lines, sizeof(lines),
                   "Range: bytes=0-1\r\nIf-Range: \"x\"\r\n");
    assert_int_equal(client_get(c, "/app/big.txt", lines)->status, 200);
    client_close(&c);
}

static void test_what_is_never_served(void **state)
{
    static const char *const paths[] = {
        "/app/.secret",     "/app/link.txt",      "/app/../.secret",
        "/app/css",         "/app/css/",          "/app/%2e%2e/index.html",
        "/app/css%2fa.css", "/app//index.html",   "/app/index.html/",
        "/app/no.html",     "/app/index.html%00",
    };
    struct client *c = client_open(&rig, 0);

    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        unsigned status = client_get(c, paths[i], "")->status;

        if (status != 404 && status != 400)
            fail_msg("%u for %s", status, paths[i]);
    }
    client_close(&c);
}

#define ONE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

RUN(ONE(test_a_page_and_its_index),
    ONE(test_references_are_versioned_and_kept_for_a_year),
    ONE(test_etags_and_coding), ONE(test_ranges),
    ONE(test_what_is_never_served))
