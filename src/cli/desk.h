/* SPDX-License-Identifier: MIT */
/*
 * desk - a simulated dispatcher's page: reads lists and single stops, one
 * after another, on a connection of its own.
 * Owner: the demo. Threads: loop.
 */
#ifndef FIELDLINE_CLI_DESK_H
#define FIELDLINE_CLI_DESK_H

#include "base/bytes.h"

struct demo_world;
struct desk;

int desk_new(struct desk **ret, struct demo_world *,
             struct bytes token /* borrowed */) MUST_CHECK;
void desk_free(struct desk **);

#endif
