/* SPDX-License-Identifier: MIT */
/*
 * error - names and texts out of ERROR_TABLE.
 * Threads: immutable.
 */
#include "base/error.h"

static const char *const names[] = {
#define X(name, text) #name,
    ERROR_TABLE(X)
#undef X
};

static const char *const texts[] = {
#define X(name, text) text,
    ERROR_TABLE(X)
#undef X
};

static int is_known(int error)
{
    return error < 0 && error >= -ERROR_COUNT;
}

const char *error_name(int error)
{
    if (error == 0)
        return "OK";
    return is_known(error) ? names[-1 - error] : "UNKNOWN";
}

const char *error_text(int error)
{
    if (error == 0)
        return "no error";
    return is_known(error) ? texts[-1 - error] : "an unknown error";
}
