/* SPDX-License-Identifier: MIT */
/*
 * http - names of methods, fields and statuses, and the lookups over them.
 * Threads: immutable.
 */
#include "proto/http.h"

static const struct bytes field_names[HTTP_FIELD_COUNT] = {
#define X(id, name) [HTTP_FIELD_##id] = {name, sizeof(name) - 1},
    HTTP_FIELD_TABLE(X)
#undef X
};

/* Length and first letter leave one candidate, but for one pair. */
#define NAME_LEN_MIN      4
#define NAME_LEN_MAX      24
#define SHAPE(len, first) ((len) << 8 | (first))

static enum http_field_id candidate(struct bytes name)
{
    if (name.len < NAME_LEN_MIN || name.len > NAME_LEN_MAX)
        return HTTP_FIELD_NONE;
    switch (SHAPE(name.len, (unsigned char)name.at[0] | 0x20u)) {
    case SHAPE(4, 'd'):
        return HTTP_FIELD_DATE;
    case SHAPE(4, 'e'):
        return HTTP_FIELD_ETAG;
    case SHAPE(4, 'h'):
        return HTTP_FIELD_HOST;
    case SHAPE(4, 'v'):
        return HTTP_FIELD_VARY;
    case SHAPE(5, 'r'):
        return HTTP_FIELD_RANGE;
    case SHAPE(6, 'a'):
        return HTTP_FIELD_ACCEPT;
    case SHAPE(6, 'c'):
        return HTTP_FIELD_COOKIE;
    case SHAPE(6, 'e'):
        return HTTP_FIELD_EXPECT;
    case SHAPE(6, 'o'):
        return HTTP_FIELD_ORIGIN;
    case SHAPE(6, 'p'):
        return HTTP_FIELD_PREFER;
    case SHAPE(7, 'r'):
        return HTTP_FIELD_REFERER;
    case SHAPE(7, 'u'):
        return HTTP_FIELD_UPGRADE;
    case SHAPE(8, 'i'):
        return (name.at[3] | 0x20) == 'm' ? HTTP_FIELD_IF_MATCH
                                          : HTTP_FIELD_IF_RANGE;
    case SHAPE(8, 'l'):
        return HTTP_FIELD_LOCATION;
    case SHAPE(10, 'c'):
        return HTTP_FIELD_CONNECTION;
    case SHAPE(10, 'u'):
        return HTTP_FIELD_USER_AGENT;
    case SHAPE(11, 't'):
        return HTTP_FIELD_TRACEPARENT;
    case SHAPE(12, 'c'):
        return HTTP_FIELD_CONTENT_TYPE;
    case SHAPE(13, 'a'):
        return HTTP_FIELD_AUTHORIZATION;
    case SHAPE(13, 'c'):
        return HTTP_FIELD_CACHE_CONTROL;
    case SHAPE(13, 'i'):
        return HTTP_FIELD_IF_NONE_MATCH;
    case SHAPE(14, 'c'):
        return HTTP_FIELD_CONTENT_LENGTH;
    case SHAPE(15, 'a'):
        return HTTP_FIELD_ACCEPT_ENCODING;
    case SHAPE(15, 'i'):
        return HTTP_FIELD_IDEMPOTENCY_KEY;
    case SHAPE(16, 'c'):
        return HTTP_FIELD_CONTENT_ENCODING;
    case SHAPE(17, 'i'):
        return HTTP_FIELD_IF_MODIFIED_SINCE;
    case SHAPE(17, 's'):
        return HTTP_FIELD_SEC_WEBSOCKET_KEY;
    case SHAPE(17, 't'):
        return HTTP_FIELD_TRANSFER_ENCODING;
    case SHAPE(18, 'f'):
        return HTTP_FIELD_FIELDLINE_POSITION;
    case SHAPE(20, 's'):
        return HTTP_FIELD_SEC_WEBSOCKET_ACCEPT;
    case SHAPE(21, 's'):
        return HTTP_FIELD_SEC_WEBSOCKET_VERSION;
    case SHAPE(22, 's'):
        return HTTP_FIELD_SEC_WEBSOCKET_PROTOCOL;
    case SHAPE(24, 's'):
        return HTTP_FIELD_SEC_WEBSOCKET_EXTENSIONS;
    default:
        return HTTP_FIELD_NONE;
    }
}

/*
 * Do n bytes (4 or 8) equal those of a known name? Case is bit 0x20, and only
 * of letters: they, unlike the hyphen, have bit 0x40.
 */
static bool same_word(const char *got, const char *known, size_t n)
{
    uint64_t a = 0, b = 0;

    memcpy(&a, got, n);
    memcpy(&b, known, n);
    return ((a ^ b) & ~((b & 0x4040404040404040u) >> 1)) == 0;
}

/* Names of one length, four bytes or more; the last words may overlap. */
static bool same_name(const char *got, const char *known, size_t len)
{
    size_t word = len < 8 ? 4 : 8;

    for (size_t i = 0; i + word < len; i += word)
        if (!same_word(got + i, known + i, word))
            return false;
    return same_word(got + len - word, known + len - word, word);
}

enum http_field_id http_field_id_of(struct bytes name)
{
    enum http_field_id id = candidate(name);

    if (id == HTTP_FIELD_NONE ||
        !same_name(name.at, field_names[id].at, name.len))
        return HTTP_FIELD_NONE;
    return id;
}

struct bytes http_head_find(const struct http_head *h, struct bytes name)
{
    for (unsigned i = 0; i < h->field_count; i++)
        if (bytes_equal_nocase(h->fields[i].name, name))
            return h->fields[i].value;
    return (struct bytes){NULL, 0};
}

const char *http_method_name(enum http_method method)
{
    switch (method) {
#define X(name)                                                                \
    case HTTP_##name:                                                          \
        return #name;
        HTTP_METHOD_TABLE(X)
#undef X
    case HTTP_OTHER:
        break;
    }
    return "OTHER";
}

const char *http_reason(unsigned status)
{
    static const struct {
        unsigned status;
        const char *reason;
    } reasons[] = {
        {100, "Continue"},
        {101, "Switching Protocols"},
        {103, "Early Hints"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {207, "Multi-Status"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Content"},
        {425, "Too Early"},
        {426, "Upgrade Required"},
        {428, "Precondition Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
    };

    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "";
}

bool http_list_has(struct bytes list, struct bytes token)
{
    struct bytes item;

    do {
        struct bytes rest;
        bytes_cut(list, ',', &item, &rest);
        if (token.len > 0 && bytes_equal_nocase(bytes_trim(item), token))
            return true;
        list = rest;
    } while (list.len > 0);
    return false;
}
