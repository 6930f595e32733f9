/* SPDX-License-Identifier: MIT */
/*
 * exchange - what a handler sees and does; and where requests live.
 * Threads: loop.
 */
#include "edge/internal.h"

#include "base/blob.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "edge/conditional.h"
#include "edge/encode.h"
#include "edge/pipeline.h"
#include "edge/reply.h"
#include "edge/respond.h"
#include "edge/session.h"

#include <assert.h>
#include <stdio.h>

#define REPLY_LINES_MAX (REQUEST_LINES_MAX + 1024)
#define ETAG_WEAK_LEN   20 /* W/"<16>" */

/* ---- requests --------------------------------------------------------- */

struct request *request_of(struct exchange *x)
{
    assert(x->magic == EXCHANGE_MAGIC);
    return CONTAINER_OF(x, struct request, x);
}

static struct request *request_make(void)
{
    struct request *r = mem_zalloc(1, sizeof(*r));

    if (!r)
        return NULL;
    arena_init(&r->x.arena, REQUEST_ARENA_MAX);
    buf_init(&r->body, 0);
    buf_init(&r->lines, REQUEST_LINES_MAX);
    list_init(&r->link);
    list_init(&r->wait_link);
    timer_init(&r->wait_timer, NULL, NULL);
    return r;
}

static void exchange_reset(struct exchange *x, struct edge_worker *ew)
{
    x->magic = EXCHANGE_MAGIC;
    x->edge = ew;
    x->head = NULL;
    x->path = x->query = x->body = (struct bytes){NULL, 0};
    x->identity = NULL;
    x->route = NULL;
    for (unsigned i = 0; i < EXCHANGE_PARAMS_MAX; i++)
        x->params[i] = (struct bytes){NULL, 0};
    x->stamp = x->position = x->db_ns = 0;
    x->started_ns = clock_mono_ns();
    x->handler_state = NULL;
    x->tags = (struct tagset){0};
    x->cacheable = false;
    x->cache_class = -1;
    x->etag = (struct bytes){NULL, 0};
}

struct request *request_new(struct edge_worker *ew, struct session *s)
{
    struct request *r;

    if (LIKELY(!list_empty(&ew->spare_requests))) {
        r = LIST_FIRST(&ew->spare_requests, struct request, link);
        list_remove(&r->link);
        ew->spare_request_count--;
    } else {
        r = request_make();
        if (!r)
            return NULL;
    }
    exchange_reset(&r->x, ew);
    list_append(&ew->requests, &r->link);
    r->session = s;
    r->route_index = (unsigned)ew->edge->route_count;
    r->has_cache_control = r->has_vary = r->has_cookie = false;
    r->kept = r->bypass = r->handled = r->is_head = r->close = false;
    r->position = 0;
    r->key = (struct bytes){NULL, 0};
    r->flight = NULL;
    r->waiter.again = false;
    return r;
}

static void request_free(struct request *r)
{
    list_remove(&r->link);
    list_remove(&r->wait_link);
    timer_stop(&r->wait_timer);
    if (r->kept)
        identity_unref(&r->x.identity);
    buf_fini(&r->lines);
    buf_fini(&r->body);
    arena_fini(&r->x.arena);
    mem_free(r);
}

void requests_free(struct edge_worker *ew)
{
    struct list *const all[] = {&ew->requests, &ew->spare_requests};

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        while (!list_empty(all[i]))
            request_free(LIST_FIRST(all[i], struct request, link));
}

void request_end(struct request *r)
{
    struct edge_worker *ew = r->x.edge;
    struct session *s = r->session;
    enum session_after after = r->close ? SESSION_CLOSE : SESSION_KEEP;

    assert(!r->flight && list_empty(&r->wait_link));
    list_remove(&r->link);
    if (r->kept)
        identity_unref(&r->x.identity);
    r->kept = false;
    r->x.magic = 0;
    if (ew->spare_request_count < EDGE_SPARES_MAX) {
        arena_clear(&r->x.arena);
        buf_fini(&r->body);
        buf_clear(&r->lines);
        list_prepend(&ew->spare_requests, &r->link);
        ew->spare_request_count++;
    } else {
        request_free(r);
    }
    if (s)
        session_answered(s, after);
}

static int keep_slice(struct arena *a, struct bytes *b)
{
    if (b->len == 0)
        return 0;
    *b = arena_copy(a, *b);
    return b->at ? 0 : ERR_NOMEM;
}

/* Only the fields that are there: the table is large and mostly empty. */
static int head_keep(struct arena *a, struct http_head *to,
                     const struct http_head *from)
{
    size_t before = offsetof(struct http_head, fields);
    size_t after = before + sizeof(from->fields);
    int error = 0;

    memcpy(to, from, before + from->field_count * sizeof(from->fields[0]));
    memcpy((char *)to + after, (const char *)from + after,
           sizeof(*from) - after);
    error |= keep_slice(a, &to->method_name);
    error |= keep_slice(a, &to->target);
    for (unsigned i = 0; i < to->field_count; i++) {
        error |= keep_slice(a, &to->fields[i].name);
        error |= keep_slice(a, &to->fields[i].value);
    }
    return error;
}

int request_keep(struct request *r)
{
    struct exchange *x = &r->x;
    struct arena *a = &x->arena;
    int error = 0;

    if (r->kept)
        return 0;
    error |= head_keep(a, &r->head, x->head);
    x->head = &r->head;
    error |= keep_slice(a, &r->target.raw);
    error |= keep_slice(a, &x->path);
    error |= keep_slice(a, &x->query);
    for (unsigned i = 0; i < EXCHANGE_PARAMS_MAX; i++)
        error |= keep_slice(a, &x->params[i]);
    if (x->identity)
        identity_ref(x->identity);
    r->kept = true;
    return error ? ERR_NOMEM : 0;
}

/* ---- what a handler calls --------------------------------------------- */

bool exchange_query_next(struct exchange *x, size_t *cursor, struct bytes *name,
                         struct bytes *value, int *error)
{
    struct bytes left = bytes_skip(x->query, *cursor), pair, raw_name, raw;

    *error = 0;
    do {
        if (left.len == 0)
            return false;
        (void)bytes_cut(left, '&', &pair, &left);
    } while (pair.len == 0);
    *cursor = x->query.len - left.len;
    (void)bytes_cut(pair, '=', &raw_name, &raw);
    *error = target_decode(raw_name, TARGET_PLUS_IS_SPACE, &x->arena, name);
    if (*error == 0)
        *error = target_decode(raw, TARGET_PLUS_IS_SPACE, &x->arena, value);
    return *error == 0;
}

static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static bool is_header(struct bytes name, struct bytes value)
{
    for (size_t i = 0; i < name.len; i++)
        if (!is_token_char(name.at[i]))
            return false;
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.at[i];

        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return name.len > 0;
}

void exchange_header(struct exchange *x, const char *name, struct bytes value)
{
    struct request *r = request_of(x);
    struct bytes n = bytes_of(name);

    if (!is_header(n, value)) {
        log_warn("edge.header.dropped", "name=%s route=%s", name,
                 x->route ? x->route->template : "");
        return;
    }
    if (bytes_equal_nocase(n, BYTES("cache-control")))
        r->has_cache_control = true;
    if (bytes_equal_nocase(n, BYTES("vary")))
        r->has_vary = true;
    if (bytes_equal_nocase(n, BYTES("set-cookie")))
        r->has_cookie = true;
    buf_append(&r->lines, n);
    buf_append(&r->lines, BYTES(": "));
    buf_append(&r->lines, value);
    buf_append(&r->lines, BYTES("\r\n"));
}

/* What a reader may keep needs a name: the handler's, or one of its bytes. */
static struct bytes reply_etag(const struct request *r, unsigned status,
                               const struct blob *body,
                               char room[ETAG_WEAK_LEN + 1])
{
    bool read = r->x.head && (r->x.head->method == HTTP_GET ||
                              r->x.head->method == HTTP_HEAD);

    if (r->x.etag.len || !read || status != 200 || !body)
        return r->x.etag;
    (void)snprintf(room, ETAG_WEAK_LEN + 1, "W/\"%016llx\"",
                   (unsigned long long)hash_stable(blob_bytes(body)));
    return (struct bytes){room, ETAG_WEAK_LEN};
}

void exchange_reply(struct exchange *x, unsigned status,
                    const char *content_type, struct blob *body)
{
    struct request *r = request_of(x);
    struct reply *reply = NULL;
    struct bytes type = bytes_of(content_type);
    char etag[ETAG_WEAK_LEN + 1];
    struct buf lines;

    buf_init(&lines, REPLY_LINES_MAX);
    respond_lines(r, status, content_type, &lines);

    int error = buf_error(&lines);

    if (error == 0)
        error = reply_new(&reply, status, reply_etag(r, status, body, etag),
                          buf_bytes(&lines), encode_is_text(type), body);
    else
        blob_unref(&body);
    if (error < 0)
        log_warn("edge.reply.dropped", "error=%s", error_name(error));
    buf_fini(&lines);
    pipeline_finish(r, reply);
}

void exchange_reply_buf(struct exchange *x, unsigned status,
                        const char *content_type, struct buf *body)
{
    struct blob *blob;
    int error = buf_take(body, &blob);

    if (error < 0)
        exchange_error(x, error);
    else
        exchange_reply(x, status, content_type, blob);
}

void exchange_upgrade(struct exchange *x, const char *protocol,
                      exchange_upgraded_fn *fn, void *arg)
{
    struct request *r = request_of(x);
    struct session *s = r->session;

    if (s) {
        respond_upgrade(r, bytes_of(protocol));
        session_upgrade(s, x->identity, fn, arg);
    }
    request_end(r);
}

int exchange_precondition(const struct exchange *x, struct bytes version)
{
    const struct http_head *h = x->head;

    if (http_head_has(h, HTTP_FIELD_IF_MATCH) &&
        (version.len == 0 ||
         !etag_list_has_version(http_head_get(h, HTTP_FIELD_IF_MATCH),
                                version)))
        return ERR_PRECONDITION;
    if (http_head_has(h, HTTP_FIELD_IF_NONE_MATCH) && version.len &&
        etag_list_has_version(http_head_get(h, HTTP_FIELD_IF_NONE_MATCH),
                              version))
        return ERR_PRECONDITION;
    return 0;
}

struct bytes exchange_trace(const struct exchange *x)
{
    return trace_id(&CONTAINER_OF(x, const struct request, x)->trace);
}
