/* SPDX-License-Identifier: MIT */
/*
 * geo_print - what the library says of pairs of points, for others to compare.
 *
 * Reads lines "lat lng lat lng precision" and prints for each the first one's
 * geohash, its center's latitude and longitude, the eight neighbours, and the
 * distance to the second in metres.
 * Threads: loop.
 */
#include "../insist.h"

#include <fieldline/geo.h>

int main(void)
{
    struct fl_geo_point a, b;
    unsigned precision;

    /* NOLINTNEXTLINE(cert-err34-c): a test's own numbers */
    while (scanf("%lf %lf %lf %lf %u", &a.lat, &a.lng, &b.lat, &b.lng,
                 &precision) == 5) {
        char text[FL_GEO_TEXT];
        struct fl_geo_area area;
        fl_geo_cell cell, ring[8];

        CHECK(fl_geo_encode(a, precision, &cell) == 0);
        CHECK(fl_geo_cell_to_text(cell, text) == 0);
        CHECK(fl_geo_decode(cell, &area) == 0);
        CHECK(fl_geo_neighbors(cell, ring) == 0);
        printf("%s %.17g %.17g", text, area.center.lat, area.center.lng);
        for (int i = 0; i < 8; i++) {
            CHECK(fl_geo_cell_to_text(ring[i], text) == 0);
            printf(" %s", text);
        }
        printf(" %.17g\n", fl_geo_distance_m(a, b));
    }
    return 0;
}
