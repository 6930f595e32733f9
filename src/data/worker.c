/* SPDX-License-Identifier: MIT */
/*
 * worker - statements by text, least recently used out.
 * Threads: loop.
 */
#include "data/worker.h"

#include "base/error.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/table.h"

struct statement {
    struct list link;
    struct store_statement *statement;
    struct bytes text;
};

int data_worker_new(struct data_worker **ret, struct data *d,
                    struct store_session *session, struct tagclock *clock)
{
    struct data_worker *w = mem_zalloc(1, sizeof(*w));
    int error;

    if (!w)
        return ERR_NOMEM;
    w->data = d;
    w->session = session;
    w->store = store_session_store(session);
    w->clock = clock;
    list_init(&w->recent);
    buf_init(&w->sql.text, SQL_BYTES_MAX);
    error = table_new(&w->statements, WORKER_STATEMENTS_MAX);
    if (!error)
        error = cursor_box_new(&w->cursor, d->cursor_key);
    if (error)
        data_worker_free(&w);
    else
        *ret = w;
    return error;
}

static void statement_free(struct data_worker *w, struct statement *s)
{
    (void)table_remove(w->statements, s->text);
    list_remove(&s->link);
    store_statement_unref(&s->statement);
    mem_free((char *)s->text.at);
    mem_free(s);
}

void data_worker_free(struct data_worker **worker)
{
    struct data_worker *w = *worker;

    if (!w)
        return;
    LIST_EACH_SAFE (&w->recent, link, after)
        statement_free(w, CONTAINER_OF(link, struct statement, link));
    table_free(&w->statements);
    cursor_box_free(&w->cursor);
    buf_fini(&w->sql.text);
    mem_free(w);
    *worker = NULL;
}

struct cursor_box *data_worker_cursor(struct data_worker *w)
{
    return w->cursor;
}

static int statement_new(struct data_worker *w, enum store_class class,
                         struct statement **ret, struct store_detail *detail)
{
    struct bytes sql = buf_bytes(&w->sql.text);
    struct statement *s = mem_zalloc(1, sizeof(*s));
    int error = ERR_NOMEM;

    if (!s)
        return error;
    if (table_count(w->statements) == WORKER_STATEMENTS_MAX)
        statement_free(w, CONTAINER_OF(w->recent.prev, struct statement, link));
    list_init(&s->link);
    s->text = (struct bytes){mem_copy(sql), sql.len};
    if (s->text.at)
        error =
            store_statement_new(&s->statement, w->store, class, sql, detail);
    if (!error)
        error = table_put(w->statements, s->text, s);
    if (error)
        statement_free(w, s);
    else
        *ret = s;
    return error;
}

int data_worker_statement(struct data_worker *w, enum store_class class,
                          struct store_statement **ret,
                          struct store_detail *detail)
{
    int error = buf_error(&w->sql.text);
    struct statement *s;

    if (error || w->sql.overflow)
        return error ? error : ERR_LIMIT;
    s = table_get(w->statements, buf_bytes(&w->sql.text));
    if (!s) {
        error = statement_new(w, class, &s, detail);
        if (error)
            return error;
    }
    list_remove(&s->link);
    list_prepend(&w->recent, &s->link);
    *ret = store_statement_ref(s->statement);
    return 0;
}

int data_worker_params(struct data_worker *w, struct arena *a,
                       struct value **ret)
{
    size_t size = (w->sql.count + 1) * sizeof(**ret);
    struct value *copy = arena_alloc(a, size);

    if (!copy)
        return ERR_NOMEM;
    memcpy(copy, w->sql.params, w->sql.count * sizeof(*copy));
    *ret = copy;
    return 0;
}
