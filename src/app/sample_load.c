/* SPDX-License-Identifier: MIT */
/*
 * sample_load - sample.yaml, its words and its places.
 * Threads: loop.
 */
#include "app/sample_plan.h"

#include "app/mistakes.h"
#include "app/text_file.h"
#include "app/yaml.h"
#include "base/blob.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"

#define ARENA_MAX        ((size_t)4 << 30)
#define ROWS_MAX         1000000 /* of an entry, before the scale */
#define PLACES_BYTES_MAX (16u << 20)

static struct plan *plan_of(struct reader *r)
{
    return CONTAINER_OF(r, struct plan, reader);
}

/* The CSV: a head line, then region first. Without quotes or escapes. */

static struct value field_value(struct bytes text)
{
    double d;

    return bytes_to_double(text, &d) == 0 ? value_double(d) : value_text(text);
}

static bool read_place_row(struct places *p, struct bytes line)
{
    struct value *row = p->rows[p->count];
    struct region *last;
    unsigned n = 0;
    bool more = true;

    for (struct bytes field; more && n < p->columns; n++) {
        more = bytes_cut(line, ',', &field, &line);
        row[n] = n == 0 ? value_text(field) : field_value(field);
    }
    if (more || n < p->columns)
        return false;
    if (p->count == 0 ||
        !bytes_equal(row[0].bytes, p->rows[p->count - 1][0].bytes)) {
        if (p->region_count == SAMPLE_REGIONS_MAX)
            return false;
        p->regions[p->region_count++] = (struct region){p->count, 0};
    }
    last = &p->regions[p->region_count - 1];
    last->count++;
    p->count++;
    return true;
}

static int read_place_rows(struct sample *s, struct bytes csv, const char *name,
                           struct buf *report)
{
    struct places *p = &s->places;
    struct bytes line, head;
    unsigned number = 1;
    size_t lines = 1;

    for (size_t i = 0; i < csv.len; i++)
        lines += csv.at[i] == '\n';
    p->rows = arena_zalloc(&s->arena, lines * sizeof(*p->rows));
    if (!p->rows)
        return ERR_NOMEM;
    bytes_cut(csv, '\n', &head, &csv);
    while (head.len > 0 && p->columns < SAMPLE_PLACE_COLS)
        bytes_cut(head, ',', &p->names[p->columns++], &head);
    while (csv.len > 0) {
        bytes_cut(csv, '\n', &line, &csv);
        number++;
        if (read_place_row(p, line))
            continue;
        buf_printf(report,
                   "%s:%u: error: not a place; expected the head's %u fields "
                   "and at most %u regions\n",
                   name, number, p->columns, SAMPLE_REGIONS_MAX);
        return ERR_INVALID;
    }
    return 0;
}

static int read_places(struct plan *p, struct bytes path)
{
    struct sample *s = p->sample;
    struct blob *csv = NULL;
    struct bytes copy;
    int error = text_file_read(path, PLACES_BYTES_MAX, "a CSV file of places",
                               &csv, p->report);

    if (error)
        return error;
    copy = arena_copy(&s->arena, blob_bytes(csv));
    blob_unref(&csv);
    return copy.at ? read_place_rows(s, copy, path.at, p->report) : ERR_NOMEM;
}

/* The settings of the file. */

struct sample_file {
    uint64_t seed;
    int error;
};

static void read_places_file(struct reader *r, const struct setting *setting,
                             const struct yaml *node, void *base)
{
    const struct setting path = {.path = setting->path, .kind = &kind_path};
    struct sample_file *file = base;
    struct bytes name = {NULL, 0};

    kind_path.read_fn(r, &path, node, &name);
    if (name.len > 0)
        file->error = read_places(plan_of(r), name);
}

static void read_words(struct reader *r, const struct setting *setting,
                       const struct yaml *node, void *base)
{
    struct sample *s = plan_of(r)->sample;

    if (node->kind != YAML_MAPPING || node->count > SAMPLE_LISTS_MAX) {
        reader_refuse(r, node, bytes_of(setting->kind->expected),
                      "%s where 'words' is due", yaml_kind_name(node));
        return;
    }
    for (const struct yaml *one = node->first; one; one = one->next) {
        struct bytes *words = reader_alloc(r, one->count, sizeof(*words));
        unsigned count = 0;

        if (one->kind != YAML_LIST || one->count == 0)
            reader_refuse_key(r, one, BYTES("[word, word]"), "no words");
        for (const struct yaml *w = one->first; words && w; w = w->next)
            words[count++] = w->text;
        s->lists[s->list_count++] = (struct word_list){one->key, count, words};
    }
}

static void read_columns(struct reader *r, const struct setting *setting,
                         const struct yaml *node, void *base)
{
    struct plan *p = plan_of(r);
    struct entry *e = p->entry;

    if (node->kind != YAML_MAPPING || node->count == 0 ||
        node->count > SAMPLE_COLUMNS_MAX) {
        reader_refuse(r, node, bytes_of(setting->kind->expected),
                      "%s where 'columns' is due", yaml_kind_name(node));
        return;
    }
    for (const struct yaml *one = node->first; one; one = one->next) {
        if (!reader_key_is_name(r, one))
            continue;
        p->stream = hash_stable_seed(e->name, hash_stable(one->key));
        e->makers[e->columns] = plan_maker(p, one);
        e->names[e->columns++] = one->key;
    }
}

static const struct setting_kind kind_columns_made = {
    "columns", "1 to 40 columns: {name: maker}", read_columns, false};

static const struct setting entry_rows[] = {
    {.path = "into",
     .kind = &kind_name,
     .offset = offsetof(struct entry, into),
     .help = "The table, if not named like the entry"},
    {.path = "count",
     .kind = &kind_big_number,
     .required = true,
     .offset = offsetof(struct entry, count),
     .min = 1,
     .max = ROWS_MAX,
     .help = "Rows at scale 1"},
    {.path = "columns",
     .kind = &kind_columns_made,
     .required = true,
     .help = "What makes each column; a name with _ in front is not stored"},
};
static const struct setting_group entry_group = {
    .what = "an entry",
    .name = "table",
    .rows = entry_rows,
    .count = ARRAY_LEN(entry_rows),
};

static void read_tables(struct reader *r, const struct setting *setting,
                        const struct yaml *node, void *base)
{
    struct plan *p = plan_of(r);
    struct sample *s = p->sample;

    if (node->kind != YAML_MAPPING || node->count > SAMPLE_ENTRIES_MAX) {
        reader_refuse(r, node, bytes_of(setting->kind->expected),
                      "%s where 'tables' is due", yaml_kind_name(node));
        return;
    }
    for (const struct yaml *one = node->first; one; one = one->next) {
        p->entry = reader_alloc(r, 1, sizeof(*p->entry));
        if (!p->entry)
            return;
        p->entry->name = p->entry->into = one->key;
        p->entry->sequence = -1;
        if (!reader_key_is_name(r, one))
            continue;
        setting_read_group(r, &entry_group, one, p->entry);
        s->entries[s->entry_count++] = p->entry;
    }
}

static const struct setting_kind kind_places = {"path", "a path",
                                                read_places_file, false};
static const struct setting_kind kind_words = {
    "lists of words", "{name: [word, word]}", read_words, false};
static const struct setting_kind kind_tables = {
    "tables", "at most 40: {name: {count: 3, columns: {...}}}", read_tables,
    false};

static const struct setting file_rows[] = {
    {.path = "seed",
     .kind = &kind_big_number,
     .required = true,
     .offset = offsetof(struct sample_file, seed),
     .help = "Any number; another one makes other rows"},
    {.path = "places",
     .kind = &kind_places,
     .help = "A CSV file, its first column the region"},
    {.path = "words", .kind = &kind_words, .help = "Lists for templates"},
    {.path = "tables",
     .kind = &kind_tables,
     .required = true,
     .help = "What is made, in order"},
};
static const struct setting_group file_group = {
    .what = "the sample file",
    .name = "sample",
    .rows = file_rows,
    .count = ARRAY_LEN(file_rows),
};

static int read_all(struct plan *p, struct mistakes *mistakes)
{
    struct sample_file file = {0};
    struct yaml *root;
    int error = yaml_read(&root, &p->sample->arena, mistakes);

    if (!error)
        setting_read_group(&p->reader, &file_group, root, &file);
    p->sample->seed = file.seed;
    mistakes_write(mistakes, p->report);
    if (p->reader.out_of_memory)
        return ERR_NOMEM;
    if (!error)
        error = file.error;
    return error ? error : mistakes->count > 0 ? ERR_INVALID : 0;
}

int sample_parse(struct sample **ret, const char *name, struct bytes text,
                 const char *dir, struct buf *report)
{
    struct sample *s = mem_zalloc(1, sizeof(*s));
    struct mistakes *mistakes;
    struct plan plan = {.sample = s, .report = report};
    struct bytes copy;
    int error = ERR_NOMEM;

    if (!s)
        return ERR_NOMEM;
    arena_init(&s->arena, ARENA_MAX);
    mistakes = arena_zalloc(&s->arena, sizeof(*mistakes));
    copy = arena_copy(&s->arena, text);
    if (mistakes && copy.at) {
        *mistakes =
            (struct mistakes){.name = name, .text = copy, .arena = &s->arena};
        plan.reader = (struct reader){
            .arena = &s->arena, .mistakes = mistakes, .base_dir = dir};
        error = read_all(&plan, mistakes);
    }
    if (error)
        sample_free(&s);
    else
        *ret = s;
    return error;
}

int sample_load(struct sample **ret, const char *dir, struct buf *report)
{
    struct blob *text = NULL;
    struct arena arena;
    struct bytes path;
    int error = ERR_NOMEM;

    arena_init(&arena, 16u << 10);
    path = arena_printf(&arena, "%s/" SAMPLE_FILE, dir);
    if (path.at)
        error =
            text_file_read(path, YAML_BYTES_MAX,
                           "a description of the sample data", &text, report);
    if (!error)
        error = sample_parse(ret, path.at, blob_bytes(text), dir, report);
    blob_unref(&text);
    arena_fini(&arena);
    return error;
}

void sample_free(struct sample **s)
{
    if (!*s)
        return;
    arena_fini(&(*s)->arena);
    mem_free(*s);
    *s = NULL;
}

size_t sample_count(const struct sample *s)
{
    return s->entry_count;
}

void sample_table(const struct sample *s, size_t index,
                  struct sample_table *ret)
{
    const struct entry *e = s->entries[index];

    *ret = (struct sample_table){e->name, e->into, e->rows, e->columns};
}

struct bytes sample_column(const struct sample *s, size_t index,
                           unsigned column)
{
    return s->entries[index]->names[column];
}

struct value sample_value(const struct sample *s, size_t index, size_t row,
                          unsigned column)
{
    return s->entries[index]->values[column][row];
}
