/* SPDX-License-Identifier: MIT */
/*
 * token - a signed token for somebody, for scripts and tests.
 * Threads: the command's.
 */
#include "cli/command.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>

#define TOKEN_MAX  (16u << 10)
#define TTL_MAX_MS (3650ull * 86400000)

static bool has_role(const struct auth_spec *auth, const char *role)
{
    for (unsigned i = 0; i < auth->role_count; i++)
        if (bytes_equal(auth->roles[i], bytes_of(role)))
            return true;
    return false;
}

static int print_token(struct line *l, struct config *config,
                       struct buf *report)
{
    struct buf token;
    uint64_t ttl_ms = 0;
    int error = bytes_to_duration_ms(bytes_of(line_value(l, "--ttl")), &ttl_ms);

    if (!error)
        error = config_secret_load(config, report);
    if (error)
        return error;
    buf_init(&token, TOKEN_MAX);
    error = auth_token_write(
        &token, &config->edge.auth, bytes_of(line_value(l, "--user")),
        bytes_of(line_value(l, "--tenant")), bytes_of(line_value(l, "--role")),
        clock_wall_us(), ttl_ms / 1000);
    if (error)
        command_fail(l, EXIT_FAILURE, "%s", error_text(error));
    else
        printf(BYTES_FMT "\n", BYTES_ARG(buf_bytes(&token)));
    buf_fini(&token);
    return error;
}

static int token(struct line *l, struct config *config, struct buf *report)
{
    const char *role = line_value(l, "--role");

    if (config->edge.auth.alg != AUTH_HS256) {
        command_fail(l, EXIT_FAILURE,
                     "tokens of this application are signed with a private "
                     "key that is not here");
        return ERR_UNSUPPORTED;
    }
    if (!has_role(&config->edge.auth, role)) {
        command_fail(l, EXIT_FAILURE,
                     "%s has no role '%s'; they are in auth.roles",
                     config->file_name.at, role);
        return ERR_INVALID;
    }
    return print_token(l, config, report);
}

static int run(struct line *l)
{
    uint64_t ttl_ms;

    if (bytes_to_duration_ms(bytes_of(line_value(l, "--ttl")), &ttl_ms) ||
        ttl_ms < 1000 || ttl_ms > TTL_MAX_MS)
        return command_fail(l, EXIT_USAGE,
                            "--ttl: expected 1s to 3650d, such as 1h");
    return line_run(l, token);
}

const struct command command_token = {
    .name = "token",
    .arguments = "DIR",
    .summary = "Prints a token for a user, signed with FIELDLINE_SECRET",
    .takes_settings = true,
    .argument_count = 1,
    .options =
        {
            {"--user", "USER", NULL, true, "Whose token it is"},
            {"--tenant", "TENANT", NULL, true, "The tenant he belongs to"},
            {"--role", "ROLE", NULL, true, "One of the application's roles"},
            {"--ttl", "TIME", "1h", false, "How long it holds"},
        },
    .run_fn = run,
};
