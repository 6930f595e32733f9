/* SPDX-License-Identifier: MIT */
/*
 * problem - errors as application/problem+json (RFC 9457).
 *
 * type is "urn:fieldline:problem:" and a stable slug; title is the status's
 * phrase; trace is the id to look for in traces and logs.
 * Threads: loop.
 */
#include "edge/internal.h"

#include "base/blob.h"
#include "base/error.h"
#include "base/log.h"
#include "json/json.h"

#include <stdarg.h>
#include <stdio.h>

#define DETAIL_MAX  600
#define PROBLEM_MAX ((size_t)8 * 1024)

static void member(struct buf *b, const char *name, struct bytes value)
{
    buf_append_char(b, ',');
    json_write_key(b, bytes_of(name));
    json_write_string(b, value);
}

static void problem_write(struct buf *b, const struct request *r,
                          unsigned status, const char *type,
                          struct bytes detail)
{
    char urn[128];

    (void)snprintf(urn, sizeof(urn), "urn:fieldline:problem:%s", type);
    buf_append_char(b, '{');
    json_write_key(b, BYTES("status"));
    json_write_i64(b, status);
    member(b, "type", bytes_of(urn));
    member(b, "title", bytes_of(http_reason(status)));
    if (detail.len)
        member(b, "detail", detail);
    member(b, "trace", trace_id(&r->trace));
    buf_append_char(b, '}');
}

void exchange_problem(struct exchange *x, unsigned status, const char *type,
                      const char *detail_fmt, ...)
{
    struct request *r = request_of(x);
    struct blob *body = NULL;
    char detail[DETAIL_MAX];
    struct buf b;
    va_list args;

    va_start(args, detail_fmt);

    int len = vsnprintf(detail, sizeof(detail), detail_fmt, args);

    va_end(args);
    if (len < 0)
        len = 0;
    if ((size_t)len >= sizeof(detail))
        len = sizeof(detail) - 1;
    buf_init(&b, PROBLEM_MAX);
    problem_write(&b, r, status, type, (struct bytes){detail, (size_t)len});
    if (buf_error(&b) == 0)
        (void)!buf_take(&b, &body);
    buf_fini(&b);
    x->cacheable = false;
    x->etag = (struct bytes){NULL, 0};
    exchange_reply(x, status, "application/problem+json", body);
}

void exchange_error(struct exchange *x, int error)
{
    static const struct {
        int error;
        unsigned status;
        const char *type;
    } rows[] = {
        {ERR_NOMEM, 503, "out-of-memory"},
        {ERR_LIMIT, 413, "too-large"},
        {ERR_INVALID, 400, "malformed"},
        {ERR_RANGE, 400, "out-of-range"},
        {ERR_NOT_FOUND, 404, "not-found"},
        {ERR_EXISTS, 409, "exists"},
        {ERR_DENIED, 403, "not-allowed"},
        {ERR_UNAUTHENTICATED, 401, "unauthenticated"},
        {ERR_EXPIRED, 401, "expired"},
        {ERR_CONFLICT, 409, "conflict"},
        {ERR_PRECONDITION, 412, "stale-version"},
        {ERR_CONSTRAINT, 422, "refused-by-database"},
        {ERR_BUSY, 503, "busy"},
        {ERR_TIMEOUT, 503, "timeout"},
        {ERR_UNSUPPORTED, 501, "not-supported"},
        {ERR_STALE, 410, "must-reload"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].error != error)
            continue;
        if (rows[i].status == 503)
            exchange_header(x, "Retry-After", BYTES("1"));
        exchange_problem(x, rows[i].status, rows[i].type, "%s",
                         error_text(error));
        return;
    }
    log_error("edge.handler.failed", "error=%s route=%s", error_name(error),
              x->route ? x->route->template : "");
    exchange_problem(x, 500, "internal", "%s",
                     "the request could not be carried out");
}
