/* SPDX-License-Identifier: MIT */
/*
 * llhttp_names - llhttp.h beside our own names: both call a method HTTP_GET.
 *
 * Include this instead of llhttp.h, before proto/http.h.
 * Threads: immutable.
 */
#ifndef FIELDLINE_PROTO_LLHTTP_NAMES_H
#define FIELDLINE_PROTO_LLHTTP_NAMES_H

#define HTTP_GET     LLHTTP_GET
#define HTTP_HEAD    LLHTTP_HEAD
#define HTTP_POST    LLHTTP_POST
#define HTTP_PUT     LLHTTP_PUT
#define HTTP_PATCH   LLHTTP_PATCH
#define HTTP_DELETE  LLHTTP_DELETE
#define HTTP_OPTIONS LLHTTP_OPTIONS

#include <llhttp.h>

#undef HTTP_GET
#undef HTTP_HEAD
#undef HTTP_POST
#undef HTTP_PUT
#undef HTTP_PATCH
#undef HTTP_DELETE
#undef HTTP_OPTIONS

#endif
