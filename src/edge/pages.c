/* SPDX-License-Identifier: MIT */
/*
 * pages - a table from name to a reply that is ready; ranges are cut from it.
 * Threads: immutable after pages_routes().
 */
#include "edge/pages_private.h"

#include "base/blob.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"
#include "edge/edge.h"
#include "edge/encode.h"
#include "edge/pipeline.h"
#include "edge/reply.h"

#include <ctype.h>
#include <stdio.h>

#define PAGES_ARENA_MAX ((size_t)4 * 1024 * 1024)
#define PATH_LEN_MAX    512
#define LINES_MAX       1024

/* ---- what there is ---------------------------------------------------- */

int pages_name(struct pages *p, struct bytes path, struct page *page,
               bool versioned)
{
    struct page_name *n = arena_alloc(&p->arena, sizeof(*n));

    if (!n)
        return ERR_NOMEM;
    *n = (struct page_name){path, page, versioned};

    int error = table_put(p->names, n->path, n);

    /* A file that bears another's versioned name goes before it. */
    return versioned && error == ERR_EXISTS ? 0 : error;
}

static int page_new(struct pages *p, struct bytes path, const char *type,
                    struct page **ret)
{
    struct page *page = arena_zalloc(&p->arena, sizeof(*page));
    int error = mem_grow(&p->all, &p->cap, p->count + 1, sizeof(*p->all),
                         PAGES_FILES_MAX);

    if (!page)
        return ERR_NOMEM;
    page->path = arena_copy(&p->arena, path);
    page->type = type;
    if (!page->path.at)
        return ERR_NOMEM;
    if (error == 0)
        error = pages_name(p, page->path, page, false);
    if (error == 0)
        *ret = p->all[p->count++] = page;
    return error;
}

int pages_put(struct pages *p, struct bytes path, const char *type,
              struct blob *body)
{
    struct page *page = NULL;
    int error = ERR_LIMIT;

    if (path.len <= PATH_LEN_MAX && body->len <= PAGES_BYTES_MAX - p->bytes)
        error = page_new(p, path, type, &page);
    if (error) {
        blob_unref(&body);
        return error;
    }
    page->body = body;
    p->bytes += body->len;
    return 0;
}

int pages_new(struct pages **ret, const char *dir)
{
    struct pages *p = mem_zalloc(1, sizeof(*p));
    int error;

    if (!p)
        return ERR_NOMEM;
    arena_init(&p->arena, PAGES_ARENA_MAX);
    error = table_new(&p->names, (size_t)2 * PAGES_FILES_MAX);
    if (error == 0 && dir)
        error = pages_read_dir(p, dir);
    if (error < 0)
        pages_free(&p);
    else
        *ret = p;
    return error;
}

void pages_free(struct pages **pages)
{
    struct pages *p = *pages;

    *pages = NULL;
    if (!p)
        return;
    for (size_t i = 0; i < p->count; i++) {
        reply_unref(&p->all[i]->plain);
        reply_unref(&p->all[i]->immutable);
        blob_unref(&p->all[i]->body);
    }
    mem_free(p->all);
    mem_free(p->redirect);
    table_free(&p->names);
    arena_fini(&p->arena);
    mem_free(p);
}

int pages_add_builtin(struct pages *p, struct bytes path, struct bytes content,
                      const char *content_type)
{
    struct blob *body = NULL;
    int error = blob_new(&body, content);

    if (error == 0)
        error = pages_put(
            p, path, content_type ? content_type : pages_type_of(path), body);
    return error == ERR_EXISTS ? 0 : error;
}

/* ---- replies ---------------------------------------------------------- */

static int page_reply(const struct page *page, const char *cache_control,
                      struct reply **ret)
{
    struct buf lines;
    char etag[24];
    int etag_len =
        snprintf(etag, sizeof(etag), "\"%016llx\"",
                 (unsigned long long)hash_stable(blob_bytes(page->body)));

    buf_init(&lines, LINES_MAX);
    buf_printf(&lines,
               "Content-Type: %s\r\nX-Content-Type-Options: nosniff\r\n"
               "Cache-Control: %s\r\nVary: Accept-Encoding\r\n"
               "Accept-Ranges: bytes\r\n",
               page->type, cache_control);
    if (bytes_ends(page->path, BYTES(".html")))
        buf_append(&lines,
                   BYTES("Content-Security-Policy: frame-ancestors 'self'\r\n"
                         "Referrer-Policy: same-origin\r\n"));

    int error = buf_error(&lines);

    if (error == 0)
        error = reply_new(
            ret, 200, (struct bytes){etag, (size_t)etag_len}, buf_bytes(&lines),
            encode_is_text(bytes_of(page->type)), blob_ref(page->body));
    if (error == 0)
        (*ret)->shared = true;
    buf_fini(&lines);
    return error;
}

static int page_finish(struct pages *p, struct page *page)
{
    int error = page_link(p, page);

    if (error == 0)
        error = page_reply(page, "no-cache", &page->plain);
    if (error == 0)
        error = page_reply(page, "public, max-age=31536000, immutable",
                           &page->immutable);
    return error;
}

/* ---- ranges ----------------------------------------------------------- */

struct range {
    uint64_t first, last; /* both included */
};

enum range_verdict { RANGE_WHOLE, RANGE_PART, RANGE_OUTSIDE };

/* One range of bytes; what is malformed, or more than one, is ignored. */
static enum range_verdict range_parse(struct bytes field, uint64_t len,
                                      struct range *ret)
{
    struct bytes from, to;
    struct range r = {0, len - 1};

    if (!bytes_starts(field, BYTES("bytes=")))
        return RANGE_WHOLE;
    field = bytes_skip(field, sizeof("bytes=") - 1);
    if (!bytes_cut(field, '-', &from, &to))
        return RANGE_WHOLE;
    if (from.len == 0) {
        if (bytes_to_u64(to, &r.last) < 0)
            return RANGE_WHOLE;
        if (r.last == 0 || len == 0)
            return RANGE_OUTSIDE;
        r.first = r.last < len ? len - r.last : 0;
        r.last = len - 1;
    } else {
        if (bytes_to_u64(from, &r.first) < 0 ||
            (to.len && bytes_to_u64(to, &r.last) < 0) ||
            (to.len && r.last < r.first))
            return RANGE_WHOLE;
        if (r.first >= len)
            return RANGE_OUTSIDE;
        if (r.last >= len)
            r.last = len - 1;
    }
    *ret = r;
    return RANGE_PART;
}

static enum range_verdict range_asked(const struct exchange *x,
                                      const struct reply *whole,
                                      struct range *ret)
{
    const struct http_head *h = x->head;

    if (h->method != HTTP_GET || !http_head_has(h, HTTP_FIELD_RANGE) ||
        h->repeated[HTTP_FIELD_RANGE] ||
        http_head_has(h, HTTP_FIELD_IF_NONE_MATCH) ||
        (http_head_has(h, HTTP_FIELD_IF_RANGE) &&
         !bytes_equal(http_head_get(h, HTTP_FIELD_IF_RANGE), whole->etag)))
        return RANGE_WHOLE;
    return range_parse(http_head_get(h, HTTP_FIELD_RANGE), whole->body->len,
                       ret);
}

static void reply_part(struct exchange *x, const struct reply *whole,
                       struct range range)
{
    struct request *r = request_of(x);
    struct bytes part = {whole->body->at + range.first,
                         (size_t)(range.last - range.first + 1)};
    struct blob *body = NULL;
    struct reply *reply = NULL;
    struct buf lines;

    buf_init(&lines, LINES_MAX);
    buf_append(&lines, whole->lines);
    buf_printf(&lines, "Content-Range: bytes %llu-%llu/%zu\r\n",
               (unsigned long long)range.first, (unsigned long long)range.last,
               whole->body->len);
    if (buf_error(&lines) < 0 || blob_new(&body, part) < 0 ||
        reply_new(&reply, 206, whole->etag, buf_bytes(&lines), false, body) < 0)
        exchange_error(x, ERR_NOMEM);
    else
        pipeline_finish(r, reply);
    buf_fini(&lines);
}

/* ---- serving ---------------------------------------------------------- */

/* "app.0badc0de.js" to "app.js": an old page may ask for an old version. */
static struct bytes without_version(struct bytes path, char room[PATH_LEN_MAX])
{
    size_t dot = path.len;

    while (dot && path.at[dot - 1] != '.' && path.at[dot - 1] != '/')
        dot--;
    if (dot < PAGE_HASH_LEN + 2 || path.len > PATH_LEN_MAX)
        return path;

    size_t end = dot - 1, start = end - PAGE_HASH_LEN; /* of the digits */

    if (path.at[end] != '.' || path.at[start - 1] != '.')
        return path;
    for (size_t i = start; i < end; i++)
        if (!isxdigit((unsigned char)path.at[i]))
            return path;
    memcpy(room, path.at, start - 1);
    memcpy(room + start - 1, path.at + end, path.len - end);
    return (struct bytes){room, path.len - PAGE_HASH_LEN - 1};
}

static const struct page_name *page_find(const struct pages *p,
                                         struct bytes path,
                                         char room[PATH_LEN_MAX])
{
    struct bytes index = BYTES("index.html");

    if (path.len == 0 || path.at[path.len - 1] == '/') {
        if (path.len + index.len > PATH_LEN_MAX)
            return NULL;
        if (path.len)
            memcpy(room, path.at, path.len);
        memcpy(room + path.len, index.at, index.len);
        path = (struct bytes){room, path.len + index.len};
    }

    const struct page_name *n = table_get(p->names, path);

    return n ? n : table_get(p->names, without_version(path, room));
}

static void on_page(struct exchange *x)
{
    const struct pages *p = x->route->arg;
    char room[PATH_LEN_MAX];
    const struct page_name *n = page_find(p, x->params[0], room);
    struct range range;

    if (!n) {
        exchange_problem(x, 404, "no-such-path", "no page has this name");
        return;
    }

    struct reply *whole = n->versioned ? n->page->immutable : n->page->plain;

    switch (range_asked(x, whole, &range)) {
    case RANGE_WHOLE:
        pipeline_finish(request_of(x), reply_ref(whole));
        return;
    case RANGE_PART:
        reply_part(x, whole, range);
        return;
    case RANGE_OUTSIDE:
        exchange_header(
            x, "Content-Range",
            arena_printf(&x->arena, "bytes */%zu", whole->body->len));
        exchange_problem(x, 416, "range", "the range is outside of the file");
        return;
    }
}

static void on_bare_prefix(struct exchange *x)
{
    const struct pages *p = x->route->arg;

    exchange_header(x, "Location", bytes_of(p->redirect));
    exchange_reply(x, 308, NULL, NULL);
}

int pages_routes(struct pages *p, struct edge *e, const char *prefix)
{
    bool root = strcmp(prefix, "/") == 0;
    struct route page = {.method = HTTP_GET,
                         .handler = on_page,
                         .flags = ROUTE_PUBLIC,
                         .cache_class = -1,
                         .arg = p};
    struct bytes template =
        arena_printf(&p->arena, "%s/*path", root ? "" : prefix);
    struct bytes bare = arena_copy(&p->arena, bytes_of(prefix));
    int error = template.at && bare.at ? 0 : ERR_NOMEM;

    for (size_t i = 0; error == 0 && i < p->count; i++)
        error = page_finish(p, p->all[i]);
    if (error < 0)
        return error;
    page.template = template.at;
    error = edge_route_add(e, &page);
    if (error < 0 || root)
        return error;
    p->redirect = mem_copy(arena_printf(&p->arena, "%s/", prefix));
    if (!p->redirect)
        return ERR_NOMEM;
    page.template = bare.at;
    page.handler = on_bare_prefix;
    return edge_route_add(e, &page);
}
