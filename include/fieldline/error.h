/* SPDX-License-Identifier: MIT */
/*
 * error - what the library's functions return.
 *
 * A function that can fail returns FL_OK (0) or one of these negative codes
 * and leaves its outputs untouched. A code keeps its number for ever.
 * Threads: immutable.
 */
#ifndef FIELDLINE_ERROR_H
#define FIELDLINE_ERROR_H

#include "fieldline/api.h"

FL_BEGIN_DECLS

enum fl_error {
    FL_OK = 0,
    FL_ERR_NOMEM = -1,        /* out of memory */
    FL_ERR_LIMIT = -2,        /* a limit was reached, or the room given */
    FL_ERR_INVALID = -3,      /* the input is malformed */
    FL_ERR_RANGE = -4,        /* a value is out of range */
    FL_ERR_NOT_FOUND = -5,    /* it is not there */
    FL_ERR_EXISTS = -6,       /* it is there already */
    FL_ERR_BUSY = -13,        /* busy, try again */
    FL_ERR_TIMEOUT = -14,     /* it took too long */
    FL_ERR_IO = -16,          /* input or output failed */
    FL_ERR_UNSUPPORTED = -18, /* not supported */
    FL_ERR_STALE = -19,       /* it is no longer known, or no longer true */
    FL_ERR_INTERNAL = -21     /* a bug in Fieldline */
};

/* "NOMEM", "OK"; stable, for logs. "UNKNOWN" for any other number. */
FL_API const char *fl_error_name(int error);
/* "out of memory"; for people. Never NULL. */
FL_API const char *fl_error_text(int error);

FL_END_DECLS

#endif
