/* SPDX-License-Identifier: MIT */
/*
 * upgrade - GET /ws: from an exchange to a session.
 *
 * The handler refuses what is no WebSocket handshake of version 13, and pages
 * of other origins. A client that sends no Origin is no browser and may pass;
 * one that does must be of the Host it asks, or be listed. Loopback is no
 * exception. The token comes as Authorization or later in CONNECT, never in
 * the URL.
 * Threads: loop.
 */
#ifndef FIELDLINE_HUB_UPGRADE_H
#define FIELDLINE_HUB_UPGRADE_H

#include "hub/spec.h"

struct edge;
struct http_head;
struct hub;

int upgrade_route(struct hub *, struct edge *) MUST_CHECK;
bool upgrade_origin_allowed(const struct hub_spec *, const struct http_head *);

#endif
