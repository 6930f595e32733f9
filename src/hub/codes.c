/* SPDX-License-Identifier: MIT */
/*
 * codes - names out of the tables.
 * Threads: immutable.
 */
#include "hub/codes.h"

#include "base/attr.h"

#include <stddef.h>

bool protocol_type(struct bytes type)
{
    static const struct bytes types[] = {
#define X(name) BYTES(#name),
        PROTOCOL_TYPE_TABLE(X)
#undef X
    };

    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (bytes_equal(types[i], type))
            return true;
    return false;
}

const char *close_name(enum close_code code)
{
    static const struct {
        enum close_code code;
        const char *name;
    } rows[] = {
#define X(id, code, name, when, then) {code, name},
        CLOSE_TABLE(X)
#undef X
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].code == code)
            return rows[i].name;
    return "unknown";
}

const char *refusal_name(enum refusal why)
{
    static const char *const names[] = {
#define X(id, name, meaning) name,
        REFUSAL_TABLE(X)
#undef X
    };

    return names[why];
}
