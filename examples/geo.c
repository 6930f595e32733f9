/* SPDX-License-Identifier: MIT */
/*
 * geo - couriers around a laboratory, with libfieldline alone.
 *
 *   cc geo.c $(pkg-config --cflags --libs fieldline) && ./a.out
 *
 * Threads: loop.
 */
#include <fieldline/geo.h>
#include <fieldline/version.h>

#include <inttypes.h>
#include <stdio.h>

static const struct fl_geo_point laboratory = {52.5200, 13.4050};

static int failed(const char *what, int error)
{
    fprintf(stderr, "%s: %s\n", what, fl_error_text(error));
    return 1;
}

/* Nine couriers move; who is nearest to the laboratory? */
static int who_is_near(void)
{
    struct fl_geo_index *couriers;
    struct fl_geo_found found[3];
    size_t count, i;
    uint64_t id;
    int error = fl_geo_index_new(&couriers, NULL);

    if (error)
        return failed("index", error);
    for (id = 1; id <= 9 && !error; id++) {
        struct fl_geo_point at;

        error = fl_geo_destination(laboratory, 40.0 * (double)id,
                                   350.0 * (double)id, &at);
        if (!error)
            error = fl_geo_index_put(couriers, id, at, 1795200000);
    }
    if (!error)
        error = fl_geo_index_radius(couriers, laboratory, 2000, NULL, found, 3,
                                    &count);
    for (i = 0; !error && i < count; i++)
        printf("courier %" PRIu64 " is %.0f m away\n", found[i].id,
               found[i].distance_m);
    fl_geo_index_free(&couriers);
    return error ? failed("couriers", error) : 0;
}

/* Which keys of an index that stores geohashes hold what is near? */
static int where_to_look(void)
{
    struct fl_geo_plan_options options = {sizeof(options), 8, 4, 8, NULL};
    struct fl_geo_range ranges[8];
    size_t count, i;
    int error = fl_geo_plan_circle(laboratory, 2000, &options, ranges, &count);

    if (error)
        return failed("plan", error);
    for (i = 0; i < count; i++)
        printf("partition = '%s' and key between '%s' and '%s'\n",
               ranges[i].partition, ranges[i].first, ranges[i].last);
    return 0;
}

int main(void)
{
    const struct fl_geo_point door = {52.5206, 13.4061};
    struct fl_geo_delivery delivery;
    struct fl_geo_arrival arrival;
    int error;

    printf("libfieldline %s\n", fl_version());
    error = fl_geo_delivery_check(door, laboratory, 0, &delivery);
    if (error)
        return failed("delivery", error);
    printf("delivered %.0f m from the address: %s\n", delivery.metres,
           delivery.valid ? "valid" : "too far");
    error = fl_geo_arrival_estimate(door, laboratory, 1795200265123, NULL,
                                    &arrival);
    if (error)
        return failed("arrival", error);
    printf("back at %s\n", arrival.at);
    return who_is_near() || where_to_look();
}
