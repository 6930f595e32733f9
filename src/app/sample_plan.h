/* SPDX-License-Identifier: MIT */
/*
 * sample_plan - what sample.yaml says, ready to be run.
 *
 * An ENTRY makes rows for one table, column after column; a MAKER makes the
 * values of one column. A maker may look at earlier columns of its row and at
 * whole earlier entries, so every value it needs has been made.
 * Threads: loop.
 */
#ifndef FIELDLINE_APP_SAMPLE_PLAN_H
#define FIELDLINE_APP_SAMPLE_PLAN_H

#include "app/sample.h"
#include "app/setting.h"
#include "base/arena.h"

#define SAMPLE_COLUMNS_MAX 40
#define SAMPLE_ENTRIES_MAX 40
#define SAMPLE_LISTS_MAX   64
#define SAMPLE_PLACE_COLS  12

struct entry;
struct maker;
struct sample;

typedef struct value maker_fn(struct sample *, struct maker *, size_t row);

/* One piece of a template: text, an earlier column, or a word of a list. */
struct piece {
    enum { PIECE_TEXT, PIECE_COLUMN, PIECE_WORD } kind;
    int column;
    struct bytes text;
    const struct word_list *words;
};

struct word_list {
    struct bytes name;
    unsigned count;
    const struct bytes *words;
};

struct option { /* of when, upto, choice, turn, json */
    struct bytes label;
    uint64_t weight; /* choice: summed up to here; upto: the bound */
    struct maker *maker;
};

struct maker {
    maker_fn *make_fn;
    struct entry *entry; /* whose column it makes */
    uint64_t stream;     /* its own random numbers */
    int column;          /* an earlier one of the entry; -1: none */
    struct entry *of;    /* an earlier entry */
    int of_column;
    int same; /* of and entry agree in this column (of's index: of_same) */
    int of_same;
    struct maker *base;
    int64_t low, high; /* int and time, us */
    double real_low, real_high;
    unsigned digits;
    unsigned field; /* of a place */
    struct value constant;
    unsigned count;
    struct option *options;
    struct maker *otherwise;
    unsigned piece_count;
    struct piece *pieces;
    struct groups *groups; /* of 'same' */
    size_t run_first;      /* the run of equal values of column that */
    size_t run_count;      /* the last row was in */
};

struct entry {
    struct bytes name, into;
    uint64_t count; /* before the scale */
    size_t rows;
    size_t first_key; /* what 'sequence' starts after: earlier entries may
                         fill the same table */
    unsigned columns;
    int sequence; /* the column that counts up, or -1 */
    struct bytes names[SAMPLE_COLUMNS_MAX];
    struct maker *makers[SAMPLE_COLUMNS_MAX];
    struct value *values[SAMPLE_COLUMNS_MAX]; /* one for each row */
};

/* places: a CSV file whose first column names the region. */
struct region {
    size_t first, count;
};
#define SAMPLE_REGIONS_MAX 64
struct places {
    unsigned columns;
    struct bytes names[SAMPLE_PLACE_COLS];
    size_t count;
    struct value (*rows)[SAMPLE_PLACE_COLS];
    unsigned region_count;
    struct region regions[SAMPLE_REGIONS_MAX];
};

struct sample {
    struct arena arena;
    uint64_t seed;
    int64_t now_us;
    struct places places;
    unsigned list_count;
    struct word_list lists[SAMPLE_LISTS_MAX];
    unsigned entry_count;
    struct entry *entries[SAMPLE_ENTRIES_MAX];
    bool out_of_memory;
};

/* The file while it is read. */
struct plan {
    struct reader reader; /* mistakes and memory */
    struct sample *sample;
    struct entry *entry; /* being read */
    struct buf *report;
    uint64_t stream; /* of the next maker */
    unsigned nesting;
};

/* What a column's value in the file says. */
struct maker *plan_maker(struct plan *, const struct yaml *);

/* The makers' functions, by what the file calls them. */
maker_fn make_constant, make_template, make_sequence, make_of, make_from,
    make_place, make_turn, make_choice, make_int, make_real, make_time,
    make_date, make_when, make_upto, make_index, make_digits, make_json;

/* "2026-11-20T18:44:25.123Z" back to microseconds. */
int sample_time_read(struct bytes text, int64_t *ret) MUST_CHECK;

#endif
