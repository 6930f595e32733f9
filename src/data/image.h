/* SPDX-License-Identifier: MIT */
/*
 * image - a row as the change table carries it: one flat JSON object.
 *
 * Members are slices of the text, never rebuilt, so that a number keeps every
 * digit it was written with.
 * Threads: any, no shared state.
 */
#ifndef FIELDLINE_DATA_IMAGE_H
#define FIELDLINE_DATA_IMAGE_H

#include "data/schema.h"

struct image {
    struct bytes raw[COLUMNS_MAX]; /* by column; empty: not in the image */
};

/* ERR_INVALID when it is no JSON object. Members that are no columns are
 * passed over. */
int image_read(const struct data_table *, struct bytes json,
               struct image *ret) MUST_CHECK;
bool image_same(const struct image *, const struct image *,
                const struct column *);

#endif
