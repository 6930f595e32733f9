/* SPDX-License-Identifier: MIT */
/*
 * reference - pages of the documentation that the tables write themselves.
 * Threads: any.
 */
#ifndef FIELDLINE_APP_REFERENCE_H
#define FIELDLINE_APP_REFERENCE_H

struct buf;

void reference_settings(struct buf *out); /* docs/reference/settings.md */
void reference_metrics(struct buf *out);  /* docs/reference/metrics.md */

#endif
