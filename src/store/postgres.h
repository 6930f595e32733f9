/* SPDX-License-Identifier: MIT */
/*
 * postgres - what the files of the PostgreSQL driver share.
 *
 * A STORE is a URL. A SESSION owns a LANE for each class of work; a lane owns
 * a few CONNECTIONS and the JOBS that wait for one. A job is one read, one
 * write or one look at the feed; it knows what it sends and what it makes of
 * the results. Nothing is shared between sessions, so nothing is locked.
 *
 *   job    --lane_put()--> waiting --a connection has room--> running --> ended
 *                             ^------- the connection went -----/
 *
 * Threads: loop.
 */
#ifndef FIELDLINE_STORE_POSTGRES_H
#define FIELDLINE_STORE_POSTGRES_H

#include "net/loop.h"
#include "store/postgres_horizon.h"
#include "store/postgres_lookup.h"
#include "store/postgres_value.h"

#define PG_NS_PER_MS ((uint64_t)1000000)

/* SPEC D2: how long one statement may take. */
#define PG_READ_MS_MAX      5000
#define PG_WRITE_MS_MAX     10000
#define PG_ANALYTICS_MS_MAX 60000
#define PG_LOCK_MS          5000
/* A transaction that waits for us is ended by the server. */
#define PG_IDLE_MS          15000

#define PG_LANES        3 /* by enum store_class */
#define PG_CONNS_MAX    2
#define PG_PREPARED_MAX 128
#define PG_SENT_MAX     256
/* A write sends no more statements than this before it looks at the answers:
 * each may also be prepared, and they have to fit into PG_SENT_MAX. */
#define PG_SEGMENT_MAX  32
#define PG_TRIES_MAX    3

struct pg_conn;
struct pg_job;
struct pg_lane;
struct pg_session;

/* The driver's own statements. */
enum pg_own {
    PG_BEGIN,
    PG_MARK,
    PG_SETTLE,
    PG_CHANGES,
    PG_COMMIT,
    PG_ROLLBACK,
    PG_STATE,
    PG_LOCKS,
    PG_BOUND,
    PG_OWN_COUNT
};

struct pg_store {
    struct store base;
    bool names_target;   /* the URL says which kind of server it wants */
    char *hosts, *ports; /* as it has them */
    bool looks_up;       /* and its hosts are to be looked up */
    unsigned busy_ms;
    struct store_statement own[PG_OWN_COUNT];
};

static inline struct pg_store *pg_store_of(struct store *s)
{
    return (struct pg_store *)(void *)s;
}

/* --- jobs -------------------------------------------------------------- */

struct pg_job_kind {
    /* Sends on job->conn; an error means that the connection is unusable. */
    int (*start_fn)(struct pg_job *);
    /* One result of what was sent under the tag; who keeps it takes it away
     * by setting NULL. */
    void (*result_fn)(struct pg_job *, unsigned tag, PGresult **);
    /* Everything sent before a sync was answered. */
    int (*synced_fn)(struct pg_job *) MUST_CHECK;
    /* The connection went. False: the job may run again from its start. */
    bool (*lost_fn)(struct pg_job *);
    /* Answers and frees. */
    void (*end_fn)(struct pg_job *, int error);
};

struct pg_job {
    struct list link;
    const struct pg_job_kind *kind;
    struct pg_lane *lane;
    struct pg_conn *conn; /* while it runs */
    struct store_detail *detail;
    uint64_t queued_ns;
    unsigned tries;
    bool stale; /* what was prepared no longer fits: prepare it again */
};

/* --- a connection ------------------------------------------------------ */

/*
 *            wanted             libpq is content
 *   CLOSED ----------> CONNECTING ----------> READY
 *      ^------------------- lost ----------------'
 *
 * CLOSED: no socket; not opened before reopen_ns. CONNECTING: since since_ns.
 * READY: in pipeline mode, nobody's transaction is open unless a job runs.
 */
enum pg_conn_state { PG_CLOSED, PG_CONNECTING, PG_READY };

enum pg_sent_kind {
    PG_SENT_SETUP,
    PG_SENT_PREPARE,
    PG_SENT_QUERY,
    PG_SENT_FORGET,
    PG_SENT_SYNC
};

struct pg_prepared;

/* What the server has yet to answer, in order. */
struct pg_sent {
    enum pg_sent_kind kind;
    bool reused; /* QUERY: by a statement that was prepared before */
    unsigned tag;
    struct pg_job *job;           /* or NULL: nobody's */
    struct pg_prepared *prepared; /* PREPARE, FORGET */
    uint64_t id, serial;          /* QUERY: by which it was prepared */
};

struct pg_conn {
    struct pg_lane *lane;
    enum pg_conn_state state;
    PGconn *pg;
    struct pg_lookup *lookup; /* CONNECTING: before libpq begins */
    struct pg_poller *poller;
    struct list running; /* pg_job.link, as they were started */
    unsigned running_count;
    struct pg_sent sent[PG_SENT_MAX];
    unsigned sent_first, sent_count;
    struct table *prepared; /* by id */
    struct list recent;     /* pg_prepared.link, the latest used first */
    struct list doomed;     /* to be deallocated before the next job */
    uint64_t serial;
    struct arena scratch;
    uint64_t reopen_ns, since_ns, progress_ns;
    unsigned failures;
};

void pg_conn_init(struct pg_conn *, struct pg_lane *);
void pg_conn_fini(struct pg_conn *); /* nothing runs on it */
void pg_conn_open(struct pg_conn *);
/* Takes the job and starts it. */
void pg_conn_start(struct pg_conn *, struct pg_job *);
/* Ends the connection; its jobs wait again or end. */
void pg_conn_lost(struct pg_conn *, const struct store_detail *why);
/* For start_fn and synced_fn. A parameter that cannot be sent is ERR_STORE
 * with the job's detail, and then nothing was sent; ERR_CLOSED: the
 * connection is unusable. */
int pg_conn_send(struct pg_job *, unsigned tag, const struct store_statement *,
                 const struct value *params, unsigned count) MUST_CHECK;
int pg_conn_sync(struct pg_job *) MUST_CHECK;

/* --- a lane ------------------------------------------------------------ */

struct pg_lane {
    struct pg_session *session;
    enum store_class work;
    unsigned conn_count, depth;
    struct pg_conn *conns; /* conn_count of them */
    struct list waiting;   /* pg_job.link */
    unsigned waiting_count;
    uint64_t failing_ns; /* since when no connection could be made; 0: fine */
    struct store_detail why;
};

/* May end the job at once: ERR_BUSY. */
void pg_lane_put(struct pg_lane *, struct pg_job *);
void pg_lane_again(struct pg_job *); /* lost: to the front */
void pg_lane_run(struct pg_lane *);
/* The job leaves its connection: call end_fn after. */
void pg_lane_left(struct pg_job *);
void pg_lane_connected(struct pg_lane *);
void pg_lane_failed(struct pg_lane *, const struct store_detail *);

/* --- the session ------------------------------------------------------- */

struct pg_session {
    struct store_session base;
    struct pg_lane lanes[PG_LANES];
    struct timer tick; /* runs while something is under way */
    bool closing;
    /* the feed's: */
    struct pg_horizon horizon;
    struct feed_state told;
    bool told_known;
    struct timer again;
    struct pg_job *again_job;
};

static inline struct pg_session *pg_session_of(struct store_session *s)
{
    return (struct pg_session *)(void *)s;
}

int pg_session_lanes_open(struct pg_session *) MUST_CHECK;
void pg_session_lanes_close(struct pg_session *);

/* --- the jobs ---------------------------------------------------------- */

void pg_read(struct store_session *, struct store_read *);
void pg_write(struct store_session *, struct store_write *);
void pg_feed_state(struct store_session *, struct feed_state_read *);
void pg_feed_open(struct pg_session *);
void pg_feed_close(struct pg_session *);

#define PG_EPOCH_LEN 16
/* Three columns from first: the database's own value, the system's identifier
 * and the timeline. Empty when there is none. */
void pg_epoch(const struct store_row *, unsigned first,
              char ret[PG_EPOCH_LEN + 1]);
#define PG_EPOCH_COLUMNS                                                       \
    "(SELECT value FROM fieldline_meta WHERE name = 'epoch'),"                 \
    " (SELECT system_identifier::text FROM pg_control_system()),"              \
    " CASE WHEN pg_is_in_recovery()"                                           \
    " THEN (SELECT lpad(upper(to_hex(timeline_id)), 8, '0')"                   \
    " FROM pg_control_checkpoint())"                                           \
    " ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) END"

/* What libpq is asked for; ends in NULL. */
#define PG_KEYWORDS_MAX 8
struct pg_keywords {
    const char *names[PG_KEYWORDS_MAX];
    const char *values[PG_KEYWORDS_MAX];
    unsigned count;
};
void pg_keyword(struct pg_keywords *, const char *name, const char *value);
void pg_keywords(struct pg_keywords *, const struct pg_store *, bool writes);
/* What every connection is told first; $1 $2 $3: the time a statement may
 * take, the time it may wait for a lock, whether it only reads. */
extern const char pg_setup_sql[];
void pg_silence(PGconn *); /* notices go nowhere */

#endif
