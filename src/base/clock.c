/* SPDX-License-Identifier: MIT */
/*
 * clock - the kernel's clocks, and the two ways we write a time.
 * Threads: any.
 */
#include "base/clock.h"

#include <string.h>
#include <time.h>

#define NS_PER_S   1000000000u
#define US_PER_S   1000000
#define WALL_S_MAX 253402300799 /* the end of the year 9999 */

uint64_t clock_mono_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

int64_t clock_wall_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * US_PER_S + t.tv_nsec / 1000;
}

/* Times that four digits of year cannot hold are clamped. */
static struct tm wall_parts(int64_t wall_us)
{
    int64_t s = wall_us / US_PER_S;
    time_t clamped = s < 0 ? 0 : s > WALL_S_MAX ? WALL_S_MAX : s;
    struct tm parts;

    gmtime_r(&clamped, &parts);
    return parts;
}

static void digits(char *at, int width, int64_t value)
{
    while (width--) {
        at[width] = (char)('0' + value % 10);
        value /= 10;
    }
}

static void time_of_day(char *at, const struct tm *t)
{
    digits(at, 2, t->tm_hour);
    digits(at + 3, 2, t->tm_min);
    digits(at + 6, 2, t->tm_sec);
}

void clock_rfc3339(int64_t wall_us, char ret[CLOCK_RFC3339_LEN + 1])
{
    struct tm t = wall_parts(wall_us);

    memcpy(ret, "0000-00-00T00:00:00.000Z", CLOCK_RFC3339_LEN + 1);
    digits(ret, 4, t.tm_year + 1900);
    digits(ret + 5, 2, t.tm_mon + 1);
    digits(ret + 8, 2, t.tm_mday);
    time_of_day(ret + 11, &t);
    if (wall_us > 0)
        digits(ret + 20, 3, wall_us % US_PER_S / 1000);
}

void clock_http(int64_t wall_us, char ret[CLOCK_HTTP_LEN + 1])
{
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed",
                                   "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct tm t = wall_parts(wall_us);

    memcpy(ret, "Sun, 00 Jan 0000 00:00:00 GMT", CLOCK_HTTP_LEN + 1);
    memcpy(ret, days[t.tm_wday], 3);
    digits(ret + 5, 2, t.tm_mday);
    memcpy(ret + 8, months[t.tm_mon], 3);
    digits(ret + 12, 4, t.tm_year + 1900);
    time_of_day(ret + 17, &t);
}
