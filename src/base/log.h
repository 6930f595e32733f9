/* SPDX-License-Identifier: MIT */
/*
 * log - one line for each thing that happened.
 *
 *   2026-11-20T18:44:25.123Z warn  hub.session.slow tenant=7 queued=1048576
 *
 * The event name is stable and dotted, room first; what follows is key=value,
 * quoted where it holds a space. Whoever stops an error logs it, once. Tokens
 * are never arguments. Lines go to standard error in one write(2).
 * Threads: any.
 */
#ifndef FIELDLINE_BASE_LOG_H
#define FIELDLINE_BASE_LOG_H

#include "base/attr.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_OFF };

void log_level_set(enum log_level);
int log_level_parse(const char *name, enum log_level *ret) MUST_CHECK;
void log_write(enum log_level, const char *event, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

#define log_debug(event, ...) log_write(LOG_DEBUG, event, __VA_ARGS__)
#define log_info(event, ...)  log_write(LOG_INFO, event, __VA_ARGS__)
#define log_warn(event, ...)  log_write(LOG_WARN, event, __VA_ARGS__)
#define log_error(event, ...) log_write(LOG_ERROR, event, __VA_ARGS__)

#endif
