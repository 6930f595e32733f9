/* SPDX-License-Identifier: MIT */
/*
 * sample_store - made rows into a database, on either store.
 *
 * One transaction, many rows a statement. Names of tables and columns come
 * from the application's own file and are checked to be plain words there.
 * Threads: loop.
 */
#include "app/sample_plan.h"

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"

#include <stdio.h>

#define PARAMS_MAX 1000 /* of one statement, as the store takes */
#define SQL_MAX    (256u << 10)

struct insert {
    const struct sample *sample;
    struct admin *admin;
    struct store_detail *detail;
    struct buf sql;
    struct value *params; /* PARAMS_MAX */
};

static bool is_stored(const struct entry *e, unsigned column)
{
    return e->names[column].at[0] != '_';
}

static unsigned stored_columns(const struct entry *e)
{
    unsigned n = 0;

    for (unsigned i = 0; i < e->columns; i++)
        n += is_stored(e, i);
    return n;
}

static void write_insert(struct insert *in, const struct entry *e, size_t rows)
{
    struct buf *sql = &in->sql;
    unsigned columns = stored_columns(e), param = 0;
    const char *comma = "";

    buf_clear(sql);
    buf_printf(sql, "insert into \"" BYTES_FMT "\" (", BYTES_ARG(e->into));
    for (unsigned i = 0; i < e->columns; i++) {
        if (!is_stored(e, i))
            continue;
        buf_printf(sql, "%s\"" BYTES_FMT "\"", comma, BYTES_ARG(e->names[i]));
        comma = ", ";
    }
    buf_append(sql, BYTES(") values "));
    for (size_t row = 0; row < rows; row++) {
        buf_append(sql, row > 0 ? BYTES(", (") : BYTES("("));
        for (unsigned i = 0; i < columns; i++)
            buf_printf(sql, "%s$%u", i > 0 ? ", " : "", ++param);
        buf_append_char(sql, ')');
    }
}

static int insert_rows(struct insert *in, const struct entry *e, size_t first,
                       size_t rows)
{
    unsigned count = 0;

    for (size_t row = first; row < first + rows; row++)
        for (unsigned i = 0; i < e->columns; i++)
            if (is_stored(e, i))
                in->params[count++] = e->values[i][row];
    return admin_run(in->admin, buf_bytes(&in->sql), in->params, count, NULL,
                     NULL, in->detail);
}

static int insert_entry(struct insert *in, const struct entry *e)
{
    unsigned columns = stored_columns(e);
    size_t step, written = 0;
    int error = 0;

    if (columns == 0)
        return 0;
    step = PARAMS_MAX / columns;
    for (size_t first = 0; first < e->rows && !error; first += step) {
        size_t rows = e->rows - first < step ? e->rows - first : step;

        if (rows != written)
            write_insert(in, e, rows);
        written = rows;
        error = buf_error(&in->sql);
        if (!error)
            error = insert_rows(in, e, first, rows);
    }
    return error;
}

static void on_any_row(const struct store_row *row, void *arg)
{
    *(bool *)arg = true;
}

static int check_empty(struct insert *in, const struct entry *e)
{
    bool any = false;
    int error;

    buf_clear(&in->sql);
    buf_printf(&in->sql, "select 1 from \"" BYTES_FMT "\" limit 1",
               BYTES_ARG(e->into));
    error = buf_error(&in->sql);
    if (!error)
        error = admin_run(in->admin, buf_bytes(&in->sql), NULL, 0, on_any_row,
                          &any, in->detail);
    if (error || !any)
        return error;
    snprintf(in->detail->text, sizeof(in->detail->text),
             "the table " BYTES_FMT " has rows already; sample data goes into "
             "empty tables",
             BYTES_ARG(e->into));
    return ERR_EXISTS;
}

/* PostgreSQL counts keys apart from the rows that bring their own. */
static int move_sequence(struct insert *in, const struct entry *e)
{
    struct bytes key = e->names[e->sequence];

    buf_clear(&in->sql);
    buf_printf(
        &in->sql,
        "select setval(pg_get_serial_sequence('" BYTES_FMT "', '" BYTES_FMT
        "'), (select max(\"" BYTES_FMT "\") from \"" BYTES_FMT "\"))",
        BYTES_ARG(e->into), BYTES_ARG(key), BYTES_ARG(key), BYTES_ARG(e->into));
    return buf_error(&in->sql) ? buf_error(&in->sql)
                               : admin_run(in->admin, buf_bytes(&in->sql), NULL,
                                           0, NULL, NULL, in->detail);
}

static int insert_all(struct insert *in, enum store_dialect dialect,
                      admin_progress_fn *progress, void *arg)
{
    const struct sample *s = in->sample;
    int error = 0;

    for (unsigned i = 0; i < s->entry_count && !error; i++)
        error = check_empty(in, s->entries[i]);
    for (unsigned i = 0; i < s->entry_count && !error; i++) {
        const struct entry *e = s->entries[i];
        char text[160];

        error = insert_entry(in, e);
        if (!error && dialect == STORE_POSTGRES && e->sequence >= 0)
            error = move_sequence(in, e);
        snprintf(text, sizeof(text), "%zu rows of " BYTES_FMT, e->rows,
                 BYTES_ARG(e->name));
        if (!error && progress)
            progress(text, arg);
    }
    return error;
}

int sample_store(const struct sample *s, struct admin *admin,
                 enum store_dialect dialect, admin_progress_fn *progress,
                 void *arg, struct store_detail *detail)
{
    struct insert in = {.sample = s, .admin = admin, .detail = detail};
    struct store_detail ignored;
    int error;

    buf_init(&in.sql, SQL_MAX);
    in.params = mem_zalloc(PARAMS_MAX, sizeof(*in.params));
    error = in.params ? 0 : ERR_NOMEM;
    if (!error)
        error = admin_run(admin, BYTES("begin"), NULL, 0, NULL, NULL, detail);
    if (!error) {
        error = insert_all(&in, dialect, progress, arg);
        if (!error)
            error =
                admin_run(admin, BYTES("commit"), NULL, 0, NULL, NULL, detail);
        if (error &&
            admin_run(admin, BYTES("rollback"), NULL, 0, NULL, NULL, &ignored))
            error = ERR_STORE;
    }
    if (!error) /* the planner's statistics */
        error = admin_run(admin, BYTES("analyze"), NULL, 0, NULL, NULL, detail);
    mem_free(in.params);
    buf_fini(&in.sql);
    return error;
}
