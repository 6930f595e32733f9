/* SPDX-License-Identifier: MIT */
/*
 * error - the one table of error codes.
 *
 * A function that can fail returns 0 or one of these (all negative) and leaves
 * its outputs untouched. error_name() is stable and goes into logs;
 * error_text() is for people.
 * Threads: immutable.
 */
#ifndef FIELDLINE_BASE_ERROR_H
#define FIELDLINE_BASE_ERROR_H

#define ERROR_TABLE(X)                                                         \
    X(NOMEM, "out of memory")                                                  \
    X(LIMIT, "a limit was reached")                                            \
    X(INVALID, "the input is malformed")                                       \
    X(RANGE, "a value is out of range")                                        \
    X(NOT_FOUND, "not found")                                                  \
    X(EXISTS, "it already exists")                                             \
    X(DENIED, "not allowed")                                                   \
    X(UNAUTHENTICATED, "who is asking is not known")                           \
    X(EXPIRED, "it has expired")                                               \
    X(CONFLICT, "it conflicts with what is there")                             \
    X(PRECONDITION, "a precondition does not hold")                            \
    X(CONSTRAINT, "the database refused the values")                           \
    X(BUSY, "busy, try again")                                                 \
    X(TIMEOUT, "it took too long")                                             \
    X(CLOSED, "the connection is closed")                                      \
    X(IO, "input or output failed")                                            \
    X(PROTOCOL, "the peer broke the protocol")                                 \
    X(UNSUPPORTED, "not supported")                                            \
    X(STALE, "the position is no longer known")                                \
    X(STORE, "the database failed")                                            \
    X(INTERNAL, "a bug in Fieldline")                                          \
    X(UNSURE, "whether it was done is not known")

enum error_index {
#define X(name, text) ERROR_INDEX_##name,
    ERROR_TABLE(X)
#undef X
        ERROR_COUNT
};

enum error {
    ERR_OK = 0,
#define X(name, text) ERR_##name = -1 - ERROR_INDEX_##name,
    ERROR_TABLE(X)
#undef X
};

const char *error_name(int error); /* "NOMEM"; "OK" for 0, never NULL */
const char *error_text(int error);

#endif
