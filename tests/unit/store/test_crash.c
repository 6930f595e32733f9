/* SPDX-License-Identifier: MIT */
/*
 * crash - a process is killed amid its writes: what it was told is committed
 * is there, and so are its change rows, no more and no fewer.
 * Threads: the test's, the rig's worker, the store's own.
 */
#include "rig.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct rig rig;

/* The child: writes and says which are answered, until it is killed. */
static void write_for_ever(const char *dir, int to)
{
    static struct rig mine;

    rig_open_at(&mine, dir, 0);
    for (int64_t i = 1;; i++) {
        struct value id = value_int(i);

        if (rig_write(&mine, "INSERT INTO stops(id) VALUES ($1)", &id, 1, NULL))
            _exit(1);
        if (write(to, &i, sizeof(i)) != sizeof(i))
            _exit(2);
    }
}

static int64_t storm(unsigned acks)
{
    int64_t last = 0, i;
    int ends[2], status;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        write_for_ever(rig.dir, ends[1]);
    close(ends[1]);
    while (acks-- && read(ends[0], &i, sizeof(i)) == sizeof(i))
        last = i;
    assert_int_equal(kill(child, SIGKILL), 0);
    while (read(ends[0], &i, sizeof(i)) == sizeof(i))
        last = i;
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    return last;
}

static void what_was_acknowledged_is_there(void **state)
{
    static const struct publish_spec spec = {.table = {"stops", 5},
                                             .key = {"id", 2}};
    char dir[64], want[100];
    int64_t last;

    rig_open(&rig, "CREATE TABLE stops(id INTEGER PRIMARY KEY)", &spec, 1);
    strcpy(dir, rig.dir);
    rig_shut(&rig); /* a fork takes no thread along */
    last = storm(200);
    assert_true(last >= 200);
    rig_open_at(&rig, dir, 0);
    assert_int_equal(rig_query(&rig, "SELECT max(id) - count(*),"
                                     " (SELECT count(*) FROM fieldline_changes"
                                     " WHERE op = 'I') - count(*),"
                                     " max(id) >= 200 FROM stops"),
                     0);
    rig_shows(&rig, "0|0|1\n");
    (void)snprintf(want, sizeof(want), "SELECT max(id) >= %lld FROM stops",
                   (long long)last);
    assert_int_equal(rig_query(&rig, want), 0);
    rig_shows(&rig, "1\n");
    rig_close(&rig);
}

RUN(cmocka_unit_test(what_was_acknowledged_is_there))
