/* SPDX-License-Identifier: MIT */
/*
 * conditional - entity tags and the requests that depend on them (RFC 9110).
 *
 * An item's tag is "version.representation"; compressed it ends in ".gz". A
 * write's If-Match compares the version only, so a change of what merely
 * stands beside the row does not fail it.
 * Threads: any.
 */
#ifndef FIELDLINE_EDGE_CONDITIONAL_H
#define FIELDLINE_EDGE_CONDITIONAL_H

#include "base/bytes.h"

#define ETAG_GZIP_SUFFIX ".gz"

/* Is the tag in an If-None-Match list? Weak comparison; "*" has them all. */
bool etag_list_has(struct bytes list, struct bytes etag);
/* Does an If-Match list name the version? Strong comparison. */
bool etag_list_has_version(struct bytes list, struct bytes version);

#endif
