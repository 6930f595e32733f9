/* SPDX-License-Identifier: MIT */
/*
 * http1_mistake - the one table of what can be wrong with HTTP/1 bytes.
 * Threads: immutable.
 */
#ifndef FIELDLINE_PROTO_HTTP1_MISTAKE_H
#define FIELDLINE_PROTO_HTTP1_MISTAKE_H

/* name, the status that answers it, text for the log */
#define HTTP1_MISTAKE_TABLE(X)                                                 \
    X(NONE, 200, "no mistake")                                                 \
    X(START, 400, "the first line is malformed")                               \
    X(TARGET, 400, "the target is malformed")                                  \
    X(TARGET_LONG, 414, "the target is too long")                              \
    X(METHOD, 501, "the method is not served")                                 \
    X(VERSION, 505, "the version is not HTTP/1.0 or 1.1")                      \
    X(BARE_LF, 400, "a line ends without CR")                                  \
    X(BARE_CR, 400, "a CR stands without LF")                                  \
    X(FOLDED, 400, "a field is folded over lines")                             \
    X(NAME, 400, "a field name is malformed")                                  \
    X(VALUE, 400, "a field value is malformed")                                \
    X(HEAD_LONG, 431, "the head is too long")                                  \
    X(FIELDS, 431, "there are too many fields")                                \
    X(HOST_MISSING, 400, "Host is missing")                                    \
    X(HOST_REPEATED, 400, "Host is repeated")                                  \
    X(LENGTH, 400, "Content-Length is malformed")                              \
    X(LENGTH_TWICE, 400, "the length is said twice")                           \
    X(CODING, 400, "the transfer coding is not chunked alone")                 \
    X(BODY_LONG, 413, "the body is too long")                                  \
    X(CHUNK_SIZE, 400, "a chunk size is malformed")                            \
    X(CHUNK_END, 400, "a chunk does not end where it should")                  \
    X(CHUNK_EXTENSION, 400, "a chunk extension is malformed or too long")      \
    X(TRAILER, 400, "a trailer is malformed")                                  \
    X(TRAILER_LONG, 431, "the trailers are too long")                          \
    X(CUT, 400, "the connection ended inside a message")                       \
    X(MEMORY, 503, "out of memory")

enum http1_mistake {
#define X(name, status, text) HTTP1_MISTAKE_##name,
    HTTP1_MISTAKE_TABLE(X)
#undef X
};

#endif
