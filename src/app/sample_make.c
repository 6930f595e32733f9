/* SPDX-License-Identifier: MIT */
/*
 * sample_make - the values of columns.
 *
 * Columns are made one after the other, each for all rows: so a maker may ask
 * how long a run of equal values in an earlier column is.
 * Threads: loop.
 */
#include "app/sample_plan.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "json/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TEXT_MAX (16u << 10) /* of one value */
#define GOLDEN   0x9e3779b97f4a7c15u

/* The nth random number of this column in this row. */
static uint64_t draw(const struct sample *s, const struct maker *m, size_t row,
                     uint64_t nth)
{
    return hash_mix(s->seed ^ hash_mix(m->stream + GOLDEN * (row + 1)) ^
                    hash_mix(GOLDEN * (nth + 1)));
}

static uint64_t draw_below(const struct sample *s, const struct maker *m,
                           size_t row, uint64_t nth, uint64_t below)
{
    return (uint64_t)(((unsigned __int128)draw(s, m, row, nth) * below) >> 64);
}

static struct value own(const struct maker *m, size_t row)
{
    return m->entry->values[m->column][row];
}

static bool value_equal(const struct value *a, const struct value *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == VALUE_INT)
        return a->integer == b->integer;
    return a->kind == VALUE_TEXT && bytes_equal(a->bytes, b->bytes);
}

static struct value text_of(struct sample *s, struct buf *b,
                            enum value_kind kind)
{
    struct bytes copy = arena_copy(&s->arena, buf_bytes(b));

    if (!copy.at || buf_error(b))
        s->out_of_memory = true;
    buf_fini(b);
    return (struct value){.kind = kind, .bytes = copy};
}

struct value make_constant(struct sample *s, struct maker *m, size_t row)
{
    return m->constant;
}

struct value make_template(struct sample *s, struct maker *m, size_t row)
{
    struct buf b;

    buf_init(&b, TEXT_MAX);
    for (unsigned i = 0; i < m->piece_count; i++) {
        const struct piece *p = &m->pieces[i];

        if (p->kind == PIECE_TEXT)
            buf_append(&b, p->text);
        else if (p->kind == PIECE_COLUMN)
            value_write_text(&b, &m->entry->values[p->column][row]);
        else
            buf_append(
                &b, p->words->words[draw_below(s, m, row, i, p->words->count)]);
    }
    return text_of(s, &b, VALUE_TEXT);
}

struct value make_sequence(struct sample *s, struct maker *m, size_t row)
{
    return value_int((int64_t)(m->entry->first_key + row + 1));
}

/*
 * The rows of an entry by the value of one column: order holds the row
 * numbers, one group's together, and next is which one has its turn.
 */
struct group {
    int64_t key;
    size_t first, count, next;
};
struct groups {
    size_t count;
    struct group *items;
    size_t *order;
};
struct keyed_row {
    int64_t key;
    size_t row;
};

static int compare_keyed(const void *a, const void *b)
{
    const struct keyed_row *x = a, *y = b;

    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static int64_t key_of(const struct value *v)
{
    if (v->kind == VALUE_INT)
        return v->integer;
    return v->kind == VALUE_TEXT ? (int64_t)hash_stable(v->bytes) : 0;
}

static struct groups *groups_new(struct sample *s, const struct value *values,
                                 size_t rows)
{
    struct keyed_row *keyed = arena_zalloc(&s->arena, rows * sizeof(*keyed));
    struct groups *g = arena_zalloc(&s->arena, sizeof(*g));

    if (!keyed || !g)
        return NULL;
    g->items = arena_zalloc(&s->arena, rows * sizeof(*g->items));
    g->order = arena_zalloc(&s->arena, rows * sizeof(*g->order));
    if (!g->items || !g->order)
        return NULL;
    for (size_t i = 0; i < rows; i++)
        keyed[i] = (struct keyed_row){key_of(&values[i]), i};
    qsort(keyed, rows, sizeof(*keyed), compare_keyed);
    for (size_t i = 0; i < rows; i++) {
        if (i == 0 || keyed[i].key != keyed[i - 1].key)
            g->items[g->count++] = (struct group){keyed[i].key, i, 0, 0};
        g->items[g->count - 1].count++;
        g->order[i] = keyed[i].row;
    }
    return g;
}

static int compare_group(const void *key, const void *item)
{
    const struct group *g = item;
    int64_t k = *(const int64_t *)key;

    return k < g->key ? -1 : k > g->key;
}

/* The next of those that agree with this row in a column. */
static size_t next_of_same(struct sample *s, struct maker *m, size_t row)
{
    int64_t key = key_of(&m->entry->values[m->same][row]);
    struct group *g;

    if (!m->groups)
        m->groups = groups_new(s, m->of->values[m->of_same], m->of->rows);
    if (!m->groups) {
        s->out_of_memory = true;
        return 0;
    }
    g = bsearch(&key, m->groups->items, m->groups->count, sizeof(*g),
                compare_group);
    if (!g)
        return m->of->rows; /* none agrees */
    return m->groups->order[g->first + g->next++ % g->count];
}

struct value make_of(struct sample *s, struct maker *m, size_t row)
{
    size_t at;

    if (m->of->rows == 0)
        return value_null();
    at = m->same >= 0
             ? next_of_same(s, m, row)
             : (size_t)((unsigned __int128)row * m->of->rows / m->entry->rows);
    return at < m->of->rows ? m->of->values[m->of_column][at] : value_null();
}

/* The column of the row that an 'of' column of this entry points to. */
struct value make_from(struct sample *s, struct maker *m, size_t row)
{
    int64_t key = key_of(&m->entry->values[m->column][row]);
    const struct group *g;

    if (own(m, row).kind == VALUE_NULL)
        return value_null();
    if (!m->groups)
        m->groups = groups_new(s, m->of->values[m->of_same], m->of->rows);
    if (!m->groups) {
        s->out_of_memory = true;
        return value_null();
    }
    g = bsearch(&key, m->groups->items, m->groups->count, sizeof(*g),
                compare_group);
    if (!g)
        return value_null();
    return m->of->values[m->of_column][m->groups->order[g->first]];
}

/* Where the run of equal values around this row begins, and how long it is. */
static void find_run(struct maker *m, size_t row)
{
    const struct value *v = m->entry->values[m->column];
    size_t end = row;

    if (m->run_count > 0 && row < m->run_first + m->run_count)
        return;
    while (end < m->entry->rows && value_equal(&v[end], &v[row]))
        end++;
    m->run_first = row;
    m->run_count = end > row ? end - row : 1;
}

/* Places are taken evenly from the run's region, in the file's order. */
struct value make_place(struct sample *s, struct maker *m, size_t row)
{
    const struct places *p = &s->places;
    const struct region *region;
    struct value by = own(m, row);

    if (by.kind != VALUE_INT || by.integer < 1)
        return value_null();
    find_run(m, row);
    region = &p->regions[(uint64_t)(by.integer - 1) % p->region_count];
    return p->rows[region->first + (row - m->run_first) * region->count /
                                       m->run_count % region->count][m->field];
}

struct value make_index(struct sample *s, struct maker *m, size_t row)
{
    find_run(m, row);
    return value_int((int64_t)(row - m->run_first) + 1);
}

static struct value run_option(struct sample *s, const struct option *o,
                               size_t row)
{
    return o->maker->make_fn(s, o->maker, row);
}

static struct value run_otherwise(struct sample *s, struct maker *m, size_t row)
{
    return m->otherwise ? m->otherwise->make_fn(s, m->otherwise, row)
                        : value_null();
}

struct value make_turn(struct sample *s, struct maker *m, size_t row)
{
    return run_option(s, &m->options[row % m->count], row);
}

struct value make_choice(struct sample *s, struct maker *m, size_t row)
{
    uint64_t at = draw_below(s, m, row, 0, m->options[m->count - 1].weight);
    unsigned i = 0;

    while (at >= m->options[i].weight)
        i++;
    return run_option(s, &m->options[i], row);
}

struct value make_when(struct sample *s, struct maker *m, size_t row)
{
    struct value is = own(m, row);
    struct buf b;
    unsigned i = 0;

    buf_init(&b, TEXT_MAX);
    value_write_text(&b, &is);
    while (i < m->count && !bytes_equal(m->options[i].label, buf_bytes(&b)))
        i++;
    if (buf_error(&b))
        s->out_of_memory = true;
    buf_fini(&b);
    return i < m->count ? run_option(s, &m->options[i], row)
                        : run_otherwise(s, m, row);
}

struct value make_upto(struct sample *s, struct maker *m, size_t row)
{
    struct value is = own(m, row);

    for (unsigned i = 0; is.kind == VALUE_INT && i < m->count; i++)
        if (is.integer <= (int64_t)m->options[i].weight)
            return run_option(s, &m->options[i], row);
    return run_otherwise(s, m, row);
}

struct value make_int(struct sample *s, struct maker *m, size_t row)
{
    return value_int(
        m->low +
        (int64_t)draw_below(s, m, row, 0, (uint64_t)(m->high - m->low) + 1));
}

struct value make_real(struct sample *s, struct maker *m, size_t row)
{
    double unit = (double)(draw(s, m, row, 0) >> 11) * 0x1p-53;
    double scale = pow(10, m->digits);
    double at = m->real_low + unit * (m->real_high - m->real_low);

    return value_double(round(at * scale) / scale);
}

int sample_time_read(struct bytes text, int64_t *ret)
{
    char room[CLOCK_RFC3339_LEN + 1];
    struct tm tm = {0};
    int ms, used = 0;

    if (text.len != CLOCK_RFC3339_LEN)
        return ERR_INVALID;
    memcpy(room, text.at, text.len);
    room[text.len] = '\0';
    if (sscanf(room, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &tm.tm_year, &tm.tm_mon,
               &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &ms,
               &used) != 7 ||
        used != CLOCK_RFC3339_LEN)
        return ERR_INVALID;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    *ret = (int64_t)timegm(&tm) * 1000000 + (int64_t)ms * 1000;
    return 0;
}

static struct value time_text(struct sample *s, int64_t us, size_t len)
{
    char room[CLOCK_RFC3339_LEN + 1];
    struct bytes copy;

    clock_rfc3339(us, room);
    copy = arena_copy(&s->arena, (struct bytes){room, len});
    if (!copy.at)
        s->out_of_memory = true;
    return value_text(copy);
}

/* The time that 'time' or 'date' starts from: now, or a column's. */
static bool base_time(const struct sample *s, const struct maker *m, size_t row,
                      int64_t *ret)
{
    struct value base;

    *ret = s->now_us;
    if (m->column < 0)
        return true;
    base = own(m, row);
    return base.kind == VALUE_TEXT && sample_time_read(base.bytes, ret) == 0;
}

struct value make_time(struct sample *s, struct maker *m, size_t row)
{
    int64_t us, times = 1;

    if (!base_time(s, m, row, &us))
        return value_null();
    if (m->same >= 0) {
        struct value v = m->entry->values[m->same][row];

        times = v.kind == VALUE_INT ? v.integer : 0;
    }
    us += m->low * times;
    if (m->high > 0)
        us += (int64_t)draw_below(s, m, row, 0, (uint64_t)m->high);
    return time_text(s, us, CLOCK_RFC3339_LEN);
}

struct value make_date(struct sample *s, struct maker *m, size_t row)
{
    int64_t us;

    return base_time(s, m, row, &us) ? time_text(s, us, 10) : value_null();
}

/* '#' becomes a digit, '@' a capital letter. */
struct value make_digits(struct sample *s, struct maker *m, size_t row)
{
    struct bytes pattern = m->constant.bytes;
    struct buf b;

    buf_init(&b, TEXT_MAX);
    for (size_t i = 0; i < pattern.len; i++) {
        char c = pattern.at[i];

        if (c == '#')
            c = (char)('0' + draw_below(s, m, row, i, 10));
        else if (c == '@')
            c = (char)('A' + draw_below(s, m, row, i, 26));
        buf_append_char(&b, c);
    }
    return text_of(s, &b, VALUE_TEXT);
}

struct value make_json(struct sample *s, struct maker *m, size_t row)
{
    struct buf b;

    buf_init(&b, TEXT_MAX);
    buf_append_char(&b, '{');
    for (unsigned i = 0; i < m->count; i++) {
        struct value v = run_option(s, &m->options[i], row);

        if (i > 0)
            buf_append_char(&b, ',');
        json_write_key(&b, m->options[i].label);
        value_write_json(&b, &v);
    }
    buf_append_char(&b, '}');
    return text_of(s, &b, VALUE_JSON);
}

static int make_entry(struct sample *s, struct entry *e)
{
    for (unsigned c = 0; c < e->columns; c++) {
        e->values[c] =
            arena_zalloc(&s->arena, (e->rows + 1) * sizeof(*e->values[c]));
        if (!e->values[c])
            return ERR_NOMEM;
        for (size_t row = 0; row < e->rows; row++)
            e->values[c][row] = e->makers[c]->make_fn(s, e->makers[c], row);
        if (s->out_of_memory)
            return ERR_NOMEM;
    }
    return 0;
}

int sample_make(struct sample *s, unsigned scale, int64_t now_us)
{
    int error = 0;

    s->now_us = now_us;
    for (unsigned i = 0; i < s->entry_count && !error; i++) {
        struct entry *e = s->entries[i];

        e->rows = e->count * scale;
        for (unsigned k = 0; k < i; k++)
            if (bytes_equal(s->entries[k]->into, e->into))
                e->first_key += s->entries[k]->rows;
        error = make_entry(s, e);
    }
    return error;
}
