/* SPDX-License-Identifier: MIT */
/*
 * spec - what the application file says about messages and the hub.
 * Threads: immutable.
 */
#ifndef FIELDLINE_HUB_SPEC_H
#define FIELDLINE_HUB_SPEC_H

#include "data/spec.h"

/* DRIVER_LOCATION_UPDATED: {from: [LOGISTICS_EXECUTE],
 *   to: role:LOGISTICS_MANAGE, moves: drivers, debounce: 100ms, key: driverId}
 */
enum message_to {
    MESSAGE_TO_TENANT, /* "tenant" */
    MESSAGE_TO_ROLE,   /* "role:NAME" of the sender's tenant */
    MESSAGE_TO_USER,   /* "user": the user named by the payload's "to" */
    MESSAGE_TO_NOBODY, /* only moves */
};

struct message_spec {
    struct bytes type;
    role_mask from; /* 0: clients may not send it, the server only */
    enum message_to to;
    unsigned to_role;
    struct bytes moves;    /* a resource's name, or empty */
    struct bytes key;      /* payload member that names the object */
    unsigned debounce_ms;  /* last value wins per key; 0: every one is sent */
    bool latest;           /* second lane: has debounce or key */
    struct bytes lat, lng; /* payload members, "lat" and "lng" by default */
    /* The payload's key must be the sender's own user unless one of these
     * roles sends it. */
    role_mask key_any;
};

struct hub_spec {
    unsigned message_count;
    const struct message_spec *messages;
    uint64_t ping_ms;           /* 25,000 */
    uint64_t timeout_ms;        /* 60,000 */
    uint32_t message_bytes_max; /* 1 MB */
    uint32_t queue_bytes_max;   /* first lane per session, 1 MB */
    unsigned topics_max;        /* per session, 100 */
    struct name_list origins;   /* allowed Origin values; the own host too */
    struct name_list roles;     /* auth.roles, by index: "role:NAME" topics */
};

#endif
