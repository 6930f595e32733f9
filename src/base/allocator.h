/* SPDX-License-Identifier: MIT */
/*
 * allocator - a given allocator, or the house's own, with checked sizes.
 *
 * An engine keeps a struct fl_allocator by value, from allocator_or_own().
 * The own one passes the fault points of mem.h.
 * Threads: any, as far as the given one allows.
 */
#ifndef FIELDLINE_BASE_ALLOCATOR_H
#define FIELDLINE_BASE_ALLOCATOR_H

#include "base/attr.h"
#include "fieldline/allocator.h"

#include <stdbool.h>

/* Copies the given one, or the own one for NULL. False if it is incomplete. */
bool allocator_or_own(struct fl_allocator *ret,
                      const struct fl_allocator *given) MUST_CHECK;

void *allocator_alloc(const struct fl_allocator *, size_t count,
                      size_t size) MUST_CHECK;
void *allocator_zalloc(const struct fl_allocator *, size_t count,
                       size_t size) MUST_CHECK;
void *allocator_realloc(const struct fl_allocator *, void *at, size_t count,
                        size_t size) MUST_CHECK;
void allocator_free(const struct fl_allocator *, void *at); /* NULL-safe */

#endif
