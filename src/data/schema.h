/* SPDX-License-Identifier: MIT */
/*
 * schema - the declared resources, looked up in the database.
 *
 * A TABLE is one of the database's, with its columns; several RESOURCES may
 * serve one table. Sets of columns are 64-bit masks over a table's columns in
 * their order. A resource without a tenant column is UNSCOPED: what it shows
 * does not end at a tenant.
 * Owner: struct data. Threads: immutable after data_new().
 */
#ifndef FIELDLINE_DATA_SCHEMA_H
#define FIELDLINE_DATA_SCHEMA_H

#include "base/arena.h"
#include "data/data.h"
#include "store/admin.h"

#define COLUMNS_MAX        PUBLISH_COLUMNS_MAX
#define RELATIONS_MAX      16
#define COLUMN_BIT(column) (1ull << (column)->index)
/* NOLINTBEGIN(bugprone-macro-parentheses): i is declared here */
#define COLUMNS_EACH(i, mask)                                                  \
    for (uint64_t left_ = (mask), i;                                           \
         left_ && ((i = (uint64_t)__builtin_ctzll(left_)), true);              \
         left_ &= left_ - 1)
/* NOLINTEND(bugprone-macro-parentheses) */

struct column {
    struct bytes name;
    struct bytes sql;  /* "name", quoted for SQL */
    struct bytes json; /* ,"name": */
    unsigned index;
    enum column_kind kind;
    bool not_null;
    bool bytewise; /* equality is that of the canonical text */
};

struct data_table {
    struct bytes name;
    struct bytes sql;
    uint64_t seed; /* of its tags */
    unsigned column_count;
    struct column *columns;
    const struct column *key;
    const struct column *tenant; /* or NULL */
    uint64_t tagged;             /* columns whose values have tags */
    bool unscoped;               /* a resource without a tenant serves it */
    unsigned resource_count;     /* that serve it, in the file's order: */
    struct data_resource *first, *last;
};

struct relation {
    struct bytes name;
    struct bytes alias; /* quoted for SQL */
    struct bytes json;  /* ,"name": */
    const struct data_resource *to;
    const struct column *on; /* own column, to-one; or NULL */
    const struct column *by; /* its column, to-many; or NULL */
};

struct data_resource {
    const struct resource_spec *spec;
    const struct data *data;
    const struct data_table *table;
    struct data_resource *next;  /* of the same table */
    const struct column *tenant; /* or NULL: unscoped */
    const struct column *user;   /* VISIBLE_USER, or NULL */
    uint64_t filter, sort;
    uint64_t read[ROLES_MAX], write[ROLES_MAX];
    role_mask create, remove;
    unsigned relation_count;
    struct relation *relations;
};

#define CURSOR_KEY_LEN 64

struct data {
    struct arena arena;
    enum store_dialect dialect;
    unsigned resource_count;
    struct data_resource *resources;
    unsigned table_count;
    struct data_table *tables;
    unsigned char cursor_key[CURSOR_KEY_LEN];
};

static inline uint64_t table_all(const struct data_table *t)
{
    return t->column_count == 64 ? ~0ull : (1ull << t->column_count) - 1;
}
const struct column *table_column(const struct data_table *, struct bytes name);
const struct data_table *data_table_named(const struct data *,
                                          struct bytes name);
const struct relation *resource_relation(const struct data_resource *,
                                         struct bytes name);
uint64_t resource_readable(const struct data_resource *, role_mask);
uint64_t resource_writable(const struct data_resource *, role_mask);

#endif
