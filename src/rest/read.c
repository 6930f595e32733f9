/* SPDX-License-Identifier: MIT */
/*
 * read - GET of a list and of an item.
 * Threads: loop.
 */
#include "data/read.h"

#include "base/error.h"
#include "rest/internal.h"

#define LINK_BYTES_MAX (16u << 10)

/* A list takes every parameter of query.h, an item only fields. */
static int query_read(struct exchange *x, struct query *q, bool item)
{
    struct bytes name, value;
    size_t cursor = 0;
    int error = rest_query(x, q), malformed = 0;

    while (!error &&
           exchange_query_next(x, &cursor, &name, &value, &malformed)) {
        if (item && !bytes_equal(name, BYTES("fields")))
            error = mistake_say(&q->mistake, ERR_INVALID, "invalid-parameter",
                                "%.*s: expected no parameter but fields",
                                MISTAKE_GOT(name));
        else
            error = query_add(q, name, value);
    }
    if (!error && malformed)
        error = mistake_say(&q->mistake, ERR_INVALID, "invalid-parameter",
                            "the query string holds a malformed %%-escape");
    return error ? error : query_finish(q, rest_worker(x));
}

static struct data_read *read_new(struct exchange *x,
                                  data_read_done_fn *done_fn)
{
    struct data_read *r = arena_zalloc(&x->arena, sizeof(*r));

    if (!r) {
        exchange_error(x, ERR_NOMEM);
        return NULL;
    }
    r->done_fn = done_fn;
    r->arg = x;
    return r;
}

/* Of the raw query, all but what said which page this is. */
static void link_write(struct buf *b, struct exchange *x, struct bytes next)
{
    struct bytes left = x->query, pair, name, value;
    bool more = left.len > 0;

    buf_append_char(b, '<');
    buf_append(b, x->path);
    buf_append_char(b, '?');
    while (more) {
        more = bytes_cut(left, '&', &pair, &left);
        bytes_cut(pair, '=', &name, &value);
        if (!pair.len || bytes_equal(name, BYTES("cursor")) ||
            bytes_equal(name, BYTES("offset")))
            continue;
        buf_append(b, pair);
        buf_append_char(b, '&');
    }
    buf_append(b, BYTES("cursor="));
    buf_append(b, next);
    buf_append(b, BYTES(">; rel=\"next\""));
}

static void link_send(struct exchange *x, struct bytes next)
{
    struct buf b;

    if (!next.len)
        return;
    buf_init(&b, LINK_BYTES_MAX);
    link_write(&b, x, next);
    if (!buf_error(&b))
        exchange_header(x, "Link", buf_bytes(&b));
    buf_fini(&b);
}

/* The reply ends the exchange, and with its arena the read. */
static void read_answer(struct exchange *x, struct data_read *r)
{
    struct buf body = r->body;

    x->tags = r->tags;
    x->cacheable = r->cacheable && x->route->cache_class >= 0;
    x->db_ns = r->db_ns;
    buf_init(&r->body, 0);
    data_read_fini(r);
    exchange_reply_buf(x, 200, JSON_TYPE, &body);
    buf_fini(&body);
}

static void read_refuse(struct exchange *x, struct data_read *r, int error)
{
    x->db_ns = r->db_ns;
    data_read_fini(r);
    rest_error(x, error, 400, &r->query.mistake, &r->detail);
}

static void on_list(struct data_read *r, int error)
{
    struct exchange *x = r->arg;

    if (error) {
        read_refuse(x, r, error);
        return;
    }
    link_send(x, buf_bytes(&r->next));
    read_answer(x, r);
}

void rest_list(struct exchange *x)
{
    struct data_read *r = read_new(x, on_list);
    int error;

    if (!r)
        return;
    error = query_read(x, &r->query, false);
    if (error)
        rest_error(x, error, 400, &r->query.mistake, NULL);
    else
        data_list(rest_worker(x), r);
}

static void on_item(struct data_read *r, int error)
{
    struct exchange *x = r->arg;

    if (!error)
        error = rest_etag(x, r->version, buf_bytes(&r->body));
    if (error)
        read_refuse(x, r, error);
    else
        read_answer(x, r);
}

void rest_item(struct exchange *x)
{
    struct data_read *r = read_new(x, on_item);
    int error;

    if (!r)
        return;
    error = query_read(x, &r->query, true);
    if (error)
        rest_error(x, error, 400, &r->query.mistake, NULL);
    else
        data_item(rest_worker(x), r, x->params[0]);
}
