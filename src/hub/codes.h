/* SPDX-License-Identifier: MIT */
/*
 * codes - the protocol's own types, why a session ends, and what may go wrong
 * in a message.
 *
 * One row each generates the enum, the name on the wire and the tables in
 * docs/protocol.md.
 * Threads: immutable.
 */
#ifndef FIELDLINE_HUB_CODES_H
#define FIELDLINE_HUB_CODES_H

#include "base/bytes.h"

/* Message types of the protocol itself: an application declares others. */
#define PROTOCOL_TYPE_TABLE(X)                                                 \
    X(CONNECT)                                                                 \
    X(CONNECTED)                                                               \
    X(SUBSCRIBE)                                                               \
    X(SUBSCRIBED)                                                              \
    X(UNSUBSCRIBE)                                                             \
    X(UNSUBSCRIBED)                                                            \
    X(CHANGED)                                                                 \
    X(MUST_RELOAD)                                                             \
    X(ACK)                                                                     \
    X(PING)                                                                    \
    X(PONG)                                                                    \
    X(ERROR)                                                                   \
    X(DISCONNECT)

/* X(id, code, name, when, what the client does) */
#define CLOSE_TABLE(X)                                                         \
    X(NORMAL, 1000, "normal", "the client asked for it (`DISCONNECT`)",        \
      "nothing")                                                               \
    X(PROTOCOL, 1002, "protocol-error", "a frame broke RFC 6455",              \
      "mend the client")                                                       \
    X(UNSUPPORTED, 1003, "binary-unsupported", "a binary message came",        \
      "send text")                                                             \
    X(NOT_UTF8, 1007, "not-utf-8", "a text message is not UTF-8",              \
      "mend the client")                                                       \
    X(POLICY, 1008, "too-many-errors",                                         \
      "64 messages were refused without one accepted between them",            \
      "mend the client")                                                       \
    X(TOO_BIG, 1009, "message-too-big",                                        \
      "a message passes `messageBytesMax`, after decompression",               \
      "send smaller messages")                                                 \
    X(INTERNAL, 1011, "internal", "the server ran out of memory",              \
      "come back with backoff")                                                \
    X(UNAUTHENTICATED, 4001, "unauthenticated",                                \
      "the token was refused, or no `CONNECT` came within 10 s",               \
      "get a token, connect again")                                            \
    X(TOKEN_EXPIRED, 4002, "token-expired",                                    \
      "the token's time ran out, before or during the session",                \
      "get a new token, come back from the last position")                     \
    X(FORBIDDEN, 4003, "forbidden",                                            \
      "a second `CONNECT` was for another user, tenant or roles",              \
      "open a connection of its own for it")                                   \
    X(HEARTBEAT, 4004, "heartbeat-timeout",                                    \
      "nothing was received for `timeoutMs`",                                  \
      "come back from the last position")                                      \
    X(SLOW, 4008, "slow", "the client does not read fast enough",              \
      "come back from the last position")                                      \
    X(DRAINING, 4009, "draining", "the server is going away",                  \
      "come back from the last position after `retryMs`")

enum close_code {
#define X(id, code, name, when, then) CLOSE_##id = (code),
    CLOSE_TABLE(X)
#undef X
};

/* X(id, name, meaning) */
#define REFUSAL_TABLE(X)                                                       \
    X(BAD_JSON, "bad-json",                                                    \
      "the message is not one JSON object, is nested deeper than 32, or "      \
      "names a member twice")                                                  \
    X(BAD_MESSAGE, "bad-message",                                              \
      "a member is missing or has the wrong type; the text says which")        \
    X(UNKNOWN_TYPE, "unknown-type", "no such message type is declared")        \
    X(NOT_CONNECTED, "not-connected", "`CONNECT` must come first")             \
    X(UNAUTHENTICATED, "unauthenticated",                                      \
      "the token was refused; the session is closed with 4001 or 4002")        \
    X(DENIED, "denied", "the roles held may not send this message")            \
    X(KEY_DENIED, "key-denied", "the key names somebody else")                 \
    X(TOPIC_UNKNOWN, "topic-unknown", "there is no such topic")                \
    X(TOPIC_DENIED, "topic-denied",                                            \
      "the topic is not this identity's to hear")                              \
    X(BAD_KEY, "bad-key",                                                      \
      "the key of a record topic is not of its resource's kind, or not "       \
      "spelled as the row spells it")                                          \
    X(LIMIT, "limit",                                                          \
      "too many topics, too many requests under way, too large a position, "   \
      "or too many moving objects")                                            \
    X(BAD_POSITION, "bad-position",                                            \
      "a latitude or longitude is missing, not "                               \
      "a number, out of range, or the two are swapped")                        \
    X(UNAVAILABLE, "unavailable", "the server could not do it now; try again")

enum refusal {
#define X(id, name, meaning) REFUSAL_##id,
    REFUSAL_TABLE(X)
#undef X
        REFUSAL_COUNT
};

bool protocol_type(struct bytes type);   /* is it the protocol's own? */
const char *close_name(enum close_code); /* "slow" */
const char *refusal_name(enum refusal);  /* "bad-json" */

#endif
