/* SPDX-License-Identifier: MIT */
/*
 * fleet - the moving objects of one resource.
 *
 * A FIX is one object at one place: immutable, counted, with its JSON ready,
 * so a reply only joins texts and holds no lock while it does.
 *
 *   F1  every object is in the table, in its tenant's list (latest first) and
 *       geo index, and in the list by age (latest last), or in none.
 *   F2  an object whose fix was not written is in the dirty list.
 *
 * Owner: live. Threads: any, locked by the fleet's own lock.
 */
#ifndef FIELDLINE_LIVE_FLEET_H
#define FIELDLINE_LIVE_FLEET_H

#include "base/bytes.h"
#include "fieldline/geo.h"

#include <stdatomic.h>

struct fleet;

struct fix {
    atomic_uint refs;
    struct fl_geo_point at;
    int64_t at_us;
    struct bytes resource; /* the spec's memory */
    struct bytes tenant, key;
    struct bytes payload; /* within json */
    struct bytes json; /* "key":…,"lat":…,"lng":…,"at":…,"data":… */
    char text[];
};
struct fix *fix_ref(struct fix *);
void fix_unref(struct fix **); /* NULL-safe, clears */

struct fleet_found {
    struct fix *fix; /* a reference */
    double metres;
};

int fleet_new(struct fleet **ret, struct bytes resource, size_t objects_max,
              int64_t expire_us) MUST_CHECK;
void fleet_free(struct fleet **);
struct bytes fleet_resource(const struct fleet *);
size_t fleet_count(struct fleet *);

/* dirty: it is to be written behind. An older time than the object's is
 * passed over. ERR_RANGE, ERR_LIMIT, ERR_NOMEM. */
int fleet_put(struct fleet *, struct bytes tenant, struct bytes key,
              struct fl_geo_point, int64_t at_us, struct bytes payload,
              bool dirty) MUST_CHECK;

/* At most max of the tenant's; how many. Nearest first, or latest first. */
int fleet_near(struct fleet *, struct bytes tenant, struct fl_geo_point,
               double radius_m, struct fleet_found *ret, size_t max,
               size_t *ret_count) MUST_CHECK;
size_t fleet_all(struct fleet *, struct bytes tenant, struct fleet_found *ret,
                 size_t max);

/* Takes at most max fixes that were not written; they count as written. */
size_t fleet_dirty_take(struct fleet *, struct fix **ret, size_t max);
/* It was not written after all; nothing if the object has moved on. */
void fleet_dirty_again(struct fleet *, const struct fix *);

#endif
