/* SPDX-License-Identifier: MIT */
/*
 * sqlite - what the files of the SQLite driver share.
 *
 * One STORE: the file, the READERS, the WRITER, and a connection in COMMON:
 * whoever checks a statement or works as an admin takes it and gives it back.
 * What a connection has to read before its first statement, every trigger
 * among it, is most of a cold start, so there are as few as can be.
 * A SESSION: a worker's own connection for short reads, and the list of what
 * the threads have done for it, brought by one letter at a time.
 *
 * Locks, outermost first: none of these is held while another is taken, but
 * for a session's inside the readers' or the writer's.
 * Threads: as each part says.
 */
#ifndef FIELDLINE_STORE_SQLITE_H
#define FIELDLINE_STORE_SQLITE_H

#include "net/worker.h"
#include "store/sqlite_conn.h"

#define SQLITE_BUSY_MS   5000
/* A worker's loop turn spends no more than this in reads on the spot. */
#define TURN_NS_MAX      ((uint64_t)10 * 1000 * 1000)
/* ... and one such read no more than this many GUARD_STEPs, or bytes. */
#define SHORT_STEPS_MAX  40
#define SHORT_BYTES_MAX  ((size_t)1 << 20)
/* A statement that did not keep to it goes to the readers this often, and
 * twice as often each further time, so many times. */
#define SHORT_PENALTY    64
#define SHORT_DOUBLED    6
#define READ_BYTES_MAX   ((size_t)64 << 20)
#define READ_MS_MAX      5000
#define ANALYTICS_MS_MAX 60000
#define WRITE_MS_MAX     10000

struct readers;
struct writer;

struct sqlite_store {
    struct store base;
    char *path;
    unsigned busy_ms;
    pthread_mutex_t common_lock;
    struct conn *common; /* locked by common_lock; NULL: somebody has it */
    pthread_mutex_t check_lock; /* one check at a time: none opens another */
    struct readers *readers;
    struct writer *writer;
    pthread_mutex_t orphans_lock;
    struct list orphans; /* closed sessions whose letter is under way */
};

struct sqlite_statement {
    struct store_statement base;
    bool is_short;
    atomic_uint overruns; /* since it last kept its promise */
    atomic_uint penalty;  /* so many more reads go to the readers */
};

struct sqlite_session {
    struct store_session base;
    struct conn *conn;
    struct rows spare; /* warm memory for short reads */
    bool spare_taken;
    uint64_t turn_at_ns, turn_spent_ns;
    bool state_known;
    int64_t data_version;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t idle;  /* handed became 0 */
    unsigned handed;      /* reads and writes that are with a thread */
    struct list reads;    /* answered: read_job.link */
    struct list writes;   /* answered: store_write.link */
    bool mail_posted;
    bool closing;
    struct letter mail;
    struct list orphan;
};

/* A read on its way through the readers. */
struct read_job {
    struct list link;
    struct sqlite_session *session;
    struct store_read *read;
    struct rows rows;
    uint64_t started_ns;
    int error;
    atomic_bool cancelled;
};

static inline struct sqlite_store *sqlite_store_of(struct store *s)
{
    return (struct sqlite_store *)(void *)s;
}
static inline struct sqlite_session *sqlite_session_of(struct store_session *s)
{
    return (struct sqlite_session *)(void *)s;
}

/* From the threads, once for each that was handed over. Any thread. */
void sqlite_session_read_done(struct read_job *);
void sqlite_session_write_done(struct store_write *);

/* A thread with every signal blocked. */
int sqlite_thread_start(pthread_t *ret, const char *name, void *(*fn)(void *),
                        void *arg) MUST_CHECK;

/* While it is taken, another is opened for the next who asks. Any thread. */
int sqlite_common_take(struct sqlite_store *, struct conn **ret,
                       struct store_detail *) MUST_CHECK;
void sqlite_common_give(struct sqlite_store *, struct conn * /* or NULL */);

/* sqlite_plan.c. Is the statement sound, and short? ERR_STORE with the
 * detail. */
int plan_check(struct conn *, const struct store_statement *, bool *ret_short,
               struct store_detail *) MUST_CHECK;

/* sqlite_reader.c */
int readers_new(struct readers **ret, struct sqlite_store *) MUST_CHECK;
void readers_free(struct readers **);
/* Takes the job, or ERR_BUSY when too many wait. Any thread. */
int readers_put(struct readers *, struct read_job *) MUST_CHECK;
/* What waits for the session is answered ERR_CLOSED, what runs is told to. */
void readers_cancel(struct readers *, struct sqlite_session *);
/* While held no read begins. Any thread; true: none runs. */
bool readers_hold(struct readers *);
void readers_release(struct readers *);

/* sqlite_writer.c */
int writer_new(struct writer **ret, struct sqlite_store *) MUST_CHECK;
void writer_free(struct writer **);
int writer_put(struct writer *, struct store_write *) MUST_CHECK;
void writer_cancel(struct writer *, struct sqlite_session *);
void writer_readers_idle(struct writer *); /* a held pool runs nothing now */

#endif
