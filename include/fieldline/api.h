/* SPDX-License-Identifier: MIT */
/*
 * api - marks of the library's public declarations.
 *
 * Every public header includes this one. FL_API is what the shared library
 * exports; FL_MUST_CHECK warns where a result is thrown away.
 * Threads: immutable.
 */
#ifndef FIELDLINE_API_H
#define FIELDLINE_API_H

#if defined(__GNUC__)
#define FL_API        __attribute__((visibility("default")))
#define FL_MUST_CHECK __attribute__((warn_unused_result))
#else
#define FL_API
#define FL_MUST_CHECK
#endif

#ifdef __cplusplus
#define FL_BEGIN_DECLS extern "C" {
#define FL_END_DECLS   }
#else
#define FL_BEGIN_DECLS
#define FL_END_DECLS
#endif

#endif
