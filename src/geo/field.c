/* SPDX-License-Identifier: MIT */
/*
 * field - was it delivered there, and when will he arrive?
 * Threads: any.
 */
#include "fieldline/geo.h"

#include "base/clock.h"
#include "base/options.h"

#include <math.h>

#define M_PER_KM       1000.0
#define MS_PER_MINUTE  60000.0
#define MINUTES_A_HOUR 60.0
#define AT_MS_MAX      INT64_C(253402300799999) /* the end of the year 9999 */

_Static_assert(sizeof(((struct fl_geo_arrival *)0)->at) ==
                   CLOCK_RFC3339_LEN + 1,
               "a time has its room");

int fl_geo_delivery_check(struct fl_geo_point position,
                          struct fl_geo_point address, double limit_m,
                          struct fl_geo_delivery *ret)
{
    struct fl_geo_delivery d;
    fl_geo_cell here, there;

    if (limit_m == 0)
        limit_m = FL_GEO_DELIVERY_M;
    if (!(limit_m > 0) ||
        fl_geo_encode(position, FL_GEO_DELIVERY_CELLS, &here) ||
        fl_geo_encode(address, FL_GEO_DELIVERY_CELLS, &there) ||
        fl_geo_cell_to_text(here, d.position) ||
        fl_geo_cell_to_text(there, d.address))
        return FL_ERR_RANGE;
    d.metres = fl_geo_distance_m(position, address);
    d.km = d.metres / M_PER_KM;
    d.valid = d.metres <= limit_m;
    d.same_cell = here == there;
    *ret = d;
    return 0;
}

static double or_default(double given, double otherwise)
{
    return given == 0 ? otherwise : given;
}

int fl_geo_arrival_estimate(struct fl_geo_point from, struct fl_geo_point to,
                            int64_t now_ms,
                            const struct fl_geo_arrival_options *options,
                            struct fl_geo_arrival *ret)
{
    struct fl_geo_arrival_options o;
    struct fl_geo_arrival a;
    int error = options_read(&o, sizeof(o), options);

    if (error)
        return error;

    double speed_kmh = or_default(o.speed_kmh, FL_GEO_SPEED_KMH);
    double factor = or_default(o.traffic_factor, FL_GEO_TRAFFIC_FACTOR);

    if (!fl_geo_point_valid(from) || !fl_geo_point_valid(to) ||
        !(speed_kmh > 0) || !(factor > 0) || now_ms < 0 || now_ms > AT_MS_MAX)
        return FL_ERR_RANGE;
    a.km = fl_geo_distance_m(from, to) / M_PER_KM;
    a.minutes = a.km / speed_kmh * MINUTES_A_HOUR * factor;
    /* Also infinite if the speed is next to nothing. */
    if (!(a.minutes * MS_PER_MINUTE <= (double)(AT_MS_MAX - now_ms)))
        return FL_ERR_RANGE;
    a.at_ms = now_ms + llround(a.minutes * MS_PER_MINUTE);
    if (a.at_ms > AT_MS_MAX)
        return FL_ERR_RANGE;
    clock_rfc3339(a.at_ms * 1000, a.at);
    *ret = a;
    return 0;
}
