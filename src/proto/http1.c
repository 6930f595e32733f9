/* SPDX-License-Identifier: MIT */
/*
 * http1 - what comes next on a connection: a head, a piece of body, an end.
 *
 *   HEAD --whole head--> LENGTH | CHUNKED | UNTIL_EOF | END
 *   LENGTH, CHUNKED --last byte--> END --DONE--> HEAD | CLOSED
 *   END --http1_accept_upgrade()--> UPGRADED       (a reply 101: at once)
 *   any --mistake--> BAD
 *
 * Only in HEAD are bytes kept, and only when a read ended inside a head; they
 * go at the first call after the head was given.
 * Threads: loop.
 */
#include "proto/http1.h"

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "proto/http1_chunk.h"
#include "proto/http1_head.h"

#define HEAD_BYTES_DEFAULT   ((size_t)16 * 1024)
#define TARGET_BYTES_DEFAULT ((size_t)8 * 1024)
#define BODY_BYTES_DEFAULT   ((uint64_t)1024 * 1024)

enum http1_state {
    STATE_HEAD,
    STATE_LENGTH,
    STATE_CHUNKED,
    STATE_UNTIL_EOF,
    STATE_END,      /* the message is over, DONE is not said yet */
    STATE_CLOSED,   /* it was the last: what follows is dropped */
    STATE_UPGRADED, /* what follows is not HTTP */
    STATE_BAD,
};

enum lead { LEAD_NONE, LEAD_CR, LEAD_LINE }; /* of an empty line before */

struct http1 {
    struct http1_limits limits;
    enum http1_role role;
    enum http1_state state;
    enum http1_mistake mistake;
    enum lead lead;
    bool no_body;      /* asked for by http1_expect_no_body() */
    bool head_is_kept; /* the head's slices point into kept */
    uint64_t left;     /* LENGTH: bytes to come; UNTIL_EOF: room */
    struct http1_chunk chunk;
    struct http1_scan scan;
    struct buf kept;
    struct http_head head;
};

int http1_new(struct http1 **ret, enum http1_role role,
              const struct http1_limits *limits)
{
    struct http1 *h = mem_zalloc(1, sizeof(*h));

    if (!h)
        return ERR_NOMEM;
    if (limits)
        h->limits = *limits;
    if (!h->limits.head_bytes_max)
        h->limits.head_bytes_max = HEAD_BYTES_DEFAULT;
    if (!h->limits.target_bytes_max)
        h->limits.target_bytes_max = TARGET_BYTES_DEFAULT;
    if (!h->limits.body_bytes_max)
        h->limits.body_bytes_max = BODY_BYTES_DEFAULT;
    h->role = role;
    buf_init(&h->kept, h->limits.head_bytes_max);
    *ret = h;
    return 0;
}

void http1_free(struct http1 **http1)
{
    if (!*http1)
        return;
    buf_fini(&(*http1)->kept);
    mem_free(*http1);
    *http1 = NULL;
}

static enum http1_event bad(struct http1 *h, enum http1_mistake mistake)
{
    h->mistake = mistake;
    h->state = STATE_BAD;
    return HTTP1_BAD;
}

static bool reply_has_no_body(const struct http1 *h)
{
    unsigned status = h->head.status;

    return status < 200 || status == 204 || status == 304 || h->no_body;
}

/* The head is read: what comes after it? */
static enum http1_event begin_body(struct http1 *h)
{
    const struct http_head *head = &h->head;
    bool reply = h->role == HTTP1_CLIENT;

    if (reply && reply_has_no_body(h)) {
        h->state = head->status == 101 ? STATE_UPGRADED : STATE_END;
        if (head->status >= 200)
            h->no_body = false;
        return HTTP1_HEAD;
    }
    if (head->chunked) {
        http1_chunk_init(&h->chunk, h->limits.body_bytes_max);
        h->state = STATE_CHUNKED;
    } else if (head->has_length) {
        if (head->content_length > h->limits.body_bytes_max)
            return bad(h, HTTP1_MISTAKE_BODY_LONG);
        h->left = head->content_length;
        h->state = h->left ? STATE_LENGTH : STATE_END;
    } else if (reply) {
        h->head.keep_alive = false;
        h->left = h->limits.body_bytes_max;
        h->state = STATE_UNTIL_EOF;
    } else {
        h->state = STATE_END;
    }
    return HTTP1_HEAD;
}

static enum http1_event parse_head(struct http1 *h, struct bytes whole)
{
    enum http1_mistake mistake =
        http1_parse_head(&h->head, h->role, whole, h->limits.target_bytes_max);

    h->scan = (struct http1_scan){0};
    h->lead = LEAD_NONE;
    return mistake ? bad(h, mistake) : begin_body(h);
}

/* Goes on with a head of which earlier reads brought a part. */
static enum http1_event continue_head(struct http1 *h, struct bytes *in)
{
    size_t before = h->kept.len;
    size_t room = h->limits.head_bytes_max - before;
    size_t taken = in->len < room ? in->len : room;
    size_t len;

    buf_append(&h->kept, (struct bytes){in->at, taken});
    if (buf_error(&h->kept))
        return bad(h, HTTP1_MISTAKE_MEMORY);

    enum http1_mistake mistake = http1_scan_head(
        &h->scan, h->kept.at, h->kept.len, h->limits.head_bytes_max, &len);

    if (mistake)
        return bad(h, mistake);
    if (!len) {
        *in = bytes_skip(*in, taken);
        return HTTP1_MORE;
    }
    *in = bytes_skip(*in, len - before);
    h->head_is_kept = true;
    return parse_head(h, (struct bytes){h->kept.at, len});
}

/* A client may send an empty line after its last request: one is read over. */
static enum http1_mistake skip_empty_line(struct http1 *h, struct bytes *in)
{
    while (in->len && (in->at[0] == '\r' || h->lead == LEAD_CR)) {
        if (h->lead == LEAD_LINE || h->role == HTTP1_CLIENT)
            return HTTP1_MISTAKE_START;
        if (h->lead == LEAD_CR && in->at[0] != '\n')
            return HTTP1_MISTAKE_BARE_CR;
        h->lead = h->lead == LEAD_CR ? LEAD_LINE : LEAD_CR;
        *in = bytes_skip(*in, 1);
    }
    return HTTP1_MISTAKE_NONE;
}

static enum http1_event next_head(struct http1 *h, struct bytes *in)
{
    size_t len;

    if (h->kept.len)
        return continue_head(h, in);

    enum http1_mistake mistake = skip_empty_line(h, in);

    if (mistake)
        return bad(h, mistake);
    if (!in->len)
        return HTTP1_MORE;
    /* What is not HTTP at all is not waited for. */
    if (in->at[0] < 'A' || in->at[0] > 'Z')
        return bad(h, HTTP1_MISTAKE_START);
    mistake = http1_scan_head(&h->scan, in->at, in->len,
                              h->limits.head_bytes_max, &len);
    if (mistake)
        return bad(h, mistake);
    if (len) {
        struct bytes whole = {in->at, len};

        *in = bytes_skip(*in, len);
        return parse_head(h, whole);
    }
    buf_append(&h->kept, *in);
    if (buf_error(&h->kept))
        return bad(h, HTTP1_MISTAKE_MEMORY);
    *in = bytes_skip(*in, in->len);
    return HTTP1_MORE;
}

/* A run of body that only its length ends. */
static enum http1_event next_run(struct http1 *h, struct bytes *in,
                                 struct bytes *ret)
{
    if (!in->len)
        return HTTP1_MORE;
    if (!h->left)
        return bad(h, HTTP1_MISTAKE_BODY_LONG); /* only in UNTIL_EOF */

    size_t len = h->left < in->len ? (size_t)h->left : in->len;

    *ret = (struct bytes){in->at, len};
    *in = bytes_skip(*in, len);
    h->left -= len;
    if (!h->left && h->state == STATE_LENGTH)
        h->state = STATE_END;
    return HTTP1_BODY;
}

static enum http1_event end_message(struct http1 *h)
{
    bool informational = h->role == HTTP1_CLIENT && h->head.status < 200;

    h->state = h->head.keep_alive || informational ? STATE_HEAD : STATE_CLOSED;
    return HTTP1_DONE;
}

static enum http1_event next_chunk(struct http1 *h, struct bytes *in,
                                   struct bytes *ret)
{
    enum http1_mistake mistake;

    switch (http1_chunk_next(&h->chunk, in, ret, &mistake)) {
    case HTTP1_CHUNK_DATA:
        return HTTP1_BODY;
    case HTTP1_CHUNK_END:
        return end_message(h);
    case HTTP1_CHUNK_BAD:
        return bad(h, mistake);
    default:
        return HTTP1_MORE;
    }
}

enum http1_event http1_next(struct http1 *h, struct bytes *in,
                            struct bytes *ret)
{
    if (h->head_is_kept) {
        buf_fini(&h->kept);
        h->head_is_kept = false;
    }
    switch (h->state) {
    case STATE_HEAD:
        return next_head(h, in);
    case STATE_LENGTH:
    case STATE_UNTIL_EOF:
        return next_run(h, in, ret);
    case STATE_CHUNKED:
        return next_chunk(h, in, ret);
    case STATE_END:
        return end_message(h);
    case STATE_CLOSED:
        *in = bytes_skip(*in, in->len);
        return HTTP1_MORE;
    case STATE_UPGRADED:
        return HTTP1_UPGRADE;
    case STATE_BAD:
        break;
    }
    return HTTP1_BAD;
}

int http1_accept_upgrade(struct http1 *h)
{
    if (h->state != STATE_END || !h->head.upgrade)
        return ERR_INVALID;
    h->state = STATE_UPGRADED;
    return 0;
}

enum http1_event http1_eof(struct http1 *h)
{
    if (h->state == STATE_UPGRADED)
        return HTTP1_UPGRADE;
    if (h->state == STATE_BAD)
        return HTTP1_BAD;
    if (h->state == STATE_UNTIL_EOF || h->state == STATE_END ||
        h->state == STATE_CLOSED || http1_is_idle(h)) {
        h->state = STATE_CLOSED;
        return HTTP1_DONE;
    }
    return bad(h, HTTP1_MISTAKE_CUT);
}

const struct http_head *http1_head(const struct http1 *h)
{
    return &h->head;
}

bool http1_is_idle(const struct http1 *h)
{
    return h->state == STATE_HEAD && !h->kept.len;
}

static const struct {
    unsigned status;
    const char *text;
} mistakes[] = {
#define X(name, status, text) [HTTP1_MISTAKE_##name] = {status, text},
    HTTP1_MISTAKE_TABLE(X)
#undef X
};

const char *http1_mistake(const struct http1 *h)
{
    return mistakes[h->mistake].text;
}

unsigned http1_bad_status(const struct http1 *h)
{
    return mistakes[h->mistake].status;
}

void http1_expect_no_body(struct http1 *h)
{
    h->no_body = true;
}
