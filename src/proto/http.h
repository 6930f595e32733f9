/* SPDX-License-Identifier: MIT */
/*
 * http - what a request or reply head is, whichever version carried it.
 *
 * Fields keep their order and spelling; those that Fieldline looks at have a
 * number (HTTP_FIELD_TABLE) so that finding one is an array access.
 * Threads: immutable once parsed. The slices borrow the parser's memory.
 */
#ifndef FIELDLINE_PROTO_HTTP_H
#define FIELDLINE_PROTO_HTTP_H

#include "base/bytes.h"

#define HTTP_METHOD_TABLE(X)                                                   \
    X(GET) X(HEAD) X(POST) X(PUT) X(PATCH) X(DELETE) X(OPTIONS)

enum http_method {
    HTTP_OTHER,
#define X(name) HTTP_##name,
    HTTP_METHOD_TABLE(X)
#undef X
};

/* lower-case name as on the wire */
#define HTTP_FIELD_TABLE(X)                                                    \
    X(ACCEPT, "accept")                                                        \
    X(ACCEPT_ENCODING, "accept-encoding")                                      \
    X(AUTHORIZATION, "authorization")                                          \
    X(CACHE_CONTROL, "cache-control")                                          \
    X(CONNECTION, "connection")                                                \
    X(CONTENT_ENCODING, "content-encoding")                                    \
    X(CONTENT_LENGTH, "content-length")                                        \
    X(CONTENT_TYPE, "content-type")                                            \
    X(COOKIE, "cookie")                                                        \
    X(DATE, "date")                                                            \
    X(ETAG, "etag")                                                            \
    X(EXPECT, "expect")                                                        \
    X(FIELDLINE_POSITION, "fieldline-position")                                \
    X(HOST, "host")                                                            \
    X(IDEMPOTENCY_KEY, "idempotency-key")                                      \
    X(IF_MATCH, "if-match")                                                    \
    X(IF_MODIFIED_SINCE, "if-modified-since")                                  \
    X(IF_NONE_MATCH, "if-none-match")                                          \
    X(IF_RANGE, "if-range")                                                    \
    X(LOCATION, "location")                                                    \
    X(ORIGIN, "origin")                                                        \
    X(PREFER, "prefer")                                                        \
    X(RANGE, "range")                                                          \
    X(REFERER, "referer")                                                      \
    X(SEC_WEBSOCKET_ACCEPT, "sec-websocket-accept")                            \
    X(SEC_WEBSOCKET_EXTENSIONS, "sec-websocket-extensions")                    \
    X(SEC_WEBSOCKET_KEY, "sec-websocket-key")                                  \
    X(SEC_WEBSOCKET_PROTOCOL, "sec-websocket-protocol")                        \
    X(SEC_WEBSOCKET_VERSION, "sec-websocket-version")                          \
    X(TRACEPARENT, "traceparent")                                              \
    X(TRANSFER_ENCODING, "transfer-encoding")                                  \
    X(UPGRADE, "upgrade")                                                      \
    X(USER_AGENT, "user-agent")                                                \
    X(VARY, "vary")

enum http_field_id {
    HTTP_FIELD_NONE,
#define X(id, name) HTTP_FIELD_##id,
    HTTP_FIELD_TABLE(X)
#undef X
        HTTP_FIELD_COUNT
};

#define HTTP_FIELDS_MAX 64

struct http_field {
    struct bytes name;
    struct bytes value; /* without surrounding white space */
};

struct http_head {
    enum http_method method; /* of a request */
    struct bytes method_name;
    struct bytes target; /* as sent: origin-, absolute- or other form */
    unsigned status;     /* of a reply */
    unsigned version_major, version_minor;
    bool keep_alive;
    bool upgrade; /* Connection: upgrade with an Upgrade field */
    bool expect_continue;
    bool chunked;
    bool has_length;
    uint64_t content_length;
    unsigned field_count;
    struct http_field fields[HTTP_FIELDS_MAX];
    uint8_t known[HTTP_FIELD_COUNT];    /* 1 + index of the FIRST, 0: absent */
    uint8_t repeated[HTTP_FIELD_COUNT]; /* how often beyond the first */
};

enum http_field_id http_field_id_of(struct bytes name); /* any case */
static inline struct bytes http_head_get(const struct http_head *h,
                                         enum http_field_id id)
{
    return h->known[id] ? h->fields[h->known[id] - 1].value
                        : (struct bytes){NULL, 0};
}
static inline bool http_head_has(const struct http_head *h,
                                 enum http_field_id id)
{
    return h->known[id] != 0;
}
struct bytes http_head_find(const struct http_head *, struct bytes name);

const char *http_method_name(enum http_method);
const char *http_reason(unsigned status); /* "Not Found"; "" if unknown */

/* Is token in the comma-separated list (any case)? */
bool http_list_has(struct bytes list, struct bytes token);

#endif
