/* SPDX-License-Identifier: MIT */
/*
 * read - main rows, then to-many rows, then the count, then done.
 *
 *            start
 *              |
 *            MAIN --> MANY (one relation after another) --> COUNT
 *              |        |                                     |
 *              +--------+-------------------------------------+--> done_fn
 *
 * read_proceed() is the only one that starts a statement. Without to-many
 * relations rows go straight into the body. With them each main row's object
 * is left open and remembered (struct many), and the body is put together when
 * all of them are there.
 * Threads: loop.
 */
#include "data/read.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"
#include "data/convert.h"
#include "data/tags.h"
#include "data/worker.h"
#include "json/json.h"

#include <endian.h>

/* Where a piece of text lies in a buf. */
struct span {
    size_t from, to;
};

struct many {
    struct buf rows;    /* main rows, open at their end */
    struct buf texts;   /* of keys */
    struct buf related; /* rows of all relations */
    unsigned count;     /* main rows */
    struct span row[SQL_KEYS_MAX];
    struct span text[SQL_KEYS_MAX];
    struct value key[SQL_KEYS_MAX];
    struct span found[QUERY_RELATIONS_MAX][SQL_KEYS_MAX];
    unsigned relations[QUERY_RELATIONS_MAX]; /* index in the query's */
    unsigned relation_count;
    unsigned at;   /* the main row that the last related row belongs to */
    unsigned seen; /* related rows of this relation */
};

/* Rows to JSON. */

unsigned data_row_write(struct buf *b, const struct data_table *t,
                        uint64_t mask, const struct store_row *row, unsigned at)
{
    size_t skip = 1; /* the first member has no comma */

    COLUMNS_EACH(i, mask)
    {
        const struct column *c = &t->columns[i];

        buf_append(b, bytes_skip(c->json, skip));
        convert_write_json(b, c, store_row_get(row, at++));
        skip = 0;
    }
    return at;
}

uint64_t data_row_version(const struct data_table *t,
                          const struct store_row *row, struct buf *scratch)
{
    buf_clear(scratch);
    for (unsigned i = 0; i < t->column_count; i++) {
        struct value v = store_row_get(row, i);
        size_t from = scratch->len;
        uint32_t len;

        buf_append(scratch, (struct bytes){"\0\0\0\0", sizeof(len)});
        convert_write_text(scratch, &t->columns[i], v);
        if (buf_error(scratch))
            return 0;
        /* NULL is not the empty text */
        len = (uint32_t)(scratch->len - from - sizeof(len)) +
              (v.kind != VALUE_NULL);
        len = htole32(len);
        memcpy(scratch->at + from, &len, sizeof(len));
    }
    return hash_stable(buf_bytes(scratch));
}

static struct buf *rows_of(struct data_read *r)
{
    return r->many ? &r->many->rows : &r->body;
}

/* The object without its closing brace. */
static void write_open_object(struct data_read *r, const struct store_row *row)
{
    const struct query *q = &r->query;
    const struct data_table *t = q->resource->table;
    uint64_t selected = r->item ? table_all(t) : q->columns;
    struct buf *b = rows_of(r);
    unsigned at = (unsigned)__builtin_popcountll(selected);
    size_t from = b->len;

    buf_append_char(b, '{');
    if (selected == q->columns) {
        data_row_write(b, t, selected, row, 0);
    } else {
        size_t skip = 1;

        COLUMNS_EACH(i, q->columns)
        {
            buf_append(b, bytes_skip(t->columns[i].json, skip));
            convert_write_json(b, &t->columns[i],
                               store_row_get(row, (unsigned)i));
            skip = 0;
        }
    }
    for (unsigned i = 0; i < q->relation_count; i++) {
        const struct relation *rel = q->relations[i].relation;
        uint64_t mask = q->relations[i].columns;

        if (!rel->on)
            continue;
        buf_append(b, bytes_skip(rel->json, b->len == from + 1));
        if (store_row_get(row, at).kind == VALUE_NULL) {
            buf_append(b, BYTES("null"));
        } else {
            buf_append_char(b, '{');
            data_row_write(b, rel->to->table, mask, row, at + 1);
            buf_append_char(b, '}');
        }
        at += 1 + (unsigned)__builtin_popcountll(mask);
    }
}

/* Text of a row goes with the row: the key is kept by its bytes' place. */
static void many_remember(struct data_read *r, const struct store_row *row,
                          unsigned key_at, size_t from)
{
    struct many *m = r->many;
    const struct column *key = r->query.resource->table->key;
    struct value v = store_row_get(row, key_at);
    unsigned n = m->count++;

    m->row[n] = (struct span){from, m->rows.len};
    m->text[n].from = m->texts.len;
    convert_write_text(&m->texts, key, v);
    m->text[n].to = m->texts.len;
    if (v.kind == VALUE_TEXT || v.kind == VALUE_NUMBER) {
        v.bytes = arena_copy(r->query.arena, v.bytes);
        if (!v.bytes.at)
            m->texts.error = ERR_NOMEM;
    }
    m->key[n] = v;
}

static void write_row(struct data_read *r, const struct store_row *row,
                      unsigned key_at)
{
    struct buf *b = rows_of(r);
    size_t from;

    if (!r->many && r->rows > 0)
        buf_append_char(b, ',');
    from = b->len;
    write_open_object(r, row);
    if (r->many)
        many_remember(r, row, key_at, from);
    else
        buf_append_char(b, '}');
    r->rows++;
}

static void on_list_row(const struct store_row *row, void *arg)
{
    struct data_read *r = arg;
    const struct query *q = &r->query;
    unsigned order_at = store_row_count(row) - q->order_count;

    if (r->rows == q->limit) {
        r->more = true;
        return;
    }
    write_row(r, row, store_row_count(row) - 1); /* the key ends the order */
    if (r->rows < q->limit)
        return;
    for (unsigned i = 0; i < q->order_count; i++)
        cursor_put(&r->last, store_row_get(row, order_at + i));
}

static void on_item_row(const struct store_row *row, void *arg)
{
    struct data_read *r = arg;
    const struct data_table *t = r->query.resource->table;

    r->version = data_row_version(t, row, &r->scratch);
    convert_write_text(&r->key, t->key, store_row_get(row, t->key->index));
    write_row(r, row, store_row_count(row) - 1);
}

static void on_count_row(const struct store_row *row, void *arg)
{
    struct data_read *r = arg;

    r->total = (uint64_t)store_row_get(row, 0).integer;
}

/* To-many relations. */

static struct bytes span_bytes(const struct buf *b, struct span s)
{
    if (s.from == s.to)
        return (struct bytes){NULL, 0};
    return (struct bytes){b->at + s.from, s.to - s.from};
}

/* Related rows come ordered by the key they point to: each is looked for from
 * the last one's place on. */
static bool many_find(struct many *m, struct bytes text)
{
    for (unsigned i = 0; i < m->count; i++) {
        unsigned n = (m->at + i) % m->count;

        if (bytes_equal(span_bytes(&m->texts, m->text[n]), text)) {
            m->at = n;
            return true;
        }
    }
    return false;
}

static void on_many_row(const struct store_row *row, void *arg)
{
    struct data_read *r = arg;
    struct many *m = r->many;
    unsigned index = m->relations[r->many_at];
    const struct query_relation *qr = &r->query.relations[index];
    const struct relation *rel = qr->relation;
    struct span *found;

    m->seen++;
    buf_clear(&r->scratch);
    convert_write_text(&r->scratch, rel->by,
                       store_row_get(row, store_row_count(row) - 1));
    if (!many_find(m, buf_bytes(&r->scratch)))
        return;
    found = &m->found[r->many_at][m->at];
    if (found->to)
        buf_append_char(&m->related, ',');
    else
        found->from = m->related.len;
    buf_append_char(&m->related, '{');
    data_row_write(&m->related, rel->to->table, qr->columns, row, 0);
    buf_append_char(&m->related, '}');
    found->to = m->related.len;
}

static int many_new(struct data_read *r)
{
    const struct query *q = &r->query;
    unsigned count = 0, relations[QUERY_RELATIONS_MAX];

    for (unsigned i = 0; i < q->relation_count; i++) {
        if (q->relations[i].relation->by)
            relations[count++] = i;
    }
    if (count == 0)
        return 0;
    if (q->limit > SQL_KEYS_MAX)
        return mistake_say(&r->query.mistake, ERR_INVALID, "invalid-parameter",
                           "limit: expected at most %d with related lists",
                           SQL_KEYS_MAX);
    r->many = mem_zalloc(1, sizeof(*r->many));
    if (!r->many)
        return ERR_NOMEM;
    buf_init(&r->many->rows, READ_BODY_MAX);
    buf_init(&r->many->texts, READ_BODY_MAX);
    buf_init(&r->many->related, READ_BODY_MAX);
    memcpy(r->many->relations, relations, sizeof(relations));
    r->many->relation_count = count;
    return 0;
}

/* The main row with its related lists. */
static void many_write(struct data_read *r, unsigned n)
{
    struct many *m = r->many;
    struct bytes open = span_bytes(&m->rows, m->row[n]);

    buf_append(&r->body, open);
    for (unsigned i = 0; i < m->relation_count; i++) {
        const struct relation *rel =
            r->query.relations[m->relations[i]].relation;

        buf_append(&r->body, bytes_skip(rel->json, open.len == 1 && i == 0));
        buf_append_char(&r->body, '[');
        buf_append(&r->body, span_bytes(&m->related, m->found[i][n]));
        buf_append_char(&r->body, ']');
    }
    buf_append_char(&r->body, '}');
}

static int many_assemble(struct data_read *r)
{
    struct many *m = r->many;
    int error;

    if (!m)
        return 0;
    error = buf_error(&m->rows);
    if (!error)
        error = buf_error(&m->texts);
    if (!error)
        error = buf_error(&m->related);
    for (unsigned n = 0; n < m->count && !error; n++) {
        if (n > 0)
            buf_append_char(&r->body, ',');
        many_write(r, n);
    }
    return error;
}

/* Statements. */

static void read_done(struct data_read *r, int error)
{
    /* What the database refuses to convert is the asker's mistake; a key that
     * it refuses is nobody's. */
    if (error == ERR_STORE && memcmp(r->detail.sqlstate, "22", 2) == 0) {
        error = ERR_NOT_FOUND;
        if (!r->item)
            error =
                mistake_say(&r->query.mistake, ERR_INVALID, "invalid-parameter",
                            "a value is not one of its column");
    }
    r->done_fn(r, error);
}

static store_read_done_fn on_done;

static int read_start(struct data_read *r, enum store_class class,
                      store_row_fn *row_fn)
{
    struct data_worker *w = r->worker;
    int error;

    store_statement_unref(&r->statement);
    error = data_worker_statement(w, class, &r->statement, &r->detail);
    if (!error)
        error = data_worker_params(w, r->query.arena, &r->params);
    if (error)
        return error;
    r->store = (struct store_read){
        .statement = r->statement,
        .params = r->params,
        .param_count = w->sql.count,
        .row_fn = row_fn,
        .done_fn = on_done,
        .arg = r,
        .detail = &r->detail,
    };
    r->started_ns = clock_mono_ns();
    store_read(w->session, &r->store);
    return 0;
}

static bool is_many_due(const struct data_read *r)
{
    return r->many && r->many->count > 0 &&
           r->many_at < r->many->relation_count;
}

/* The end of {"data":[...],"next":...,"count":...} */
static int list_end(struct data_read *r)
{
    int error = 0;

    buf_append(&r->body, BYTES("],\"next\":"));
    if (!error && r->more) {
        error = buf_error(&r->last);
        if (!error)
            error = cursor_seal(r->worker->cursor, &r->query,
                                buf_bytes(&r->last), &r->next);
        if (error == ERR_LIMIT)
            return mistake_say(&r->query.mistake, ERR_INVALID,
                               "invalid-parameter",
                               "order: the values are too long to continue "
                               "from; order by another column");
        json_write_string(&r->body, buf_bytes(&r->next));
    } else {
        buf_append(&r->body, BYTES("null"));
    }
    if (r->query.count) {
        buf_append(&r->body, BYTES(",\"count\":"));
        buf_append_u64(&r->body, r->total);
    }
    buf_append_char(&r->body, '}');
    return error;
}

static int read_end(struct data_read *r)
{
    int error = many_assemble(r);

    if (!error)
        error = r->item ? buf_error(&r->key) : list_end(r);
    return error ? error : buf_error(&r->body);
}

/* Starts the next statement, or ends the read. */
static void read_proceed(struct data_read *r)
{
    struct sql *sql = &r->worker->sql;
    int error;

    if (is_many_due(r)) {
        r->many->seen = 0;
        sql_many(sql, &r->query,
                 &r->query.relations[r->many->relations[r->many_at]],
                 r->many->key, r->many->count, READ_RELATED_MAX + 1);
        error = read_start(r, STORE_CLASS_READ, on_many_row);
    } else if (r->query.count && r->total == UINT64_MAX) {
        sql_count(sql, &r->query);
        error = read_start(r, STORE_CLASS_ANALYTICS, on_count_row);
    } else {
        read_done(r, read_end(r));
        return;
    }
    if (error)
        read_done(r, error);
}

static int related_check(struct data_read *r)
{
    if (!is_many_due(r) || r->store.row_fn != on_many_row)
        return 0;
    if (r->many->seen > READ_RELATED_MAX)
        return mistake_say(&r->query.mistake, ERR_INVALID, "invalid-parameter",
                           "fields: more than %d related rows; ask for fewer "
                           "rows, or for the related resource itself",
                           READ_RELATED_MAX);
    r->many_at++;
    return 0;
}

static void on_done(struct store_read *s, int error)
{
    struct data_read *r = s->arg;

    r->db_ns += clock_mono_ns() - r->started_ns;
    if (!error)
        error = related_check(r);
    if (!error && r->item && r->rows == 0)
        error = ERR_NOT_FOUND;
    if (error)
        read_done(r, error);
    else
        read_proceed(r);
}

static int read_init(struct data_worker *w, struct data_read *r, bool item)
{
    r->worker = w;
    r->item = item;
    r->rows = r->many_at = 0;
    r->more = false;
    r->db_ns = 0;
    r->horizon = tagclock_horizon(w->clock);
    r->total = UINT64_MAX;
    r->statement = NULL;
    r->many = NULL;
    memset(&r->detail, 0, sizeof(r->detail));
    buf_init(&r->body, READ_BODY_MAX);
    buf_init(&r->next, READ_BODY_MAX);
    buf_init(&r->key, READ_BODY_MAX);
    buf_init(&r->last, READ_BODY_MAX);
    buf_init(&r->scratch, READ_BODY_MAX);
    return many_new(r);
}

void data_list(struct data_worker *w, struct data_read *r)
{
    int error = read_init(w, r, false);

    if (!error) {
        buf_append(&r->body, BYTES("{\"data\":["));
        r->cacheable = tags_of_list(&r->query, &r->tags);
        sql_list(&w->sql, &r->query);
        error = read_start(r, STORE_CLASS_READ, on_list_row);
    }
    if (error)
        read_done(r, error);
}

void data_item(struct data_worker *w, struct data_read *r, struct bytes key)
{
    const struct data_table *t = r->query.resource->table;
    struct value v;
    int error = read_init(w, r, true);

    r->query.count = false;
    if (!error &&
        convert_text(t->key->kind, w->data->dialect, key, r->query.arena, &v))
        error = ERR_NOT_FOUND;
    if (!error) {
        r->cacheable = tags_of_item(&r->query, v, &r->tags);
        sql_item(&w->sql, &r->query, v);
        error = read_start(r, STORE_CLASS_READ, on_item_row);
    }
    if (error)
        read_done(r, error);
}

void data_read_fini(struct data_read *r)
{
    store_statement_unref(&r->statement);
    buf_fini(&r->body);
    buf_fini(&r->next);
    buf_fini(&r->key);
    buf_fini(&r->last);
    buf_fini(&r->scratch);
    if (!r->many)
        return;
    buf_fini(&r->many->rows);
    buf_fini(&r->many->texts);
    buf_fini(&r->many->related);
    mem_free(r->many);
    r->many = NULL;
}
