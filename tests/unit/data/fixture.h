/* SPDX-License-Identifier: MIT */
/*
 * fixture - a SQLite store in a temporary directory, the data room over it,
 * and a worker that does what the test's own thread waits for.
 * Threads: the test's; what is called runs on the worker.
 */
#ifndef FIELDLINE_TESTS_DATA_FIXTURE_H
#define FIELDLINE_TESTS_DATA_FIXTURE_H

#include "../check.h"

#include "cache/tagclock.h"
#include "data/write.h"

struct data;
struct fixture;
struct store;

/* Who asks. */
struct who {
    const char *tenant, *user;
    role_mask roles;
};

/* What came of a call; got_fini() frees it. */
struct got {
    int error;
    char *body, *next, *key; /* NUL-terminated, never NULL */
    struct mistake mistake;
    struct tagset tags;
    bool cacheable;
    uint64_t version, offset;
};

struct fixture *fixture_new(const struct data_spec *, const char *schema);
void fixture_free(struct fixture *);
struct data *fixture_data(struct fixture *);
struct store *fixture_store(struct fixture *);
struct tagclock *fixture_clock(struct fixture *);
/* Another clock that committed writes move and advance; NULL for none. */
void fixture_clock_also(struct fixture *, struct tagclock *);
/* SQL by another connection, as another program would. */
void fixture_sql(struct fixture *, const char *sql);
/* The first column of the first row, as text; the caller frees it. */
char *fixture_value(struct fixture *, const char *sql);
/* Applies what is new in the feed to the clock, and calls fn (if any) for it;
 * the last offset. */
uint64_t fixture_follow(struct fixture *, change_fn *, void *arg);
/* Closes the worker's part and opens it anew, as a restart does; with the same
 * secret or another. */
void fixture_restart(struct fixture *, const char *secret);

void fixture_list(struct fixture *, struct who, const char *resource,
                  const char *query, struct got *);
void fixture_item(struct fixture *, struct who, const char *resource,
                  const char *key, const char *query, struct got *);
void fixture_write(struct fixture *, struct who, enum write_op,
                   const char *resource, const char *key, const char *json,
                   const char *if_match, struct got *);
unsigned fixture_warm(struct fixture *);
void got_fini(struct got *);

/* The lab: tenants 1 and 2, roles MANAGE (1), DRIVE (2) and CLINIC (4). */
#define MANAGE 1u
#define DRIVE  2u
#define CLINIC 4u
extern const struct data_spec lab_spec;
extern const char lab_schema[];
struct fixture *lab_new(void);
static const struct who manager = {"1", "10", MANAGE};
static const struct who driver = {"1", "11", DRIVE};
static const struct who clerk = {"1", "12", CLINIC};
static const struct who stranger = {"2", "20", MANAGE};

/* Numbers that a seed repeats; FIELDLINE_SEED sets it, else the kernel. */
struct dice {
    uint64_t state;
};
void dice_new(struct dice *, const char *test); /* prints the seed */
unsigned dice_below(struct dice *, unsigned n);

#endif
