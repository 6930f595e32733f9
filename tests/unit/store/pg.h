/* SPDX-License-Identifier: MIT */
/*
 * pg - a PostgreSQL of the test's own, in a directory of its own, reached by a
 * socket in it: no port, nobody else's data.
 * Owner: the test. Threads: the test's.
 */
#ifndef FIELDLINE_TESTS_STORE_PG_H
#define FIELDLINE_TESTS_STORE_PG_H

#include "../check.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <sys/types.h>

#define PG_TEXT_MAX (1 << 16)

struct pg {
    char dir[64], bin[128];
    pid_t pid;
    unsigned databases;
    char database[32]; /* the last that was made */
    char url[256];     /* of it */
    char text[PG_TEXT_MAX];
};

/* False: none is installed. */
bool pg_is_installed(void);
void pg_make(struct pg *);
void pg_remove(struct pg *);
void pg_run(struct pg *);
void pg_halt(struct pg *); /* as pg_ctl stop -m fast; the data stay */
void pg_kill(struct pg *); /* as a crash */

void pg_database(struct pg *); /* a new one; sets database and url */

PGconn *pg_connect(const struct pg *, const char *database);
/* Rows as a|b\n in text; fails the test on an error. */
const char *pg_do(struct pg *, PGconn *, const char *sql);
/* On a connection of its own, to the last database. */
const char *pg_sql(struct pg *, const char *sql);
/* Sends and returns at once; pg_wait() takes what comes. */
void pg_send(PGconn *, const char *sql);
void pg_wait(PGconn *);

#endif
