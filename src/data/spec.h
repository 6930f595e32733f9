/* SPDX-License-Identifier: MIT */
/*
 * spec - what the application file says about resources.
 *
 * Plain structs, filled by app/ from the file, immutable after. Where a column
 * or role list may be "all", all is true and the list empty.
 * Threads: immutable.
 */
#ifndef FIELDLINE_DATA_SPEC_H
#define FIELDLINE_DATA_SPEC_H

#include "base/bytes.h"

#define ROLES_MAX 32
typedef uint32_t role_mask; /* bit i: the i-th role of auth.roles */

struct name_list {
    bool all;
    unsigned count;
    const struct bytes *names;
};

enum visible_kind {
    VISIBLE_EVERYONE, /* of any tenant, signed in */
    VISIBLE_TENANT,   /* column = the identity's tenant */
    VISIBLE_USER,     /* column = the user (and tenant_column, if given) */
};

struct relation_spec {
    struct bytes name;
    struct bytes to; /* a resource's name */
    struct bytes on; /* to-one: own column that holds its key */
    struct bytes by; /* to-many: its column that holds our key; else empty */
};

struct allow_spec {
    unsigned role;          /* index of auth.roles */
    struct name_list read;  /* columns */
    struct name_list write; /* columns */
    bool create;            /* default: write.all */
    bool remove;            /* default: write.all */
};

/* publish: {update: [{type: STOP_COMPLETED, when: {status: completed}},
 *                    STOP_STATUS_CHANGED]}: the first that fits. */
struct publish_rule {
    struct bytes type;
    struct bytes when_column; /* empty: always */
    struct bytes when_value;  /* it has become this (it was not before) */
};
struct publish_rules {
    unsigned count;
    const struct publish_rule *rules;
};

struct resource_spec {
    struct bytes name;  /* "stops": in the path */
    struct bytes table; /* "route_stops" */
    struct bytes key;   /* primary-key column, "id" by default */
    enum visible_kind visible;
    struct bytes tenant_column; /* empty for VISIBLE_EVERYONE */
    struct bytes user_column;   /* for VISIBLE_USER */
    unsigned relation_count;
    const struct relation_spec *relations;
    struct name_list filter; /* never all */
    struct name_list sort;   /* never all */
    int item_class;          /* index of cache.classes, -1: not cached */
    int list_class;
    unsigned allow_count;
    const struct allow_spec *allow;
    struct publish_rules on_insert, on_update, on_delete;
    unsigned page_default; /* 25 */
    unsigned page_max;     /* 200 */
};

struct data_spec {
    unsigned resource_count;
    const struct resource_spec *resources;
};

#endif
