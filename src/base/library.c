/* SPDX-License-Identifier: MIT */
/*
 * library - what every part of libfieldline shares: its errors, its version.
 *
 * The public codes are the house's own; the assertions keep them so.
 * Threads: immutable.
 */
#include "base/error.h"
#include "fieldline/error.h"
#include "fieldline/version.h"

#define SAME(name)                                                             \
    _Static_assert((int)FL_ERR_##name == (int)ERR_##name,                      \
                   "fieldline/error.h is out of step")

SAME(NOMEM);
SAME(LIMIT);
SAME(INVALID);
SAME(RANGE);
SAME(NOT_FOUND);
SAME(EXISTS);
SAME(BUSY);
SAME(TIMEOUT);
SAME(IO);
SAME(UNSUPPORTED);
SAME(STALE);
SAME(INTERNAL);

const char *fl_error_name(int error)
{
    return error_name(error);
}

const char *fl_error_text(int error)
{
    return error_text(error);
}

const char *fl_version(void)
{
    return FIELDLINE_VERSION;
}
