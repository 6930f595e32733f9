/* SPDX-License-Identifier: MIT */
/*
 * client - the other end: HTTP/1.1 requests and WebSocket sessions.
 *
 * For the demo's couriers, load tests and whatever asks another server, by the
 * thousand in one process: an idle client owns its stream and a few hundred
 * bytes, a parser exists only while a reply or a handshake is awaited.
 *
 * Request fields are given as whole lines, "Name: value\r\n" each. Neither
 * they nor targets are checked: they must never be made of what a peer sent.
 * Clients are closed before their loop is freed.
 * Owner: whoever opened it. Threads: loop.
 */
#ifndef FIELDLINE_NET_CLIENT_H
#define FIELDLINE_NET_CLIENT_H

#include "base/bytes.h"

struct http_head;
struct loop;

#define CLIENT_TIMEOUT_MS        10000
#define CLIENT_BYTES_MAX         ((uint32_t)16 * 1024 * 1024)
#define CLIENT_REQUEST_BYTES_MAX ((size_t)64 * 1024 * 1024)

/* Whom to speak to. Borrowed for the life of each client that is given it. */
struct client_peer {
    const char *host; /* a name, or a number of IPv4 */
    unsigned port;
    const char *source_host; /* the number to call from, or NULL */
    uint32_t timeout_ms;     /* of a request or a handshake, connecting
                                included; 0: CLIENT_TIMEOUT_MS */
    uint32_t bytes_max;      /* of a reply's body or a message;
                                0: CLIENT_BYTES_MAX */
};

/* ---- HTTP: one connection, kept alive, one request at a time ---------- */

struct http_client;

/* head is NULL exactly if error is not 0. Both hold for the call, in which
 * the next request may be made and the client may be closed. */
typedef void http_client_done_fn(struct http_client *, int error,
                                 const struct http_head *head,
                                 struct bytes body, void *arg);

int http_client_new(struct http_client **ret, struct loop *,
                    const struct client_peer *) MUST_CHECK;
void http_client_free(struct http_client **); /* done_fn is not called */

/*
 * Connects if need be. ERR_BUSY while a request is under way. Otherwise
 * done_fn comes exactly once and never inside this call: with a final reply,
 * ERR_TIMEOUT, ERR_CLOSED (also if the server gave up an idle connection just
 * now), ERR_PROTOCOL or another. Content-Length is added for a body and for
 * methods that have one.
 */
int http_client_request(struct http_client *, struct bytes method,
                        struct bytes target, struct bytes fields,
                        struct bytes body, http_client_done_fn *,
                        void *arg) MUST_CHECK;
bool http_client_is_connected(const struct http_client *);

/* ---- WebSocket -------------------------------------------------------- */

#define WS_CLIENT_ABNORMAL 1006u /* it ended without a close frame */

struct ws_client;

struct ws_client_events {
    void (*on_open)(struct ws_client *, void *arg);
    void (*on_message)(struct ws_client *, bool text, struct bytes, void *arg);
    /* The last, exactly once, never inside a call of the owner's; the client
     * is freed after it. error says why when code is WS_CLIENT_ABNORMAL:
     * ERR_DENIED is a reply other than 101. */
    void (*on_close)(struct ws_client *, unsigned code, int error, void *arg);
};

int ws_client_open(struct ws_client **ret, struct loop *,
                   const struct client_peer *, struct bytes target,
                   struct bytes fields, const struct ws_client_events *,
                   void *arg) MUST_CHECK;
/* Before on_open and after the close they do nothing. */
void ws_client_send_text(struct ws_client *, struct bytes);
void ws_client_send_binary(struct ws_client *, struct bytes);
void ws_client_close(struct ws_client *, unsigned code, struct bytes reason);
bool ws_client_is_open(const struct ws_client *);
size_t ws_client_queued(const struct ws_client *); /* bytes not yet sent */

#endif
