/* SPDX-License-Identifier: MIT */
/*
 * geo_cells - covers for the figures: geo_cells LAT LNG RADIUS_M CELLS_MAX
 * prints south, west, north and east of each cell of the circle's cover.
 * Threads: loop.
 */
#include <fieldline/geo.h>

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    static fl_geo_cell cells[FL_GEO_CELLS_MAX];
    struct fl_geo_cover_options o = {.size = sizeof(o)};
    struct fl_geo_point center;
    struct fl_geo_area area;
    size_t count, i;

    if (argc != 5)
        return 1;
    center.lat = strtod(argv[1], NULL);
    center.lng = strtod(argv[2], NULL);
    o.cells_max = strtoul(argv[4], NULL, 10);
    if (fl_geo_cover_circle(center, strtod(argv[3], NULL), &o, cells, &count))
        return 1;
    for (i = 0; i < count; i++)
        if (!fl_geo_decode(cells[i], &area))
            printf("%.12g %.12g %.12g %.12g\n", area.box.south, area.box.west,
                   area.box.north, area.box.east);
    return 0;
}
