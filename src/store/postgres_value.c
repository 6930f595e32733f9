/* SPDX-License-Identifier: MIT */
/*
 * postgres_value - one switch over our kinds, one over PostgreSQL's types.
 * Threads: any, no state.
 */
#include "store/postgres_value.h"

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "store/postgres_array.h"

#include <math.h>
#include <stdio.h>

#define ROW_BYTES_MAX ((size_t)1 << 30)
#define SCALAR_MAX    40

/* pg_type.oid; these never change. */
enum pg_type {
    TYPE_BOOL = 16,
    TYPE_BYTEA = 17,
    TYPE_INT8 = 20,
    TYPE_INT2 = 21,
    TYPE_INT4 = 23,
    TYPE_JSON = 114,
    TYPE_FLOAT4 = 700,
    TYPE_FLOAT8 = 701,
    TYPE_TIMESTAMP = 1114,
    TYPE_TIMESTAMPTZ = 1184,
    TYPE_NUMERIC = 1700,
    TYPE_JSONB = 3802,
};

/* --- parameters -------------------------------------------------------- */

static const char *scalar_text(struct arena *a, const struct value *v)
{
    char text[SCALAR_MAX];
    int len = 0;

    if (v->kind == VALUE_BOOL)
        return v->boolean ? "true" : "false";
    if (v->kind == VALUE_INT)
        len = snprintf(text, sizeof(text), "%lld", (long long)v->integer);
    else if (isnan(v->real))
        return "NaN";
    else if (isinf(v->real))
        return v->real > 0 ? "Infinity" : "-Infinity";
    else
        len = snprintf(text, sizeof(text), "%.17g", v->real);
    return arena_copy(a, (struct bytes){text, (size_t)len}).at;
}

static const char *blob_text(struct arena *a, struct bytes b)
{
    static const char digits[] = "0123456789abcdef";
    char *text = arena_bytes(a, 2 * b.len + 3);

    if (!text)
        return NULL;
    memcpy(text, "\\x", 2);
    for (size_t i = 0; i < b.len; i++) {
        text[2 + 2 * i] = digits[(unsigned char)b.at[i] >> 4];
        text[3 + 2 * i] = digits[(unsigned char)b.at[i] & 15];
    }
    text[2 + 2 * b.len] = '\0';
    return text;
}

static int param_text(struct arena *a, const struct value *v, const char **ret,
                      struct store_detail *detail)
{
    switch (v->kind) {
    case VALUE_NULL:
        *ret = NULL;
        return 0;
    case VALUE_BOOL:
    case VALUE_INT:
    case VALUE_DOUBLE:
        *ret = scalar_text(a, v);
        break;
    case VALUE_BLOB:
        *ret = blob_text(a, v->bytes);
        break;
    case VALUE_NUMBER:
    case VALUE_TEXT:
    case VALUE_JSON:
        if (v->bytes.len && memchr(v->bytes.at, '\0', v->bytes.len)) {
            store_detail_set(detail, "22021", "text with a NUL in it");
            return ERR_STORE;
        }
        *ret = arena_copy(a, v->bytes).at;
        break;
    }
    return *ret ? 0 : ERR_NOMEM;
}

int pg_params(struct arena *a, const struct value *params, unsigned count,
              const char *const **ret, struct store_detail *detail)
{
    const char **texts;
    int error = 0;

    if (count > PG_PARAMS_MAX) {
        store_detail_set(detail, "", "more than %d parameters", PG_PARAMS_MAX);
        return ERR_LIMIT;
    }
    texts = arena_alloc(a, (count + 1) * sizeof(*texts));
    if (!texts)
        return ERR_NOMEM;
    for (unsigned i = 0; i < count && !error; i++)
        error = param_text(a, &params[i], &texts[i], detail);
    if (!error)
        *ret = texts;
    return error;
}

/* --- times ------------------------------------------------------------- */

#define TIME_HEAD    19 /* "2026-11-20 18:44:25" */
#define TIME_TEXT    28
#define ODD_TIME_MAX 80

static bool is_shaped(struct bytes text)
{
    static const char shape[] = "0000-00-00 00:00:00";

    if (text.len < TIME_HEAD)
        return false;
    for (size_t i = 0; i < TIME_HEAD; i++) {
        bool digit = text.at[i] >= '0' && text.at[i] <= '9';

        if (shape[i] == '0' ? !digit : text.at[i] != shape[i])
            return false;
    }
    return true;
}

/* "2026-11-20 18:44:25.5+00"; false: it cannot be spelled. */
static bool time_spell(struct bytes text, bool zoned, char ret[TIME_TEXT])
{
    struct bytes rest = bytes_skip(text, TIME_HEAD);
    size_t digits = 0, width = 3;

    if (!is_shaped(text))
        return false;
    if (zoned) {
        if (!bytes_ends(rest, BYTES("+00")))
            return false;
        rest.len -= 3;
    }
    if (rest.len && (rest.at[0] != '.' || rest.len > 7))
        return false;
    if (rest.len)
        digits = rest.len - 1;
    memcpy(ret, text.at, TIME_HEAD);
    ret[10] = 'T';
    ret[TIME_HEAD] = '.';
    memcpy(ret + TIME_HEAD + 1, "000000", 6);
    if (digits)
        memcpy(ret + TIME_HEAD + 1, rest.at + 1, digits);
    if (digits > width)
        width = 6;
    memcpy(ret + TIME_HEAD + 1 + width, "Z", 2);
    return true;
}

/* --- rows -------------------------------------------------------------- */

static unsigned nibble(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* "\x01ff": the session has bytea_output = hex. */
static int blob_read(struct arena *a, struct bytes text, struct value *ret)
{
    size_t len = text.len >= 2 ? (text.len - 2) / 2 : 0;
    char *at = arena_bytes(a, len + 1);

    if (!at)
        return ERR_NOMEM;
    for (size_t i = 0; i < len; i++)
        at[i] = (char)(nibble(text.at[2 + 2 * i]) << 4 |
                       nibble(text.at[3 + 2 * i]));
    *ret = (struct value){.kind = VALUE_BLOB, .bytes = {at, len}};
    return 0;
}

/* Before Christ, after 9999, infinity: as to_json() has it. */
static int odd_time_read(struct arena *a, struct bytes text, bool zoned,
                         struct bytes *ret)
{
    struct buf b;
    int error;

    buf_init(&b, ODD_TIME_MAX);
    pg_time_write(&b, text, zoned);
    error = buf_error(&b);
    if (!error) {
        *ret = arena_copy(a, buf_bytes(&b));
        error = ret->at ? 0 : ERR_NOMEM;
    }
    buf_fini(&b);
    return error;
}

static int time_read(struct arena *a, struct bytes text, bool zoned,
                     struct value *ret)
{
    char spelt[TIME_TEXT];

    *ret = value_text(text);
    if (!time_spell(text, zoned, spelt))
        return odd_time_read(a, text, zoned, &ret->bytes);
    ret->bytes = arena_copy(a, bytes_of(spelt));
    return ret->bytes.at ? 0 : ERR_NOMEM;
}

static int array_read(struct arena *a, Oid type, struct bytes text,
                      struct value *ret)
{
    enum array_of of = pg_array_of(type);

    *ret = value_text(text);
    if (of == ARRAY_NONE)
        return 0;
    ret->kind = VALUE_JSON;
    return pg_array_read(a, of, text, &ret->bytes);
}

static struct value int_read(struct bytes text)
{
    int64_t integer;

    return bytes_to_i64(text, &integer) ? value_text(text) : value_int(integer);
}

static struct value double_read(struct bytes text)
{
    double real;

    return bytes_to_double(text, &real) ? value_null() : value_double(real);
}

static struct value numeric_read(struct bytes text)
{
    char last = text.len ? text.at[text.len - 1] : 'N';

    if (last < '0' || last > '9') /* NaN, Infinity */
        return value_null();
    return (struct value){.kind = VALUE_NUMBER, .bytes = text};
}

static int value_read(struct arena *a, Oid type, struct bytes text,
                      struct value *ret)
{
    switch ((enum pg_type)type) {
    case TYPE_BOOL:
        *ret = value_bool(text.len && text.at[0] == 't');
        return 0;
    case TYPE_INT2:
    case TYPE_INT4:
    case TYPE_INT8:
        *ret = int_read(text);
        return 0;
    case TYPE_FLOAT4:
    case TYPE_FLOAT8:
        *ret = double_read(text);
        return 0;
    case TYPE_NUMERIC:
        *ret = numeric_read(text);
        return 0;
    case TYPE_JSON:
    case TYPE_JSONB:
        *ret = (struct value){.kind = VALUE_JSON, .bytes = text};
        return 0;
    case TYPE_BYTEA:
        return blob_read(a, text, ret);
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
        return time_read(a, text, type == TYPE_TIMESTAMPTZ, ret);
    }
    return array_read(a, type, text, ret);
}

struct shape {
    unsigned count;
    Oid *types;
    struct bytes *names;
    struct value *values;
};

static int shape_read(struct shape *s, struct arena *a, const PGresult *r)
{
    s->count = (unsigned)PQnfields(r);
    s->types = arena_alloc(a, (s->count + 1) * sizeof(*s->types));
    s->names = arena_alloc(a, (s->count + 1) * sizeof(*s->names));
    s->values = arena_alloc(a, (s->count + 1) * sizeof(*s->values));
    if (!s->types || !s->names || !s->values)
        return ERR_NOMEM;
    for (unsigned i = 0; i < s->count; i++) {
        s->types[i] = PQftype(r, (int)i);
        s->names[i] = bytes_of(PQfname(r, (int)i));
    }
    return 0;
}

static int row_read(const struct shape *s, struct arena *a, const PGresult *r,
                    int row)
{
    for (unsigned i = 0; i < s->count; i++) {
        int column = (int)i, error;

        s->values[i] = value_null();
        if (PQgetisnull(r, row, column))
            continue;
        error = value_read(a, s->types[i],
                           (struct bytes){PQgetvalue(r, row, column),
                                          (size_t)PQgetlength(r, row, column)},
                           &s->values[i]);
        if (error)
            return error;
    }
    return 0;
}

int pg_rows_show(const PGresult *r, store_row_fn *fn, void *arg)
{
    struct arena kept, passing;
    int rows = PQntuples(r), error = 0;
    struct shape shape;

    if (!fn || !rows)
        return 0;
    arena_init(&kept, ROW_BYTES_MAX);
    arena_init(&passing, ROW_BYTES_MAX);
    error = shape_read(&shape, &kept, r);
    for (int row = 0; row < rows && !error; row++) {
        arena_clear(&passing);
        error = row_read(&shape, &passing, r, row);
        if (!error)
            fn(&(struct store_row){.count = shape.count,
                                   .values = shape.values,
                                   .names = shape.names},
               arg);
    }
    arena_fini(&passing);
    arena_fini(&kept);
    return error;
}

uint64_t pg_rows_count(PGresult *r)
{
    uint64_t changed = 0;

    if (PQresultStatus(r) == PGRES_TUPLES_OK)
        return (uint64_t)PQntuples(r);
    return bytes_to_u64(bytes_of(PQcmdTuples(r)), &changed) ? 0 : changed;
}

/* --- errors ------------------------------------------------------------ */

const char *pg_sqlstate(const PGresult *r)
{
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);

    return state ? state : "";
}

bool pg_state_is(const char *sqlstate, const char *prefix)
{
    return strncmp(sqlstate, prefix, strlen(prefix)) == 0;
}

static const struct {
    const char *prefix;
    int error;
} states[] = {
    {"23", ERR_CONSTRAINT}, {"57014", ERR_TIMEOUT}, /* statement_timeout */
    {"55P03", ERR_BUSY},                            /* lock_timeout */
    {"40", ERR_BUSY},     /* deadlock, serialisation */
    {"53300", ERR_BUSY},  /* too many connections */
    {"57P", ERR_BUSY},    /* going down, coming up */
    {"08P01", ERR_STORE}, /* the wrong number of parameters */
    {"08", ERR_BUSY},
};

/* The primary message only: the detail quotes people's values. */
int pg_error(const PGresult *r, struct store_detail *detail)
{
    ExecStatusType status = PQresultStatus(r);
    const char *state = pg_sqlstate(r);
    const char *said = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);

    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ||
        status == PGRES_EMPTY_QUERY)
        return 0;
    store_detail_set(detail, state, "%s", said ? said : PQresStatus(status));
    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        if (pg_state_is(state, states[i].prefix))
            return states[i].error;
    return ERR_STORE;
}

void pg_detail_of_conn(const PGconn *pg, struct store_detail *detail)
{
    if (!detail)
        return;
    store_detail_set(detail, "08006", "%s",
                     pg ? PQerrorMessage(pg) : "out of memory");
    for (char *c = detail->text; *c; c++)
        if (*c == '\n' || *c == '\t')
            *c = c[1] ? ' ' : '\0';
}
