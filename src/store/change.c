/* SPDX-License-Identifier: MIT */
/*
 * change - positions, and the change table read and trimmed by plain SQL.
 * Threads: as change.h has it.
 */
#include "store/driver.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>

/* A call of store_changes_trim() looks at no more rows than this. */
#define TRIM_ROWS 2000

/* A row of offset 0 comes first, with the low-water mark for a key: one
 * statement sees one moment, so what it shows is whole or known not to be. */
#define CHANGES_SQL(of_tenant)                                                 \
    "SELECT 0 AS \"offset\", '' AS tbl, value AS \"key\", '' AS op,"           \
    " '' AS tenant, NULL AS \"row\", NULL AS old, '' AS writer, 0 AS at_us"    \
    " FROM fieldline_meta WHERE name = 'low_water'"                            \
    " UNION ALL SELECT " CHANGE_COLUMNS " FROM fieldline_changes"              \
    " WHERE \"offset\" > $1 AND \"offset\" <= $2" of_tenant                    \
    " ORDER BY \"offset\" LIMIT $3 + 1"

static const struct {
    enum store_class work;
    const char *sql;
} own_statements[OWN_COUNT] = {
    [OWN_CHANGES] = {STORE_CLASS_READ, CHANGES_SQL("")},
    [OWN_CHANGES_TENANT] = {STORE_CLASS_READ,
                            CHANGES_SQL(" AND (tenant = $4 OR tenant = '')")},
    /* How many rows this call looks at, how far those reach, the first among
     * them that is to stay because it is young enough, and the first. */
    [OWN_TRIM_AGE] = {STORE_CLASS_WRITE,
                      "SELECT count(*), max(\"offset\"), min(CASE WHEN"
                      " at_us >= $1 THEN \"offset\" END), min(\"offset\")"
                      " FROM (SELECT \"offset\", at_us FROM fieldline_changes"
                      " ORDER BY \"offset\" LIMIT $2) AS oldest"},
    /* From the size of the newest rows: how far the table may reach back. */
    [OWN_TRIM_SIZE] = {STORE_CLASS_WRITE,
                       "SELECT count(*), max(\"offset\"), sum(64"
                       " + length(tbl) + length(\"key\") + length(tenant)"
                       " + coalesce(length(\"row\"), 0)"
                       " + coalesce(length(old), 0) + length(writer))"
                       " FROM (SELECT * FROM fieldline_changes"
                       " ORDER BY \"offset\" DESC LIMIT $1) AS newest"},
    /* Another node may have trimmed further: the mark never goes back. */
    [OWN_TRIM_MARK] = {STORE_CLASS_WRITE,
                       "UPDATE fieldline_meta SET value = $1 WHERE"
                       " name = 'low_water' AND CAST(value AS bigint) < $2"},
    [OWN_TRIM_DELETE] = {STORE_CLASS_WRITE, "DELETE FROM fieldline_changes"
                                            " WHERE \"offset\" <= $1"},
};

int store_own_statement(struct store *s, enum store_own which,
                        struct store_statement **ret,
                        struct store_detail *detail)
{
    int error = 0;

    pthread_mutex_lock(&s->lock);
    if (!s->own[which])
        error =
            store_statement_new(&s->own[which], s, own_statements[which].work,
                                bytes_of(own_statements[which].sql), detail);
    if (!error)
        *ret = s->own[which];
    pthread_mutex_unlock(&s->lock);
    return error;
}

size_t position_write(struct bytes epoch, uint64_t offset,
                      char ret[POSITION_TEXT_MAX + 1])
{
    size_t len =
        epoch.len < POSITION_EPOCH_MAX ? epoch.len : POSITION_EPOCH_MAX;

    return (size_t)snprintf(ret, POSITION_TEXT_MAX + 1, "%.*s:%llu", (int)len,
                            epoch.at, (unsigned long long)offset);
}

int position_read(struct bytes text, struct position *ret)
{
    struct bytes epoch, offset;
    uint64_t number;
    int error;

    if (!bytes_cut(text, ':', &epoch, &offset) || !epoch.len ||
        epoch.len > POSITION_EPOCH_MAX)
        return ERR_INVALID;
    for (size_t i = 0; i < epoch.len; i++)
        if (epoch.at[i] <= ' ' || epoch.at[i] > '~')
            return ERR_INVALID;
    error = bytes_to_u64(offset, &number);
    if (error)
        return error;
    memcpy(ret->epoch, epoch.at, epoch.len);
    ret->epoch[epoch.len] = '\0';
    ret->offset = number;
    return 0;
}

static const char op_letters[] = {
    [CHANGE_INSERT] = 'I', [CHANGE_UPDATE] = 'U', [CHANGE_DELETE] = 'D',
    [CHANGE_RESET] = 'R',  [CHANGE_PURGE] = 'P',
};

char change_op_letter(enum change_op op)
{
    return op_letters[op];
}

int change_op_of(struct bytes letter, enum change_op *ret)
{
    for (size_t i = 0; i < sizeof(op_letters); i++) {
        if (letter.len == 1 && letter.at[0] == op_letters[i]) {
            *ret = (enum change_op)i;
            return 0;
        }
    }
    return ERR_INVALID;
}

static struct bytes text_of(const struct store_row *row, unsigned column)
{
    const struct value *v = &row->values[column];

    return v->kind == VALUE_TEXT || v->kind == VALUE_JSON ? v->bytes
                                                          : bytes_of(NULL);
}

static int64_t int_of(const struct store_row *row, unsigned column)
{
    const struct value *v = &row->values[column];

    return v->kind == VALUE_INT ? v->integer : 0;
}

void change_of_row(const struct store_row *row, struct change *ret)
{
    struct change c = {.offset = (uint64_t)int_of(row, 0),
                       .table = text_of(row, 1),
                       .key = text_of(row, 2),
                       .tenant = text_of(row, 4),
                       .row = text_of(row, 5),
                       .old = text_of(row, 6),
                       .writer = text_of(row, 7),
                       .at_us = int_of(row, 8)};

    if (change_op_of(text_of(row, 3), &c.op))
        c = (struct change){.offset = c.offset,
                            .op = CHANGE_RESET,
                            .table = c.table,
                            .at_us = c.at_us};
    *ret = c;
}

void change_unread(struct store *s, uint64_t offset, const char *why)
{
    const struct store_options *o = &s->options;
    struct change anything = {.offset = offset, .op = CHANGE_RESET};

    log_error("store.changes", "offset=%llu error=\"%s\"",
              (unsigned long long)offset, why);
    if (o->on_commit)
        o->on_commit(&anything, o->arg);
}

/* --- reading ----------------------------------------------------------- */

struct changes_job {
    struct store_read read;
    struct changes_read *changes;
    struct value params[4];
    bool trimmed; /* past where the reader stands */
};

static void on_change_row(const struct store_row *row, void *arg)
{
    struct changes_job *job = arg;
    uint64_t low_water;
    struct change c;

    change_of_row(row, &c);
    if (!c.offset)
        job->trimmed = !bytes_to_u64(text_of(row, 2), &low_water) &&
                       low_water > job->changes->after;
    if (!c.offset || job->trimmed)
        return;
    job->changes->count++;
    job->changes->change_fn(&c, job->changes->arg);
}

static void on_changes_done(struct store_read *read, int error)
{
    struct changes_job *job = read->arg;
    struct changes_read *changes = job->changes;

    if (!error && job->trimmed)
        error = ERR_STALE;
    mem_free(job);
    changes->done_fn(changes, error);
}

static int64_t clamp_i64(uint64_t u)
{
    return u > INT64_MAX ? INT64_MAX : (int64_t)u;
}

void store_changes_read(struct store_session *s, struct changes_read *changes)
{
    bool of_tenant = changes->tenant.len > 0;
    unsigned limit =
        changes->limit < CHANGES_LIMIT_MAX ? changes->limit : CHANGES_LIMIT_MAX;
    struct changes_job *job = mem_zalloc(1, sizeof(*job));
    struct store_statement *statement;
    int error = job ? 0 : ERR_NOMEM;

    changes->count = 0;
    if (!error)
        error = store_own_statement(
            s->store, of_tenant ? OWN_CHANGES_TENANT : OWN_CHANGES, &statement,
            NULL);
    if (error) {
        mem_free(job);
        changes->done_fn(changes, error);
        return;
    }
    job->changes = changes;
    job->params[0] = value_int(clamp_i64(changes->after));
    job->params[1] = value_int(clamp_i64(changes->upto));
    job->params[2] = value_int(limit);
    job->params[3] = value_text(changes->tenant);
    job->read = (struct store_read){.statement = statement,
                                    .params = job->params,
                                    .param_count = of_tenant ? 4 : 3,
                                    .row_fn = on_change_row,
                                    .done_fn = on_changes_done,
                                    .arg = job};
    store_read(s, &job->read);
}

/* --- trimming ---------------------------------------------------------- */

/* One write whose later steps use what its earlier ones found. */
struct trim_job {
    struct store_write write;
    struct store_step steps[4];
    struct value age_params[2], size_params[1], mark_params[2], cut_params[1];
    char mark[24];
    struct trim_bounds bounds;
    int64_t upto;        /* delete up to here; 0: nothing */
    int64_t first, last; /* of the rows looked at */
    bool full;           /* as many as one call looks at */
    changes_trim_done_fn *done_fn;
    void *arg;
};

static void on_trim_age(const struct store_row *row, void *arg)
{
    struct trim_job *job = arg;

    job->full = int_of(row, 0) == TRIM_ROWS;
    job->last = int_of(row, 1);
    job->upto =
        row->values[2].kind == VALUE_NULL ? job->last : int_of(row, 2) - 1;
    job->first = int_of(row, 3);
}

static void on_trim_size(const struct store_row *row, void *arg)
{
    struct trim_job *job = arg;
    int64_t rows = int_of(row, 0), bytes = int_of(row, 2);
    int64_t keep, by_size;

    if (!rows || bytes <= 0)
        return;
    keep =
        (int64_t)((double)job->bounds.bytes_max * (double)rows / (double)bytes);
    by_size = int_of(row, 1) > keep ? int_of(row, 1) - keep : 0;
    if (by_size > job->last)
        by_size = job->last;
    if (by_size > job->upto)
        job->upto = by_size;
}

/* Known now: fills in the parameters of the two steps that follow. */
static int on_trim_sized(void *arg, uint64_t rows)
{
    struct trim_job *job = arg;

    if (job->upto > clamp_i64(job->bounds.upto))
        job->upto = clamp_i64(job->bounds.upto);
    if (job->upto < job->first || job->upto <= 0)
        return ERR_NOT_FOUND; /* nothing to trim: undoes nothing */
    (void)snprintf(job->mark, sizeof(job->mark), "%lld", (long long)job->upto);
    job->mark_params[0] = value_text(bytes_of(job->mark));
    job->mark_params[1] = value_int(job->upto);
    job->cut_params[0] = value_int(job->upto);
    return 0;
}

static void on_trim_done(struct store_write *write, int error)
{
    struct trim_job *job = write->arg;
    changes_trim_done_fn *done_fn = job->done_fn;
    bool more = !error && job->full && job->upto == job->last;
    void *arg = job->arg;

    mem_free(job);
    done_fn(arg, error == ERR_NOT_FOUND ? 0 : error, more);
}

static int trim_step(struct trim_job *job, unsigned at, enum store_own which,
                     const struct value *params, unsigned count,
                     store_row_fn *row_fn, store_check_fn *check_fn)
{
    struct store_statement *statement;
    int error =
        store_own_statement(job->write.session->store, which, &statement, NULL);

    if (error)
        return error;
    job->steps[at] = (struct store_step){.statement = statement,
                                         .params = params,
                                         .param_count = count,
                                         .row_fn = row_fn,
                                         .check_fn = check_fn};
    return 0;
}

static int trim_plan(struct trim_job *job)
{
    int error =
        trim_step(job, 0, OWN_TRIM_AGE, job->age_params, 2, on_trim_age, NULL);

    if (!error)
        error = trim_step(job, 1, OWN_TRIM_SIZE, job->size_params, 1,
                          on_trim_size, on_trim_sized);
    if (!error)
        error =
            trim_step(job, 2, OWN_TRIM_MARK, job->mark_params, 2, NULL, NULL);
    if (!error)
        error =
            trim_step(job, 3, OWN_TRIM_DELETE, job->cut_params, 1, NULL, NULL);
    return error;
}

void store_changes_trim(struct store_session *s,
                        const struct trim_bounds *bounds,
                        changes_trim_done_fn *done_fn, void *arg)
{
    struct trim_job *job = mem_zalloc(1, sizeof(*job));
    int error = job ? 0 : ERR_NOMEM;

    if (!error) {
        job->write.session = s;
        error = trim_plan(job);
    }
    if (error) {
        mem_free(job);
        done_fn(arg, error, false);
        return;
    }
    job->age_params[0] = value_int(bounds->older_than_us);
    job->age_params[1] = value_int(TRIM_ROWS);
    job->size_params[0] = value_int(CHANGES_LIMIT_MAX);
    job->bounds = *bounds;
    job->done_fn = done_fn;
    job->arg = arg;
    job->write.steps = job->steps;
    job->write.step_count = ARRAY_LEN(job->steps);
    job->write.done_fn = on_trim_done;
    job->write.arg = job;
    store_write(s, &job->write);
}
