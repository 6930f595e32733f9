/* SPDX-License-Identifier: MIT */
/*
 * postgres_value - our values as PostgreSQL's text, its results as our rows,
 * its SQLSTATEs as our errors.
 *
 * Parameters go as text of no stated type, so the server infers each from
 * where it stands. Results come as text and are read by their type:
 *
 *   int2 int4 int8      VALUE_INT        bool    VALUE_BOOL
 *   float4 float8       VALUE_DOUBLE     numeric VALUE_NUMBER
 *   json jsonb, arrays  VALUE_JSON       bytea   VALUE_BLOB
 *   timestamp[tz]       VALUE_TEXT       any other  VALUE_TEXT
 *
 * Where JSON has a way to say a value it is the one of row_to_json(), which
 * makes the change rows: what is read and what is told are the same.
 *
 * A number that is not finite is NULL, as JSON has none. A timestamp is
 * RFC 3339 in UTC with three decimals, or six where the last three are not
 * zero; one without a zone is taken as UTC. One that RFC 3339 cannot spell
 * ("infinity", before Christ, after 9999) is as to_json() writes it.
 * Threads: any, no state.
 */
#ifndef FIELDLINE_STORE_POSTGRES_VALUE_H
#define FIELDLINE_STORE_POSTGRES_VALUE_H

#include "base/arena.h"
#include "store/driver.h"
#include "store/postgres_library.h"

#define PG_PARAMS_MAX 65535

/* NUL-terminated texts, NULL for NULL, in the arena. ERR_INVALID with the
 * detail when a text holds a NUL, which PostgreSQL cannot store. */
int pg_params(struct arena *, const struct value *, unsigned count,
              const char *const **ret, struct store_detail *) MUST_CHECK;

/* Shows each row; ERR_NOMEM. */
int pg_rows_show(const PGresult *, store_row_fn *, void *arg) MUST_CHECK;
/* How many rows it returned, else changed. */
uint64_t pg_rows_count(PGresult *);

/* 0 for a result without an error. */
int pg_error(const PGresult *, struct store_detail *);
/* The five characters, or "". */
const char *pg_sqlstate(const PGresult *);
bool pg_state_is(const char *sqlstate, const char *prefix);
/* What libpq says of a connection, on one line and without its URL. */
void pg_detail_of_conn(const PGconn *, struct store_detail *);

#endif
