/* SPDX-License-Identifier: MIT */
/*
 * write - POST of a list; PATCH, PUT and DELETE of an item.
 *
 * Nothing is purged here: the store tells of each committed change before the
 * write is answered, so the writer's next read is new.
 * Threads: loop.
 */
#include "data/write.h"

#include "base/error.h"
#include "json/json.h"
#include "rest/internal.h"

#define LOCATION_BYTES_MAX 4096

struct rest_write {
    struct data_write write;
    struct exchange *x;
    json_t *body;
};

static void write_fini(struct rest_write *w)
{
    data_write_fini(&w->write);
    json_decref(w->body);
}

/* Keys go into a path, so whatever is not plain is escaped. */
static void path_escape(struct buf *b, struct bytes text)
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
            (c >= '0' && c <= '9') || (c && strchr("-._~", c))) {
            buf_append_char(b, (char)c);
        } else {
            buf_append_char(b, '%');
            buf_append_char(b, hex[c >> 4]);
            buf_append_char(b, hex[c & 15]);
        }
    }
}

static void location_send(struct exchange *x, struct bytes key)
{
    struct buf b;

    buf_init(&b, LOCATION_BYTES_MAX);
    buf_append(&b, bytes_of(x->route->template));
    buf_append_char(&b, '/');
    path_escape(&b, key);
    if (!buf_error(&b))
        exchange_header(x, "Location", buf_bytes(&b));
    buf_fini(&b);
}

static void on_write(struct data_write *dw, int error)
{
    struct rest_write *w = dw->arg;
    struct exchange *x = w->x;
    enum write_op op = dw->op;
    struct buf body;

    x->position = dw->offset;
    x->db_ns = dw->db_ns;
    if (error) {
        write_fini(w);
        rest_error(x, error, 422, &dw->mistake, &dw->store.detail);
        return;
    }
    /* It is written: without memory for an ETag the reply goes without. */
    if (op != WRITE_REMOVE &&
        rest_etag(x, dw->version, buf_bytes(&dw->body_out)) != 0)
        x->etag = (struct bytes){NULL, 0};
    if (op == WRITE_CREATE)
        location_send(x, buf_bytes(&dw->key_out));
    body = dw->body_out;
    buf_init(&dw->body_out, 0);
    write_fini(w);
    if (op == WRITE_REMOVE)
        exchange_reply(x, 204, NULL, NULL);
    else
        exchange_reply_buf(x, op == WRITE_CREATE ? 201 : 200, JSON_TYPE, &body);
    buf_fini(&body);
}

/* True when the body is an object; otherwise the exchange is answered. */
static bool body_read(struct exchange *x, json_t **ret)
{
    struct bytes type = http_head_get(x->head, HTTP_FIELD_CONTENT_TYPE), rest;
    struct json_mistake m;
    int error;

    bytes_cut(type, ';', &type, &rest);
    if (!bytes_equal_nocase(bytes_trim(type), BYTES(JSON_TYPE))) {
        exchange_problem(x, 415, "unsupported-type",
                         "expected a body of type " JSON_TYPE);
        return false;
    }
    error = json_read(x->body, ret, &m);
    if (error == ERR_NOMEM) {
        exchange_error(x, error);
        return false;
    }
    if (error) {
        exchange_problem(x, 400, "malformed-json", "line %u, column %u: %s",
                         m.line, m.column, m.text);
        return false;
    }
    if (json_is_object(*ret))
        return true;
    json_decref(*ret);
    exchange_problem(x, 422, "invalid-value",
                     "expected an object whose members are columns");
    return false;
}

static void write_start(struct exchange *x, enum write_op op)
{
    struct rest_write *w = arena_zalloc(&x->arena, sizeof(*w));
    struct data_write *dw;
    int error;

    if (!w) {
        exchange_error(x, ERR_NOMEM);
        return;
    }
    dw = &w->write;
    error = rest_query(x, &dw->query);
    if (error) {
        rest_error(x, error, 422, &dw->query.mistake, NULL);
        return;
    }
    if (op != WRITE_REMOVE && !body_read(x, &w->body))
        return;
    w->x = x;
    dw->op = op;
    dw->key = x->params[0];
    dw->body = w->body;
    if (op != WRITE_CREATE)
        dw->if_match = http_head_get(x->head, HTTP_FIELD_IF_MATCH);
    dw->done_fn = on_write;
    dw->arg = w;
    data_write(rest_worker(x), dw);
}

void rest_create(struct exchange *x)
{
    write_start(x, WRITE_CREATE);
}

void rest_patch(struct exchange *x)
{
    write_start(x, WRITE_PATCH);
}

void rest_replace(struct exchange *x)
{
    write_start(x, WRITE_REPLACE);
}

void rest_remove(struct exchange *x)
{
    write_start(x, WRITE_REMOVE);
}
