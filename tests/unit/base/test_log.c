/* SPDX-License-Identifier: MIT */
/* log - one whole line on standard error. Threads: loop. */
#include "base/log.h"
#include "../check.h"

#include <errno.h>
#include <unistd.h>

static size_t captured(char *text, size_t size, const char *arg)
{
    int ends[2], saved = dup(STDERR_FILENO);

    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    errno = ENOENT;
    log_warn("hub.session.slow", "name=%s", arg);
    assert_int_equal(errno, ENOENT);
    log_debug("hub.session.quiet", "name=%s", arg);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[1]);

    ssize_t n = read(ends[0], text, size - 1);

    close(ends[0]);
    assert_true(n >= 0);
    text[n] = '\0';
    return (size_t)n;
}

static void writes_one_line(void **state)
{
    char text[8192];
    size_t n = captured(text, sizeof(text), "x");

    assert_string_equal(text + 24, " warn  hub.session.slow name=x\n");
    assert_int_equal(text[n - 1], '\n');
}

static void a_peer_cannot_forge_a_line(void **state)
{
    char text[8192];

    captured(text, sizeof(text), "a\nb\x1b[2J\r");
    assert_string_equal(text + 24, " warn  hub.session.slow name=a?b?[2J?\n");
}

static void a_long_line_is_cut(void **state)
{
    static char long_arg[5000];
    char text[8192];

    memset(long_arg, 'x', sizeof(long_arg) - 1);

    size_t n = captured(text, sizeof(text), long_arg);

    assert_int_equal(n, 2048);
    assert_int_equal(text[n - 1], '\n');
}

static void levels_have_names(void **state)
{
    enum log_level level = LOG_ERROR;

    assert_int_equal(log_level_parse("debug", &level), 0);
    assert_int_equal(level, LOG_DEBUG);
    assert_int_equal(log_level_parse("loud", &level), ERR_INVALID);
    log_level_set(LOG_OFF);

    char text[64];

    assert_int_equal(captured(text, sizeof(text), "x"), 0);
}

RUN(cmocka_unit_test(writes_one_line),
    cmocka_unit_test(a_peer_cannot_forge_a_line),
    cmocka_unit_test(a_long_line_is_cut), cmocka_unit_test(levels_have_names))
