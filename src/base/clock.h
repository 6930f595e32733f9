/* SPDX-License-Identifier: MIT */
/*
 * clock - the two clocks of the kernel.
 * Threads: any.
 */
#ifndef FIELDLINE_BASE_CLOCK_H
#define FIELDLINE_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

uint64_t clock_mono_ns(void); /* never goes back; for intervals */
int64_t clock_wall_us(void);  /* since 1970, UTC; for people and tokens */

#define CLOCK_RFC3339_LEN 24 /* "2026-11-20T18:44:25.123Z" */
#define CLOCK_HTTP_LEN    29 /* "Fri, 20 Nov 2026 18:44:25 GMT" */
void clock_rfc3339(int64_t wall_us, char ret[CLOCK_RFC3339_LEN + 1]);
void clock_http(int64_t wall_us, char ret[CLOCK_HTTP_LEN + 1]);

#endif
