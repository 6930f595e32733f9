/* SPDX-License-Identifier: MIT */
/*
 * sample_plan - what stands behind a column in sample.yaml, as a maker.
 * Threads: loop.
 */
#include "app/sample_plan.h"

#include "app/mistakes.h"
#include "app/yaml.h"
#include "base/hash.h"

#define PIECES_MAX  32
#define DIGITS_MAX  9
#define NESTING_MAX 6
#define US_PER_MS   1000

typedef void read_fn(struct plan *, const struct yaml *value,
                     const struct yaml *all, struct maker *);

struct maker_kind {
    struct bytes key;     /* the word that says which it is */
    struct bytes options; /* the words that may stand beside it */
    maker_fn *make_fn;
    read_fn *read_fn;
};

/* Scalars. */

static bool read_text(struct plan *p, const struct yaml *node,
                      const char *expected, struct bytes *ret)
{
    if (node->kind == YAML_SCALAR && !yaml_is_null(node)) {
        *ret = node->text;
        return true;
    }
    reader_refuse(&p->reader, node, bytes_of(expected), "%s here",
                  yaml_kind_name(node));
    return false;
}

static bool read_i64(struct plan *p, const struct yaml *node, int64_t *ret)
{
    struct bytes text;

    if (!read_text(p, node, "a whole number", &text))
        return false;
    if (bytes_to_i64(text, ret) == 0)
        return true;
    reader_refuse(&p->reader, node, BYTES("a whole number"),
                  "'" BYTES_FMT "' is no number", BYTES_ARG(text));
    return false;
}

/* "-90m" to microseconds. */
static bool read_span(struct plan *p, const struct yaml *node, int64_t *ret)
{
    struct bytes text, plain;
    uint64_t ms;

    if (!node || !read_text(p, node, "a duration such as 8h or -30m", &text))
        return false;
    plain = bytes_starts(text, BYTES("-")) ? bytes_skip(text, 1) : text;
    if (bytes_to_duration_ms(plain, &ms) || ms > INT32_MAX) {
        reader_refuse(&p->reader, node, BYTES("a duration such as 8h or -30m"),
                      "'" BYTES_FMT "' is no duration", BYTES_ARG(text));
        return false;
    }
    *ret = (int64_t)ms * US_PER_MS * (plain.len < text.len ? -1 : 1);
    return true;
}

/* Names of what was made before. */

static int find_column(const struct entry *e, struct bytes name)
{
    for (unsigned i = 0; i < e->columns; i++)
        if (bytes_equal(e->names[i], name))
            return (int)i;
    return -1;
}

static int read_column(struct plan *p, const struct yaml *node,
                       const struct entry *e)
{
    struct bytes text;
    int column;

    if (!read_text(p, node, "a column's name", &text))
        return -1;
    column = find_column(e, text);
    if (column < 0)
        reader_refuse(&p->reader, node,
                      reader_suggest(&p->reader, text, e->names, e->columns),
                      "'" BYTES_FMT "' has no column '" BYTES_FMT "' yet",
                      BYTES_ARG(e->name), BYTES_ARG(text));
    return column;
}

static struct entry *read_entry(struct plan *p, const struct yaml *node)
{
    struct bytes words[SAMPLE_ENTRIES_MAX], text;
    struct sample *s = p->sample;

    if (!read_text(p, node, "an earlier entry", &text))
        return NULL;
    for (unsigned i = 0; i < s->entry_count; i++) {
        words[i] = s->entries[i]->name;
        if (bytes_equal(words[i], text))
            return s->entries[i];
    }
    reader_refuse(&p->reader, node,
                  reader_suggest(&p->reader, text, words, s->entry_count),
                  "there is no earlier entry '" BYTES_FMT "'", BYTES_ARG(text));
    return NULL;
}

/* Templates: "{first} {last}, {city}". */

static bool read_name(struct plan *p, const struct yaml *node,
                      struct bytes name, struct piece *piece)
{
    const struct sample *s = p->sample;
    struct bytes words[SAMPLE_COLUMNS_MAX + SAMPLE_LISTS_MAX];
    size_t count = 0;

    piece->kind = PIECE_COLUMN;
    piece->column = find_column(p->entry, name);
    if (piece->column >= 0)
        return true;
    piece->kind = PIECE_WORD;
    for (unsigned i = 0; i < s->list_count; i++) {
        piece->words = &s->lists[i];
        if (bytes_equal(s->lists[i].name, name))
            return true;
        words[count++] = s->lists[i].name;
    }
    for (unsigned i = 0; i < p->entry->columns; i++)
        words[count++] = p->entry->names[i];
    reader_refuse(&p->reader, node,
                  reader_suggest(&p->reader, name, words, count),
                  "'{" BYTES_FMT "}' is neither a column nor a list of words",
                  BYTES_ARG(name));
    return false;
}

static void read_template(struct plan *p, const struct yaml *node,
                          struct maker *m)
{
    struct bytes rest = node->text, literal, name;
    struct piece pieces[PIECES_MAX];
    unsigned count = 0;

    while (rest.len > 0 && count + 2 <= PIECES_MAX) {
        bool open = bytes_cut(rest, '{', &literal, &rest);

        if (literal.len > 0)
            pieces[count++] =
                (struct piece){.kind = PIECE_TEXT, .text = literal};
        if (!open)
            break;
        if (!bytes_cut(rest, '}', &name, &rest)) {
            reader_refuse(&p->reader, node, BYTES("'}'"), "'{' is not closed");
            return;
        }
        if (!read_name(p, node, name, &pieces[count++]))
            return;
    }
    if (rest.len > 0 && count + 2 > PIECES_MAX) {
        reader_refuse(&p->reader, node, BYTES("a shorter one"),
                      "a template of more than %d pieces", PIECES_MAX);
        return;
    }
    m->pieces = reader_alloc(&p->reader, count, sizeof(*m->pieces));
    if (!m->pieces)
        return;
    if (count > 0)
        memcpy(m->pieces, pieces, count * sizeof(*pieces));
    m->piece_count = count;
    m->make_fn = make_template;
}

/* null, true, 12 and 1.5 are what they look like; the rest is a template. */
static void read_scalar(struct plan *p, const struct yaml *node,
                        struct maker *m)
{
    int64_t i;
    double d;

    m->make_fn = make_constant;
    if (yaml_is_null(node))
        m->constant = value_null();
    else if (node->plain && (bytes_equal(node->text, BYTES("true")) ||
                             bytes_equal(node->text, BYTES("false"))))
        m->constant = value_bool(node->text.len == 4);
    else if (node->plain && bytes_to_i64(node->text, &i) == 0)
        m->constant = value_int(i);
    else if (node->plain && bytes_to_double(node->text, &d) == 0)
        m->constant = value_double(d);
    else
        read_template(p, node, m);
}

/* The makers. */

static void read_sequence(struct plan *p, const struct yaml *value,
                          const struct yaml *all, struct maker *m)
{
    int64_t one;

    if (read_i64(p, value, &one) && one != 1)
        reader_refuse(&p->reader, value, BYTES("1"),
                      "a sequence begins with 1");
    p->entry->sequence = (int)p->entry->columns;
}

static void read_of(struct plan *p, const struct yaml *value,
                    const struct yaml *all, struct maker *m)
{
    const struct yaml *same = yaml_get(all, BYTES("same"));
    const struct yaml *column = yaml_get(all, BYTES("column"));

    m->of = read_entry(p, value);
    if (m->of && column)
        m->of_column = read_column(p, column, m->of);
    if (!m->of || !same)
        return;
    m->same = read_column(p, same, p->entry);
    m->of_same = read_column(p, same, m->of);
}

static void read_from(struct plan *p, const struct yaml *value,
                      const struct yaml *all, struct maker *m)
{
    const struct yaml *column = yaml_get(all, BYTES("column"));
    const struct maker *pointer;

    m->column = read_column(p, value, p->entry);
    if (m->column < 0)
        return;
    pointer = p->entry->makers[m->column];
    if (!pointer->of || pointer->make_fn != make_of) {
        reader_refuse(&p->reader, value, BYTES("a column made by 'of'"),
                      "'" BYTES_FMT "' points to no entry",
                      BYTES_ARG(value->text));
        return;
    }
    m->of = pointer->of;
    m->of_same = pointer->of_column;
    if (column)
        m->of_column = read_column(p, column, m->of);
    else
        reader_refuse(&p->reader, all, BYTES("'column'"), "'from' needs it");
}

static void read_place(struct plan *p, const struct yaml *value,
                       const struct yaml *all, struct maker *m)
{
    const struct yaml *by = yaml_get(all, BYTES("by"));
    const struct places *places = &p->sample->places;
    struct bytes text;

    if (!by) {
        reader_refuse(&p->reader, all, BYTES("the column that picks a region"),
                      "'place' needs 'by'");
        return;
    }
    m->column = read_column(p, by, p->entry);
    if (places->region_count == 0) {
        reader_refuse(&p->reader, value, BYTES("'places' with a file"),
                      "there are no places");
        return;
    }
    if (!read_text(p, value, "a field of the places", &text))
        return;
    while (m->field < places->columns &&
           !bytes_equal(places->names[m->field], text))
        m->field++;
    if (m->field == places->columns)
        reader_refuse(
            &p->reader, value,
            reader_suggest(&p->reader, text, places->names, places->columns),
            "places have no '" BYTES_FMT "'", BYTES_ARG(text));
}

static struct option *options_new(struct plan *p, const struct yaml *node,
                                  enum yaml_kind kind, struct maker *m)
{
    if (node->kind != kind || node->count == 0) {
        reader_refuse(&p->reader, node,
                      kind == YAML_LIST ? BYTES("a list")
                                        : BYTES("{name: value, ...}"),
                      "%s here", yaml_kind_name(node));
        return NULL;
    }
    m->options = reader_alloc(&p->reader, node->count, sizeof(*m->options));
    m->count = m->options ? node->count : 0;
    return m->options;
}

static void read_turn(struct plan *p, const struct yaml *value,
                      const struct yaml *all, struct maker *m)
{
    struct option *o = options_new(p, value, YAML_LIST, m);

    for (const struct yaml *one = value->first; o && one; one = one->next)
        (o++)->maker = plan_maker(p, one);
}

/* {completed: 60, failed: 1}: a word and its weight. */
static void read_choice(struct plan *p, const struct yaml *value,
                        const struct yaml *all, struct maker *m)
{
    struct option *o = options_new(p, value, YAML_MAPPING, m);
    uint64_t sum = 0;

    for (const struct yaml *one = value->first; o && one; one = one->next) {
        struct yaml label = {.kind = YAML_SCALAR,
                             .plain = true,
                             .text = one->key,
                             .at = one->key_at};
        int64_t weight = 1;

        if (read_i64(p, one, &weight) && (weight < 1 || weight > 1000000))
            reader_refuse(&p->reader, one, BYTES("1 to 1000000"),
                          "this weight is out of range");
        sum += (uint64_t)weight;
        *o++ = (struct option){one->key, sum, plan_maker(p, &label)};
    }
}

static void read_cases(struct plan *p, const struct yaml *value,
                       const struct yaml *all, struct maker *m)
{
    const struct yaml *is = yaml_get(all, BYTES("is"));
    const struct yaml *otherwise = yaml_get(all, BYTES("else"));
    struct option *o;

    m->column = read_column(p, value, p->entry);
    if (!is) {
        reader_refuse(&p->reader, all, BYTES("'is': {value: maker}"),
                      "what it is when is missing");
        return;
    }
    o = options_new(p, is, YAML_MAPPING, m);
    for (const struct yaml *one = is->first; o && one; one = one->next)
        *o++ = (struct option){one->key, 0, plan_maker(p, one)};
    if (otherwise)
        m->otherwise = plan_maker(p, otherwise);
}

static void read_upto(struct plan *p, const struct yaml *value,
                      const struct yaml *all, struct maker *m)
{
    read_cases(p, value, all, m);
    for (unsigned i = 0; i < m->count; i++)
        if (bytes_to_u64(m->options[i].label, &m->options[i].weight))
            reader_refuse(&p->reader, all, BYTES("a number for each case"),
                          "'" BYTES_FMT "' is no number",
                          BYTES_ARG(m->options[i].label));
}

/* [low, high] */
static bool read_pair(struct plan *p, const struct yaml *value,
                      const struct yaml **low, const struct yaml **high)
{
    if (value->kind != YAML_LIST || value->count != 2) {
        reader_refuse(&p->reader, value, BYTES("[lowest, highest]"), "%s here",
                      yaml_kind_name(value));
        return false;
    }
    *low = value->first;
    *high = value->first->next;
    return true;
}

static void read_int(struct plan *p, const struct yaml *value,
                     const struct yaml *all, struct maker *m)
{
    const struct yaml *low, *high;

    if (read_pair(p, value, &low, &high) && read_i64(p, low, &m->low) &&
        read_i64(p, high, &m->high) &&
        (m->high < m->low || m->low < INT32_MIN || m->high > INT32_MAX))
        reader_refuse(&p->reader, value, BYTES("[lowest, highest] in 32 bits"),
                      "these are no bounds");
}

static void read_real(struct plan *p, const struct yaml *value,
                      const struct yaml *all, struct maker *m)
{
    const struct yaml *digits = yaml_get(all, BYTES("digits"));
    const struct yaml *low, *high;
    int64_t n = 1;

    if (!read_pair(p, value, &low, &high))
        return;
    if (bytes_to_double(low->text, &m->real_low) ||
        bytes_to_double(high->text, &m->real_high) ||
        m->real_high < m->real_low)
        reader_refuse(&p->reader, value, BYTES("[lowest, highest]"),
                      "these are no bounds");
    if (digits && read_i64(p, digits, &n) && (n < 0 || n > DIGITS_MAX))
        reader_refuse(&p->reader, digits, BYTES("0 to 9"), "too many digits");
    m->digits = (unsigned)n;
}

static void read_time(struct plan *p, const struct yaml *value,
                      const struct yaml *all, struct maker *m)
{
    const struct yaml *plus = yaml_get(all, BYTES("plus"));
    const struct yaml *times = yaml_get(all, BYTES("times"));
    const struct yaml *spread = yaml_get(all, BYTES("spread"));

    if (value->kind != YAML_SCALAR || !bytes_equal(value->text, BYTES("now")))
        m->column = read_column(p, value, p->entry);
    if (plus)
        read_span(p, plus, &m->low);
    if (times)
        m->same = read_column(p, times, p->entry);
    if (spread)
        read_span(p, spread, &m->high);
}

static void read_index(struct plan *p, const struct yaml *value,
                       const struct yaml *all, struct maker *m)
{
    m->column = read_column(p, value, p->entry);
}

static void read_digits(struct plan *p, const struct yaml *value,
                        const struct yaml *all, struct maker *m)
{
    if (read_text(p, value, "a pattern such as \"AB-###\"", &m->constant.bytes))
        m->constant.kind = VALUE_TEXT;
}

static void read_json(struct plan *p, const struct yaml *value,
                      const struct yaml *all, struct maker *m)
{
    struct option *o = options_new(p, value, YAML_MAPPING, m);

    for (const struct yaml *one = value->first; o && one; one = one->next)
        *o++ = (struct option){one->key, 0, plan_maker(p, one)};
}

#define KIND(key, options, make, read)                                         \
    {                                                                          \
        {key, sizeof(key) - 1}, {options, sizeof(options) - 1}, make, read     \
    }
static const struct maker_kind kinds[] = {
    KIND("sequence", "", make_sequence, read_sequence),
    KIND("of", "same column", make_of, read_of),
    KIND("from", "column", make_from, read_from),
    KIND("place", "by", make_place, read_place),
    KIND("turn", "", make_turn, read_turn),
    KIND("choice", "", make_choice, read_choice),
    KIND("int", "", make_int, read_int),
    KIND("real", "digits", make_real, read_real),
    KIND("time", "plus times spread", make_time, read_time),
    KIND("date", "plus times spread", make_date, read_time),
    KIND("when", "is else", make_when, read_cases),
    KIND("upto", "is else", make_upto, read_upto),
    KIND("index", "", make_index, read_index),
    KIND("digits", "", make_digits, read_digits),
    KIND("json", "", make_json, read_json),
};

static const struct maker_kind *find_kind(const struct yaml *node)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (yaml_get(node, kinds[i].key))
            return &kinds[i];
    return NULL;
}

static bool is_option(const struct maker_kind *kind, struct bytes key)
{
    struct bytes rest = kind->options, one;

    if (bytes_equal(kind->key, key))
        return true;
    while (rest.len > 0) {
        bytes_cut(rest, ' ', &one, &rest);
        if (bytes_equal(one, key))
            return true;
    }
    return false;
}

static void read_kind(struct plan *p, const struct yaml *node, struct maker *m)
{
    const struct maker_kind *kind =
        node->kind == YAML_MAPPING ? find_kind(node) : NULL;
    struct bytes words[ARRAY_LEN(kinds)];

    if (!kind) {
        for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
            words[i] = kinds[i].key;
        reader_refuse(&p->reader, node,
                      reader_suggest(&p->reader,
                                     node->first ? node->first->key : BYTES(""),
                                     words, ARRAY_LEN(words)),
                      "this makes no values");
        return;
    }
    for (const struct yaml *one = node->first; one; one = one->next)
        if (!is_option(kind, one->key))
            reader_refuse_key(
                &p->reader, one,
                kind->options.len ? kind->options : BYTES("nothing else"),
                "'" BYTES_FMT "' does not go with '" BYTES_FMT "'",
                BYTES_ARG(one->key), BYTES_ARG(kind->key));
    m->make_fn = kind->make_fn;
    kind->read_fn(p, yaml_get(node, kind->key), node, m);
}

struct maker *plan_maker(struct plan *p, const struct yaml *node)
{
    struct maker *m = reader_alloc(&p->reader, 1, sizeof(*m));

    if (!m)
        return NULL;
    m->entry = p->entry;
    m->stream = hash_mix(p->stream++);
    m->column = m->same = -1;
    m->make_fn = make_constant;
    if (++p->nesting > NESTING_MAX)
        reader_refuse(&p->reader, node, BYTES("fewer levels"), "too deep");
    else if (node->kind == YAML_SCALAR)
        read_scalar(p, node, m);
    else
        read_kind(p, node, m);
    p->nesting--;
    return m;
}
