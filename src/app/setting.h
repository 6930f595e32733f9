/* SPDX-License-Identifier: MIT */
/*
 * setting - one row describes one setting; the rows read the file.
 *
 * A GROUP is the rows of one struct; a row says where in the file its value
 * stands (a path from the group's mapping), of what KIND it is, which field it
 * fills, what counts when it is missing. Rows are read in the order of the
 * table, not of the file, so a row may refer to what an earlier one named.
 * A key that no row knows is a mistake.
 *
 * The same rows make the reference page and the flags.
 * Threads: immutable; a reader belongs to its caller.
 */
#ifndef FIELDLINE_APP_SETTING_H
#define FIELDLINE_APP_SETTING_H

#include "base/bytes.h"

struct arena;
struct config;
struct mistakes;
struct resource_spec;
struct setting;
struct yaml;

struct reader {
    struct arena *arena;
    struct mistakes *mistakes;
    const char *base_dir;  /* relative paths start here; "" for the cwd */
    struct config *config; /* what was named so far */
    const struct resource_spec *resource; /* whose columns are named */
    bool out_of_memory;
};

/* Fills the setting's field of the struct at base. */
typedef void setting_read_fn(struct reader *, const struct setting *,
                             const struct yaml *, void *base);

struct setting_kind {
    const char *name;     /* in the reference: "duration" */
    const char *expected; /* what a mistake says: "a duration like 5m" */
    setting_read_fn *read_fn;
    bool simple; /* one value: can be a flag and an environment variable */
};

enum setting_reload {
    RELOAD_RESTART, /* counts from the next start */
    RELOAD_LIVE,    /* counts from a reload on */
};

struct setting {
    const char *path; /* "cache.memory" */
    const struct setting_kind *kind;
    size_t offset;        /* of the field */
    size_t count_offset;  /* of the count beside an array */
    const char *standard; /* the default, as one would write it, or NULL */
    const char *unless;   /* the default in words, where it is computed */
    uint64_t min, max;    /* of numbers; max 0: no limit */
    const char *flag;     /* "store"; NULL: made from the path */
    const struct setting_group *group; /* of a map's elements */
    const char *help;
    enum setting_reload reload;
    bool required;
};

struct setting_group {
    const char *what; /* "a resource" */
    const char *name; /* "resource": shown as <resource> */
    const struct setting *rows;
    size_t count;
    /* Elements of a map: */
    size_t size;
    unsigned max;
    const struct setting_kind *key_kind; /* fills the element's start */
    void (*enter_fn)(struct reader *, void *element);
    /* Rules between the settings of one element. */
    void (*leave_fn)(struct reader *, const struct yaml *, void *element);
};

void setting_read_group(struct reader *, const struct setting_group *,
                        const struct yaml *, void *base);
void setting_read_map(struct reader *, const struct setting *,
                      const struct yaml *, void *base);
/* One value from outside the file. */
void setting_read_text(struct reader *, const struct setting *,
                       struct bytes text, void *base);

/* The node at "jwt.alg" below a mapping, or NULL. */
const struct yaml *setting_find(const struct yaml *mapping, const char *path);

/* A mistake about a node, about its key, or about one that has no text. */
void reader_refuse(struct reader *, const struct yaml *, struct bytes expected,
                   const char *fmt, ...) PRINTF_LIKE(4, 5);
void reader_refuse_key(struct reader *, const struct yaml *,
                       struct bytes expected, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* Is the key a plain name? If not, that is a mistake. */
bool reader_key_is_name(struct reader *, const struct yaml *);
/* "did you mean 'x'?", or "one of: a, b, c". */
struct bytes reader_suggest(struct reader *, struct bytes word,
                            const struct bytes *words, size_t count);

/* The scalar's text, or false after a mistake. */
bool reader_scalar(struct reader *, const struct setting *, const struct yaml *,
                   struct bytes *ret);
/* Zeroed memory for as long as the configuration lives; NULL is remembered. */
void *reader_alloc(struct reader *, size_t count, size_t size);

static inline void *setting_field(const struct setting *s, void *base)
{
    return (char *)base + s->offset;
}

/* Kinds that know nothing of applications. The C type of each field is named
 * after its kind, so that a table cannot name a field of another type. */
typedef struct bytes kind_text_field;
typedef struct bytes kind_name_field;
typedef struct bytes kind_path_field;
typedef bool kind_yes_no_field;
typedef unsigned kind_number_field;
typedef uint64_t kind_big_number_field;
typedef uint64_t kind_duration_field; /* ms */
typedef unsigned kind_delay_field;    /* ms */
typedef uint64_t kind_size_field;
typedef uint32_t kind_small_size_field;

extern const struct setting_kind kind_text, kind_name, kind_path, kind_yes_no,
    kind_number, kind_big_number, kind_duration, kind_delay, kind_size,
    kind_small_size, kind_map;

#endif
