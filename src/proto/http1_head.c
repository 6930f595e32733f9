/* SPDX-License-Identifier: MIT */
/*
 * http1_head - the scan over lines, llhttp over the whole head, then the rules
 * that decide where the body ends.
 *
 * llhttp is given one head and stopped at its end; it never sees a body. The
 * scan has made sure that CR and LF occur only together and at line ends. What
 * llhttp tolerates between its tokens is checked at the slices it reports,
 * which works because they lie in one piece of memory that ends in CR LF CR LF.
 * Threads: loop.
 */
#include "proto/llhttp_names.h"

#include "proto/http1_head.h"

#define LENGTH_DIGITS_MAX 19 /* fewer than overflow 64 bits */
#define VERSION_LEN       8  /* HTTP/1.1 */
#define STATUS_END        12 /* HTTP/1.1 200 */

struct head_parse {
    llhttp_t parser; /* first: the callbacks get its address */
    struct http_head *head;
    enum http1_mistake mistake;
    bool whole;
};

enum http1_mistake http1_scan_head(struct http1_scan *s, const char *head,
                                   size_t len, size_t head_bytes_max,
                                   size_t *ret)
{
    size_t end = len < head_bytes_max ? len : head_bytes_max;

    *ret = 0;
    while (s->at < end) {
        const char *lf = memchr(head + s->at, '\n', end - s->at);

        if (!lf) {
            s->at = end;
            break;
        }

        size_t i = (size_t)(lf - head);

        if (i == s->line || lf[-1] != '\r')
            return HTTP1_MISTAKE_BARE_LF;
        if (memchr(head + s->line, '\r', i - 1 - s->line))
            return HTTP1_MISTAKE_BARE_CR;
        if (i == s->line + 1) {
            *ret = i + 1;
            return HTTP1_MISTAKE_NONE;
        }
        if (s->line && (head[s->line] == ' ' || head[s->line] == '\t'))
            return HTTP1_MISTAKE_FOLDED;
        s->line = s->at = i + 1;
    }
    if (s->at < head_bytes_max)
        return HTTP1_MISTAKE_NONE;
    return s->line ? HTTP1_MISTAKE_HEAD_LONG : HTTP1_MISTAKE_TARGET_LONG;
}

static int stop(struct head_parse *p, enum http1_mistake mistake)
{
    p->mistake = mistake;
    return HPE_USER;
}

static int on_target(llhttp_t *parser, const char *at, size_t len)
{
    struct head_parse *p = (struct head_parse *)parser;

    p->head->target = (struct bytes){at, len};
    return 0;
}

static int on_name(llhttp_t *parser, const char *at, size_t len)
{
    struct head_parse *p = (struct head_parse *)parser;
    struct http_head *h = p->head;

    if (len == 0 || at[len] != ':')
        return stop(p, HTTP1_MISTAKE_NAME);
    if (h->field_count == HTTP_FIELDS_MAX)
        return stop(p, HTTP1_MISTAKE_FIELDS);
    h->fields[h->field_count++] = (struct http_field){{at, len}, {at + len, 0}};
    return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t len)
{
    struct head_parse *p = (struct head_parse *)parser;

    if (len == 0)
        return 0; /* at is then somewhere behind the line */
    p->head->fields[p->head->field_count - 1].value =
        bytes_trim((struct bytes){at, len});
    return 0;
}

static int on_head(llhttp_t *parser)
{
    struct head_parse *p = (struct head_parse *)parser;

    p->whole = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_target,
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_headers_complete = on_head,
};

static enum http1_mistake mistake_of(const llhttp_t *parser)
{
    switch (llhttp_get_errno(parser)) {
    case HPE_INVALID_URL:
        return HTTP1_MISTAKE_TARGET;
    case HPE_INVALID_VERSION:
        return HTTP1_MISTAKE_VERSION;
    case HPE_INVALID_HEADER_TOKEN:
        return HTTP1_MISTAKE_VALUE;
    case HPE_UNEXPECTED_CONTENT_LENGTH:
        return HTTP1_MISTAKE_LENGTH_TWICE;
    case HPE_INVALID_CONTENT_LENGTH:
        return HTTP1_MISTAKE_LENGTH;
    case HPE_INVALID_TRANSFER_ENCODING:
        return HTTP1_MISTAKE_CODING;
    default:
        return HTTP1_MISTAKE_START;
    }
}

static enum http_method method_of(uint8_t llhttp_method)
{
    switch (llhttp_method) {
#define X(name)                                                                \
    case LLHTTP_##name:                                                        \
        return HTTP_##name;
        HTTP_METHOD_TABLE(X)
#undef X
    default:
        return HTTP_OTHER;
    }
}

static bool version_known(const char *at)
{
    return memcmp(at, "HTTP/1.0", VERSION_LEN) == 0 ||
           memcmp(at, "HTTP/1.1", VERSION_LEN) == 0;
}

/* "GET /x HTTP/1.1": one space each, nothing before, nothing after. */
static enum http1_mistake check_request_line(struct http_head *h,
                                             const llhttp_t *parser,
                                             struct bytes head,
                                             size_t target_bytes_max)
{
    const char *space = memchr(head.at, ' ', head.len);

    if (!space || h->target.at != space + 1)
        return HTTP1_MISTAKE_START;

    const char *after = h->target.at + h->target.len;

    if (head.at + head.len - after < VERSION_LEN + 3 || after[0] != ' ' ||
        memcmp(after + 1, "HTTP/", 5) != 0)
        return HTTP1_MISTAKE_START;
    if (!version_known(after + 1) || after[1 + VERSION_LEN] != '\r')
        return HTTP1_MISTAKE_VERSION;
    if (h->target.len > target_bytes_max)
        return HTTP1_MISTAKE_TARGET_LONG;
    h->method_name = (struct bytes){head.at, (size_t)(space - head.at)};
    h->method = method_of(parser->method);
    return parser->method == HTTP_CONNECT ? HTTP1_MISTAKE_METHOD
                                          : HTTP1_MISTAKE_NONE;
}

/* "HTTP/1.1 200 OK", the reason may be missing with its space. */
static enum http1_mistake check_status_line(struct http_head *h,
                                            struct bytes head)
{
    const char *after = head.at + STATUS_END;

    if (head.len < STATUS_END + 2 || !version_known(head.at))
        return HTTP1_MISTAKE_VERSION;
    if (head.at[VERSION_LEN] != ' ' || (*after != ' ' && *after != '\r') ||
        h->status < 100)
        return HTTP1_MISTAKE_START;
    return HTTP1_MISTAKE_NONE;
}

static void index_fields(struct http_head *h)
{
    for (unsigned i = 0; i < h->field_count; i++) {
        enum http_field_id id = http_field_id_of(h->fields[i].name);

        if (id == HTTP_FIELD_NONE)
            continue;
        if (h->known[id])
            h->repeated[id]++;
        else
            h->known[id] = (uint8_t)(i + 1);
    }
}

/* All fields of that name count: they are one list. */
static bool any_list_has(const struct http_head *h, enum http_field_id id,
                         struct bytes token)
{
    if (!h->repeated[id])
        return h->known[id] && http_list_has(http_head_get(h, id), token);
    for (unsigned i = h->known[id] - 1u; i < h->field_count; i++)
        if (http_field_id_of(h->fields[i].name) == id &&
            http_list_has(h->fields[i].value, token))
            return true;
    return false;
}

static bool read_length(struct bytes digits, uint64_t *ret)
{
    uint64_t length = 0;

    if (digits.len == 0 || digits.len > LENGTH_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9')
            return false;
        length = length * 10 + (uint64_t)(digits.at[i] - '0');
    }
    *ret = length;
    return true;
}

/* RFC 9112 6.3, without its leniencies. Some of it llhttp has refused already;
 * where a body ends is decided here, whatever a version of it lets pass. */
static enum http1_mistake frame_body(struct http_head *h)
{
    if (http_head_has(h, HTTP_FIELD_TRANSFER_ENCODING)) {
        if (http_head_has(h, HTTP_FIELD_CONTENT_LENGTH))
            return HTTP1_MISTAKE_LENGTH_TWICE;
        if (h->version_minor == 0 ||
            h->repeated[HTTP_FIELD_TRANSFER_ENCODING] ||
            !bytes_equal_nocase(http_head_get(h, HTTP_FIELD_TRANSFER_ENCODING),
                                BYTES("chunked")))
            return HTTP1_MISTAKE_CODING;
        h->chunked = true;
    }
    if (http_head_has(h, HTTP_FIELD_CONTENT_LENGTH)) {
        if (h->repeated[HTTP_FIELD_CONTENT_LENGTH])
            return HTTP1_MISTAKE_LENGTH_TWICE;
        if (!read_length(http_head_get(h, HTTP_FIELD_CONTENT_LENGTH),
                         &h->content_length))
            return HTTP1_MISTAKE_LENGTH;
        h->has_length = true;
    }
    return HTTP1_MISTAKE_NONE;
}

static void read_connection(struct http_head *h)
{
    if (h->version_minor == 0)
        h->keep_alive =
            any_list_has(h, HTTP_FIELD_CONNECTION, BYTES("keep-alive"));
    else
        h->keep_alive = !any_list_has(h, HTTP_FIELD_CONNECTION, BYTES("close"));
    if (h->version_minor == 0)
        return; /* HTTP/1.0 knows neither of these (RFC 9110 7.8, 10.1.1) */
    h->upgrade = http_head_has(h, HTTP_FIELD_UPGRADE) &&
                 any_list_has(h, HTTP_FIELD_CONNECTION, BYTES("upgrade"));
    h->expect_continue =
        http_head_has(h, HTTP_FIELD_EXPECT) &&
        any_list_has(h, HTTP_FIELD_EXPECT, BYTES("100-continue"));
}

static enum http1_mistake check_host(const struct http_head *h)
{
    if (h->repeated[HTTP_FIELD_HOST])
        return HTTP1_MISTAKE_HOST_REPEATED;
    if (h->version_minor > 0 && !http_head_has(h, HTTP_FIELD_HOST))
        return HTTP1_MISTAKE_HOST_MISSING;
    return HTTP1_MISTAKE_NONE;
}

static void head_clear(struct http_head *h)
{
    /* All but the fields themselves, which field_count guards. */
    memset(h, 0, offsetof(struct http_head, fields));
    memset(h->known, 0, sizeof(h->known));
    memset(h->repeated, 0, sizeof(h->repeated));
}

enum http1_mistake http1_parse_head(struct http_head *h, enum http1_role role,
                                    struct bytes head, size_t target_bytes_max)
{
    struct head_parse p = {.head = h};
    enum http1_mistake mistake;

    head_clear(h);
    llhttp_init(&p.parser, role == HTTP1_SERVER ? HTTP_REQUEST : HTTP_RESPONSE,
                &settings);
    if (llhttp_execute(&p.parser, head.at, head.len) != HPE_PAUSED || !p.whole)
        return p.mistake ? p.mistake : mistake_of(&p.parser);
    h->version_major = p.parser.http_major;
    h->version_minor = p.parser.http_minor;
    h->status = p.parser.status_code;
    mistake = role == HTTP1_SERVER
                  ? check_request_line(h, &p.parser, head, target_bytes_max)
                  : check_status_line(h, head);
    if (mistake)
        return mistake;
    index_fields(h);
    mistake = frame_body(h);
    if (!mistake && role == HTTP1_SERVER)
        mistake = check_host(h);
    read_connection(h);
    return mistake;
}
