/* SPDX-License-Identifier: MIT */
/*
 * assign - a body's members become values of columns, if the writer may.
 * Threads: loop.
 */
#ifndef FIELDLINE_DATA_ASSIGN_H
#define FIELDLINE_DATA_ASSIGN_H

#include "data/write.h"

/* Fills in write.named and write.values. ERR_DENIED or ERR_INVALID with the
 * mistake. */
int assign_body(struct data_write *) MUST_CHECK;

#endif
