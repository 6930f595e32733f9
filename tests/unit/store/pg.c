/* SPDX-License-Identifier: MIT */
/*
 * pg - see pg.h. Threads: the test's.
 */
#include "pg.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROGRAMS "/usr/lib/postgresql"

/* The highest version's folder. */
static bool programs_find(char *ret, size_t size)
{
    DIR *d = opendir(PROGRAMS);
    struct dirent *entry;
    int best = 0;

    if (!d)
        return false;
    while ((entry = readdir(d)))
        if (atoi(entry->d_name) > best)
            best = atoi(entry->d_name);
    closedir(d);
    (void)snprintf(ret, size, PROGRAMS "/%d/bin", best);
    return best > 0;
}

bool pg_is_installed(void)
{
    char bin[128];

    return programs_find(bin, sizeof(bin));
}

/* PostgreSQL refuses to run as root. */
static void become_postgres(void)
{
    const struct passwd *user;

    if (getuid() != 0)
        return;
    user = getpwnam("postgres");
    if (!user || setgroups(0, NULL) || setgid(user->pw_gid) ||
        setuid(user->pw_uid))
        _exit(126);
}

static pid_t start(const struct pg *p, const char *program, char **args)
{
    char path[256];
    pid_t pid;

    (void)snprintf(path, sizeof(path), "%s/%s", p->bin, program);
    args[0] = path;
    pid = fork();
    assert_true(pid >= 0);
    if (pid)
        return pid;
    {
        int null = open("/dev/null", O_RDWR);

        dup2(null, 0);
        dup2(null, 1);
        dup2(null, 2);
        become_postgres();
        (void)prctl(PR_SET_PDEATHSIG, SIGQUIT); /* a test that crashed */
        if (chdir(p->dir) == 0)
            execv(path, args);
        _exit(127);
    }
}

static int ended(pid_t pid)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    return status;
}

void pg_make(struct pg *p)
{
    char data[128];
    char *args[] = {NULL,
                    "-D",
                    data,
                    "-U",
                    "postgres",
                    "--auth=trust",
                    "--encoding=UTF8",
                    "--locale=C.UTF-8",
                    "--no-sync",
                    NULL};

    memset(p, 0, sizeof(*p));
    strcpy(p->dir, "/tmp/fieldline-pg-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    assert_true(programs_find(p->bin, sizeof(p->bin)));
    if (getuid() == 0) {
        const struct passwd *user = getpwnam("postgres");

        assert_non_null(user);
        assert_int_equal(chown(p->dir, user->pw_uid, user->pw_gid), 0);
    }
    (void)snprintf(data, sizeof(data), "%s/data", p->dir);
    assert_int_equal(ended(start(p, "initdb", args)), 0);
    pg_run(p);
}

/* The server writes "ready" when it is. */
static bool is_ready(const struct pg *p)
{
    char path[128], text[512];
    ssize_t n;
    int fd;

    (void)snprintf(path, sizeof(path), "%s/data/postmaster.pid", p->dir);
    fd = open(path, O_RDONLY);
    if (fd < 0)
        return false;
    n = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    return strstr(text, "ready") != NULL;
}

void pg_run(struct pg *p)
{
    char data[128];
    char *args[] = {NULL,
                    "-D",
                    data,
                    "-k",
                    p->dir,
                    "-c",
                    "listen_addresses=",
                    "-c",
                    "fsync=off",
                    "-c",
                    "full_page_writes=off",
                    "-c",
                    "shared_buffers=16MB",
                    "-c",
                    "max_prepared_transactions=10",
                    "-c",
                    "wal_level=logical",
                    "-c",
                    "timezone=America/Lima",
                    "-c",
                    "log_min_messages=fatal",
                    NULL};

    (void)snprintf(data, sizeof(data), "%s/data", p->dir);
    p->pid = start(p, "postgres", args);
    while (!is_ready(p)) {
        struct timespec moment = {.tv_nsec = 5 * 1000 * 1000};

        assert_int_equal(waitpid(p->pid, NULL, WNOHANG), 0);
        nanosleep(&moment, NULL);
    }
}

void pg_halt(struct pg *p)
{
    kill(p->pid, SIGINT);
    (void)ended(p->pid);
}

void pg_kill(struct pg *p)
{
    kill(p->pid, SIGQUIT);
    (void)ended(p->pid);
}

static int remove_one(const char *path, const struct stat *st, int kind,
                      struct FTW *at)
{
    return remove(path);
}

void pg_remove(struct pg *p)
{
    pg_halt(p);
    assert_int_equal(nftw(p->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* --- clients ----------------------------------------------------------- */

static void on_notice(void *arg, const PGresult *notice)
{
}

PGconn *pg_connect(const struct pg *p, const char *database)
{
    const char *names[] = {"host", "user", "dbname", NULL};
    const char *values[] = {p->dir, "postgres", database, NULL};
    PGconn *c = PQconnectdbParams(names, values, 0);

    if (PQstatus(c) != CONNECTION_OK)
        fail_msg("%s", PQerrorMessage(c));
    PQsetNoticeReceiver(c, on_notice, NULL);
    return c;
}

static void text_take(struct pg *p, const PGresult *r)
{
    size_t len = 0;

    p->text[0] = '\0';
    for (int row = 0; row < PQntuples(r); row++) {
        for (int column = 0; column < PQnfields(r); column++) {
            int n = snprintf(p->text + len, PG_TEXT_MAX - len, "%s%s",
                             column ? "|" : "", PQgetvalue(r, row, column));

            len += (size_t)n;
            assert_true(len < PG_TEXT_MAX - 2);
        }
        strcpy(p->text + len++, "\n");
    }
}

const char *pg_do(struct pg *p, PGconn *c, const char *sql)
{
    PGresult *r = PQexec(c, sql);

    if (PQresultStatus(r) != PGRES_COMMAND_OK &&
        PQresultStatus(r) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(c));
    text_take(p, r);
    PQclear(r);
    return p->text;
}

const char *pg_sql(struct pg *p, const char *sql)
{
    PGconn *c = pg_connect(p, p->database);

    (void)pg_do(p, c, sql);
    PQfinish(c);
    return p->text;
}

void pg_send(PGconn *c, const char *sql)
{
    assert_true(PQsendQuery(c, sql));
}

void pg_wait(PGconn *c)
{
    PGresult *r;

    while ((r = PQgetResult(c))) {
        if (PQresultStatus(r) == PGRES_FATAL_ERROR)
            fail_msg("%s", PQerrorMessage(c));
        PQclear(r);
    }
}

void pg_database(struct pg *p)
{
    PGconn *c = pg_connect(p, "postgres");
    char sql[80];

    (void)snprintf(p->database, sizeof(p->database), "t%u", ++p->databases);
    (void)snprintf(sql, sizeof(sql), "CREATE DATABASE %s", p->database);
    (void)pg_do(p, c, sql);
    PQfinish(c);
    (void)snprintf(p->url, sizeof(p->url), "postgres://postgres@/%s?host=%s",
                   p->database, p->dir);
}
