/* SPDX-License-Identifier: MIT */
/*
 * demo_script - what an application's demo.yaml asks to be simulated.
 *
 * Paths hold {key} or {id} where a courier's or an item's key goes; visits are
 * JSON objects in which the string $now stands for the present time.
 * Owner: the demo command. Threads: immutable.
 */
#ifndef FIELDLINE_CLI_DEMO_SCRIPT_H
#define FIELDLINE_CLI_DEMO_SCRIPT_H

#include "base/arena.h"
#include "base/bytes.h"

struct blob;
struct buf;

#define DEMO_FILE        "demo.yaml"
#define DEMO_LIST_MAX    32
#define DEMO_TARGET_MAX  1024
#define DEMO_COURIER_MAX 5000

struct demo_courier_script {
    unsigned tenant_count;
    struct bytes tenants[DEMO_LIST_MAX];
    struct bytes role, resource, message, key;
    struct bytes stops, stop; /* paths */
    uint64_t every_ms, pause_ms;
    double speed_kmh;
    unsigned visit_count;
    struct bytes visits[DEMO_LIST_MAX]; /* JSON */
    struct bytes again;                 /* JSON, before the day begins anew */
};

struct demo_desk_script {
    struct bytes role;
    unsigned count; /* for each of the couriers' tenants */
    uint64_t every_ms;
    unsigned read_count;
    struct bytes reads[DEMO_LIST_MAX]; /* paths */
    struct bytes items, item;          /* paths */
};

struct demo_script {
    struct arena arena;
    struct blob *text;
    struct bytes viewer_user, viewer_tenant, viewer_role;
    struct demo_courier_script courier;
    struct demo_desk_script desk;
};

/* Mistakes go to the report, with line and column. */
int demo_script_load(struct demo_script *, const char *dir,
                     struct buf *report) MUST_CHECK;
void demo_script_fini(struct demo_script *);

/* Appends the text with {name} replaced by the value. */
void demo_fill(struct buf *, struct bytes text, struct bytes name,
               struct bytes value);

#endif
