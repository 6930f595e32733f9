/* SPDX-License-Identifier: MIT */
/*
 * version - which library this header belongs to, and which one is linked.
 *
 * Semantic versioning: while the first number is 0, the second changes when a
 * program must be compiled anew.
 * Threads: immutable.
 */
#ifndef FIELDLINE_VERSION_H
#define FIELDLINE_VERSION_H

#include "fieldline/api.h"

#define FL_VERSION_MAJOR  0
#define FL_VERSION_MINOR  1
#define FL_VERSION_PATCH  0
#define FL_VERSION_STRING "0.1.0"

FL_BEGIN_DECLS

/* FL_VERSION_STRING of the library that is linked. */
FL_API const char *fl_version(void);

FL_END_DECLS

#endif
