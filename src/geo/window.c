/* SPDX-License-Identifier: MIT */
/*
 * window - the next key inside, and the windows of a box.
 * Threads: immutable.
 */
#include "geo/window.h"

static uint32_t level_of(uint32_t difference)
{
    return 31 - (uint32_t)__builtin_clz(difference);
}

/* The lowest bit of the key that must change to come into the window. */
static uint32_t bit_to_change(const struct window *w, uint32_t x, uint32_t y)
{
    uint32_t bit = 0, other = 0;

    if (x < w->x_min)
        bit = 2 * level_of(x ^ w->x_min) + 1;
    else if (x > w->x_max)
        bit = 2 * level_of(x ^ w->x_max) + 1;
    if (y < w->y_min)
        other = 2 * level_of(y ^ w->y_min);
    else if (y > w->y_max)
        other = 2 * level_of(y ^ w->y_max);
    return bit > other ? bit : other;
}

/* A cell's lower corner on one axis, with bit set where set is 1. */
static uint64_t corner(uint32_t value, uint32_t bit, uint64_t set)
{
    return ((uint64_t)value >> bit | set) << bit;
}

static bool meets(uint64_t low, uint32_t bits, uint32_t min, uint32_t max)
{
    return low <= max && low + (UINT64_C(1) << bits) > min;
}

/*
 * It shares the bits above one that is 0 in the key and 1 in it: the lowest
 * such bit for which the cell of all keys so begun meets the window.
 */
bool window_next(const struct window *w, uint64_t key, uint64_t *ret)
{
    uint32_t x = (uint32_t)grid_gather(key >> 1);
    uint32_t y = (uint32_t)grid_gather(key);

    if (x >= w->x_min && x <= w->x_max && y >= w->y_min && y <= w->y_max) {
        *ret = key;
        return true;
    }
    for (uint32_t bit = bit_to_change(w, x, y); bit < 64; bit++) {
        uint32_t half = bit / 2, upper = (bit + 1) / 2;
        bool of_x = bit & 1;

        if (key >> bit & 1)
            continue;

        uint64_t x_low = corner(x, half, of_x);
        uint64_t y_low = of_x ? corner(y, upper, 0) : corner(y, half, 1);

        if (!meets(x_low, half, w->x_min, w->x_max) ||
            !meets(y_low, upper, w->y_min, w->y_max))
            continue;
        *ret = window_key(x_low > w->x_min ? (uint32_t)x_low : w->x_min,
                          y_low > w->y_min ? (uint32_t)y_low : w->y_min);
        return true;
    }
    return false;
}

unsigned windows_of(const struct fl_geo_box *box, struct window ret[2])
{
    struct window w = {
        .x_min = window_axis(box->west, GRID_LNG_SPAN),
        .x_max = window_axis(box->east, GRID_LNG_SPAN),
        .y_min = window_axis(box->south, GRID_LAT_SPAN),
        .y_max = window_axis(box->north, GRID_LAT_SPAN),
    };

    if (box->west > box->east && w.x_min <= w.x_max) {
        w.x_min = 0; /* all around but for less than a column */
        w.x_max = UINT32_MAX;
    }
    ret[0] = ret[1] = w;
    if (w.x_min > w.x_max) {
        ret[0].x_max = UINT32_MAX;
        ret[1].x_min = 0;
        return 2;
    }
    if (box->west == -180.0 && w.x_max < UINT32_MAX) {
        ret[1].x_min = ret[1].x_max = UINT32_MAX;
        return 2;
    }
    if (box->east == 180.0 && w.x_min > 0) {
        ret[1].x_min = ret[1].x_max = 0;
        return 2;
    }
    return 1;
}
